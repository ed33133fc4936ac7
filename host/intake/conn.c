/* SPDX-License-Identifier: MIT
 * conn: see conn.h. A connection without a request holds no buffer: bytes are received into the thread's scratch, and
 * only what is not a whole request is kept.
 */
#include "intake/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "intake/batch.h"
#include "intake/fetch.h"
#include "intake/rerun.h"

enum {
    HELD_STEP_BYTES = 32 * 1024, /* received at once behind what is held */
    HELD_MAX_BYTES = SCREEN_HEAD_BYTES + 2 * IO_SCRATCH_BYTES,
    OUT_MAX_BYTES = 1 << 20,     /* of answers that the web server does not take */
    READS_PER_TURN = 32
};

static const char untold[] = "the event could not be written down; it was not accepted";

/* What became of a connection: go on with it; it is another thread's now and must not be touched; the caller closes it. */
enum fate { ON, AWAY, GONE };
/* What one recv brought: less than there was room for means that the socket is empty now. */
enum got { GOT_NOTHING, GOT_SOME, GOT_FULL };

/* --- the list of deadlines: oldest first, and every deadline is as long, so its head is due first --- */

static void deadline_end(struct conn *c)
{
    struct io *io = c->io;
    if (!c->timed)
        return;
    *(c->older ? &c->older->newer : &io->first_due) = c->newer;
    *(c->newer ? &c->newer->older : &io->last_due) = c->older;
    c->older = c->newer = NULL;
    c->timed = false;
}

static void deadline_begin(struct conn *c)
{
    struct io *io = c->io;
    if (c->timed)
        return;
    c->timed = true;
    c->since_ms = io->now_ms;
    c->older = io->last_due;
    c->newer = NULL;
    *(c->older ? &c->older->newer : &io->first_due) = c;
    io->last_due = c;
}

/* --- birth and death --- */

bool conn_open(struct io *io, int fd, const struct conn_who *who)
{
    struct conn *c = calloc(1, sizeof *c);
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (!c || epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
        free(c);
        close(fd);
        return false;
    }
    c->watch = (struct watch){WATCH_CONN, fd};
    c->io = io;
    c->admin = who->admin;
    c->own = who->own;
    c->only_own = who->only_own;
    if (atomic_load(&io->t->stopping))
        conn_is_young(c);
    atomic_init(&c->phase, PHASE_IO);
    buf_init(&c->held, HELD_MAX_BYTES);
    buf_init(&c->out, OUT_MAX_BYTES);
    screen_reset(&c->screen);
    c->right = io->conns;
    if (c->right)
        c->right->left = c;
    io->conns = c;
    io->n_conns++;
    stat_add(STAT_connections, 1);
    stat_add(STAT_connections_total, 1);
    return true;
}

void conn_close(struct conn *c)
{
    struct io *io = c->io;
    deadline_end(c);
    *(c->left ? &c->left->right : &io->conns) = c->right;
    if (c->right)
        c->right->left = c->left;
    io->n_conns--;
    io->n_young -= c->young;
    atomic_fetch_sub_explicit(&io->t->connections, 1, memory_order_relaxed);
    stat_add(STAT_connections, -1);
    if (c->request)
        transport_recycle(io->t, c->request);
    buf_fini(&c->held);
    buf_fini(&c->out);
    close(c->watch.fd);
    free(c);
}

void conn_is_young(struct conn *c)
{
    c->young = true;
    c->io->n_young++;
}

bool conn_idle(const struct conn *c)
{
    return !c->request && !c->swallow && c->out.n == 0 && c->held.n == 0 && !screen_started(&c->screen);
}

static enum fate hostile(struct conn *c, const char *what)
{
    stat_add(STAT_hostile_connections_total, 1);
    log_line(LOG_WARN, "a connection was closed: no web server sends this", LOG_T("why", what),
             LOG_N("fd", c->watch.fd));
    return GONE;
}

/* --- answering --- */

/* Send what can be sent; the rest waits in c->out. */
static void send_records(struct conn *c, struct span s)
{
    while (s.n > 0) {
        ssize_t n = send(c->watch.fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            c->close = true;
            return;
        }
        if (n < 0)
            break;
        s = span_skip(s, (size_t)n);
    }
    buf_put_span(&c->out, s);
    c->close = c->close || c->out.failed;
}

