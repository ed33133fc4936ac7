/* SPDX-License-Identifier: MIT
 * check_journal_faults: the story told with every single call failing, with the process ending at every single call, and with the
 * power cut at many moments; each time nothing that was acknowledged may be lost. ROUNDS asks for more.
 */
#include "config.h"
#include "story.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"

/* A sanitizer makes each story ten times as long: then only some of the calls, others in each test. */
#ifdef CREEL_SANITIZED
enum { KILLED = 99, STEP = 7 };
#else
enum { KILLED = 99, STEP = 1 };
#endif

/* How many calls the undisturbed story makes; they differ a little from run to run, for the helper works at its own pace. */
static int count_calls(void)
{
    disk_reset();
    struct story *s = story_new();
    story_tell(s);
    int n = disk_calls();
    for (int i = 1; i <= s->events; i++)
        ck_assert_msg(s->synced[i], "event %d was not taken by a healthy disk", i);
    story_check(s, SIZE_MAX, "undisturbed", 0);
    story_free(s);
    ck_assert_int_gt(n, 100);
    return n;
}

static void assert_refused_stay_away(struct story *s, const char *what, int n)
{
    static struct pen_read r;
    pen_read_all(&s->pen, &r);
    for (int i = 1; i <= s->events; i++)
        ck_assert_msg(!s->refused[i] || r.events[i] == 0, "%s %d: event %d was refused and is there", what, n, i);
}

static void fail_at_each_call(const char *what, struct disk_plan plan)
{
    int calls = count_calls();
    for (int n = 1 + plan.error % STEP; n <= calls; n += STEP) {
        disk_reset();
        struct story *s = story_new();
        plan.fail_at = n;
        disk_obey(plan);
        story_tell(s);
        disk_reset();
        assert_refused_stay_away(s, what, n);
        if (n % 2)
            atomic_store(s->pen.safe, 0);
        story_check(s, SIZE_MAX, what, (unsigned)n);
        assert_refused_stay_away(s, what, n);
        story_free(s);
    }
}

START_TEST(any_call_may_fail)
{
    fail_at_each_call("EIO at call", (struct disk_plan){.fail_times = 1, .error = EIO, .free_part = 1});
}
END_TEST

START_TEST(any_write_may_stop_halfway)
{
    fail_at_each_call("ENOSPC at call", (struct disk_plan){.fail_times = 1, .error = ENOSPC, .halfway = true, .free_part = 1});
}
END_TEST

START_TEST(the_disk_may_fail_for_a_while)
{
    fail_at_each_call("EIO from call", (struct disk_plan){.fail_times = 12, .error = EIO, .free_part = 1});
}
END_TEST

START_TEST(writes_may_be_short)
{
    disk_reset();
    struct story *s = story_new();
    disk_obey((struct disk_plan){.short_writes = true, .free_part = 1});
    story_tell(s);
    for (int i = 1; i <= s->events; i++)
        ck_assert(s->synced[i]);
    disk_reset();
    story_check(s, SIZE_MAX, "short writes", 0);
    story_free(s);
}
END_TEST

/* Do it in a child that ends at its n-th call. */
static void in_child(struct story *s, int kill_at, void (*what)(struct story *s))
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        disk_obey((struct disk_plan){.kill_at = kill_at, .free_part = 1});
        what(s);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED), "child: status %x", status);
    s->pen.j = NULL;
}

static void only_open(struct story *s)
{
    pen_open(&s->pen);
    pen_settle(&s->pen);
}

/* Written, not synced, refused; no fresh segment can be had; and the process ends. */
static void refuse_and_end(struct story *s)
{
    pen_open(&s->pen);
    pen_settle(&s->pen);
    story_batch(s, 1, true);
    pen_settle(&s->pen);
    disk_reset();
    disk_obey((struct disk_plan){.fail_at = 2, .fail_times = 10000, .error = EIO, .free_part = 1});
    story_batch(s, 1, true);
    s->pen.j = NULL; /* killed */
}

