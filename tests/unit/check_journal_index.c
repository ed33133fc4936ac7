/* SPDX-License-Identifier: MIT
 * check_journal_index: closed segments have an index that says what they say, however it was made, and a bad one does no harm.
 */
#include "journal_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "spool/journal_in.h"
#include "spool/scan.h"

static bool first_is_indexed(void)
{
    return pen_size(&pen, "journal/000000000001.idx") > 0;
}

START_TEST(a_closed_segment_is_cut_and_indexed)
{
    pen_open(&pen);
    pen_write(&pen, 1, 60, 500);
    ck_assert(pen_comes_true(first_is_indexed));
    ck_assert_int_lt(pen_size(&pen, "journal/000000000001.jsonl"), PEN_SEGMENT_BYTES);
    ck_assert_int_gt(pen_size(&pen, "journal/000000000001.jsonl"), PEN_SEGMENT_BYTES / 2);
    pen_assert_events(&pen, 1, 60);
}
END_TEST

static bool all_closed_are_indexed(void)
{
    uint32_t first, last;
    char name[64];
    bool all = true;
    journal_bounds(pen.j, &first, &last);
    for (uint32_t n = first; n < last; n++) {
        snprintf(name, sizeof name, "journal/%012u.idx", n);
        all = all && pen_size(&pen, name) > 0;
    }
    return all && last > first;
}

/* What an index says is what its segment says. Returns how many keys all of them hold. */
static size_t assert_indexes(void)
{
    uint32_t first, last;
    uint8_t salt[INDEX_SALT_BYTES];
    size_t keys = 0;
    ck_assert(pen_comes_true(all_closed_are_indexed));
    journal_bounds(pen.j, &first, &last);
    journal_salt(pen.j, salt);
    for (uint32_t n = first; n < last; n++) {
        struct index made, read;
        ck_assert_msg(index_read(pen.j->journal_fd, n, &made, &pen.why) == ERR_OK, "%s", pen.why.text);
        ck_assert_msg(scan_index(pen.spool_fd, n, made.length, salt, &read, &pen.why) == ERR_OK, "%s", pen.why.text);
        ck_assert_msg(span_eq(buf_span(&made.keys), buf_span(&read.keys)), "segment %u: %zu keys for %zu", n,
                      index_count(&made), index_count(&read));
        ck_assert(memcmp(made.salt, salt, sizeof salt) == 0);
        keys += index_count(&made);
        index_fini(&made);
        index_fini(&read);
    }
    return keys;
}

static void append_carried(int n)
{
    struct buf event, carry;
    struct line_event e = {.id = pen_id(n), .received_ms = PEN_NOW_MS, .source = SPAN_LIT("shop"), .type = SPAN_LIT("t"),
                           .dedupe = {(uint8_t)(n >> 8), (uint8_t)n}, .has_dedupe = true, .dedupe_until_ms = PEN_NOW_MS + 1000};
    buf_init(&event, 4096);
    buf_init(&carry, 4096);
    line_put_event(&event, &e);
    line_seal(&event, 0, NULL);
    line_put_carry(&carry, PEN_NOW_MS, span_of(event.p, event.n - 1), NULL, 0, false);
    ck_assert(!carry.failed);
    ck_assert_int_eq(journal_append(pen.j, buf_span(&carry), NULL, true), ERR_OK);
    buf_fini(&event);
    buf_fini(&carry);
}

enum { KEYS_AT_HAND, KEYS_APART, ONE_CARRIED, ONE_BATCH_FAILS, INDEX_CASES };

START_TEST(an_index_says_what_its_segment_says)
{
    pen_open(&pen);
    pen.keys_apart = _i == KEYS_APART;
    pen_write(&pen, 1, 5, 500);
    ck_assert_int_eq(pen_attempt(&pen, 1), ERR_OK);
    if (_i == ONE_CARRIED)
        append_carried(100);
    ck_assert_int_eq(pen_commit(&pen), ERR_OK);
    if (_i == ONE_BATCH_FAILS) {
        ck_assert_int_eq(pen_event(&pen, 101, 100), ERR_OK);
        disk_reset();
        disk_obey((struct disk_plan){.fail_at = 1, .fail_times = 1, .error = EIO, .free_part = 1});
        ck_assert_int_eq(pen_commit(&pen), ERR_NOT_DURABLE);
        disk_reset();
        pen_settle(&pen);
    }
    pen_write(&pen, 6, 70, 500);
    size_t live = 70 + (_i == ONE_CARRIED) - assert_indexes();
    ck_assert_uint_lt(live, 40);
    pen_close(&pen);
    pen_open(&pen);
    for (int n = 1; n <= 70; n++)
        ck_assert_msg(pen.keys[n] == 1, "key %d came %d times", n, pen.keys[n]);
    ck_assert(pen.keys[100] == (_i == ONE_CARRIED) && pen.keys[101] == 0);
}
END_TEST

