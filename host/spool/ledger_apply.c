/* SPDX-License-Identifier: MIT
 * ledger_apply: one journal line into the ledger, by the rules in ledger.h. Owns nothing. One thread at a time.
 */
#include <stdlib.h>

#include "base/json.h"
#include "spool/ledger_core.h"

/* The text between the quotes, unescaped into b where it must be; SPAN_NONE when that cannot be done. */
static struct span plain(struct span inside, struct buf *b)
{
    if (!inside.p || !inside.n || !memchr(inside.p, '\\', inside.n))
        return inside;
    size_t at = b->n;
    if (json_unescape(span_of(inside.p - 1, inside.n + 2), b) != ERR_OK)
        return SPAN_NONE;
    return span_of(b->p + at, b->n - at);
}

static enum err add_event(struct ledger *l, const struct line *line, struct pos at, struct entry **out)
{
    struct buf b, c;
    buf_init(&b, line->source.n + 1);
    buf_init(&c, line->type.n + 1);
    struct span source = plain(line->source, &b), type = plain(line->type, &c);
    struct entry *e = source.p && type.p ? ledger_add(l, &line->id, source, type, at) : NULL;
    buf_fini(&b);
    buf_fini(&c);
    if (!e)
        return ERR_NO_MEMORY;
    e->received_ms = line->received_ms;
    e->unsigned_source = line->unsigned_source;
    e->violated = line->violation.p != NULL;
    *out = e;
    return ERR_OK;
}

static enum err apply_event(struct ledger *l, const struct line *line, struct pos at, struct entry **e)
{
    return *e ? ERR_OK : add_event(l, line, at, e);
}

static enum err apply_routed(struct ledger *l, const struct line *line, struct pos at, struct entry **e)
{
    (void)at;
    if (!*e || (*e)->routed)
        return ERR_OK;
    struct span functions[LINE_FUNCTIONS_MAX], value;
    size_t n = 0;
    struct buf b;
    buf_init(&b, line->functions.n + 1);
    /* Room first: unescaped names must not move. There are none as a rule. */
    bool escaped = memchr(line->functions.p, '\\', line->functions.n);
    enum err err = !escaped || buf_reserve(&b, line->functions.n) ? ERR_OK : ERR_NO_MEMORY;
    for (struct json_iter it = json_iter(line->functions); !err && json_next_element(&it, &value); n++) {
        if (n == LINE_FUNCTIONS_MAX || json_type_of(value) != JSON_STRING)
            err = ERR_CORRUPT;
        else if (!(functions[n] = plain(span_of(value.p + 1, value.n - 2), &b)).p)
            err = ERR_CORRUPT;
    }
    if (!err)
        err = ledger_route(l, *e, functions, n);
    buf_fini(&b);
    return err;
}

static struct invocation *named(struct ledger *l, struct entry *e, struct span function)
{
    struct buf b;
    buf_init(&b, function.n + 1);
    struct span name = plain(function, &b);
    struct invocation *i = ledger_invocation(l, e, name);
    if (!i && name.p && !e->routed)
        i = ledger_assume(l, e, name);
    buf_fini(&b);
    return i;
}

/* To `to` by way of what must have been in between; ERR_INVALID when there is no way that is not a replay. */
static enum err go(struct ledger *l, struct entry *e, struct invocation *i, enum state to)
{
    bool ended = i->state == STATE_DONE || i->state == STATE_DEAD;
    if (!ended && i->state != STATE_PENDING && !state_may_follow((enum state)i->state, to))
        (void)ledger_set(l, e, i, STATE_PENDING);
    return ended ? ERR_INVALID : ledger_set(l, e, i, to);
}

static enum err apply_attempt(struct ledger *l, const struct line *line, struct pos at, struct entry **e)
{
    struct invocation *i = *e ? named(l, *e, line->function) : NULL;
    if (!i)
        return *e ? ERR_INVALID : ERR_OK;
    if (line->attempt <= i->attempts)
        return ERR_OK;
    if (line->attempt > UINT16_MAX)
        return ERR_INVALID;
    /* Running already: the outcome of the attempt before is missing. */
    enum err err = i->state == STATE_RUNNING ? ERR_OK : go(l, *e, i, STATE_RUNNING);
    if (err)
        return err;
    i->attempts = (uint16_t)line->attempt;
    i->last = at;
    return ERR_OK;
}

static enum err apply_outcome(struct ledger *l, const struct line *line, struct pos at, struct entry **e)
{
    struct invocation *i = *e ? named(l, *e, line->function) : NULL;
    if (!i)
        return *e ? ERR_INVALID : ERR_OK;
    if (line->attempt < i->attempts || (line->attempt == i->attempts && i->state != STATE_RUNNING))
        return ERR_OK;
    if (line->attempt > UINT16_MAX || !state_may_follow(STATE_RUNNING, line->state))
        return ERR_INVALID;
    enum err err = i->state == STATE_RUNNING ? ERR_OK : go(l, *e, i, STATE_RUNNING);
    if (!err)
        err = ledger_set(l, *e, i, line->state);
    if (err)
        return err;
    i->attempts = (uint16_t)line->attempt;
    i->last = at;
    if (line->state == STATE_WAITING)
        i->due_ms = line->due_ms;
    if (line->outcome == OUTCOME_LOST && line->state == STATE_PENDING && i->interrupted < UINT8_MAX)
        i->interrupted++;
    return ERR_OK;
}

