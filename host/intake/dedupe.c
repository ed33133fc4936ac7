/* SPDX-License-Identifier: MIT
 * dedupe: claims in a small chained table (as many as requests are in flight), remembered keys in one table a source,
 * and one for what the journal brought back at start. The lock is held for look-ups only, never for hashing or I/O.
 */
#include "intake/dedupe.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/stats.h"
#include "intake/seen.h"

enum { CHAINS = 4096 };

struct dedupe_source {
    char *name;
    struct seen *seen;
    struct dedupe_source *next;
};

struct dedupe {
    pthread_mutex_t lock;
    struct dedupe_claim *chains[CHAINS];
    struct dedupe_source *sources;
    struct seen *recalled;
};

struct dedupe *dedupe_new(size_t recalled_max)
{
    struct dedupe *d = calloc(1, sizeof *d);
    if (!d || !(d->recalled = seen_new(recalled_max))) {
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

static void source_free(struct dedupe_source *s)
{
    if (!s)
        return;
    seen_free(s->seen);
    free(s->name);
    free(s);
}

void dedupe_free(struct dedupe *d)
{
    if (!d)
        return;
    while (d->sources) {
        struct dedupe_source *s = d->sources;
        d->sources = s->next;
        source_free(s);
    }
    seen_free(d->recalled);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static struct dedupe_source *source_add_locked(struct dedupe *d, const char *name, size_t max)
{
    struct dedupe_source *s = calloc(1, sizeof *s);
    if (!s || !(s->name = strdup(name)) || !(s->seen = seen_new(max))) {
        source_free(s);
        return NULL;
    }
    s->next = d->sources;
    d->sources = s;
    return s;
}

struct dedupe_source *dedupe_source(struct dedupe *d, const char *name, size_t max)
{
    pthread_mutex_lock(&d->lock);
    struct dedupe_source *s = d->sources;
    while (s && strcmp(s->name, name) != 0)
        s = s->next;
    if (s)
        seen_set_max(s->seen, max);
    else
        s = source_add_locked(d, name, max);
    pthread_mutex_unlock(&d->lock);
    return s;
}

static void remember_locked(struct seen *s, const uint8_t *key, const struct id *id, int64_t until_ms, int64_t now_ms)
{
    uint64_t early = 0;
    size_t before = seen_count(s);
    if (seen_put(s, key, id, until_ms, now_ms, &early) != ERR_OK)
        early++; /* no memory: forgotten at once */
    if (early)
        stat_add(STAT_dedupe_forgotten_early_total, (int64_t)early);
    stat_add(STAT_dedupe_entries, (int64_t)seen_count(s) - (int64_t)before);
}

void dedupe_recall(struct dedupe *d, const uint8_t key[DEDUPE_KEY_BYTES], const struct id *id, int64_t until_ms,
                   int64_t now_ms)
{
    pthread_mutex_lock(&d->lock);
    remember_locked(d->recalled, key, id, until_ms, now_ms);
    pthread_mutex_unlock(&d->lock);
}

_Static_assert(crypto_shorthash_siphashx24_BYTES == DEDUPE_KEY_BYTES, "the hash is the key");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == DEDUPE_SALT_BYTES, "the salt is its key");

void dedupe_key(const uint8_t salt[DEDUPE_SALT_BYTES], const char *source, enum dedupe_kind by, struct span what,
                uint8_t key[DEDUPE_KEY_BYTES])
{
    /* Two passes instead of one concatenation: the source and the way of naming decide the key of the second. */
    uint8_t scope[DEDUPE_KEY_BYTES];
    crypto_shorthash_siphashx24(scope, (const uint8_t *)source, strlen(source), salt);
    scope[0] ^= (uint8_t)by;
    crypto_shorthash_siphashx24(key, (const uint8_t *)what.p, what.n, scope);
}

static struct dedupe_claim **chain_of(struct dedupe *d, const uint8_t *key)
{
    uint64_t h;
    memcpy(&h, key, sizeof h);
    return &d->chains[h % CHAINS];
}

static enum dedupe_answer ask_locked(struct dedupe *d, struct dedupe_claim *c, int64_t now_ms, struct id *first)
{
    struct dedupe_claim **chain = chain_of(d, c->key);

    for (struct dedupe_claim *other = *chain; other; other = other->next) {
        if (memcmp(other->key, c->key, sizeof c->key) != 0)
            continue;
        c->next = other->waiting;
        other->waiting = c;
        return DEDUPE_PENDING;
    }
    if (seen_find(c->source->seen, c->key, now_ms, first) || seen_find(d->recalled, c->key, now_ms, first))
        return DEDUPE_SEEN;
    c->waiting = NULL;
    c->next = *chain;
    *chain = c;
    return DEDUPE_NEW;
}

enum dedupe_answer dedupe_ask(struct dedupe *d, struct dedupe_claim *c, int64_t now_ms, struct id *first)
{
    pthread_mutex_lock(&d->lock);
    enum dedupe_answer a = ask_locked(d, c, now_ms, first);
    pthread_mutex_unlock(&d->lock);
    return a;
}

static struct dedupe_claim *reversed(struct dedupe_claim *list)
{
    struct dedupe_claim *out = NULL;
    while (list) {
        struct dedupe_claim *next = list->next;
        list->next = out;
        out = list;
        list = next;
    }
    return out;
}

struct dedupe_claim *dedupe_settle(struct dedupe *d, struct dedupe_claim *c, bool durable, int64_t now_ms)
{
    pthread_mutex_lock(&d->lock);
    struct dedupe_claim **at = chain_of(d, c->key);
    while (*at != c) {
        bug_if(!*at);
        at = &(*at)->next;
    }
    *at = c->next;
    if (durable)
        remember_locked(c->source->seen, c->key, &c->id, c->until_ms, now_ms);
    struct dedupe_claim *waited = c->waiting;
    c->waiting = NULL;
    pthread_mutex_unlock(&d->lock);
    return reversed(waited);
}
