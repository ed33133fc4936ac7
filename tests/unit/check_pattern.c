/* SPDX-License-Identifier: MIT
 * check_pattern: regular expressions of ECMA-262: what they match, what is refused and why, and that no text keeps them busy.
 */
#include "suite.h"

#include "base/clock.h"
#include "schema/pattern.h"

static struct pattern_context *context;

static void begin(void)
{
    ck_assert_int_eq(pattern_context_new(&context), ERR_OK);
}

static void end(void)
{
    pattern_context_free(context);
}

static enum err match(const char *ecma, struct span text)
{
    struct pattern *p;
    struct why w = {""};
    ck_assert_msg(pattern_compile(span_str(ecma), &p, &w) == ERR_OK, "%s: %s", ecma, w.text);
    ck_assert_msg(pattern_check(span_str(ecma), &w) == ERR_OK, "%s: %s", ecma, w.text);
    enum err e = pattern_match(p, context, text);
    ck_assert_int_eq(pattern_match(p, context, text), e);
    pattern_free(p);
    return e;
}

static const struct {
    const char *ecma, *text;
    bool matches;
} matches[] = {
    {"", "", true},
    {"b", "abc", true},
    {"^b", "abc", false},
    {"^abc$", "abc\n", false},
    {"a$", "a\nb", false},
    {"^.$", "\n", false},
    {"^.$", "\r", false},
    {"^.$", "\xe2\x80\xa8", false}, /* U+2028 */
    {"^.$", "\xf0\x9f\x90\xb2", true},
    {"^\xf0\x9f\x90\xb2*$", "\xf0\x9f\x90\xb2\xf0\x9f\x90\xb2", true},
    {"^\xf0\x9f\x90\xb2*$", "\xf0\x9f\x90\x89", false},
    {"^\\ud83d\\udc32$", "\xf0\x9f\x90\xb2", true},
    {"^\\u{1F432}$", "\xf0\x9f\x90\xb2", true},
    {"^[\\u{1F430}-\\u{1F43F}]$", "\xf0\x9f\x90\xb2", true},
    {"^\\u0041\\x42\\cA\\0?$", "AB\x01", true},
    {"^\\t\\n\\v\\f\\r$", "\t\n\v\f\r", true},
    {"^\\d+$", "42", true},
    {"^\\d$", "\xdf\x80", false}, /* a digit of N'Ko */
    {"^\\D$", "\xdf\x80", true},
    {"^\\w$", "\xc3\xa9", false},
    {"^\\W$", "\xc3\xa9", true},
    {"^[\\W]$", "\xc3\xa9", true},
    {"^[^\\W]$", "\xc3\xa9", false},
    {"^[\\w-]+$", "a-b_c", true},
    {"^[\\s\\S]$", "\n", true},
    {"^\\s$", "\xc2\xa0", true},
    {"^\\s$", "\xef\xbb\xbf", true},
    {"^\\s$", "\xe2\x80\x83", true},
    {"^\\s$", "\xe2\x80\x93", false},
    {"^\\S$", "\xc2\xa0", false},
    {"^[^\\S]$", "\x0b", true},
    {"\\bfoo\\b", "a foo b", true},
    {"\\bfoo\\b", "afoo", false},
    {"o\\Bo", "foo", true},
    {"\\bo", "\xc3\xa9o", true}, /* ASCII decides what a word is */
    {"^[\\b]$", "\b", true},
    {"^[]$", "a", false},
    {"^[^]$", "\n", true},
    {"^[]*$", "", true},
    {"^[\\]\\-\\^]+$", "]-^", true},
    {"^[a\\-z]+$", "a-z", true},
    {"^[-a]+$", "a-", true},
    {"^[a-]+$", "a-", true},
    {"^[^\\uD800-\\uDFFF]+$", "a\xf0\x9f\x90\xb2", true},
    {"[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]", "\xf0\x9f\x90\xb2", false},
    {"^\\uD83D?$", "", true},
    {"^\\p{Letter}cole$",
     "\xc3\xa9"
     "cole",
     true},
    {"^\\p{digit}+$", "\xe0\xa7\xaa\xe0\xa7\xa8", true},
    {"^\\p{Script=Greek}$", "\xce\xb1", true},
    {"^\\P{Script=Greek}$", "\xce\xb1", false},
    {"^[\\p{Lu}\\p{gc=Nd}]+$", "A1", true},
    {"^[^\\p{Lu}]$", "A", false},
    {"^\\p{Assigned}\\P{Assigned}$", "a\xcd\xb8", true},
    {"^\\p{Emoji}$", "\xf0\x9f\x90\xb2", true},
    {"^\\p{LC}\\p{Any}\\p{ASCII}$", "a\xc3\xa9z", true},
    {"^(a)(b)\\2\\1$", "abba", true},
    {"^(?<x>a|b)\\k<x>$", "bb", true},
    {"^(?<x>a|b)\\k<x>$", "ab", false},
    {"^\\k<x>(?<x>a)$", "a", true},
    {"^(?:(['\"]).*?\\1|x)*$", "x'a'\"'\"", true},
    {"^(?:(['\"]).*?\\1|x)*$", "x'a\"", false},
    {"^(?:(a|b)c)+\\1$", "acbcb", true},
    {"^(?:(a|b)c)+\\1$", "acbca", false},
    {"^(?:(a)|b)\\1$", "b", true},
    {"^(a)?\\1$", "", true},
    {"^(a)?\\1b$", "b", true},
    {"(?<=a)b", "ab", true},
    {"(?<!a)b", "ab", false},
    {"^(?=.*\\d)(?=.*[a-z]).{4,8}$", "abc1", true},
    {"^(?!abc)", "abcd", false},
    {"^a{2}$", "aa", true},
    {"^a{2,}$", "aaaa", true},
    {"^a{0,3}?$", "aaaa", false},
    {"^(?:ab|cd)+$", "abcdab", true},
    {"^a/b\\/c$", "a/b/c", true},
    {"^a#b c$", "a#b c", true},
    {"^\\@\\_\\-$", "@_-", true},
    {"a|b|", "c", true},
    {"^[$_a-zA-Z][$_a-zA-Z0-9]*$", "$a1", true},
    {"^(([^<>()\\[\\]\\\\.,;:\\s@\"]+(\\.[^<>()\\[\\]\\\\.,;:\\s@\"]+)*)|(\".+\"))@x$", "a.b@x", true},
};

