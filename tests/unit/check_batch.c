/* SPDX-License-Identifier: MIT
 * check_batch: several CloudEvents in one request: all or none, one group commit, one answer; and batches that wait for
 * one another, on a disk that is held up and fails.
 */
#include "stage.h"
#include "sync_kit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct stage stage;

static void setup(void)
{
    sync_kit_init();
    stage_init(&stage, "\"threads\":3,\"body_memory\":\"1MiB\",",
               "\"cloud\":{\"path\":\"/cloud\",\"recipe\":\"none\",\"allow_unsigned\":true,\"envelope\":\"cloudevents\","
               "\"types\":[\"t.*\"],\"order_key\":\"json:/n\",\"batch_max\":100},"
               "\"all\":{\"path\":\"/all\",\"recipe\":\"none\",\"allow_unsigned\":true,\"envelope\":\"cloudevents\",\"dedupe\":false}");
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
    sync_kit_fini();
}

#define BATCH "application/cloudevents-batch+json; charset=utf-8"
#define EVENT(id, type, data)                                                                                          \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/s\",\"type\":\"" type "\",\"data\":" data "}"
#define E(id) EVENT(id, "t.a", "{\"n\":\"" id "\"}")

static struct call batch(const char *path, const char *body)
{
    return (struct call){.uri = path, .content_type = BATCH, .body = span_str(body)};
}

/* The status; `said` gets the answer's body, terminated. */
static int ask(const char *path, const char *body, char said[8192])
{
    struct answer a;
    const struct call c = batch(path, body);
    stage_call(&stage, &c, &a);
    struct span s = answer_body(&a);
    ck_assert_uint_lt(s.n, 8192);
    memcpy(said, s.p, s.n);
    said[s.n] = 0;
    int status = a.status;
    ck_assert_uint_eq(answer_header(&a, "Creel-Event-Id").n, 0);
    answer_fini(&a);
    return status;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

#define ACCEPTED "\"status\":\"accepted\"}"
#define DUPLICATE "\"status\":\"duplicate\"}"

/* The id that the i-th event was answered with. */
static const char *id_of(const char *said, int i)
{
    static char ids[8][27];
    static unsigned next;
    const char *at = said;
    for (; i >= 0; i--)
        at = strstr(at, "{\"id\":\"") + 7;
    char *id = ids[next++ % 8];
    memcpy(id, at, 26);
    id[26] = 0;
    return id;
}

START_TEST(one_commit_one_answer)
{
    char said[8192], again[8192];
    int64_t batches = atomic_load(&stage.shared->stats[STAT_batches_total]);
    ck_assert_int_eq(ask("/cloud", " [ " E("1") " ,\n" E("2") "," E("3") "]", said), 202);
    ck_assert_ptr_eq(strstr(said, "{\"status\":\"accepted\",\"durability\":\"synced\",\"events\":[{"), said);
    ck_assert_int_eq(count(said, ACCEPTED), 3);
    ck_assert_int_eq(atomic_load(&stage.shared->stats[STAT_batches_total]) - batches, 1);
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"order_key\":\"2\""), 1);
    /* each as if it had come alone */
    ck_assert_int_eq(journal_lines(&stage, "\"content_type\":\"application/cloudevents+json\""), 3);
    ck_assert_int_eq(journal_lines(&stage, "[\"content-type\",\"application/cloudevents+json\"]"), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"body\":\"{\\\"specversion\\\":\\\"1.0\\\",\\\"id\\\":\\\"2\\\""), 1);
    ck_assert_int_eq(ask("/cloud", "[" E("2") "," E("4") "]", again), 202);
    ck_assert(count(again, ACCEPTED) == 1 && count(again, DUPLICATE) == 1);
    ck_assert_str_eq(id_of(again, 0), id_of(said, 1));
    ck_assert_int_eq(ask("/cloud", "[" E("1") "," E("4") "]", again), 200);
    ck_assert(count(again, DUPLICATE) == 2);
    ck_assert_int_eq(atomic_load(&stage.shared->stats[STAT_accepted_total]), 4);
    ck_assert_int_eq(atomic_load(&stage.shared->stats[STAT_duplicates_total]), 3);
    stage_stop(&stage);
    stage_start(&stage);
    ck_assert_int_eq(ask("/cloud", "[" E("3") "," E("4") "]", again), 200);
}
END_TEST

