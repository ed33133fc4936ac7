/* SPDX-License-Identifier: MIT
 * check_intake_bytes: a running intake and the bytes of connections: in pieces, too many, too late, cut off, hostile.
 */
#include "door.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* A request's memory is given back behind its answer. */
static void await_no_body_memory(void)
{
    int64_t until = clock_mono_ms() + 10000;
    while (counter(STAT_body_memory_bytes) != 0) {
        ck_assert_msg(clock_mono_ms() < until, "%lld bytes are never given back",
                      (long long)counter(STAT_body_memory_bytes));
        poll(NULL, 0, 2);
    }
}

static void setup_hasty(void)
{
    stage_init(&stage, "\"request_timeout\":\"200ms\",", sources);
    stage_start(&stage);
}

static void assert_alive(void)
{
    static int n;
    char id[32];
    snprintf(id, sizeof id, "alive_%d", n++);
    struct answer a = call_shop(id, ORDER);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
}

/* --- bytes and connections --- */

START_TEST(byte_by_byte)
{
    struct call c = shop("msg_b", ORDER);
    struct answer a;
    struct buf b;
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 20);
    put_call(&b, &c);
    for (size_t i = 0; i < b.n; i++)
        send_all(fd, span_of(b.p + i, 1));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
}
END_TEST

/* Body in records of one byte, with padding, each sent alone. */
START_TEST(body_in_crumbs)
{
    struct buf b;
    struct answer a;
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 20);
    struct call c = {.uri = "/open/a", .length = "-1"};
    put_call(&b, &c);
    send_all(fd, span_of(b.p, b.n - 8));
    for (int i = 0; i < 300; i++) {
        char letter = (char)('a' + i % 26);
        buf_clear(&b);
        put_record(&b, 5, 1, span_of(&letter, 1), (size_t)(i * 5 % 256));
        send_all(fd, buf_span(&b));
    }
    buf_clear(&b);
    put_record(&b, 5, 1, SPAN_LIT(""), 8);
    send_all(fd, buf_span(&b));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 202);
    ck_assert_int_eq(journal_lines(&stage, "\"abcdefghijklmnopqrstuvwxyzabc"), 1);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
}
END_TEST

START_TEST(large_body)
{
    static char body[1 << 20];
    struct answer a;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 23);
    struct call c = {.uri = "/mild", .body = span_of(body, sizeof body)};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_span_eq(answer_body(&a), "thanks");
    answer_fini(&a);
    ck_assert_int_eq(counter(STAT_bytes_total), sizeof body);
    await_no_body_memory();
}
END_TEST

START_TEST(kept_connection)
{
    struct buf b;
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 20; i++) {
        char id[24];
        struct answer a;
        snprintf(id, sizeof id, "kept_%d", i);
        struct call c = i % 5 == 4 ? (struct call){.uri = "/nowhere", .body = SPAN_LIT("x")} : shop(id, ORDER);
        c.keep = true;
        buf_clear(&b);
        put_call(&b, &c);
        send_all(fd, buf_span(&b));
        read_answer(fd, &a);
        ck_assert(a.ended);
        ck_assert_int_eq(a.status, i % 5 == 4 ? 404 : 202);
        answer_fini(&a);
    }
    ck_assert_int_eq(counter(STAT_connections_total), 1);
    buf_fini(&b);
    close(fd);
}
END_TEST

START_TEST(one_behind_the_other)
{
    struct buf b;
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 5; i++) {
        char body[24];
        snprintf(body, sizeof body, "number %d", i);
        struct call c = {.uri = "/open/a", .body = span_str(body), .keep = i < 4};
        put_call(&b, &c);
    }
    send_all(fd, buf_span(&b));
    for (int i = 0; i < 5; i++) {
        struct answer a;
        read_answer(fd, &a);
        ck_assert_int_eq(a.status, 202);
        answer_fini(&a);
    }
    char more;
    ck_assert_int_eq(recv(fd, &more, 1, 0), 0); /* the last one was not to be kept */
    buf_fini(&b);
    close(fd);
}
END_TEST