/* One element of a carry line's functions. A function that the entry had keeps its `user`. */
static enum err carried(struct ledger *l, const struct entry *e, struct span value, struct invocation *out)
{
    struct line_function f;
    struct buf b;
    buf_init(&b, value.n + 1);
    enum err err = line_function_decode(value, &b, &f);
    if (!err && (f.attempts > UINT16_MAX || f.base > UINT16_MAX))
        err = ERR_CORRUPT;
    uint32_t number = err ? NAMES_NONE : ledger_intern(l, f.name);
    buf_fini(&b);
    if (number == NAMES_NONE)
        return err ? err : ERR_NO_MEMORY;
    *out = (struct invocation){
        .function = (uint16_t)number,
        .state = (uint8_t)f.state,
        .interrupted = f.interrupted > UINT8_MAX ? UINT8_MAX : (uint8_t)f.interrupted,
        .attempts = (uint16_t)f.attempts,
        .base = (uint16_t)f.base,
        .due_ms = f.due_ms,
    };
    for (uint16_t i = 0; e && i < e->n; i++)
        if (e->inv[i].function == out->function)
            out->user = e->inv[i].user;
    return ERR_OK;
}

static enum err apply_carry(struct ledger *l, const struct line *line, struct pos at, struct entry **e)
{
    struct invocation found[LINE_FUNCTIONS_MAX], *inv = NULL;
    struct span value;
    uint16_t n = 0;
    enum err err = ERR_OK;
    for (struct json_iter it = json_iter(line->functions); !err && json_next_element(&it, &value);)
        err = n < LINE_FUNCTIONS_MAX ? carried(l, *e, value, found + n++) : ERR_CORRUPT;
    if (err || (n && !line->routed))
        return err ? err : ERR_CORRUPT;
    if (n && !(inv = malloc(n * sizeof *inv)))
        return ERR_NO_MEMORY;
    if (*e)
        ledger_move(l, *e, at);
    else
        err = add_event(l, line, at, e);
    if (err || pos_cmp((*e)->at, at) != 0) {
        free(inv);
        return ERR_NO_MEMORY;
    }
    if (n)
        memcpy(inv, found, n * sizeof *inv);
    ledger_replace(l, *e, inv, n, line->routed);
    return ERR_OK;
}

static void replay(struct ledger *l, struct entry *e, struct invocation *i)
{
    if (i->state == STATE_RUNNING)
        return;
    if (i->state != STATE_PENDING && i->state != STATE_HELD)
        (void)ledger_set(l, e, i, STATE_PENDING);
    i->base = i->attempts;
    i->interrupted = 0;
}

static void drop(struct ledger *l, struct entry *e, struct invocation *i)
{
    if (i->state != STATE_DONE && i->state != STATE_DEAD)
        (void)ledger_set(l, e, i, STATE_DEAD);
}

static enum err apply_action(struct ledger *l, const struct line *line, struct pos at, struct entry **e)
{
    (void)at;
    if (span_eq_str(line->action, "hold") || span_eq_str(line->action, "resume"))
        return line->function.p ? ERR_OK : ERR_INVALID;
    void (*act)(struct ledger *, struct entry *, struct invocation *) = span_eq_str(line->action, "replay") ? replay
                                                                        : span_eq_str(line->action, "drop") ? drop
                                                                                                            : NULL;
    if (!act || !line->has_id)
        return ERR_INVALID;
    if (!*e)
        return ERR_OK;
    struct invocation *only = line->function.p ? named(l, *e, line->function) : NULL;
    if (line->function.p && !only)
        return ERR_INVALID;
    if (ledger_ended(*e) || (only && line->has_attempts && line->attempt < only->attempts))
        return ERR_OK;
    for (uint16_t i = 0; i < (*e)->n; i++)
        if (!only || only == (*e)->inv + i)
            act(l, *e, (*e)->inv + i);
    return ERR_OK;
}

enum err ledger_apply(struct ledger *l, const struct line *line, struct pos at, struct entry **touched)
{
    static enum err (*const apply[KIND_COUNT])(struct ledger *, const struct line *, struct pos, struct entry **) = {
        [KIND_EVENT] = apply_event,     [KIND_ROUTED] = apply_routed, [KIND_ATTEMPT] = apply_attempt,
        [KIND_OUTCOME] = apply_outcome, [KIND_CARRY] = apply_carry,   [KIND_ACTION] = apply_action,
    };
    struct entry *e = line->has_id ? ledger_find(l, &line->id) : NULL;
    enum err err = (unsigned)line->kind < KIND_COUNT && apply[line->kind] ? apply[line->kind](l, line, at, &e) : ERR_OK;
    if (!err && e && !l->keep_ended && ledger_ended(e)) {
        ledger_remove(l, e);
        e = NULL;
    }
    if (touched)
        *touched = err ? NULL : e;
    return err;
}
