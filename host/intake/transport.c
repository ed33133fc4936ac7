/* SPDX-License-Identifier: MIT
 * transport: the IO threads: accepting, epoll, mailboxes, deadlines, the pool of requests. What happens on a connection
 * is conn.c's.
 */
#include "intake/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "intake/conn.h"
#include "schema/schema.h"

enum {
    EVENTS = 128,               /* looked at in one round of a thread's loop */
    ACCEPTS = 64,               /* in one round */
    ADMIN_RESERVE = 64,         /* connections to admin_listen beyond max_connections */
    POOLED_MAX = 128,           /* requests kept to be used again */
    PAUSE_MS = 500,             /* without accepting, when accept fails */
    STOP_POLL_MS = 100,         /* between two looks while stopping */
    LONGEST_WAIT_MS = 60000,    /* in epoll_wait */
    TEXT_MAX_BYTES = 128 * 1024 /* of an answer */
};

/* --- the pool of requests --- */

struct request *transport_request(struct transport *t)
{
    pthread_mutex_lock(&t->pool_lock);
    struct request *q = t->pool;
    if (q) {
        t->pool = q->next;
        t->pooled--;
    }
    pthread_mutex_unlock(&t->pool_lock);
    return q ? q : request_new();
}

void transport_recycle(struct transport *t, struct request *q)
{
    read_release(q);
    request_recycle(q);
    pthread_mutex_lock(&t->pool_lock);
    bool keep = t->pooled < POOLED_MAX;
    if (keep) {
        q->next = t->pool;
        t->pool = q;
        t->pooled++;
    }
    pthread_mutex_unlock(&t->pool_lock);
    if (!keep)
        request_free(q);
}

/* --- accepting --- */

static void watch_listeners(struct io *io, bool on)
{
    struct watch *listeners[] = {&io->door, &io->admin};
    for (size_t i = 0; i < 2; i++) {
        if (listeners[i]->fd < 0)
            continue;
        struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = listeners[i]};
        (void)epoll_ctl(io->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listeners[i]->fd, &e);
    }
    io->accepting = on;
}

static bool is_unix_socket(int fd)
{
    int domain = 0;
    socklen_t n = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX;
}

bool transport_by_unix_socket(const struct request *q)
{
    return is_unix_socket(q->conn->watch.fd);
}

/* May the user on the other end of a unix socket come in, and what for? Other sockets name no user: true. Which addresses may be
 * listened at is checked with the configuration. */
static bool peer_allowed(const struct io *io, int fd, struct conn_who *who)
{
    struct ucred cred;
    socklen_t n = sizeof cred;
    if (!is_unix_socket(fd))
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
        return false;
    who->own = cred.uid == 0 || cred.uid == geteuid();
    bool known = who->admin || house_knows_peer(io->house, cred.uid);
    who->only_own = !known && who->own;
    if (known || who->own)
        return true;
    log_line(LOG_WARN, "a connection was refused: its user is not in peer_users", LOG_N("uid", cred.uid),
             LOG_N("pid", cred.pid));
    return false;
}

static void take_connection(struct io *io, int fd, bool admin)
{
    int most = io->t->max_connections + (admin ? ADMIN_RESERVE : 0); /* health is asked when the door is crowded */
    struct conn_who who = {.admin = admin};
    bool open = false;
    if (atomic_fetch_add_explicit(&io->t->connections, 1, memory_order_relaxed) >= most) {
        log_line(LOG_WARN, "a connection was refused: max_connections are open", LOG_N("max", io->t->max_connections));
        close(fd);
    } else if (!peer_allowed(io, fd, &who)) {
        stat_add(STAT_hostile_connections_total, 1);
        close(fd);
    } else {
        open = conn_open(io, fd, &who);
    }
    if (!open)
        atomic_fetch_sub_explicit(&io->t->connections, 1, memory_order_relaxed);
}

static void accept_some(struct io *io, const struct watch *listener)
{
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(io, fd, listener->what == WATCH_ADMIN);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN) {
            log_line(LOG_ERROR, "no connection can be accepted for a moment", LOG_T("why", strerror(errno)));
            watch_listeners(io, false);
            io->accept_again_ms = io->now_ms + PAUSE_MS;
        }
        return;
    }
}

/* --- waking each other --- */

void transport_wake(struct transport *t)
{
    for (unsigned i = 0; i < t->n_io; i++)
        if (atomic_exchange(&t->io[i].wake_wanted, false))
            eventfd_write(t->io[i].wake.fd, 1);
}

static void wake_all(struct transport *t)
{
    for (unsigned i = 0; i < t->n_io; i++)
        eventfd_write(t->io[i].wake.fd, 1);
}

static void read_mailbox(struct io *io)
{
    struct conn *c = atomic_exchange(&io->mailbox, NULL);
    while (c) {
        struct conn *next = c->next;
        conn_came_back(c);
        c = next;
    }
}

