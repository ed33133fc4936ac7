/* SPDX-License-Identifier: MIT
 * check_begun: runs that had begun when all of the host was killed at once: what dispatch had sent but nobody had written is gone,
 * and yet each run that follows is a further attempt.
 */
#include "config.h"
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "dispatch/begun.h"

static struct rig r;

static void set_up(void)
{
    rig_init(&r, "");
    rig_drop(&r, "behave", "behave", NULL);
}

static void tear_down(void)
{
    rig_check_spool(&r);
    rig_fini(&r);
}

/* kill -9 of everything: what lay in the channel ends with it, and so does the shared segment. */
static void kill_house(void)
{
    rig_kill(&r);
    while (channel_recv(r.peer[0], r.message, CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head), false, &(struct channel_message){0}) ==
           ERR_OK)
        continue;
    atomic_store(&r.shared->promised, 0);
    atomic_store(&r.shared->recorded, 0);
    r.mark = 0;
}

/* Wait without taking what dispatch sends. */
static void await_log(const char *text)
{
    for (int i = 0; i < 5000 && !rig_logged(&r, text); i++)
        (void)usleep(2000);
    ck_assert_msg(rig_logged(&r, text), "dispatch never said: %s", text);
}

static bool story_has(const char *text)
{
    return r.story.n && memmem(r.story.p, r.story.n, text, strlen(text)) != NULL;
}

static uint32_t attempts(const struct id *id)
{
    const struct invocation *i = rig_invocation(&r, id);
    return i ? i->attempts : 0;
}

START_TEST(an_attempt_nobody_wrote_down)
{
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "dispatching"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_watch(&r, &id);
    await_log("run ended");
    kill_house();
    ck_assert_uint_eq(r.lines[KIND_ATTEMPT], 0);
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 2);
    ck_assert(story_has("\"outcome\":\"LOST\""));
    ck_assert_int_eq(rig_stop(&r), 0);
    rig_start(&r); /* and is not found once more */
    rig_until(&r, rig_logged(&r, "stopped") && r.lines[KIND_CHECKPOINT] >= 4);
    ck_assert_uint_eq(attempts(&id), 2);
}
END_TEST

START_TEST(a_second_attempt_nobody_wrote_down)
{
    rig_drop(&r, "behave", "behave", "{\"retry\":{\"base\":\"1s\",\"factor\":1,\"attempts\":5}}");
    rig_start(&r);
    struct id id = rig_event(&r, "order.paid", "unknown", "{}");
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_WAITING);
    uint32_t recorded = attempts(&id);
    char next[32];
    snprintf(next, sizeof next, "attempt=%u outcome", (unsigned)recorded + 1);
    await_log(next);
    kill_house();
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DEAD);
    ck_assert_uint_ge(attempts(&id), recorded + 2);
    ck_assert(story_has("\"outcome\":\"LOST\""));
}
END_TEST

/* More runs than there are places, with nobody writing: the rest waits until somebody does. */
START_TEST(no_more_than_there_are_places)
{
    enum { EVENTS = BEGUN_MAX + 100 };
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "dispatching"));
    for (int i = 0; i < EVENTS; i++)
        rig_put(&r, "shop", "order.paid", "ok", "{}", false);
    rig_commit(&r);
    for (int i = 0; i < 10000 && r.shared->stats[STAT_done_total] < BEGUN_MAX; i++)
        (void)usleep(1000);
    (void)usleep(50 * 1000); /* time for one too many */
    ck_assert_int_eq(r.shared->stats[STAT_done_total], BEGUN_MAX);
    rig_until(&r, r.shared->stats[STAT_done_total] == EVENTS);
}
END_TEST

START_TEST(a_file_that_is_nonsense)
{
    static char nonsense[BEGUN_MAX * sizeof(struct begun_note)];
    memset(nonsense, 0x5a, sizeof nonsense);
    int fd = openat(r.spool_fd, ".dispatch.begun", O_WRONLY | O_CREAT, 0640);
    ck_assert_int_eq(write(fd, nonsense, sizeof nonsense / 3), sizeof nonsense / 3);
    close(fd);
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_start(&r);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 1);
}
END_TEST

/* Without the file each run waits for its attempt to be synced. */
START_TEST(no_file_at_all)
{
    ck_assert_int_eq(mkdirat(r.spool_fd, ".dispatch.begun", 0700), 0);
    rig_start(&r);
    rig_until(&r, rig_logged(&r, "dispatching"));
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    (void)usleep(300 * 1000);
    ck_assert_int_eq(r.shared->stats[STAT_done_total], 0);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_int_eq(unlinkat(r.spool_fd, ".dispatch.begun", AT_REMOVEDIR), 0);
}
END_TEST

/* A run that was sent to a process which its predecessor has promised, and which never came, is no crash of the event's: the
 * outcome of token 1, then a wait for the next run, then an end without a process to follow. */
START_TEST(a_process_that_never_came)
{
    rig_drop(&r, "behave", "behave", "{\"concurrency\":1}");
    rig_start(&r);
    (void)rig_event(&r, "order.paid", "promise", "{\"hex\":\"020700002000000001000000000000000000000002000000ffffffffffffffff0000000000000000\"}");
    struct id id = rig_event(&r, "order.paid", "ok", "{}");
    rig_watch(&r, &id);
    rig_until(&r, rig_state(&r, &id) == STATE_DONE);
    ck_assert_uint_eq(attempts(&id), 2);
    ck_assert(story_has("\"outcome\":\"LOST\""));
    ck_assert_int_eq(r.shared->stats[STAT_outcome_crash_total], 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("begun");
    TCase *t = tcase_create("begun");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_attempt_nobody_wrote_down);
    tcase_add_test(t, a_second_attempt_nobody_wrote_down);
    tcase_add_test(t, no_more_than_there_are_places);
    tcase_add_test(t, a_file_that_is_nonsense);
    tcase_add_test(t, no_file_at_all);
    tcase_add_test(t, a_process_that_never_came);
    suite_add_tcase(s, t);
    return suite_run(s);
}
