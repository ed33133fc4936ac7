/* SPDX-License-Identifier: MIT
 * check_base: the pieces everybody uses: ids, units, codecs, buffers, file habits, channels.
 */
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/run.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/channel.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/units.h"

/* Every byte at every place among plain ones, and beside every other byte. */
START_TEST(plain_ascii)
{
    char text[40];
    for (int c = 0; c < 256; c++) {
        bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            ck_assert_uint_eq(run_ascii(text, sizeof text), plain ? sizeof text : at);
        }
        for (int d = 0; d < 256; d++) {
            bool both = plain && d >= 0x20 && d < 0x7f && d != '"' && d != '\\';
            memset(text, 'a', sizeof text);
            text[3] = (char)c;
            text[4] = (char)d;
            ck_assert_uint_eq(run_ascii(text, sizeof text), both ? sizeof text : plain ? 4 : 3);
        }
    }
    ck_assert_uint_eq(run_ascii("", 0), 0);
}
END_TEST

START_TEST(ids_round_trip_and_sort_by_time)
{
    struct id a = id_new(1700000000000), b = id_new(1700000000000), c = id_new(1700000000001);
    char ta[ID_TEXT_BYTES], tb[ID_TEXT_BYTES], tc[ID_TEXT_BYTES];
    id_format(&a, ta);
    id_format(&b, tb);
    id_format(&c, tc);
    ck_assert(memcmp(ta, tb, sizeof ta) < 0 && memcmp(tb, tc, sizeof tb) < 0);
    ck_assert(id_cmp(&a, &b) < 0 && id_cmp(&b, &c) < 0);
    struct id back;
    ck_assert_int_eq(id_parse(span_of(tb, sizeof tb), &back), ERR_OK);
    ck_assert_int_eq(id_cmp(&b, &back), 0);
    ck_assert_int_eq(id_time_ms(&c), 1700000000001);
}
END_TEST

/* In one millisecond ids are counted up: they must not meet in one place of a table, however large it is. */
START_TEST(ids_of_one_millisecond_spread)
{
    enum { IDS = 4096, PLACES = 4096, SMALLEST_MASK = PLACES - 1 };
    for (uint32_t mask = SMALLEST_MASK; mask < 1u << 24; mask = mask << 4 | 15) {
        static bool taken[1u << 24];
        size_t places = 0;
        memset(taken, 0, sizeof taken);
        for (int i = 0; i < IDS; i++) {
            struct id id = id_new(1700000000000);
            bool *place = &taken[id_hash(&id) & mask];
            places += !*place;
            *place = true;
        }
        ck_assert_uint_gt(places, IDS / 2); /* by chance: 63 of 100, or more */
    }
}
END_TEST

START_TEST(ids_refuse_foreign_text)
{
    struct id id;
    ck_assert_int_eq(id_parse(span_str("01ARZ3NDEKTSV4RRFFQ69G5FAV"), &id), ERR_OK);
    ck_assert_int_eq(id_parse(span_str("01ARZ3NDEKTSV4RRFFQ69G5FA"), &id), ERR_INVALID);
    ck_assert_int_eq(id_parse(span_str("81ARZ3NDEKTSV4RRFFQ69G5FAV"), &id), ERR_INVALID);
    ck_assert_int_eq(id_parse(span_str("01ARZ3NDEKTSV4RRFFQ69G5FAU"), &id), ERR_INVALID);
    ck_assert_int_eq(id_parse(span_str("01arz3ndektsv4rrffq69g5fav"), &id), ERR_INVALID);
}
END_TEST

START_TEST(nearest_suggests_only_what_is_near)
{
    static const char *const words[] = {"retention", NULL, "recipe", "recipes", "path"};
    ck_assert_str_eq(nearest_word(span_str("recepie"), words, 5), "recipe");
    ck_assert_str_eq(nearest_word(span_str("RETENTON"), words, 5), "retention");
    ck_assert_str_eq(nearest_word(span_str("pat"), words, 5), "path");
    ck_assert_ptr_null(nearest_word(span_str("xyz"), words, 5));
    ck_assert_ptr_null(nearest_word(span_str(""), words, 5));
    char longer[100];
    memset(longer, 'a', sizeof longer);
    ck_assert_ptr_null(nearest_word(span_of(longer, sizeof longer), words, 5));
}
END_TEST

