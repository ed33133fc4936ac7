/* SPDX-License-Identifier: MIT
 * control: connections of the control socket.
 */
#include "dispatch/control.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum { CONNECTIONS = 32, QUIET_MS = 30000, READ_BYTES = 16 * 1024, WHO_BYTES = 32 };

struct connection {
    struct watch watch;
    struct buf in, out;
    int64_t until_ms; /* monotonic: done or given up by then */
    char who[WHO_BYTES];
};

struct control {
    struct watch listen;
    uid_t user; /* the configured one; our own where there is none */
    struct connection connections[CONNECTIONS];
};

static void close_connection(struct dispatch *d, struct connection *c)
{
    int fd = c->watch.fd;
    watch_remove(d, &c->watch);
    close(fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
}

static void send_out(struct dispatch *d, struct connection *c)
{
    while (c->out.n) {
        ssize_t n = send(c->watch.fd, c->out.p, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            watch_change(d, &c->watch, EPOLLOUT);
            return;
        }
        if (n < 0) {
            close_connection(d, c);
            return;
        }
        buf_consume(&c->out, (size_t)n);
    }
    watch_change(d, &c->watch, EPOLLIN);
}

/* One line; what lies behind it is the next request. */
static void take_line(struct dispatch *d, struct connection *c, size_t n)
{
    buf_clear(&c->out);
    operate(d, span_of(c->in.p, n), c->who, &c->out);
    buf_putc(&c->out, '\n');
    if (c->out.failed) {
        buf_clear(&c->out);
        buf_puts(&c->out, "{\"ok\":false,\"code\":\"no-room\",\"detail\":\"the answer is too long\"}\n");
    }
    buf_consume(&c->in, n + 1);
    c->until_ms = d->now_ms + QUIET_MS;
    send_out(d, c);
}

static void receive(struct dispatch *d, struct connection *c)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(c->watch.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        buf_put(&c->in, bytes, (size_t)n);
    if (n <= 0 || c->in.failed) {
        close_connection(d, c);
        return;
    }
    const char *end = memchr(c->in.p, '\n', c->in.n);
    if (end)
        take_line(d, c, (size_t)(end - c->in.p));
}

static void on_connection(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct connection *c = (struct connection *)((char *)w - offsetof(struct connection, watch));
    if (c->out.n && (events & EPOLLOUT))
        send_out(d, c);
    else if (!c->out.n && (events & EPOLLIN))
        receive(d, c);
    else if (events & (EPOLLHUP | EPOLLERR))
        close_connection(d, c);
}

static bool may_speak(const struct dispatch *d, int fd, struct ucred *peer)
{
    socklen_t n = sizeof *peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &n) == 0 &&
           (peer->uid == 0 || peer->uid == geteuid() || peer->uid == d->control->user);
}

static struct connection *free_place(struct control *k)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (k->connections[i].watch.fd < 0)
            return &k->connections[i];
    return NULL;
}

static void on_listen(struct dispatch *d, struct watch *w, uint32_t events)
{
    struct ucred peer;
    struct why why;
    (void)events;
    int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct connection *c = free_place(d->control);
    bool may = may_speak(d, fd, &peer);
    if (!may)
        log_line(LOG_WARN, "a stranger spoke to the control socket", LOG_N("uid", peer.uid), LOG_N("pid", peer.pid));
    if (!may || !c || watch_add(d, &c->watch, fd, EPOLLIN, &why) != ERR_OK) {
        close(fd);
        return;
    }
    buf_init(&c->in, CONTROL_LINE_BYTES);
    buf_init(&c->out, CONTROL_ANSWER_BYTES);
    c->until_ms = d->now_ms + QUIET_MS;
    snprintf(c->who, sizeof c->who, "uid:%u", (unsigned)peer.uid);
}

enum err control_open(struct dispatch *d, struct why *w)
{
    int accepting = 0;
    socklen_t n = sizeof accepting;
    struct control *k = calloc(1, sizeof *k);
    if (!k)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    d->control = k;
    k->listen = (struct watch){.fd = -1, .ready = on_listen};
    for (size_t i = 0; i < CONNECTIONS; i++)
        k->connections[i].watch = (struct watch){.fd = -1, .ready = on_connection};
    struct passwd *p = d->config->user[0] ? getpwnam(d->config->user) : NULL;
    k->user = p ? p->pw_uid : geteuid();
    if (getsockopt(d->control_fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &n) != 0 || !accepting)
        return ERR_OK; /* none is configured */
    return watch_add(d, &k->listen, d->control_fd, EPOLLIN, w);
}

void control_close(struct dispatch *d)
{
    struct control *k = d->control;
    if (!k)
        return;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (k->connections[i].watch.fd >= 0)
            close_connection(d, &k->connections[i]);
    watch_remove(d, &k->listen);
    free(k);
    d->control = NULL;
}

void control_turn(struct dispatch *d)
{
    struct control *k = d->control;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (k->connections[i].watch.fd >= 0 && d->now_ms >= k->connections[i].until_ms)
            close_connection(d, &k->connections[i]);
}
