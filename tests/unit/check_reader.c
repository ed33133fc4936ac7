/* SPDX-License-Identifier: MIT
 * check_reader: every intact line is found and only those: across segments and filling, cut anywhere, with any bit
 * flipped, while somebody writes.
 */
#include "reading.h"

START_TEST(an_empty_spool_has_nothing)
{
    struct spool_dir d = spool_dir_make();
    struct found f = read_all(&d, NULL, false);
    ck_assert(f.end == ERR_AGAIN && f.n == 0 && f.others == 0);
    uint32_t *list;
    size_t n;
    ck_assert(reader_segments(d.fd, &list, &n, NULL) == ERR_OK && n == 0);
    free(list);
    spool_dir_remove(&d);
    d = spool_dir_make();
    ck_assert_int_eq(unlinkat(d.fd, "journal", AT_REMOVEDIR), 0);
    struct reader *r;
    struct why w = {{0}};
    ck_assert_int_eq(reader_open(d.fd, (struct pos){0, 0}, NULL, NULL, &r, &w), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(w.text, "journal"));
    spool_dir_remove(&d);
}
END_TEST

START_TEST(segments_are_read_in_order_over_gaps_and_filling)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    put_segment(&b, 2, 1, 2, NULL);
    put_blank(&b, 700000);
    put_event_line(&b, 3, SPAN_LIT("x"));
    put_blank(&b, 10000);
    spool_dir_write(&d, 2, 0, buf_span(&b));
    buf_clear(&b);
    put_segment(&b, 10, 4, 5, NULL);
    spool_dir_write(&d, 10, 0, buf_span(&b));
    /* Names that are no segment's. */
    static const char *const strange[] = {"journal/000000000011.jsonl.next", "journal/11.jsonl",
                                          "journal/000000000002.idx", "journal/999999999999.jsonl",
                                          "journal/00000000000x.jsonl"};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        int fd = openat(d.fd, strange[i], O_WRONLY | O_CREAT, 0600);
        ck_assert_int_ge(fd, 0);
        close(fd);
    }
    uint32_t *list;
    size_t n;
    ck_assert(reader_segments(d.fd, &list, &n, NULL) == ERR_OK && n == 2 && list[0] == 2 && list[1] == 10);
    free(list);
    struct found f = read_all(&d, NULL, true);
    expect_events(&f, 5, (const uint32_t[]){1, 2, 3, 4, 5});
    ck_assert(f.others == 2 && f.ranges == 0 && f.end == ERR_AGAIN);
    f = read_all(&d, NULL, false);
    expect_events(&f, 5, (const uint32_t[]){1, 2, 3, 4, 5});
    f = read_all(&d, &(struct pos){10, 1u << 30}, false);
    expect_events(&f, 5, (const uint32_t[]){1, 2, 3, 4, 5});
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(the_limit_is_kept_and_may_rise)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    size_t ends[5];
    struct found f;
    put_segment(&b, 1, 1, 4, ends);
    put_blank(&b, 5000);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    for (uint32_t i = 0; i < 5; i++) {
        struct pos limit = {1, (uint32_t)ends[i] + 1};
        for (int twice = 0; twice < 2; twice++) {
            read_on(r, &limit, &f);
            ck_assert(f.end == ERR_AGAIN && f.n == i && pos_cmp(reader_pos(r), limit) == 0);
        }
    }
    ck_assert_uint_eq(f.ranges, 0);
    reader_free(r);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(reading_may_begin_anywhere)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    size_t ends[5];
    put_segment(&b, 3, 1, 4, ends);
    spool_dir_write(&d, 3, 0, buf_span(&b));
    for (uint32_t from = 0; from <= b.n; from++) {
        struct found f = {.n = 0};
        struct reader *r;
        size_t first = 0;
        while (first < 5 && (first ? ends[first - 1] + 1 : 0) < from)
            first++;
        ck_assert_int_eq(reader_open(d.fd, (struct pos){3, from}, bad, &f, &r, NULL), ERR_OK);
        read_on(r, from % 2 ? NULL : &(struct pos){3, (uint32_t)b.n}, &f);
        ck_assert_uint_eq(f.n + f.others, 5 - first);
        reader_free(r);
    }
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(every_prefix_gives_all_whole_lines)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    size_t ends[5];
    put_segment(&b, 1, 1, 4, ends);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    for (size_t cut = b.n; cut-- > 0;) {
        spool_dir_cut(&d, 1, (uint32_t)cut);
        size_t whole = 0;
        while (whole < 5 && ends[whole] <= cut)
            whole++;
        struct found live = read_all(&d, NULL, false), rest = read_all(&d, NULL, true);
        size_t covered = whole ? ends[whole - 1] : 0;
        bool torn = cut > covered + (whole > 0);
        ck_assert_msg(live.n + live.others == whole && live.ranges == 0, "cut at %zu", cut);
        ck_assert_msg(rest.n + rest.others == whole && rest.ranges == torn, "cut at %zu: %zu ranges", cut, rest.ranges);
        ck_assert_msg(!torn || rest.bad_bytes == cut - covered - (whole > 0), "cut at %zu: %lu bytes", cut,
                      (unsigned long)rest.bad_bytes);
    }
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