START_TEST(units_parse)
{
    int64_t v;
    ck_assert(size_parse(span_str("64KiB"), &v) == ERR_OK && v == 65536);
    ck_assert(size_parse(span_str("0"), &v) == ERR_OK && v == 0);
    ck_assert(size_parse(span_str("64"), &v) == ERR_INVALID);
    ck_assert(size_parse(span_str("64KB"), &v) == ERR_INVALID);
    ck_assert(size_parse(span_str("9999999999TiB"), &v) == ERR_INVALID);
    ck_assert(duration_parse(span_str("250ms"), &v) == ERR_OK && v == 250);
    ck_assert(duration_parse(span_str("7d"), &v) == ERR_OK && v == 604800000);
    ck_assert(duration_parse(span_str("-1s"), &v) == ERR_INVALID);
    struct buf b;
    buf_init(&b, 100);
    buf_put_duration(&b, 90000);
    buf_putc(&b, ' ');
    buf_put_size(&b, 1 << 20);
    ck_assert_span_eq(buf_span(&b), "90s 1MiB");
    buf_clear(&b);
    buf_put_http_date(&b, 784111777999); /* the one of RFC 9110 */
    ck_assert_span_eq(buf_span(&b), "Sun, 06 Nov 1994 08:49:37 GMT");
    buf_clear(&b);
    buf_put_http_date(&b, 0);
    ck_assert_span_eq(buf_span(&b), "Thu, 01 Jan 1970 00:00:00 GMT");
    buf_fini(&b);
}
END_TEST

START_TEST(times_round_trip)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2026-11-21T12:34:56.789Z", 1795264496789},
                {"2024-02-29T23:59:60+00:30", 1709249399000 - 0},
                {"2026-11-21T12:34:56.123456789+02:00", 1795257296123},
                {"9999-12-31T23:59:59.999Z", 253402300799999}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms;
        ck_assert_int_eq(rfc3339_parse(span_str(good[i].text), &ms), ERR_OK);
        ck_assert_msg(ms == good[i].ms, "%s gave %lld", good[i].text, (long long)ms);
    }
    static const char *const bad[] = {"",        "2026-11-21",           "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
                                      "1969-12-31T23:59:59Z", "2026-11-21T12:34:56", "2026-11-21T12:34:56.Z",
                                      "2026-11-21T12:34:56Zx", "2026-11-21T12:34:56.1234567891Z",
                                      "9999-12-31T23:59:59-00:01", "1970-01-01T00:00:00+00:01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 7;
        ck_assert_msg(rfc3339_parse(span_str(bad[i]), &ms) == ERR_INVALID && ms == 7, "%s", bad[i]);
    }
    for (int64_t ms = 0; ms < INT64_C(253402300799999); ms += INT64_C(86400000) * 13 + 1234567) {
        char text[RFC3339_BYTES];
        int64_t back;
        rfc3339_format(ms, text);
        ck_assert_int_eq(rfc3339_parse(span_of(text, sizeof text), &back), ERR_OK);
        ck_assert_int_eq(back, ms);
    }
}
END_TEST

START_TEST(crc32c_known_values)
{
    /* RFC 3720 appendix B.4 */
    unsigned char zeros[32] = {0}, ones[32], rising[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++)
        rising[i] = (unsigned char)i;
    ck_assert_uint_eq(crc32c(0, zeros, 32), 0x8a9136aa);
    ck_assert_uint_eq(crc32c(0, ones, 32), 0x62a8ab43);
    ck_assert_uint_eq(crc32c(0, rising, 32), 0x46dd794e);
    ck_assert_uint_eq(crc32c(crc32c(0, rising, 13), rising + 13, 19), 0x46dd794e);
}
END_TEST

