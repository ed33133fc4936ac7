/* SPDX-License-Identifier: MIT
 * check_json: the strict scanner refuses what RFC 8259 forbids, each by its name and place, takes all the rest, and
 * walking stays inside its bytes whatever they are. Texts lie in blocks of their exact size, so that a sanitizer sees
 * one byte too far.
 */
#include "suite.h"

#include <stdint.h>
#include <stdio.h>

#include "base/json.h"

static enum err check_copy(struct span text, struct json_limits limits, struct json_error *e)
{
    char *p = malloc(text.n + !text.n);
    ck_assert_ptr_nonnull(p);
    memcpy(p, text.p, text.n);
    enum err got = json_check(span_of(p, text.n), limits, e);
    free(p);
    return got;
}

#define BAD(text_, what_, offset_)                                                                                     \
    {                                                                                                                  \
        {"" text_, sizeof(text_) - 1}, what_, offset_                                                                  \
    }
static const struct {
    struct span text;
    const char *what;
    size_t offset;
} refused[] = {
    BAD("", "empty text", 0),
    BAD(" \n", "empty text", 2),
    BAD("\xef\xbb\xbf{}", "byte order mark", 0),
    BAD("{} x", "trailing bytes", 3),
    BAD("1 2", "trailing bytes", 2),
    BAD("{}\0", "NUL byte", 2),
    BAD("\0", "NUL byte", 0),
    BAD("[1,\0]", "NUL byte", 3),
    BAD("{}\x01", "trailing bytes", 2),
    BAD("\x0b[]", "value expected", 0),
    BAD("[1,]", "value expected", 3),
    BAD("[,1]", "value expected", 1),
    BAD("[1 2]", "comma or ] expected", 3),
    BAD("[1}", "comma or ] expected", 2),
    BAD("{\"a\":1]", "comma or } expected", 6),
    BAD("{\"a\":1,}", "member name expected", 7),
    BAD("{,}", "member name expected", 1),
    BAD("{a:1}", "member name expected", 1),
    BAD("{'a':1}", "member name expected", 1),
    BAD("{\"a\" 1}", "colon expected", 5),
    BAD("{\"a\":}", "value expected", 5),
    BAD("]", "value expected", 0),
    BAD("// c\n1", "value expected", 0),
    BAD("NaN", "value expected", 0),
    BAD("Infinity", "value expected", 0),
    BAD("+1", "value expected", 0),
    BAD(".5", "value expected", 0),
    BAD("01", "leading zero", 0),
    BAD("-01", "leading zero", 1),
    BAD("00", "leading zero", 0),
    BAD("[1.]", "bad number", 3),
    BAD("[-]", "bad number", 2),
    BAD("[1e]", "bad number", 3),
    BAD("[1e+]", "bad number", 4),
    BAD("[1.e1]", "bad number", 3),
    BAD("0x10", "trailing bytes", 1),
    BAD("[-Infinity]", "bad number", 2),
    BAD("nul", "bad literal", 0),
    BAD("True", "value expected", 0),
    BAD("trux", "bad literal", 0),
    BAD("truex", "trailing bytes", 4),
    BAD("[", "unexpected end", 1),
    BAD("{", "unexpected end", 1),
    BAD("{\"a\"", "unexpected end", 4),
    BAD("{\"a\":", "unexpected end", 5),
    BAD("[1", "unexpected end", 2),
    BAD("[1,", "unexpected end", 3),
    BAD("-", "unexpected end", 1),
    BAD("1e", "unexpected end", 2),
    BAD("\"abc", "unexpected end", 4),
    BAD("\"", "unexpected end", 1),
    BAD("\"abc\\", "unexpected end", 5),
    BAD("\"a\nb\"", "control character in string", 2),
    BAD("\"123456789\x1f\"", "control character in string", 10),
    BAD("\"a\0b\"", "NUL in string", 2),
    BAD("\"\\u0000\"", "NUL in string", 1),
    BAD("{\"a\\u0000b\":1}", "NUL in string", 3),
    BAD("\"\\x41\"", "bad escape", 1),
    BAD("\"\\'\"", "bad escape", 1),
    BAD("\"\\uZZZZ\"", "bad escape", 1),
    BAD("\"\\u12\"", "bad escape", 1),
    BAD("\"\\u123", "bad escape", 1),
    BAD("\"\\U0041\"", "bad escape", 1),
    BAD("\"\\ud83d\"", "lone surrogate", 1),
    BAD("\"\\ude00\"", "lone surrogate", 1),
    BAD("\"\\ud83dx\\ude00\"", "lone surrogate", 1),
    BAD("\"\\ud83d\\ud83d\"", "lone surrogate", 1),
    BAD("\"\\ud83d\\u0041\"", "lone surrogate", 1),
    BAD("\"\\ud83d\\ue000\"", "lone surrogate", 1),
    BAD("\"\\ud83d\\uZZZZ\"", "bad escape", 7),
    BAD("\"\xff\"", "invalid UTF-8", 1),
    BAD("\"\xc0\x80\"", "invalid UTF-8", 1),
    BAD("\"\xed\xa0\x80\"", "invalid UTF-8", 1),
    BAD("\"\xf4\x90\x80\x80\"", "invalid UTF-8", 1),
    BAD("\"abcdefg\xe2\x82\"", "invalid UTF-8", 8),
    BAD("\"\xe2\x82", "invalid UTF-8", 1),
    BAD("{\"\xff\":1}", "invalid UTF-8", 2),
    BAD("\xff", "value expected", 0),
    BAD("{\"a\":1,\"a\":2}", "duplicate name", 7),
    BAD("{\"\":1,\"\":2}", "duplicate name", 6),
    BAD("{\"a\":1,\"\\u0061\":2}", "duplicate name", 7),
    BAD("{\"\\u0061\":1,\"a\":2}", "duplicate name", 12),
    BAD("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate name", 18),
    BAD("{\"a/b\":1,\"a\\/b\":2}", "duplicate name", 9),
    BAD("{\"12345678\":1,\"1234567\\u0038\":2}", "duplicate name", 14),
    BAD("{\"12345678abc\":1,\"1234567\\u0038abc\":2}", "duplicate name", 17),
    BAD("[{\"x\":{\"b\":1,\"c\":{},\"b\":3}}]", "duplicate name", 20),
    BAD("{\"a\":{\"a\":[{\"a\":1}]},\"b\":1,\"a\":2}", "duplicate name", 27),
};

