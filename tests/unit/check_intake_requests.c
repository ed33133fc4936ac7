/* SPDX-License-Identifier: MIT
 * check_intake_requests: a running intake, asked by a FastCGI client: what it accepts, what it refuses and how it says
 * so.
 */
#include "door.h"

#include <unistd.h>

/* --- accepted --- */

START_TEST(accepts_and_recognises)
{
    struct answer first = call_shop("msg_1", ORDER), second = call_shop("msg_1", ORDER);
    ck_assert_int_eq(first.status, 202);
    assert_has(answer_body(&first), "\"status\":\"accepted\",\"durability\":\"synced\"");
    ck_assert_span_eq(answer_header(&first, "Content-Type"), "application/json");
    ck_assert_uint_eq(answer_header(&first, "Creel-Event-Id").n, 26);
    ck_assert_uint_eq(answer_header(&first, "Creel-Request-Id").n, 26);
    ck_assert_int_eq(second.status, 200);
    assert_has(answer_body(&second), "\"status\":\"duplicate\"");
    ck_assert(span_eq(answer_header(&first, "Creel-Event-Id"), answer_header(&second, "Creel-Event-Id")));
    ck_assert(!span_eq(answer_header(&first, "Creel-Request-Id"), answer_header(&second, "Creel-Request-Id")));
    ck_assert_int_eq(journal_lines(&stage, "\"msg_1\""), 1);
    ck_assert_int_eq(journal_lines(&stage, "\"order_key\":\"7\""), 1);
    ck_assert_int_eq(counter(STAT_accepted_total), 1);
    ck_assert_int_eq(counter(STAT_duplicates_total), 1);
    answer_fini(&first);
    answer_fini(&second);
}
END_TEST

START_TEST(unsigned_source_by_path)
{
    static const char *const id[] = {"HTTP_X_ID", "42", NULL};
    struct answer a;
    struct call c = {
        .method = "PUT", .uri = "/open/thing.made?token=1", .headers = id, .body = SPAN_LIT("any \0 bytes \xff")};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    assert_has(answer_body(&a), "\"durability\":\"written\"");
    answer_fini(&a);
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 200);
    answer_fini(&a);
    ck_assert_int_eq(journal_lines(&stage, "\"thing.made\""), 1);
    ck_assert_int_eq(journal_lines(&stage, "token"), 0);
}
END_TEST

START_TEST(without_an_id_the_body_decides)
{
    struct answer a;
    struct call c = {.uri = "/open/a", .body = SPAN_LIT("one")};
    static const int want[] = {202, 200, 202};
    for (int i = 0; i < 3; i++) {
        c.body = i == 2 ? SPAN_LIT("two") : c.body;
        stage_call(&stage, &c, &a);
        ck_assert_int_eq(a.status, want[i]);
        answer_fini(&a);
    }
}
END_TEST

START_TEST(lengths_that_say_nothing_or_two_things)
{
    static const char *const lengths[] = {"", "-1", "12345678901234567890123", "x", "-6", "+6", " 6", "6 ", "6,6", "0x6", "6e0"};
    static const int want[] = {202, 202, 413, 400, 400, 400, 400, 400, 400, 400, 400};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char body[16];
        struct answer a;
        snprintf(body, sizeof body, "body %zu", i);
        struct call c = {.uri = "/open/a", .length = lengths[i], .body = span_str(body)};
        stage_call(&stage, &c, &a);
        ck_assert_int_eq(a.status, want[i]);
        answer_fini(&a);
    }
}
END_TEST

START_TEST(empty_body)
{
    struct answer a;
    struct call c = {.uri = "/open/a"};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    ck_assert_int_eq(journal_lines(&stage, "\"body\":\"\""), 1);
}
END_TEST