/* The answer comes although the body does not end, and the connection is good for the next request. */
START_TEST(answers_early_and_goes_on)
{
    static char megabytes[3 << 20];
    struct buf b;
    struct answer a;
    int fd = stage_connect(&stage);
    struct call c = {.uri = "/hooks/shop",
                     .content_type = "application/json",
                     .keep = true,
                     .body = span_of(megabytes, sizeof megabytes)};
    buf_init(&b, 8 << 20);
    put_call(&b, &c);
    send_all(fd, span_of(b.p, 1 << 20));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 413);
    answer_fini(&a);
    send_all(fd, span_of(b.p + (1 << 20), b.n - (1 << 20)));
    c = shop("msg_after", ORDER);
    buf_clear(&b);
    put_call(&b, &c);
    send_all(fd, buf_span(&b));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
}
END_TEST

/* The answer came early, and the web server leaves the rest of the body out: Apache does, where it keeps connections. */
START_TEST(answers_early_and_begins_anew)
{
    struct buf first, b;
    int fd = stage_connect(&stage);
    buf_init(&first, 1 << 20);
    buf_init(&b, 1 << 20);
    struct call c = {.uri = "/hooks/nobody", .keep = true, .body = SPAN_LIT("0123456789"), .length = "1000"};
    put_call(&first, &c);
    for (size_t piece = 1; piece <= 40; piece++) {
        char id[24];
        struct answer a;
        snprintf(id, sizeof id, "msg_anew_%zu", piece);
        buf_clear(&b);
        buf_put(&b, first.p, first.n - 8); /* without the end of the body */
        c = shop(id, ORDER);
        c.keep = true;
        put_call(&b, &c);
        for (size_t at = 0; at < b.n; at += piece)
            send_all(fd, span_of(b.p + at, b.n - at < piece ? b.n - at : piece));
        read_answer(fd, &a);
        ck_assert_int_eq(a.status, 404);
        answer_fini(&a);
        read_answer(fd, &a);
        ck_assert_int_eq(a.status, 202);
        answer_fini(&a);
    }
    buf_fini(&first);
    buf_fini(&b);
    close(fd);
    ck_assert_int_eq(counter(STAT_hostile_connections_total), 0);
    ck_assert_int_eq(counter(STAT_connections_total), 1);
}
END_TEST

/* Without a declared length the limit strikes in the middle. */
START_TEST(too_large_on_the_way)
{
    static char body[200000];
    struct call c = shop("msg_1", span_of(body, sizeof body));
    c.length = "";
    assert_problem(&c, 413, "body-too-large");
    await_no_body_memory();
    assert_alive();
}
END_TEST

