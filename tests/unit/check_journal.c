/* SPDX-License-Identifier: MIT
 * check_journal: the journal's ordinary life: append, commit, switch, close, open again, retire, a full disk, a failing one.
 */
#include "journal_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "spool/journal_in.h"
#include "spool/lock.h"

START_TEST(an_empty_spool_gets_its_folders_and_a_segment)
{
    uint32_t first, last;
    pen_open(&pen);
    ck_assert(pen.found.salt_new);
    ck_assert_int_ge(pen_size(&pen, "journal"), 0);
    ck_assert_int_lt(pen_size(&pen, "dead"), 0); /* dispatch's: made when its letters can be */
    ck_assert_int_ge(pen_size(&pen, "rejected"), 0);
    ck_assert_int_ge(pen_size(&pen, "quarantine"), 0);
    ck_assert_int_eq(pen_size(&pen, "journal/000000000001.jsonl"), PEN_SEGMENT_BYTES);
    ck_assert_int_gt(pen_size(&pen, "README"), 500);
    journal_bounds(pen.j, &first, &last);
    ck_assert(first == 1 && last == 1);
    ck_assert_uint_eq(pos_unpack(atomic_load(pen.safe)).segment, 1);
    pen_settle(&pen);
    ck_assert(journal_accepts(pen.j));
}
END_TEST

START_TEST(nothing_is_safe_before_its_commit)
{
    pen_open(&pen);
    uint64_t before = atomic_load(pen.safe);
    ck_assert_int_eq(pen_event(&pen, 1, 10), ERR_OK);
    ck_assert_uint_eq(journal_pending(pen.j), 1);
    ck_assert(atomic_load(pen.safe) == before);
    ck_assert_int_eq(journal_commit(pen.j, false, NULL), ERR_OK);
    ck_assert(atomic_load(pen.safe) == before);
    ck_assert_uint_eq(journal_pending(pen.j), 0);
    journal_tick(pen.j); /* syncs what was only written */
    ck_assert(atomic_load(pen.safe) > before);
    pen_assert_events(&pen, 1, 1);
}
END_TEST

START_TEST(a_batch_is_never_split_over_two_segments)
{
    struct pen_read r;
    pen_open(&pen);
    pen_write(&pen, 1, 50, 500); /* 50 * ~950 bytes: the next batches have to move on */
    for (int n = 51; n <= 90; n++)
        ck_assert_int_eq(pen_event(&pen, n, 500), ERR_OK);
    ck_assert_int_eq(pen_commit(&pen), ERR_OK);
    pen_assert_events(&pen, 1, 90);
    pen_read_all(&pen, &r);
    for (int n = 52; n <= 90; n++)
        ck_assert_uint_eq(r.at[n].segment, r.at[51].segment);
    ck_assert_uint_gt(r.at[51].segment, r.at[1].segment);
}
END_TEST

START_TEST(a_line_larger_than_a_segment_gets_one_of_its_size)
{
    pen_open(&pen);
    pen_write(&pen, 1, 1, 10);
    pen_write(&pen, 2, 2, 5 * PEN_SEGMENT_BYTES);
    pen_write(&pen, 3, 3, 10);
    pen_assert_events(&pen, 1, 3);
    pen_close(&pen);
    pen_open(&pen);
    pen_assert_events(&pen, 1, 3);
}
END_TEST

START_TEST(everything_is_there_after_reopening)
{
    uint8_t salt[16], again[16];
    pen_open(&pen);
    journal_salt(pen.j, salt);
    pen_write(&pen, 1, 80, 500);
    for (int round = 0; round < 4; round++) {
        pen_close(&pen);
        if (round % 2)
            atomic_store(pen.safe, 0); /* the machine was restarted */
        pen_open(&pen);
        journal_salt(pen.j, again);
        ck_assert(memcmp(salt, again, sizeof salt) == 0 && !pen.found.salt_new);
        ck_assert_uint_eq(pen.found.copied, 0);
        ck_assert_uint_eq(pen.found.torn_bytes, 0);
        for (int n = 1; n <= 80 + round; n++)
            ck_assert_msg(pen.keys[n] == 1, "key %d came %d times", n, pen.keys[n]);
        pen_assert_events(&pen, 1, 80 + round);
        pen_write(&pen, 81 + round, 81 + round, 100);
    }
}
END_TEST

