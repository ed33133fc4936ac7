/* SPDX-License-Identifier: MIT
 * check_intake: the life of the intake role: start, restart, reload, what dispatch sends, a disk that fails, stop.
 */
#include "stage.h"
#include "sync_kit.h"

#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "spool/journal.h"
#include "spool/line.h"

static struct stage stage;

#define SOURCE(name, more)                                                                                             \
    "\"" name "\":{\"path\":\"/" name "\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:t\","           \
    "\"event_id\":\"header:X-Id\"" more "}"

static void setup(void)
{
    sync_kit_init();
    stage_init(&stage, "", SOURCE("a", ""));
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
    sync_kit_fini();
}

static int ask(const char *path, const char *id)
{
    const char *const headers[] = {"HTTP_X_ID", id, NULL};
    struct call c = {.uri = path, .headers = headers, .body = span_str(id)};
    struct answer a;
    stage_call(&stage, &c, &a);
    int status = a.status;
    answer_fini(&a);
    return status;
}

/* --- start again --- */

START_TEST(remembers_across_restarts)
{
    ck_assert_int_eq(ask("/a", "one"), 202);
    stage_stop(&stage);
    stage_start(&stage);
    ck_assert_int_eq(ask("/a", "one"), 200);
    ck_assert_int_eq(ask("/a", "two"), 202);
    stage_kill(&stage);
    stage_start(&stage);
    ck_assert_int_eq(ask("/a", "one"), 200);
    ck_assert_int_eq(ask("/a", "two"), 200);
    ck_assert_int_eq((int)atomic_load(&stage.shared->intake_epoch), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 2);
}
END_TEST

/* --- reload --- */

START_TEST(switches_configurations)
{
    struct buf why;
    buf_init(&why, 1 << 16);
    ck_assert_int_eq(ask("/a", "one"), 202);
    ck_assert_int_eq(ask("/b", "one"), 404);
    stage_configure(&stage, "", SOURCE("a", "") "," SOURCE("b", ""));
    ck_assert_int_eq(stage_prepare(&stage, &why), CHANNEL_READY);
    ck_assert_int_eq(ask("/b", "one"), 404); /* prepared only */
    stage_tell(&stage, CHANNEL_SWITCH);
    for (int i = 0; i < 2000 && ask("/b", "one") == 404; i++)
        poll(NULL, 0, 1);
    ck_assert_int_eq(ask("/b", "one"), 200); /* accepted in the loop */
    ck_assert_int_eq(ask("/a", "one"), 200); /* still remembered */
    stage_configure(&stage, "", SOURCE("c", ""));
    ck_assert_int_eq(stage_prepare(&stage, &why), CHANNEL_READY);
    stage_tell(&stage, CHANNEL_DISCARD);
    stage_tell(&stage, CHANNEL_SWITCH); /* nothing is prepared */
    ck_assert_int_eq(ask("/c", "one"), 404);
    ck_assert_int_eq(ask("/a", "three"), 202);
    buf_fini(&why);
}
END_TEST

START_TEST(says_what_it_cannot_prepare)
{
    struct buf why;
    int fds[2];
    struct why w;
    buf_init(&why, 1 << 16);
    ck_assert_int_eq(fs_sealed("x", SPAN_LIT("no snapshot"), &fds[0], &w), ERR_OK);
    ck_assert_int_eq(fs_sealed("x", SPAN_LIT("no secrets"), &fds[1], &w), ERR_OK);
    ck_assert_int_eq(channel_send(stage.supervisor_fd, CHANNEL_PREPARE, SPAN_LIT(""), fds, 2), ERR_OK);
    struct pollfd p = {.fd = stage.supervisor_fd, .events = POLLIN};
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    struct channel_message m = {0};
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    ck_assert_int_eq(channel_recv(stage.supervisor_fd, buf, sizeof buf, false, &m), ERR_OK);
    ck_assert_int_eq(m.type, CHANNEL_FAILED);
    ck_assert_uint_gt(m.payload.n, 0);
    ck_assert_int_eq(ask("/a", "one"), 202);
    close(fds[0]);
    close(fds[1]);
    buf_fini(&why);
}
END_TEST

/* --- dispatch's records --- */

