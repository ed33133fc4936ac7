/* SPDX-License-Identifier: MIT
 * operate: what the requests of the control socket do. One table of operations; every one checks all it is given before it
 * changes anything, writes the audit line first, and answers once the records are on their way.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "dispatch/audit.h"
#include "dispatch/claims.h"
#include "dispatch/control.h"
#include "dispatch/feed.h"
#include "dispatch/registry.h"
#include "dispatch/replay.h"
#include "dispatch/runs.h"

enum { AUDIT_BYTES = 512 * 1024, NAME_BYTES = FUNCTION_NAME_BYTES };

static void refuse(struct buf *b, const char *code, const char *detail)
{
    buf_printf(b, "{\"ok\":false,\"code\":\"%s\",\"detail\":", code);
    buf_put_json_text(b, span_str(detail));
    buf_putc(b, '}');
}

/* ---- status ---- */

static void put_pos(struct buf *b, const char *name, struct pos p)
{
    buf_printf(b, ",\"%s\":\"%u.%u\"", name, p.segment, p.offset);
}

static void put_function(struct buf *b, const struct dispatch *d, const struct function *f)
{
    buf_puts(b, "{\"name\":");
    buf_put_json_text(b, span_str(f->name));
    buf_printf(b, ",\"state\":\"%s\",\"generation\":%u,\"workers\":%u,\"running\":%u,\"queued\":%zu,\"types\":[",
               function_state(d, f), f->live ? f->live->number : 0, f->n_workers, f->n_running, f->queue.n);
    for (size_t i = 0; i < f->claims.types.n; i++) {
        if (i)
            buf_putc(b, ',');
        buf_put_json_text(b, span_str(f->claims.types.words[i]));
    }
    buf_puts(b, "],\"why\":");
    buf_put_json_text_or_null(b, f->why.text[0] ? span_str(f->why.text) : SPAN_NONE);
    buf_putc(b, '}');
}

static void op_status(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    (void)request;
    (void)who;
    const struct shared *s = d->shared;
    const int64_t *counts = ledger_counts(d->ledger);
    buf_printf(b, "{\"ok\":true,\"version\":\"%s\",\"pid\":%d,\"dispatching\":%s,\"accepting\":%s", PACKAGE_VERSION, (int)getpid(),
               feed_is_live(d) ? "true" : "false", s->accepting ? "true" : "false");
    put_pos(b, "safe", pos_unpack(s->safe));
    put_pos(b, "read", feed_read(d));
    if (d->gap.at.segment)
        put_pos(b, "unread", d->gap.at);
    buf_printf(b, ",\"unfinished\":%zu,\"workers\":%zu,\"invocations\":{", ledger_count(d->ledger), d->n_workers);
    for (int i = 0; i < STATE_COUNT; i++)
        buf_printf(b, "%s\"%s\":%lld", i ? "," : "", state_name((enum state)i), (long long)counts[i]);
    buf_puts(b, "},\"functions\":[");
    bool first = true;
    for (size_t i = 0; i < d->n_functions; i++) {
        if (strcmp(function_state(d, d->functions[i]), "gone") == 0 && !d->functions[i]->queue.n)
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        put_function(b, d, d->functions[i]);
    }
    buf_puts(b, "],\"counters\":{");
    for (int i = 0; i < STAT_COUNT; i++)
        buf_printf(b, "%s\"%s\":%lld", i ? "," : "", stat_rows[i].name, (long long)stat_get((enum stat_id)i));
    buf_puts(b, "}}");
}

/* ---- hold, resume, forget ---- */

static struct function *named(struct dispatch *d, struct span request, struct buf *b)
{
    struct buf name;
    struct span value = json_member(request, "function");
    struct function *f = NULL;
    buf_init(&name, NAME_BYTES);
    if (json_type_of(value) == JSON_STRING && json_unescape(value, &name) == ERR_OK)
        f = function_find(d, buf_span(&name));
    if (!f) {
        struct why w;
        why_set(&w, ERR_NOT_FOUND, "there is no function '%.*s': creel status lists them", (int)name.n, name.n ? name.p : "");
        refuse(b, "not-found", w.text);
    }
    buf_fini(&name);
    return f;
}