START_TEST(keys_whose_time_is_over_are_not_handed_out)
{
    pen_open(&pen);
    struct buf b;
    struct line_event e = {.id = pen_id(1), .received_ms = PEN_NOW_MS - 5000, .source = SPAN_LIT("s"), .type = SPAN_LIT("t"),
                           .dedupe = {0, 1}, .has_dedupe = true, .dedupe_until_ms = PEN_NOW_MS - 1};
    buf_init(&b, 4096);
    line_put_event(&b, &e);
    ck_assert_int_eq(journal_append(pen.j, buf_span(&b), NULL, false), ERR_OK);
    buf_fini(&b);
    ck_assert_int_eq(pen_commit(&pen), ERR_OK);
    pen_write(&pen, 2, 2, 10);
    pen_close(&pen);
    pen_open(&pen);
    ck_assert(pen.keys[1] == 0 && pen.keys[2] == 1);
}
END_TEST

START_TEST(one_process_at_a_time)
{
    struct pen other;
    pen_open(&pen);
    pen_init_at(&other, pen.dir);
    ck_assert_int_eq(pen_try_open(&other), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(other.why.text, ".intake.lock"));
    pen_close(&pen);
    ck_assert_int_eq(pen_try_open(&other), ERR_OK);
    journal_close(other.j);
    close(other.spool_fd);
}
END_TEST

static bool first_is_gone(void)
{
    uint32_t first, last;
    journal_tick(pen.j);
    journal_bounds(pen.j, &first, &last);
    return first > 1 && pen_size(&pen, "journal/000000000001.jsonl") < 0;
}

START_TEST(retirement_is_oldest_first_and_spares_the_last_two)
{
    uint32_t first, last;
    struct why w;
    pen_open(&pen);
    pen_write(&pen, 1, 120, 500);
    journal_bounds(pen.j, &first, &last);
    ck_assert_uint_ge(last, 4);
    ck_assert_int_eq(journal_retire(pen.j, 2, &w), ERR_INVALID);
    ck_assert_int_eq(journal_retire(pen.j, 1, &w), ERR_OK);
    ck_assert_int_eq(journal_retire(pen.j, 1, &w), ERR_OK); /* under way */
    ck_assert(pen_comes_true(first_is_gone));
    ck_assert_int_eq(journal_retire(pen.j, last - 1, &w), ERR_INVALID);
    while (journal_bounds(pen.j, &first, &last), first + 1 < last) {
        if (journal_retire(pen.j, first, &w) == ERR_OK)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        journal_tick(pen.j);
    }
    ck_assert_int_eq(journal_retire(pen.j, first, &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "last two"));
}
END_TEST

START_TEST(numbers_are_never_used_again)
{
    pen_open(&pen);
    pen_write(&pen, 1, 1, 10);
    pen_close(&pen);
    unlinkat(pen.spool_fd, "journal/000000000001.jsonl", 0);
    ck_assert_int_gt(pen_size(&pen, "journal/000000000001.idx"), 0);
    pen_open(&pen);
    uint32_t first, last;
    journal_bounds(pen.j, &first, &last);
    ck_assert_uint_gt(first, 1);
    ck_assert_int_lt(pen_size(&pen, "journal/000000000001.idx"), 0);
}
END_TEST

/* Whatever the name is of: beginning at 1 again would write over what is there. */
START_TEST(the_last_number_is_the_end)
{
    static const char *const names[] = {"journal/004294967295.jsonl", "journal/004294967295.jsonl.next", "journal/004294967295.idx",
                                        "journal/004294967294.idx"};
    pen_open(&pen);
    pen_write(&pen, 1, 80, 500);
    pen_close(&pen);
    int64_t bytes = pen_size(&pen, "journal/000000000001.jsonl");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_int_eq(fs_replace(pen.spool_fd, names[i], SPAN_LIT("x"), 0640, NULL), ERR_OK);
        ck_assert_int_eq(pen_try_open(&pen), ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(pen.why.text, "429496729"));
        ck_assert_int_eq(pen_size(&pen, names[i]), 1);
        ck_assert_int_eq(pen_size(&pen, "journal/000000000001.jsonl"), bytes);
        ck_assert_int_eq(unlinkat(pen.spool_fd, names[i], 0), 0);
    }
    pen_open(&pen);
    pen_assert_events(&pen, 1, 80);
}
END_TEST

