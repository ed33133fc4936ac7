/* SPDX-License-Identifier: MIT
 * check_timestamp: the forms in which senders write a time, read strictly and written alike.
 */
#include "suite.h"

#include "recipe/timestamp.h"

enum { LEAP_DAY = 1709208000 }; /* 2024-02-29T12:00:00Z, a Thursday */

static const struct {
    enum time_format format;
    const char *text;
    int64_t ms;
} good[] = {
    {TIME_SECONDS, "1709208000", LEAP_DAY * INT64_C(1000)},
    {TIME_SECONDS, "0", 0},
    {TIME_SECONDS, "253402300799", INT64_C(253402300799000)},
    {TIME_MILLISECONDS, "1709208000123", LEAP_DAY * INT64_C(1000) + 123},
    {TIME_RFC3339, "2024-02-29T12:00:00Z", LEAP_DAY * INT64_C(1000)},
    {TIME_RFC3339, "2024-02-29T05:00:00.123456789-07:00", LEAP_DAY * INT64_C(1000) + 123},
    {TIME_RFC3339, "2000-02-29T00:00:00Z", INT64_C(951782400000)},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00", LEAP_DAY * INT64_C(1000)},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00.5", LEAP_DAY * INT64_C(1000) + 500},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00.123456", LEAP_DAY * INT64_C(1000) + 123},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00Z", LEAP_DAY * INT64_C(1000)},
    {TIME_ISO8601_UTC, "2024-02-29T14:30:00+02:30", LEAP_DAY * INT64_C(1000)},
    {TIME_ISO8601_UTC, "1970-01-01T00:00:00", 0},
    {TIME_HTTP_DATE, "Thu, 29 Feb 2024 12:00:00 GMT", LEAP_DAY * INT64_C(1000)},
    {TIME_HTTP_DATE, "Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
    {TIME_HTTP_DATE, "Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {TIME_HTTP_DATE, "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799000)},
};

START_TEST(test_read)
{
    int64_t ms = -1;
    ck_assert_msg(timestamp_read(good[_i].format, span_str(good[_i].text), &ms) == ERR_OK, "%s", good[_i].text);
    ck_assert_int_eq(ms, good[_i].ms);
}
END_TEST

static const struct {
    enum time_format format;
    const char *text;
} bad[] = {
    {TIME_SECONDS, ""},
    {TIME_SECONDS, "+1709208000"},
    {TIME_SECONDS, "01709208000"},
    {TIME_SECONDS, "1709208000.5"},
    {TIME_SECONDS, "253402300800"},
    {TIME_RFC3339, "2024-02-29T12:00:00"},
    {TIME_RFC3339, "2023-02-29T12:00:00Z"},
    {TIME_RFC3339, "1900-02-29T12:00:00Z"},
    {TIME_RFC3339, "2100-02-29T12:00:00Z"},
    {TIME_ISO8601_UTC, ""},
    {TIME_ISO8601_UTC, "2024-02-29"},
    {TIME_ISO8601_UTC, "2024-02-29T12:00"},
    {TIME_ISO8601_UTC, "20240229T120000"},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00+0100"},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00+01"},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00ZZ"},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00."},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00 "},
    {TIME_ISO8601_UTC, "2024-02-30T12:00:00"},
    {TIME_ISO8601_UTC, "2023-02-29T12:00:00"},
    {TIME_ISO8601_UTC, "2024-04-31T12:00:00"},
    {TIME_ISO8601_UTC, "2024-02-29T24:00:00"},
    {TIME_ISO8601_UTC, "1969-12-31T23:59:59"},
    {TIME_ISO8601_UTC, "2024-02-29T12:00:00.000000000000000000000000000000000000"},
    {TIME_HTTP_DATE, ""},
    {TIME_HTTP_DATE, "Fri, 29 Feb 2024 12:00:00 GMT"},
    {TIME_HTTP_DATE, "thu, 29 Feb 2024 12:00:00 GMT"},
    {TIME_HTTP_DATE, "Thu, 29 feb 2024 12:00:00 GMT"},
    {TIME_HTTP_DATE, "Thu, 29 Feb 2024 12:00:00 UTC"},
    {TIME_HTTP_DATE, "Thu, 29 Feb 2024 12:00:00 GMT "},
    {TIME_HTTP_DATE, "Thu, 29 Feb 2024 12:00:00.0 GMT"},
    {TIME_HTTP_DATE, "Thu, 29 Feb 2024 12:00:00 +0000"},
    {TIME_HTTP_DATE, "Thu, 29 Feb 24 12:00:00 GMT"},
    {TIME_HTTP_DATE, "Sunday, 06-Nov-94 08:49:37 GMT"},
    {TIME_HTTP_DATE, "Sun Nov  6 08:49:37 1994"},
    {TIME_HTTP_DATE, "Wed, 29 Feb 2023 12:00:00 GMT"},
    {TIME_HTTP_DATE, "Thu, 29 Fxb 2024 12:00:00 GMT"},
    {TIME_HTTP_DATE, "Thu, 29 Feb 2024 25:00:00 GMT"},
    {TIME_HTTP_DATE, "Wed, 31 Dec 1969 23:59:59 GMT"},
};

