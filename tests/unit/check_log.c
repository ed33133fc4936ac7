/* SPDX-License-Identifier: MIT
 * check_log: each line is whole, is what its format says, and holds nothing a terminal or a parser would act on;
 * repeated lines are held back and counted. And the counters next door: they survive in the segment the supervisor
 * holds.
 */
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stats.h"

/* Standard error goes into a memory file; what() is all that was logged since the last clear(). */
static int logged;
static struct buf text;
static int64_t now_ms;

static int64_t fake_ms(void)
{
    return now_ms;
}

static void setup(void)
{
    logged = memfd_create("logged", MFD_CLOEXEC);
    ck_assert_int_ge(logged, 0);
    ck_assert_int_ge(dup2(logged, STDERR_FILENO), 0);
    buf_init(&text, 16 << 20);
    now_ms = 1000;
    log_use_clock(fake_ms);
}

static void teardown(void)
{
    buf_fini(&text);
    close(logged);
}

static void clear(void)
{
    ck_assert_int_eq(ftruncate(logged, 0), 0);
    ck_assert_int_eq(lseek(logged, 0, SEEK_SET), 0);
}

static const char *what(void)
{
    buf_clear(&text);
    ck_assert_int_eq(fs_read_fd(logged, &text, NULL), ERR_OK);
    buf_putc(&text, 0);
    return text.p;
}

static unsigned count_lines(const char *s)
{
    unsigned n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

START_TEST(levels_are_kept)
{
    for (int least = LOG_DEBUG; least < LOG_LEVELS; least++) {
        clear();
        log_init("check", LOG_TEXT, (enum log_level)least);
        for (int level = LOG_DEBUG; level < LOG_LEVELS; level++)
            log_msg((enum log_level)level, "a message");
        ck_assert_uint_eq(count_lines(what()), (unsigned)(LOG_LEVELS - least));
    }
    log_init_words("check", "json", "error");
    clear();
    log_msg(LOG_WARN, "not this");
    log_msg(LOG_ERROR, "but this");
    ck_assert_msg(strstr(what(), "\"msg\":\"but this\"") && !strstr(what(), "not this"), "%s", what());
}
END_TEST

START_TEST(text_lines_are_plain_where_they_can_be)
{
    log_init("check", LOG_TEXT, LOG_INFO);
    log_line(LOG_INFO, "event accepted", LOG_T("source", "shop"), LOG_T("why", "a \"b\""), LOG_N("attempt", -3),
             LOG_T("type", ""));
    const char *line = what();
    ck_assert_msg(strncmp(line, "time=20", 7) == 0, "%s", line);
    ck_assert_msg(
        strstr(line,
               "Z level=info proc=check msg=\"event accepted\" source=shop why=\"a \\\"b\\\"\" attempt=-3 type=\"\"\n"),
        "%s", line);
    ck_assert_uint_eq(count_lines(line), 1);
}
END_TEST

START_TEST(json_lines_are_json_whatever_is_in_them)
{
    static const char *const nasty[] = {"",
                                        "a\nb\r\n\t\x01\x1b[2J",
                                        "\xff\xfe\xc3",
                                        "quote\" back\\slash",
                                        "\x7f\xc2\x9b",
                                        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                                        "=,{}"};
    log_init("check", LOG_JSON, LOG_INFO);
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        struct json_error e;
        struct buf back;
        clear();
        log_line(LOG_INFO, "nasty", LOG_T("why", nasty[i]), LOG_N("n", INT64_MIN));
        const char *line = what();
        struct span s = span_str(line);
        ck_assert_msg(json_check(s, JSON_LIMITS_DEFAULT, &e) == ERR_OK, "%s: %s", e.what, line);
        ck_assert_uint_eq(count_lines(line), 1);
        for (const char *p = line; *p != '\n'; p++)
            ck_assert_msg((unsigned char)*p >= 0x20 && *p != 0x7f && strncmp(p, "\xc2\x9b", 2) != 0, "%s", line);
        ck_assert_span_eq(json_member(s, "n"), "-9223372036854775808");
        buf_init(&back, 1000);
        ck_assert_int_eq(json_unescape(json_member(s, "why"), &back), ERR_OK);
        if (i != 2)
            ck_assert_span_eq(buf_span(&back), nasty[i]);
        buf_fini(&back);
    }
}
END_TEST