static void answer(struct request *q, struct voice *v)
{
    struct conn *c = q->conn;
    q->outcome = fetch_outcome(q, q->outcome);
    rerun_explain(q);
    buf_clear(&v->text);
    buf_clear(&v->records);
    if (c->admin && !q->rerun.p) {
        admin_put(q, &v->text);
    } else {
        answer_put(q, &v->text);
        answer_record(q);
    }
    fcgi_answer(&q->fcgi, buf_span(&v->text), &v->records);
    read_release(q); /* before the sender hears: its next request finds the room */
    if (!v->text.failed && !v->records.failed)
        send_records(c, buf_span(&v->records));
    else
        c->close = true;
    c->request = NULL;
    transport_recycle(c->io->t, q);
}

/* Who waited is told. A request with several events may wait for more. */
static void tell(void *voice, struct dedupe_claim *waited, enum err e, const struct id *first)
{
    struct request *q = waited->owner;
    if (!q->batch) {
        q->outcome = e == ERR_OK ? ERR_EXISTS : e;
        q->id = *first;
    } else if (batch_told(q, waited, e, first)) {
        q->outcome = batch_outcome(q->batch);
    } else {
        return;
    }
    struct conn *c = q->conn;
    if (q->outcome != ERR_EXISTS && q->outcome != ERR_OK)
        (void)refuse(q, q->outcome, "%s", untold);
    answer(q, voice);
    conn_give_back(c);
}

void conn_conclude(struct request *q, struct voice *v)
{
    enum err e = q->outcome;
    struct id id = q->id;
    struct dedupe_claim *waited = NULL;

    if (q->claimed)
        waited = dedupe_settle(q->intake->dedupe, &q->claim, e == ERR_OK, q->taken_ms);
    answer(q, v);
    while (waited) {
        struct dedupe_claim *next = waited->next; /* whose request is gone when it was told */
        tell(v, waited, e, &id);
        waited = next;
    }
}

void conn_written(struct request *q, struct voice *v)
{
    struct conn *c = q->conn;
    if (q->outcome != ERR_OK)
        (void)refuse(q, q->outcome, "%s", untold);
    if (!q->batch) {
        conn_conclude(q, v);
    } else if (batch_settle(q, q->outcome, tell, v)) {
        q->outcome = batch_outcome(q->batch);
        if (q->outcome != ERR_OK && q->outcome != ERR_EXISTS)
            (void)refuse(q, q->outcome, "%s", untold);
        answer(q, v);
    } else {
        return;
    }
    conn_give_back(c);
}

void conn_give_back(struct conn *c)
{
    struct io *io = c->io;
    enum phase away = PHASE_AWAY;

    c->close = c->close || !c->keep || atomic_load_explicit(&io->t->stopping, memory_order_relaxed);
    if (!c->close && !c->drain && c->out.n == 0 && c->held.n == 0 &&
        atomic_compare_exchange_strong(&c->phase, &away, PHASE_IO))
        return;
    struct conn *head = atomic_load_explicit(&io->mailbox, memory_order_relaxed);
    do
        c->next = head;
    while (!atomic_compare_exchange_weak(&io->mailbox, &head, c));
    atomic_store(&io->wake_wanted, true);
}

/* --- walking what arrived --- */

/* The request is answered: what still comes of it is dropped. */
static enum fate swallow(struct conn *c)
{
    c->swallow = true;
    screen_answered(&c->screen);
    return c->close ? GONE : ON;
}

/* What was to be swallowed does not come: the web server has begun the next request. */
static enum fate next_request(struct conn *c)
{
    c->swallow = false;
    deadline_end(c);
    return c->close || !c->keep || atomic_load_explicit(&c->io->t->stopping, memory_order_relaxed) ? GONE : ON;
}

