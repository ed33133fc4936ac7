/* SPDX-License-Identifier: MIT
 * check_fsck: a whole spool has no findings, and each thing that can be wrong is found and named.
 */
#include "suite.h"

#include "spool/dead.h"
#include "spool/fsck.h"
#include "spool/index.h"
#include "spool_dir.h"

static struct spool_dir d;
static struct buf b;     /* segment 1 */
static char heard[8192]; /* findings, one a line */
static struct fsck_summary sum;

static void hear(void *arg, bool finding, const char *text)
{
    (void)arg;
    size_t n = strlen(heard);
    snprintf(heard + n, sizeof heard - n, "%s%s\n", finding ? "" : "note: ", text);
}

static void check_it(void)
{
    struct why w = {{0}};
    heard[0] = 0;
    ck_assert_msg(fsck_run(d.fd, hear, NULL, &sum, &w) == ERR_OK, "%s", w.text);
}

/* One finding, and it says this. */
static void expect(const char *part)
{
    spool_dir_write(&d, 1, 0, buf_span(&b));
    check_it();
    ck_assert_msg(sum.findings == 1 && strstr(heard, part), "wanted one finding with '%s', heard %lu:\n%s", part,
                  (unsigned long)sum.findings, heard);
}

static void seal_from(size_t from)
{
    line_seal(&b, from, NULL);
    ck_assert(!b.failed);
}

static void put_routed(uint32_t n, const char *function)
{
    size_t from = b.n;
    struct id id = small_id(n);
    struct span name = span_str(function);
    line_put_routed(&b, &id, 1764072000000, &name, 1);
    seal_from(from);
}

static void put_attempt(uint32_t n, const char *function, uint32_t attempt)
{
    size_t from = b.n;
    struct id id = small_id(n);
    line_put_attempt(&b, &id, span_str(function), attempt, 1764072000000, SPAN_NONE);
    seal_from(from);
}

static void put_outcome(uint32_t n, const char *function, uint32_t attempt, enum outcome outcome, enum state state)
{
    size_t from = b.n;
    struct line_outcome o = {.id = small_id(n),
                             .function = span_str(function),
                             .attempt = attempt,
                             .at_ms = 1764072000000,
                             .outcome = outcome,
                             .state = state};
    line_put_outcome(&b, &o);
    seal_from(from);
}

static void put_by_hand(const char *unsealed)
{
    size_t from = b.n;
    buf_puts(&b, unsealed);
    seal_from(from);
}

/* Event 1: done. Event 2: dead, with its letter. Event 3: tried twice, waiting. */
static void set_up(void)
{
    d = spool_dir_make();
    buf_init(&b, 1 << 20);
    put_segment_line(&b, 1);
    for (uint32_t n = 1; n <= 3; n++) {
        put_event_line(&b, n, SPAN_LIT("{\"a\":1}"));
        put_routed(n, "f");
        put_attempt(n, "f", 1);
    }
    put_outcome(1, "f", 1, OUTCOME_DONE, STATE_DONE);
    put_outcome(2, "f", 1, OUTCOME_REJECT, STATE_DEAD);
    put_outcome(3, "f", 1, OUTCOME_RETRY, STATE_WAITING);
    put_attempt(3, "f", 2);
    put_outcome(3, "f", 2, OUTCOME_RETRY, STATE_WAITING);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r;
    struct line l;
    struct entry e = {.id = small_id(2)};
    struct why w = {{0}};
    ck_assert_int_eq(reader_open(d.fd, (struct pos){0, 0}, NULL, NULL, &r, &w), ERR_OK);
    do
        ck_assert_int_eq(reader_next(r, NULL, &l, &e.at, &w), ERR_OK);
    while (l.kind != KIND_EVENT || id_cmp(&l.id, &e.id) != 0);
    ck_assert_msg(dead_write(d.fd, r, &e, SPAN_LIT("f"), NULL, 0, &w) == ERR_OK, "%s", w.text);
    reader_free(r);
}

static void tear_down(void)
{
    buf_fini(&b);
    spool_dir_remove(&d);
}

static const char *letter(uint32_t n, const char *function)
{
    static struct buf path;
    struct id id = small_id(n);
    path.max_bytes = 4096;
    buf_clear(&path);
    dead_path(&path, SPAN_LIT("shop"), SPAN_LIT("order.paid"), &id, span_str(function));
    return path.p;
}

START_TEST(a_whole_spool_is_clean)
{
    for (int i = 0; i < 300; i++)
        buf_putc(&b, '\n');
    put_attempt(3, "f", 2); /* written twice around a crash */
    put_outcome(3, "f", 2, OUTCOME_RETRY, STATE_WAITING);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    check_it();
    ck_assert_msg(sum.findings == 0, "%s", heard);
    ck_assert(sum.segments == 1 && sum.events == 3 && sum.unfinished == 1 && sum.letters == 1 && !sum.live &&
              sum.repeated == 2);
    ck_assert(sum.invocations[STATE_DONE] == 1 && sum.invocations[STATE_DEAD] == 1 &&
              sum.invocations[STATE_WAITING] == 1);
    ck_assert(sum.kinds[KIND_EVENT] == 3 && sum.kinds[KIND_SEGMENT] == 1 && sum.kinds[KIND_ATTEMPT] == 5);
}
END_TEST