/* Fields of every size that add up to just about the limit: the line is whole and within it. */
START_TEST(long_lines_stay_whole)
{
    static char filler[2048];
    for (int format = LOG_TEXT; format <= LOG_JSON; format++)
        for (int kind = 0; kind < 2; kind++)
            for (size_t n = 0; n < sizeof filler; n += 13) {
                memset(filler, kind ? '\x01' : 'x', sizeof filler);
                const struct log_field fields[] = {LOG_S("a", span_of(filler, n)), LOG_S("b", span_of(filler, n / 2)),
                                                   LOG_S("c", span_of(filler, n)), LOG_S("d", span_of(filler, n / 3)),
                                                   LOG_S("e", span_of(filler, n)), LOG_S("f", span_of(filler, n)),
                                                   LOG_S("g", span_of(filler, n)), LOG_S("h", span_of(filler, n)),
                                                   LOG_S("i", span_of(filler, n))};
                struct json_error e;
                clear();
                now_ms += LOG_WINDOW_MS;
                log_init("check", (enum log_format)format, LOG_INFO);
                log_fields(LOG_INFO, "long", fields, sizeof fields / sizeof fields[0]);
                const char *line = what();
                size_t bytes = strlen(line);
                ck_assert_uint_le(bytes, LOG_LINE_BYTES);
                ck_assert(bytes > 2 && line[bytes - 1] == '\n' && count_lines(line) == 1);
                if (format == LOG_JSON)
                    ck_assert_int_eq(json_check(span_of(line, bytes), JSON_LIMITS_DEFAULT, &e), ERR_OK);
            }
}
END_TEST

START_TEST(repeated_lines_are_held_back_and_counted)
{
    log_init("check", LOG_TEXT, LOG_INFO);
    for (int i = 0; i < LOG_BURST + 7; i++)
        log_line(LOG_WARN, "again", LOG_N("n", i));
    ck_assert_uint_eq(count_lines(what()), LOG_BURST);
    log_msg(LOG_ERROR, "again"); /* another level is another line */
    log_msg(LOG_WARN, "something else");
    ck_assert_uint_eq(count_lines(what()), LOG_BURST + 2);
    now_ms += LOG_WINDOW_MS - 1;
    log_msg(LOG_WARN, "again");
    ck_assert_uint_eq(count_lines(what()), LOG_BURST + 2);
    now_ms += 1;
    log_msg(LOG_WARN, "again");
    ck_assert_msg(strstr(what(), "msg=again repeated=8\n"), "%s", what());
    clear();
    log_msg(LOG_WARN, "again");
    ck_assert_msg(strstr(what(), "msg=again\n"), "%s", what());
}
END_TEST

START_TEST(counters_outlive_who_counts)
{
    struct why w;
    struct shared *one, *two;
    int fd;
    stat_add(STAT_accepted_total, 5);
    ck_assert_int_eq(stat_get(STAT_accepted_total), 5);
    ck_assert_int_eq(shared_create(&fd, &w), ERR_OK);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(shared_map(fd, &one, &w), ERR_OK);
    ck_assert_int_eq(shared_map(fd, &two, &w), ERR_OK);
    close(fd);
    stats_use(one);
    ck_assert_int_eq(stat_get(STAT_accepted_total), 0);
    stat_add(STAT_accepted_total, 2);
    stat_add(STAT_accepted_total, 1);
    stat_set(STAT_segments, -4);
    one->safe = 77;
    stats_use(two);
    ck_assert_int_eq(stat_get(STAT_accepted_total), 3);
    ck_assert_int_eq(stat_get(STAT_segments), -4);
    ck_assert_uint_eq(two->safe, 77);
    stats_use(NULL);
    ck_assert_int_eq(stat_get(STAT_accepted_total), 5);
    ck_assert_int_eq(shared_map(-1, &one, &w), ERR_SYSTEM);
}
END_TEST

/* Prometheus' naming guide: counters end in _total and nothing else does; every row has words. */
START_TEST(counters_are_named_alike)
{
    for (size_t i = 0; i < STAT_COUNT; i++) {
        const struct stat_row *r = &stat_rows[i];
        size_t n = strlen(r->name);
        bool total = n > 6 && strcmp(r->name + n - 6, "_total") == 0;
        ck_assert_msg(total == (strcmp(r->type, "counter") == 0), "%s", r->name);
        ck_assert_msg(total || strcmp(r->type, "gauge") == 0, "%s", r->name);
        ck_assert_msg(r->help[0] != 0, "%s", r->name);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, levels_are_kept);
    tcase_add_test(t, text_lines_are_plain_where_they_can_be);
    tcase_add_test(t, json_lines_are_json_whatever_is_in_them);
    tcase_add_test(t, long_lines_stay_whole);
    tcase_add_test(t, repeated_lines_are_held_back_and_counted);
    tcase_add_test(t, counters_outlive_who_counts);
    tcase_add_test(t, counters_are_named_alike);
    suite_add_tcase(s, t);
    return suite_run(s);
}
