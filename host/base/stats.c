/* SPDX-License-Identifier: MIT
 * stats: counting into the shared segment. Relaxed atomics: each counter stands for itself.
 */
#include "base/stats.h"

#include <sys/mman.h>
#include <unistd.h>

const struct stat_row stat_rows[STAT_COUNT] = {
#define X(role, name, type, help) [STAT_##name] = {#role, #name, #type, help},
#include "base/stats.tbl"
#undef X
};

static struct shared own;
static struct shared *current = &own;

enum err shared_create(int *fd, struct why *w)
{
    int made = memfd_create("creel-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return why_errno(w, "cannot create the shared segment");
    if (ftruncate(made, sizeof(struct shared)) != 0) {
        why_errno(w, "cannot size the shared segment");
        close(made);
        return ERR_SYSTEM;
    }
    *fd = made;
    return ERR_OK;
}

enum err shared_map(int fd, struct shared **out, struct why *w)
{
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return why_errno(w, "cannot map the shared segment");
    *out = p;
    return ERR_OK;
}

void stats_use(struct shared *s)
{
    current = s ? s : &own;
}

void stat_add(enum stat_id s, int64_t n)
{
    atomic_fetch_add_explicit(&current->stats[s], n, memory_order_relaxed);
}

void stat_set(enum stat_id s, int64_t v)
{
    atomic_store_explicit(&current->stats[s], v, memory_order_relaxed);
}

int64_t stat_get(enum stat_id s)
{
    return atomic_load_explicit(&current->stats[s], memory_order_relaxed);
}
