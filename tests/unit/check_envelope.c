/* SPDX-License-Identifier: MIT
 * check_envelope: CloudEvents, forms and who asks for leave to send, through the whole door.
 */
#include "stage.h"

#include <stdio.h>

static struct stage stage;

#define OPEN(name, more)                                                                                               \
    "\"" name "\":{\"path\":\"/" name "\",\"recipe\":\"none\",\"allow_unsigned\":true" more "}"

static const char sources[] =
    OPEN("cloud", ",\"envelope\":\"cloudevents\",\"order_key\":\"json:/customer\",\"version\":\"header:ce-dataversion\"") ","
    OPEN("own", ",\"envelope\":\"cloudevents\",\"event_id\":\"json:/n\",\"type\":\"const:own\"") ","
    OPEN("detect", ",\"envelope\":\"detect\",\"type\":[\"header:ce-type\",\"json:/kind\"]") ","
    OPEN("form", ",\"type\":\"form:event\",\"event_id\":\"form:id\"") ","
    OPEN("asked", ",\"type\":\"const:t\",\"webhook_origins\":[\"a.example\",\"eventgrid.azure.net\"],\"webhook_rate\":120") ","
    OPEN("anybody", ",\"type\":\"const:t\",\"webhook_origins\":\"*\"");

static void setup(void)
{
    stage_init(&stage, "", sources);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

#define CE(id) "HTTP_CE_SPECVERSION", "1.0", "HTTP_CE_ID", id, "HTTP_CE_SOURCE", "/s", "HTTP_CE_TYPE", "order.paid"
#define STRUCTURED "application/cloudevents+json; charset=utf-8"
#define CORE(id) "\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/s\",\"type\":\"order.paid\""
#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The status of an answer that has this text. */
static int ask(const char *path, const char *type, const char *const *headers, const char *body, const char *has)
{
    struct answer a;
    const struct call c = {.uri = path, .content_type = type, .headers = headers, .body = span_str(body)};
    stage_call(&stage, &c, &a);
    int status = a.status;
    ck_assert_msg(memmem(a.text.p, a.text.n, has, strlen(has)) != NULL, "%s %s: no %s in %.*s", path, body, has,
                  (int)a.text.n, a.text.p);
    answer_fini(&a);
    return status;
}

/* Binary and structured are the same event, with the same facts. */
START_TEST(modes_are_one)
{
    const char *const *headers = HEADERS(CE("1"), "HTTP_CE_TIME", "2026-11-01T00:00:00Z", "HTTP_CE_DATAVERSION", "%22v2%22");
    ck_assert_int_eq(ask("/cloud", "application/json", headers, "{\"customer\":7}", "accepted"), 202);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, "{" CORE("1") ",\"data\":{}}", "duplicate"), 200);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, HEADERS("HTTP_CE_TYPE", "other"),
                         "{" CORE("2") ",\"time\":\"2026-11-01T00:00:00Z\",\"dataversion\":\"\\\"v2\\\"\",\"data\":{\"customer\":7}}", "accepted"), 202);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, "{" CORE("3") ",\"datacontenttype\":\"text/json\",\"time\":\"2026-11-01T00:00:00Z\","
                         "\"dataversion\":\"\\\"v2\\\"\",\"data_base64\":\"eyJjdXN0b21lciI6N30\\u003d\"}", "accepted"), 202);
    ck_assert_int_eq(journal_lines(&stage, "\"type\":\"order.paid\""), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"order_key\":\"7\""), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"version\":\"\\\"v2\\\"\""), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"time\":\"2026-11-01T00:00:00Z\""), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"event_id\":\"/s#2\""), 1);
    ck_assert_int_eq(journal_lines(&stage, "\\\"dataversion\\\":"), 2); /* handed on as they came */
}
END_TEST

/* The pair is what counts, and no pair looks like another. */
START_TEST(source_and_id)
{
#define PAIR(source, id) "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"" source "\",\"type\":\"t\"}"
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, PAIR("/a#b", "c"), "accepted"), 202);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, PAIR("/a", "b#c"), "accepted"), 202);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, PAIR("/a", "c"), "accepted"), 202);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, PAIR("/a", "c"), "duplicate"), 200);
    ck_assert_int_eq(ask("/own", STRUCTURED, NULL, "{" CORE("1") ",\"data\":{\"n\":1}}", "accepted"), 202);
    ck_assert_int_eq(ask("/own", STRUCTURED, NULL, "{" CORE("2") ",\"data\":{\"n\":1}}", "duplicate"), 200);
    ck_assert_int_eq(ask("/own", STRUCTURED, NULL, "{" CORE("1") ",\"data\":{\"n\":2}}", "accepted"), 202);
}
END_TEST