START_TEST(what_was_refused_and_not_taken_back_is_there_once)
{
    static struct pen_read r;
    disk_reset();
    struct story *s = story_new();
    in_child(s, 0, refuse_and_end);
    ck_assert(s->events == 2 && s->synced[1] && s->refused[2]);
    if (_i)
        atomic_store(s->pen.safe, 0);
    pen_open(&s->pen);
    pen_read_all(&s->pen, &r);
    ck_assert(r.events[1] == 1 && r.events[2] == 1);
    ck_assert_uint_eq(s->pen.keys[2], 1); /* so that its sender's next try is a duplicate */
    pen_close(&s->pen);
    pen_open(&s->pen);
    pen_read_all(&s->pen, &r);
    ck_assert(r.events[1] == 1 && r.events[2] == 1);
    story_free(s);
}
END_TEST

START_TEST(the_process_may_end_at_any_call)
{
    int calls = count_calls();
    for (int round = 0; round < suite_rounds(1); round++) {
        for (int n = 1 + round % STEP; n <= calls; n += STEP) {
            disk_reset();
            struct story *s = story_new();
            in_child(s, n, story_tell);
            if ((n + round) % 2)
                atomic_store(s->pen.safe, 0);
            /* and again while it recovers */
            in_child(s, 1 + (n * 7 + round) % 29, only_open);
            story_check(s, SIZE_MAX, "killed at call", (unsigned)n);
            atomic_store(s->pen.safe, 0);
            story_check(s, SIZE_MAX, "killed at call, opened again", (unsigned)n);
            story_free(s);
        }
    }
}
END_TEST

/* A story as it stood when the power failed, in a folder that holds what the disk kept. */
static struct story *story_cut(const struct story *told, size_t moment, unsigned seed)
{
    struct story *s = story_new();
    struct pen pen = s->pen;
    disk_cut(moment, seed, pen.dir);
    *s = *told;
    s->pen = pen;
    return s;
}

/* From now on what was synced at that moment is owed, and nothing else. */
static void forget_the_rest(struct story *s, size_t moment)
{
    for (int n = 1; n <= s->events; n++) {
        s->synced[n] = s->synced[n] && s->synced_at[n] <= moment;
        s->written[n] = s->refused[n] = false;
        s->synced_at[n] = s->gone_at[n] = 0;
    }
}

static void recover_and_go_on(struct story *s)
{
    pen_open(&s->pen);
    story_batch(s, 2, true);
    story_batch(s, 3, false);
    story_batch(s, 1, true);
    pen_close(&s->pen);
}

/* Recover from what the power cut left; and recover again from a second power cut in the midst of that. In a child, which may
 * record anew. */
static void cut_twice(const struct story *told, size_t moment, unsigned seed)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct story *first = story_cut(told, moment, seed), *second = story_cut(told, moment, seed), *third;
        story_check(first, moment, "power cut", seed);
        story_check(first, moment, "power cut, opened again", seed);
        story_free(first);
        forget_the_rest(second, moment);
        disk_record(second->pen.dir);
        size_t begin = disk_moment();
        recover_and_go_on(second);
        size_t again = begin + seed * 2654435761u % (disk_moment() - begin + 1);
        third = story_cut(second, again, seed);
        story_check(third, again, "second power cut", seed);
        story_free(second);
        story_free(third);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "power cut %u at moment %zu: status %x", seed, moment, status);
}

START_TEST(the_power_may_fail_at_any_moment)
{
    enum { CUTS = 300 };
    disk_reset();
    struct story *s = story_new();
    disk_record(s->pen.dir);
    story_tell(s);
    size_t end = disk_moment();
    int cuts = suite_rounds(1) * CUTS / STEP;
    for (int i = 0; i < cuts; i++)
        cut_twice(s, (size_t)i * (end + 1) / (size_t)cuts, (unsigned)i + 1);
    story_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_faults");
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 300 * suite_rounds(1));
    tcase_add_test(t, any_call_may_fail);
    tcase_add_test(t, any_write_may_stop_halfway);
    tcase_add_test(t, the_disk_may_fail_for_a_while);
    tcase_add_test(t, writes_may_be_short);
    tcase_add_loop_test(t, what_was_refused_and_not_taken_back_is_there_once, 0, 2);
    tcase_add_test(t, the_process_may_end_at_any_call);
    tcase_add_test(t, the_power_may_fail_at_any_moment);
    suite_add_tcase(s, t);
    return suite_run(s);
}
