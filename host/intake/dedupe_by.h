/* SPDX-License-Identifier: MIT
 * dedupe_by: what makes two events of a source the same one, where that is not the sender's id alone: the body, or one or
 * several references, all of which must lead to something. The values are hashed each behind its length and the text of
 * its reference, so that no two lists of values, and no two ways of naming, can be taken for one another. Immutable: any
 * thread.
 */
#ifndef CREEL_INTAKE_DEDUPE_BY_H
#define CREEL_INTAKE_DEDUPE_BY_H

#include "intake/dedupe.h"
#include "recipe/facts.h"

struct dedupe_by;

/* Each text is "event_id", "body" or a reference; they must outlive it. ERR_INVALID with the reason. */
enum err dedupe_by_new(const char *const *texts, size_t n, struct dedupe_by **out, struct why *w);
void dedupe_by_free(struct dedupe_by *by); /* NULL is fine */
bool dedupe_by_asks_json(const struct dedupe_by *by);
bool dedupe_by_asks_path(const struct dedupe_by *by);

enum { DEDUPE_DIGEST_BYTES = 32 };
struct dedupe_event {
    const struct recipe_request *request; /* where references look; is_json as in facts_find */
    bool is_json;
    struct span sender_id; /* what its event_id references led to */
    struct span body;      /* raw */
};
/* What dedupe_key takes for this event. The arena is that of facts_find, whose errors are returned. ERR_NOT_FOUND:
 * *missing, a text, leads to nothing. */
enum err dedupe_by_digest(const struct dedupe_by *by, const struct dedupe_event *event, struct arena *a,
                          uint8_t digest[DEDUPE_DIGEST_BYTES], const char **missing);

#endif
