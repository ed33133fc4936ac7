/* SPDX-License-Identifier: MIT
 * check_wire: frames round trip; wrong ones are refused and leave nothing behind.
 */
#include "suite.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/wire.h"

static int pair[2];
static char buf[WIRE_FRAME_BYTES];

static void set_up(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void tear_down(void)
{
    close(pair[0]);
    close(pair[1]);
}

START_TEST(round_trip)
{
    struct wire_waiting fixed = {7};
    struct wire_frame f;
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof buf, false, &f), ERR_AGAIN);
    ck_assert_int_eq(wire_send(pair[0], WIRE_WAITING, &fixed, sizeof fixed, SPAN_LIT("tail"), pair[0]), ERR_OK);
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof buf, false, &f), ERR_OK);
    ck_assert_int_eq(f.type, WIRE_WAITING);
    ck_assert_int_ge(f.fd, 0);
    ck_assert_int_eq(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
    close(f.fd);
    struct wire_waiting got;
    ck_assert(wire_take(&f.data, &got, sizeof got));
    ck_assert_uint_eq(got.runner, 7);
    ck_assert_span_eq(f.data, "tail");
    char more[5];
    ck_assert(!wire_take(&f.data, more, sizeof more));
    ck_assert_span_eq(f.data, "tail");
}
END_TEST

START_TEST(largest)
{
    static char tail[WIRE_FRAME_BYTES - sizeof(struct wire_head)];
    struct wire_frame f;
    memset(tail, 'x', sizeof tail);
    ck_assert_int_eq(wire_send(pair[0], WIRE_START, NULL, 0, span_of(tail, sizeof tail), -1), ERR_OK);
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof buf, true, &f), ERR_OK);
    ck_assert_uint_eq(f.data.n, sizeof tail);
    ck_assert_int_eq(f.fd, -1);
}
END_TEST

START_TEST(closed)
{
    struct wire_frame f;
    close(pair[0]);
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof buf, true, &f), ERR_CLOSED);
    ck_assert_int_eq(wire_send(pair[1], WIRE_RUN, NULL, 0, SPAN_NONE, -1), ERR_CLOSED);
    pair[0] = dup(pair[1]);
}
END_TEST

static const struct wrong {
    const char *what;
    struct wire_head head;
    size_t bytes; /* sent */
} wrongs[] = {
    {"shorter than a head", {WIRE_VERSION, WIRE_LOG, 0, 0}, sizeof(struct wire_head) - 1},
    {"another version", {WIRE_VERSION + 1, WIRE_LOG, 0, 0}, sizeof(struct wire_head)},
    {"type 0", {WIRE_VERSION, 0, 0, 0}, sizeof(struct wire_head)},
    {"unknown type", {WIRE_VERSION, WIRE_TYPES, 0, 0}, sizeof(struct wire_head)},
    {"a length too many", {WIRE_VERSION, WIRE_LOG, 0, 1}, sizeof(struct wire_head)},
    {"a length too few", {WIRE_VERSION, WIRE_LOG, 0, 0}, sizeof(struct wire_head) + 1},
    {"a length far off", {WIRE_VERSION, WIRE_LOG, 0, UINT32_MAX}, sizeof(struct wire_head)},
};

START_TEST(refused)
{
    const struct wrong *c = &wrongs[_i];
    char packet[sizeof c->head + 1] = {0};
    struct wire_frame f = {.fd = -2};
    memcpy(packet, &c->head, sizeof c->head);
    ck_assert_int_eq(send(pair[0], packet, c->bytes, 0), (ssize_t)c->bytes);
    ck_assert_msg(wire_recv(pair[1], buf, sizeof buf, false, &f) == ERR_INVALID, "%s", c->what);
    ck_assert_int_eq(f.fd, -2);
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof buf, false, &f), ERR_AGAIN);
}
END_TEST

START_TEST(cut)
{
    struct wire_frame f;
    ck_assert_int_eq(wire_send(pair[0], WIRE_LOG, NULL, 0, SPAN_LIT("0123456789"), -1), ERR_OK);
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof(struct wire_head) + 9, false, &f), ERR_INVALID);
}
END_TEST