START_TEST(a_missing_or_damaged_index_is_made_anew)
{
    pen_open(&pen);
    pen_write(&pen, 1, 60, 500);
    pen_close(&pen);
    int64_t size = pen_size(&pen, "journal/000000000001.idx");
    ck_assert_int_gt(size, 0);
    for (int damage = 0; damage < 2; damage++) {
        if (damage) {
            int fd = openat(pen.spool_fd, "journal/000000000001.idx", O_RDWR);
            ck_assert_int_eq(pwrite(fd, "x", 1, size / 2), 1);
            close(fd);
        } else {
            unlinkat(pen.spool_fd, "journal/000000000001.idx", 0);
        }
        pen_open(&pen);
        for (int n = 1; n <= 60; n++)
            ck_assert_int_eq(pen.keys[n], 1);
        pen_close(&pen);
        ck_assert_int_eq(pen_size(&pen, "journal/000000000001.idx"), size);
    }
}
END_TEST

struct kept {
    const char *name;
    char bytes[PEN_SEGMENT_BYTES];
    ssize_t n;
};

static void keep(struct kept *k)
{
    int fd = openat(pen.spool_fd, k->name, O_RDONLY);
    k->n = read(fd, k->bytes, sizeof k->bytes);
    ck_assert_int_gt(k->n, 0);
    close(fd);
}

static void put_back(const struct kept *k)
{
    int fd = openat(pen.spool_fd, k->name, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(fd, k->bytes, (size_t)k->n), k->n);
    close(fd);
}

/* A segment was closed and indexed, but the word that all of it is safe was lost: lines of it are copied into a fresh one and taken
 * back here; then the process ended again before it was cut and its index made anew. */
START_TEST(an_index_hands_out_no_key_twice)
{
    static struct kept segment = {.name = "journal/000000000001.jsonl"}, index = {.name = "journal/000000000001.idx"};
    static struct pen_read r;
    pen_open(&pen);
    for (int n = 1; n <= 6; n++)
        pen_write(&pen, n, n, 100);
    pen_close(&pen);
    keep(&segment);
    keep(&index);
    pen_read_all(&pen, &r);
    atomic_store(pen.safe, pos_pack(r.at[4]));
    for (int start = 1; start <= 2; start++) {
        pen_open(&pen);
        for (int n = 1; n <= 6; n++)
            ck_assert_msg(pen.keys[n] == 1, "start %d: key %d came %d times", start, n, pen.keys[n]);
        pen_close(&pen);
        put_back(&segment);
        put_back(&index);
    }
    pen_assert_events(&pen, 1, 6);
}
END_TEST

static uint32_t retiring;

static bool is_retired(void)
{
    char name[64];
    snprintf(name, sizeof name, "journal/%012u.jsonl", retiring);
    (void)journal_retire(pen.j, retiring, &pen.why);
    journal_tick(pen.j);
    return pen_size(&pen, name) < 0;
}

static void retire(uint32_t segment)
{
    retiring = segment;
    ck_assert(pen_comes_true(is_retired));
}

static void expect_keys(int from, int to, int times)
{
    for (int n = from; n <= to; n++)
        ck_assert_msg(pen.keys[n] == times, "key %d came %d times", n, pen.keys[n]);
}

static bool four_are_gone(void)
{
    char name[64];
    bool all = true;
    for (unsigned n = 1; n <= 4; n++) {
        snprintf(name, sizeof name, "journal/%012u.idx", n);
        all = all && pen_size(&pen, name) < 0;
    }
    return all;
}

START_TEST(a_retired_segment_leaves_its_index_while_duplicates_may_come)
{
    pen_open(&pen);
    pen_write(&pen, 1, 120, 500);
    ck_assert(pen_comes_true(all_closed_are_indexed));
    retire(1);
    retire(2);
    for (int start = 0; start < 2; start++) {
        pen_close(&pen);
        pen_open(&pen);
        expect_keys(1, 120, 1);
        ck_assert_int_gt(pen_size(&pen, "journal/000000000001.idx"), 0);
    }
    pen_later(PEN_WINDOW_MS - 1);
    retire(3);
    ck_assert_int_gt(pen_size(&pen, "journal/000000000001.idx"), 0);
    pen_close(&pen);
    pen_open(&pen);
    expect_keys(1, 120, 1);
    pen_later(3600000); /* the next one to go takes them with it */
    retire(4);
    ck_assert(pen_comes_true(four_are_gone));
    ck_assert_int_gt(pen_size(&pen, "journal/000000000005.idx"), 0);
    pen_close(&pen);
    pen_open(&pen);
    expect_keys(1, 120, 0);
}
END_TEST

/* Nobody is there any more to remove them: the start does. */
START_TEST(a_start_removes_indexes_that_nobody_needs)
{
    pen_open(&pen);
    pen_write(&pen, 1, 120, 500);
    ck_assert(pen_comes_true(all_closed_are_indexed));
    retire(1);
    pen_close(&pen);
    pen_later(PEN_WINDOW_MS);
    pen_open(&pen);
    ck_assert_int_lt(pen_size(&pen, "journal/000000000001.idx"), 0);
    expect_keys(1, 120, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_index");
    TCase *t = tcase_create("index");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_closed_segment_is_cut_and_indexed);
    tcase_add_loop_test(t, an_index_says_what_its_segment_says, 0, INDEX_CASES);
    tcase_add_test(t, a_missing_or_damaged_index_is_made_anew);
    tcase_add_test(t, an_index_hands_out_no_key_twice);
    tcase_add_test(t, a_retired_segment_leaves_its_index_while_duplicates_may_come);
    tcase_add_test(t, a_start_removes_indexes_that_nobody_needs);
    suite_add_tcase(s, t);
    return suite_run(s);
}