/* With the byte at `i` damaged, all lines but the one it is in are found, and only bytes of that one are reported. */
static void flip_and_read(struct spool_dir *d, struct buf *b, const size_t ends[5], size_t i, unsigned char flip)
{
    char damaged = (char)(b->p[i] ^ flip);
    spool_dir_write(d, 1, (uint32_t)i, span_of(&damaged, 1));
    size_t hit = 0; /* the line the byte is in; 5 for a separator */
    while (i > ends[hit])
        hit++;
    size_t line_bytes = ends[hit] - (hit ? ends[hit - 1] + 1 : 0);
    if (i == ends[hit])
        hit = 5;
    for (int mode = 0; mode < 2; mode++) {
        struct found f = read_all(d, mode ? NULL : &(struct pos){1, (uint32_t)b->n}, true);
        ck_assert_msg(f.others == (hit != 0), "byte %zu flip %02x", i, flip);
        size_t expected = 0;
        for (uint32_t e = 1; e <= 4; e++)
            if (e != hit)
                ck_assert_msg(expected < f.n && f.events[expected++] == e, "byte %zu flip %02x: event %u", i, flip, e);
        ck_assert_msg(f.n == expected, "byte %zu flip %02x: %zu events", i, flip, f.n);
        ck_assert_msg(f.bad_bytes >= 1 && f.bad_bytes <= (hit == 5 ? 1 : line_bytes), "byte %zu flip %02x: %lu bytes",
                      i, flip, (unsigned long)f.bad_bytes);
    }
    spool_dir_write(d, 1, (uint32_t)i, span_of(b->p + i, 1));
}

