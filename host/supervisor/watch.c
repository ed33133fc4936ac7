/* SPDX-License-Identifier: MIT
 * watch: stamps of files and folders, and when to take them.
 */
#include "supervisor/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of one file; of a folder the sum over its files, whose order says nothing. Zeros: nothing is there. */
struct stamp {
    uint64_t half[2];
};
struct watched {
    char *path;   /* owned */
    char *suffix; /* owned; NULL: a file */
    struct stamp known, last; /* as the configuration was read; as the last look found it */
};

/* ---- stamps ---- */

static void add_file(struct stamp *to, int folder, const char *path, const char *name)
{
    struct stat st;
    struct stamp one;
    if (fstatat(folder, path, &st, 0) != 0)
        return;
    const uint64_t facts[] = {st.st_dev,           st.st_ino,          (uint64_t)st.st_size,
                              (uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec,
                              (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec};
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, sizeof one);
    crypto_generichash_update(&h, (const unsigned char *)facts, sizeof facts);
    crypto_generichash_update(&h, (const unsigned char *)name, strlen(name));
    crypto_generichash_final(&h, (unsigned char *)&one, sizeof one);
    to->half[0] += one.half[0];
    to->half[1] += one.half[1];
}

static bool counts(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return name[0] != '.' && n > m && strcmp(name + n - m, suffix) == 0;
}

static struct stamp stamp_of(const struct watched *of)
{
    struct stamp s = {{0, 0}};
    if (!of->suffix) {
        add_file(&s, AT_FDCWD, of->path, "");
        return s;
    }
    DIR *d = opendir(of->path);
    if (!d)
        return s;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (counts(e->d_name, of->suffix))
            add_file(&s, dirfd(d), e->d_name, e->d_name);
    closedir(d);
    return s;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* ---- the list ---- */

static void list_free(struct watched *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].path);
        free(list[i].suffix);
    }
    free(list);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct watched *)a)->path, ((const struct watched *)b)->path);
}

struct gathering {
    struct watched *list;
    size_t n, cap;
    bool failed; /* out of memory */
};

static void gather(void *arg, const char *path, const char *suffix)
{
    struct gathering *g = arg;
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 16;
        struct watched *more = reallocarray(g->list, cap, sizeof *more);
        if (!more) {
            g->failed = true;
            return;
        }
        g->list = more;
        g->cap = cap;
    }
    struct watched *one = &g->list[g->n++];
    *one = (struct watched){.path = strdup(path), .suffix = suffix ? strdup(suffix) : NULL};
    g->failed |= !one->path || (suffix && !one->suffix);
}

/* Sorted, each path once. */
static void settle(struct gathering *g)
{
    size_t kept = 0;
    if (g->n)
        qsort(g->list, g->n, sizeof *g->list, by_path);
    for (size_t i = 0; i < g->n; i++) {
        if (kept && by_path(&g->list[kept - 1], &g->list[i]) == 0) {
            free(g->list[i].path);
            free(g->list[i].suffix);
        } else {
            g->list[kept++] = g->list[i];
        }
    }
    g->n = kept;
}

/* Ask the kernel for hints: about a folder, of a file about the folder it is in. Asking again is harmless, and finds folders that
 * have been replaced. */
static void arm(const struct watch *w, const struct watched *one)
{
    const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB | IN_MOVE_SELF |
                          IN_DELETE_SELF | IN_ONLYDIR;
    char folder[PATH_MAX];
    const char *slash = strrchr(one->path, '/');
    size_t n = one->suffix || !slash ? strlen(one->path) : (size_t)(slash - one->path) + 1;
    if (w->fd < 0 || n >= sizeof folder)
        return;
    memcpy(folder, one->path, n);
    folder[n] = 0;
    (void)inotify_add_watch(w->fd, folder, mask);
}

void watch_init(struct watch *w)
{
    *w = (struct watch){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .look_ms = INT64_MAX};
}

void watch_fini(struct watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    list_free(w->list, w->n);
    *w = (struct watch){.fd = -1, .look_ms = INT64_MAX};
}

void watch_note(struct watch *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->list[i].known = w->list[i].last = stamp_of(&w->list[i]);
}

enum err watch_use(struct watch *w, const struct config *c, int64_t now_ms)
{
    struct gathering g = {0};
    config_watched(c, gather, &g);
    if (g.failed) {
        list_free(g.list, g.n);
        return ERR_NO_MEMORY;
    }
    settle(&g);
    for (size_t i = 0; i < g.n; i++) {
        const struct watched *old = w->n ? bsearch(&g.list[i], w->list, w->n, sizeof *w->list, by_path) : NULL;
        g.list[i].known = g.list[i].last = old ? old->known : stamp_of(&g.list[i]);
        arm(w, &g.list[i]);
    }
    list_free(w->list, w->n);
    w->list = g.list;
    w->n = g.n;
    if (w->look_ms > now_ms + WATCH_LOOK_MS)
        w->look_ms = now_ms + WATCH_LOOK_MS;
    return ERR_OK;
}

void watch_hint(struct watch *w, int64_t now_ms)
{
    char bytes[4096];
    while (read(w->fd, bytes, sizeof bytes) > 0)
        continue;
    if (w->look_ms > now_ms + WATCH_QUIET_MS)
        w->look_ms = now_ms + WATCH_QUIET_MS;
}

const char *watch_turn(struct watch *w, int64_t now_ms)
{
    struct watched *changed = NULL;
    bool settled = true;
    if (now_ms < w->look_ms)
        return NULL;
    for (size_t i = 0; i < w->n; i++) {
        struct watched *one = &w->list[i];
        const struct stamp now = stamp_of(one);
        arm(w, one);
        settled &= same(&now, &one->last);
        one->last = now;
        changed = same(&now, &one->known) ? changed : one;
    }
    w->look_ms = now_ms + (settled ? WATCH_LOOK_MS : WATCH_QUIET_MS);
    if (!changed || !settled)
        return NULL;
    for (size_t i = 0; i < w->n; i++)
        w->list[i].known = w->list[i].last;
    return changed->path;
}