static bool audit_function(struct dispatch *d, const char *action, const char *who, const struct function *f, struct buf *b)
{
    struct why w;
    struct buf what;
    buf_init(&what, NAME_BYTES * 8);
    buf_puts(&what, "\"function\":");
    buf_put_json_text(&what, span_str(f->name));
    enum err e = audit_put(d, action, who, buf_span(&what), &w);
    buf_fini(&what);
    if (e != ERR_OK)
        refuse(b, "system", w.text);
    return e == ERR_OK;
}

static void set_held(struct dispatch *d, struct span request, const char *who, bool held, struct buf *b)
{
    struct why w;
    const char *action = held ? "hold" : "resume";
    struct function *f = named(d, request, b);
    if (!f || !audit_function(d, action, who, f, b))
        return;
    f->held = held;
    if (claims_write(d, &w) != ERR_OK) {
        f->held = !held;
        refuse(b, "system", w.text);
        return;
    }
    line_put_action(records_begin(&d->records), action, NULL, span_str(f->name), d->wall_ms, who, -1);
    (void)records_end(&d->records);
    function_refresh(d, f);
    log_line(LOG_INFO, held ? "function held" : "function resumed", LOG_T("function", f->name), LOG_T("who", who));
    buf_printf(b, "{\"ok\":true,\"queued\":%zu}", f->queue.n);
}

static void op_hold(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    set_held(d, request, who, true, b);
}

static void op_resume(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    set_held(d, request, who, false, b);
}

static void op_forget(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    struct why w;
    struct function *f = named(d, request, b);
    if (!f)
        return;
    if (f->present) {
        why_set(&w, ERR_INVALID, "%s.so is still in the functions folder: remove it first", f->name);
        refuse(b, "invalid", w.text);
        return;
    }
    if (!audit_function(d, "forget", who, f, b))
        return;
    if (registry_forget(d, f, &w) != ERR_OK)
        refuse(b, "system", w.text);
    else
        buf_printf(b, "{\"ok\":true,\"queued\":%zu}", f->queue.n);
}

/* ---- replay, drop ---- */

/* Every event of the request: its verdict is put into b as it comes. */
typedef const char *(*event_op)(struct dispatch *d, struct span event, const struct id *id, struct span function, const char *who);

static bool event_id(struct span event, struct id *id)
{
    struct span text = json_type_of(event) == JSON_OBJECT ? json_member(event, "id") : event;
    return id_parse(json_plain_string(text), id) == ERR_OK;
}

static void put_refusal(struct buf *b, bool *first, const struct id *id, const char *why)
{
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    buf_printf(b, "%s{\"id\":\"%.*s\",\"why\":", *first ? "" : ",", ID_TEXT_BYTES, text);
    buf_put_json_text(b, span_str(why));
    buf_putc(b, '}');
    *first = false;
}

/* What was asked for stands in the trail already; this is what did not happen of it. */
static void audit_refused(struct dispatch *d, const char *action, const char *who, struct span list)
{
    struct why w;
    char verdict[32];
    snprintf(verdict, sizeof verdict, "%s-refused", action);
    if (audit_put(d, verdict, who, list, &w) != ERR_OK)
        log_line(LOG_ERROR, "what was refused cannot be added to the audit trail", LOG_T("why", w.text));
}

