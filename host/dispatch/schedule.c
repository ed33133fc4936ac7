/* SPDX-License-Identifier: MIT
 * schedule: the heap and the retry policy.
 */
#include "dispatch/schedule.h"

#include <stdlib.h>

const struct retry_policy retry_default = {
    .rule = {[RETRY_ASKED] = {.base_ms = 1000, .cap_ms = 3600 * 1000, .factor = 2, .attempts = 5},
             [RETRY_CRASH] = {.base_ms = 1000, .cap_ms = 3600 * 1000, .factor = 2, .attempts = 5},
             [RETRY_TIMEOUT] = {.base_ms = 1000, .cap_ms = 3600 * 1000, .factor = 2, .attempts = 5}},
    .interruptions = 10,
};

enum { HEAP_FIRST = 64 };

void heap_fini(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}

static void put_at(struct heap *h, size_t i, struct due d)
{
    h->items[i] = d;
    d.inv->user = (uint32_t)(i + 1);
}

static void sift_up(struct heap *h, size_t i, struct due d)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (h->items[parent].key <= d.key)
            break;
        put_at(h, i, h->items[parent]);
        i = parent;
    }
    put_at(h, i, d);
}

static void sift_down(struct heap *h, size_t i, struct due d)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->n)
            break;
        if (child + 1 < h->n && h->items[child + 1].key < h->items[child].key)
            child++;
        if (h->items[child].key >= d.key)
            break;
        put_at(h, i, h->items[child]);
        i = child;
    }
    put_at(h, i, d);
}

static bool grow(struct heap *h)
{
    size_t cap = h->cap ? h->cap * 2 : HEAP_FIRST;
    struct due *items = reallocarray(h->items, cap, sizeof *items);
    if (!items)
        return false;
    h->items = items;
    h->cap = cap;
    return true;
}

static void shrink(struct heap *h)
{
    if (h->cap <= HEAP_FIRST || h->n > h->cap / 4)
        return;
    struct due *items = reallocarray(h->items, h->cap / 2, sizeof *items);
    if (items) {
        h->items = items;
        h->cap /= 2;
    }
}

enum err heap_push(struct heap *h, int64_t key, struct entry *entry, struct invocation *inv)
{
    bug_if(heap_holds(inv) || h->n >= UINT32_MAX);
    if (h->n == h->cap && !grow(h))
        return ERR_NO_MEMORY;
    h->n++;
    sift_up(h, h->n - 1, (struct due){key, entry, inv});
    return ERR_OK;
}

const struct due *heap_top(const struct heap *h)
{
    return h->n ? &h->items[0] : NULL;
}

void heap_remove(struct heap *h, struct invocation *inv)
{
    bug_if(!heap_holds(inv));
    size_t i = inv->user - 1;
    bug_if(i >= h->n || h->items[i].inv != inv);
    struct due last = h->items[--h->n];
    inv->user = 0;
    if (i < h->n) {
        if (i > 0 && h->items[(i - 1) / 2].key > last.key)
            sift_up(h, i, last);
        else
            sift_down(h, i, last);
    }
    shrink(h);
}

int64_t retry_delay_max(const struct retry_rule *r, uint32_t failures)
{
    double delay = (double)r->base_ms;
    for (uint32_t i = 1; i < failures && delay < (double)r->cap_ms; i++)
        delay *= r->factor;
    return delay < (double)r->cap_ms ? (int64_t)delay : r->cap_ms;
}

/* Full jitter: anything from 0 to most, alike. */
static int64_t jitter(int64_t most, uint64_t random)
{
    return most <= 0 ? 0 : (int64_t)(random % ((uint64_t)most + 1));
}

static const struct {
    bool final;
    enum retry_class class;
    const char *spent;
} classes[OUTCOME_COUNT] = {
    [OUTCOME_DONE] = {.final = true},
    [OUTCOME_REJECT] = {.final = true},
    [OUTCOME_RETRY] = {.class = RETRY_ASKED, .spent = "no attempt is left: it asked for a retry each time"},
    [OUTCOME_CRASH] = {.class = RETRY_CRASH, .spent = "no attempt is left: the last run crashed"},
    [OUTCOME_TIMEOUT] = {.class = RETRY_TIMEOUT, .spent = "no attempt is left: the last run passed its deadline"},
};

static struct verdict decide_lost(const struct retry_policy *p, uint32_t interrupted)
{
    if (interrupted > p->interruptions)
        return (struct verdict){STATE_DEAD, 0, "interrupted too often by the host"};
    return (struct verdict){STATE_PENDING, 0, NULL};
}

struct verdict retry_decide(const struct retry_policy *p, enum outcome o, uint32_t begun, uint32_t interrupted, int64_t after_ms,
                            uint64_t random)
{
    if (o == OUTCOME_LOST)
        return decide_lost(p, interrupted);
    if (classes[o].final)
        return (struct verdict){o == OUTCOME_DONE ? STATE_DONE : STATE_DEAD, 0, NULL};
    const struct retry_rule *r = &p->rule[classes[o].class];
    uint32_t spent = begun > interrupted ? begun - interrupted : 1;
    if (spent >= r->attempts)
        return (struct verdict){STATE_DEAD, 0, classes[o].spent};
    int64_t delay = after_ms >= 0 ? after_ms : jitter(retry_delay_max(r, spent), random);
    if (delay > RETRY_AFTER_MAX_MS)
        delay = RETRY_AFTER_MAX_MS;
    return (struct verdict){STATE_WAITING, delay, NULL};
}