START_TEST(refuses_by_name_and_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct json_error e = {"nothing", 0};
        enum err got = check_copy(refused[i].text, JSON_LIMITS_DEFAULT, &e);
        ck_assert_msg(got == ERR_MALFORMED_BODY && strcmp(e.what, refused[i].what) == 0 &&
                          e.offset == refused[i].offset,
                      "%zu '%.*s': %s at %zu", i, (int)refused[i].text.n, refused[i].text.p, e.what, e.offset);
    }
}
END_TEST

static const char *const taken[] = {"null",
                                    "true",
                                    "false",
                                    "0",
                                    "-0",
                                    "12",
                                    "-1.5e+10",
                                    "1E-2",
                                    "0.0",
                                    "0e0",
                                    "123456789012345678901234567890",
                                    "1e999",
                                    "\"\"",
                                    "\"a\"",
                                    " \t\r\n[ ] ",
                                    "{}",
                                    "[[],{},\"\"]",
                                    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
                                    "\"\x7f\"",
                                    "\"\\ud83d\\ude00\"",
                                    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 and plain text behind it\"",
                                    "\"\xef\xbf\xbf\"",
                                    "\"\xef\xbb\xbf\"",
                                    "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1},\"A\":2,\"aa\":3,\"\":4}",
                                    "[{\"a\":1},{\"a\":1}]",
                                    "{\"a\\u0062\":1,\"a\":2,\"b\":3,\"a\\\\u0062\":4}",
                                    "[1,2 , 3]",
                                    "{\"x\" : [ { } , null ] }",
                                    "{\"1234567\":1,\"12345678\":2,\"123456789\":3}"};

START_TEST(takes_all_that_is_valid)
{
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        struct json_error e = {"", 0};
        enum err got = check_copy(span_str(taken[i]), JSON_LIMITS_DEFAULT, &e);
        ck_assert_msg(got == ERR_OK, "%s: %s at %zu", taken[i], e.what, e.offset);
    }
}
END_TEST

/* Every proper prefix of a text that ends in a bracket or quote is refused. */
START_TEST(no_prefix_passes)
{
    static const char text[] = "{\"id\":\"evt_1\",\"n\":[1,-2.5e3,true,null,{\"\\u00e9\":\"\xc3\xa9\"}],\"o\":{}}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct json_error e;
        ck_assert_msg(check_copy(span_of(text, n), JSON_LIMITS_DEFAULT, &e) == ERR_MALFORMED_BODY, "%zu bytes pass", n);
    }
}
END_TEST

