/* SPDX-License-Identifier: MIT
 * ledger: entries, their table and order, and the counts that follow from them. Owns every entry. One thread at a time.
 */
#include "spool/ledger.h"

#include <stdlib.h>

#include "spool/ledger_core.h"

enum { SLOTS_FIRST = 64 };

struct ledger *ledger_new(bool keep_ended)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->keep_ended = keep_ended;
    l->n_slots = SLOTS_FIRST;
    l->slots = calloc(l->n_slots, sizeof(struct entry *));
    l->names = names_new();
    if (l->slots && l->names)
        return l;
    ledger_free(l);
    return NULL;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    for (struct entry *e = l->oldest, *newer; e; e = newer) {
        newer = e->newer;
        free(e->inv);
        free(e);
    }
    names_free(l->names);
    free(l->segments);
    free(l->slots);
    free(l);
}

/* ---- the table ---- */

static size_t home(const struct ledger *l, const struct id *id)
{
    return id_hash(id) & (l->n_slots - 1);
}

/* The slot that holds id, or the empty one where it belongs. */
static size_t slot_of(const struct ledger *l, const struct id *id)
{
    size_t i = home(l, id);
    while (l->slots[i] && id_cmp(&l->slots[i]->id, id) != 0)
        i = (i + 1) & (l->n_slots - 1);
    return i;
}

static bool grow_slots(struct ledger *l)
{
    struct entry **old = l->slots;
    size_t n_old = l->n_slots;
    struct entry **slots = calloc(n_old * 2, sizeof(struct entry *));
    if (!slots)
        return false;
    l->slots = slots;
    l->n_slots = n_old * 2;
    for (size_t i = 0; i < n_old; i++)
        if (old[i])
            slots[slot_of(l, &old[i]->id)] = old[i];
    free(old);
    return true;
}

/* Empty a slot and close the gap: what was pushed past it by its being full moves back. */
static void empty_slot(struct ledger *l, size_t gap)
{
    size_t mask = l->n_slots - 1;
    for (size_t i = (gap + 1) & mask; l->slots[i]; i = (i + 1) & mask) {
        size_t from_home = (i - home(l, &l->slots[i]->id)) & mask;
        if (from_home >= ((i - gap) & mask)) {
            l->slots[gap] = l->slots[i];
            gap = i;
        }
    }
    l->slots[gap] = NULL;
}

struct entry *ledger_find(struct ledger *l, const struct id *id)
{
    return l->slots[slot_of(l, id)];
}

size_t ledger_count(const struct ledger *l)
{
    return l->n;
}

/* ---- order ---- */

static void link_newest(struct ledger *l, struct entry *e)
{
    e->older = l->newest;
    e->newer = NULL;
    if (l->newest)
        l->newest->newer = e;
    else
        l->oldest = e;
    l->newest = e;
}

static void unlink_entry(struct ledger *l, struct entry *e)
{
    if (e->older)
        e->older->newer = e->newer;
    else
        l->oldest = e->newer;
    if (e->newer)
        e->newer->older = e->older;
    else
        l->newest = e->older;
}

struct entry *ledger_oldest(struct ledger *l)
{
    return l->oldest;
}

struct pos ledger_low(const struct ledger *l, struct pos end)
{
    const struct entry *e = l->oldest;
    while (e && ledger_ended(e))
        e = e->newer;
    return e ? e->at : end;
}

/* ---- unfinished events by segment ---- */

/* Where `segment` is or belongs. Lines come in order, so it is nearly always the last or the first. */
static size_t segment_index(const struct ledger *l, uint32_t segment)
{
    size_t low = 0, high = l->n_segments;
    if (high && l->segments[high - 1].segment < segment)
        return high;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->segments[mid].segment < segment)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* An entry more in this segment; false when memory is out. */
static bool enter_segment(struct ledger *l, uint32_t segment, bool unfinished)
{
    size_t i = segment_index(l, segment);
    if (i == l->n_segments || l->segments[i].segment != segment) {
        if (l->n_segments == l->cap_segments) {
            size_t cap = l->cap_segments ? l->cap_segments * 2 : 16;
            struct segment_count *grown = realloc(l->segments, cap * sizeof *grown);
            if (!grown)
                return false;
            l->segments = grown;
            l->cap_segments = cap;
        }
        memmove(l->segments + i + 1, l->segments + i, (l->n_segments - i) * sizeof *l->segments);
        l->segments[i] = (struct segment_count){.segment = segment};
        l->n_segments++;
    }
    l->segments[i].entries++;
    l->segments[i].unfinished += unfinished;
    return true;
}

static struct segment_count *segment_of(struct ledger *l, const struct entry *e)
{
    size_t i = segment_index(l, e->at.segment);
    bug_if(i == l->n_segments || l->segments[i].segment != e->at.segment);
    return l->segments + i;
}

static void leave_segment(struct ledger *l, const struct entry *e)
{
    struct segment_count *s = segment_of(l, e);
    s->unfinished -= !ledger_ended(e);
    if (--s->entries)
        return;
    l->n_segments--;
    memmove(s, s + 1, (size_t)(l->segments + l->n_segments - s) * sizeof *s);
}

/* Its invocations changed: it was ended or not before. */
static void recount(struct ledger *l, const struct entry *e, bool was_ended)
{
    bool ended = ledger_ended(e);
    if (ended == was_ended)
        return;
    struct segment_count *s = segment_of(l, e);
    s->unfinished += was_ended ? 1 : UINT32_MAX;
}