static void each_event(struct dispatch *d, struct span request, const char *who, const char *action, event_op op, struct buf *b)
{
    struct why w;
    struct buf what, ids;
    struct span events = json_member(request, "events"), function = json_plain_string(json_member(request, "function")), event;
    if (!events.p)
        events = json_member(request, "ids");
    struct id id;
    bool good = json_type_of(events) == JSON_ARRAY;
    buf_init(&what, AUDIT_BYTES);
    buf_init(&ids, AUDIT_BYTES);
    for (struct json_iter it = json_iter(events); good && json_next_element(&it, &event);)
        if ((good = event_id(event, &id)))
            buf_printf(&ids, "%s\"%.*s\"", ids.n ? "," : "", ID_TEXT_BYTES, json_plain_string(json_type_of(event) == JSON_OBJECT ? json_member(event, "id") : event).p);
    buf_puts(&what, "\"function\":");
    buf_put_json_text_or_null(&what, function);
    buf_puts(&what, ",\"ids\":[");
    buf_put_span(&what, buf_span(&ids));
    buf_putc(&what, ']');
    if (!good || ids.failed || what.failed) {
        refuse(b, "invalid", "\"ids\" or \"events\" must be a list of event ids, not too long");
    } else if (audit_put(d, action, who, buf_span(&what), &w) != ERR_OK) {
        refuse(b, "system", w.text);
    } else {
        bool first = true;
        size_t done = 0;
        buf_puts(b, "{\"ok\":true,");
        size_t list = b->n;
        buf_puts(b, "\"refused\":[");
        for (struct json_iter it = json_iter(events); json_next_element(&it, &event);) {
            (void)event_id(event, &id);
            const char *why = op(d, event, &id, function, who);
            if (why)
                put_refusal(b, &first, &id, why);
            done += !why;
        }
        buf_putc(b, ']');
        if (!first && !b->failed)
            audit_refused(d, action, who, span_of(b->p + list, b->n - list));
        buf_printf(b, ",\"done\":%zu}", done);
        (void)records_flush(&d->records);
    }
    buf_fini(&ids);
    buf_fini(&what);
}

static const char *drop_one(struct dispatch *d, struct span event, const struct id *id, struct span function, const char *who)
{
    (void)event;
    struct entry *e = ledger_find(d->ledger, id);
    unsigned dropped = 0, running = 0;
    if (!e || !e->routed)
        return "no unfinished event has this id";
    for (unsigned i = 0; ledger_find(d->ledger, id) == e && i < e->n; i++) {
        struct invocation *inv = &e->inv[i];
        if (function.p && !span_eq(ledger_name(d->ledger, inv->function), function))
            continue;
        running += inv->state == STATE_RUNNING;
        if (inv->state != STATE_PENDING && inv->state != STATE_WAITING && inv->state != STATE_HELD)
            continue;
        run_drop(d, e, inv, who);
        dropped++;
    }
    return dropped ? NULL : running ? "it is running: drop it when it has ended" : "it has ended";
}

static void op_drop(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    each_event(d, request, who, "drop", drop_one, b);
}

static void op_replay(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    if (!feed_is_live(d))
        refuse(b, "again", "dispatch is still starting: try again in a moment");
    else
        each_event(d, request, who, "replay", replay_one, b);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*run)(struct dispatch *, struct span request, const char *who, struct buf *b);
} operations[] = {
    {"status", op_status}, {"replay", op_replay}, {"drop", op_drop},
    {"hold", op_hold},     {"resume", op_resume}, {"forget", op_forget},
};

void operate(struct dispatch *d, struct span request, const char *who, struct buf *b)
{
    struct json_error bad;
    if (json_check(request, JSON_LIMITS_DEFAULT, &bad) != ERR_OK) {
        refuse(b, "malformed-request", bad.what);
        return;
    }
    struct span object = json_pointer(request, SPAN_LIT("")), op = json_plain_string(json_member(object, "op"));
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (json_type_of(object) == JSON_OBJECT && span_eq_str(op, operations[i].name)) {
            operations[i].run(d, object, who, b);
            return;
        }
    refuse(b, "unsupported", "\"op\" must be status, replay, drop, hold, resume or forget");
}