START_TEST(test_match)
{
    enum err e = match(matches[_i].ecma, span_str(matches[_i].text));
    ck_assert_msg(e == (matches[_i].matches ? ERR_OK : ERR_NOT_FOUND), "%s on '%s': %s", matches[_i].ecma,
                  matches[_i].text, err_code(e));
}
END_TEST

static const struct {
    const char *ecma, *says;
} faults[] = {
    {"^(abc]", "closes nothing"},
    {"(abc", "byte 4: a group is not closed"},
    {"abc)", "byte 3: this ')' closes nothing"},
    {"[abc", "byte 0: a class is not closed"},
    {"a**", "nothing to repeat"},
    {"a++", "nothing to repeat"},
    {"*a", "nothing to repeat"},
    {"(*UTF)a", "nothing to repeat"},
    {"(*SKIP)a", "nothing to repeat"},
    {"^*", "nothing to repeat"},
    {"(?=a)*", "nothing to repeat"},
    {"a|*", "nothing to repeat"},
    {"(?i)abc", "modifiers"},
    {"(?i:abc)", "modifiers"},
    {"(?P<name>x)", "modifiers"},
    {"(?#comment)a", "modifiers"},
    {"(?>a)", "modifiers"},
    {"(?R)", "modifiers"},
    {"(?C1)", "modifiers"},
    {"\\a", "byte 0: this escape means nothing"},
    {"\\Z", "this escape"},
    {"\\Qa\\E", "this escape"},
    {"\\C", "this escape"},
    {"\\R", "this escape"},
    {"\\08", "this escape"},
    {"\\x4", "this escape"},
    {"\\u{110000}", "this escape"},
    {"\\u{}", "this escape"},
    {"\\c1", "this escape"},
    {"a\\", "escapes nothing"},
    {"\\1", "not there"},
    {"(a)\\2", "not there"},
    {"(a)\\99999999999999999999", "not there"},
    {"\\k<a>", "not there"},
    {"\\k", "<name>"},
    {"(?<1>a)", "the name of a group"},
    {"(?<a)", "the name of a group"},
    {"(?<a>a)(?<a>b)", "two groups"},
    {"a{2,1}", "out of order"},
    {"a{65536}", "65535"},
    {"a{,3}", "a repetition is"},
    {"a{b}", "a repetition is"},
    {"a}", "closes nothing"},
    {"a]", "closes nothing"},
    {"[z-a]", "out of order"},
    {"[a-\\d]", "one character to another"},
    {"[\\d-z]", "one character to another"},
    {"[\\a]", "this escape"},
    {"[[:alpha:]]*]", "closes nothing"},
    {"\\p{Letters}", "general category"},
    {"\\p{letter}", "general category"},
    {"\\p{L&}", "general category"},
    {"\\p{gc=Emoji}", "general category"},
    {"\\p{Script=}", "general category"},
    {"\\p{foo=bar}", "general category"},
    {"\\pL", "general category"},
    {"\\p{L", "general category"},
};