/* --- the loop --- */

static void take_house(struct io *io)
{
    struct house *next = atomic_exchange(&io->next_house, NULL);
    if (!next)
        return;
    house_release(io->house);
    io->house = next;
}

static void check_deadlines(struct io *io)
{
    int64_t timeout_ms = io->house->config->request_timeout;
    while (io->first_due && io->now_ms - io->first_due->since_ms >= timeout_ms)
        conn_late(io->first_due);
    if (!io->accepting && io->accept_again_ms && io->now_ms >= io->accept_again_ms) {
        io->accept_again_ms = 0;
        watch_listeners(io, true);
    }
}

static int wait_ms(const struct io *io)
{
    int64_t wait = LONGEST_WAIT_MS;
    if (io->first_due)
        wait = io->first_due->since_ms + io->house->config->request_timeout - io->now_ms;
    if (io->accept_again_ms && wait > PAUSE_MS)
        wait = PAUSE_MS;
    if (atomic_load_explicit(&io->t->stopping, memory_order_relaxed) && wait > STOP_POLL_MS)
        wait = STOP_POLL_MS;
    return wait < 0 ? 0 : wait > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : (int)wait;
}

/* While stopping: requests that had begun are waited for. Connections that were idle, and new ones ("young"), stay open and are not:
 * a request that comes on one of them is told to try again. */
static void wind_down(struct io *io)
{
    bool closing = atomic_load(&io->t->closing);
    bool late = closing || io->now_ms >= atomic_load_explicit(&io->t->stop_at_ms, memory_order_relaxed);
    for (struct conn *c = io->conns, *next; c; c = next) {
        next = c->right;
        if (atomic_load(&c->phase) != PHASE_IO)
            continue;
        if (closing || (late && !c->young && !conn_idle(c)))
            conn_close(c);
        else if (!c->young && conn_idle(c))
            conn_is_young(c);
    }
    if (io->drained || io->n_conns > io->n_young)
        return;
    io->drained = true;
    if (atomic_fetch_sub(&io->t->running, 1) == 1)
        eventfd_write(io->t->drained_fd, 1);
}

static void conn_event(struct conn *c, uint32_t events)
{
    enum phase away = PHASE_AWAY;
    if (atomic_load(&c->phase) != PHASE_IO) {
        if (atomic_compare_exchange_strong(&c->phase, &away, PHASE_AWAY_EVENT) || away == PHASE_AWAY_EVENT)
            return;
    }
    if (events & EPOLLOUT && c->out.n > 0)
        conn_writable(c);
    else
        conn_readable(c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

static void handle_event(struct io *io, const struct epoll_event *e)
{
    struct watch *w = e->data.ptr;
    switch (w->what) {
    case WATCH_CONN:
        conn_event((struct conn *)(void *)w, e->events);
        break;
    case WATCH_DOOR:
    case WATCH_ADMIN:
        if (io->accepting)
            accept_some(io, w);
        break;
    case WATCH_WAKE: /* edge-triggered and never read: each write is an edge */
        break;
    }
}

void transport_gather(struct request *q)
{
    struct io *io = q->conn->io;
    q->job.next = io->youngest;
    io->youngest = &q->job;
    if (!io->oldest)
        io->oldest = &q->job;
}

static void submit_gathered(struct io *io)
{
    if (!io->youngest)
        return;
    commit_submit(io->t->intake->commit, io->youngest, io->oldest);
    io->youngest = io->oldest = NULL;
}

static void *run(void *arg)
{
    struct io *io = arg;
    struct transport *t = io->t;
    struct epoll_event events[EVENTS];

    pthread_setname_np(pthread_self(), "io");
    watch_listeners(io, true);
    do {
        int n = epoll_wait(io->epoll_fd, events, EVENTS, wait_ms(io));
        io->now_ms = clock_mono_ms();
        take_house(io);
        for (int i = 0; i < n; i++)
            handle_event(io, &events[i]);
        submit_gathered(io);
        /* Connections are freed below only when this round's events have all been looked at. */
        read_mailbox(io);
        submit_gathered(io);
        check_deadlines(io);
        transport_wake(t);
        if (atomic_load(&t->stopping))
            wind_down(io);
    } while (!atomic_load(&t->closing) || io->n_conns > 0);
    return NULL;
}

void transport_done(void *transport, struct commit_job *job)
{
    struct transport *t = transport;
    struct request *q = (struct request *)(void *)((char *)job - offsetof(struct request, job));
    q->outcome = job->outcome;
    conn_written(q, &t->committer_voice);
}

void transport_batch_done(void *transport)
{
    transport_wake(transport);
}

/* --- birth and death --- */

static void voice_init(struct voice *v)
{
    buf_init(&v->text, TEXT_MAX_BYTES);
    buf_init(&v->records, 2 * TEXT_MAX_BYTES);
}

static void voice_fini(struct voice *v)
{
    buf_fini(&v->text);
    buf_fini(&v->records);
}

static enum err io_init(struct io *io, const struct transport_options *o, struct transport *t, struct why *w)
{
    *io = (struct io){.t = t,
                      .epoll_fd = -1,
                      .wake = {WATCH_WAKE, -1},
                      .door = {WATCH_DOOR, o->listen_fd},
                      .admin = {WATCH_ADMIN, o->admin_fd}};
    voice_init(&io->voice);
    io->now_ms = clock_mono_ms();
    io->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    io->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = &io->wake};
    if (io->epoll_fd < 0 || io->wake.fd < 0 || epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->wake.fd, &e) != 0)
        return why_errno(w, "cannot set up an IO thread");
    io->scratch = malloc(IO_SCRATCH_BYTES);
    if (!io->scratch)
        return why_set(w, ERR_NO_MEMORY, "out of memory for an IO thread");
    enum err err = recipe_context_new(&io->recipe_context);
    if (err != ERR_OK)
        return why_set(w, err, "cannot prepare signature checking");
    err = schema_context_new(&io->schema_context);
    if (err != ERR_OK)
        return why_set(w, err, "cannot prepare the check of bodies");
    io->house = house_hold(o->house);
    return ERR_OK;
}