START_TEST(no_cloudevents)
{
    ck_assert_int_eq(ask("/cloud", "application/json", NULL, "{}", "no CloudEvent: specversion is missing"), 400);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, HEADERS(CE("1")), "{}", "\"code\":\"malformed-body\""), 400);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, "{" CORE("1"), "not strict JSON"), 400);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL, "{" CORE("1") ",\"data_base64\":\"?\"}", "not base64"), 400);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, NULL,
                         "{" CORE("1") ",\"datacontenttype\":\"a/json\",\"data_base64\":\"e30x\"}", "not strict JSON"), 400);
    ck_assert_int_eq(ask("/cloud", "application/cloudevents+xml", HEADERS(CE("1")), "<a/>", "unsupported-media-type"), 415);
    ck_assert_int_eq(ask("/cloud", "application/json", HEADERS(CE("1"), "HTTP_CE_X", "%FF"), "{}", "malformed-request"), 400);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, HEADERS("HTTP_CONTENT_ENCODING", "gzip"), "\x1f\x8b", "encoded (Content-Encoding)"), 415);
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 0);
    ck_assert_int_eq(ask("/cloud", STRUCTURED, HEADERS("HTTP_CONTENT_ENCODING", "Identity"), "{" CORE("1") "}", "accepted"), 202);
    ck_assert_int_eq(ask("/cloud", "text/plain", HEADERS(CE("2"), "HTTP_CONTENT_ENCODING", "br"), "\x0b", "415"), 415);
}
END_TEST

START_TEST(detected)
{
    ck_assert_int_eq(ask("/detect", "application/json", NULL, "{\"kind\":\"plain\"}", "accepted"), 202);
    ck_assert_int_eq(ask("/detect", "text/xml", HEADERS(CE("1")), "<xml/>", "accepted"), 202);
    ck_assert_int_eq(ask("/detect", STRUCTURED, NULL, "{" CORE("2") ",\"kind\":\"x\"}", "accepted"), 202);
    ck_assert_int_eq(ask("/detect", "application/json", HEADERS("HTTP_CE_ID", "1"), "{\"kind\":\"plain.too\"}", "accepted"), 202);
    ck_assert_int_eq(ask("/detect", "text/xml", NULL, "<xml/>", "not strict JSON"), 400);
    ck_assert_int_eq(journal_lines(&stage, "\"type\":\"order.paid\""), 2);
    ck_assert_int_eq(journal_lines(&stage, "\"type\":\"plain"), 2);
    ck_assert_int_eq(journal_lines(&stage, "\"body\":\"<xml/>\""), 1); /* untouched */
}
END_TEST

START_TEST(forms)
{
    const char *form = "Application/x-www-form-urlencoded; charset=UTF-8";
    ck_assert_int_eq(ask("/form", form, NULL, "id=1&event=order.paid&note=a%26b", "accepted"), 202);
    ck_assert_int_eq(ask("/form", form, NULL, "event=order%2Epaid&id=%31", "duplicate"), 200);
    ck_assert_int_eq(ask("/form", form, NULL, "event=a&event=a&id=2", "accepted"), 202);
    ck_assert_int_eq(ask("/form", form, NULL, "event=a&event=b&id=3", "the event type came twice"), 400);
    ck_assert_int_eq(ask("/form", form, NULL, "event=a&id=%FF", "not valid UTF-8"), 400);
    ck_assert_int_eq(ask("/form", form, NULL, "event=a&id=a%00b", "the event id holds a NUL byte"), 400);
    ck_assert_int_eq(ask("/form", "application/json", NULL, "{\"a\":\"&event=order.paid&\"}", "event-type-missing"), 400);
    ck_assert_int_eq(ask("/form", "text/xml", NULL, "<a b=\"&event=order.paid&id=9\"/>", "event-type-missing"), 400);
}
END_TEST

static struct answer leave(const char *path, const char *const *headers)
{
    struct answer a;
    const struct call c = {.method = "OPTIONS", .uri = path, .headers = headers};
    stage_call(&stage, &c, &a);
    return a;
}

START_TEST(leave_to_send)
{
    static const struct {
        const char *path, *origin;
        int status;
        const char *allowed, *rate;
    } rows[] = {{"/asked", "EventGrid.azure.net", 200, "EventGrid.azure.net", "120"},
                {"/asked", "evil.example", 403, "", ""},
                {"/anybody", "evil.example", 200, "*", "*"},
                {"/asked", NULL, 405, "", ""},
                {"/form", "a.example", 405, "", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer a = leave(rows[i].path, rows[i].origin ? HEADERS("HTTP_WEBHOOK_REQUEST_ORIGIN", rows[i].origin, "HTTP_WEBHOOK_REQUEST_RATE", "200") : NULL);
        ck_assert_int_eq(a.status, rows[i].status);
        ck_assert_span_eq(answer_header(&a, "WebHook-Allowed-Origin"), rows[i].allowed);
        ck_assert_span_eq(answer_header(&a, "WebHook-Allowed-Rate"), rows[i].rate);
        if (a.status != 403)
            ck_assert_span_eq(answer_header(&a, "Allow"), strcmp(rows[i].path, "/form") == 0 ? "POST" : "POST, OPTIONS");
        answer_fini(&a);
    }
    ck_assert_int_eq(atomic_load(&stage.shared->stats[STAT_handshakes_total]), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("envelope");
    TCase *t = tcase_create("envelope");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, modes_are_one);
    tcase_add_test(t, source_and_id);
    tcase_add_test(t, no_cloudevents);
    tcase_add_test(t, detected);
    tcase_add_test(t, forms);
    tcase_add_test(t, leave_to_send);
    suite_add_tcase(s, t);
    return suite_run(s);
}
