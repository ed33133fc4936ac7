/* SPDX-License-Identifier: MIT
 * runs: choosing, staging, beginning and ending runs.
 */
#include "dispatch/runs.h"

#include <sodium.h>
#include <stdio.h>

#include "base/channel.h"
#include "base/log.h"
#include "dispatch/builtin.h"
#include "dispatch/view.h"
#include "dispatch/worker.h"
#include "worker/wire.h"

enum {
    FAR_MS = 3600 * 1000, /* no retry is due later, unless the function asked for it or its settings say so */
    STARTING_MAX = 16,     /* workers getting ready at once: they use the processor that runs need */
    STARTING_OF_ONE = 2,   /* of these, one function's: if its init hangs, others must still be able to start */
    SHARE_MS = 200,        /* a function's only worker is not taken from it sooner */
    OUTPUT_DONE_BYTES = 1024, /* of a good run's output, kept in the journal; a bad one's is kept up to TAIL_BYTES */
};
/* What is longer would go the way of carry lines, which are sent again when intake loses one. */
_Static_assert(WIRE_REPLY_BYTES / 3 * 4 + 6 * (OUTPUT_DONE_BYTES + WIRE_TEXT_BYTES) + 1024 < CHANNEL_LINES_BYTES,
               "the outcome of a good run fits into a message");

/* ---- what is due ---- */

static void wait_for_due(struct dispatch *d, struct entry *e, struct invocation *inv)
{
    if (heap_push(&d->due, inv->due_ms - d->wall_ms + d->steady_ms, e, inv) != ERR_OK)
        die(EXIT_SYSTEM, "out of memory for what is due");
}

/* What is due suspiciously late may have been decided when the clock was ahead: then it waits as long as was meant, from now on. */
static void pull_in(struct dispatch *d, struct invocation *inv)
{
    struct line line;
    struct why w;
    if (inv->due_ms - d->wall_ms < FAR_MS || inv->last.segment == 0 ||
        reader_at(d->finder, inv->last, &d->line_text, &line, &w) != ERR_OK || line.kind != KIND_OUTCOME || line.at_ms <= d->wall_ms)
        return;
    log_line(LOG_WARN, "the clock has been set back: a retry is due earlier than it says", LOG_T("function", function_of(d, inv)->name),
             LOG_N("ms", inv->due_ms - line.at_ms));
    inv->due_ms = d->wall_ms + inv->due_ms - line.at_ms;
}

void runs_due(struct dispatch *d)
{
    const struct due *next;
    while ((next = heap_top(&d->due)) && next->key <= d->steady_ms) {
        struct due due = *next;
        heap_remove(&d->due, due.inv);
        due.inv->due_ms = 0;
        function_enqueue(d, due.entry, due.inv);
    }
}

/* ---- workers where they are needed ---- */

static bool wants_worker(const struct dispatch *d, const struct function *f)
{
    if (!f->queue.n || !function_available(f) || f->throttled_ms > d->now_ms)
        return false;
    if (f->n_workers >= f->live->settings.concurrency)
        return false;
    size_t coming = 0, starting = 0;
    for (const struct worker *wk = f->live->workers; wk; wk = wk->next) {
        starting += wk->state == WORKER_STARTING;
        coming += wk->state == WORKER_STARTING || wk->state == WORKER_IDLE || wk->state == WORKER_BETWEEN;
    }
    return f->queue.n > coming && starting < (f->failures ? 1 : STARTING_OF_ONE);
}

/* Workers that only describe a new file have their own limit. */
static bool is_full(const struct dispatch *d)
{
    size_t n = d->n_workers;
    for (size_t i = 0; i < d->n_functions; i++)
        if (d->functions[i]->candidate)
            n -= d->functions[i]->candidate->n_workers;
    return n >= (size_t)d->config->max_workers;
}

static bool may_take(const struct dispatch *d, const struct worker *wk, const struct function *needy)
{
    const struct function *owner = wk->generation->function;
    if (wk->state != WORKER_IDLE || owner == needy)
        return false;
    if (!owner->queue.n || owner->n_workers > needy->n_workers + 1)
        return true;
    return needy->n_workers == 0 && d->now_ms - wk->born_ms >= SHARE_MS;
}

