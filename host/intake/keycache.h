/* SPDX-License-Identifier: MIT
 * keycache: the keys of one source that were fetched (spool/fetched.h): decoded once, looked for again when a second has passed,
 * asked for again when they are a day old, while they still serve. Says what has to be asked for, at most once a minute for one
 * address and not often for all: a flood of requests with invented addresses is no flood of fetches. Bounded. Any thread; one lock,
 * held while a small file is read.
 */
#ifndef CREEL_INTAKE_KEYCACHE_H
#define CREEL_INTAKE_KEYCACHE_H

#include <stdint.h>
#include "recipe/recipe.h"

enum {
    KEYCACHE_LOOK_MS = 1000,         /* between two looks for a file, there or not */
    KEYCACHE_ASK_MS = 60 * 1000,     /* between two asks for one address */
    KEYCACHE_AGE_MS = 24 * 3600 * 1000, /* older: asked for again */
    KEYCACHE_BURST = 16,             /* asks of one source at once … */
    KEYCACHE_REFILL_MS = 5 * 1000    /* … and then one in so long */
};

struct keycache;
struct cached_keys; /* decoded keys that somebody holds */

struct keycache_ask {
    int spool_fd;
    const struct recipe *recipe;
    struct span url;
    const char *format; /* a key encoding */
    int64_t wall_ms, mono_ms;
};

/* source: its name, copied. ERR_NO_MEMORY. */
enum err keycache_new(const char *source, struct keycache **out);
void keycache_free(struct keycache *c); /* nobody uses it any more; what is held stays. NULL is fine */
/* The keys that this address gave, for the caller to release; NULL: there are none that are valid now. *fetch: have them fetched. */
struct cached_keys *keycache_find(struct keycache *c, const struct keycache_ask *a, bool *fetch);
/* They did not prove a request: another key may have come since. True when they may be fetched again. */
bool keycache_doubt(struct keycache *c, struct span url, int64_t mono_ms);
/* One more fetch of another kind, if there have not been too many. */
bool keycache_allows(struct keycache *c, int64_t mono_ms);

/* Lives until cached_release. */
const struct keyring *cached_keyring(const struct cached_keys *k);
void cached_release(struct cached_keys *k); /* NULL is fine */

#endif
