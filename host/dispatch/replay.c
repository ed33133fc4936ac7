/* SPDX-License-Identifier: MIT
 * replay: setting invocations back.
 */
#include "dispatch/replay.h"

#include "base/json.h"
#include "base/log.h"
#include "dispatch/feed.h"
#include "dispatch/registry.h"
#include "dispatch/retire.h"
#include "dispatch/view.h"

static void put_action(struct dispatch *d, const struct id *id, struct span function, uint16_t attempts, const char *who)
{
    line_put_action(records_begin(&d->records), "replay", id, function, d->wall_ms, who, attempts);
    (void)records_end(&d->records);
}

/* ---- in mind ---- */

static bool is_meant(const struct dispatch *d, const struct invocation *inv, struct span function)
{
    return !function.p || span_eq(ledger_name(d->ledger, inv->function), function);
}

static void set_back(struct dispatch *d, struct entry *e, struct invocation *inv, const char *who)
{
    put_action(d, &e->id, ledger_name(d->ledger, inv->function), inv->attempts, who);
    view_replayed(d, e, inv);
    if (ledger_set(d->ledger, e, inv, STATE_PENDING) != ERR_OK)
        bug("a replay was refused");
    inv->base = inv->attempts;
    inv->interrupted = 0;
    function_enqueue(d, e, inv);
}

static const char *replay_known(struct dispatch *d, struct entry *e, struct span function, const char *who)
{
    unsigned done = 0, dead = 0, waiting = 0;
    for (uint16_t i = 0; i < e->n; i++) {
        const struct invocation *inv = &e->inv[i];
        if (!is_meant(d, inv, function))
            continue;
        done += inv->state == STATE_DONE;
        dead += inv->state == STATE_DEAD;
        waiting += inv->state == STATE_WAITING;
    }
    if (!done && !dead && !waiting)
        return "it has not ended: it is pending, running or held";
    for (uint16_t i = 0; i < e->n; i++) {
        struct invocation *inv = &e->inv[i];
        if (!is_meant(d, inv, function))
            continue;
        if (inv->state == STATE_WAITING) { /* it need not wait any longer */
            heap_remove(&d->due, inv);
            function_enqueue(d, e, inv);
        } else if (inv->state == STATE_DEAD || (inv->state == STATE_DONE && !dead && !waiting)) {
            set_back(d, e, inv, who);
        }
    }
    return NULL;
}

/* ---- out of mind ---- */

static bool parse_pos(struct span s, struct pos *out)
{
    uint64_t number[2] = {0, 0};
    size_t which = 0, digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && which == 0 && digits) {
            which = 1;
            digits = 0;
        } else if (s.p[i] >= '0' && s.p[i] <= '9' && ++digits <= 10) {
            number[which] = number[which] * 10 + (uint64_t)(s.p[i] - '0');
        } else {
            return false;
        }
    }
    if (which == 0 || !digits || number[0] > UINT32_MAX || number[1] > UINT32_MAX || !number[0])
        return false;
    *out = (struct pos){(uint32_t)number[0], (uint32_t)number[1]};
    return true;
}

struct recalled {
    struct line_function functions[LINE_FUNCTIONS_MAX];
    bool meant[LINE_FUNCTIONS_MAX];
    size_t n, n_meant;
};