/* Opening a pipe would wait for ever. */
START_TEST(a_segment_that_is_no_file_is_named)
{
    pen_open(&pen);
    pen_write(&pen, 1, 80, 500);
    pen_close(&pen);
    ck_assert_int_eq(mkfifoat(pen.spool_fd, "journal/000000000009.jsonl", 0640), 0);
    ck_assert_int_eq(pen_try_open(&pen), ERR_SYSTEM);
    ck_assert_msg(strstr(pen.why.text, "000000000009.jsonl: not a regular file") != NULL, "%s", pen.why.text);
    ck_assert_int_eq(unlinkat(pen.spool_fd, "journal/000000000009.jsonl", 0), 0);
    pen_open(&pen);
    pen_assert_events(&pen, 1, 80);
}
END_TEST

/* What is unreadable in a segment is in quarantine before the segment goes. */
START_TEST(retirement_quarantines_what_cannot_be_read)
{
    struct pen_read r;
    struct why w;
    pen_open(&pen);
    pen_write(&pen, 1, 120, 500);
    pen_read_all(&pen, &r);
    int fd = openat(pen.spool_fd, "journal/000000000001.jsonl", O_RDWR);
    char line[4096];
    ck_assert_int_eq(pwrite(fd, "X", 1, r.at[3].offset + 100), 1);
    ck_assert_int_eq(pread(fd, line, r.bytes[3], r.at[3].offset), (ssize_t)r.bytes[3]);
    close(fd);
    ck_assert_int_eq(journal_retire(pen.j, 1, &w), ERR_OK);
    ck_assert(pen_comes_true(first_is_gone));
    ck_assert(pen_quarantined(&pen, r.at[3], span_of(line, r.bytes[3])));
}
END_TEST

/* A bad sector in an old segment stops nothing but that segment's retirement. */
START_TEST(an_old_segment_that_the_disk_cannot_read_stops_nothing)
{
    struct stat st;
    struct why w;
    pen_open(&pen);
    pen_write(&pen, 1, 120, 500);
    pen_close(&pen);
    ck_assert_int_eq(fstatat(pen.spool_fd, "journal/000000000001.jsonl", &st, 0), 0);
    disk_obey((struct disk_plan){.bad_inode = st.st_ino, .free_part = 1});
    pen_open(&pen);
    ck_assert_int_eq(pen.keys[1], 1); /* its index is still there */
    ck_assert_int_eq(pen.keys[120], 1);
    pen_write(&pen, 121, 121, 10);
    ck_assert_int_eq(journal_retire(pen.j, 1, &w), ERR_OK);
    pen_close(&pen);
    ck_assert_int_gt(pen_size(&pen, "journal/000000000001.jsonl"), 0);
    disk_obey(DISK_HEALTHY);
    pen_open(&pen);
    pen_assert_events(&pen, 1, 121);
}
END_TEST

/* A bad sector in what was written last: with `safe` known and unknown the journal opens, takes more, and loses nothing: what the
 * disk refuses stays where it is. */
START_TEST(a_tail_that_the_disk_cannot_read_does_not_stop_the_start)
{
    struct stat st;
    pid_t pid = fork();
    if (pid == 0) { /* ends as a kill does */
        pen_open(&pen);
        pen_write(&pen, 1, 25, 300);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(fstatat(pen.spool_fd, "journal/000000000001.jsonl", &st, 0), 0);
    disk_obey((struct disk_plan){.bad_inode = st.st_ino, .bad_from = 8192, .bad_bytes = 4096, .free_part = 1});
    if (_i == 0)
        atomic_store(pen.safe, 0);
    pen_open(&pen);
    int known = 0;
    for (int n = 1; n <= 25; n++)
        known += pen.keys[n];
    ck_assert(pen.keys[1] == 1 && known > 10 && known < 25);
    pen_write(&pen, 26, 26, 10);
    pen_close(&pen);
    ck_assert_int_ge(pen_size(&pen, "journal/000000000001.jsonl"), 12288);
    disk_obey(DISK_HEALTHY);
    pen_open(&pen);
    pen_assert_events(&pen, 1, 26);
}
END_TEST

START_TEST(a_newer_format_stops_the_start_and_nothing_is_changed)
{
    static const char *const newer[] = {
        "{\"creel\":\"segment\",\"format\":2,\"segment\":1,\"colour\":\"blue\"",
        "{\"creel\":\"rainbow\",\"id\":null",
    };
    for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
        struct buf b;
        char before[4096], after[4096];
        buf_init(&b, 4096);
        buf_puts(&b, newer[i]);
        line_seal(&b, 0, NULL);
        ck_assert_int_eq(fs_mkdirs(pen.spool_fd, "journal", 0750, NULL), ERR_OK);
        ck_assert_int_eq(fs_replace(pen.spool_fd, "journal/000000000001.jsonl", buf_span(&b), 0640, NULL), ERR_OK);
        ck_assert_int_eq(fs_replace(pen.spool_fd, "journal/000000000002.jsonl.next", SPAN_LIT("\n"), 0640, NULL), ERR_OK);
        ssize_t n = (ssize_t)b.n;
        memcpy(before, b.p, b.n);
        buf_fini(&b);
        ck_assert_int_eq(pen_try_open(&pen), ERR_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(pen.why.text, "000000000001.jsonl"));
        int fd = openat(pen.spool_fd, "journal/000000000001.jsonl", O_RDONLY);
        ck_assert_int_eq(read(fd, after, sizeof after), n);
        ck_assert_int_eq(memcmp(before, after, (size_t)n), 0);
        close(fd);
        ck_assert_int_eq(pen_size(&pen, "journal/000000000002.jsonl.next"), 1);
        ck_assert_int_lt(pen_size(&pen, "journal/000000000002.jsonl"), 0);
    }
}
END_TEST