START_TEST(copies_in_one_batch)
{
    char said[8192];
    ck_assert_int_eq(ask("/cloud", "[" E("1") "," E("1") "," E("2") "," E("1") "]", said), 202);
    ck_assert(count(said, ACCEPTED) == 2 && count(said, DUPLICATE) == 2);
    ck_assert_str_eq(id_of(said, 1), id_of(said, 0));
    ck_assert_str_eq(id_of(said, 3), id_of(said, 0));
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 2);
    ck_assert_int_eq(ask("/all", "[" E("1") "," E("1") "]", said), 202);
    ck_assert_int_eq(count(said, ACCEPTED), 2);
    ck_assert_int_eq(ask("/cloud", "[]", said), 202);
    ck_assert_str_eq(said, "{\"status\":\"accepted\",\"durability\":\"synced\",\"events\":[]}\n");
}
END_TEST

START_TEST(all_or_none)
{
    static const char *const rows[][2] = {
        {"[" E("1") "," EVENT("2", "x", "1") "]", "event 2: this source may not raise x"},
        {"[" E("1") "," EVENT("", "t.a", "1") "]", "event 2: no CloudEvent: id is missing"},
        {"[" E("1") ",[]]", "event 2: no CloudEvent: it is not a JSON object"},
        {E("1"), "it is not a JSON array"},
        {"[" E("1") ",]", "not strict JSON"},
    };
    char said[8192];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int status = ask("/cloud", rows[i][0], said);
        ck_assert_msg(status == (i == 0 ? 403 : 400) && strstr(said, rows[i][1]), "%d %s", status, said);
    }
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 0);
    ck_assert_int_eq(ask("/cloud", "[" E("1") "]", said), 202); /* nothing was remembered either */
}
END_TEST

static char *many(int from, int n, int step)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s{\"specversion\":\"1.0\",\"id\":\"%d\",\"source\":\"/s\",\"type\":\"t.a\"}", i ? "," : "[", from + i * step);
    buf_puts(&b, "]");
    buf_putc(&b, 0);
    ck_assert(!b.failed);
    return b.p;
}

START_TEST(as_many_as_may_be)
{
    char said[8192];
    char *full = many(0, 100, 1), *more = many(1000, 101, 1);
    ck_assert_int_eq(ask("/cloud", full, said), 202);
    ck_assert_int_eq(count(said, ACCEPTED), 100);
    ck_assert_int_eq(ask("/cloud", more, said), 413);
    free(full);
    free(more);
}
END_TEST

/* An event of so many numbers behind each other. */
static void put_numbers(struct buf *b, const char *id, int n)
{
    buf_printf(b, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/s\",\"type\":\"t.a\",\"data\":[0", id);
    for (int i = 1; i < n; i++)
        buf_puts(b, ",0");
    buf_puts(b, "]}");
}

/* What is too much for one event is so in a batch, and what is not is not. */
START_TEST(each_may_be_as_large_as_alone)
{
    char said[8192];
    for (int most = 60000; most <= 120000; most += 60000) {
        struct buf b;
        buf_init(&b, 1 << 20);
        buf_puts(&b, "[");
        put_numbers(&b, "1", 60000);
        buf_puts(&b, ",");
        put_numbers(&b, "2", most);
        buf_puts(&b, "]");
        buf_putc(&b, 0);
        int status = ask("/all", b.p, said);
        ck_assert_msg(status == (most == 60000 ? 202 : 400), "%s", said);
        buf_fini(&b);
    }
    ck_assert_msg(strstr(said, "event 2: not strict JSON: too many") != NULL, "%s", said);
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 2);
}
END_TEST

