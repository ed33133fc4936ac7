/* SPDX-License-Identifier: MIT
 * dispatch: start, the loop, reload and stop.
 */
#include "dispatch/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "dispatch/claims.h"
#include "dispatch/control.h"
#include "dispatch/feed.h"
#include "dispatch/gap.h"
#include "dispatch/hide.h"
#include "dispatch/registry.h"
#include "dispatch/retire.h"
#include "dispatch/route.h"
#include "dispatch/runs.h"
#include "dispatch/view.h"
#include "dispatch/worker.h"

enum {
    EVENTS = 128,           /* taken from epoll at once */
    TICK_MS = 1000,         /* nudges may be lost */
    LOCK_WAIT_MS = 10000,   /* for a dispatch that is ending */
    FLUSH_MS = 5000,        /* for the last records at the end */
    LETTERS_MS = 2000,      /* for the letters of what they say is dead */
    START_MORE_BYTES = 64 * 1024,
    EVENT_BYTES = 1 << 30
};

/* ---- the epoll set ---- */

enum err watch_add(struct dispatch *d, struct watch *w, int fd, uint32_t events, struct why *why)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    if (epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
        return why_errno(why, "cannot wait for a descriptor");
    w->fd = fd;
    return ERR_OK;
}

void watch_change(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    if (w->fd >= 0)
        (void)epoll_ctl(d->epoll_fd, EPOLL_CTL_MOD, w->fd, &e);
}

void watch_remove(struct dispatch *d, struct watch *w)
{
    if (w->fd >= 0)
        (void)epoll_ctl(d->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->fd = -1;
}

/* ---- the supervisor ---- */

void dispatch_stop(struct dispatch *d)
{
    if (d->stopping)
        return;
    d->stopping = true;
    d->stop_by_ms = d->now_ms + d->config->stop_timeout;
    atomic_store_explicit(&d->shared->dispatching, 0, memory_order_release);
    log_line(LOG_INFO, "stopping: running functions may finish", LOG_N("running", d->n_running), LOG_N("ms", d->config->stop_timeout));
}

static void answer(struct dispatch *d, enum channel_type type, struct span text)
{
    (void)channel_send(d->supervisor_fd, type, text, NULL, 0);
}

static void prepare(struct dispatch *d, const struct channel_message *m)
{
    struct why w = {0};
    struct config *c = NULL;
    enum err e = m->n_fds ? config_from_snapshot(m->fds[0], &c, &w) : why_set(&w, ERR_INVALID, "no snapshot came along");
    config_free(d->prepared);
    d->prepared = e == ERR_OK ? c : NULL;
    answer(d, e == ERR_OK ? CHANNEL_READY : CHANNEL_FAILED, e == ERR_OK ? SPAN_NONE : span_str(w.text));
}

/* What workers are started with. True when it is not what it was. */
static bool find_hidden(struct dispatch *d)
{
    struct buf more = d->start_more, hidden = d->hidden;
    buf_init(&d->start_more, START_MORE_BYTES);
    buf_init(&d->hidden, START_MORE_BYTES);
    hide_put(&d->start_more, d->config);
    hide_put_identities(&d->hidden, d->config);
    if (d->start_more.failed || d->hidden.failed)
        log_msg(LOG_ERROR, "there are too many key files to hide each of them from functions");
    bool changed = !span_eq(buf_span(&more), buf_span(&d->start_more)) || !span_eq(buf_span(&hidden), buf_span(&d->hidden));
    buf_fini(&more);
    buf_fini(&hidden);
    return changed;
}

static void use_prepared(struct dispatch *d)
{
    if (!d->prepared)
        return;
    config_free(d->config);
    d->config = d->prepared;
    d->prepared = NULL;
    log_init_words("dispatch", d->config->log_format, d->config->log_level);
    if (find_hidden(d))
        registry_renew(d);
    log_msg(LOG_INFO, "configuration switched");
}

static void drop_prepared(struct dispatch *d)
{
    config_free(d->prepared);
    d->prepared = NULL;
}

static void on_supervisor(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct channel_message m;
    (void)events;
    enum err e = channel_recv(w->fd, d->message, CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head), false, &m);
    if (e == ERR_CLOSED || e == ERR_SYSTEM) {
        log_msg(LOG_ERROR, "the supervisor is gone");
        watch_remove(d, w);
        d->orphaned = true;
        dispatch_stop(d);
        return;
    }
    if (e != ERR_OK)
        return;
    if (m.type == CHANNEL_PREPARE)
        prepare(d, &m);
    else if (m.type == CHANNEL_SWITCH)
        use_prepared(d);
    else if (m.type == CHANNEL_DISCARD)
        drop_prepared(d);
    else if (m.type == CHANNEL_STOP)
        dispatch_stop(d);
    while (m.n_fds)
        close(m.fds[--m.n_fds]);
}