START_TEST(base64_only_canonical)
{
    char out[16];
    size_t n;
    ck_assert(base64_decode(span_str("AA=="), out, sizeof out, &n) == ERR_OK && n == 1);
    ck_assert(base64_decode(span_str("AB=="), out, sizeof out, &n) == ERR_INVALID); /* unused bits set */
    ck_assert(base64_decode(span_str("AA"), out, sizeof out, &n) == ERR_INVALID);
    ck_assert(base64_decode_unpadded(span_str("AA"), out, sizeof out, &n) == ERR_OK && n == 1);
    ck_assert(base64_decode(span_str("AA==x"), out, sizeof out, &n) == ERR_INVALID);
    ck_assert(base64_decode(span_str("AAAA"), out, 2, &n) == ERR_NO_ROOM);
    ck_assert(base64_decode(span_str("AAA="), out, 2, &n) == ERR_OK && n == 2);
    ck_assert(base64_decode(span_str("AA-_"), out, sizeof out, &n) == ERR_INVALID);
    ck_assert(base64url_decode(span_str("AA-_"), out, sizeof out, &n) == ERR_OK && n == 3);
    for (int c = 0; c < 256; c++) {
        char text[] = {'A', 'A', 'A', (char)c};
        bool common = c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", c) != NULL;
        bool plain = common || c == '+' || c == '/', url = common || c == '-' || c == '_';
        ck_assert_int_eq(base64_decode(span_of(text, 4), out, sizeof out, &n) == ERR_OK, plain || c == '=');
        ck_assert_int_eq(base64_decode_unpadded(span_of(text, 4), out, sizeof out, &n) == ERR_OK, plain);
        ck_assert_int_eq(base64url_decode(span_of(text, 4), out, sizeof out, &n) == ERR_OK, url);
    }
    ck_assert(hex_decode(span_str("0aff"), out, 1, &n) == ERR_NO_ROOM);
    ck_assert(hex_decode(span_str("0aF"), out, sizeof out, &n) == ERR_INVALID);
    ck_assert(hex_decode(span_str("0aFf"), out, sizeof out, &n) == ERR_OK && n == 2);
    ck_assert(hex_decode(span_str("0g"), out, sizeof out, &n) == ERR_INVALID);
}
END_TEST

START_TEST(utf8)
{
    ck_assert(utf8_valid(span_str("plain and \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80")));
    static const char *const bad[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "12345678\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!utf8_valid(span_str(bad[i])));
}
END_TEST

START_TEST(buf_keeps_its_limit)
{
    struct buf b;
    buf_init(&b, 8);
    buf_puts(&b, "12345678");
    ck_assert(!b.failed);
    buf_putc(&b, '9');
    ck_assert(b.failed);
    ck_assert_span_eq(buf_span(&b), "12345678");
    buf_clear(&b);
    buf_put_json_text(&b, span_str("\xff\n"));
    ck_assert_span_eq(buf_span(&b), "\"\xef\xbf\xbd\\n\"");
    buf_clear(&b);
    buf_printf(&b, "%s", "12345678"); /* fits to the last byte */
    ck_assert(!b.failed);
    ck_assert_span_eq(buf_span(&b), "12345678");
    buf_printf(&b, "%s", "");
    ck_assert(!b.failed);
    buf_consume(&b, 6);
    buf_printf(&b, "%d", 1234567);
    ck_assert(b.failed);
    ck_assert_span_eq(buf_span(&b), "78");
    buf_fini(&b);
    buf_consume(&b, 0);
    ck_assert_span_eq(buf_span(&b), "");
}
END_TEST

START_TEST(buf_writes_numbers_and_strings)
{
    struct buf b;
    buf_init(&b, 300);
    buf_put_i64(&b, INT64_MIN);
    buf_putc(&b, ' ');
    buf_put_u64(&b, UINT64_MAX);
    buf_putc(&b, ' ');
    buf_put_json_string(&b, SPAN_LIT("a\"\\\x1f\n\r\t\xc3\xa9\x7f"));
    buf_putc(&b, ' ');
    buf_put_json_text(&b, SPAN_LIT("\x7f\xc2\x9b\xc2\xa0"));
    ck_assert_span_eq(buf_span(&b), "-9223372036854775808 18446744073709551615 \"a\\\"\\\\\\u001f\\n\\r\\t\xc3\xa9\x7f\" "
                                    "\"\\u007f\\u009b\xc2\xa0\"");
    buf_fini(&b);
}
END_TEST

START_TEST(arena_is_full_not_broken)
{
    struct arena a;
    ck_assert(arena_init(&a, 64));
    char *one = arena_alloc(&a, 1), *two = arena_alloc(&a, 16);
    ck_assert(one && two && (uintptr_t)two % _Alignof(max_align_t) == 0 && two > one);
    ck_assert_ptr_null(arena_alloc(&a, 40));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_copy(&a, span_of("x", SIZE_MAX)).p);
    ck_assert_span_eq(arena_copy(&a, SPAN_LIT("abc")), "abc");
    arena_reset(&a);
    ck_assert_ptr_nonnull(arena_alloc(&a, 64));
    ck_assert_ptr_null(arena_alloc(&a, 1));
    arena_fini(&a);
}
END_TEST

