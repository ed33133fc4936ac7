/* SPDX-License-Identifier: MIT
 * dedupe_by: a list of parts, hashed one behind the other with SHA-256.
 */
#include "intake/dedupe_by.h"

#include <sodium.h>
#include <stdlib.h>

struct part {
    const char *text;
    enum { PART_ID, PART_BODY, PART_FACT } what;
    struct facts *fact; /* owned; of PART_FACT */
};

struct dedupe_by {
    size_t n;
    struct part parts[];
};

_Static_assert(DEDUPE_DIGEST_BYTES == crypto_hash_sha256_BYTES, "the digest is SHA-256");

static enum err part_init(struct part *p, const char *text, struct why *w)
{
    *p = (struct part){.text = text, .what = strcmp(text, "body") == 0 ? PART_BODY : PART_ID};
    if (p->what == PART_BODY || strcmp(text, "event_id") == 0)
        return ERR_OK;
    p->what = PART_FACT;
    return facts_new(&text, 1, &p->fact, w);
}

enum err dedupe_by_new(const char *const *texts, size_t n, struct dedupe_by **out, struct why *w)
{
    struct dedupe_by *by = calloc(1, sizeof *by + n * sizeof by->parts[0]);
    if (!by)
        return why_set(w, ERR_NO_MEMORY, "out of memory for references");
    for (; by->n < n; by->n++) {
        enum err e = part_init(&by->parts[by->n], texts[by->n], w);
        if (e != ERR_OK) {
            dedupe_by_free(by);
            return e;
        }
    }
    *out = by;
    return ERR_OK;
}

void dedupe_by_free(struct dedupe_by *by)
{
    for (size_t i = 0; by && i < by->n; i++)
        facts_free(by->parts[i].fact);
    free(by);
}

bool dedupe_by_asks_json(const struct dedupe_by *by)
{
    for (size_t i = 0; i < by->n; i++)
        if (by->parts[i].fact && facts_ask_json(by->parts[i].fact))
            return true;
    return false;
}

bool dedupe_by_asks_path(const struct dedupe_by *by)
{
    for (size_t i = 0; i < by->n; i++)
        if (by->parts[i].fact && facts_ask_path(by->parts[i].fact))
            return true;
    return false;
}

static void add(crypto_hash_sha256_state *h, struct span s)
{
    uint64_t n = s.n;
    crypto_hash_sha256_update(h, (const uint8_t *)&n, sizeof n);
    crypto_hash_sha256_update(h, (const uint8_t *)s.p, s.n);
}

static enum err value_of(const struct part *p, const struct dedupe_event *event, struct arena *a, struct span *value)
{
    *value = event->sender_id;
    if (p->what == PART_BODY)
        *value = event->body.p ? event->body : SPAN_LIT("");
    return p->what == PART_FACT ? facts_find(p->fact, event->request, event->is_json, a, value) : ERR_OK;
}

enum err dedupe_by_digest(const struct dedupe_by *by, const struct dedupe_event *event, struct arena *a,
                          uint8_t digest[DEDUPE_DIGEST_BYTES], const char **missing)
{
    crypto_hash_sha256_state h;
    crypto_hash_sha256_init(&h);
    for (size_t i = 0; i < by->n; i++) {
        struct span value;
        enum err e = value_of(&by->parts[i], event, a, &value);
        if (e != ERR_OK)
            return e;
        if (!value.p) {
            *missing = by->parts[i].text;
            return ERR_NOT_FOUND;
        }
        add(&h, span_str(by->parts[i].text));
        add(&h, value);
    }
    crypto_hash_sha256_final(&h, digest);
    return ERR_OK;
}