/* A few bytes of body become lines with all header fields each. */
START_TEST(what_a_batch_becomes_is_counted)
{
    static char fill[16384];
    memset(fill, 'a', sizeof fill - 1);
    const char *const headers[] = {"HTTP_X_FILL", fill, NULL};
    for (int n = 100; n >= 20; n -= 80) {
        char *body = many(0, n, 1);
        struct call c = batch("/cloud", body);
        struct answer a;
        c.headers = headers;
        stage_call(&stage, &c, &a);
        ck_assert_msg(a.status == (n == 100 ? 413 : 202), "%.*s", (int)a.text.n, a.text.p);
        ck_assert(n < 100 || memmem(a.text.p, a.text.n, "send fewer", 10));
        answer_fini(&a);
        free(body);
        ck_assert_int_eq(atomic_load(&stage.shared->stats[STAT_body_memory_bytes]), 0); /* who is answered holds nothing */
    }
}
END_TEST

/* Batches with the same events in either order, and single ones among them, all at once on a disk that is held up: nobody
 * waits for ever, each event is there once, and all are told the same id. Then the same with a sync that fails. */
START_TEST(nobody_waits_for_ever)
{
    enum { ASKERS = 24 };
    struct pollfd fds[ASKERS];
    struct buf b;
    char *forth = many(0, 20, 1), *back = many(19, 20, -1);
    buf_init(&b, 1 << 20);
    for (int fail = 1; fail >= 0; fail--) {
        int accepted = 0, refused = 0, ids = 0;
        atomic_store(&disk->waiting, 0);
        atomic_store(&disk->held, 1);
        atomic_store(&stage.shared->stats[STAT_requests_total], 0);
        for (int i = 0; i < ASKERS; i++) {
            struct call c = batch("/cloud", i % 3 ? (i % 2 ? forth : back) : "[" E("7") "]");
            fds[i] = (struct pollfd){.fd = stage_connect(&stage), .events = POLLIN};
            buf_clear(&b);
            put_call(&b, &c);
            send_all(fds[i].fd, buf_span(&b));
        }
        await_stat(&stage, STAT_requests_total, ASKERS);
        for (int i = 0; i < 5000 && !atomic_load(&disk->waiting); i++)
            poll(NULL, 0, 1);
        ck_assert_int_eq(poll(fds, ASKERS, 50), 0); /* nobody hears of it early */
        atomic_store(&disk->fail, fail);
        atomic_store(&disk->held, 0);
        for (int i = 0; i < ASKERS; i++) {
            struct answer a;
            char said[8192];
            read_answer(fds[i].fd, &a);
            memcpy(said, a.text.p, a.text.n);
            said[a.text.n] = 0;
            accepted += count(said, ACCEPTED);
            ids += count(said, "{\"id\":\"");
            refused += a.status == 503;
            answer_fini(&a);
            close(fds[i].fd);
        }
        ck_assert_int_eq(refused, fail ? ASKERS : 0);
        ck_assert_int_eq(accepted, fail ? 0 : 20);
        ck_assert_int_eq(ids, fail ? 0 : ASKERS / 3 + ASKERS * 2 / 3 * 20);
        atomic_store(&disk->fail, 0);
        char said[8192];
        for (int i = 0; fail && i < 5000 && ask("/all", "[" E("well") "]", said) == 503; i++)
            poll(NULL, 0, 2);
    }
    char once[64];
    for (int i = 0; i < 20; i++) {
        snprintf(once, sizeof once, "\"event_id\":\"/s#%d\"", i);
        ck_assert_int_eq(journal_lines(&stage, once), 1);
    }
    buf_fini(&b);
    free(forth);
    free(back);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("batch");
    TCase *t = tcase_create("batch");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, one_commit_one_answer);
    tcase_add_test(t, copies_in_one_batch);
    tcase_add_test(t, all_or_none);
    tcase_add_test(t, as_many_as_may_be);
    tcase_add_test(t, each_may_be_as_large_as_alone);
    tcase_add_test(t, what_a_batch_becomes_is_counted);
    tcase_add_test(t, nobody_waits_for_ever);
    suite_add_tcase(s, t);
    return suite_run(s);
}