START_TEST(credentials_stay_outside)
{
    static const char *const headers[] = {"HTTP_AUTHORIZATION", "Bearer s3cr3t", "HTTP_COOKIE", "s3cr3t=1",
                                          "HTTP_X_PLAIN",       "seen",          NULL};
    struct answer a;
    struct call c = {.uri = "/open/a", .headers = headers, .body = SPAN_LIT("b")};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    ck_assert_int_eq(journal_lines(&stage, "s3cr3t"), 0);
    ck_assert_int_eq(journal_lines(&stage, "[\"authorization\",\"\xe2\x80\xa6\"]"), 1);
    ck_assert_int_eq(journal_lines(&stage, "[\"x-plain\",\"seen\"]"), 1);
}
END_TEST

START_TEST(answers_of_the_source)
{
    struct answer a;
    struct call c = {.uri = "/mild", .body = SPAN_LIT("b")};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_span_eq(answer_body(&a), "thanks");
    ck_assert_span_eq(answer_header(&a, "Content-Type"), "text/plain");
    ck_assert_uint_eq(answer_header(&a, "Creel-Event-Id").n, 26);
    answer_fini(&a);
    c.content_type = "application/json";
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 200);
    assert_has(answer_body(&a), "\"code\":\"malformed-body\"");
    answer_fini(&a);
}
END_TEST

START_TEST(many_at_once)
{
    enum { COPIES = 64 };
    int fds[COPIES], accepted = 0, duplicates = 0;
    struct call c = shop("msg_64", ORDER);
    struct buf b;
    struct span first = SPAN_NONE;
    struct answer answers[COPIES];
    buf_init(&b, 1 << 20);
    put_call(&b, &c);
    for (int i = 0; i < COPIES; i++) {
        fds[i] = stage_connect(&stage);
        send_all(fds[i], span_of(b.p, b.n - 1));
    }
    for (int i = 0; i < COPIES; i++)
        send_all(fds[i], span_of(b.p + b.n - 1, 1));
    for (int i = 0; i < COPIES; i++) {
        read_answer(fds[i], &answers[i]);
        close(fds[i]);
        accepted += answers[i].status == 202;
        duplicates += answers[i].status == 200;
        struct span id = answer_header(&answers[i], "Creel-Event-Id");
        first = first.p ? first : id;
        ck_assert(span_eq(first, id));
    }
    ck_assert_int_eq(accepted, 1);
    ck_assert_int_eq(duplicates, COPIES - 1);
    ck_assert_int_eq(journal_lines(&stage, "\"msg_64\""), 1);
    for (int i = 0; i < COPIES; i++)
        answer_fini(&answers[i]);
    buf_fini(&b);
}
END_TEST

/* --- refused --- */