START_TEST(single_bit_flips_cost_one_line_at_most)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    size_t ends[5];
    put_segment(&b, 1, 1, 4, ends);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    for (size_t i = 0; i < b.n; i++)
        for (int bit = 0; bit < 8; bit++)
            flip_and_read(&d, &b, ends, i, (unsigned char)(1 << bit));
    /* A byte that becomes a line feed, and separators that become what a line is made of. */
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] != '\n')
            flip_and_read(&d, &b, ends, i, (unsigned char)(b.p[i] ^ '\n'));
    for (size_t k = 0; k < 5; k++)
        for (const char *c = "{\"}a0,"; *c; c++)
            flip_and_read(&d, &b, ends, ends[k], (unsigned char)(*c ^ '\n'));
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(a_live_segment_can_be_polled)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf(), line = a_buf();
    struct found f;
    put_segment(&b, 1, 1, 1, NULL);
    uint32_t at = (uint32_t)b.n;
    put_blank(&b, 3 << 20);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    read_on(r, NULL, &f);
    ck_assert(f.n == 1 && f.end == ERR_AGAIN);
    for (uint32_t n = 2; n < 200; n++) {
        buf_clear(&line);
        put_event_line(&line, n, SPAN_LIT("more of it"));
        /* The first half is there, then all. */
        spool_dir_write(&d, 1, at, span_of(line.p, line.n / 2));
        read_on(r, NULL, &f);
        ck_assert(f.n == n - 1 && f.end == ERR_AGAIN && f.ranges == 0);
        spool_dir_write(&d, 1, at, buf_span(&line));
        at += (uint32_t)line.n;
        read_on(r, NULL, &f);
        ck_assert(f.n == n && f.events[n - 1] == n && f.ranges == 0);
    }
    /* What was written between the last look and the change of segments is not lost. */
    buf_clear(&line);
    put_event_line(&line, 200, SPAN_LIT("late"));
    spool_dir_write(&d, 1, at, buf_span(&line));
    buf_clear(&b);
    put_segment(&b, 2, 201, 201, NULL);
    spool_dir_write(&d, 2, 0, buf_span(&b));
    spool_dir_cut(&d, 1, at + (uint32_t)line.n);
    read_on(r, NULL, &f);
    ck_assert(f.n == 201 && f.events[199] == 200 && f.events[200] == 201 && f.ranges == 0);
    reader_free(r);
    buf_fini(&b);
    buf_fini(&line);
    spool_dir_remove(&d);
}
END_TEST