START_TEST(damage_is_found_and_looked_up_in_quarantine)
{
    char *crc = memmem(b.p, b.n, "\"crc\":\"", 7);
    size_t at = (size_t)(crc - b.p) + 7; /* in the first line */
    b.p[at] = 'x';
    spool_dir_write(&d, 1, 0, buf_span(&b));
    check_it();
    ck_assert_msg(sum.findings == 1 && strstr(heard, "quarantine/ does not have them") &&
                      strstr(heard, "note: journal/000000000001.jsonl at") && strstr(heard, "first line is missing"),
                  "%s", heard);
    ck_assert_int_eq(mkdirat(d.fd, "quarantine", 0700), 0);
    ck_assert_int_eq(fs_replace(d.fd, "quarantine/000000000001.0", span_of(b.p, at + 10), 0600, NULL), ERR_OK);
    check_it();
    ck_assert_msg(strstr(heard, "kept in quarantine/000000000001.0"), "%s", heard);
    ck_assert(sum.unreadable_ranges == 1 && sum.unreadable_bytes == at + 10 && sum.quarantined_bytes == at + 10);
    ck_assert_uint_eq(sum.findings, 0); /* every byte is safe */
    b.p[at] = 'y'; /* other bytes than those that were copied */
    spool_dir_write(&d, 1, 0, buf_span(&b));
    check_it();
    ck_assert_msg(sum.findings == 1 && sum.quarantined_bytes == 0, "%s", heard);
}
END_TEST

START_TEST(a_torn_end_is_found_when_nobody_writes)
{
    buf_puts(&b, LINE_TOKEN "event\",\"id\"");
    expect("bytes cannot be read");
}
END_TEST

START_TEST(an_event_twice_is_found)
{
    put_event_line(&b, 2, SPAN_LIT("x"));
    expect("is there a second time");
}
END_TEST

START_TEST(an_attempt_too_far_is_found)
{
    put_attempt(3, "f", 4);
    expect("attempt 4 of event 01JC0000000000000000000003 follows attempt 2");
}
END_TEST

START_TEST(an_attempt_after_the_end_is_found)
{
    put_attempt(1, "f", 2);
    expect("lifecycle does not allow");
}
END_TEST

START_TEST(an_attempt_without_outcome_is_found)
{
    put_attempt(3, "f", 3);
    put_attempt(3, "f", 4);
    expect("the one before has no outcome");
}
END_TEST

START_TEST(an_outcome_without_attempt_is_found)
{
    put_outcome(3, "f", 3, OUTCOME_RETRY, STATE_WAITING);
    expect("which has no attempt line");
}
END_TEST

START_TEST(an_impossible_transition_is_found)
{
    put_attempt(3, "f", 3);
    put_outcome(3, "f", 3, OUTCOME_RETRY, STATE_HELD);
    expect("lifecycle does not allow");
}
END_TEST

START_TEST(lines_about_nobody_are_found)
{
    put_attempt(9, "f", 1);
    expect("which is not in the journal");
}
END_TEST

START_TEST(a_function_it_was_not_routed_to_is_found)
{
    put_attempt(3, "other", 1);
    expect("which it was not routed to");
}
END_TEST

START_TEST(a_wrong_checkpoint_is_found)
{
    size_t from = b.n;
    line_put_checkpoint(&b, (struct pos){1, (uint32_t)from}, 1764072000000, 0);
    seal_from(from);
    expect("is unfinished");
}
END_TEST

START_TEST(a_wrong_safe_mark_is_found)
{
    size_t from = b.n;
    line_put_tombstone(&b, 0, 1764072000000, "x");
    line_seal(&b, from, &(struct pos){1, (uint32_t)from + 1});
    expect("a safe mark of a place behind itself");
}
END_TEST

START_TEST(a_segment_under_another_name_is_found)
{
    struct buf other;
    buf_init(&other, 4096);
    put_segment_line(&other, 7);
    spool_dir_write(&d, 2, 0, buf_span(&other));
    buf_fini(&other);
    expect("this says it is segment 7");
}
END_TEST

/* The index of a closed segment with so many bytes. */
static void put_index(uint32_t segment, uint32_t length)
{
    struct index x;
    int folder = openat(d.fd, "journal", O_RDONLY | O_DIRECTORY);
    index_init(&x);
    x.segment = segment;
    x.length = length;
    ck_assert_int_eq(index_write(folder, &x, NULL), ERR_OK);
    index_fini(&x);
    close(folder);
}

