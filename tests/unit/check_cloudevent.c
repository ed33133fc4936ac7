/* SPDX-License-Identifier: MIT
 * check_cloudevent: CloudEvents taken apart, without a door.
 */
#include "suite.h"

#include <stdio.h>

#include "base/json.h"
#include "intake/cloudevent.h"

static struct arena arena;
static struct cloudevent event;
static struct why w;

static void setup(void)
{
    ck_assert(arena_init(&arena, 65536));
    w.text[0] = 0;
}

static void teardown(void)
{
    arena_fini(&arena);
}

static void assert_span(struct span s, const char *want)
{
    ck_assert_msg(want ? s.p && span_eq_str(s, want) : !s.p, "%.*s, not %s", (int)s.n, s.p ? s.p : "", want ? want : "nothing");
}

START_TEST(modes)
{
    static const struct {
        const char *type;
        enum cloudevent_mode mode;
    } rows[] = {
        {"application/cloudevents+json", CLOUDEVENT_STRUCTURED},
        {"Application/CloudEvents+JSON ; charset=utf-8", CLOUDEVENT_STRUCTURED},
        {"application/cloudevents-batch+json;charset=UTF-8", CLOUDEVENT_BATCHED},
        {"application/cloudevents+avro", CLOUDEVENT_UNKNOWN},
        {"application/cloudevents-batch", CLOUDEVENT_UNKNOWN},
        {"application/cloudevents", CLOUDEVENT_UNKNOWN},
        {"application/json", CLOUDEVENT_BINARY},
        {"application/cloudevent+json", CLOUDEVENT_BINARY},
        {"", CLOUDEVENT_BINARY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(cloudevent_mode(span_str(rows[i].type)) == rows[i].mode, "%s", rows[i].type);
    ck_assert_int_eq(cloudevent_mode(SPAN_NONE), CLOUDEVENT_BINARY);
}
END_TEST

#define H(name, value) {SPAN_LIT(name), SPAN_LIT(value)}
#define GOOD H("ce-specversion", "1.0"), H("ce-id", "1"), H("ce-source", "/s"), H("ce-type", "t")
#define BINARY(list, type) cloudevent_binary(list, sizeof(list) / sizeof(list)[0], type, &arena, &event, &w)

START_TEST(binary)
{
    static const struct recipe_header headers[] = {GOOD, H("host", "x"), H("ce-subject", "Euro%20%E2%82%AC%20%f0%9f%98%80"),
                                                   H("ce-quoted", "\"a \\\"b\\\" 100%25\""), H("ce-rate", "50% off"),
                                                   H("ce-time", "2018-04-05T17:31:00.123456789+02:00")};
    ck_assert(cloudevent_marked(headers, 4));
    ck_assert(!cloudevent_marked(headers, 3));
    ck_assert_msg(BINARY(headers, SPAN_LIT("application/vnd.x+json; a=b")) == ERR_OK, "%s", w.text);
    assert_span(cloudevent_attribute(&event, "ce-id"), "1");
    assert_span(cloudevent_attribute(&event, "ce-subject"), "Euro \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_span(cloudevent_attribute(&event, "ce-quoted"), "a \"b\" 100%");
    assert_span(cloudevent_attribute(&event, "ce-rate"), "50% off");
    assert_span(cloudevent_attribute(&event, "ce-datacontenttype"), "application/vnd.x+json; a=b");
    assert_span(cloudevent_attribute(&event, "host"), NULL);
    ck_assert(event.data_is_json && event.n == 9);
}
END_TEST

START_TEST(binary_that_is_none)
{
#define REFUSED(reason, ...)                                                                                           \
    do {                                                                                                               \
        const struct recipe_header headers[] = {__VA_ARGS__};                                                          \
        ck_assert_int_eq(BINARY(headers, SPAN_NONE), ERR_INVALID);                                                     \
        ck_assert_msg(strstr(w.text, reason) != NULL, "%s: %s", reason, w.text);                                       \
    } while (0)
    REFUSED("specversion is missing", H("ce-id", "1"), H("ce-source", "/s"), H("ce-type", "t"));
    REFUSED("id is missing", H("ce-specversion", "1.0"), H("ce-id", ""), H("ce-source", "/s"), H("ce-type", "t"));
    REFUSED("specversion is 0.3, not 1.0", H("ce-specversion", "0.3"), H("ce-id", "1"), H("ce-source", "/s"), H("ce-type", "t"));
    REFUSED("ce-datacontenttype", GOOD, H("ce-datacontenttype", "text/plain"));
    REFUSED("ce-a-b is no attribute's name", GOOD, H("ce-a-b", "x"));
    REFUSED("ce- is no attribute's name", GOOD, H("ce-", "x"));
    REFUSED("ce-x is not UTF-8", GOOD, H("ce-x", "%C0%A0"));
    REFUSED("ce-x is not UTF-8 without control", GOOD, H("ce-x", "a%00b"));
    REFUSED("ce-x is not UTF-8 without control", GOOD, H("ce-x", "%C2%85"));
    REFUSED("ce-x is not UTF-8", GOOD, H("ce-x", "%EF%BF%BE"));
    REFUSED("ce-x is not UTF-8", GOOD, H("ce-x", "%EF%B7%90"));
    REFUSED("ce-x is not UTF-8", GOOD, H("ce-x", "a\xf0\x9f\xbf\xbf"));
    REFUSED("ce-data is no attribute's name", GOOD, H("ce-data", "x"));
    REFUSED("subject is empty", GOOD, H("ce-subject", ""));
    REFUSED("dataschema is empty", GOOD, H("ce-dataschema", ""));
    REFUSED("dataschema is no URI", GOOD, H("ce-dataschema", "a b"));
    REFUSED("source is no URI-reference", H("ce-specversion", "1.0"), H("ce-id", "1"), H("ce-source", "my shop"), H("ce-type", "t"));
    REFUSED("source is no URI-reference", H("ce-specversion", "1.0"), H("ce-id", "1"), H("ce-source", "\"a b\""), H("ce-type", "t"));
    REFUSED("RFC 3339", GOOD, H("ce-time", "yesterday"));
    REFUSED("RFC 3339", GOOD, H("ce-time", "2018-02-30T00:00:00Z"));
    const struct recipe_header edge[] = {GOOD, H("ce-x", "%EF%BF%BD%EF%B7%8F\xf0\x9f\xbf\xbd\xf0\x9f\x98\x80%EF%BE%BF"), H("ce-dataschema", "#")};
    ck_assert_msg(BINARY(edge, SPAN_NONE) == ERR_OK, "%s", w.text);
    const struct recipe_header once[] = {H("ce-specversion", "1.0"), H("ce-id", "1"), H("ce-source", "/a%20b"), H("ce-type", "t")};
    ck_assert_msg(BINARY(once, SPAN_NONE) == ERR_OK, "%s", w.text); /* its URI's own %20, not encoded again */
    assert_span(cloudevent_attribute(&event, "ce-source"), "/a b");
    const struct recipe_header good[] = {GOOD};
    ck_assert_int_eq(BINARY(good, SPAN_LIT("json")), ERR_INVALID);
    ck_assert_msg(strstr(w.text, "datacontenttype is no media type") != NULL, "%s", w.text);
    const struct recipe_header early[] = {GOOD, H("ce-time", "0001-01-01T00:00:00Z")};
    ck_assert_int_eq(BINARY(early, SPAN_NONE), ERR_OK);
}
END_TEST

START_TEST(more_attributes_than_fit)
{
    static struct recipe_header many[CLOUDEVENT_ATTRIBUTES_MAX + 1] = {GOOD};
    static char names[CLOUDEVENT_ATTRIBUTES_MAX + 1][16];
    for (int i = 4; i <= CLOUDEVENT_ATTRIBUTES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "ce-%d", i);
        many[i] = (struct recipe_header){span_str(names[i]), SPAN_LIT("x")};
    }
    ck_assert_int_eq(cloudevent_binary(many, CLOUDEVENT_ATTRIBUTES_MAX, SPAN_NONE, &arena, &event, &w), ERR_OK);
    ck_assert_int_eq(cloudevent_binary(many, CLOUDEVENT_ATTRIBUTES_MAX + 1, SPAN_NONE, &arena, &event, &w), ERR_NO_ROOM);
    struct arena small;
    ck_assert(arena_init(&small, 16));
    many[4].value = SPAN_LIT("%41%41%41%41%41%41%41");
    ck_assert_int_eq(cloudevent_binary(many, 5, SPAN_NONE, &small, &event, &w), ERR_NO_ROOM);
    arena_fini(&small);
}
END_TEST

static enum err structured(const char *text)
{
    struct json_error e;
    ck_assert_msg(json_check(span_str(text), JSON_LIMITS_DEFAULT, &e) == ERR_OK, "%s", text);
    return cloudevent_structured(span_str(text), &arena, &event, &w);
}

#define CORE "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\""

START_TEST(structured_mode)
{
    ck_assert_msg(structured("{" CORE ",\"subject\":null,\"sub\\u006aect2\":\"a\\/b\",\"big\":-2147483648,\"yes\":true,\"data\":{\"n\":[1]}}") == ERR_OK, "%s", w.text);
    assert_span(cloudevent_attribute(&event, "ce-subject"), NULL);
    assert_span(cloudevent_attribute(&event, "ce-subject2"), "a/b");
    assert_span(cloudevent_attribute(&event, "ce-big"), "-2147483648");
    assert_span(cloudevent_attribute(&event, "ce-yes"), "true");
    assert_span(event.data, "{\"n\":[1]}");
    ck_assert(event.data_is_json && !event.data_base64.p);
    ck_assert_int_eq(structured("{" CORE ",\"data\":null}"), ERR_OK);
    assert_span(event.data, "null");
    ck_assert(event.data_is_json);
    ck_assert_int_eq(structured("{" CORE "}"), ERR_OK);
    ck_assert(!event.data.p && !event.data_is_json);
    ck_assert_int_eq(structured("{" CORE ",\"datacontenttype\":\"application/xml\",\"data\":\"<a/>\"}"), ERR_OK);
    ck_assert(event.data.p && !event.data_is_json);
    ck_assert_int_eq(structured("{" CORE ",\"datacontenttype\":\"text/json\",\"data_base64\":\"e30=\"}"), ERR_OK);
    ck_assert(event.data_base64.p && event.data_is_json && !event.data.p);
}
END_TEST

START_TEST(structured_that_is_none)
{
    static const char *const rows[][2] = {
        {"[]", "not a JSON object"},
        {"{\"id\":\"1\"}", "specversion is missing"},
        {"{\"specversion\":\"1.0\",\"id\":7,\"source\":\"/s\",\"type\":\"t\"}", "id is not a text"},
        {"{\"specversion\":1.0,\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\"}", "specversion is not a text"},
        {"{" CORE ",\"x\":{}}", "x is neither"},
        {"{" CORE ",\"x\":1.5}", "x is neither"},
        {"{" CORE ",\"x\":2147483648}", "x is neither"},
        {"{" CORE ",\"subject\":true}", "subject is not a text"},
        {"{" CORE ",\"dataBase\":\"x\"}", "ce-dataBase is no attribute's name"},
        {"{" CORE ",\"\":\"x\"}", "is no attribute's name"},
        {"{" CORE ",\"data\":1,\"data_base64\":\"\"}", "both"},
        {"{" CORE ",\"data_base64\":1}", "data_base64"},
        {"{" CORE ",\"time\":\"12:00\"}", "RFC 3339"},
        {"{" CORE ",\"subject\":\"\"}", "subject is empty"},
        {"{" CORE ",\"datacontenttype\":\"\",\"data\":1}", "datacontenttype is no media type"},
        {"{" CORE ",\"datacontenttype\":\"text/\",\"data\":1}", "datacontenttype is no media type"},
        {"{" CORE ",\"datacontenttype\":\"a/b/c\",\"data\":1}", "datacontenttype is no media type"},
        {"{" CORE ",\"x\":\"\\uffff\"}", "is not UTF-8"},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"a\\\\b\",\"type\":\"t\"}", "source is no URI-reference"},
        {"{" CORE ",\"x\":\"a\\nb\"}", "control characters"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(structured(rows[i][0]) == ERR_INVALID, "%s", rows[i][0]);
        ck_assert_msg(strstr(w.text, rows[i][1]) != NULL, "%s: %s", rows[i][0], w.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cloudevent");
    TCase *t = tcase_create("cloudevent");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, modes);
    tcase_add_test(t, binary);
    tcase_add_test(t, binary_that_is_none);
    tcase_add_test(t, more_attributes_than_fit);
    tcase_add_test(t, structured_mode);
    tcase_add_test(t, structured_that_is_none);
    suite_add_tcase(s, t);
    return suite_run(s);
}
