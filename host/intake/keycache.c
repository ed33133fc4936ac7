/* SPDX-License-Identifier: MIT
 * keycache: a table of addresses, and what lies in the spool for each.
 */
#include "intake/keycache.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "recipe/key.h"
#include "spool/fetched.h"

enum { PATH_BYTES = 512, PLACES = FETCHED_FILES };

struct cached_keys {
    atomic_int users;
    struct keyring *ring; /* owned */
};

struct place {
    char hash[FETCHED_HASH_BYTES]; /* of the address; "": free */
    struct cached_keys *keys;      /* held; NULL: none */
    struct timespec mtime;         /* of the file that was read last, good or bad */
    ino_t inode;
    int64_t looked_ms, asked_ms, used_ms; /* monotonic; INT64_MIN: never */
};

struct keycache {
    pthread_mutex_t lock;
    char *source;         /* owned */
    struct place *places; /* owned, PLACES of them once there is one */
    int64_t credit_ms;    /* each ask costs KEYCACHE_REFILL_MS of it */
    int64_t credit_at_ms;
};

enum err keycache_new(const char *source, struct keycache **out)
{
    struct keycache *c = calloc(1, sizeof *c);
    if (!c || !(c->source = strdup(source))) {
        free(c);
        return ERR_NO_MEMORY;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->credit_ms = (int64_t)KEYCACHE_BURST * KEYCACHE_REFILL_MS;
    c->credit_at_ms = INT64_MIN;
    *out = c;
    return ERR_OK;
}

void keycache_free(struct keycache *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->places && i < PLACES; i++)
        cached_release(c->places[i].keys);
    pthread_mutex_destroy(&c->lock);
    free(c->places);
    free(c->source);
    free(c);
}

const struct keyring *cached_keyring(const struct cached_keys *k)
{
    return k->ring;
}

void cached_release(struct cached_keys *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->users, 1, memory_order_acq_rel) != 1)
        return;
    keyring_free(k->ring);
    free(k);
}

static struct cached_keys *hold(struct cached_keys *k)
{
    atomic_fetch_add_explicit(&k->users, 1, memory_order_relaxed);
    return k;
}

/* ---- places ---- */

static struct place *find(struct keycache *c, const char *hash)
{
    for (size_t i = 0; c->places && i < PLACES; i++)
        if (strcmp(c->places[i].hash, hash) == 0)
            return &c->places[i];
    return NULL;
}

/* Who has no keys goes before who has; then who was asked for the longest ago. */
static bool goes_before(const struct place *a, const struct place *b)
{
    if (!a->keys != !b->keys)
        return !a->keys;
    return a->used_ms < b->used_ms;
}

static struct place *take_place(struct keycache *c, const char *hash)
{
    if (!c->places && !(c->places = calloc(PLACES, sizeof *c->places)))
        return NULL;
    struct place *p = c->places;
    for (size_t i = 0; p->hash[0] && i < PLACES; i++)
        if (!c->places[i].hash[0] || goes_before(&c->places[i], p))
            p = &c->places[i];
    cached_release(p->keys);
    *p = (struct place){.looked_ms = INT64_MIN, .asked_ms = INT64_MIN};
    memcpy(p->hash, hash, sizeof p->hash);
    return p;
}

/* ---- the file ---- */

static struct cached_keys *decode(const struct keycache_ask *a, const struct place *p, struct span content, struct why *w)
{
    struct cached_keys *k = calloc(1, sizeof *k);
    const struct keyring_key one = {.id = p->hash, .encoding = a->format, .is_public = true, .raw = content, .not_after_ms = INT64_MAX};
    if (!k || keyring_new(a->recipe, &one, 1, &k->ring, w) != ERR_OK) {
        free(k);
        return NULL;
    }
    atomic_init(&k->users, 1);
    return k;
}

