/* SPDX-License-Identifier: MIT
 * check_screen: the record screen alone: good requests in pieces of every size, and each thing that no web server
 * sends.
 */
#include "stage.h"

#include "intake/screen.h"

static struct buf b;

static void setup(void)
{
    buf_init(&b, 4 << 20);
}

static void teardown(void)
{
    buf_fini(&b);
}

/* Feed all of b in pieces; stops at the first HOSTILE or ABORT. Counts what was said. */
struct said {
    enum screen_verdict last;
    int heads, ends;
    size_t body;
    const char *why;
};

static struct said feed(size_t piece)
{
    struct screen s;
    struct said said = {.why = ""};
    size_t at = 0;
    screen_reset(&s);
    while (at < b.n && said.last != SCREEN_HOSTILE && said.last != SCREEN_ABORT) {
        size_t used, body, n = b.n - at < piece ? b.n - at : piece;
        said.last = screen_feed(&s, span_of(b.p + at, n), &used, &body, &said.why);
        ck_assert_uint_le(used, n);
        ck_assert(used > 0);
        at += used;
        said.body += body;
        said.heads += said.last == SCREEN_HEAD;
        said.ends += said.last == SCREEN_END;
        if (said.last == SCREEN_END)
            screen_reset(&s);
    }
    return said;
}

static void put_params(struct span pairs)
{
    put_record(&b, 4, 1, pairs, 0);
}

static void assert_hostile(const char *why)
{
    struct said whole = feed(1 << 20), bytes = feed(1);
    ck_assert_msg(whole.last == SCREEN_HOSTILE, "%s is not hostile", why);
    ck_assert_str_eq(whole.why, why);
    ck_assert_int_eq(bytes.last, SCREEN_HOSTILE);
    ck_assert_str_eq(bytes.why, why);
}

START_TEST(pieces_of_every_size)
{
    static char body[70000];
    static const char *const headers[] = {"HTTP_X_ONE", "1", "HTTP_X_LONG",
                                          "a value that is a good deal longer than one hundred and twenty-seven bytes, "
                                          "so that its length is written in four bytes and not one",
                                          NULL};
    struct call c = {.uri = "/x", .body = span_of(body, sizeof body), .headers = headers};
    put_call(&b, &c);
    c.body = SPAN_LIT("");
    put_call(&b, &c);
    for (size_t piece = 1; piece < 400; piece += piece < 40 ? 1 : 37) {
        struct said s = feed(piece);
        ck_assert_int_eq(s.heads, 2);
        ck_assert_int_eq(s.ends, 2);
        ck_assert_uint_eq(s.body, sizeof body);
        ck_assert_int_eq(s.last, SCREEN_END);
    }
}
END_TEST

START_TEST(abort_is_no_hostility)
{
    put_begin(&b, 1, true);
    put_record(&b, 2, 1, SPAN_LIT(""), 0);
    ck_assert_int_eq(feed(1).last, SCREEN_ABORT);
}
END_TEST

/* Only what was answered may be followed by another request before its end. */
START_TEST(begins_anew_once_answered)
{
    struct call c = {.uri = "/x", .body = SPAN_LIT("body")};
    size_t used, body, at = 0;
    const char *why;
    struct screen s;
    put_call(&b, &c);
    b.n -= 8;
    size_t first = b.n;
    put_call(&b, &c);
    assert_hostile("record out of order");
    screen_reset(&s);
    ck_assert_int_eq(screen_feed(&s, buf_span(&b), &used, &body, &why), SCREEN_HEAD);
    screen_answered(&s);
    at = used;
    ck_assert_int_eq(screen_feed(&s, span_of(b.p + at, first + 3 - at), &used, &body, &why), SCREEN_MORE);
    ck_assert_uint_eq(screen_header_bytes(&s), 3);
    at += used;
    ck_assert_int_eq(screen_feed(&s, span_of(b.p + at, b.n - at), &used, &body, &why), SCREEN_NEXT);
    ck_assert_uint_eq(at + used, first + 8);
    ck_assert_uint_eq(screen_header_bytes(&s), 8);
    at += used;
    ck_assert_int_eq(screen_feed(&s, span_of(b.p + at, b.n - at), &used, &body, &why), SCREEN_HEAD);
    at += used;
    ck_assert_int_eq(screen_feed(&s, span_of(b.p + at, b.n - at), &used, &body, &why), SCREEN_END);
    ck_assert_uint_eq(body, 4);
    ck_assert_uint_eq(at + used, b.n);
}
END_TEST