/* An idle worker that can go: the one that has been idle the longest. */
static struct worker *find_spare(const struct dispatch *d, const struct function *needy)
{
    struct worker *spare = NULL;
    for (size_t i = 0; i < d->n_functions; i++)
        for (struct generation *g = d->functions[i]->generations; g; g = g->next)
            for (struct worker *wk = g->workers; wk; wk = wk->next)
                if (may_take(d, wk, needy) && (!spare || wk->since_ms < spare->since_ms))
                    spare = wk;
    return spare;
}

static void start_one(struct dispatch *d, struct function *f)
{
    struct why w;
    if (is_full(d)) {
        struct worker *spare = find_spare(d, f);
        if (!spare)
            return;
        worker_end_and_settle(d, spare);
    }
    if (worker_new(d, f->live, &w) == ERR_OK)
        return;
    f->throttled_ms = d->now_ms + 1000;
    f->why = w;
    log_line(LOG_ERROR, "cannot start a worker", LOG_T("function", f->name), LOG_T("why", w.text));
}

/* ---- staging ---- */

static void stage(struct dispatch *d, struct worker *wk)
{
    struct generation *g = wk->generation;
    struct function *f = g->function;
    struct due next = *heap_top(&f->queue);
    heap_remove(&f->queue, next.inv);
    if (ledger_set(d->ledger, next.entry, next.inv, STATE_RUNNING) != ERR_OK)
        bug("a queue holds an invocation that cannot run");
    next.inv->attempts++;
    wk->entry = next.entry;
    wk->inv = next.inv;
    wk->token = ++d->tokens;
    wk->state = WORKER_STAGED;
    wk->printed = 0;
    char generation[16];
    snprintf(generation, sizeof generation, "%u", g->number);
    line_put_attempt(records_begin(&d->records), &next.entry->id, span_str(f->name), next.inv->attempts, d->wall_ms,
                     span_str(generation));
    wk->mark = records_end(&d->records);
    wk->next_staged = NULL;
    *d->staged_end = wk;
    d->staged_end = &wk->next_staged;
    f->n_running++;
    d->n_running++;
    stat_add(STAT_attempts_total, 1);
}

static void stage_some(struct dispatch *d, struct function *f)
{
    if (!f->queue.n || !function_available(f))
        return;
    for (struct worker *wk = f->live->workers; wk && f->queue.n; wk = wk->next)
        if (wk->state == WORKER_IDLE && f->n_running < f->live->settings.concurrency)
            stage(d, wk);
}

void runs_schedule(struct dispatch *d)
{
    if (d->stopping || records_full(&d->records) || !d->n_functions)
        return;
    size_t n = d->n_functions;
    d->turn_at = (d->turn_at + 1) % n;
    for (size_t i = 0; i < n && d->n_starting < STARTING_MAX; i++) {
        struct function *f = d->functions[(d->turn_at + i) % n];
        if (wants_worker(d, f))
            start_one(d, f);
    }
    for (size_t i = 0; i < n; i++)
        stage_some(d, d->functions[(d->turn_at + i) % n]);
}

/* ---- beginning ---- */

enum err run_event(struct dispatch *d, const struct entry *e, struct line_event *event, struct why *w)
{
    struct line line;
    enum err err = reader_at(d->finder, e->at, &d->line_text, &line, w);
    if (err != ERR_OK)
        return err;
    if (!line.event.p || !line.has_id || id_cmp(&line.id, &e->id) != 0)
        return why_set(w, ERR_CORRUPT, "another line is at its place");
    buf_clear(&d->event_text);
    return line_event_decode(line.event, &d->event_text, event);
}