/* The disk is full: events are refused first, records later, nothing that was acknowledged is lost, and with room it goes on. */
START_TEST(a_full_disk_refuses_and_recovers_by_itself)
{
    int n = 1, records = 0;
    pen_open(&pen);
    pen_settle(&pen);
    disk_obey((struct disk_plan){.full = true, .free_part = 1});
    enum err e;
    while ((e = pen_event(&pen, n, 300)) == ERR_OK) {
        ck_assert_int_eq(pen_commit(&pen), ERR_OK);
        pen_settle(&pen);
        n++;
    }
    ck_assert_int_eq(e, ERR_NO_ROOM);
    ck_assert(!journal_accepts(pen.j));
    ck_assert_int_gt(n, 2 * PEN_SEGMENT_BYTES / 1000);
    while ((e = pen_attempt(&pen, records + 1)) == ERR_OK) {
        ck_assert_int_eq(pen_commit(&pen), ERR_OK);
        records++;
    }
    ck_assert_int_eq(e, ERR_NO_ROOM);
    ck_assert_int_ge(records, PEN_SEGMENT_BYTES / 4 / 256 - 1); /* the reserve was theirs */
    journal_tick(pen.j);
    ck_assert_int_eq(pen_event(&pen, n, 300), ERR_NO_ROOM);
    disk_obey(DISK_HEALTHY);
    journal_tick(pen.j);
    pen_settle(&pen);
    ck_assert(journal_accepts(pen.j));
    ck_assert_int_eq(pen_event(&pen, n, 300), ERR_OK);
    ck_assert_int_eq(pen_commit(&pen), ERR_OK);
    pen_assert_events(&pen, 1, n);
}
END_TEST

START_TEST(a_start_on_a_full_disk_refuses_until_there_is_room)
{
    pen_open(&pen);
    pen_write(&pen, 1, 5, 100);
    pen_close(&pen);
    disk_obey((struct disk_plan){.full = true, .free_part = 1});
    pen_open(&pen);
    ck_assert(!journal_accepts(pen.j));
    ck_assert_int_eq(pen_event(&pen, 6, 10), ERR_NO_ROOM);
    pen_assert_events(&pen, 1, 5);
    disk_obey(DISK_HEALTHY);
    journal_tick(pen.j);
    pen_settle(&pen);
    ck_assert(journal_accepts(pen.j));
    pen_write(&pen, 6, 6, 10);
    pen_assert_events(&pen, 1, 6);
}
END_TEST

START_TEST(little_free_space_closes_the_door_but_not_the_pen)
{
    pen_open(&pen);
    disk_obey((struct disk_plan){.free_part = 0.04});
    journal_tick(pen.j);
    ck_assert(!journal_accepts(pen.j));
    for (int n = 1; n <= 200; n++) {
        ck_assert_int_eq(pen_attempt(&pen, n), ERR_OK);
        ck_assert_int_eq(pen_commit(&pen), ERR_OK);
    }
    disk_obey((struct disk_plan){.free_part = 0.06});
    journal_tick(pen.j);
    ck_assert(journal_accepts(pen.j));
}
END_TEST

