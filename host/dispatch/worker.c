/* SPDX-License-Identifier: MIT
 * worker: the life of a slot.
 */
#include "dispatch/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <stddef.h>

#include "base/log.h"
#include "dispatch/generation.h"
#include "dispatch/runs.h"

enum {
    READY_MS = 10000,         /* to load, run init and take a run */
    THROTTLE_FIRST_MS = 1000, /* doubled with each worker that does not become ready */
    THROTTLE_MS = 60000,
    EVENTS_A_TURN = 64 /* of one slot, then the others have their turn */
};

void workers_look_by(struct dispatch *d, int64_t ms)
{
    if (ms < d->workers_look_ms)
        d->workers_look_ms = ms;
}

/* ---- birth and end ---- */

static void on_socket(struct dispatch *d, struct watch *w, uint32_t events);
static void on_output(struct dispatch *d, struct watch *w, uint32_t events);

static enum err open_slot(struct dispatch *d, struct generation *g, struct worker *wk, struct why *w)
{
    struct slot_options o = {
        .worker_program = d->config->worker,
        .name = g->function->name,
        .start_json = buf_span(&g->start),
        .so_fd = g->so_fd,
        .isolation = d->isolation,
        .uid = d->worker_uid,
        .gid = d->worker_gid,
    };
    enum err e = slot_new(&o, &wk->slot, w);
    if (e == ERR_OK && (e = watch_add(d, &wk->socket, slot_socket(wk->slot), EPOLLIN, w)) == ERR_OK)
        e = watch_add(d, &wk->output, slot_output(wk->slot), EPOLLIN, w);
    if (e != ERR_OK && wk->slot) {
        watch_remove(d, &wk->socket);
        slot_free(wk->slot);
    }
    return e;
}

enum err worker_new(struct dispatch *d, struct generation *g, struct why *w)
{
    struct worker *wk = calloc(1, sizeof *wk);
    if (!wk)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    *wk = (struct worker){
        .socket = {.fd = -1, .ready = on_socket},
        .output = {.fd = -1, .ready = on_output},
        .generation = g,
        .next = g->workers,
        .link = &g->workers,
        .state = WORKER_STARTING,
        .born_ms = d->now_ms,
        .deadline_ms = d->now_ms + READY_MS,
    };
    enum err e = open_slot(d, g, wk, w);
    if (e != ERR_OK) {
        free(wk);
        return e;
    }
    if (wk->next)
        wk->next->link = &wk->next;
    g->workers = wk;
    g->n_workers++;
    g->function->n_workers++;
    d->n_workers++;
    d->n_starting++;
    stat_add(STAT_workers_started_total, 1);
    stat_set(STAT_workers, (int64_t)d->n_workers);
    workers_look_by(d, wk->deadline_ms);
    return ERR_OK;
}

void worker_kill(struct dispatch *d, struct worker *wk)
{
    watch_remove(d, &wk->socket);
    watch_remove(d, &wk->output);
    slot_free(wk->slot);
    wk->slot = NULL;
}

void worker_end(struct dispatch *d, struct worker *wk)
{
    bug_if(wk->state == WORKER_OVER || wk->inv);
    if (wk->state == WORKER_STARTING)
        d->n_starting--;
    wk->state = WORKER_OVER;
    worker_kill(d, wk);
    *wk->link = wk->next;
    if (wk->next)
        wk->next->link = wk->link;
    wk->generation->n_workers--;
    wk->generation->function->n_workers--;
    d->n_workers--;
    stat_set(STAT_workers, (int64_t)d->n_workers);
    wk->next = d->graves;
    d->graves = wk;
}

void worker_end_and_settle(struct dispatch *d, struct worker *wk)
{
    struct generation *g = wk->generation;
    worker_end(d, wk);
    generation_settle(d, g);
}

void workers_bury(struct dispatch *d)
{
    while (d->graves) {
        struct worker *wk = d->graves;
        d->graves = wk->next;
        free(wk->tail);
        free(wk);
    }
}

void workers_retire(struct dispatch *d, struct generation *g)
{
    for (struct worker *wk = g->workers, *next; wk; wk = next) {
        next = wk->next;
        if (!wk->inv)
            worker_end(d, wk);
    }
}

/* ---- what it says ---- */

