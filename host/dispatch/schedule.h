/* SPDX-License-Identifier: MIT
 * schedule: what is next and when to try again. A heap of invocations ordered by a number (a due time, or an order of arrival),
 * and the retry policy. Pure: no clock, no I/O; time and randomness are passed in. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_SCHEDULE_H
#define CREEL_DISPATCH_SCHEDULE_H

#include <stdint.h>
#include "base/err.h"
#include "spool/ledger.h"

/* One place in a heap. The invocation's `user` is its index plus one while it lies in a heap, 0 otherwise; an invocation is in
 * at most one heap. */
struct due {
    int64_t key;
    struct entry *entry;
    struct invocation *inv;
};

struct heap {
    struct due *items; /* owned; the smallest key first, children of i at 2i+1 and 2i+2 */
    size_t n, cap;
};

void heap_fini(struct heap *h); /* the invocations' `user` are left as they are */
/* ERR_NO_MEMORY. An invocation that is in a heap already is a bug. */
enum err heap_push(struct heap *h, int64_t key, struct entry *entry, struct invocation *inv);
/* The smallest, or NULL. Valid until the next change. */
const struct due *heap_top(const struct heap *h);
/* Take out one that is in this heap; anything else is a bug. O(log n). */
void heap_remove(struct heap *h, struct invocation *inv);
static inline bool heap_holds(const struct invocation *inv)
{
    return inv->user != 0;
}

/* The classes of failure with a policy of their own. */
enum retry_class { RETRY_ASKED, RETRY_CRASH, RETRY_TIMEOUT, RETRY_CLASSES };

struct retry_rule {
    int64_t base_ms, cap_ms;
    double factor;
    uint32_t attempts; /* runs at most, all classes counted together */
};

struct retry_policy {
    struct retry_rule rule[RETRY_CLASSES];
    uint32_t interruptions; /* runs that the host itself may cut off before the invocation is given up */
};
extern const struct retry_policy retry_default;

#define RETRY_AFTER_MAX_MS (30LL * 24 * 3600 * 1000) /* a function cannot ask for more than 30 days */

/* What follows from an outcome. */
struct verdict {
    enum state state; /* DONE, WAITING, PENDING (interrupted) or DEAD */
    int64_t delay_ms; /* WAITING: from now */
    const char *why;  /* DEAD: static text, NULL when the function itself said why */
};

/* `begun` runs so far since the event came or was last replayed, interrupted ones among them; this one and, when it was cut
 * off, its interruption are counted. after_ms: what the function asked for, -1 for nothing. random: any 64 bits, full jitter
 * is drawn from them. */
struct verdict retry_decide(const struct retry_policy *p, enum outcome o, uint32_t begun, uint32_t interrupted, int64_t after_ms,
                            uint64_t random);
/* The longest delay before run number `failures` + 1: base * factor^(failures - 1), capped. */
int64_t retry_delay_max(const struct retry_rule *r, uint32_t failures);

#endif