START_TEST(arena_as_a_buffer)
{
    struct arena a;
    ck_assert(arena_init(&a, 16));
    struct buf b = arena_open(&a);
    buf_puts(&b, "12345");
    buf_printf(&b, "%d", 6);
    ck_assert_span_eq(arena_close(&a, &b), "123456");
    b = arena_open(&a);
    buf_puts(&b, "12345678"); /* with its NUL all that is left */
    struct span full = arena_close(&a, &b);
    ck_assert_span_eq(full, "12345678");
    ck_assert_int_eq(full.p[8], 0);
    ck_assert_uint_eq(a.n, 16);
    b = arena_open(&a);
    ck_assert_ptr_null(arena_close(&a, &b).p); /* not even a NUL */
    arena_reset(&a);
    b = arena_open(&a);
    buf_puts(&b, "1234567890123456");
    ck_assert(b.failed);
    ck_assert_ptr_null(arena_close(&a, &b).p);
    ck_assert_uint_eq(a.n, 0);
    arena_fini(&a);
}
END_TEST

START_TEST(file_names_are_safe)
{
    struct buf b;
    buf_init(&b, 200);
    fs_put_name(&b, span_str("../a/b.c:d_e-f\x01\xc3"));
    ck_assert_span_eq(buf_span(&b), "%2E.%2Fa%2Fb.c:d_e-f%01%C3");
    buf_fini(&b);
    /* Long ones fit into a folder and still differ. */
    char name[128], other[FS_NAME_BYTES];
    memset(name, '/', sizeof name);
    buf_init(&b, 1000);
    buf_puts(&b, "before/");
    fs_put_name(&b, span_of(name, sizeof name));
    ck_assert_uint_eq(b.n, 7 + FS_NAME_BYTES);
    memcpy(other, b.p + 7, sizeof other);
    buf_clear(&b);
    name[127] = 'x';
    fs_put_name(&b, span_of(name, sizeof name));
    ck_assert(b.n == FS_NAME_BYTES && memcmp(other, b.p, b.n) != 0 && memchr(b.p, '~', b.n) && !memchr(b.p, '/', b.n));
    buf_clear(&b);
    memset(name, 'a', sizeof name);
    fs_put_name(&b, span_of(name, sizeof name));
    ck_assert(span_eq(buf_span(&b), span_of(name, sizeof name)));
    buf_fini(&b);
}
END_TEST

