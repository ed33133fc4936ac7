/* SPDX-License-Identifier: MIT
 * check_commit: the committer by itself: what is handed to it together shares a commit and is told in order, and where many came the next
 * commit waits a moment for more.
 */
#include "pen.h"

#include <semaphore.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/stats.h"
#include "disk.h"
#include "intake/commit.h"

enum { JOBS = 64, LINGER_US = 200, TRIES = 200 };

struct load {
    struct commit_job jobs[JOBS + 1]; /* the last one is handed in when the others are told */
    struct commit *commit;
    int n, told;
    int64_t told_us, last_us;
    sem_t over;
};

static struct pen pen;
static struct commit *commit;
static struct load load;
static struct buf line;
static int ends[2];
static _Atomic uint64_t recorded;
static bool told; /* a job, since the last end of a batch; the committer's own: it ends empty batches too, while `load` is the test's */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void on_done(void *arg, struct commit_job *job)
{
    struct load *l = arg;
    ck_assert_int_eq(job->outcome, ERR_OK);
    ck_assert_ptr_eq(job, l->told < l->n ? &l->jobs[l->told] : &l->jobs[JOBS]);
    l->told++;
    told = true;
}

static void on_batch_done(void *arg)
{
    struct load *l = arg;
    if (!told)
        return;
    told = false;
    if (l->told == l->n && l->told_us == 0) {
        l->told_us = now_us();
        commit_submit(l->commit, &l->jobs[JOBS], &l->jobs[JOBS]);
    } else if (l->told == l->n + 1 && l->last_us == 0) {
        l->last_us = now_us();
        sem_post(&l->over);
    }
}

static void setup(void)
{
    disk_reset();
    pen_init(&pen);
    pen.segment_bytes = 1 << 20;
    pen_open(&pen);
    struct id id = pen_id(1);
    buf_init(&line, LINE_MAX_BYTES);
    line_put_attempt(&line, &id, SPAN_LIT("mail"), 1, PEN_NOW_MS, SPAN_LIT("g1"));
    sem_init(&load.over, 0, 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    struct commit_options o = {.journal = pen.j, .peer_fd = ends[0], .recorded = &recorded, .done = on_done, .batch_done = on_batch_done};
    ck_assert_int_eq(commit_new(&o, &commit, NULL), ERR_OK);
    ck_assert_int_eq(commit_start(commit, &load, NULL), ERR_OK);
}

static void teardown(void)
{
    close(ends[1]);
    commit_stop(commit, true);
    commit_free(commit);
    close(ends[0]);
    buf_fini(&line);
    pen_fini(&pen);
}

/* n jobs at once, and one more when they are told: how long did that one take? */
static int64_t last_after(int n, bool sync)
{
    struct commit_job *youngest = NULL;
    load.commit = commit;
    load.n = n;
    load.told = 0;
    load.told_us = load.last_us = 0;
    for (int i = 0; i <= JOBS; i++)
        load.jobs[i] = (struct commit_job){.line = buf_span(&line), .sync = sync};
    for (int i = 0; i < n; i++) {
        load.jobs[i].next = youngest;
        youngest = &load.jobs[i];
    }
    commit_submit(commit, youngest, &load.jobs[0]);
    while (sem_wait(&load.over) != 0)
        continue;
    ck_assert_int_eq(load.told, n + 1);
    return load.last_us - load.told_us;
}

START_TEST(what_comes_together_is_told_in_order_after_one_commit)
{
    int64_t before = stat_get(STAT_batches_total);
    last_after(JOBS, true);
    ck_assert_int_eq(stat_get(STAT_batches_total) - before, 2);
    ck_assert_uint_gt(atomic_load(pen.safe), 0);
}
END_TEST

START_TEST(where_many_came_the_next_commit_waits_for_more)
{
    for (int i = 0; i < TRIES / 10; i++)
        ck_assert_int_ge(last_after(JOBS, false), LINGER_US);
}
END_TEST

/* Whoever runs beside this may take any time: the best of many tries. */
START_TEST(who_comes_alone_waits_for_nobody)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t took = last_after(1, false);
        best = took < best ? took : best;
    }
    ck_assert_int_lt(best, LINGER_US);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("commit");
    TCase *t = tcase_create("commit");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, what_comes_together_is_told_in_order_after_one_commit);
    tcase_add_test(t, where_many_came_the_next_commit_waits_for_more);
    tcase_add_test(t, who_comes_alone_waits_for_nobody);
    suite_add_tcase(s, t);
    return suite_run(s);
}