/* It never became able to take a run: the function's fault, no event's. */
static void never_ready(struct dispatch *d, struct worker *wk, const char *why)
{
    struct generation *g = wk->generation;
    struct function *f = g->function;
    if (f->candidate == g) {
        generation_failed(d, g, why); /* ends this worker with the others */
        return;
    }
    int64_t wait_ms = f->failures < 6 ? (int64_t)THROTTLE_FIRST_MS << f->failures : THROTTLE_MS;
    f->failures++;
    f->throttled_ms = d->now_ms + (wait_ms < THROTTLE_MS ? wait_ms : THROTTLE_MS);
    why_set(&f->why, ERR_INVALID, "%s", why);
    log_line(LOG_ERROR, "a worker ended before it was ready: its function is throttled", LOG_T("function", f->name),
             LOG_N("ms", f->throttled_ms - d->now_ms), LOG_T("why", why));
    worker_end_and_settle(d, wk);
}

/* From a wait status, in words. */
static void put_status(struct why *w, const char *what, int status)
{
    if (status != -1 && WIFSIGNALED(status))
        why_set(w, ERR_OK, "%s by signal %d (%s)", what, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (status != -1 && WIFEXITED(status))
        why_set(w, ERR_OK, "%s with exit status %d and without an outcome", what, WEXITSTATUS(status));
    else
        why_set(w, ERR_OK, "%s without an outcome", what);
}

static void text_or(struct why *w, struct span text, const char *otherwise)
{
    if (text.n)
        why_set(w, ERR_OK, "%.*s", (int)(text.n < sizeof w->text ? text.n : sizeof w->text), text.p);
    else
        why_set(w, ERR_OK, "%s", otherwise);
}

static void keep_tail(struct worker *wk, struct span text)
{
    if (!wk->tail && !(wk->tail = malloc(TAIL_BYTES)))
        return;
    for (size_t i = 0; i <= text.n; i++)
        wk->tail[wk->printed++ % TAIL_BYTES] = i < text.n ? text.p[i] : '\n';
}

void worker_tail(const struct worker *wk, struct buf *b)
{
    uint64_t n = wk->printed < TAIL_BYTES ? wk->printed : TAIL_BYTES;
    for (uint64_t i = wk->printed - n; i < wk->printed; i++)
        buf_putc(b, wk->tail[i % TAIL_BYTES]);
}

static void relay(struct worker *wk, enum log_level level, struct span text)
{
    char id[ID_TEXT_BYTES];
    struct span event = SPAN_LIT("");
    if (wk->inv) {
        id_format(&wk->entry->id, id);
        event = span_of(id, sizeof id);
        keep_tail(wk, text);
    }
    log_line(level, "output", LOG_S("event", event), LOG_T("function", wk->generation->function->name),
             LOG_N("attempt", wk->inv ? wk->inv->attempts : 0), LOG_S("text", text));
}

static void said_waiting(struct dispatch *d, struct worker *wk)
{
    struct generation *g = wk->generation;
    if (wk->state == WORKER_STARTING)
        d->n_starting--;
    wk->state = WORKER_IDLE;
    wk->since_ms = d->now_ms;
    wk->deadline_ms = 0;
    workers_look_by(d, d->now_ms + g->settings.idle_ms);
    if (!wk->warmed) {
        wk->warmed = true;
        g->function->failures = 0;
        if (g->function->candidate == g)
            generation_live(d, g);
    }
    if (g->retired)
        worker_end_and_settle(d, wk);
}

/* The whole slot is over. */
static void said_over(struct dispatch *d, struct worker *wk, const struct slot_event *e)
{
    struct why why;
    if (e->kind == SLOT_GONE && e->status != -1)
        put_status(&why, "its worker ended", e->status);
    else
        text_or(&why, e->text, "its worker ended");
    if (wk->inv)
        run_finish(d, wk, &(struct run_end){.outcome = wk->state == WORKER_STAGED ? OUTCOME_LOST : OUTCOME_CRASH, .why = span_str(why.text), .after_ms = -1});
    if (!wk->served)
        never_ready(d, wk, why.text);
    else
        worker_end_and_settle(d, wk);
}

static void said_died(struct dispatch *d, struct worker *wk, const struct slot_event *e)
{
    struct why why;
    put_status(&why, e->begun ? "ended" : "its worker ended before it began,", e->status);
    if (!wk->inv)
        return;
    run_finish(d, wk, &(struct run_end){.outcome = e->begun ? OUTCOME_CRASH : OUTCOME_LOST, .why = span_str(why.text), .after_ms = -1});
    wk->state = WORKER_BETWEEN;
    wk->deadline_ms = d->now_ms + READY_MS;
    workers_look_by(d, wk->deadline_ms);
}

static void said_outcome(struct dispatch *d, struct worker *wk, const struct slot_event *e)
{
    if (!wk->inv || wk->state != WORKER_RUNNING || e->token != wk->token)
        return; /* slot.c has checked that; nothing to believe here */
    const struct run_end end = {.outcome = e->outcome, .why = e->text, .reply = e->reply, .after_ms = e->retry_after_ms};
    run_finish(d, wk, &end);
    wk->state = WORKER_BETWEEN;
    wk->deadline_ms = d->now_ms + READY_MS;
    workers_look_by(d, wk->deadline_ms);
}

static void said_ready(struct dispatch *d, struct worker *wk, const struct slot_event *e)
{
    struct why why;
    struct generation *g = wk->generation;
    if (!g->described && generation_described(g, e->text, &why) != ERR_OK)
        never_ready(d, wk, why.text);
}

/* One thing that the slot tells; false when there is no more. The worker may be over afterwards. */
static bool hear(struct dispatch *d, struct worker *wk)
{
    struct slot_event e = slot_next(wk->slot);
    switch (e.kind) {
    case SLOT_NOTHING:
        return false;
    case SLOT_LOG:
        relay(wk, (enum log_level)e.level, e.text);
        break;
    case SLOT_OUTPUT:
        relay(wk, LOG_INFO, e.text);
        break;
    case SLOT_READY:
        said_ready(d, wk, &e);
        break;
    case SLOT_WAITING:
        said_waiting(d, wk);
        break;
    case SLOT_OUTCOME:
        said_outcome(d, wk, &e);
        break;
    case SLOT_DIED:
        said_died(d, wk, &e);
        break;
    case SLOT_BROKEN:
    case SLOT_USED_UP:
    case SLOT_GONE:
        said_over(d, wk, &e);
        break;
    }
    return wk->state != WORKER_OVER;
}

static void on_socket(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct worker *wk = (struct worker *)((char *)w - offsetof(struct worker, socket));
    (void)events;
    for (int i = 0; i < EVENTS_A_TURN && hear(d, wk); i++)
        ;
}

static void on_output(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct worker *wk = (struct worker *)((char *)w - offsetof(struct worker, output));
    int i = 0;
    while (i < EVENTS_A_TURN && hear(d, wk))
        i++;
    /* Everybody has closed it and all is read: nothing will come, and level-triggered it would wake us for ever. */
    if (i == 0 && wk->state != WORKER_OVER && (events & (EPOLLHUP | EPOLLERR)))
        watch_remove(d, w);
}

/* ---- time ---- */

static void look_at_one(struct dispatch *d, struct worker *wk)
{
    struct generation *g = wk->generation;
    if (wk->state == WORKER_IDLE) {
        bool spare = g->n_workers > 1;
        int64_t until = wk->since_ms + g->settings.idle_ms;
        if (spare && d->now_ms >= until)
            worker_end_and_settle(d, wk);
        else if (spare)
            workers_look_by(d, until);
        return;
    }
    if (!wk->deadline_ms)
        return;
    if (d->now_ms < wk->deadline_ms) {
        workers_look_by(d, wk->deadline_ms);
        return;
    }
    if (wk->state == WORKER_RUNNING) {
        struct why why;
        why_set(&why, ERR_OK, "still running after %lld ms, killed", (long long)g->settings.timeout_ms);
        worker_kill(d, wk);
        run_finish(d, wk, &(struct run_end){.outcome = OUTCOME_TIMEOUT, .why = span_str(why.text), .after_ms = -1});
        worker_end_and_settle(d, wk);
    } else if (!wk->warmed) {
        never_ready(d, wk, "it was not ready for a run within 10 s of its start");
    } else {
        worker_end_and_settle(d, wk);
    }
}

void workers_turn(struct dispatch *d)
{
    if (d->now_ms < d->workers_look_ms)
        return;
    d->workers_look_ms = INT64_MAX;
    for (size_t i = 0; i < d->n_functions; i++)
        for (struct generation *g = d->functions[i]->generations, *next_g; g; g = next_g) {
            next_g = g->next;
            for (struct worker *wk = g->workers, *next; wk; wk = next) {
                next = wk->next; /* ending one may free the generation only with its last worker */
                look_at_one(d, wk);
            }
        }
}
