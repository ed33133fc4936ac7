/* SPDX-License-Identifier: MIT
 * ledger_core: what ledger.c and ledger_apply.c share. One thread at a time.
 */
#ifndef CREEL_SPOOL_LEDGER_CORE_H
#define CREEL_SPOOL_LEDGER_CORE_H

#include "spool/ledger.h"
#include "spool/names.h"

struct ledger {
    bool keep_ended;
    struct names *names;
    struct entry **slots; /* open addressing, a power of two, at most three quarters full */
    size_t n_slots, n;
    struct entry *oldest, *newest;
    struct segment_count {
        uint32_t segment, entries, unfinished;
    } *segments; /* ascending; those with entries */
    size_t n_segments, cap_segments;
    int64_t counts[STATE_COUNT];
};

/* A new entry, not routed, unfinished, the newest; NULL when memory is out. source and type are plain text. */
struct entry *ledger_add(struct ledger *l, const struct id *id, struct span source, struct span type, struct pos at);
/* Let the entry have exactly these invocations (taken over, malloc'ed) instead of those it has. */
void ledger_replace(struct ledger *l, struct entry *e, struct invocation *inv, uint16_t n, bool routed);

#endif