static void begin(struct dispatch *d, struct worker *wk)
{
    struct line_event event;
    struct why w = {0};
    const struct settings *s = &wk->generation->settings;
    enum err e = run_event(d, wk->entry, &event, &w);
    if (e != ERR_OK) {
        struct why why;
        bool gone = e == ERR_CORRUPT || e == ERR_NOT_FOUND;
        why_set(&why, e, "the event cannot be read from the journal any more: %s", w.text[0] ? w.text : err_title(e));
        run_finish(d, wk, &(struct run_end){.outcome = gone ? OUTCOME_REJECT : OUTCOME_RETRY, .why = span_str(why.text), .after_ms = -1});
        wk->state = WORKER_IDLE;
        return;
    }
    wk->begun_ms = d->now_ms;
    wk->deadline_ms = d->now_ms + s->timeout_ms;
    e = slot_run(wk->slot, &event, wk->inv->attempts, s->timeout_ms, wk->deadline_ms, wk->token, &w);
    if (e == ERR_OK) {
        wk->state = WORKER_RUNNING;
        workers_look_by(d, wk->deadline_ms);
        return;
    }
    run_finish(d, wk, &(struct run_end){.outcome = OUTCOME_LOST, .why = span_str(w.text), .after_ms = -1});
    worker_end_and_settle(d, wk);
}

static bool note_beginning(struct dispatch *d, const struct worker *wk)
{
    const struct generation *g = wk->generation;
    return begun_note(&d->begun, &wk->entry->id, g->function->name, wk->inv->attempts, g->number, wk->mark);
}

void runs_begin(struct dispatch *d)
{
    while (d->staged && records_sent(&d->records, d->staged->mark)) {
        struct worker *wk = d->staged;
        if (wk->state == WORKER_STAGED && !note_beginning(d, wk))
            return;
        d->staged = wk->next_staged;
        if (!d->staged)
            d->staged_end = &d->staged;
        if (wk->state == WORKER_STAGED)
            begin(d, wk);
    }
}

/* ---- the end of a run ---- */

static const enum stat_id outcome_stats[OUTCOME_COUNT] = {
    [OUTCOME_DONE] = STAT_outcome_done_total,       [OUTCOME_RETRY] = STAT_outcome_retry_total,
    [OUTCOME_REJECT] = STAT_outcome_reject_total,   [OUTCOME_CRASH] = STAT_outcome_crash_total,
    [OUTCOME_TIMEOUT] = STAT_outcome_timeout_total, [OUTCOME_LOST] = STAT_outcome_lost_total};

bool event_leave(struct dispatch *d, struct entry *e)
{
    if (!ledger_ended(e))
        return false;
    ledger_remove(d->ledger, e);
    return true;
}

static void tell(const struct entry *e, const char *function, const struct line_outcome *o)
{
    char id[ID_TEXT_BYTES];
    enum log_level level = o->state == STATE_DEAD ? LOG_WARN : LOG_INFO;
    if (!log_wants(level))
        return;
    id_format(&e->id, id);
    log_line(level, o->state == STATE_DEAD ? "run ended, dead" : "run ended", LOG_S("event", span_of(id, sizeof id)),
             LOG_T("function", function), LOG_N("attempt", o->attempt), LOG_T("outcome", outcome_name(o->outcome)),
             LOG_T("state", state_name(o->state)), LOG_N("ms", o->run_ms), LOG_S("why", o->why.p ? o->why : SPAN_LIT("")));
}