static const struct {
    const char *method, *uri, *content_type, *length;
    int status;
    const char *code;
} plain_refusals[] = {
    {"GET", "/nowhere", NULL, NULL, 404, "no-such-source"},
    {"POST", "/", NULL, NULL, 404, "no-such-source"},
    {"POST", "/hooks/shop/", NULL, NULL, 404, "no-such-source"},
    {"POST", "/hooks/shop/below", NULL, NULL, 404, "no-such-source"},
    {"POST", "/hooks/Shop", NULL, NULL, 404, "no-such-source"},
    {"HEAD", "/nowhere", NULL, NULL, 404, "no-such-source"},
    {"GET", "/hooks/shop", NULL, NULL, 405, "method-not-allowed"},
    {"HEAD", "/hooks/shop", NULL, NULL, 405, "method-not-allowed"},
    {"post", "/hooks/shop", NULL, NULL, 405, "method-not-allowed"},
    {"DELETE", "/open/x", NULL, NULL, 405, "method-not-allowed"},
    {"POST", "/hooks//shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "//hooks/shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/../hooks/shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop/..", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/./shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/%2e%2e/shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks%2Fshop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop%00", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop%0a", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop%4", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop%zz", NULL, NULL, 400, "malformed-request"},
    {"POST", "hooks/shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "*", NULL, NULL, 400, "malformed-request"},
    {"POST", "", NULL, NULL, 400, "malformed-request"},
    {"", "/hooks/shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop", NULL, NULL, 415, "unsupported-media-type"},
    {"POST", "/hooks/shop", "text/plain", NULL, 415, "unsupported-media-type"},
    {"POST", "/hooks/shop", "application/jsonx", NULL, 415, "unsupported-media-type"},
    {"POST", "/hooks/shop", "application/json", "65537", 413, "body-too-large"},
    {"POST", "/hooks/shop", "application/json", "99999999999999999999", 413, "body-too-large"},
    {"POST", "/hooks/shop", "application/json", NULL, 401, "signature-missing"},
    {"POST", "/hooks/%73hop", "APPLICATION/JSON ; x=y", NULL, 401, "signature-missing"},
    {"POST", "http://hooks.example.com/hooks/shop", "application/json", NULL, 401, "signature-missing"},
    {"POST", "HTTPS://hooks.example.com:443/hooks/shop?x", "application/json", NULL, 401, "signature-missing"},
    {"POST", "http://hooks.example.com", NULL, NULL, 400, "malformed-request"},
    {"POST", "ftp://hooks.example.com/hooks/shop", NULL, NULL, 400, "malformed-request"},
    {"POST", "/hooks/shop?x=//..%00", "application/json", NULL, 401, "signature-missing"},
    {"POST", "/open", NULL, NULL, 400, "event-type-missing"},
    {"POST", "/open/a%20b", NULL, NULL, 400, "event-type-missing"},
};

START_TEST(refuses_plainly)
{
    size_t n = sizeof plain_refusals / sizeof plain_refusals[0];
    for (size_t i = 0; i < n; i++) {
        struct call c = {.method = plain_refusals[i].method,
                         .uri = plain_refusals[i].uri,
                         .content_type = plain_refusals[i].content_type,
                         .length = plain_refusals[i].length};
        assert_problem(&c, plain_refusals[i].status, plain_refusals[i].code);
    }
    ck_assert_int_eq(counter(STAT_refused_total), (int)n);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\""), (int)n);
    ck_assert_int_eq(spool_lines(&stage, "rejected",
                                 "\"source\":\"shop\",\"type\":null,\"method\":\"GET\",\"remote\":\"192.0.2.7\","
                                 "\"step\":\"admit\",\"code\":\"method-not-allowed\",\"status\":405"),
                     1);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "nowhere"), 0); /* a path to no source may hold anything */
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"url\":\"/hooks/%73hop\""), 1);
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 0);
}
END_TEST

static const struct {
    struct span body;
    int status;
    const char *code;
} signed_refusals[] = {
    {{"{\"type\":\"order.paid\"", 20}, 400, "malformed-body"},
    {{"{\"type\":\"order.paid\"}\0", 22}, 400, "malformed-body"},
    {{"{\"type\":\"order\\u0000paid\"}", 26}, 400, "malformed-body"},
    {{"{\"type\":\"order.paid\",\"type\":\"x\"}", 32}, 400, "malformed-body"},
    {{"\xef\xbb\xbf{}", 5}, 400, "malformed-body"},
    {{"", 0}, 400, "malformed-body"},
    {{"{}", 2}, 400, "event-type-missing"},
    {{"{\"type\":null}", 13}, 400, "event-type-missing"},
    {{"{\"type\":{}}", 11}, 400, "event-type-missing"},
    {{"{\"type\":\"\"}", 11}, 400, "event-type-missing"},
    {{"{\"type\":\"order paid\"}", 21}, 400, "event-type-missing"},
    {{"{\"type\":\"order.\xc3\xa9\"}", 19}, 400, "event-type-missing"},
    {{"{\"type\":\"user.made\"}", 20}, 403, "event-type-not-allowed"},
    {{"{\"type\":7}", 10}, 403, "event-type-not-allowed"},
};

START_TEST(refuses_signed_bodies)
{
    for (size_t i = 0; i < sizeof signed_refusals / sizeof signed_refusals[0]; i++) {
        struct call c = shop("msg_bad", signed_refusals[i].body);
        assert_problem(&c, signed_refusals[i].status, signed_refusals[i].code);
    }
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 0);
}
END_TEST