static void io_fini(struct io *io)
{
    struct house *next = atomic_exchange(&io->next_house, NULL);
    if (io->epoll_fd >= 0)
        close(io->epoll_fd);
    if (io->wake.fd >= 0)
        close(io->wake.fd);
    free(io->scratch);
    recipe_context_free(io->recipe_context);
    schema_context_free(io->schema_context);
    house_release(io->house);
    house_release(next);
    voice_fini(&io->voice);
}

static void fini(struct transport *t)
{
    for (unsigned i = 0; i < t->n_io; i++)
        io_fini(&t->io[i]);
    while (t->pool) {
        struct request *q = t->pool;
        t->pool = q->next;
        request_free(q);
    }
    voice_fini(&t->committer_voice);
    if (t->drained_fd >= 0)
        close(t->drained_fd);
    pthread_mutex_destroy(&t->pool_lock);
    free(t->io);
    free(t);
}

static void close_all(struct transport *t)
{
    atomic_store(&t->closing, true);
    atomic_store(&t->stopping, true);
    wake_all(t);
}

static enum err start_threads(struct transport *t, unsigned n, struct why *w)
{
    for (unsigned i = 0; i < n; i++) {
        atomic_fetch_add(&t->running, 1);
        errno = pthread_create(&t->io[i].thread, NULL, run, &t->io[i]);
        if (errno == 0)
            continue;
        why_errno(w, "cannot start an IO thread");
        atomic_fetch_sub(&t->running, 1);
        close_all(t);
        while (i > 0)
            pthread_join(t->io[--i].thread, NULL);
        return ERR_SYSTEM;
    }
    return ERR_OK;
}

enum err transport_new(const struct transport_options *o, struct transport **out, struct why *w)
{
    struct transport *t = calloc(1, sizeof *t);
    if (!t || !(t->io = calloc(o->threads, sizeof *t->io))) {
        free(t);
        return why_set(w, ERR_NO_MEMORY, "out of memory for the transport");
    }
    t->intake = o->intake;
    t->max_connections = o->max_connections;
    pthread_mutex_init(&t->pool_lock, NULL);
    voice_init(&t->committer_voice);
    t->drained_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum err e = t->drained_fd < 0 ? why_errno(w, "cannot create an eventfd") : ERR_OK;
    for (int i = 0; i < 2; i++) {
        int fd = i ? o->admin_fd : o->listen_fd;
        if (e == ERR_OK && fd >= 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
            e = why_errno(w, "cannot prepare a listening socket");
    }
    while (e == ERR_OK && t->n_io < o->threads)
        e = io_init(&t->io[t->n_io++], o, t, w);
    o->intake->transport = t; /* before the first thread runs a step */
    if (e == ERR_OK)
        e = start_threads(t, o->threads, w);
    if (e != ERR_OK) {
        fini(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

void transport_switch(struct transport *t, struct house *h)
{
    for (unsigned i = 0; i < t->n_io; i++)
        house_release(atomic_exchange(&t->io[i].next_house, house_hold(h)));
    wake_all(t);
}

void transport_stop(struct transport *t, int64_t wait)
{
    atomic_store(&t->stop_at_ms, clock_mono_ms() + wait);
    atomic_store(&t->stopping, true);
    wake_all(t);
}

int transport_drained_fd(const struct transport *t)
{
    return t->drained_fd;
}

void transport_free(struct transport *t)
{
    if (!t)
        return;
    close_all(t);
    for (unsigned i = 0; i < t->n_io; i++)
        pthread_join(t->io[i].thread, NULL);
    fini(t);
}