static void put_attempt(struct buf *b, uint32_t n, bool with_length)
{
    struct id id = {{1, 2, 3}};
    struct buf line;
    buf_init(&line, 4096);
    line_put_attempt(&line, &id, SPAN_LIT("fn"), n, 1000, SPAN_LIT("g"));
    uint32_t length = (uint32_t)line.n;
    if (with_length)
        buf_put(b, &length, sizeof length);
    buf_put_span(b, buf_span(&line));
    buf_fini(&line);
}

static uint64_t marked; /* the last mark that was sent */

static void send_records(int fd, uint32_t from, uint32_t n)
{
    struct buf b;
    buf_init(&b, CHANNEL_PAYLOAD_BYTES);
    for (uint32_t i = 0; i < n; i++)
        put_attempt(&b, from + i, true);
    enum err e;
    while ((e = channel_send_records(fd, ++marked, buf_span(&b))) == ERR_AGAIN)
        poll(NULL, 0, 1);
    ck_assert_int_eq(e, ERR_OK);
    buf_fini(&b);
}

static void await_lines(const char *text, int n)
{
    for (int i = 0; i < 5000 && journal_lines(&stage, text) < n; i++)
        poll(NULL, 0, 2);
    ck_assert_int_eq(journal_lines(&stage, text), n);
}

