/* SPDX-License-Identifier: MIT
 * fsck_line: one line of the journal against what the lines before it said. Stricter than the ledger, which makes the
 * best of what it gets. Never writes. One thread at a time.
 */
#include <inttypes.h>

#include "base/json.h"
#include "spool/fsck_core.h"

/* A line being checked. */
struct subject {
    struct fsck *f;
    const struct line *l;
    struct pos at;
    struct entry *e;      /* the event it speaks of; NULL: none or not known */
    struct invocation *i; /* and of that, the function's */
};

#define FAULT(s, fmt, ...)                                                                                             \
    fsck_say((s)->f, true, "journal/%012" PRIu32 ".jsonl at %" PRIu32 ": " fmt, (s)->at.segment, (s)->at.offset,       \
             ##__VA_ARGS__)

/* The same about something that is missing: lines that cannot be read explain it. */
#define MISSING(s, fmt, ...)                                                                                           \
    fsck_say((s)->f, !fsck_damaged((s)->f), "journal/%012" PRIu32 ".jsonl at %" PRIu32 ": " fmt "%s",                  \
             (s)->at.segment, (s)->at.offset, ##__VA_ARGS__,                                                           \
             fsck_damaged((s)->f) ? " (bytes before it cannot be read)" : "")

/* For messages. */
static const char *id_of(const struct line *l, char text[ID_TEXT_BYTES + 1])
{
    id_format(&l->id, text);
    text[ID_TEXT_BYTES] = 0;
    return text;
}
#define ID(s) id_of((s)->l, (char[ID_TEXT_BYTES + 1]){0})

static void check_segment(struct subject *s)
{
    if (s->l->segment != s->at.segment)
        FAULT(s, "this says it is segment %" PRIu32 ": the file was renamed or copied", s->l->segment);
}

static void check_event(struct subject *s)
{
    struct line_event e;
    buf_clear(&s->f->room);
    if (s->e)
        FAULT(s, "event %s is there a second time (first at %" PRIu32 ".%" PRIu32 ")", ID(s), s->e->at.segment,
              s->e->at.offset);
    if (line_event_decode(s->l->event, &s->f->room, &e) != ERR_OK)
        FAULT(s, "event %s is intact but cannot be decoded", ID(s));
}

static void check_carry(struct subject *s)
{
    struct line_event e;
    struct line_function f;
    struct span object;
    buf_clear(&s->f->room);
    if (line_event_decode(s->l->event, &s->f->room, &e) != ERR_OK)
        FAULT(s, "carried event %s is intact but cannot be decoded", ID(s));
    for (struct json_iter it = json_iter(s->l->functions); json_next_element(&it, &object);) {
        if (line_function_decode(object, &s->f->room, &f) != ERR_OK) {
            FAULT(s, "a function of carried event %s cannot be decoded", ID(s));
            continue;
        }
        struct invocation *i = s->e ? ledger_invocation(s->f->all, s->e, f.name) : NULL;
        if (i && f.attempts < i->attempts)
            FAULT(s, "event %s is carried with %" PRIu32 " attempts of %.*s, but %u are on record", ID(s), f.attempts,
                  (int)f.name.n, f.name.p, i->attempts);
    }
}

/* Lines about an event that is not there: the segment with it may have been retired, or its line is unreadable. */
static bool is_known(struct subject *s)
{
    if (!s->e && s->f->first_segment <= 1)
        MISSING(s, "%s line about event %s, which is not in the journal", kind_name(s->l->kind), ID(s));
    return s->e != NULL;
}

static void check_routed(struct subject *s)
{
    if (is_known(s) && s->e->routed)
        s->f->sum.repeated++;
}

static bool is_invoked(struct subject *s)
{
    if (!is_known(s))
        return false;
    if (!s->i)
        MISSING(s, "%s line about event %s and %.*s, which it was not routed to", kind_name(s->l->kind), ID(s),
              (int)s->l->function.n, s->l->function.p);
    return s->i != NULL;
}

static void check_attempt(struct subject *s)
{
    if (!is_invoked(s))
        return;
    uint32_t n = s->l->attempt;
    if (n <= s->i->attempts)
        s->f->sum.repeated++;
    else if (n > s->i->attempts + 1u)
        MISSING(s, "attempt %" PRIu32 " of event %s follows attempt %u", n, ID(s), s->i->attempts);
    else if (s->i->state == STATE_RUNNING)
        MISSING(s, "attempt %" PRIu32 " of event %s begins, but the one before has no outcome", n, ID(s));
}

static void check_outcome(struct subject *s)
{
    if (!is_invoked(s))
        return;
    uint32_t n = s->l->attempt;
    if (n < s->i->attempts || (n == s->i->attempts && s->i->state != STATE_RUNNING))
        s->f->sum.repeated++;
    else if (n > s->i->attempts)
        MISSING(s, "outcome of attempt %" PRIu32 " of event %s, which has no attempt line", n, ID(s));
}

static void check_void(struct subject *s)
{
    if (s->l->segment >= s->at.segment)
        FAULT(s, "a void line about segment %" PRIu32 ", which is not an earlier one", s->l->segment);
}

static void check_checkpoint(struct subject *s)
{
    struct pos low = ledger_low(s->f->unfinished, s->at);
    if (pos_cmp(s->l->from, s->at) > 0)
        FAULT(s, "a checkpoint of a place behind itself");
    else if (pos_cmp(low, s->l->from) < 0)
        MISSING(s, "a checkpoint at %" PRIu32 ".%" PRIu32 ", but the event at %" PRIu32 ".%" PRIu32 " is unfinished",
              s->l->from.segment, s->l->from.offset, low.segment, low.offset);
}

static void check_action(struct subject *s)
{
    if (s->l->has_id && is_known(s) && s->l->function.p)
        (void)is_invoked(s);
}

static void check_form(struct subject *s)
{
    struct json_error error;
    struct json_limits limits = {.max_depth = JSON_DEPTH_DEFAULT, .max_nodes = JSON_NODES_DEFAULT};
    if (json_check(s->l->text, limits, &error) != ERR_OK)
        FAULT(s, "an intact %s line that is not valid JSON: %s at %zu", kind_name(s->l->kind), error.what,
              error.offset);
    if (s->at.segment != s->f->segment && s->l->kind != KIND_SEGMENT)
        MISSING(s, "the segment's first line is missing");
    if (s->at.segment == s->f->segment && s->l->kind == KIND_SEGMENT)
        FAULT(s, "a segment line within a segment");
    s->f->segment = s->at.segment;
    if (s->l->has_safe && pos_cmp(s->l->safe, s->at) > 0)
        FAULT(s, "a safe mark of a place behind itself");
}

enum err fsck_line(struct fsck *f, const struct line *l, struct pos at)
{
    static void (*const check[KIND_COUNT])(struct subject *) = {
        [KIND_SEGMENT] = check_segment, [KIND_EVENT] = check_event,     [KIND_ROUTED] = check_routed,
        [KIND_ATTEMPT] = check_attempt, [KIND_OUTCOME] = check_outcome, [KIND_CARRY] = check_carry,
        [KIND_VOID] = check_void,       [KIND_TOMBSTONE] = check_void,  [KIND_CHECKPOINT] = check_checkpoint,
        [KIND_ACTION] = check_action,
    };
    struct subject s = {.f = f, .l = l, .at = at};
    if (l->has_id)
        s.e = ledger_find(f->all, &l->id);
    if (s.e && l->function.p) {
        buf_clear(&f->room);
        if (json_unescape(span_of(l->function.p - 1, l->function.n + 2), &f->room) == ERR_OK)
            s.i = ledger_invocation(f->all, s.e, buf_span(&f->room));
    }
    uint64_t before = f->sum.findings;
    f->sum.lines++;
    f->sum.kinds[l->kind]++;
    check_form(&s);
    check[l->kind](&s);
    if (l->kind == KIND_TOMBSTONE && l->segment > f->retired)
        f->retired = l->segment;
    enum err e = ledger_apply(f->all, l, at, NULL), of_unfinished = ledger_apply(f->unfinished, l, at, NULL);
    if (e == ERR_NO_MEMORY || of_unfinished == ERR_NO_MEMORY)
        return ERR_NO_MEMORY;
    if (e && f->sum.findings == before)
        MISSING(&s, "%s line about event %s, which the lifecycle does not allow", kind_name(l->kind), ID(&s));
    return ERR_OK;
}
