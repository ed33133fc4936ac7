/* SPDX-License-Identifier: MIT
 * batch: taking apart, asking, committing, telling; an event at a time goes through the request's own members.
 */
#include "intake/batch.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "intake/steps.h"
#include "intake/transport.h"

void batch_free(struct batch *b)
{
    if (b)
        free(b->lines);
    free(b);
}

/* ---- taking apart ---- */

/* Nothing of the event before is known of the next. */
static void forget(struct request *q, size_t mark)
{
    q->arena.n = mark;
    q->type = q->version = q->sender_id = q->order_key = q->time = q->violation = SPAN_NONE;
    q->errors = SPAN_NONE;
    q->claim = (struct dedupe_claim){.id = q->id};
}

/* The reason, behind the number of the event. */
static enum err of_event(struct request *q, enum err e, size_t number)
{
    char why[REQUEST_DETAIL_BYTES];
    memcpy(why, q->detail, sizeof why);
    return refuse(q, e, "event %zu: %.*s", number, REQUEST_DETAIL_BYTES - 32, why);
}

/* What each of them counts as. */
static enum err note_events(struct request *q, struct limit_share *shares, size_t *n)
{
    const size_t mark = q->arena.n;
    struct span text;
    size_t number = 1;
    enum err e = ERR_OK;
    for (struct json_iter it = json_iter(buf_span(&q->body)); e == ERR_OK && json_next_element(&it, &text); number++) {
        e = envelope_take(q, text);
        if (e == ERR_OK)
            e = limits_note(q, shares, n);
        if (e != ERR_OK)
            return of_event(q, e, number);
        forget(q, mark);
    }
    return ERR_OK;
}

/* Ask the limits, once and for all events: a batch that is refused has used nothing up. */
static enum err count_events(struct request *q, size_t n)
{
    size_t n_shares = 0;
    if (!q->source->limits_look_inside)
        return limits_batch(q, n);
    struct limit_share *shares = calloc(n + 1, q->source->n_limits * sizeof *shares);
    if (!shares)
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the batch");
    enum err e = note_events(q, shares, &n_shares);
    if (e == ERR_OK)
        e = limits_take_noted(q, shares, n_shares);
    free(shares);
    return e;
}

static enum err make(struct request *q)
{
    struct span body = buf_span(&q->body), element;
    size_t n = 0, max = (size_t)q->source->config->batch_max;
    if (json_type_of(body) != JSON_ARRAY)
        return refuse(q, ERR_MALFORMED_BODY, "no batch of CloudEvents: it is not a JSON array");
    for (struct json_iter it = json_iter(body); json_next_element(&it, &element);)
        n++;
    if (n > max)
        return refuse(q, ERR_BODY_TOO_LARGE, "this source takes at most %zu events in one batch", max);
    enum err e = read_hold(q, sizeof *q->batch + n * (sizeof q->batch->events[0] + sizeof *q->batch->lines));
    if (e != ERR_OK)
        return e;
    q->batch = calloc(1, sizeof *q->batch + n * sizeof q->batch->events[0]);
    if (q->batch)
        q->batch->lines = calloc(n + 1, sizeof *q->batch->lines);
    if (!q->batch || !q->batch->lines)
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the batch");
    atomic_init(&q->batch->owed, 1);
    return count_events(q, n);
}

/* All of them have passed the scanner together; what is left is the limit of one. A value takes two bytes at least. */
static enum err check_one(struct request *q, struct span text)
{
    struct json_error error;
    if (text.n / 2 < JSON_NODES_DEFAULT)
        return ERR_OK;
    enum err e = json_check(text, JSON_LIMITS_DEFAULT, &error);
    return e == ERR_OK ? e : refuse(q, e, "not strict JSON: %s at byte %zu of it", error.what, error.offset);
}

static enum err take_event(struct request *q, struct span text, struct batch_event *e)
{
    enum err err = check_one(q, text);
    if (err == ERR_OK)
        err = envelope_take(q, text);
    if (err == ERR_OK)
        err = steps_run_event(q);
    if (err == ERR_OK)
        err = claim_prepare(q);
    if (err != ERR_OK && err != ERR_UNSUPPORTED)
        return err;
    e->known = err == ERR_OK;
    e->id = q->id;
    e->claim = q->claim;
    e->claim.owner = q;
    e->key = (struct journal_dedupe){.id = q->id, .until_ms = q->claim.until_ms};
    memcpy(e->key.key, q->claim.key, sizeof e->key.key);
    e->buried = q->violation.p != NULL;
    e->type_bytes = q->type.n < TYPE_BYTES ? q->type.n : TYPE_BYTES;
    memcpy(e->type, q->type.p, e->type_bytes);
    e->line_at = q->line.n;
    store_put_line(q, e->known);
    e->line_bytes = q->line.n - e->line_at;
    return q->line.failed ? refuse(q, ERR_SPOOL_FULL, "out of memory for the events") : read_hold(q, e->line_bytes);
}

static enum err take_events(struct request *q)
{
    const size_t mark = q->arena.n;
    struct span text;
    for (struct json_iter it = json_iter(buf_span(&q->body)); json_next_element(&it, &text); q->batch->n++) {
        forget(q, mark);
        enum err e = take_event(q, text, &q->batch->events[q->batch->n]);
        if (e != ERR_OK)
            return of_event(q, e, q->batch->n + 1);
    }
    forget(q, mark);
    return ERR_OK;
}