/* A frame that is refused does not leave its descriptor open. */
START_TEST(refused_descriptor)
{
    struct wire_frame f;
    int before = dup(0);
    close(before);
    ck_assert_int_eq(wire_send(pair[0], WIRE_LOG, NULL, 0, SPAN_LIT("0123456789"), pair[0]), ERR_OK);
    ck_assert_int_eq(wire_recv(pair[1], buf, sizeof(struct wire_head) + 1, false, &f), ERR_INVALID);
    int after = dup(0);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

/* Nor does one that brings more descriptors than there can be, or is nothing but descriptors. */
START_TEST(many_descriptors)
{
    const struct wire_head head = {WIRE_VERSION, WIRE_WAITING, 0, 0};
    int fds[20];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {{0}};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        fds[i] = pair[0];
    int before = dup(0);
    close(before);
    for (size_t n = 1; n <= sizeof fds / sizeof fds[0]; n++)
        for (size_t bytes = 0; bytes <= sizeof head; bytes += sizeof head) {
            struct iovec iov = {(void *)(uintptr_t)&head, bytes};
            struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(n * sizeof fds[0])};
            struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
            *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n * sizeof fds[0])};
            memcpy(CMSG_DATA(c), fds, n * sizeof fds[0]);
            ck_assert_int_eq(sendmsg(pair[0], &msg, 0), (ssize_t)bytes);
            struct wire_frame f = {.fd = -1};
            enum err want = bytes == 0 ? ERR_CLOSED : n == 1 ? ERR_OK : ERR_INVALID;
            ck_assert_int_eq(wire_recv(pair[1], buf, sizeof buf, false, &f), want);
            if (f.fd >= 0)
                close(f.fd);
        }
    int after = dup(0);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

static void put_all(struct buf *b, struct span fields[WIRE_FIELDS])
{
    for (size_t i = 0; i < WIRE_FIELDS; i++)
        wire_put_field(b, fields[i]);
}

START_TEST(fields_round_trip)
{
    struct span fields[WIRE_FIELDS] = {SPAN_LIT("a"), SPAN_NONE, SPAN_LIT(""), SPAN_LIT("b"), SPAN_NONE, SPAN_NONE, SPAN_LIT("[]"),
                                       span_of("x\0y", 3)};
    struct span got[WIRE_FIELDS];
    struct buf b;
    buf_init(&b, 1024);
    put_all(&b, fields);
    ck_assert_int_eq(wire_get_fields(buf_span(&b), got), ERR_OK);
    for (size_t i = 0; i < WIRE_FIELDS; i++) {
        ck_assert(span_eq(fields[i], got[i]));
        ck_assert_int_eq(fields[i].p == NULL, got[i].p == NULL);
    }
    for (size_t n = 0; n < b.n; n++) {
        char *exact = malloc(n + 1);
        memcpy(exact, b.p, n);
        ck_assert_msg(wire_get_fields(span_of(exact, n), got) == ERR_INVALID, "cut at %zu", n);
        free(exact);
    }
    buf_putc(&b, 'z');
    ck_assert_int_eq(wire_get_fields(buf_span(&b), got), ERR_INVALID);
    buf_fini(&b);
}
END_TEST

/* Whatever the bytes: an answer, and spans inside them. */
START_TEST(fields_mutated)
{
    unsigned seed = 7;
    struct span fields[WIRE_FIELDS] = {SPAN_LIT("source"), SPAN_LIT("type"), SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE,
                                       SPAN_LIT("[]"), SPAN_LIT("{}")};
    struct buf b;
    buf_init(&b, 1024);
    for (int round = 0; round < suite_rounds(20000); round++) {
        buf_clear(&b);
        put_all(&b, fields);
        for (int k = 0; k < 3; k++) {
            seed = seed * 1103515245 + 12345;
            b.p[seed / 65536 % b.n] = (char)(seed >> 8);
        }
        char *exact = malloc(b.n);
        struct span got[WIRE_FIELDS];
        memcpy(exact, b.p, b.n);
        if (wire_get_fields(span_of(exact, b.n), got) == ERR_OK)
            for (size_t i = 0; i < WIRE_FIELDS; i++)
                ck_assert(!got[i].p || (got[i].p >= exact && got[i].p + got[i].n <= exact + b.n));
        free(exact);
    }
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wire");
    TCase *t = tcase_create("frames");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, largest);
    tcase_add_test(t, closed);
    tcase_add_loop_test(t, refused, 0, sizeof wrongs / sizeof wrongs[0]);
    tcase_add_test(t, cut);
    tcase_add_test(t, refused_descriptor);
    tcase_add_test(t, many_descriptors);
    tcase_add_test(t, fields_round_trip);
    tcase_add_test(t, fields_mutated);
    suite_add_tcase(s, t);
    return suite_run(s);
}