START_TEST(test_fault)
{
    struct pattern *p = NULL;
    struct why w = {""}, again = {""};
    ck_assert_msg(pattern_check(span_str(faults[_i].ecma), &w) == ERR_INVALID, "%s is taken", faults[_i].ecma);
    ck_assert_msg(strstr(w.text, faults[_i].says), "%s: %s", faults[_i].ecma, w.text);
    ck_assert_int_eq(pattern_compile(span_str(faults[_i].ecma), &p, &again), ERR_INVALID);
    ck_assert_str_eq(again.text, w.text);
    ck_assert_ptr_null(p);
}
END_TEST

/* ECMA-262 forgets what a round has not caught, PCRE2 does not. */
START_TEST(references_into_rounds)
{
    static const char *const taken_otherwise[] = {
        "^(?:(a)|b)*\\1$", "^(?:(a)?b)*\\1$", "^(?:(a)?\\1)*$",  "(?:(a)b|c\\1)+",
        "(a\\1)*",         "(?:\\1(a))*",     "((?:(a)|b)\\2)+", "(?:(?<x>a)|b)+\\k<x>"};
    for (size_t i = 0; i < sizeof taken_otherwise / sizeof *taken_otherwise; i++) {
        struct pattern *p = NULL;
        struct why w = {""};
        struct span ecma = span_str(taken_otherwise[i]);
        ck_assert_msg(pattern_compile(ecma, &p, &w) == ERR_INVALID, "%s is taken", taken_otherwise[i]);
        ck_assert_msg(
            strstr(w.text, ": not supported here: this refers to a group that a repetition may have left out"),
            "%s: %s", taken_otherwise[i], w.text);
        ck_assert_int_eq(pattern_check(ecma, &w), ERR_OK); /* it is a regular expression */
    }
}
END_TEST

/* Expressions of ECMA-262 that are not supported. */
START_TEST(test_unsupported)
{
    static const char *const texts[] = {"(?<=a+)b", "\\p{Script=Nowhere}", "(?:(?:(?:a{1000}b){1000}c){1000}d){1000}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pattern *p;
        struct why w = {""};
        ck_assert_int_eq(pattern_check(span_str(texts[i]), NULL), ERR_OK);
        ck_assert_int_eq(pattern_compile(span_str(texts[i]), &p, &w), ERR_INVALID);
        ck_assert_msg(strstr(w.text, "not supported here: "), "%s", w.text);
    }
}
END_TEST

START_TEST(test_limits)
{
    char text[PATTERN_BYTES_MAX + 1];
    struct pattern *p;
    struct why w;
    memset(text, '(', sizeof text);
    ck_assert_int_eq(pattern_compile(span_of(text, 200), &p, &w), ERR_INVALID);
    ck_assert_msg(strstr(w.text, "byte 100: more than 100 groups"), "%s", w.text);
    ck_assert_int_eq(pattern_compile(span_of(text, sizeof text), &p, &w), ERR_INVALID);
    ck_assert_msg(strstr(w.text, "longer than 16384"), "%s", w.text);
    memset(text, '.', sizeof text);
    ck_assert_int_eq(pattern_compile(span_of(text, PATTERN_BYTES_MAX), &p, &w), ERR_INVALID);
    ck_assert_msg(strstr(w.text, "not supported here"), "%s", w.text);
}
END_TEST