START_TEST(test_refuse)
{
    int64_t ms = -1;
    ck_assert_msg(timestamp_read(bad[_i].format, span_str(bad[_i].text), &ms) == ERR_INVALID, "%s", bad[_i].text);
    ck_assert_int_eq(ms, -1);
}
END_TEST

START_TEST(test_write)
{
    static const char *const want[] = {
        [TIME_SECONDS] = "1709208000",
        [TIME_MILLISECONDS] = "1709208000123",
        [TIME_RFC3339] = "2024-02-29T12:00:00.123Z",
        [TIME_ISO8601_UTC] = "2024-02-29T12:00:00.123",
        [TIME_HTTP_DATE] = "Thu, 29 Feb 2024 12:00:00 GMT",
    };
    char text[TIMESTAMP_TEXT_BYTES];
    size_t n = timestamp_write((enum time_format)_i, LEAP_DAY * INT64_C(1000) + 123, text);
    ck_assert_str_eq(text, want[_i]);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_ptr_nonnull(timestamp_words((enum time_format)_i));
}
END_TEST

/* What is written is read back as the same time, over leap years, ends of months and centuries, and beyond the limits. */
START_TEST(test_round_trip)
{
    char text[TIMESTAMP_TEXT_BYTES];
    for (int64_t s = -1000000; s < INT64_C(253402400000); s += 8640007) {
        int64_t ms = s * 1000 + 999, back, unit = _i == TIME_SECONDS || _i == TIME_HTTP_DATE ? 1000 : 1;
        int64_t want = ms < 0 ? 0 : ms > INT64_C(253402300799999) ? INT64_C(253402300799999) : ms;
        size_t n = timestamp_write((enum time_format)_i, ms, text);
        ck_assert_msg(timestamp_read((enum time_format)_i, span_of(text, n), &back) == ERR_OK, "%s", text);
        ck_assert_int_eq(back, want - want % unit);
    }
}
END_TEST

START_TEST(test_ages_count_in_the_unit_of_the_format)
{
    const int64_t now = LEAP_DAY * INT64_C(1000) + 999;
    struct timestamp t = {.format = TIME_HTTP_DATE, .past_ms = 300000, .future_ms = FUTURE_SAME};
    ck_assert(timestamp_near(&t, now - 999 - 300000, now, 0));
    ck_assert(!timestamp_near(&t, now - 999 - 301000, now, 0));
    t.format = TIME_ISO8601_UTC;
    ck_assert(!timestamp_near(&t, now - 300001, now, 0));
    ck_assert(timestamp_near(&t, now + 300000, now, 0));
    ck_assert(!timestamp_near(&t, now + 300001, now, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("timestamp");
    TCase *t = tcase_create("timestamp");
    tcase_add_loop_test(t, test_read, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(t, test_refuse, 0, sizeof bad / sizeof *bad);
    tcase_add_loop_test(t, test_write, 0, TIME_FORMATS);
    tcase_add_loop_test(t, test_round_trip, 0, TIME_FORMATS);
    tcase_add_test(t, test_ages_count_in_the_unit_of_the_format);
    suite_add_tcase(s, t);
    return suite_run(s);
}
