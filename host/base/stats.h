/* SPDX-License-Identifier: MIT
 * stats: the counters of stats.tbl, in a memory segment that the supervisor holds, so that they outlive the process that
 * counts. One segment holds all; each counter has one writing process (the role of its row). Any thread of it may count.
 */
#ifndef CREEL_BASE_STATS_H
#define CREEL_BASE_STATS_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/err.h"

enum stat_id {
#define X(role, name, type, help) STAT_##name,
#include "base/stats.tbl"
#undef X
    STAT_COUNT
};

struct stat_row {
    const char *role, *name, *type, *help;
};
extern const struct stat_row stat_rows[STAT_COUNT];

/* What both roles share: the position known synced, how far dispatch's records have come, and the counters. Lives in a memory file
 * that the supervisor holds, so that it outlives them. */
struct shared {
    _Atomic uint64_t safe;         /* struct pos packed (spool/pos.h); written by intake only */
    _Atomic uint64_t intake_epoch; /* rises by one with each intake that finished its recovery */
    _Atomic uint64_t promised;     /* the highest mark that any dispatch has sent; written by dispatch only */
    _Atomic uint64_t recorded;     /* the mark up to which its records are synced; written by intake only */
    _Atomic int64_t accepting;     /* 1 while intake accepts events */
    _Atomic int64_t dispatching;   /* 1 while dispatch has finished its start */
    _Atomic int64_t stats[STAT_COUNT];
};

/* A new zeroed segment as a memfd (close-on-exec). */
enum err shared_create(int *fd, struct why *w);
/* Map fd read-write. The mapping lives until the process ends; the descriptor may be closed. */
enum err shared_map(int fd, struct shared **out, struct why *w);

/* Where stat_add counts. NULL (the start value) counts into memory of the process' own. Call before threads start. */
void stats_use(struct shared *s);
void stat_add(enum stat_id s, int64_t n);
void stat_set(enum stat_id s, int64_t v);
int64_t stat_get(enum stat_id s);

#endif