START_TEST(replace_is_whole_or_not_at_all)
{
    char dir[] = "/tmp/check_base.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    struct why w;
    ck_assert_int_eq(fs_mkdirs(fd, "a/b", 0700, &w), ERR_OK);
    ck_assert_int_eq(fs_replace(fd, "a/b/f", SPAN_LIT("one"), 0600, &w), ERR_OK);
    /* What a crash or somebody else left behind under the temporary name does no harm. */
    ck_assert_int_eq(symlinkat("/nowhere", fd, "a/b/.f.tmp"), 0);
    ck_assert_int_eq(fs_replace(fd, "a/b/f", SPAN_LIT("three"), 0600, &w), ERR_OK);
    struct stat st;
    ck_assert_int_eq(fstatat(fd, "a/b/f", &st, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_int_eq(st.st_mode, S_IFREG | 0600);
    struct buf b;
    buf_init(&b, 4);
    ck_assert_int_eq(fs_read(fd, "a/b/f", &b, &w), ERR_NO_ROOM);
    buf_fini(&b);
    buf_init(&b, 5);
    ck_assert_int_eq(fs_read(fd, "a/b/f", &b, &w), ERR_OK);
    ck_assert_span_eq(buf_span(&b), "three");
    buf_fini(&b);
    ck_assert_int_eq(fs_read(fd, "a", &b, &w), ERR_INVALID);
    ck_assert_int_eq(fs_read(fd, "none", &b, &w), ERR_NOT_FOUND);
    unlinkat(fd, "a/b/f", 0);
    unlinkat(fd, "a/b", AT_REMOVEDIR);
    unlinkat(fd, "a", AT_REMOVEDIR);
    close(fd);
    rmdir(dir);
}
END_TEST

START_TEST(channel_peek_then_drop)
{
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    int fds[2];
    struct why w;
    struct channel_message m;
    ck_assert_int_eq(channel_pair(fds, &w), ERR_OK);
    ck_assert_int_eq(channel_recv(fds[1], buf, sizeof buf, false, &m), ERR_AGAIN);
    ck_assert_int_eq(channel_send(fds[0], CHANNEL_RECORDS, SPAN_LIT("abc"), NULL, 0), ERR_OK);
    ck_assert_int_eq(channel_send(fds[0], CHANNEL_PREPARE, SPAN_NONE, fds, 1), ERR_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(channel_recv(fds[1], buf, sizeof buf, true, &m), ERR_OK);
        ck_assert_int_eq(m.type, CHANNEL_RECORDS);
        ck_assert_span_eq(m.payload, "abc");
    }
    channel_drop(fds[1]);
    ck_assert_int_eq(channel_recv(fds[1], buf, sizeof buf, false, &m), ERR_OK);
    ck_assert_int_eq(m.type, CHANNEL_PREPARE);
    ck_assert_uint_eq(m.n_fds, 1);
    close(m.fds[0]);
    ck_assert_int_eq(write(fds[0], "junk", 4), 4);
    ck_assert_int_eq(channel_recv(fds[1], buf, sizeof buf, false, &m), ERR_INVALID);
    close(fds[0]);
    ck_assert_int_eq(channel_recv(fds[1], buf, sizeof buf, false, &m), ERR_CLOSED);
    close(fds[1]);
}
END_TEST

START_TEST(log_levels_by_their_words)
{
    log_init_words("test", "json", "warn");
    ck_assert(log_wants(LOG_WARN) && !log_wants(LOG_INFO));
    log_init_words("test", "text", "debug");
    ck_assert(log_wants(LOG_DEBUG));
    log_init_words("test", "text", "no such word");
    ck_assert(log_wants(LOG_INFO) && !log_wants(LOG_DEBUG));
}
END_TEST

START_TEST(base64_public_is_as_the_other)
{
    unsigned char bytes[64], back[64], other[64];
    char text[96], expected[96];
    uint32_t seed = 3;
    size_t n, m;
    for (int round = 0; round < suite_rounds(4000); round++) {
        size_t size = (size_t)round % sizeof bytes;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)((seed = seed * 1664525 + 1013904223) >> 24);
        ck_assert_uint_eq(base64_encode_public(bytes, size, text), base64_encode(bytes, size, expected));
        ck_assert_str_eq(text, expected);
        ck_assert_int_eq(base64_decode_public(span_str(text), back, size, &n), ERR_OK);
        ck_assert(n == size && memcmp(back, bytes, size) == 0);
        if (size)
            ck_assert_int_eq(base64_decode_public(span_str(text), back, size - 1, &n), ERR_NO_ROOM);
        /* Damaged: both say the same. */
        size_t length = strlen(text);
        if (length)
            text[seed % length] = "=A+/z\n-9 "[seed >> 8 & 7];
        length -= length && (seed >> 20 & 7) == 0;
        enum err e = base64_decode(span_of(text, length), other, sizeof other, &m);
        ck_assert_int_eq(base64_decode_public(span_of(text, length), back, sizeof back, &n), e);
        ck_assert(e || (n == m && memcmp(back, other, n) == 0));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");
    tcase_add_test(t, base64_public_is_as_the_other);
    tcase_add_test(t, plain_ascii);
    tcase_add_test(t, ids_round_trip_and_sort_by_time);
    tcase_add_test(t, ids_of_one_millisecond_spread);
    tcase_add_test(t, ids_refuse_foreign_text);
    tcase_add_test(t, nearest_suggests_only_what_is_near);
    tcase_add_test(t, units_parse);
    tcase_add_test(t, times_round_trip);
    tcase_add_test(t, crc32c_known_values);
    tcase_add_test(t, base64_only_canonical);
    tcase_add_test(t, utf8);
    tcase_add_test(t, buf_keeps_its_limit);
    tcase_add_test(t, buf_writes_numbers_and_strings);
    tcase_add_test(t, arena_is_full_not_broken);
    tcase_add_test(t, arena_as_a_buffer);
    tcase_add_test(t, file_names_are_safe);
    tcase_add_test(t, replace_is_whole_or_not_at_all);
    tcase_add_test(t, channel_peek_then_drop);
    tcase_add_test(t, log_levels_by_their_words);
    suite_add_tcase(s, t);
    return suite_run(s);
}