START_TEST(body_memory_is_shared)
{
    enum { SENDERS = 4 };
    static char body[1 << 20];
    struct buf b;
    struct answer a;
    int fds[SENDERS], refused = 0;
    struct call c = {.uri = "/mild", .length = "1048576"};
    buf_init(&b, 4 << 20);
    put_call(&b, &c);
    b.n -= 8;
    for (size_t at = 0; at + 65520 <= sizeof body; at += 65520)
        put_record(&b, 5, 1, span_of(body + at, 65520), 0);
    for (int i = 0; i < SENDERS; i++) {
        fds[i] = stage_connect(&stage);
        send_all(fds[i], buf_span(&b));
    }
    struct pollfd ready[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        ready[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    ck_assert_int_ge(poll(ready, SENDERS, 10000), 1);
    for (int i = 0; i < SENDERS; i++) {
        if (!(ready[i].revents & POLLIN))
            continue;
        read_answer(fds[i], &a); /* refused with 503, which this source shows as 200 */
        assert_has(answer_body(&a), "\"code\":\"spool-full\"");
        ck_assert_span_eq(answer_header(&a, "Retry-After"), "30");
        answer_fini(&a);
        refused++;
    }
    ck_assert_int_ge(refused, 1);
    ck_assert_int_le(counter(STAT_body_memory_bytes), 3 << 20);
    for (int i = 0; i < SENDERS; i++)
        close(fds[i]);
    buf_fini(&b);
    await_no_body_memory(); /* intake has seen that they are closed */
    assert_alive();
}
END_TEST

START_TEST(cut_off_anywhere)
{
    struct call c = shop("msg_cut", ORDER);
    struct buf b;
    buf_init(&b, 1 << 20);
    put_call(&b, &c);
    for (size_t n = 0; n < b.n; n++) {
        int fd = stage_connect(&stage);
        send_all(fd, span_of(b.p, n));
        close(fd);
    }
    await_stat(&stage, STAT_connections_total, (int64_t)b.n);
    assert_alive();
    ck_assert_int_eq(journal_lines(&stage, "msg_cut"), 0);
    ck_assert_int_eq(counter(STAT_accepted_total), 1);
    buf_fini(&b);
}
END_TEST

START_TEST(aborted)
{
    struct buf b;
    char more;
    int fd = stage_connect(&stage);
    struct call c = shop("msg_abort", ORDER);
    buf_init(&b, 1 << 20);
    put_call(&b, &c);
    b.n -= 8;
    put_record(&b, 2, 1, SPAN_LIT(""), 0);
    send_all(fd, buf_span(&b));
    ck_assert_int_eq(recv(fd, &more, 1, 0), 0);
    close(fd);
    buf_fini(&b);
    ck_assert_int_eq(counter(STAT_hostile_connections_total), 0);
    ck_assert_int_eq(journal_lines(&stage, "msg_abort"), 0);
}
END_TEST

/* What kills libfcgi (or holds its thread, or fills its memory) when it reads a socket itself. */
static void put_hostile(struct buf *b, int which)
{
    char text[200];
    switch (which) {
    case 0: /* lengths whose sum overflows */
        put_begin(b, 1, true);
        put_record(b, 4, 1, SPAN_LIT("\377\377\377\376\377\377\377\376AAAA"), 0);
        break;
    case 1:
        put_begin(b, 1, true);
        put_record(b, 4, 1, SPAN_LIT("\377\377\377\377\377\377\377\377AAAA"), 0);
        break;
    case 2: /* FCGI_GET_VALUES naming FCGI_MPXS_CONNS four times, forty times */
    case 3: {
        struct buf pairs;
        buf_init(&pairs, 4096);
        for (int i = 0; i < (which == 2 ? 4 : 40); i++)
            put_pair(&pairs, "FCGI_MPXS_CONNS", "");
        put_record(b, 9, 0, buf_span(&pairs), 0);
        buf_fini(&pairs);
        break;
    }
    case 4: /* unknown management records */
        for (int i = 0; i < 1000; i++)
            put_record(b, 200, 0, SPAN_LIT(""), 0);
        break;
    case 5: /* wrong type after BEGIN */
        put_begin(b, 1, true);
        put_record(b, 5, 1, SPAN_LIT("body"), 0);
        break;
    case 6: /* many empty parameters */
        put_begin(b, 1, true);
        for (int i = 0; i < 3000; i++)
            put_record(b, 4, 1, SPAN_LIT("\0\0\0\0\0\0\0\0"), 0);
        break;
    case 7: /* many megabytes of parameters */
        put_begin(b, 1, true);
        memset(text, 'a', sizeof text);
        memcpy(text, "\200\0\0\300\1", 5);
        for (int i = 0; i < 3000; i++)
            put_record(b, 4, 1, span_of(text, 198), 0);
        break;
    case 8: /* a second request inside the first */
        put_begin(b, 1, true);
        put_begin(b, 2, true);
        break;
    case 9: /* the padded end of the parameters, which libfcgi would misread */
        put_begin(b, 1, true);
        put_record(b, 4, 1, SPAN_LIT("\1\1AB"), 0);
        put_record(b, 4, 1, SPAN_LIT(""), 8);
        break;
    case 10: /* no FastCGI at all */
        buf_puts(b, "POST /hooks/shop HTTP/1.1\r\nHost: x\r\n\r\n");
        break;
    default: /* an authorizer's request */
        put_record(b, 1, 1, SPAN_LIT("\0\2\0\0\0\0\0\0"), 0);
    }
}

START_TEST(hostile)
{
    char more;
    struct buf b;
    int fd = stage_connect(&stage);
    buf_init(&b, 4 << 20);
    put_hostile(&b, _i);
    send_all(fd, buf_span(&b));
    ck_assert_int_le(recv(fd, &more, 1, 0), 0);
    close(fd);
    buf_fini(&b);
    await_stat(&stage, STAT_hostile_connections_total, 1);
    assert_alive();
    ck_assert_int_eq(counter(STAT_hostile_connections_total), 1);
}
END_TEST

/* Bytes of a good request changed at random: whatever comes of it, the next request is served. */
START_TEST(mutated)
{
    struct call c = shop("msg_m", ORDER);
    struct buf b;
    unsigned seed = 3;
    buf_init(&b, 1 << 20);
    put_call(&b, &c);
    for (int i = 0; i < suite_rounds(300); i++) {
        int fd = stage_connect(&stage);
        seed = seed * 1103515245 + 12345;
        size_t at = (seed >> 8) % b.n;
        char before = b.p[at];
        b.p[at] = (char)(seed >> 20);
        send_all(fd, buf_span(&b));
        shutdown(fd, SHUT_WR);
        char answer[256];
        while (recv(fd, answer, sizeof answer, 0) > 0)
            continue;
        b.p[at] = before;
        close(fd);
    }
    buf_fini(&b);
    assert_alive();
}
END_TEST

/* --- time --- */

START_TEST(slow_body)
{
    struct buf b;
    struct answer a;
    int fd = stage_connect(&stage);
    struct call c = shop("msg_slow", ORDER);
    buf_init(&b, 1 << 20);
    put_call(&b, &c);
    send_all(fd, span_of(b.p, b.n - 20));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 408);
    assert_has(answer_body(&a), "\"code\":\"request-timeout\"");
    send_all(fd, span_of(b.p + b.n - 20, 1)); /* the web server is still sending: it shall see the answer first */
    char more;
    ck_assert_int_eq(recv(fd, &more, 1, 0), 0);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
}
END_TEST

START_TEST(slow_parameters)
{
    char more;
    struct buf b;
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 20);
    put_begin(&b, 1, true);
    send_all(fd, buf_span(&b));
    ck_assert_int_eq(recv(fd, &more, 1, 0), 0);
    buf_fini(&b);
    close(fd);
}
END_TEST

