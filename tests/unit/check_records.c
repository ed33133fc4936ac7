/* SPDX-License-Identifier: MIT
 * check_records: what is sent when: a line that somebody waits for at once, others when their time has come, all of them in order.
 */
#include "suite.h"

#include <unistd.h>

#include "base/channel.h"
#include "dispatch/records.h"

static struct records r;
static struct shared shared;
static int fds[2];

static void set_up(void)
{
    struct why w;
    memset(&shared, 0, sizeof shared);
    ck_assert_int_eq(channel_pair(fds, &w), ERR_OK);
    records_init(&r, fds[0], &shared);
}

static void tear_down(void)
{
    records_fini(&r);
    close(fds[0]);
    close(fds[1]);
}

static void put(const char *line, int64_t by_ms)
{
    buf_puts(records_begin(&r), line);
    (void)records_end_by(&r, by_ms);
}

/* The next message's lines, each behind a blank. */
static const char *received(void)
{
    static char message[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)], text[256];
    struct channel_message m = {0};
    size_t n = 0;
    ck_assert_int_eq(channel_recv(fds[1], message, sizeof message, false, &m), ERR_OK);
    ck_assert_int_eq(m.type, CHANNEL_RECORDS);
    for (struct span rest = span_skip(m.payload, sizeof(uint64_t)); rest.n;) {
        uint32_t length;
        memcpy(&length, rest.p, sizeof length);
        ck_assert_uint_lt(n + length + 1, sizeof text);
        text[n++] = ' ';
        memcpy(text + n, rest.p + sizeof length, length);
        n += length;
        rest = span_skip(rest, sizeof length + length);
    }
    text[n] = '\0';
    return text;
}

START_TEST(nothing_is_due_when_nothing_waits)
{
    ck_assert_int_eq(records_due_ms(&r), INT64_MAX);
    ck_assert_int_eq(records_flush(&r), ERR_OK);
    ck_assert_int_eq(records_due_ms(&r), INT64_MAX);
}
END_TEST

START_TEST(the_earliest_decides)
{
    put("a", 500);
    ck_assert_int_eq(records_due_ms(&r), 500);
    put("b", 700);
    ck_assert_int_eq(records_due_ms(&r), 500);
    put("c", 300);
    ck_assert_int_eq(records_due_ms(&r), 300);
    buf_puts(records_begin(&r), "d");
    uint64_t mark = records_end(&r);
    ck_assert_int_eq(records_due_ms(&r), INT64_MIN);
    ck_assert(!records_sent(&r, mark));
    ck_assert_int_eq(records_flush(&r), ERR_OK);
    ck_assert(records_sent(&r, mark));
    ck_assert_uint_eq(atomic_load(&shared.promised), mark);
    ck_assert_str_eq(received(), " a b c d");
    ck_assert_int_eq(records_due_ms(&r), INT64_MAX);
    put("e", 900);
    ck_assert_int_eq(records_due_ms(&r), 900);
}
END_TEST

/* What a full socket did not take stays due. */
START_TEST(what_was_not_taken_stays_due)
{
    static char line[CHANNEL_LINES_BYTES / 2 + 1];
    memset(line, 'x', sizeof line - 1);
    enum err e = ERR_OK;
    for (int i = 0; i < 10000 && e == ERR_OK; i++) {
        put(line, 40);
        e = records_flush(&r);
    }
    ck_assert_int_eq(e, ERR_AGAIN);
    ck_assert_int_eq(records_due_ms(&r), 40);
    ck_assert_uint_gt(records_waiting(&r), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("records");
    TCase *t = tcase_create("records");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, nothing_is_due_when_nothing_waits);
    tcase_add_test(t, the_earliest_decides);
    tcase_add_test(t, what_was_not_taken_stays_due);
    suite_add_tcase(s, t);
    return suite_run(s);
}