START_TEST(refuses_types_of_its_own)
{
    struct answer a;
    struct call c = shop("msg_bad", SPAN_LIT("{\"type\":\"creel.fetch\"}"));
    stage_call(&stage, &c, &a);
    struct span body = answer_body(&a);
    ck_assert_int_eq(a.status, 403);
    ck_assert_ptr_nonnull(memmem(body.p, body.n, "this server's own", 17)); /* whatever the source may raise */
    answer_fini(&a);
}
END_TEST

START_TEST(refuses_wrong_signatures)
{
    struct call c = shop("msg_1", ORDER);
    c.body = SPAN_LIT("{\"type\":\"order.paid\",\"data\":{\"id\":8}}");
    assert_problem(&c, 401, "signature-invalid");
    c = shop("msg_1", ORDER);
    c.headers = signed_headers("msg_1", time(NULL) - 301, ORDER);
    assert_problem(&c, 401, "timestamp-out-of-tolerance");
    c.headers = signed_headers("msg_1", time(NULL) + 310, ORDER);
    assert_problem(&c, 401, "timestamp-out-of-tolerance");
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 0);
}
END_TEST

START_TEST(refuses_repeated_headers)
{
    static const char *const twice[] = {"HTTP_X_A", "1", "HTTP_X_B", "2", "HTTP_X_A", "1", NULL};
    static const char *const method[] = {"REQUEST_METHOD", "GET", NULL};
    struct call c = {.uri = "/open/a", .headers = twice};
    assert_problem(&c, 400, "malformed-request");
    c.headers = method;
    assert_problem(&c, 400, "malformed-request");
}
END_TEST

START_TEST(a_repeat_that_the_recipe_allows)
{
    struct call c = shop("msg_1", ORDER);
    const char *const headers[] = {c.headers[0], c.headers[1], c.headers[2], c.headers[3], "HTTP_WEBHOOK_SIGNATURE",
                                   "v1,AAAA",    c.headers[4], c.headers[5], NULL};
    struct answer a;
    c.headers = headers;
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
}
END_TEST

START_TEST(refuses_lengths_that_lie)
{
    struct call c = {.uri = "/open/a", .length = "4", .body = SPAN_LIT("abc")};
    assert_problem(&c, 400, "malformed-request");
    c.length = "2";
    assert_problem(&c, 400, "malformed-request");
    c.length = "0";
    assert_problem(&c, 400, "malformed-request");
}
END_TEST

START_TEST(nul_in_a_parameter)
{
    struct buf b;
    struct answer a;
    int fd = stage_connect(&stage);
    buf_init(&b, 1 << 16);
    put_begin(&b, 1, false);
    put_record(&b, 4, 1, SPAN_LIT("\16\4REQUEST_METHODPOST\13\7REQUEST_URI/open/a\3\3X_YA\0B"), 0);
    put_record(&b, 4, 1, SPAN_LIT(""), 0);
    put_record(&b, 5, 1, SPAN_LIT(""), 0);
    send_all(fd, buf_span(&b));
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 400);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("requests");
    TCase *t = tcase_create("requests");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, accepts_and_recognises);
    tcase_add_test(t, unsigned_source_by_path);
    tcase_add_test(t, without_an_id_the_body_decides);
    tcase_add_test(t, lengths_that_say_nothing_or_two_things);
    tcase_add_test(t, empty_body);
    tcase_add_test(t, credentials_stay_outside);
    tcase_add_test(t, answers_of_the_source);
    tcase_add_test(t, many_at_once);
    tcase_add_test(t, refuses_plainly);
    tcase_add_test(t, refuses_signed_bodies);
    tcase_add_test(t, refuses_types_of_its_own);
    tcase_add_test(t, refuses_wrong_signatures);
    tcase_add_test(t, refuses_repeated_headers);
    tcase_add_test(t, a_repeat_that_the_recipe_allows);
    tcase_add_test(t, refuses_lengths_that_lie);
    tcase_add_test(t, nul_in_a_parameter);
    suite_add_tcase(s, t);
    return suite_run(s);
}
