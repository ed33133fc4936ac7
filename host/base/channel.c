/* SPDX-License-Identifier: MIT
 * channel: sending and receiving versioned packets. Owns nothing; a descriptor belongs to one thread at a time.
 */
#include "base/channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET_BUFFER_BYTES = 1 << 20 };

enum err channel_pair(int fds[2], struct why *w)
{
    int made[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, made) != 0)
        return why_errno(w, "cannot create a channel");
    for (int i = 0; i < 2; i++) {
        int size = SOCKET_BUFFER_BYTES;
        /* FORCE needs privilege; without it the system's limit decides, which still holds one full message. */
        if (setsockopt(made[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
            (void)setsockopt(made[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        fds[i] = made[i];
    }
    return ERR_OK;
}

static struct iovec piece(struct span s)
{
    return (struct iovec){(void *)(uintptr_t)s.p, s.n};
}

/* The payload in two pieces. */
static enum err send_message(int fd, enum channel_type type, struct span first, struct span rest, const int *fds, size_t n_fds)
{
    bug_if(first.n + rest.n > CHANNEL_PAYLOAD_BYTES || n_fds > CHANNEL_FDS);
    struct channel_head head = {CHANNEL_VERSION, (uint16_t)type, (uint32_t)(first.n + rest.n)};
    struct iovec iov[3] = {{&head, sizeof head}, piece(first), piece(rest)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};
    if (n_fds) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? err_of_socket() : ERR_OK;
}

enum err channel_send(int fd, enum channel_type type, struct span payload, const int *fds, size_t n_fds)
{
    return send_message(fd, type, payload, SPAN_NONE, fds, n_fds);
}

enum err channel_send_records(int fd, uint64_t mark, struct span lines)
{
    return send_message(fd, CHANNEL_RECORDS, span_of((const char *)&mark, sizeof mark), lines, NULL, 0);
}

static void take_fds(struct msghdr *msg, struct channel_message *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (out->n_fds < CHANNEL_FDS)
                out->fds[out->n_fds++] = fd;
            else
                close(fd);
        }
    }
}

static void close_fds(struct channel_message *m)
{
    while (m->n_fds)
        close(m->fds[--m->n_fds]);
}

enum err channel_recv(int fd, char *buf, size_t cap, bool peek, struct channel_message *out)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
    } control;
    struct iovec iov = {buf, cap};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (!peek) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
    }
    ssize_t n;
    do
        n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (peek ? MSG_PEEK : 0));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_of_socket();
    if (n == 0)
        return ERR_CLOSED;
    struct channel_message m = {0};
    if (!peek)
        take_fds(&msg, &m);
    struct channel_head head = {0};
    if ((size_t)n >= sizeof head)
        memcpy(&head, buf, sizeof head);
    if ((size_t)n < sizeof head || (msg.msg_flags & MSG_TRUNC) || head.version != CHANNEL_VERSION ||
        head.type == 0 || head.type >= CHANNEL_TYPES || head.length != (size_t)n - sizeof head) {
        close_fds(&m);
        return ERR_INVALID;
    }
    m.type = head.type;
    m.payload = span_of(buf + sizeof head, head.length);
    *out = m;
    return ERR_OK;
}

void channel_drop(int fd)
{
    char c;
    ssize_t n;
    do
        n = recv(fd, &c, sizeof c, MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
}