START_TEST(a_segment_that_is_gone_cut_or_empty_is_found)
{
    put_index(1, (uint32_t)b.n);
    check_it();
    ck_assert_msg(sum.findings == 0, "%s", heard);
    put_index(1, (uint32_t)b.n + 700);
    expect("journal/000000000001.jsonl: the end is missing");
    put_index(1, (uint32_t)b.n);
    spool_dir_write(&d, 2, 0, SPAN_NONE);
    expect("journal/000000000002.jsonl is empty");
    spool_dir_unlink(&d, 2);
    put_index(2, 100);
    expect("journal/000000000002.jsonl is missing");
    size_t from = b.n;
    line_put_tombstone(&b, 2, 1764072000000, "x");
    seal_from(from);
    put_segment_line(&b, 3);
    spool_dir_unlink(&d, 1);
    spool_dir_write(&d, 3, 0, span_skip(buf_span(&b), from));
    check_it();
    ck_assert_msg(!strstr(heard, "000000000002.jsonl is missing"), "%s", heard);
}
END_TEST

START_TEST(what_does_not_belong_in_the_journal_is_found)
{
    ck_assert_int_eq(fs_replace(d.fd, "journal/000000000002.jsonl.next", SPAN_LIT("x"), 0600, NULL), ERR_OK);
    ck_assert_int_eq(fs_replace(d.fd, "journal/.000000000001.idx.tmp", SPAN_LIT("x"), 0600, NULL), ERR_OK);
    check_it();
    ck_assert_msg(sum.findings == 0 && strstr(heard, "note: journal/.000000000001.idx.tmp"), "%s", heard);
    ck_assert_int_eq(fs_replace(d.fd, "journal/2.jsonl", SPAN_LIT("x"), 0600, NULL), ERR_OK);
    expect("journal/2.jsonl does not belong there");
    ck_assert_int_eq(renameat(d.fd, "journal/2.jsonl", d.fd, "journal/004294967295.idx"), 0);
    expect("journal/004294967295.idx has a number that leaves none");
}
END_TEST

START_TEST(an_intact_line_that_is_no_json_is_found)
{
    put_by_hand("{\"creel\":\"tombstone\",\"segment\":0,\"at\":\"2025-11-25T12:00:00.123Z\",]");
    expect("not valid JSON");
}
END_TEST

START_TEST(letters_are_compared_with_the_journal)
{
    ck_assert_int_eq(renameat(d.fd, letter(2, "f"), d.fd, "kept"), 0);
    expect("is missing");
    ck_assert_int_eq(renameat(d.fd, "kept", d.fd, letter(2, "f")), 0);
    ck_assert_int_eq(fs_replace(d.fd, letter(1, "f"), SPAN_LIT("{}"), 0600, NULL), ERR_OK);
    expect("knows of no such dead invocation");
    ck_assert_int_eq(unlinkat(d.fd, letter(1, "f"), 0), 0);
    ck_assert_int_eq(fs_replace(d.fd, "dead/shop/stray", SPAN_LIT("{}"), 0600, NULL), ERR_OK);
    expect("does not belong there");
}
END_TEST

START_TEST(what_is_newer_or_nothing_is_said_so)
{
    struct why w = {{0}};
    put_by_hand("{\"creel\":\"novelty\",\"segment\":0");
    spool_dir_write(&d, 1, 0, buf_span(&b));
    ck_assert_int_eq(fsck_run(d.fd, hear, NULL, &sum, &w), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w.text, "newer"));
    int elsewhere = open("/", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(fsck_run(elsewhere, hear, NULL, &sum, &w), ERR_NOT_FOUND);
    close(elsewhere);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fsck");
    TCase *t = tcase_create("fsck");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_whole_spool_is_clean);
    tcase_add_test(t, damage_is_found_and_looked_up_in_quarantine);
    tcase_add_test(t, a_torn_end_is_found_when_nobody_writes);
    tcase_add_test(t, an_event_twice_is_found);
    tcase_add_test(t, an_attempt_too_far_is_found);
    tcase_add_test(t, an_attempt_after_the_end_is_found);
    tcase_add_test(t, an_attempt_without_outcome_is_found);
    tcase_add_test(t, an_outcome_without_attempt_is_found);
    tcase_add_test(t, an_impossible_transition_is_found);
    tcase_add_test(t, lines_about_nobody_are_found);
    tcase_add_test(t, a_function_it_was_not_routed_to_is_found);
    tcase_add_test(t, a_wrong_checkpoint_is_found);
    tcase_add_test(t, a_wrong_safe_mark_is_found);
    tcase_add_test(t, a_segment_under_another_name_is_found);
    tcase_add_test(t, a_segment_that_is_gone_cut_or_empty_is_found);
    tcase_add_test(t, what_does_not_belong_in_the_journal_is_found);
    tcase_add_test(t, an_intact_line_that_is_no_json_is_found);
    tcase_add_test(t, letters_are_compared_with_the_journal);
    tcase_add_test(t, what_is_newer_or_nothing_is_said_so);
    suite_add_tcase(s, t);
    return suite_run(s);
}