START_TEST(limits_hold_exactly)
{
    struct json_error e;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (unsigned deep = 1; deep <= JSON_DEPTH_MAX + 1; deep++) {
        buf_clear(&b);
        for (unsigned i = 0; i < deep; i++)
            buf_puts(&b, i % 2 ? "{\"a\":" : "[");
        buf_puts(&b, "1");
        for (unsigned i = deep; i-- > 0;)
            buf_puts(&b, i % 2 ? "}" : "]");
        struct json_limits exact = {deep, 1000}, less = {deep - 1, 1000};
        ck_assert_int_eq(check_copy(buf_span(&b), exact, &e), deep <= JSON_DEPTH_MAX ? ERR_OK : ERR_MALFORMED_BODY);
        ck_assert_int_eq(check_copy(buf_span(&b), less, &e), ERR_MALFORMED_BODY);
        ck_assert_str_eq(e.what, "too deep");
    }
    buf_fini(&b);
    struct span seven = SPAN_LIT("{\"a\":[1,2],\"b\":3}");
    ck_assert_int_eq(check_copy(seven, (struct json_limits){8, 7}, &e), ERR_OK);
    ck_assert_int_eq(check_copy(seven, (struct json_limits){8, 6}, &e), ERR_MALFORMED_BODY);
    ck_assert_str_eq(e.what, "too many values");
}
END_TEST

/* More names than the small table holds, and the duplicate of each of some of them far behind. */
START_TEST(finds_duplicates_among_many_names)
{
    struct buf b;
    struct json_error e;
    buf_init(&b, 4 << 20);
    enum { NAMES = 20000 };
    for (int twice = -1; twice < NAMES; twice += twice < 0 ? 1 : 1999) {
        buf_clear(&b);
        buf_puts(&b, "[{");
        for (int i = 0; i < NAMES; i++)
            buf_printf(&b, "\"name-%d\":%d,", i, i);
        buf_printf(&b, "\"\\u006eame-%d\":0}]", twice);
        ck_assert(!b.failed);
        enum err got = check_copy(buf_span(&b), JSON_LIMITS_DEFAULT, &e);
        ck_assert_int_eq(got, twice < 0 ? ERR_OK : ERR_MALFORMED_BODY);
        if (twice >= 0)
            ck_assert_str_eq(e.what, "duplicate name");
    }
    buf_fini(&b);
}
END_TEST

START_TEST(walks_members_and_elements)
{
    struct span text = SPAN_LIT(" { \"a\" : [ 1 , \"]}\\\"\" , {\"x\":[]} ,null] , \"b\\u0063\":-1.5e3 }\n"), name,
                value;
    struct json_iter it = json_iter(text);
    ck_assert(json_next_member(&it, &name, &value));
    ck_assert_span_eq(name, "a");
    ck_assert_span_eq(value, "[ 1 , \"]}\\\"\" , {\"x\":[]} ,null]");
    struct json_iter in = json_iter(value);
    static const char *const elements[] = {"1", "\"]}\\\"\"", "{\"x\":[]}", "null"};
    static const enum json_type types[] = {JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_NULL};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(json_next_element(&in, &value));
        ck_assert_span_eq(value, elements[i]);
        ck_assert_int_eq(json_type_of(value), types[i]);
    }
    ck_assert(!json_next_element(&in, &value));
    ck_assert(json_next_member(&it, &name, &value));
    ck_assert_span_eq(name, "b\\u0063");
    ck_assert_span_eq(value, "-1.5e3");
    ck_assert(!json_next_member(&it, &name, &value));
    ck_assert_span_eq(json_member(text, "bc"), "-1.5e3");
    ck_assert_ptr_null(json_member(text, "b").p);
    ck_assert_ptr_null(json_member(SPAN_LIT("[\"a\",1]"), "a").p);
    it = json_iter(SPAN_LIT("[\"\\\\\",\"\\\\\\\"\",\"\"]"));
    static const char *const backslashes[] = {"\"\\\\\"", "\"\\\\\\\"\"", "\"\""};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(json_next_element(&it, &value));
        ck_assert_span_eq(value, backslashes[i]);
    }
    it = json_iter(SPAN_LIT("{}"));
    ck_assert(!json_next_member(&it, &name, &value));
    it = json_iter(SPAN_LIT("5"));
    ck_assert(!json_next_element(&it, &value));
}
END_TEST

