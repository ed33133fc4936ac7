/* SPDX-License-Identifier: MIT
 * limit: see limit.h. A set-associative table: a key's hash says which set of eight places it may be in.
 */
#include "intake/limit.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/stats.h"

enum { WAYS = 8, LOCKS_MAX = 64, NS_IN_MS = 1000000 };

struct place {
    uint64_t hash;
    int64_t until_ns; /* not after now: free */
};
struct set {
    struct place place[WAYS];
};

struct limit {
    atomic_int users;
    int64_t step_ns, full_ns; /* what one event costs; a whole burst */
    uint8_t secret[crypto_shorthash_KEYBYTES];
    size_t n_sets, n_locks; /* powers of two */
    pthread_mutex_t locks[LOCKS_MAX];
    struct set sets[];
};

enum err limit_new(const struct limit_rule *rule, struct limit **out)
{
    size_t n = 1;
    while ((int64_t)(n * WAYS) < rule->places)
        n *= 2;
    struct limit *l = calloc(1, sizeof *l + n * sizeof l->sets[0]);
    if (!l)
        return ERR_NO_MEMORY;
    atomic_init(&l->users, 1);
    l->step_ns = (rule->per_ms * NS_IN_MS + rule->rate - 1) / rule->rate;
    bug_if(l->step_ns < 1 || rule->burst < 1 || rule->burst > LIMIT_FULL_MAX_MS * NS_IN_MS / l->step_ns);
    l->full_ns = rule->burst * l->step_ns;
    l->n_sets = n;
    l->n_locks = n < LOCKS_MAX ? n : LOCKS_MAX;
    for (size_t i = 0; i < l->n_locks; i++)
        pthread_mutex_init(&l->locks[i], NULL);
    randombytes_buf(l->secret, sizeof l->secret);
    *out = l;
    return ERR_OK;
}

struct limit *limit_hold(struct limit *l)
{
    atomic_fetch_add_explicit(&l->users, 1, memory_order_relaxed);
    return l;
}

void limit_release(struct limit *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->users, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < l->n_locks; i++)
        pthread_mutex_destroy(&l->locks[i]);
    free(l);
}

size_t limit_bytes(const struct limit *l)
{
    return sizeof *l + l->n_sets * sizeof l->sets[0];
}

int64_t limit_full_ns(const struct limit *l)
{
    return l->full_ns;
}

/* ---- places ---- */

struct spot {
    pthread_mutex_t *lock;
    struct set *set;
    uint64_t hash;
};

uint64_t limit_name(const struct limit *l, struct span key)
{
    uint64_t name;
    uint8_t hash[crypto_shorthash_BYTES];
    _Static_assert(sizeof hash == sizeof name, "the hash is the name");
    crypto_shorthash(hash, (const uint8_t *)key.p, key.n, l->secret);
    memcpy(&name, hash, sizeof name);
    return name;
}

static struct spot lock_spot(struct limit *l, uint64_t key)
{
    size_t at = key & (l->n_sets - 1);
    const struct spot s = {&l->locks[at & (l->n_locks - 1)], &l->sets[at], key};
    pthread_mutex_lock(s.lock);
    return s;
}

static void unlock(const struct spot *s)
{
    pthread_mutex_unlock(s->lock);
}

/* The key's place; NULL: it has none, and *next is the one it would get. */
static struct place *find_locked(const struct spot *s, int64_t now_ns, struct place **next)
{
    *next = &s->set->place[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct place *p = &s->set->place[i];
        if (p->hash == s->hash && p->until_ns > now_ns)
            return p;
        if (p->until_ns < (*next)->until_ns)
            *next = p;
    }
    return NULL;
}

/* Until when the key is in debt, if it gets p: its own place, or the one it would get. */
static int64_t debt(const struct place *p, int64_t now_ns)
{
    return p->until_ns > now_ns ? p->until_ns : now_ns;
}

static void occupy_locked(const struct spot *s, struct place *p, int64_t now_ns, int64_t until_ns)
{
    if (p->hash != s->hash && p->until_ns > now_ns)
        stat_add(STAT_limit_evicted_total, 1);
    *p = (struct place){s->hash, until_ns};
}

static void describe(const struct limit *l, int64_t until_ns, int64_t now_ns, int64_t wanted_ns, struct limit_state *s)
{
    int64_t room = l->full_ns - (until_ns - now_ns);
    s->left = room > 0 ? room / l->step_ns : 0;
    s->wait_ns = room < wanted_ns ? wanted_ns - room : 0;
    s->more_ns = room < l->full_ns ? (s->left + 1) * l->step_ns - room : 0;
}

/* ---- debts ---- */

/* What n events cost; more than a burst never fits. */
static int64_t cost(const struct limit *l, int64_t n)
{
    return n <= l->full_ns / l->step_ns ? n * l->step_ns : l->full_ns + 1;
}

bool limit_take(struct limit *l, uint64_t key, int64_t n, int64_t now_ns, struct limit_state *s)
{
    const int64_t cost_ns = cost(l, n);
    struct place *next;
    struct spot spot = lock_spot(l, key);
    struct place *p = find_locked(&spot, now_ns, &next);
    p = p ? p : next;
    int64_t until = debt(p, now_ns);
    bool taken = until + cost_ns - now_ns <= l->full_ns;
    if (taken) {
        until += cost_ns;
        occupy_locked(&spot, p, now_ns, until);
    }
    unlock(&spot);
    describe(l, until, now_ns, taken ? l->step_ns : cost_ns, s);
    return taken;
}

void limit_give_back(struct limit *l, uint64_t key, int64_t n, int64_t taken_ns, int64_t now_ns)
{
    const int64_t left_ns = cost(l, n) - (now_ns - taken_ns);
    struct place *next;
    struct spot spot = lock_spot(l, key);
    struct place *p = find_locked(&spot, now_ns, &next);
    if (p && left_ns > 0)
        p->until_ns -= left_ns;
    unlock(&spot);
}

bool limit_would_take(struct limit *l, uint64_t key, int64_t n, int64_t now_ns, struct limit_state *s)
{
    struct place *next;
    struct spot spot = lock_spot(l, key);
    const struct place *p = find_locked(&spot, now_ns, &next);
    int64_t until = p ? p->until_ns : now_ns;
    unlock(&spot);
    describe(l, until, now_ns, cost(l, n), s);
    return s->wait_ns == 0;
}

void limit_charge(struct limit *l, uint64_t key, int64_t now_ns)
{
    struct place *next;
    struct spot spot = lock_spot(l, key);
    struct place *p = find_locked(&spot, now_ns, &next);
    p = p ? p : next;
    int64_t until = debt(p, now_ns) + l->step_ns, most = now_ns + l->full_ns;
    occupy_locked(&spot, p, now_ns, until < most ? until : most);
    unlock(&spot);
}

/* ---- marks ---- */

void limit_mark(struct limit *l, uint64_t key, int64_t now_ns, int64_t until_ns)
{
    struct place *next;
    struct spot spot = lock_spot(l, key);
    struct place *p = find_locked(&spot, now_ns, &next);
    occupy_locked(&spot, p ? p : next, now_ns, until_ns);
    unlock(&spot);
}

int64_t limit_marked(struct limit *l, uint64_t key, int64_t now_ns)
{
    struct place *next;
    struct spot spot = lock_spot(l, key);
    const struct place *p = find_locked(&spot, now_ns, &next);
    int64_t until = p ? p->until_ns : 0;
    unlock(&spot);
    return until;
}