uint32_t ledger_in_segment(const struct ledger *l, uint32_t segment)
{
    size_t i = segment_index(l, segment);
    return i < l->n_segments && l->segments[i].segment == segment ? l->segments[i].unfinished : 0;
}

void ledger_move(struct ledger *l, struct entry *e, struct pos at)
{
    if (!enter_segment(l, at.segment, !ledger_ended(e)))
        return;
    leave_segment(l, e);
    e->at = at;
    unlink_entry(l, e);
    link_newest(l, e);
}

/* ---- entries ---- */

struct entry *ledger_add(struct ledger *l, const struct id *id, struct span source, struct span type, struct pos at)
{
    if ((l->n + 1) * 4 > l->n_slots * 3 && !grow_slots(l))
        return NULL;
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->id = *id;
    e->at = at;
    e->source = names_take(l->names, source);
    e->type = names_take(l->names, type);
    if (e->source == NAMES_NONE || e->type == NAMES_NONE || !enter_segment(l, at.segment, true)) {
        if (e->source != NAMES_NONE)
            names_release(l->names, e->source);
        if (e->type != NAMES_NONE)
            names_release(l->names, e->type);
        free(e);
        return NULL;
    }
    l->slots[slot_of(l, id)] = e;
    l->n++;
    link_newest(l, e);
    return e;
}

void ledger_remove(struct ledger *l, struct entry *e)
{
    leave_segment(l, e);
    unlink_entry(l, e);
    empty_slot(l, slot_of(l, &e->id));
    l->n--;
    for (uint16_t i = 0; i < e->n; i++)
        l->counts[e->inv[i].state]--;
    names_release(l->names, e->source);
    names_release(l->names, e->type);
    free(e->inv);
    free(e);
}

void ledger_replace(struct ledger *l, struct entry *e, struct invocation *inv, uint16_t n, bool routed)
{
    bool was_ended = ledger_ended(e);
    for (uint16_t i = 0; i < e->n; i++)
        l->counts[e->inv[i].state]--;
    for (uint16_t i = 0; i < n; i++)
        l->counts[inv[i].state]++;
    free(e->inv);
    e->inv = inv;
    e->n = n;
    e->routed = routed;
    recount(l, e, was_ended);
}

enum err ledger_route(struct ledger *l, struct entry *e, const struct span *functions, size_t n)
{
    if (e->routed || n > LINE_FUNCTIONS_MAX)
        return ERR_INVALID;
    struct invocation *inv = n + e->n ? calloc(n + e->n, sizeof *inv) : NULL;
    if (n + e->n && !inv)
        return ERR_NO_MEMORY;
    uint16_t kept = e->n;
    if (kept)
        memcpy(inv, e->inv, kept * sizeof *inv);
    for (size_t i = 0; i < n; i++) {
        uint32_t function = ledger_intern(l, functions[i]);
        if (function == NAMES_NONE) {
            free(inv);
            return ERR_NO_MEMORY;
        }
        uint16_t k = 0;
        while (k < kept && inv[k].function != function)
            k++;
        if (k == kept && kept < LINE_FUNCTIONS_MAX) /* one named twice is one */
            inv[kept++] = (struct invocation){.function = (uint16_t)function, .state = STATE_PENDING};
    }
    ledger_replace(l, e, inv, kept, true);
    return ERR_OK;
}

struct invocation *ledger_assume(struct ledger *l, struct entry *e, struct span function)
{
    struct invocation *known = ledger_invocation(l, e, function);
    uint32_t number = known || e->n == LINE_FUNCTIONS_MAX ? NAMES_NONE : ledger_intern(l, function);
    if (number == NAMES_NONE)
        return known;
    struct invocation *inv = reallocarray(e->inv, e->n + 1u, sizeof *inv);
    if (!inv)
        return NULL;
    e->inv = inv;
    inv[e->n] = (struct invocation){.function = (uint16_t)number, .state = STATE_PENDING};
    l->counts[STATE_PENDING]++;
    return inv + e->n++;
}

enum err ledger_set(struct ledger *l, struct entry *e, struct invocation *i, enum state to)
{
    if (!state_may_follow((enum state)i->state, to))
        return ERR_INVALID;
    bool was_ended = ledger_ended(e);
    l->counts[i->state]--;
    l->counts[to]++;
    i->state = (uint8_t)to;
    if (to != STATE_WAITING)
        i->due_ms = 0;
    recount(l, e, was_ended);
    return ERR_OK;
}

bool ledger_ended(const struct entry *e)
{
    if (!e->routed)
        return false;
    for (uint16_t i = 0; i < e->n; i++)
        if (e->inv[i].state != STATE_DONE && e->inv[i].state != STATE_DEAD)
            return false;
    return true;
}

enum state ledger_state(const struct entry *e)
{
    unsigned counts[STATE_COUNT] = {0};
    for (uint16_t i = 0; i < e->n; i++)
        counts[e->inv[i].state]++;
    return state_of_event(counts, e->routed);
}

struct invocation *ledger_invocation(struct ledger *l, struct entry *e, struct span function)
{
    for (uint16_t i = 0; i < e->n; i++)
        if (span_eq(names_text(l->names, e->inv[i].function), function))
            return e->inv + i;
    return NULL;
}

uint32_t ledger_intern(struct ledger *l, struct span name)
{
    return names_function(l->names, name);
}

struct span ledger_name(const struct ledger *l, uint32_t n)
{
    return names_text(l->names, n);
}

const int64_t *ledger_counts(const struct ledger *l)
{
    return l->counts;
}
