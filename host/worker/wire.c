/* SPDX-License-Identifier: MIT
 * wire: one frame, one packet. Owns nothing; used on both sides of a slot's socket.
 */
#include "worker/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FIELD_ABSENT_LENGTH = -1 };

enum err wire_send(int sock, enum wire_type type, const void *fixed, size_t fixed_bytes, struct span tail, int fd)
{
    return wire_send_two(sock, type, fixed, fixed_bytes, tail, SPAN_NONE, fd);
}

enum err wire_send_two(int sock, enum wire_type type, const void *fixed, size_t fixed_bytes, struct span tail, struct span more, int fd)
{
    const struct span behind[] = {span_of(fixed, fixed_bytes), tail, more};
    struct wire_head head = {WIRE_VERSION, (uint8_t)type, 0, (uint32_t)(fixed_bytes + tail.n + more.n)};
    struct iovec iov[4] = {{&head, sizeof head}};
    size_t parts = 1;
    bug_if(sizeof head + head.length > WIRE_FRAME_BYTES);
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++)
        if (behind[i].n)
            iov[parts++] = (struct iovec){(void *)(uintptr_t)behind[i].p, behind[i].n};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = parts};
    if (fd >= 0) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(sock, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? err_of_socket() : ERR_OK;
}

/* The room is for one descriptor, without the padding that would hold another; the kernel drops any more and says so. */
static int received_fd(struct msghdr *msg)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

enum err wire_recv(int sock, char *buf, size_t cap, bool block, struct wire_frame *out)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {buf, cap};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t n;
    do
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_of_socket();
    int fd = received_fd(&msg);
    struct wire_head head = {0};
    if ((size_t)n >= sizeof head)
        memcpy(&head, buf, sizeof head);
    if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || head.version != WIRE_VERSION || head.type == 0 ||
        head.type >= WIRE_TYPES || head.length != (size_t)n - sizeof head) {
        if (fd >= 0)
            close(fd);
        return n == 0 ? ERR_CLOSED : ERR_INVALID;
    }
    *out = (struct wire_frame){head.type, span_of(buf + sizeof head, head.length), fd};
    return ERR_OK;
}

void wire_put_field(struct buf *b, struct span field)
{
    uint32_t length = field.p ? (uint32_t)field.n : (uint32_t)FIELD_ABSENT_LENGTH;
    buf_put(b, &length, sizeof length);
    buf_put_span(b, field.p ? field : SPAN_LIT(""));
}

enum err wire_get_fields(struct span data, struct span fields[WIRE_FIELDS])
{
    struct span got[WIRE_FIELDS];
    for (size_t i = 0; i < WIRE_FIELDS; i++) {
        uint32_t length;
        if (!wire_take(&data, &length, sizeof length))
            return ERR_INVALID;
        if (length == (uint32_t)FIELD_ABSENT_LENGTH) {
            got[i] = SPAN_NONE;
            continue;
        }
        if (length > data.n)
            return ERR_INVALID;
        got[i] = span_of(data.p, length);
        data = span_skip(data, length);
    }
    if (data.n)
        return ERR_INVALID;
    memcpy(fields, got, sizeof got);
    return ERR_OK;
}