/* The one place where an outcome becomes a state: record, ledger, queue. */
static void conclude(struct dispatch *d, struct entry *e, struct invocation *inv, const struct retry_policy *policy,
                     struct line_outcome *o, int64_t after_ms)
{
    const struct function *f = function_of(d, inv);
    uint64_t random = 0;
    if (o->outcome != OUTCOME_DONE)
        randombytes_buf(&random, sizeof random);
    if (o->outcome == OUTCOME_LOST && inv->interrupted < UINT8_MAX)
        inv->interrupted++;
    struct verdict v = retry_decide(policy, o->outcome, (uint32_t)(inv->attempts - inv->base), inv->interrupted, after_ms, random);
    struct why why;
    if (v.why) {
        why_set(&why, ERR_OK, "%s%s%.*s", v.why, o->why.n ? ": " : "", (int)(o->why.n < 400 ? o->why.n : 400), o->why.n ? o->why.p : "");
        o->why = span_str(why.text);
    }
    o->state = v.state;
    o->due_ms = v.state == STATE_WAITING ? d->wall_ms + v.delay_ms : 0;
    o->id = e->id;
    o->function = span_str(f->name);
    o->attempt = inv->attempts;
    o->at_ms = d->wall_ms;
    line_put_outcome(records_begin(&d->records), o);
    (void)records_end(&d->records);
    stat_add(outcome_stats[o->outcome], 1);
    tell(e, f->name, o);
    if (o->outcome != OUTCOME_DONE)
        view_failed(d, e, inv);
    if (ledger_set(d->ledger, e, inv, v.state) != ERR_OK)
        bug("a run ended in a state that cannot follow running");
    inv->due_ms = o->due_ms;
    switch (v.state) {
    case STATE_WAITING:
        wait_for_due(d, e, inv);
        break;
    case STATE_PENDING:
        function_enqueue(d, e, inv);
        break;
    case STATE_DEAD:
        stat_add(STAT_dead_total, 1);
        view_dead(d, e, inv);
        (void)event_leave(d, e);
        break;
    default:
        stat_add(STAT_done_total, 1);
        view_done(d, e, inv);
        (void)event_leave(d, e);
    }
}

/* Its slot ended before the run could begin. */
static void unstage(struct dispatch *d, struct worker *wk)
{
    struct worker **link = &d->staged;
    while (*link && *link != wk)
        link = &(*link)->next_staged;
    if (!*link)
        return;
    *link = wk->next_staged;
    if (!*link)
        d->staged_end = link;
}

void run_finish(struct dispatch *d, struct worker *wk, const struct run_end *end)
{
    struct entry *e = wk->entry;
    struct invocation *inv = wk->inv;
    struct buf output;
    bug_if(!inv);
    if (wk->state == WORKER_STAGED)
        unstage(d, wk);
    else
        wk->served = true;
    buf_init(&output, TAIL_BYTES);
    worker_tail(wk, &output);
    struct span kept = buf_span(&output);
    if (end->outcome == OUTCOME_DONE && kept.n > OUTPUT_DONE_BYTES)
        kept = span_skip(kept, kept.n - OUTPUT_DONE_BYTES);
    enum outcome outcome = end->outcome;
    struct span why = end->why;
    struct why lost;
    if (outcome == OUTCOME_DONE && wk->generation->function->builtin && builtin_done(d, e, end->reply, &lost) != ERR_OK) {
        outcome = OUTCOME_RETRY;
        why = span_str(lost.text);
    }
    struct line_outcome o = {
        .outcome = outcome,
        .run_ms = wk->state == WORKER_RUNNING ? d->now_ms - wk->begun_ms : 0,
        .why = why.n ? why : SPAN_NONE,
        .output = kept.n ? kept : SPAN_NONE,
        .reply = outcome == OUTCOME_DONE ? end->reply : SPAN_NONE,
    };
    wk->entry = NULL;
    wk->inv = NULL;
    wk->deadline_ms = 0;
    wk->generation->function->n_running--;
    d->n_running--;
    conclude(d, e, inv, &wk->generation->settings.retry, &o, end->after_ms);
    buf_fini(&output);
}

void run_lost(struct dispatch *d, struct entry *e, struct invocation *inv)
{
    const struct function *f = function_of(d, inv);
    struct line_outcome o = {.outcome = OUTCOME_LOST, .why = SPAN_LIT("the host ended while it was running")};
    conclude(d, e, inv, f->live ? &f->live->settings.retry : &retry_default, &o, -1);
}

/* Put an invocation that waits for something into RUNNING. */
static void force_running(struct dispatch *d, struct entry *e, struct invocation *inv)
{
    if (heap_holds(inv))
        heap_remove(inv->state == STATE_WAITING ? &d->due : &function_of(d, inv)->queue, inv);
    inv->due_ms = 0;
    if ((inv->state != STATE_PENDING && ledger_set(d->ledger, e, inv, STATE_PENDING) != ERR_OK) ||
        ledger_set(d->ledger, e, inv, STATE_RUNNING) != ERR_OK)
        bug("a run that had begun cannot be said to have");
}