/* The parameters are complete: begin the request and run the first steps. */
static enum fate begin_request(struct conn *c, struct span bytes, size_t *used)
{
    struct io *io = c->io;
    struct request *q = transport_request(io->t);
    if (!q)
        return GONE;
    c->request = q;
    c->keep = c->screen.keep;
    q->intake = io->t->intake;
    q->house = house_hold(io->house);
    q->conn = c;
    q->recipe_context = io->recipe_context;
    q->nul = c->screen.nul;
    q->received_ms = q->taken_ms = clock_wall_ms();
    q->began_ns = clock_mono_ns();
    q->request_id = id_new(q->received_ms);
    if (fcgi_begin(&q->fcgi, bytes, used) != ERR_OK)
        return hostile(c, "libfcgi does not take it");
    stat_add(STAT_requests_total, c->admin ? 0 : 1);
    q->outcome = request_read_params(q);
    if (c->only_own && !q->rerun.p)
        return hostile(c, "its user is not in peer_users");
    if (q->outcome == ERR_OK && q->rerun.p)
        q->outcome = rerun_begin(q, c->own);
    if (q->outcome == ERR_OK && (!c->admin || q->rerun.p) && !steps_run(q))
        return ON;
    conn_conclude(q, &io->voice);
    return swallow(c);
}

/* n more body bytes lie in these records. */
static enum fate take_body(struct conn *c, struct span bytes, size_t n, size_t *used)
{
    struct request *q = c->request;
    q->outcome = read_room(q, n);
    if (q->outcome != ERR_OK) {
        conn_conclude(q, &c->io->voice);
        return swallow(c);
    }
    if (fcgi_read(&q->fcgi, bytes, q->body.p + q->body.n, n, used) != ERR_OK)
        return hostile(c, "libfcgi does not take the body");
    q->body.n += n;
    return ON;
}

/* Walk unscreened bytes up to the end of a request or of the window. *taken: bytes at its front that are done with.
 * *end: the request's last byte has been walked. */
static enum fate walk(struct conn *c, struct span window, size_t *taken, bool *end)
{
    enum fate fate = ON;
    size_t at = c->walked, done = 0;

    *end = false;
    while (fate == ON && !*end && at < window.n) {
        const char *why = "";
        size_t step, body, used = 0;
        enum screen_verdict v = screen_feed(&c->screen, span_skip(window, at), &step, &body, &why);
        struct span screened = span_of(window.p + done, at + step - done);
        at += step;
        if (v == SCREEN_HOSTILE)
            fate = hostile(c, why);
        else if (v == SCREEN_ABORT)
            fate = GONE;
        else if (v == SCREEN_NEXT)
            fate = next_request(c);
        else if (v == SCREEN_HEAD)
            fate = begin_request(c, screened, &used);
        else if (body > 0 && !c->swallow)
            fate = take_body(c, screened, body, &used);
        done += used;
        *end = v == SCREEN_END;
        if (*end && fate == ON && !c->swallow &&
            fcgi_read_end(&c->request->fcgi, span_of(window.p + done, at - done), &used) != ERR_OK)
            fate = hostile(c, "libfcgi does not take the end of the body");
        if (*end || c->swallow || v == SCREEN_NEXT)
            done = at - screen_header_bytes(&c->screen);
    }
    c->walked = at - done;
    *taken = done;
    return fate;
}

/* The whole request is here: the steps after read. */
static enum fate run_request(struct conn *c)
{
    struct request *q = c->request;
    screen_reset(&c->screen);
    deadline_end(c);
    if (c->swallow) {
        c->swallow = false;
    } else {
        q->body_complete = true;
        q->schema_context = c->io->schema_context;
        atomic_store_explicit(&c->phase, PHASE_AWAY, memory_order_relaxed);
        if (!steps_run(q))
            return AWAY;
        atomic_store_explicit(&c->phase, PHASE_IO, memory_order_relaxed);
        conn_conclude(q, &c->io->voice);
    }
    c->close = c->close || !c->keep || atomic_load_explicit(&c->io->t->stopping, memory_order_relaxed);
    return ON;
}

/* Keep what walk did not take of the window, which may be c->held itself. */
static bool keep_rest(struct conn *c, struct span window, size_t taken)
{
    if (window.p == c->held.p) {
        buf_consume(&c->held, taken);
    } else {
        buf_put_span(&c->held, span_skip(window, taken));
    }
    if (c->held.n == 0)
        buf_fini(&c->held);
    return !c->held.failed;
}