/* A nudge says only that it is time to look; the turn looks anyway. */
static void on_peer(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct channel_message m;
    if (events & (EPOLLHUP | EPOLLERR))
        watch_remove(d, w);
    else if (events & EPOLLIN)
        while (channel_recv(d->peer_fd, d->message, CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head), false, &m) == ERR_OK)
            while (m.n_fds)
                close(m.fds[--m.n_fds]);
}

static void on_signal(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct signalfd_siginfo info;
    (void)events;
    if (read(w->fd, &info, sizeof info) == (ssize_t)sizeof info)
        dispatch_stop(d);
}

/* ---- the loop ---- */

static void now(struct dispatch *d)
{
    int64_t before_ms = d->now_ms;
    d->now_ms = clock_mono_ms();
    d->wall_ms = clock_wall_ms();
    d->steady_ms += d->now_ms - before_ms;
    if (d->wall_ms > d->steady_ms)
        d->steady_ms = d->wall_ms;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long to wait for something to happen. */
static int wait_ms(struct dispatch *d, bool busy)
{
    if (busy)
        return 0;
    int64_t next = earlier(d->now_ms + TICK_MS, earlier(registry_next_ms(d), feed_next_ms(d)));
    if (records_due_ms(&d->records) > d->now_ms) /* what is due already could not be sent: the peer says when it can */
        next = earlier(next, records_due_ms(&d->records));
    const struct due *due = heap_top(&d->due);
    next = earlier(next, d->workers_look_ms);
    if (d->stopping)
        next = earlier(next, d->stop_by_ms);
    if (due)
        next = earlier(next, d->now_ms + (due->key > d->steady_ms ? due->key - d->steady_ms : 0));
    for (size_t i = 0; i < d->n_functions; i++)
        if (d->functions[i]->queue.n && d->functions[i]->throttled_ms > d->now_ms)
            next = earlier(next, d->functions[i]->throttled_ms);
    return next > d->now_ms ? (int)(next - d->now_ms) : 0;
}

static void gauges(const struct dispatch *d)
{
    const int64_t *counts = ledger_counts(d->ledger);
    int64_t live = 0, broken = 0;
    for (size_t i = 0; i < d->n_functions; i++) {
        live += d->functions[i]->live != NULL;
        broken += d->functions[i]->broken;
    }
    stat_set(STAT_queue_bytes, (int64_t)records_waiting(&d->records));
    stat_set(STAT_unfinished, (int64_t)ledger_count(d->ledger));
    stat_set(STAT_running, counts[STATE_RUNNING]);
    stat_set(STAT_waiting, counts[STATE_WAITING]);
    stat_set(STAT_held, counts[STATE_HELD]);
    stat_set(STAT_functions, live);
    stat_set(STAT_functions_broken, broken);
}

static void send_records(struct dispatch *d)
{
    if (d->now_ms < records_due_ms(&d->records))
        return;
    bool full = records_flush(&d->records) == ERR_AGAIN;
    if (full != d->peer_full)
        watch_change(d, &d->peer, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    d->peer_full = full;
}

/* Everything that is to be done; true when there is more to do at once. */
static bool turn(struct dispatch *d)
{
    bool more = false;
    registry_turn(d);
    workers_turn(d);
    route_turn(d);
    more |= feed_turn(d);
    gap_turn(d);
    if (feed_is_live(d) || !d->stopping)
        runs_due(d);
    runs_schedule(d);
    send_records(d);
    runs_begin(d);
    more |= view_turn(d);
    retire_turn(d);
    control_turn(d);
    send_records(d);
    gauges(d);
    workers_bury(d);
    return more;
}

static bool finished(const struct dispatch *d)
{
    return d->stopping && (d->n_running == 0 || d->orphaned || d->now_ms >= d->stop_by_ms);
}

static void loop(struct dispatch *d)
{
    struct epoll_event events[EVENTS];
    bool busy = true;
    now(d);
    while (!finished(d)) {
        int n = epoll_wait(d->epoll_fd, events, EVENTS, wait_ms(d, busy));
        if (n < 0 && errno != EINTR)
            die(EXIT_SYSTEM, "epoll_wait: %s", strerror(errno));
        now(d);
        for (int i = 0; i < n; i++) {
            struct watch *w = events[i].data.ptr;
            if (w->fd >= 0) /* not removed by one before it; its memory stays until the end of the turn */
                w->ready(d, w, events[i].events);
        }
        busy = turn(d);
    }
}

/* ---- start and end ---- */

static void lock_spool(struct dispatch *d)
{
    int64_t until = clock_mono_ms() + LOCK_WAIT_MS;
    d->spool_fd = open(d->config->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->spool_fd < 0)
        die(EXIT_SYSTEM, "cannot open the spool %s: %s", d->config->spool, strerror(errno));
    d->lock_fd = openat(d->spool_fd, ".dispatch.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (d->lock_fd < 0)
        die(EXIT_SYSTEM, "cannot open %s/.dispatch.lock: %s", d->config->spool, strerror(errno));
    while (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            die(EXIT_SYSTEM, "cannot lock %s/.dispatch.lock: %s", d->config->spool, strerror(errno));
        if (clock_mono_ms() > until)
            die(EXIT_SYSTEM, "%s/.dispatch.lock: another dispatch works on this spool: stop it first (fuser -v names it)", d->config->spool);
        (void)usleep(20 * 1000);
    }
}

static void find_worker_user(struct dispatch *d)
{
    d->worker_uid = (uid_t)-1;
    d->worker_gid = (gid_t)-1;
    if (!d->config->worker_user[0])
        return;
    struct passwd *p = getpwnam(d->config->worker_user);
    if (!p)
        die(EXIT_USAGE, "worker_user %s: there is no such user", d->config->worker_user);
    d->worker_uid = p->pw_uid;
    d->worker_gid = p->pw_gid;
}

static void open_all(struct dispatch *d)
{
    struct why w = {0};
    if (!(d->ledger = ledger_new(false)) || !(d->message = malloc(CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head))))
        die(EXIT_SYSTEM, "out of memory");
    /* On a new spool this role may be up before intake, which makes the same folder. */
    if (mkdirat(d->spool_fd, "journal", 0750) != 0 && errno != EEXIST)
        die(EXIT_SYSTEM, "cannot create %s/journal: %s", d->config->spool, strerror(errno));
    if (reader_open(d->spool_fd, (struct pos){0}, NULL, NULL, &d->finder, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    if (feed_open(d, &w) != ERR_OK || view_open(d, &w) != ERR_OK || retire_open(d, &w) != ERR_OK ||
        control_open(d, &w) != ERR_OK || registry_open(d, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
}

static void watch_all(struct dispatch *d, struct watch *signals)
{
    struct why w = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || watch_add(d, signals, fd, EPOLLIN, &w) != ERR_OK ||
        watch_add(d, &d->supervisor, d->supervisor_fd, EPOLLIN, &w) != ERR_OK ||
        watch_add(d, &d->peer, d->peer_fd, EPOLLIN, &w) != ERR_OK)
        die(EXIT_SYSTEM, "cannot begin to wait: %s", w.text);
}

static void begin(struct dispatch *d)
{
    struct why w = {0};
    if (sodium_init() < 0)
        die(EXIT_SYSTEM, "libsodium cannot be initialised");
    if (shared_map(ROLE_FD_SHARED, &d->shared, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    stats_use(d->shared);
    stat_set(STAT_unread_bytes, 0);
    if (config_from_snapshot(ROLE_FD_SNAPSHOT, &d->config, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    log_init_words("dispatch", d->config->log_format, d->config->log_level);
    d->supervisor_fd = ROLE_FD_SUPERVISOR;
    d->peer_fd = ROLE_FD_PEER;
    d->control_fd = ROLE_FD_LISTEN;
    d->supervisor = (struct watch){.fd = -1, .ready = on_supervisor};
    d->peer = (struct watch){.fd = -1, .ready = on_peer};
    d->staged_end = &d->staged;
    d->workers_look_ms = INT64_MAX;
    if ((d->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        die(EXIT_SYSTEM, "epoll_create1: %s", strerror(errno));
    lock_spool(d);
    find_worker_user(d);
    buf_init(&d->line_text, EVENT_BYTES);
    buf_init(&d->event_text, EVENT_BYTES);
    (void)find_hidden(d);
    records_init(&d->records, d->peer_fd, d->shared);
    begun_open(&d->begun, d->spool_fd, d->shared);
    d->isolation = slot_probe(&w);
    log_line(d->isolation == ISOLATION_NAMESPACES ? LOG_INFO : LOG_WARN, "isolation of functions", LOG_T("why", w.text));
    now(d);
}

/* What still runs is cut off and said to be LOST; then everything is sent, as far as somebody takes it. */
static void end_workers(struct dispatch *d)
{
    for (size_t i = 0; i < d->n_functions; i++)
        for (struct generation *g = d->functions[i]->generations; g; g = g->next)
            while (g->workers) {
                struct worker *wk = g->workers;
                worker_kill(d, wk);
                if (wk->inv)
                    run_finish(d, wk, &(struct run_end){.outcome = OUTCOME_LOST, .why = SPAN_LIT("the host stopped while it was running"), .after_ms = -1});
                worker_end(d, wk);
            }
    workers_bury(d);
}

static void flush_all(struct dispatch *d)
{
    int64_t until = clock_mono_ms() + FLUSH_MS;
    while (records_flush(&d->records) == ERR_AGAIN && clock_mono_ms() < until)
        (void)usleep(5 * 1000);
    if (records_waiting(&d->records))
        log_line(LOG_ERROR, "records could not be handed over: what they say will happen again",
                 LOG_N("bytes", records_waiting(&d->records)));
}

/* Whoever looks at the spool while nobody runs finds the letters of all that is dead: what was sent last is waited for. */
static void write_letters(struct dispatch *d)
{
    int64_t until = clock_mono_ms() + LETTERS_MS;
    while (view_owed(d) && !d->orphaned && clock_mono_ms() < until) {
        now(d);
        bool more = feed_turn(d);
        more |= view_turn(d);
        if (!more)
            (void)usleep(2 * 1000);
    }
}

static void close_all(struct dispatch *d)
{
    control_close(d);
    registry_close(d);
    retire_close(d);
    view_close(d);
    feed_close(d);
    functions_free(d);
    heap_fini(&d->due);
    reader_free(d->reader);
    reader_free(d->finder);
    ledger_free(d->ledger);
    records_fini(&d->records);
    begun_close(&d->begun);
    buf_fini(&d->start_more);
    buf_fini(&d->hidden);
    buf_fini(&d->line_text);
    buf_fini(&d->event_text);
    config_free(d->config);
    config_free(d->prepared);
    free(d->message);
    close(d->lock_fd);
    close(d->spool_fd);
    close(d->epoll_fd);
}

int dispatch_main(void)
{
    struct dispatch d = {0};
    struct watch signals = {.fd = -1, .ready = on_signal};
    struct why w;
    begin(&d);
    open_all(&d);
    watch_all(&d, &signals);
    answer(&d, CHANNEL_READY, SPAN_NONE);
    loop(&d);
    end_workers(&d);
    if (feed_is_live(&d))
        retire_checkpoint(&d);
    flush_all(&d);
    write_letters(&d);
    if (claims_write(&d, &w) != ERR_OK)
        log_line(LOG_ERROR, "what functions claim cannot be written down", LOG_T("why", w.text));
    log_msg(LOG_INFO, "stopped");
    if (signals.fd >= 0)
        close(signals.fd);
    close_all(&d);
    return 0;
}
