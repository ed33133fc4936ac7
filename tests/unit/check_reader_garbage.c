/* SPDX-License-Identifier: MIT
 * check_reader_garbage: journals that are long, strange or hit at random: every intact line is found.
 */
#include "reading.h"

/* Seeded, so that a failure repeats. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

START_TEST(long_garbage_is_passed)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    uint32_t seed = 5;
    put_segment(&b, 1, 1, 1, NULL);
    uint64_t garbage = 0;
    for (uint32_t kind = 0; kind < 4; kind++) {
        size_t from = b.n;
        while (b.n - from < 900000) {
            if (kind == 0)
                buf_putc(&b, (char)(next_random(&seed) | 0x80));
            else if (kind == 1)
                buf_putc(&b, 0);
            else if (kind == 2)
                buf_puts(&b, LINE_TOKEN "event\",");
            else
                buf_puts(&b, LINE_TOKEN "\",\"crc\":\"00000000\"}x");
        }
        if (kind == 1) /* a line's beginning with nothing but zeros behind it */
            memcpy(b.p + from, LINE_TOKEN, sizeof LINE_TOKEN - 1);
        garbage += b.n - from;
        put_event_line(&b, 2 + kind, SPAN_LIT("x"));
    }
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct found f = read_all(&d, NULL, true);
    expect_events(&f, 5, (const uint32_t[]){1, 2, 3, 4, 5});
    ck_assert(f.ranges == 4 && f.bad_bytes == garbage);
    f = read_all(&d, NULL, false);
    expect_events(&f, 5, (const uint32_t[]){1, 2, 3, 4, 5});
    ck_assert_uint_eq(f.bad_bytes, garbage);
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(long_lines_and_lines_by_position)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf(), room = a_buf(), text = a_buf();
    struct found f;
    char *body = malloc(3000000);
    memset(body, 'b', 3000000);
    put_segment_line(&b, 1);
    uint32_t offsets[4];
    for (uint32_t n = 0; n < 4; n++) {
        offsets[n] = (uint32_t)b.n;
        put_event_line(&b, n, span_of(body, n == 1 ? 3000000 : n * 2000));
    }
    b.p[b.n - 1] = 'x'; /* a damaged separator */
    put_event_line(&b, 4, SPAN_LIT("x"));
    spool_dir_write(&d, 1, 0, buf_span(&b));
    struct reader *r = open_reader(&d, &f);
    for (uint32_t n = 4; n-- > 0;) {
        struct line l;
        struct line_event e;
        ck_assert_int_eq(reader_at(r, (struct pos){1, offsets[n]}, &room, &l, NULL), ERR_OK);
        ck_assert(l.kind == KIND_EVENT && small_id_number(&l.id) == n);
        buf_clear(&text);
        ck_assert_int_eq(line_event_decode(l.event, &text, &e), ERR_OK);
        ck_assert_uint_eq(e.body.n, n == 1 ? 3000000 : n * 2000);
    }
    struct line l;
    ck_assert_int_eq(reader_at(r, (struct pos){1, offsets[2] + 1}, &room, &l, NULL), ERR_CORRUPT);
    ck_assert_int_eq(reader_at(r, (struct pos){1, 1u << 31}, &room, &l, NULL), ERR_CORRUPT);
    read_on(r, NULL, &f);
    expect_events(&f, 5, (const uint32_t[]){0, 1, 2, 3, 4});
    reader_free(r);
    free(body);
    buf_fini(&b);
    buf_fini(&room);
    buf_fini(&text);
    spool_dir_remove(&d);
}
END_TEST

START_TEST(mutated_journals_never_hurt)
{
    struct spool_dir d = spool_dir_make();
    struct buf b = a_buf();
    uint32_t seed = 77;
    put_segment(&b, 1, 1, 8, NULL);
    put_blank(&b, 300);
    put_event_line(&b, 9, SPAN_LIT("\xff\0"));
    for (int round = 0; round < suite_rounds(500); round++) {
        spool_dir_write(&d, 1, 0, buf_span(&b));
        for (uint32_t k = next_random(&seed) % 12; k < 12; k++) {
            char piece[24];
            for (size_t i = 0; i < sizeof piece; i++)
                piece[i] = (char)next_random(&seed);
            if (k % 3 == 0)
                memcpy(piece, LINE_TOKEN, sizeof LINE_TOKEN - 1);
            spool_dir_write(&d, 1, next_random(&seed) % (uint32_t)b.n,
                            span_of(piece, 1 + next_random(&seed) % sizeof piece));
        }
        struct found rest = read_all(&d, NULL, true), live = read_all(&d, NULL, false);
        ck_assert(rest.n <= 9 && rest.bad_bytes <= b.n + 24 && rest.end == ERR_AGAIN);
        ck_assert(live.n == rest.n && live.end == ERR_AGAIN);
    }
    buf_fini(&b);
    spool_dir_remove(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reader_garbage");
    TCase *t = tcase_create("reader_garbage");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, long_garbage_is_passed);
    tcase_add_test(t, long_lines_and_lines_by_position);
    tcase_add_test(t, mutated_journals_never_hurt);
    suite_add_tcase(s, t);
    return suite_run(s);
}