/* What the asker says of its functions; false when that cannot be. */
static bool recall(struct span list, struct span function, struct recalled *r)
{
    struct json_iter it = json_iter(list);
    struct span object;
    bool any_dead = false;
    if (json_type_of(list) != JSON_ARRAY)
        return false;
    while (json_next_element(&it, &object)) {
        struct line_function *f = &r->functions[r->n];
        int64_t attempts;
        if (r->n == LINE_FUNCTIONS_MAX || json_type_of(object) != JSON_OBJECT)
            return false;
        *f = (struct line_function){.name = json_plain_string(json_member(object, "name"))};
        struct span state = json_plain_string(json_member(object, "state"));
        if (!f->name.p || !settings_name_valid(f->name) || state_parse(state, &f->state) != ERR_OK ||
            (f->state != STATE_DONE && f->state != STATE_DEAD) ||
            json_int(json_member(object, "attempts"), &attempts) != ERR_OK || attempts < 0 || attempts > UINT16_MAX)
            return false;
        f->attempts = (uint32_t)attempts;
        r->meant[r->n++] = !function.p || span_eq(f->name, function);
        any_dead |= r->meant[r->n - 1] && f->state == STATE_DEAD;
    }
    for (size_t i = 0; i < r->n; i++) {
        r->meant[i] = r->meant[i] && (r->functions[i].state == STATE_DEAD || !any_dead);
        r->n_meant += r->meant[i];
    }
    return true;
}

/* Into the ledger as if its carry line had been read; its place is still where the event's line is. */
static struct entry *bring_back(struct dispatch *d, const struct line *event, const struct recalled *r, struct pos at)
{
    struct buf b;
    struct line carry;
    struct entry *e = NULL;
    buf_init(&b, LINE_MAX_BYTES);
    line_put_carry(&b, d->wall_ms, event->text, r->functions, r->n, r->n > 0);
    if (!b.failed && r->n) { /* one that was ignored is carried when it has been routed */
        buf_put_span(records_begin(&d->records), buf_span(&b));
        (void)records_end(&d->records);
    }
    if (!b.failed)
        line_seal(&b, 0, NULL);
    if (!b.failed && line_parse(span_of(b.p, b.n - 1), &carry) == ERR_OK && ledger_apply(d->ledger, &carry, at, &e) == ERR_NO_MEMORY)
        die(EXIT_SYSTEM, "out of memory for the unfinished events");
    buf_fini(&b);
    return e;
}

static const char *replay_unknown(struct dispatch *d, struct span event, const struct id *id, struct span function, const char *who)
{
    struct recalled r = {0};
    struct pos at;
    struct line line;
    struct why w;
    if (json_type_of(event) != JSON_OBJECT)
        return "it is not unfinished: say where it is, as creel replay does";
    if (!parse_pos(json_plain_string(json_member(event, "at")), &at) || !recall(json_member(event, "functions"), function, &r))
        return "what is said of it cannot be";
    if (r.n && !r.n_meant)
        return "it did not go to that function";
    if (reader_at(d->finder, at, &d->line_text, &line, &w) != ERR_OK || !line.event.p || id_cmp(&line.id, id) != 0)
        return "it cannot be read at this place: its segment was retired, or the line is damaged";
    for (size_t i = 0; i < r.n; i++)
        if (r.meant[i]) {
            r.functions[i].state = STATE_PENDING;
            r.functions[i].base = r.functions[i].attempts;
        }
    struct entry *e = bring_back(d, &line, &r, at);
    if (!e)
        return "it could not be brought back";
    for (uint16_t i = 0; i < e->n && i < r.n; i++)
        if (r.meant[i]) {
            put_action(d, id, r.functions[i].name, (uint16_t)r.functions[i].attempts, who);
            view_replayed(d, e, &e->inv[i]);
        }
    registry_look(d);
    feed_adopt(d, e);
    if (!r.n && (e = ledger_find(d->ledger, id)))
        (void)retire_carry(d, e);
    return r.n || e ? NULL : "no function wants it";
}

const char *replay_one(struct dispatch *d, struct span event, const struct id *id, struct span function, const char *who)
{
    struct entry *e = ledger_find(d->ledger, id);
    const char *why = e ? replay_known(d, e, function, who) : replay_unknown(d, event, id, function, who);
    if (!why) {
        char text[ID_TEXT_BYTES];
        id_format(id, text);
        log_line(LOG_INFO, "replayed", LOG_S("event", span_of(text, sizeof text)), LOG_T("who", who));
    }
    return why;
}