enum err batch_take(struct request *q)
{
    const struct span type = q->content_type;
    enum err e = make(q);
    if (e != ERR_OK)
        return e;
    if (!store_begin(q))
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the events");
    e = take_events(q);
    q->content_type = type;
    return e;
}

/* ---- asking ---- */

/* Whoever answers PENDING may be told the fate at once: so it is owed before the question. */
static void ask(struct request *q, struct batch_event *e)
{
    struct batch *b = q->batch;
    enum dedupe_answer a = DEDUPE_NEW;
    if (e->known) {
        atomic_fetch_add(&b->owed, 1);
        a = dedupe_ask(q->intake->dedupe, &e->claim, q->taken_ms, &e->id);
        if (a == DEDUPE_PENDING)
            return;
        atomic_fetch_sub(&b->owed, 1);
    }
    if (a == DEDUPE_SEEN) {
        e->outcome = ERR_EXISTS;
        return;
    }
    e->claimed = e->known;
    b->lines[b->n_lines++] = (struct journal_line){span_of(q->line.p + e->line_at, e->line_bytes), e->known ? &e->key : NULL};
}

enum err batch_ask(struct request *q)
{
    struct batch *b = q->batch;
    for (size_t i = 0; i < b->n; i++)
        ask(q, &b->events[i]);
    if (b->n_lines > 0 || b->n == 0)
        return ERR_OK;
    return atomic_fetch_sub(&b->owed, 1) == 1 ? batch_outcome(b) : ERR_AGAIN;
}

enum err batch_commit(struct request *q)
{
    if (q->batch->n_lines == 0)
        return ERR_OK;
    q->job.line = buf_span(&q->line);
    q->job.key = NULL;
    q->job.lines = q->batch->lines;
    q->job.n_lines = q->batch->n_lines;
    fcgi_drop(&q->fcgi);
    transport_gather(q);
    return ERR_AGAIN;
}

/* ---- telling ---- */

bool batch_settle(struct request *q, enum err e, batch_tell tell, void *arg)
{
    struct batch *b = q->batch;
    for (size_t i = 0; i < b->n; i++) {
        struct batch_event *event = &b->events[i];
        if (event->claimed || !event->known)
            event->outcome = e;
        if (!event->claimed)
            continue;
        struct dedupe_claim *waited = dedupe_settle(q->intake->dedupe, &event->claim, e == ERR_OK, q->taken_ms);
        while (waited) {
            struct dedupe_claim *next = waited->next; /* who is told may be gone */
            tell(arg, waited, e, &event->id);
            waited = next;
        }
    }
    return atomic_fetch_sub(&b->owed, 1) == 1;
}

bool batch_told(struct request *q, struct dedupe_claim *claim, enum err e, const struct id *first)
{
    struct batch_event *event = (struct batch_event *)(void *)((char *)claim - offsetof(struct batch_event, claim));
    event->outcome = e == ERR_OK ? ERR_EXISTS : e;
    event->id = *first;
    return atomic_fetch_sub(&q->batch->owed, 1) == 1;
}

enum err batch_outcome(const struct batch *b)
{
    enum err all = b->n ? ERR_EXISTS : ERR_OK;
    for (size_t i = 0; i < b->n; i++) {
        if (b->events[i].outcome != ERR_OK && b->events[i].outcome != ERR_EXISTS)
            return b->events[i].outcome;
        if (b->events[i].outcome == ERR_OK)
            all = ERR_OK;
    }
    return all;
}

void batch_put(const struct request *q, struct buf *out)
{
    const struct batch *b = q->batch;
    buf_puts(out, q->outcome == ERR_EXISTS ? "{\"status\":\"duplicate\"" : "{\"status\":\"accepted\"");
    if (q->outcome != ERR_EXISTS)
        buf_puts(out, q->job.sync ? ",\"durability\":\"synced\"" : ",\"durability\":\"written\"");
    buf_puts(out, ",\"events\":[");
    for (size_t i = 0; i < b->n; i++) {
        char id[ID_TEXT_BYTES];
        id_format(&b->events[i].id, id);
        buf_puts(out, i ? ",{\"id\":\"" : "{\"id\":\"");
        buf_put(out, id, sizeof id);
        buf_puts(out, b->events[i].outcome == ERR_OK ? "\",\"status\":\"accepted\"}" : "\",\"status\":\"duplicate\"}");
    }
    buf_puts(out, "]}\n");
}

static void log_event(const struct request *q, const struct batch_event *e)
{
    char id[ID_TEXT_BYTES], request[ID_TEXT_BYTES];
    bool accepted = e->outcome == ERR_OK;
    id_format(&e->id, id);
    id_format(&q->request_id, request);
    log_line(e->buried ? LOG_WARN : LOG_INFO,
             !accepted   ? "duplicate"
             : e->buried ? "accepted, dead: it does not meet its contract"
                         : "accepted",
             LOG_S("event", span_of(id, sizeof id)), LOG_T("source", q->source->config->name),
             LOG_S("type", span_of(e->type, e->type_bytes)), LOG_S("request", span_of(request, sizeof request)));
}

void batch_record(const struct request *q)
{
    size_t accepted = 0;
    for (size_t i = 0; i < q->batch->n; i++) {
        accepted += q->batch->events[i].outcome == ERR_OK;
        log_event(q, &q->batch->events[i]);
    }
    stat_add(STAT_accepted_total, (int64_t)accepted);
    stat_add(STAT_duplicates_total, (int64_t)(q->batch->n - accepted));
    stat_add(STAT_bytes_total, accepted ? (int64_t)q->body.n : 0);
}