static void read_file(const struct keycache *c, const struct keycache_ask *a, struct place *p, int fd)
{
    struct buf content;
    struct why w = {"out of memory"};
    buf_init(&content, FETCHED_BYTES);
    struct cached_keys *keys = fs_read_fd(fd, &content, &w) == ERR_OK ? decode(a, p, buf_span(&content), &w) : NULL;
    buf_fini(&content);
    if (!keys) {
        log_line(LOG_WARN, "what was fetched is no key", LOG_T("source", c->source), LOG_T("file", p->hash), LOG_T("why", w.text));
        return; /* what was there before still serves */
    }
    cached_release(p->keys);
    p->keys = keys;
}

/* What has gone since it was read still serves: the folder is bounded, and others may have filled it. */
static void look(const struct keycache *c, const struct keycache_ask *a, struct place *p)
{
    struct buf path;
    struct stat st;
    buf_init(&path, PATH_BYTES);
    fetched_path(&path, span_str(c->source), a->url);
    int fd = path.failed ? -1 : openat(a->spool_fd, path.p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    buf_fini(&path);
    p->looked_ms = a->mono_ms;
    if (fd < 0)
        return;
    bool fresh = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                 (st.st_ino != p->inode || st.st_mtim.tv_sec != p->mtime.tv_sec || st.st_mtim.tv_nsec != p->mtime.tv_nsec);
    if (fresh) {
        p->inode = st.st_ino;
        p->mtime = st.st_mtim;
        read_file(c, a, p, fd);
    }
    close(fd);
}

/* ---- asking ---- */

static bool is_over(int64_t since_ms, int64_t now_ms, int64_t span_ms)
{
    return since_ms == INT64_MIN || now_ms - since_ms >= span_ms;
}

static bool pay(struct keycache *c, int64_t now_ms)
{
    int64_t most = (int64_t)KEYCACHE_BURST * KEYCACHE_REFILL_MS;
    if (c->credit_at_ms != INT64_MIN && now_ms > c->credit_at_ms)
        c->credit_ms += now_ms - c->credit_at_ms;
    c->credit_at_ms = now_ms;
    if (c->credit_ms > most)
        c->credit_ms = most;
    if (c->credit_ms < KEYCACHE_REFILL_MS)
        return false;
    c->credit_ms -= KEYCACHE_REFILL_MS;
    return true;
}

static bool may_ask(struct keycache *c, struct place *p, int64_t now_ms)
{
    if (!is_over(p->asked_ms, now_ms, KEYCACHE_ASK_MS) || !pay(c, now_ms))
        return false;
    p->asked_ms = now_ms;
    return true;
}

static bool any_live(const struct place *p, int64_t wall_ms)
{
    for (size_t i = 0; p->keys && i < p->keys->ring->n; i++)
        if (key_live(&p->keys->ring->keys[i], wall_ms))
            return true;
    return false;
}

struct cached_keys *keycache_find(struct keycache *c, const struct keycache_ask *a, bool *fetch)
{
    char hash[FETCHED_HASH_BYTES];
    struct cached_keys *found = NULL;
    *fetch = false;
    fetched_hash(a->url, hash);
    pthread_mutex_lock(&c->lock);
    struct place *p = find(c, hash);
    if (!p)
        p = take_place(c, hash);
    if (p) {
        p->used_ms = a->mono_ms;
        if (is_over(p->looked_ms, a->mono_ms, KEYCACHE_LOOK_MS))
            look(c, a, p);
        bool good = any_live(p, a->wall_ms);
        int64_t age_ms = a->wall_ms - (int64_t)p->mtime.tv_sec * 1000;
        if (good)
            found = hold(p->keys);
        if (!good || age_ms >= KEYCACHE_AGE_MS)
            *fetch = may_ask(c, p, a->mono_ms);
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

bool keycache_doubt(struct keycache *c, struct span url, int64_t mono_ms)
{
    char hash[FETCHED_HASH_BYTES];
    fetched_hash(url, hash);
    pthread_mutex_lock(&c->lock);
    struct place *p = find(c, hash);
    bool yes = p && may_ask(c, p, mono_ms);
    pthread_mutex_unlock(&c->lock);
    return yes;
}

bool keycache_allows(struct keycache *c, int64_t mono_ms)
{
    pthread_mutex_lock(&c->lock);
    bool yes = pay(c, mono_ms);
    pthread_mutex_unlock(&c->lock);
    return yes;
}
