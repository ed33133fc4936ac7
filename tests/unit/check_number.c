/* SPDX-License-Identifier: MIT
 * check_number: JSON numbers of any length and exponent, compared, asked for multiples, for integers: exactly.
 */
#include "suite.h"

#include <stdint.h>
#include <stdio.h>

#include "schema/number.h"

static const struct {
    const char *a, *b;
    int is; /* as a is to b */
} pairs[] = {
    {"0", "-0", 0},
    {"0", "0e999999999999999999999999", 0},
    {"0.000", "-0.0e-7", 0},
    {"1", "1.0", 0},
    {"1", "10e-1", 0},
    {"1", "0.1E+1", 0},
    {"1", "0.00001e5", 0},
    {"100", "1e2", 0},
    {"100.50", "1005e-1", 0},
    {"9007199254740993", "9007199254740992", 1},
    {"0.1", "0.1000000000000000000000000000000000001", -1},
    {"1e400", "1e401", -1},
    {"-1e400", "-1e401", 1},
    {"-1", "0", -1},
    {"1", "-2", 1},
    {"-0.5", "-0.25", -1},
    {"1e-400", "0", 1},
    {"-1e-400", "0", -1},
    {"1e99999999999999999999999999999999", "1e99999999999999999999999999999998", 1},
    {"1e99999999999999999999999999999999", "10e99999999999999999999999999999998", 0},
    {"0.1e100000000000000000000000000000000", "1e99999999999999999999999999999999", 0},
    {"1e-99999999999999999999999999999999", "0.1e-99999999999999999999999999999998", 0},
    {"1e-99999999999999999999999999999999", "1e99999999999999999999999999999999", -1},
    {"1e0000000000000000000000000000000001", "10", 0},
    {"12", "123", -1},
    {"12e1", "123", -1},
    {"1.23e2", "123", 0},
    {"99", "100", -1},
    {"12345678901234567890.5", "12345678901234567890.49999999999999999999", 1},
};

START_TEST(test_compare)
{
    struct span a = span_str(pairs[_i].a), b = span_str(pairs[_i].b);
    ck_assert_msg(number_compare(a, b) == pairs[_i].is, "%s and %s", a.p, b.p);
    ck_assert_msg(number_compare(b, a) == -pairs[_i].is, "%s and %s", b.p, a.p);
    ck_assert_msg((number_hash(a) == number_hash(b)) == (pairs[_i].is == 0), "hashes of %s and %s", a.p, b.p);
}
END_TEST

static const struct {
    const char *text;
    bool is;
} integers[] = {
    {"0", true},
    {"-0.0e-9", true},
    {"1.0", true},
    {"-17", true},
    {"1e400", true},
    {"1e99999999999999999999999999", true},
    {"1.5e1", true},
    {"100e-2", true},
    {"1.50", false},
    {"1e-1", false},
    {"100e-3", false},
    {"1e-99999999999999999999999999", false},
    {"12345678901234567890.000", true},
    {"0.1", false},
    {"1.5e0", false},
};

START_TEST(test_integer)
{
    ck_assert_msg(number_is_integer(span_str(integers[_i].text)) == integers[_i].is, "%s", integers[_i].text);
}
END_TEST

static const struct {
    const char *value, *of;
    bool is;
} multiples[] = {
    {"10", "2", true},
    {"7", "2", false},
    {"0", "2", true},
    {"0.0075", "0.0001", true},
    {"0.00751", "0.0001", false},
    {"4.5", "1.5", true},
    {"35", "1.5", false},
    {"1.13", "0.01", true},
    {"19.99", "0.01", true},
    {"19.999", "0.01", false},
    {"-19.99", "0.01", true},
    {"1e308", "0.123456789", false},
    {"1e400", "3", false},
    {"1e400", "1024", true},
    {"3e400", "3", true},
    {"1e999999999999999999999999999999", "12500", true},
    {"1e-999999999999999999999999999999", "1e-999999999999999999999999999999", true},
    {"1e-999999999999999999999999999999", "1", false},
    {"12391239123", "1e-8", true},
    {"123456789012345678901234567890", "1234567890", true},
    {"123456789012345678901234567891", "1234567890", false},
    {"9999999999999999999999999999999999999999999999999999999999999998",
     "9999999999999999999999999999999999999999999999999999999999999999", false},
    {"99999999999999999999999999999999999999999999999999999999999999990000",
     "9999999999999999999999999999999999999999999999999999999999999999", true},
    {"1e212", "6582018229284824168619876730229402019930943462534319453394436096", true}, /* 2^212 */
    {"1e211", "6582018229284824168619876730229402019930943462534319453394436096", false},
    {"5", "0", false},
    {"0", "0", false},
    {"4", "-2", false},
    {"4", "x", false}, /* no numbers, but no endless work either */
};

START_TEST(test_multiple)
{
    ck_assert_msg(number_multiple_of(span_str(multiples[_i].value), span_str(multiples[_i].of)) == multiples[_i].is,
                  "%s of %s", multiples[_i].value, multiples[_i].of);
}
END_TEST

