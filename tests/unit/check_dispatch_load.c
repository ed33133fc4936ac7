/* SPDX-License-Identifier: MIT
 * check_dispatch_load: the whole role with much to do: backlogs, old segments, a function that takes all it can get.
 */
#include "config.h"
#include "rig.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static struct rig r;

static void set_up(void)
{
    rig_init(&r, "");
}

static void tear_down(void)
{
    rig_check_spool(&r);
    rig_fini(&r);
}

static long resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

START_TEST(test_backlog)
{
    enum { EVENTS = 10000 };
    rig_fini(&r);
    rig_init(&r, ",\"max_unfinished\":1000");
    rig_drop(&r, "behave", "behave", "{\"mode\":\"pool\",\"concurrency\":4}");
    for (int i = 0; i < EVENTS; i++) {
        rig_put(&r, "shop", "order.paid", "ok", "{\"some\":\"body that is not too short to be seen in the memory figures\"}", false);
        if (i % 500 == 0)
            rig_commit(&r);
    }
    rig_commit(&r);
    rig_start(&r);
    rig_until(&r, r.lines[KIND_OUTCOME] >= 100);
    long early = resident_kib(r.pid);
    rig_until(&r, r.shared->stats[STAT_done_total] >= EVENTS / 2);
    rig_until(&r, r.shared->stats[STAT_done_total] == EVENTS);
    rig_until(&r, r.lines[KIND_OUTCOME] == EVENTS);
    ck_assert_int_le(r.shared->stats[STAT_unfinished], 1000);
#ifndef CREEL_SANITIZED /* which keep what was freed */
    ck_assert_int_lt(resident_kib(r.pid), early + 4096);
#else
    (void)early;
#endif
}
END_TEST

START_TEST(test_restart_in_a_backlog_larger_than_the_mind)
{
    enum { EVENTS = 3000 };
    rig_fini(&r);
    rig_init(&r, ",\"max_unfinished\":1000");
    rig_drop(&r, "behave", "behave", "{\"mode\":\"pool\"}");
    for (int i = 0; i < EVENTS; i++)
        rig_put(&r, "shop", "order.paid", "ok", "{}", false);
    rig_commit(&r);
    rig_start(&r);
    rig_until(&r, r.lines[KIND_OUTCOME] >= 1200);
    rig_kill(&r);
    rig_start(&r);
    rig_until(&r, ledger_count(r.ledger) == EVENTS && ledger_counts(r.ledger)[STATE_DONE] == EVENTS);
    /* what was done once is not run again: only runs that were cut off have a second attempt */
    size_t second = 0;
    for (struct entry *e = ledger_oldest(r.ledger); e; e = e->newer)
        second += e->inv[0].attempts > 1;
    ck_assert_uint_le(second, 32);
    ck_assert_uint_le(r.lines[KIND_ATTEMPT], EVENTS + second);
}
END_TEST

START_TEST(test_unfinished_events_are_carried_and_segments_go)
{
    rig_fini(&r);
    rig_init(&r, ",\"retention\":\"1ms\"");
    rig_drop(&r, "behave", "behave", "{\"mode\":\"pool\"}");
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && rig_logged(&r, "function live"));
    struct id waiting = rig_event(&r, "order.paid", "retry", "{\"keep\":\"me\"}");
    rig_until(&r, rig_state(&r, &waiting) == STATE_WAITING);
    static char body[60000];
    memset(body, 'x', sizeof body - 1);
    for (int i = 0; i < 60; i++) /* several segments */
        (void)rig_event(&r, "order.paid", "ok", body);
    rig_until(&r, r.lines[KIND_CARRY] >= 1);
    rig_until(&r, r.lines[KIND_TOMBSTONE] >= 1);
    rig_until(&r, !rig_has(&r, "journal/000000000001.jsonl"));
    const struct invocation *i = rig_invocation(&r, &waiting);
    ck_assert_int_eq(i->state, STATE_WAITING);
    ck_assert_uint_eq(i->attempts, 1);
    /* a start that never sees the event's own line */
    rig_kill(&r);
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && r.shared->stats[STAT_waiting] == 1);
}
END_TEST

/* Some more events, each with records that others wait for. */
static bool more_events(const char *body)
{
    for (int i = 0; i < 8; i++)
        (void)rig_put(&r, "shop", "order.paid", "ok", body, false);
    rig_commit(&r);
    return true;
}

START_TEST(test_segments_go_under_a_load_that_never_rests)
{
    rig_fini(&r);
    rig_init(&r, ",\"retention\":\"1ms\"");
    rig_drop(&r, "behave", "behave", "{\"mode\":\"pool\"}");
    rig_start(&r);
    rig_until(&r, r.shared->dispatching && rig_logged(&r, "function live"));
    static char body[20000];
    memset(body, 'x', sizeof body - 1);
    rig_until(&r, more_events(body) && r.lines[KIND_TOMBSTONE] >= 20);
}
END_TEST

START_TEST(test_one_function_cannot_starve_others)
{
    rig_fini(&r);
    rig_init(&r, ",\"max_workers\":2");
    rig_drop(&r, "slow", "slow", "{\"types\":\"slow.*\",\"config\":{\"ms\":300},\"concurrency\":8}");
    rig_drop(&r, "behave", "behave", "{\"types\":\"order.*\"}");
    for (int i = 0; i < 40; i++)
        (void)rig_put(&r, "shop", "slow.one", "ok", "{}", false);
    rig_commit(&r);
    rig_start(&r);
    rig_until(&r, r.lines[KIND_ATTEMPT] >= 2);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_lt(ledger_counts(r.ledger)[STATE_DONE], 20);
}
END_TEST

static double cpu_seconds(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Its end of the socket is full of what the test put there. */
START_TEST(test_it_is_quiet_while_nobody_takes_its_records)
{
    enum { EVENTS = 100, FILLED_BYTES = 1 };
    char c = 0;
    rig_drop(&r, "behave", "behave", "{\"mode\":\"pool\"}");
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "function live"));
    while (send(r.peer[1], &c, FILLED_BYTES, MSG_DONTWAIT) == FILLED_BYTES)
        continue;
    for (int i = 0; i < EVENTS; i++)
        rig_put(&r, "shop", "order.paid", "ok", "{}", false);
    rig_commit(&r);
    poll(NULL, 0, 500);
    double before = cpu_seconds(r.pid);
    poll(NULL, 0, 1000);
    ck_assert_double_lt(cpu_seconds(r.pid) - before, 0.2);
    ck_assert_int_gt(r.shared->stats[STAT_queue_bytes], 0);
    while (recv(r.peer[0], &c, FILLED_BYTES, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) == FILLED_BYTES)
        ck_assert_int_eq(recv(r.peer[0], &c, FILLED_BYTES, 0), FILLED_BYTES);
    rig_until(&r, r.lines[KIND_OUTCOME] == EVENTS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dispatch_load");
    TCase *t = tcase_create("dispatch_load");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_backlog);
    tcase_add_test(t, test_restart_in_a_backlog_larger_than_the_mind);
    tcase_add_test(t, test_unfinished_events_are_carried_and_segments_go);
    tcase_add_test(t, test_segments_go_under_a_load_that_never_rests);
    tcase_add_test(t, test_one_function_cannot_starve_others);
    tcase_add_test(t, test_it_is_quiet_while_nobody_takes_its_records);
    suite_add_tcase(s, t);
    return suite_run(s);
}
