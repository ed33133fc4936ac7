/* SPDX-License-Identifier: MIT
 * check_journal_stock: segments are filled ahead in the quiet, not while others commit, and no further than there is room; one that is
 * needed at once is taken as far as it is; and a stock that cannot be filled closes no door.
 */
#include "journal_kit.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "spool/journal_in.h"

enum { MIB = 1 << 20, LARGE_BYTES = 64 * MIB, YOUNG_BYTES = 4 * MIB, SHRUNK_BYTES = 256 * 1024, BODY_BYTES = 200000 };

static enum fill filling(void)
{
    pthread_mutex_lock(&pen.j->helper.lock);
    enum fill fill = pen.j->helper.fill;
    pthread_mutex_unlock(&pen.j->helper.lock);
    return fill;
}

static bool filling_failed(void)
{
    return filling() == FILL_FAILED;
}

static bool second_is_stocked(void)
{
    journal_tick(pen.j);
    return pen.j->spare.fd >= 0 && pen_size(&pen, "journal/000000000003.jsonl.next") >= 0;
}

static bool two_are_stocked(void)
{
    return second_is_stocked() && pen_size(&pen, "journal/000000000003.jsonl.next") == pen.segment_bytes;
}

START_TEST(two_segments_are_filled_in_the_quiet)
{
    pen.segment_bytes = 3 * MIB;
    pen_open(&pen);
    ck_assert(pen_comes_true(two_are_stocked));
    ck_assert_int_eq(pen_size(&pen, "journal/000000000001.jsonl"), MIB); /* the first one is small, to be there soon */
    ck_assert_int_eq(pen_size(&pen, "journal/000000000002.jsonl.next"), pen.segment_bytes);
    ck_assert_int_lt(pen_size(&pen, "journal/000000000004.jsonl.next"), 0);
    pen_write(&pen, 1, 30, BODY_BYTES);
    ck_assert_int_ge(pen_size(&pen, "journal/000000000003.jsonl"), 0);
    pen_assert_events(&pen, 1, 30);
    pen_close(&pen);
    for (int n = 2; n <= 5; n++) {
        char name[64];
        snprintf(name, sizeof name, "journal/%012d.jsonl.next", n);
        ck_assert_int_lt(pen_size(&pen, name), 0);
    }
}
END_TEST

/* What is left of the disk is for events and dead letters, not for a stock. */
START_TEST(without_room_there_is_no_stock)
{
    pen.segment_bytes = LARGE_BYTES;
    disk_obey((struct disk_plan){.free_part = 0.05001}); /* hardly more than is kept free */
    pen_open(&pen);
    ck_assert(journal_accepts(pen.j));
    pen_settle(&pen);
    for (int i = 0; i < 3; i++)
        journal_tick(pen.j);
    ck_assert_int_eq(filling(), FILL_NONE);
    ck_assert_int_ge(pen_size(&pen, "journal/000000000002.jsonl.next"), SHRUNK_BYTES);
    ck_assert_int_lt(pen_size(&pen, "journal/000000000002.jsonl.next"), LARGE_BYTES);
    disk_obey(DISK_HEALTHY);
    ck_assert(pen_comes_true(second_is_stocked));
}
END_TEST

static int64_t stock_bytes(void)
{
    return pen_size(&pen, "journal/000000000003.jsonl.next");
}

/* How much is filled in 150 ms in which a commit follows the other. */
static int64_t filled_while_busy(void)
{
    int64_t before = stock_bytes();
    for (int64_t until = clock_mono_ms() + 150; clock_mono_ms() < until;) {
        ck_assert_int_eq(pen_attempt(&pen, 1), ERR_OK);
        ck_assert_int_eq(journal_commit(pen.j, false, NULL), ERR_OK);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    return stock_bytes() - before;
}

static int64_t mark;

static bool stock_grows(void)
{
    return stock_bytes() > mark + 2 * MIB;
}

/* The machine may be too busy itself for commits to follow each other: tries until it is not. */
START_TEST(what_is_not_due_waits_while_others_commit)
{
    int64_t filled = LARGE_BYTES;
    int64_t until = clock_mono_ms() + 40000;
    while (clock_mono_ms() < until && (filled > 2 * MIB || stock_bytes() > LARGE_BYTES - 4 * MIB)) {
        teardown();
        setup();
        pen.segment_bytes = LARGE_BYTES;
        pen_open(&pen);
        ck_assert(pen_comes_true(second_is_stocked));
        filled = filled_while_busy();
    }
    ck_assert_int_le(filled, 2 * MIB);
    ck_assert_int_le(stock_bytes(), LARGE_BYTES - 4 * MIB);
    mark = stock_bytes();
    ck_assert(pen_comes_true(stock_grows));
}
END_TEST

/* How large the second segment is when the first one is used up right after the start. */
static int64_t second_at_once(void)
{
    pen.segment_bytes = LARGE_BYTES;
    pen_open(&pen);
    for (int n = 1; n <= 22; n++) {
        ck_assert_int_eq(pen_event(&pen, n, BODY_BYTES), ERR_OK);
        ck_assert_int_eq(journal_commit(pen.j, false, NULL), ERR_OK);
    }
    int64_t bytes = pen_size(&pen, "journal/000000000002.jsonl");
    ck_assert_int_ge(bytes, YOUNG_BYTES);
    ck_assert_int_eq(pen_commit(&pen), ERR_OK);
    pen_assert_events(&pen, 1, 22);
    return bytes;
}

/* Nobody waits until all of it is filled. This process may be held up for longer than filling takes: some tries. */
START_TEST(a_segment_that_is_needed_is_taken_as_far_as_it_is_filled)
{
    int64_t least = second_at_once();
    for (int i = 0; i < 10 && least == LARGE_BYTES; i++) {
        pen_fini(&pen);
        pen_init(&pen);
        least = second_at_once();
    }
    ck_assert_int_lt(least, LARGE_BYTES);
}
END_TEST

START_TEST(a_stock_that_cannot_be_filled_closes_no_door)
{
    int n = 1;
    pen_open(&pen);
    pen_settle(&pen);
    disk_obey((struct disk_plan){.full = true, .free_part = 1});
    journal_tick(pen.j); /* asks for more */
    ck_assert(pen_comes_true(filling_failed));
    ck_assert(journal_accepts(pen.j));
    for (enum err e; (e = pen_event(&pen, n, 300)) == ERR_OK; n++) {
        ck_assert_int_eq(pen_commit(&pen), ERR_OK);
        ck_assert(pen.j->spare.fd < 0 || journal_accepts(pen.j));
    }
    ck_assert_int_gt(n, PEN_SEGMENT_BYTES / 1000);
    ck_assert(pen_comes_true(filling_failed));
    ck_assert(!journal_accepts(pen.j));
    disk_obey(DISK_HEALTHY);
    journal_tick(pen.j);
    pen_settle(&pen);
    ck_assert(journal_accepts(pen.j));
    pen_write(&pen, n, n, 300);
    pen_assert_events(&pen, 1, n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_stock");
    TCase *t = tcase_create("stock");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, two_segments_are_filled_in_the_quiet);
    tcase_add_test(t, without_room_there_is_no_stock);
    tcase_add_test(t, what_is_not_due_waits_while_others_commit);
    tcase_add_test(t, a_segment_that_is_needed_is_taken_as_far_as_it_is_filled);
    tcase_add_test(t, a_stock_that_cannot_be_filled_closes_no_door);
    suite_add_tcase(s, t);
    return suite_run(s);
}