START_TEST(padding_between_records)
{
    put_begin(&b, 9, false);
    put_record(&b, 4, 9, SPAN_LIT("\1\1AB"), 255);
    put_record(&b, 4, 9, SPAN_LIT(""), 0);
    put_record(&b, 5, 9, SPAN_LIT("body"), 4);
    put_record(&b, 5, 9, SPAN_LIT(""), 7);
    struct said s = feed(3);
    ck_assert_int_eq(s.ends, 1);
    ck_assert_uint_eq(s.body, 4);
}
END_TEST

/* --- hostile: record level --- */

static void raw(const char *bytes, size_t n)
{
    buf_put(&b, bytes, n);
}

START_TEST(hostile_records)
{
    static const struct {
        const char *why;
        struct span bytes;
        bool begun;
    } cases[] = {
        {"record of an unknown version", {"\0\1\0\1\0\10\0\0", 8}, false},
        {"record of an unknown version", {"\2\4\0\1\0\10\0\0", 8}, true},
        {"management record", {"\1\11\0\0\0\10\0\0", 8}, false},
        {"management record", {"\1\11\0\0\0\10\0\0", 8}, true},
        {"record outside a request", {"\1\4\0\1\0\0\0\0", 8}, false},
        {"record outside a request", {"\1\5\0\1\0\0\0\0", 8}, false},
        {"record outside a request", {"\1\2\0\1\0\0\0\0", 8}, false},
        {"BEGIN_REQUEST of a wrong size", {"\1\1\0\1\0\7\0\0", 8}, false},
        {"BEGIN_REQUEST of a wrong size", {"\1\1\0\1\0\10\1\0", 8}, false},
        {"role other than responder", {"\1\1\0\1\0\10\0\0\0\2\0\0\0\0\0\0", 16}, false},
        {"role other than responder", {"\1\1\0\1\0\10\0\0\0\0\0\0\0\0\0\0", 16}, false},
        {"role other than responder", {"\1\1\0\1\0\10\0\0\1\1\0\0\0\0\0\0", 16}, false},
        {"second request inside the first", {"\1\1\0\2\0\10\0\0", 8}, true},
        {"second request inside the first", {"\1\4\0\2\0\0\0\0", 8}, true},
        {"record out of order", {"\1\1\0\1\0\10\0\0", 8}, true},
        {"record out of order", {"\1\5\0\1\0\0\0\0", 8}, true},
        {"record out of order", {"\1\10\0\1\0\0\0\0", 8}, true},
        {"record out of order", {"\1\377\0\1\0\0\0\0", 8}, true},
        {"padded end of the parameters", {"\1\4\0\1\0\0\1\0", 8}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_clear(&b);
        if (cases[i].begun)
            put_begin(&b, 1, true);
        raw(cases[i].bytes.p, cases[i].bytes.n);
        assert_hostile(cases[i].why);
    }
}
END_TEST

START_TEST(data_after_the_body_began)
{
    struct call c = {.uri = "/x"};
    put_call(&b, &c);
    b.n -= 8; /* without the end of the body */
    put_record(&b, 4, 1, SPAN_LIT("\1\1AB"), 0);
    assert_hostile("record out of order");
}
END_TEST

/* --- hostile: parameters --- */

START_TEST(hostile_lengths)
{
    static const struct {
        const char *why;
        struct span pairs;
    } cases[] = {
        {"parameter longer than the limit", {"\377\377\377\377\1", 5}},
        {"parameter longer than the limit", {"\377\377\377\376\377\377\377\376AAAA", 12}},
        {"parameter longer than the limit", {"\300\0\0\0\1", 5}},
        {"parameter longer than the limit", {"\1\200\2\0\1A", 6}},
        {"parameter name of a wrong size", {"\0\1A", 3}},
        {"parameter name of a wrong size", {"\200\0\0\0\1A", 6}},
        {"parameter name of a wrong size", {"\200\0\40\1\0", 5}},
        {"parameters end inside a pair", {"\1", 1}},
        {"parameters end inside a pair", {"\1\2AB", 4}},
        {"parameters end inside a pair", {"\200\0", 2}},
        {"parameters end inside a pair", {"\1\200\0\0", 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_clear(&b);
        put_begin(&b, 1, true);
        put_params(cases[i].pairs);
        put_params(SPAN_LIT(""));
        assert_hostile(cases[i].why);
    }
}
END_TEST

START_TEST(too_many_parameters)
{
    put_begin(&b, 1, true);
    for (int i = 0; i < SCREEN_PARAMS_MAX; i++)
        put_params(SPAN_LIT("\1\0A"));
    ck_assert_int_eq(feed(1000).last, SCREEN_MORE);
    put_params(SPAN_LIT("\1\0A"));
    assert_hostile("too many parameters");
}
END_TEST

START_TEST(too_much_parameters)
{
    static char value[60000 + 9];
    memcpy(value, "\1\200\0\352\140A", 6); /* a name of 1, a value of 60,000 */
    put_begin(&b, 1, true);
    put_params(span_of(value, 6 + 60000));
    put_params(span_of(value, 6 + 60000));
    ck_assert_int_eq(feed(1000).last, SCREEN_MORE);
    put_params(span_of(value, 6 + 60000));
    assert_hostile("parameters larger than the limit");
}
END_TEST

START_TEST(padding_counts)
{
    put_begin(&b, 1, true);
    for (int i = 0; i < 1020; i++)
        put_record(&b, 4, 1, SPAN_LIT("\1\0A"), 255);
    assert_hostile("parameters padded beyond the limit");
}
END_TEST

START_TEST(nul_is_noticed)
{
    struct screen s;
    size_t used, body;
    const char *why;
    screen_reset(&s);
    put_begin(&b, 1, true);
    put_params(SPAN_LIT("\1\2A\0B"));
    put_params(SPAN_LIT(""));
    ck_assert_int_eq(screen_feed(&s, buf_span(&b), &used, &body, &why), SCREEN_HEAD);
    ck_assert(s.nul);
}
END_TEST

/* Any bytes: no crash, no endless loop, and what is not hostile stays within the limits. */
START_TEST(mutations)
{
    struct call c = {.uri = "/x", .body = SPAN_LIT("0123456789")};
    unsigned seed = 1;
    put_call(&b, &c);
    for (int i = 0; i < suite_rounds(20000); i++) {
        seed = seed * 1103515245 + 12345;
        size_t at = (seed >> 8) % b.n;
        char before = b.p[at];
        b.p[at] = (char)(seed >> 20);
        (void)feed(1 + seed % 50);
        b.p[at] = before;
    }
    ck_assert_int_eq(feed(7).ends, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("screen");
    TCase *t = tcase_create("screen");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, pieces_of_every_size);
    tcase_add_test(t, abort_is_no_hostility);
    tcase_add_test(t, begins_anew_once_answered);
    tcase_add_test(t, padding_between_records);
    tcase_add_test(t, hostile_records);
    tcase_add_test(t, data_after_the_body_began);
    tcase_add_test(t, hostile_lengths);
    tcase_add_test(t, too_many_parameters);
    tcase_add_test(t, too_much_parameters);
    tcase_add_test(t, padding_counts);
    tcase_add_test(t, nul_is_noticed);
    tcase_add_test(t, mutations);
    suite_add_tcase(s, t);
    return suite_run(s);
}