START_TEST(test_divisor)
{
    char digits[80];
    memset(digits, '7', sizeof digits);
    ck_assert(number_is_divisor(SPAN_LIT("0.01")));
    ck_assert(!number_is_divisor(SPAN_LIT("0e5")));
    ck_assert(!number_is_divisor(SPAN_LIT("-1")));
    ck_assert(number_is_divisor(span_of(digits, NUMBER_DIVISOR_DIGITS)));
    ck_assert(!number_is_divisor(span_of(digits, NUMBER_DIVISOR_DIGITS + 1)));
    memset(digits + 1, '0', sizeof digits - 1);
    ck_assert(number_is_divisor(span_of(digits, sizeof digits)));
}
END_TEST

/* Small decimals, written in several ways, against whole numbers of thousandths. */
static size_t write_number(long thousandths, unsigned way, char *out, size_t cap)
{
    const char *sign = thousandths < 0 ? "-" : "";
    long v = labs(thousandths);
    switch (way % 4) {
    case 0:
        return (size_t)snprintf(out, cap, "%s%ld.%03ld", sign, v / 1000, v % 1000);
    case 1:
        return (size_t)snprintf(out, cap, "%s%lde-3", sign, v);
    case 2:
        return (size_t)snprintf(out, cap, "%s0.%07ldE%u", sign, v, 4);
    default:
        return (size_t)snprintf(out, cap, "%s%ld.00e-%02u", sign, v, 3);
    }
}

START_TEST(test_random)
{
    srand(42);
    for (int i = suite_rounds(1) * 20000; i > 0; i--) {
        char a[64], b[64];
        long x = rand() % 20000 - 10000, y = i % 3 ? rand() % 20000 - 10000 : x;
        struct span p = span_of(a, write_number(x, (unsigned)rand(), a, sizeof a));
        struct span q = span_of(b, write_number(y, (unsigned)rand(), b, sizeof b));
        ck_assert_msg(number_compare(p, q) == (x > y) - (x < y), "%s and %s", a, b);
        ck_assert_msg(number_is_integer(p) == (x % 1000 == 0), "%s", a);
        ck_assert_msg(number_multiple_of(p, q) == (y > 0 && x % y == 0), "%s of %s", a, b);
        ck_assert_msg((number_hash(p) == number_hash(q)) == (x == y), "hashes of %s and %s", a, b);
    }
}
END_TEST

/* A million digits and a million digits of exponent take a moment, not an age. */
START_TEST(test_long)
{
    enum { MANY = 1 << 20 };
    char *text = malloc(2 * MANY + 1);
    memset(text, '7', 2 * MANY + 1);
    text[MANY] = 'e';
    struct span a = span_of(text, 2 * MANY + 1), b = span_of(text, 2 * MANY);
    ck_assert_int_eq(number_compare(a, b), 1);
    ck_assert_int_eq(number_compare(a, a), 0);
    ck_assert(number_is_integer(a));
    ck_assert(number_multiple_of(a, SPAN_LIT("7")));
    ck_assert(!number_multiple_of(a, SPAN_LIT("13e4")));
    free(text);
}
END_TEST

/* Numbers that are short and have no exponent are looked at another way: it says the same. */
START_TEST(short_numbers_as_long_ones)
{
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        char text[2][24], slow[2][64];
        for (int k = 0; k < 2; k++) {
            seed = seed * 1103515245 + 12345;
            long n = (long)(seed >> 8) % (i % 2 ? 40 : 2000000) - (i % 2 ? 20 : 1000000);
            snprintf(text[k], sizeof text[k], "%.*f", i / 7 % 5 * (1 + k), (double)n / (i % 3 ? 1 : 100));
            snprintf(slow[k], sizeof slow[k], "%se0", text[k]);
        }
        struct span a = span_str(text[0]), b = span_str(text[1]), c = span_str(slow[0]), d = span_str(slow[1]);
        ck_assert_msg(number_compare(a, b) == number_compare(c, d), "%s, %s", text[0], text[1]);
        ck_assert_msg(number_compare(a, d) == number_compare(c, d), "%s, %s", text[0], text[1]);
        ck_assert_msg(number_is_integer(a) == number_is_integer(c), "%s", text[0]);
        ck_assert_msg(number_multiple_of(a, b) == number_multiple_of(c, d), "%s, %s", text[0], text[1]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("number");
    TCase *t = tcase_create("number");
    tcase_add_loop_test(t, test_compare, 0, sizeof pairs / sizeof *pairs);
    tcase_add_loop_test(t, test_integer, 0, sizeof integers / sizeof *integers);
    tcase_add_loop_test(t, test_multiple, 0, sizeof multiples / sizeof *multiples);
    tcase_add_test(t, short_numbers_as_long_ones);
    tcase_add_test(t, test_divisor);
    tcase_add_test(t, test_random);
    tcase_add_test(t, test_long);
    suite_add_tcase(s, t);
    return suite_run(s);
}