START_TEST(idle_connections_stay)
{
    struct buf b;
    struct answer a;
    int idle = stage_connect(&stage), slow = stage_connect(&stage);
    buf_init(&b, 1 << 20);
    put_begin(&b, 1, true);
    send_all(slow, buf_span(&b));
    char more;
    ck_assert_int_eq(recv(slow, &more, 1, 0), 0); /* a deadline has passed meanwhile */
    struct call c = {.uri = "/open/a"};
    buf_clear(&b);
    put_call(&b, &c);
    send_all(idle, buf_span(&b));
    read_answer(idle, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    buf_fini(&b);
    close(idle);
    close(slow);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bytes");
    TCase *t = tcase_create("connections");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, byte_by_byte);
    tcase_add_test(t, body_in_crumbs);
    tcase_add_test(t, large_body);
    tcase_add_test(t, kept_connection);
    tcase_add_test(t, one_behind_the_other);
    tcase_add_test(t, answers_early_and_goes_on);
    tcase_add_test(t, answers_early_and_begins_anew);
    tcase_add_test(t, too_large_on_the_way);
    tcase_add_test(t, body_memory_is_shared);
    tcase_add_test(t, cut_off_anywhere);
    tcase_add_test(t, aborted);
    tcase_add_loop_test(t, hostile, 0, 12);
    tcase_add_test(t, mutated);
    suite_add_tcase(s, t);
    t = tcase_create("time");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup_hasty, teardown);
    tcase_add_test(t, slow_body);
    tcase_add_test(t, slow_parameters);
    tcase_add_test(t, idle_connections_stay);
    suite_add_tcase(s, t);
    return suite_run(s);
}