/* A run that had begun, though the journal does not know it. */
static void found_begun(struct dispatch *d, const struct begun_note *n)
{
    struct entry *e = ledger_find(d->ledger, &n->id);
    struct span name = span_of(n->function, strnlen(n->function, sizeof n->function));
    struct invocation *inv = e && (e->user & ENTRY_ADOPTED) ? ledger_invocation(d->ledger, e, name) : NULL;
    if (!inv || inv->attempts >= n->attempt || (inv->state != STATE_PENDING && inv->state != STATE_WAITING && inv->state != STATE_HELD))
        return;
    char generation[16];
    snprintf(generation, sizeof generation, "%u", n->generation);
    force_running(d, e, inv);
    line_put_attempt(records_begin(&d->records), &e->id, name, n->attempt, d->wall_ms, span_str(generation));
    (void)records_end(&d->records);
    inv->attempts = (uint16_t)n->attempt;
    run_lost(d, e, inv);
}

void runs_found(struct dispatch *d)
{
    for (size_t i = 0; i < d->begun.n; i++)
        found_begun(d, &d->begun.found[i]);
}

/* Taken for the sake of a sender that goes away when it is refused: no function sees it until a person has it replayed. */
static bool is_spared(const struct entry *e, const struct invocation *inv)
{
    return e->violated && !inv->base && (inv->state == STATE_PENDING || inv->state == STATE_HELD || inv->state == STATE_RUNNING);
}

/* An attempt that ends before it begins, with the reason that the door wrote down. */
static void spare(struct dispatch *d, struct entry *e, struct invocation *inv)
{
    struct line_event event = {0};
    struct why w;
    if (inv->state != STATE_RUNNING) {
        force_running(d, e, inv);
        line_put_attempt(records_begin(&d->records), &e->id, span_str(function_of(d, inv)->name), ++inv->attempts, d->wall_ms, SPAN_NONE);
        (void)records_end(&d->records);
    }
    struct line_outcome o = {.outcome = OUTCOME_REJECT, .why = SPAN_LIT("it does not meet its contract")};
    if (run_event(d, e, &event, &w) == ERR_OK && event.violation.n)
        o.why = event.violation;
    conclude(d, e, inv, &retry_default, &o, -1);
}

void runs_adopt(struct dispatch *d, struct entry *e)
{
    struct id id = e->id;
    for (unsigned i = 0; i < e->n; i++) {
        struct invocation *inv = &e->inv[i];
        enum state s = (enum state)inv->state;
        if (is_spared(e, inv)) {
            spare(d, e, inv);
            if (ledger_find(d->ledger, &id) != e)
                return;
        } else if (s == STATE_RUNNING) {
            run_lost(d, e, inv);
            if (ledger_find(d->ledger, &id) != e) /* that was the last one: it has left */
                return;
        } else if (s == STATE_WAITING) {
            pull_in(d, inv);
            wait_for_due(d, e, inv);
        } else if (s == STATE_PENDING || s == STATE_HELD) {
            function_enqueue(d, e, inv);
        }
    }
}

void run_drop(struct dispatch *d, struct entry *e, struct invocation *inv, const char *who)
{
    struct function *f = function_of(d, inv);
    bug_if(inv->state == STATE_RUNNING);
    if (heap_holds(inv))
        heap_remove(inv->state == STATE_WAITING ? &d->due : &f->queue, inv);
    line_put_action(records_begin(&d->records), "drop", &e->id, span_str(f->name), d->wall_ms, who, inv->attempts);
    (void)records_end(&d->records);
    view_failed(d, e, inv);
    if (ledger_set(d->ledger, e, inv, STATE_DEAD) != ERR_OK)
        bug("a drop was refused");
    stat_add(STAT_dead_total, 1);
    view_dead(d, e, inv);
    (void)event_leave(d, e);
}