START_TEST(writes_what_dispatch_sends)
{
    for (uint32_t i = 0; i < 50; i++)
        send_records(stage.peer_fd, i * 3, 3);
    await_lines("\"creel\":\"attempt\"", 150);
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    struct channel_message m = {0};
    struct pollfd p = {.fd = stage.peer_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    ck_assert_int_eq(channel_recv(stage.peer_fd, buf, sizeof buf, false, &m), ERR_OK);
    ck_assert_int_eq(m.type, CHANNEL_NUDGE);
    ck_assert_uint_gt(atomic_load(&stage.shared->safe), 0);
    for (int i = 0; i < 5000 && atomic_load(&stage.shared->recorded) != marked; i++)
        poll(NULL, 0, 2);
    ck_assert_uint_eq(atomic_load(&stage.shared->recorded), marked);
}
END_TEST

/* Each nudge wakes dispatch: for many events that follow each other there are few, the last event is always told of, and at once when
 * there was none for a while. */
START_TEST(nudges_now_and_then)
{
    enum { EVENTS = 200 };
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    struct channel_message m = {0};
    struct pollfd p = {.fd = stage.peer_fd, .events = POLLIN};
    uint64_t told = 0;
    int64_t began = clock_mono_ms();
    for (int i = 0; i < EVENTS; i++) {
        char id[16];
        snprintf(id, sizeof id, "n%d", i);
        ck_assert_int_eq(ask("/a", id), 202);
    }
    int64_t took = clock_mono_ms() - began, nudges = 0;
    for (; told != atomic_load(&stage.shared->safe); nudges++) {
        ck_assert_msg(poll(&p, 1, 500) == 1, "the last event is not told of");
        ck_assert_int_eq(channel_recv(stage.peer_fd, buf, sizeof buf, false, &m), ERR_OK);
        ck_assert_int_eq(m.type, CHANNEL_NUDGE);
        if (poll(&p, 1, 50) == 0)
            told = atomic_load(&stage.shared->safe);
    }
    ck_assert_msg(nudges <= took / 2 + 2, "%d nudges in %d ms", (int)nudges, (int)took);
    poll(NULL, 0, 20);
    ck_assert_int_eq(ask("/a", "late"), 202);
    ck_assert_msg(poll(&p, 1, 100) == 1, "a single event is not told of at once");
}
END_TEST

/* While intake is down the socket holds what dispatch sent; a former peek must not make the next one start behind it.
 */
START_TEST(records_outlive_intake)
{
    send_records(stage.peer_fd, 0, 2);
    await_lines("\"creel\":\"attempt\"", 2);
    stage_kill(&stage);
    for (uint32_t i = 0; i < 40; i++)
        send_records(stage.peer_fd, 10 + i, 1);
    stage_start(&stage);
    await_lines("\"attempt\":49,", 1);
    for (int i = 0; i < 42; i++) { /* what was taken off the channel late may be there twice */
        char text[32];
        snprintf(text, sizeof text, "\"attempt\":%d,", i < 2 ? i : 8 + i);
        ck_assert_msg(journal_lines(&stage, text) >= 1, "%s is lost", text);
    }
}
END_TEST

/* Killed while their sync runs, records are not lost: the successor finds them in the socket, or in the journal. */
START_TEST(records_outlive_a_kill_in_the_sync)
{
    atomic_store(&disk->held, 1);
    send_records(stage.peer_fd, 70, 1);
    send_records(stage.peer_fd, 71, 1);
    for (int i = 0; i < 5000 && !atomic_load(&disk->waiting); i++)
        poll(NULL, 0, 1);
    stage_kill(&stage);
    atomic_store(&disk->held, 0);
    stage_start(&stage);
    send_records(stage.peer_fd, 72, 1);
    await_lines("\"attempt\":72", 1);
    ck_assert_int_ge(journal_lines(&stage, "\"attempt\":70"), 1);
    ck_assert_int_ge(journal_lines(&stage, "\"attempt\":71"), 1);
}
END_TEST

START_TEST(a_long_line_by_descriptor)
{
    struct buf line;
    struct why w;
    int fd;
    buf_init(&line, 1 << 20);
    put_attempt(&line, 5, false);
    buf_puts(&line, ",\"note\":\"");
    for (int i = 0; i < 300000; i++)
        buf_putc(&line, 'n');
    buf_puts(&line, "\"");
    ck_assert_int_eq(fs_sealed("line", buf_span(&line), &fd, &w), ERR_OK);
    send_records(stage.peer_fd, 1, 1);
    ck_assert_int_eq(channel_send(stage.peer_fd, CHANNEL_LARGE, SPAN_LIT(""), &fd, 1), ERR_OK);
    send_records(stage.peer_fd, 2, 1);
    await_lines("\"creel\":\"attempt\"", 3);
    await_lines("\"note\":\"nnn", 1);
    close(fd);
    buf_fini(&line);
}
END_TEST

START_TEST(nonsense_from_dispatch)
{
    static const struct span bad[] = {
        {"", 0}, {"x", 1}, {"\377\377\377\377abc", 7}, {"\3\0\0\0abc", 7}, {"\0\0\0\0", 4}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(channel_send_records(stage.peer_fd, ++marked, bad[i]), ERR_OK);
    ck_assert_int_eq(channel_send(stage.peer_fd, CHANNEL_RECORDS, SPAN_LIT("no mark"), NULL, 0), ERR_OK);
    ck_assert_int_eq(channel_send(stage.peer_fd, CHANNEL_RETIRE, SPAN_LIT("x"), NULL, 0), ERR_OK);
    ck_assert_int_eq(channel_send(stage.peer_fd, CHANNEL_RETIRE, SPAN_LIT("\1\0\0\0"), NULL, 0), ERR_OK);
    ck_assert_int_eq(channel_send(stage.peer_fd, CHANNEL_LARGE, SPAN_LIT(""), NULL, 0), ERR_OK);
    ck_assert_int_eq(channel_send(stage.peer_fd, CHANNEL_STOP, SPAN_LIT(""), NULL, 0), ERR_OK);
    ck_assert_int_eq((int)send(stage.peer_fd, "no head", 7, 0), 7);
    send_records(stage.peer_fd, 9, 1);
    await_lines("\"creel\":\"attempt\"", 1);
    ck_assert_int_eq(ask("/a", "one"), 202);
}
END_TEST

/* --- the disk --- */

START_TEST(not_durable_then_well_again)
{
    ck_assert_int_eq(ask("/a", "one"), 202);
    atomic_store(&disk->fail, 1);
    struct answer a;
    const char *const headers[] = {"HTTP_X_ID", "two", NULL};
    struct call c = {.uri = "/a", .headers = headers};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert_uint_gt(answer_header(&a, "Retry-After").n, 0);
    answer_fini(&a);
    atomic_store(&disk->fail, 0);
    for (int i = 0; i < 5000 && ask("/a", "two") != 202; i++)
        poll(NULL, 0, 2);
    ck_assert_int_eq(ask("/a", "two"), 200);
    ck_assert_int_ge((int)atomic_load(&stage.shared->stats[STAT_sync_failures_total]), 1);
    stage_stop(&stage);
    stage_start(&stage);
    ck_assert_int_eq(ask("/a", "two"), 200);
}
END_TEST

/* Nobody hears of an event before its sync, copies included; and when it fails they all hear of that. */
START_TEST(copies_wait_for_the_disk)
{
    enum { COPIES = 16 };
    const char *const headers[] = {"HTTP_X_ID", "copy", NULL};
    struct call c = {.uri = "/a", .headers = headers};
    struct buf b;
    struct pollfd fds[COPIES];
    buf_init(&b, 1 << 16);
    put_call(&b, &c);
    for (int fail = 1; fail >= 0; fail--) {
        int counts[3] = {0};
        atomic_store(&disk->waiting, 0);
        atomic_store(&disk->held, 1);
        for (int i = 0; i < COPIES; i++) {
            fds[i] = (struct pollfd){.fd = stage_connect(&stage), .events = POLLIN};
            send_all(fds[i].fd, buf_span(&b));
        }
        await_stat(&stage, STAT_requests_total, (2 - fail) * COPIES);
        for (int i = 0; i < 5000 && !atomic_load(&disk->waiting); i++)
            poll(NULL, 0, 1);
        ck_assert_int_eq(poll(fds, COPIES, 50), 0);
        atomic_store(&disk->fail, fail);
        atomic_store(&disk->held, 0);
        for (int i = 0; i < COPIES; i++) {
            struct answer a;
            read_answer(fds[i].fd, &a);
            counts[a.status == 202 ? 0 : a.status == 200 ? 1 : 2]++;
            answer_fini(&a);
            close(fds[i].fd);
        }
        ck_assert_int_eq(counts[0], !fail);
        ck_assert_int_eq(counts[1], fail ? 0 : COPIES - 1);
        ck_assert_int_eq(counts[2], fail ? COPIES : 0);
        atomic_store(&disk->fail, 0);
        for (int i = 0; fail && i < 5000 && ask("/a", "well") == 503; i++)
            poll(NULL, 0, 2);
        atomic_store(&stage.shared->stats[STAT_requests_total], COPIES);
    }
    buf_fini(&b);
}
END_TEST

/* --- admin --- */

static int admin(const char *method, const char *path, const char *has)
{
    struct buf b;
    struct answer a;
    int fd = stage_connect_admin(&stage);
    struct call c = {.method = method, .uri = path};
    buf_init(&b, 1 << 16);
    put_call(&b, &c);
    send_all(fd, buf_span(&b));
    read_answer(fd, &a);
    int status = a.status;
    ck_assert_msg(memmem(a.text.p, a.text.n, has, strlen(has)) != NULL, "%.*s", (int)a.text.n, a.text.p);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
    return status;
}

START_TEST(health_and_readiness)
{
    ck_assert_int_eq(admin("GET", "/healthz", "\"status\":\"ok\""), 200);
    ck_assert_int_eq(admin("GET", "/readyz", "\"reason\":\"dispatch is not up\""), 503);
    atomic_store(&stage.shared->dispatching, 1);
    ck_assert_int_eq(admin("HEAD", "/readyz?x", "\"status\":\"ready\""), 200);
    ck_assert_int_eq(admin("POST", "/readyz", "Allow: GET"), 405);
    ck_assert_int_eq(admin("GET", "/a", "not found"), 404);
    ck_assert_int_eq(ask("/healthz", "x"), 404); /* not at the door */
}
END_TEST

/* --- peers --- */

START_TEST(only_known_peers)
{
    const struct passwd *me = getpwuid(getuid());
    char settings[200], more;
    stage_stop(&stage);
    snprintf(settings, sizeof settings, "\"peer_users\":[\"%s\"],", me->pw_name);
    stage_configure(&stage, settings, SOURCE("a", ""));
    stage_start(&stage);
    ck_assert_int_eq(ask("/a", "one"), 202);
    stage_stop(&stage);
    stage_configure(&stage, getuid() == 1 ? "\"peer_users\":[\"root\"]," : "\"peer_users\":[\"daemon\"],",
                    SOURCE("a", ""));
    stage_start(&stage);
    /* This user is the role's, which may have refused requests run again, and nothing else. */
    struct buf b;
    const struct call c = {.uri = "/a", .body = SPAN_LIT("two")};
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 16);
    put_call(&b, &c);
    send_all(fd, buf_span(&b));
    ck_assert_int_le((int)recv(fd, &more, 1, 0), 0);
    ck_assert_int_eq(journal_lines(&stage, "\"two\""), 0);
    close(fd);
    buf_fini(&b);
}
END_TEST

START_TEST(connections_have_a_limit)
{
    int fds[12], open = 12;
    stage_stop(&stage);
    stage_configure(&stage, "\"max_connections\":8,", SOURCE("a", ""));
    stage_start(&stage);
    for (int i = 0; i < 12; i++)
        fds[i] = stage_connect(&stage);
    struct pollfd p[12];
    for (int i = 0; i < 12; i++)
        p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    while (open > 8) {
        ck_assert_msg(poll(p, 12, 20000) > 0, "%d connections stay open", open);
        for (int i = 0; i < 12; i++)
            if (p[i].revents) { /* poll would return for it at once */
                p[i].fd = -1;
                open--;
            }
    }
    await_stat(&stage, STAT_connections_total, 8);
    ck_assert_int_eq(poll(p, 12, 0), 0);
    for (int i = 0; i < 12; i++)
        close(fds[i]);
}
END_TEST

/* --- stop --- */

/* Not left waiting: told to try again, also on a connection that is kept. */
static void expect_to_be_sent_away(int fd, const struct call *c)
{
    struct buf b;
    struct answer a;
    char more;
    buf_init(&b, 1 << 16);
    put_call(&b, c);
    send_all(fd, buf_span(&b));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert_uint_gt(answer_header(&a, "Retry-After").n, 0);
    ck_assert_int_eq((int)recv(fd, &more, 1, 0), 0);
    answer_fini(&a);
    buf_fini(&b);
}

START_TEST(finishes_what_has_begun)
{
    const char *const headers[] = {"HTTP_X_ID", "last", NULL};
    struct call c = {.uri = "/a", .headers = headers, .keep = true};
    const struct call late = {.uri = "/a", .keep = true};
    struct buf b;
    struct answer a;
    char more;
    int begun = stage_connect(&stage), idle = stage_connect(&stage), young;
    buf_init(&b, 1 << 16);
    put_call(&b, &c);
    send_all(begun, span_of(b.p, b.n - 1));
    await_stat(&stage, STAT_requests_total, 1);
    await_stat(&stage, STAT_connections_total, 2);
    stage_tell(&stage, CHANNEL_STOP);
    while (atomic_load(&stage.shared->accepting))
        usleep(1000);
    young = stage_connect(&stage);
    expect_to_be_sent_away(idle, &late);
    expect_to_be_sent_away(young, &late);
    send_all(begun, span_of(b.p + b.n - 1, 1));
    read_answer(begun, &a);
    ck_assert_int_eq(a.status, 202);
    ck_assert_int_eq((int)recv(begun, &more, 1, 0), 0); /* kept no longer */
    send_records(stage.peer_fd, 1, 1);                  /* dispatch's last ones are still written */
    await_lines("\"creel\":\"attempt\"", 1);
    send_records(stage.peer_fd, 2, 1);
    stage_stop(&stage);
    await_lines("\"creel\":\"attempt\"", 2);
    answer_fini(&a);
    buf_fini(&b);
    close(begun);
    close(idle);
    close(young);
}
END_TEST

START_TEST(outlives_the_supervisor_only_to_drain)
{
    send_records(stage.peer_fd, 1, 1);
    close(stage.supervisor_fd);
    poll(NULL, 0, 20);
    send_records(stage.peer_fd, 2, 1); /* dispatch still lives */
    await_lines("\"creel\":\"attempt\"", 2);
    /* The test itself holds dispatch's end and a copy of intake's: only dispatch's decides. */
    close(stage.peer_fd);
    ck_assert_int_eq(stage_await_exit(&stage), 0);
    stage.peer_fd = -1;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("intake");
    TCase *t = tcase_create("intake");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, remembers_across_restarts);
    tcase_add_test(t, switches_configurations);
    tcase_add_test(t, says_what_it_cannot_prepare);
    tcase_add_test(t, writes_what_dispatch_sends);
    tcase_add_test(t, nudges_now_and_then);
    tcase_add_test(t, records_outlive_intake);
    tcase_add_test(t, records_outlive_a_kill_in_the_sync);
    tcase_add_test(t, a_long_line_by_descriptor);
    tcase_add_test(t, nonsense_from_dispatch);
    tcase_add_test(t, not_durable_then_well_again);
    tcase_add_test(t, copies_wait_for_the_disk);
    tcase_add_test(t, health_and_readiness);
    tcase_add_test(t, only_known_peers);
    tcase_add_test(t, connections_have_a_limit);
    tcase_add_test(t, finishes_what_has_begun);
    tcase_add_test(t, outlives_the_supervisor_only_to_drain);
    suite_add_tcase(s, t);
    return suite_run(s);
}