/* A reader that holds filling in its window while lines are written over that filling and far beyond it. */
START_TEST(what_was_filling_when_it_was_read_is_looked_at_again)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf(), lines = a_buf();
    struct found f;
    struct line l;
    struct pos at;
    char *body = calloc(1, 1000);
    memset(body, 'b', 1000);
    put_segment(&b, 1, 1, 1, NULL);
    uint32_t end = (uint32_t)b.n;
    put_blank(&b, 2 << 20);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    ck_assert(reader_next(r, NULL, &l, &at, NULL) == ERR_OK && l.kind == KIND_SEGMENT);
    for (uint32_t n = 2; n <= 700; n++)
        put_event_line(&lines, n, span_of(body, 1000));
    ck_assert_uint_gt(lines.n, 600000);
    spool_dir_write(&d, 1, end, buf_span(&lines));
    read_on(r, NULL, &f);
    ck_assert(f.n == 700 && f.ranges == 0);
    for (uint32_t n = 1; n <= 700; n++)
        ck_assert_uint_eq(f.events[n - 1], n);
    reader_free(r);
    free(body);
    buf_fini(&b);
    buf_fini(&lines);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(damage_in_a_live_segment_is_reported_once_something_follows)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    struct found f;
    size_t ends[4];
    put_segment(&b, 1, 1, 3, ends);
    put_blank(&b, 600000);
    b.p[ends[1] + 5] ^= 1; /* event 2 */
    put_event_line(&b, 4, SPAN_LIT("beyond the gap"));
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    read_on(r, NULL, &f);
    expect_events(&f, 3, (const uint32_t[]){1, 3, 4});
    ck_assert(f.ranges == 1 && f.bad_from.segment == 1 && f.bad_from.offset == ends[1] + 1 &&
              f.bad_bytes == ends[2] - ends[1] - 1);
    reader_free(r);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(void_ranges_do_not_count)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    size_t ends[4];
    put_segment(&b, 1, 1, 3, ends);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    size_t third = ends[2] + 1;
    buf_clear(&b);
    put_segment(&b, 2, 4, 5, NULL);
    spool_dir_write(&d, 2, 0, buf_span(&b));
    buf_clear(&b);
    put_segment_line(&b, 3);
    for (int k = 0; k < 3; k++) {
        size_t from = b.n;
        line_put_void(&b, k ? 1 : 2, k == 1 ? (uint32_t)third : k ? (uint32_t)third + 50 : 0, 1764072000000, "test");
        line_seal(&b, from, NULL);
    }
    put_event_line(&b, 6, SPAN_LIT("x"));
    size_t from = b.n;
    line_put_void(&b, 1, 0, 1764072000000, "not in the head: says nothing");
    line_seal(&b, from, NULL);
    spool_dir_write(&d, 3, 0, buf_span(&b));
    for (int mode = 0; mode < 3; mode++) {
        struct found f = read_all(&d, mode == 2 ? &(struct pos){3, (uint32_t)b.n} : NULL, mode == 1);
        expect_events(&f, 3, (const uint32_t[]){1, 2, 6});
        ck_assert(f.ranges == 0 && f.end == ERR_AGAIN);
    }
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(a_void_that_comes_later_is_seen_before_going_on)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    struct found f;
    size_t ends[4];
    put_segment(&b, 1, 1, 3, ends);
    put_blank(&b, 1000);
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    read_on(r, &(struct pos){1, (uint32_t)ends[1] + 1}, &f);
    ck_assert_uint_eq(f.n, 1);
    buf_clear(&b);
    put_segment_line(&b, 2);
    size_t from = b.n;
    line_put_void(&b, 1, (uint32_t)ends[1] + 1, 1764072000000, "sync failed");
    line_seal(&b, from, NULL);
    put_event_line(&b, 4, SPAN_LIT("x"));
    spool_dir_write(&d, 2, 0, buf_span(&b));
    read_on(r, &(struct pos){2, (uint32_t)b.n}, &f);
    expect_events(&f, 2, (const uint32_t[]){1, 4});
    reader_free(r);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(retired_segments_are_passed)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    struct found f;
    for (uint32_t s = 1; s <= 30; s++) {
        buf_clear(&b);
        put_segment(&b, s, s * 10, s * 10, NULL);
        spool_dir_write(&d, s, 0, buf_span(&b));
    }
    struct reader *r = open_reader(&d, &f);
    struct line l;
    struct pos at;
    ck_assert(reader_next(r, NULL, &l, &at, NULL) == ERR_OK && at.segment == 1);
    for (uint32_t s = 1; s <= 20; s++)
        spool_dir_unlink(&d, s);
    read_on(r, NULL, &f);
    ck_assert(f.n == 11 && f.events[0] == 10 && f.events[1] == 210 && f.events[10] == 300);
    struct buf room = a_buf();
    ck_assert_int_eq(reader_at(r, (struct pos){5, 0}, &room, &l, NULL), ERR_NOT_FOUND);
    buf_fini(&room);
    reader_free(r);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(what_a_newer_version_wrote_stops_the_reader)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    struct found f;
    put_segment(&b, 1, 1, 1, NULL);
    size_t from = b.n;
    buf_puts(&b, "{\"creel\":\"novelty\",\"id\":1");
    line_seal(&b, from, NULL);
    put_event_line(&b, 2, SPAN_LIT("x"));
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    read_on(r, NULL, &f);
    ck_assert(f.n == 1 && f.end == ERR_UNSUPPORTED);
    read_on(r, NULL, &f);
    ck_assert(f.n == 1 && f.end == ERR_UNSUPPORTED);
    reader_free(r);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reader");
    TCase *t = tcase_create("reader");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_empty_spool_has_nothing);
    tcase_add_test(t, segments_are_read_in_order_over_gaps_and_filling);
    tcase_add_test(t, the_limit_is_kept_and_may_rise);
    tcase_add_test(t, reading_may_begin_anywhere);
    tcase_add_test(t, every_prefix_gives_all_whole_lines);
    tcase_add_test(t, single_bit_flips_cost_one_line_at_most);
    tcase_add_test(t, a_live_segment_can_be_polled);
    tcase_add_test(t, what_was_filling_when_it_was_read_is_looked_at_again);
    tcase_add_test(t, damage_in_a_live_segment_is_reported_once_something_follows);
    tcase_add_test(t, void_ranges_do_not_count);
    tcase_add_test(t, a_void_that_comes_later_is_seen_before_going_on);
    tcase_add_test(t, retired_segments_are_passed);
    tcase_add_test(t, what_a_newer_version_wrote_stops_the_reader);
    suite_add_tcase(s, t);
    return suite_run(s);
}
