/* SPDX-License-Identifier: MIT
 * dedupe: is this event new? NEW: nobody sent it within its window; the asker now holds the claim. PENDING: a first
 * copy is on its way to disk; the asker waits for that one's fate. SEEN: it is on disk. Keys are 128-bit keyed hashes
 * scoped to the source. Owns the remembered keys (seen.h) and the claims' table, never the claims themselves. Any
 * thread; one leaf lock.
 */
#ifndef CREEL_INTAKE_DEDUPE_H
#define CREEL_INTAKE_DEDUPE_H

#include <stdint.h>
#include "base/err.h"
#include "base/id.h"

enum { DEDUPE_KEY_BYTES = 16, DEDUPE_SALT_BYTES = 16, DEDUPE_BODY_WINDOW_MS = 5 * 60 * 1000 };

struct dedupe;
struct dedupe_source; /* what is remembered of one source; lives as long as the dedupe */

/* recalled_max: how many keys of former runs are kept at most. */
struct dedupe *dedupe_new(size_t recalled_max);
void dedupe_free(struct dedupe *d);

/* The source of this name, made if it is new; max applies from now on. NULL: out of memory. */
struct dedupe_source *dedupe_source(struct dedupe *d, const char *name, size_t max);
/* A key from the journal at start. Which source it was of need not be known: the key is scoped. */
void dedupe_recall(struct dedupe *d, const uint8_t key[DEDUPE_KEY_BYTES], const struct id *id, int64_t until_ms,
                   int64_t now_ms);

/* What is hashed: the sender's id; the body's SHA-256; of a confirmation its address; what several references lead to
 * (dedupe_by.h); of a refused request that is run again, and has none of these, its own id. */
enum dedupe_kind { DEDUPE_BY_ID, DEDUPE_BY_BODY, DEDUPE_BY_URL, DEDUPE_BY_PARTS, DEDUPE_BY_REQUEST };
void dedupe_key(const uint8_t salt[DEDUPE_SALT_BYTES], const char *source, enum dedupe_kind by, struct span what,
                uint8_t key[DEDUPE_KEY_BYTES]);

struct dedupe_claim {
    uint8_t key[DEDUPE_KEY_BYTES];
    struct id id; /* ours, of the event it would become */
    int64_t until_ms;
    struct dedupe_source *source;
    void *owner; /* the asker's own */
    struct dedupe_claim *next;    /* in its chain, or the next one that waited */
    struct dedupe_claim *waiting; /* those who wait for this one */
};

enum dedupe_answer { DEDUPE_NEW, DEDUPE_PENDING, DEDUPE_SEEN };

/* Ask, with key, id, until_ms and source filled in. NEW: the claim is held until dedupe_settle. PENDING: the claim is
 * tied to the first copy's and comes back from its dedupe_settle, maybe before this call has returned. SEEN: *first is
 * the id. */
enum dedupe_answer dedupe_ask(struct dedupe *d, struct dedupe_claim *c, int64_t now_ms, struct id *first);
/* The fate of a NEW claim: durable, then it is remembered; or not, then it is forgotten. Returns those who waited,
 * linked by next, in the order they came. */
struct dedupe_claim *dedupe_settle(struct dedupe *d, struct dedupe_claim *c, bool durable, int64_t now_ms);

#endif