enum { LONG = 1 << 20 };

/* A million bytes: `unit` over and over, with `end` behind. */
static struct span repeat(const char *unit, const char *end, size_t n)
{
    char *text = malloc(n + 16);
    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % strlen(unit)];
    memcpy(text + n, end, strlen(end));
    return span_of(text, n + strlen(end));
}

static const struct {
    const char *ecma, *unit, *end;
    enum err is;
} works[] = {
    /* What does its work once, however long the text is. */
    {"^[a-z]*$", "abc", "", ERR_OK},
    {"^[a-z]*$", "abc", "!", ERR_NOT_FOUND},
    {"needle", "nee", "", ERR_NOT_FOUND},
    {"needle", "nee", "needle", ERR_OK},
    {"[0-9]", "x", "7", ERR_OK},
    {"^.{5,}$", "x", "", ERR_OK},
    {"[a-f0-9]{64}", "0123g", "", ERR_NOT_FOUND},
    {"\\bx?foo", "fo ", "", ERR_NOT_FOUND},
    {"^[\\s\\S]*end$", "en ", "end", ERR_OK},
    /* What does not. */
    {"^(a|aa)+$", "a", "b", ERR_NO_ROOM},
    {"(x+x+)+y", "xxxxxxxxxxxx ", "z", ERR_NOT_FOUND}, /* no y anywhere */
    {"(x+x+)+y", "xxxxxxxxxxxxxxxx ", "y", ERR_NO_ROOM},
    {"a*a*a*a*a*b", "a", "c", ERR_NOT_FOUND},
    {"a*[ab]*a*[ac]*b$", "a", "bc", ERR_NO_ROOM},
    {"\\s+$", " ", "x", ERR_NO_ROOM},
    {"[a-z]+[0-9]+$", "a", "1.", ERR_NO_ROOM},
    {"(?=.*\\d)x", "x", "", ERR_NO_ROOM},
    {"(.*)\\1x", "ab", "x", ERR_NO_ROOM},
    {"(?:a?){20}a{20}b", "a", "b", ERR_NO_ROOM},
    {"(?:.{4000}){10}z", "a", "z", ERR_NO_ROOM},
    {"[^z]{60000}y", "a", "zy", ERR_NO_ROOM},
    {"^(?:(?:(?:a*)*)*)*$", "a", "b", ERR_NO_ROOM},
    {"^(?:[ab]|c)*$", "abc", "", ERR_NO_ROOM}, /* a place to go back to for every letter */
};

START_TEST(test_work)
{
    struct span text = repeat(works[_i].unit, works[_i].end, LONG);
    int64_t from = clock_cpu_ns();
    enum err e = match(works[_i].ecma, text);
    ck_assert_msg(e == works[_i].is, "%s: %s in %.0f ms", works[_i].ecma, err_code(e),
                  (double)(clock_cpu_ns() - from) / 1e6);
    free((void *)(uintptr_t)text.p);
}
END_TEST

/* Ordinary texts pass ordinary expressions. */
START_TEST(test_room)
{
    struct span text = repeat("abcd", "", 60000);
    ck_assert_int_eq(match("^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", text), ERR_OK);
    ck_assert_int_eq(match("^(?:[a-z]|[0-9])*$", span_of(text.p, 8000)), ERR_OK);
    ck_assert_int_eq(match("^([a-z0-9]+,?)*$", text), ERR_OK);
    free((void *)(uintptr_t)text.p);
    ck_assert_int_eq(match("a", SPAN_LIT("a\xff")), ERR_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pattern");
    TCase *t = tcase_create("pattern");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, test_match, 0, sizeof matches / sizeof *matches);
    tcase_add_loop_test(t, test_fault, 0, sizeof faults / sizeof *faults);
    tcase_add_test(t, references_into_rounds);
    tcase_add_loop_test(t, test_work, 0, sizeof works / sizeof *works);
    tcase_add_test(t, test_unsupported);
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_room);
    suite_add_tcase(s, t);
    return suite_run(s);
}