/* RFC 6901 section 5, and what leads nowhere. */
START_TEST(follows_pointers)
{
    struct span text =
        SPAN_LIT("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
                 "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"o\\u007ep\":{\"q\":9}}");
    static const struct {
        const char *pointer, *value;
    } cases[] = {{"/foo", "[\"bar\",\"baz\"]"},
                 {"/foo/0", "\"bar\""},
                 {"/foo/1", "\"baz\""},
                 {"/", "0"},
                 {"/a~1b", "1"},
                 {"/c%d", "2"},
                 {"/e^f", "3"},
                 {"/g|h", "4"},
                 {"/i\\j", "5"},
                 {"/k\"l", "6"},
                 {"/ ", "7"},
                 {"/m~0n", "8"},
                 {"/o~0p/q", "9"},
                 {"/foo/2", NULL},
                 {"/foo/-", NULL},
                 {"/foo/01", NULL},
                 {"/foo/0/x", NULL},
                 {"/foo/", NULL},
                 {"/foo/4294967296", NULL},
                 {"/nope", NULL},
                 {"foo", NULL},
                 {"/m~2n", NULL},
                 {"/m~", NULL},
                 {"/foo/bar", NULL},
                 {"//", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span got = json_pointer(text, span_str(cases[i].pointer));
        ck_assert_msg(cases[i].value ? span_eq_str(got, cases[i].value) : !got.p, "%s gave %.*s", cases[i].pointer,
                      (int)got.n, got.p ? got.p : "nothing");
    }
    ck_assert_span_eq(json_pointer(SPAN_LIT(" [1] "), SPAN_LIT("")), "[1]");
    ck_assert(json_pointer_valid(SPAN_LIT("")) && json_pointer_valid(SPAN_LIT("/a~0~1")));
    ck_assert(!json_pointer_valid(SPAN_LIT("a")) && !json_pointer_valid(SPAN_LIT("/~")) &&
              !json_pointer_valid(SPAN_LIT("/~2")));
}
END_TEST

START_TEST(unescapes_exactly)
{
    struct buf b;
    buf_init(&b, 64);
    ck_assert_int_eq(json_unescape(SPAN_LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00x\""), &b),
                     ERR_OK);
    ck_assert_span_eq(buf_span(&b), "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x");
    buf_clear(&b);
    ck_assert_int_eq(json_unescape(SPAN_LIT("12"), &b), ERR_INVALID);
    ck_assert_int_eq(json_unescape(SPAN_LIT("\""), &b), ERR_INVALID);
    ck_assert_int_eq(json_unescape(SPAN_NONE, &b), ERR_INVALID);
    ck_assert_int_eq(json_scalar_text(SPAN_LIT(" 9007199254740993 "), &b), ERR_OK);
    ck_assert_span_eq(buf_span(&b), "9007199254740993");
    ck_assert_int_eq(json_scalar_text(SPAN_LIT("[1]"), &b), ERR_INVALID);
    ck_assert_int_eq(json_scalar_text(SPAN_LIT(""), &b), ERR_INVALID);
    buf_fini(&b);
    buf_init(&b, 3);
    ck_assert_int_eq(json_unescape(SPAN_LIT("\"abcd\""), &b), ERR_NO_ROOM);
    buf_fini(&b);
    ck_assert_span_eq(json_plain_string(SPAN_LIT("\"abc\"")), "abc");
    ck_assert_ptr_null(json_plain_string(SPAN_LIT("\"a\\n\"")).p);
    ck_assert_ptr_null(json_plain_string(SPAN_LIT("1")).p);
}
END_TEST

START_TEST(integers_fit_or_are_refused)
{
    int64_t v = 7;
    ck_assert(json_int(SPAN_LIT("9223372036854775807"), &v) == ERR_OK && v == INT64_MAX);
    ck_assert(json_int(SPAN_LIT("-9223372036854775808"), &v) == ERR_OK && v == INT64_MIN);
    ck_assert(json_int(SPAN_LIT("-0"), &v) == ERR_OK && v == 0);
    static const char *const bad[] = {
        "9223372036854775808", "-9223372036854775809", "1.0", "1e3", "\"1\"", "", "-", "true"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(json_int(span_str(bad[i]), &v) == ERR_INVALID && v == 0, "%s", bad[i]);
}
END_TEST

/* What buf_put_json_string writes, the scanner takes and json_unescape gives back: every code point. */
START_TEST(writing_and_reading_agree)
{
    struct buf out, back;
    struct json_error e;
    buf_init(&out, 64);
    buf_init(&back, 64);
    for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x1000 ? 1 : 61) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        char escape[24], raw[8] = {0};
        if (c < 0x10000)
            snprintf(escape, sizeof escape, "\"\\u%04x\"", c);
        else
            snprintf(escape, sizeof escape, "\"\\u%04X\\u%04X\"", 0xd800 + ((c - 0x10000) >> 10),
                     0xdc00 + ((c - 0x10000) & 0x3ff));
        buf_clear(&back);
        ck_assert_int_eq(json_unescape(span_str(escape), &back), ERR_OK);
        memcpy(raw, back.p, back.n);
        buf_clear(&out);
        buf_put_json_string(&out, buf_span(&back));
        ck_assert_int_eq(check_copy(buf_span(&out), JSON_LIMITS_DEFAULT, &e), ERR_OK);
        buf_clear(&back);
        ck_assert_int_eq(json_unescape(buf_span(&out), &back), ERR_OK);
        ck_assert_span_eq(buf_span(&back), raw);
    }
    buf_fini(&out);
    buf_fini(&back);
}
END_TEST