/* The n-th call from now fails, and those after it. */
static void fail_from(int n, int times)
{
    disk_obey((struct disk_plan){.fail_at = disk_calls() + n, .fail_times = times, .error = EIO, .free_part = 1});
}

/* Every call fails for a while: no fresh segment can be had. What was refused stays away, what was acknowledged stays. */
START_TEST(a_failing_disk_gives_the_segment_up_and_a_fresh_one_follows)
{
    struct pen_read r;
    pen_open(&pen);
    pen_write(&pen, 1, 3, 100);
    ck_assert_int_eq(pen_event(&pen, 4, 100), ERR_OK);
    fail_from(2, 1); /* the sync */
    ck_assert_int_eq(pen_commit(&pen), ERR_NOT_DURABLE);
    ck_assert_uint_eq(journal_pending(pen.j), 0);
    pen_write(&pen, 5, 6, 100);
    fail_from(1, 1000);
    ck_assert_int_eq(pen_event(&pen, 7, 100), ERR_OK);
    ck_assert_int_ne(pen_commit(&pen), ERR_OK);
    ck_assert_int_ne(pen_event(&pen, 8, 100), ERR_OK);
    ck_assert_int_ne(pen_commit(&pen), ERR_OK);
    journal_tick(pen.j);
    ck_assert_int_ne(pen_event(&pen, 8, 100), ERR_OK);
    ck_assert(!journal_accepts(pen.j));
    disk_obey(DISK_HEALTHY);
    journal_tick(pen.j);
    pen_write(&pen, 9, 9, 100);
    for (int round = 0; round < 3; round++) {
        pen_read_all(&pen, &r);
        ck_assert_uint_eq(r.n_events, 6);
        ck_assert(r.events[4] == 0 && r.events[7] == 0 && r.events[8] == 0);
        pen_close(&pen);
        if (round == 1)
            atomic_store(pen.safe, 0);
        pen_open(&pen);
        ck_assert(pen.keys[3] == 1 && pen.keys[4] == 0 && pen.keys[7] == 0 && pen.keys[9] == 1);
    }
}
END_TEST

START_TEST(written_lines_are_saved_when_the_sync_fails)
{
    pen_open(&pen);
    pen_write(&pen, 1, 1, 100);
    ck_assert_int_eq(pen_event(&pen, 2, 100), ERR_OK);
    ck_assert_int_eq(journal_commit(pen.j, false, NULL), ERR_OK);
    fail_from(1, 1);
    journal_tick(pen.j);
    pen_assert_events(&pen, 1, 2);
    pen_close(&pen);
    atomic_store(pen.safe, 0);
    pen_open(&pen);
    pen_assert_events(&pen, 1, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal");
    TCase *t = tcase_create("life");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, an_empty_spool_gets_its_folders_and_a_segment);
    tcase_add_test(t, nothing_is_safe_before_its_commit);
    tcase_add_test(t, a_batch_is_never_split_over_two_segments);
    tcase_add_test(t, a_line_larger_than_a_segment_gets_one_of_its_size);
    tcase_add_test(t, everything_is_there_after_reopening);
    tcase_add_test(t, keys_whose_time_is_over_are_not_handed_out);
    tcase_add_test(t, one_process_at_a_time);
    tcase_add_test(t, retirement_is_oldest_first_and_spares_the_last_two);
    tcase_add_test(t, numbers_are_never_used_again);
    tcase_add_test(t, the_last_number_is_the_end);
    tcase_add_test(t, a_segment_that_is_no_file_is_named);
    tcase_add_test(t, retirement_quarantines_what_cannot_be_read);
    tcase_add_test(t, an_old_segment_that_the_disk_cannot_read_stops_nothing);
    tcase_add_loop_test(t, a_tail_that_the_disk_cannot_read_does_not_stop_the_start, 0, 2);
    tcase_add_test(t, a_newer_format_stops_the_start_and_nothing_is_changed);
    tcase_add_test(t, a_full_disk_refuses_and_recovers_by_itself);
    tcase_add_test(t, a_start_on_a_full_disk_refuses_until_there_is_room);
    tcase_add_test(t, little_free_space_closes_the_door_but_not_the_pen);
    tcase_add_test(t, a_failing_disk_gives_the_segment_up_and_a_fresh_one_follows);
    tcase_add_test(t, written_lines_are_saved_when_the_sync_fails);
    suite_add_tcase(s, t);
    return suite_run(s);
}