/* Walk a window to its end, request after request. */
static enum fate walk_all(struct conn *c, struct span window)
{
    enum fate fate = ON;
    bool more = true;
    while (fate == ON && more) {
        size_t taken;
        bool end;
        fate = walk(c, window, &taken, &end);
        if (fate != ON)
            return fate;
        if (!keep_rest(c, window, taken))
            return hostile(c, "more bytes than a request may have");
        if (!end)
            break;
        fate = run_request(c);
        if (fate == AWAY) /* no longer ours to look at */
            return AWAY;
        window = buf_span(&c->held);
        more = c->held.n > 0 && c->out.n == 0 && !c->close;
    }
    return fate;
}

/* Receive once, and walk it. */
static enum fate receive(struct conn *c, enum got *got)
{
    char *p = c->io->scratch;
    size_t room = IO_SCRATCH_BYTES;
    if (c->held.n > 0) {
        if (!buf_reserve(&c->held, HELD_STEP_BYTES))
            return hostile(c, "more bytes than a request may have");
        p = c->held.p + c->held.n;
        room = HELD_STEP_BYTES;
    }
    ssize_t n;
    do
        n = recv(c->watch.fd, p, room, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? ON : GONE;
    if (n == 0)
        return GONE;
    *got = (size_t)n < room ? GOT_SOME : GOT_FULL;
    if (c->held.n == 0)
        return walk_all(c, span_of(p, (size_t)n));
    c->held.n += (size_t)n;
    return walk_all(c, buf_span(&c->held));
}

/* The connection is with its thread again: flush, close, or see that its deadline runs while something is unfinished. */
static void settle(struct conn *c)
{
    if (c->out.n > 0) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
        if (!c->wants_out && epoll_ctl(c->io->epoll_fd, EPOLL_CTL_MOD, c->watch.fd, &e) == 0)
            c->wants_out = true;
        deadline_begin(c);
    } else if (c->close && !c->swallow) {
        conn_close(c);
    } else if (conn_idle(c)) {
        deadline_end(c);
    } else {
        deadline_begin(c);
    }
}

/* The thread's other connections get their turn: setting the events anew makes epoll report once more that there is something to read. */
static void yield(struct conn *c)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    (void)epoll_ctl(c->io->epoll_fd, EPOLL_CTL_MOD, c->watch.fd, &e);
}

void conn_readable(struct conn *c, bool drain)
{
    enum fate fate = ON;
    int turns = 0;

    c->drain = c->drain || drain;
    if (c->out.n == 0 && c->held.n > c->walked)
        fate = walk_all(c, buf_span(&c->held));
    while (fate == ON && c->out.n == 0 && (!c->close || c->swallow)) {
        enum got got = GOT_NOTHING;
        if (turns++ == READS_PER_TURN) {
            yield(c);
            break;
        }
        fate = receive(c, &got);
        if (fate != ON)
            break;
        if (got == GOT_NOTHING)
            c->drain = false;
        if (got == GOT_NOTHING || (got == GOT_SOME && !c->drain))
            break;
    }
    if (fate == GONE)
        conn_close(c);
    else if (fate == ON)
        settle(c);
}

void conn_writable(struct conn *c)
{
    struct span rest = buf_span(&c->out);
    size_t before = rest.n;
    if (before == 0)
        return;
    c->out = (struct buf){.max_bytes = OUT_MAX_BYTES};
    send_records(c, rest);
    free((void *)(uintptr_t)rest.p);
    if (c->out.n > 0)
        return;
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    (void)epoll_ctl(c->io->epoll_fd, EPOLL_CTL_MOD, c->watch.fd, &e);
    c->wants_out = false;
    deadline_end(c);
    conn_readable(c, true);
}

void conn_came_back(struct conn *c)
{
    atomic_store_explicit(&c->phase, PHASE_IO, memory_order_relaxed);
    if (c->out.n > 0 || c->close)
        settle(c);
    else
        conn_readable(c, true);
}

void conn_late(struct conn *c)
{
    struct request *q = c->request;
    if (q) {
        q->outcome = refuse(q, ERR_REQUEST_TIMEOUT, "the request did not arrive in time");
        conn_conclude(q, &c->io->voice);
        deadline_end(c); /* as long again for the rest: closed at once, the web server would not see the answer */
        if (swallow(c) == ON && c->out.n == 0) {
            deadline_begin(c);
            return;
        }
    }
    log_msg(LOG_DEBUG, "a connection was closed at its deadline");
    conn_close(c);
}