/* ---- mutation ---- */

static uint64_t random_state = 42;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % n);
}

/* Visit everything below value, iteratively enough for texts of this size. */
static unsigned walk(struct span value, unsigned depth)
{
    unsigned n = 1;
    struct span name, v;
    struct json_iter it = json_iter(value);
    if (depth > 8)
        return n;
    if (json_type_of(value) == JSON_OBJECT)
        while (json_next_member(&it, &name, &v))
            n += walk(v, depth + 1);
    else
        while (json_next_element(&it, &v))
            n += walk(v, depth + 1);
    return n;
}

static void use_everything(struct span text)
{
    static const char *const pointers[] = {"", "/", "/a/0/b", "/x/1", "/data/object/id", "/a~1b"};
    struct buf b;
    int64_t v;
    buf_init(&b, 256);
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        struct span got = json_pointer(text, span_str(pointers[i]));
        if (!got.p)
            continue;
        ck_assert(got.p >= text.p && got.n <= text.n);
        buf_clear(&b);
        (void)json_scalar_text(got, &b);
        (void)json_int(got, &v);
        (void)json_plain_string(got);
    }
    ck_assert_uint_le(walk(text, 0), 2 * text.n + 2);
    buf_clear(&b);
    (void)json_unescape(text, &b);
    buf_fini(&b);
}

START_TEST(mutations_stay_inside)
{
    static const char *const seeds[] = {"{\"id\":\"evt_1\",\"data\":{\"object\":{\"id\":\"x\\u00e9\\ud83d\\ude00\"}},"
                                        "\"a\":[{\"b\":1},2,true],\"x\":[1,\"\\\"\"]}",
                                        "[{\"a\":1,\"\\u0062\":[]},[[[[]]]],-1.5e10,\"\xc3\xa9\xf0\x9f\x98\x80\",null]",
                                        "\"\\u0041\\n\\\\\"", "{\"a\":[{\"b\":\"c\"}],\"a/b\":0,\"\":{}}"};
    static const char bytes[] = "{}[]\",:\\u0dD8cb1-.eE tfn\n\x01\xff\xc3\x80\xed";
    int rounds = suite_rounds(100000), passed = 0;
    for (int i = 0; i < rounds; i++) {
        const char *seed = seeds[random_below(sizeof seeds / sizeof seeds[0])];
        size_t n = strlen(seed);
        char *p = malloc(n + 1);
        ck_assert_ptr_nonnull(p);
        memcpy(p, seed, n);
        for (uint32_t k = random_below(4); k-- > 0;)
            p[random_below((uint32_t)n)] = bytes[random_below(sizeof bytes)];
        if (random_below(3) == 0)
            n = random_below((uint32_t)n) + 1;
        char *exact = malloc(n);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, p, n);
        free(p);
        struct json_error e;
        struct span text = span_of(exact, n);
        if (json_check(text, JSON_LIMITS_DEFAULT, &e) == ERR_OK)
            passed++;
        else
            ck_assert_uint_le(e.offset, n);
        use_everything(text);
        free(exact);
    }
    ck_assert_int_gt(passed, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, refuses_by_name_and_place);
    tcase_add_test(t, takes_all_that_is_valid);
    tcase_add_test(t, no_prefix_passes);
    tcase_add_test(t, limits_hold_exactly);
    tcase_add_test(t, finds_duplicates_among_many_names);
    tcase_add_test(t, walks_members_and_elements);
    tcase_add_test(t, follows_pointers);
    tcase_add_test(t, unescapes_exactly);
    tcase_add_test(t, integers_fit_or_are_refused);
    tcase_add_test(t, writing_and_reading_agree);
    tcase_add_test(t, mutations_stay_inside);
    suite_add_tcase(s, t);
    return suite_run(s);
}
