/* SPDX-License-Identifier: MIT
 * check_contract: a running intake whose sources hold their senders to versions and schemas of event types.
 */
#include "stage.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"

static struct stage stage;

/* Version 1 ended long ago, 2 is on its way out, 3 will be one day, 4 is what senders should use. */
static const char sources[] =
    "\"shop\":{\"path\":\"/shop\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:order\",\"dedupe\":false,"
    "\"version\":\"json:/v\",\"versions\":{"
    "\"1\":{\"deprecated\":\"1994-11-06T08:49:37Z\",\"sunset\":\"2001-02-03T04:05:06Z\"},"
    "\"2\":{\"deprecated\":\"2001-02-03T04:05:06Z\",\"sunset\":\"2999-12-31T23:59:59Z\",\"link\":\"https://example.com/v2\"},"
    "\"3\":{\"deprecated\":\"2999-01-01T00:00:00Z\"},\"4\":{}}},"
    "\"mild\":{\"path\":\"/mild\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:order\",\"dedupe\":false,"
    "\"version\":\"header:X-Version\",\"unknown_version\":\"pass\",\"versions\":{\"1\":{\"sunset\":\"2001-02-03T04:05:06Z\"},"
    "\"2\":{}}},"
    "\"first\":{\"path\":\"/first\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:order\",\"dedupe\":false,"
    "\"version\":\"json:/v\",\"versions\":{\"\":{\"deprecated\":\"2001-02-03T04:05:06Z\"},\"a/b~c\":{}}},"
    "\"any\":{\"path\":\"/any\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:order\",\"dedupe\":false,"
    "\"version\":\"json:/v\"}";

static void setup(void)
{
    stage_init(&stage, "", sources);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

static int64_t counter(enum stat_id id)
{
    return atomic_load(&stage.shared->stats[id]);
}

static struct answer post(const char *uri, const char *body)
{
    struct answer a;
    struct call c = {.uri = uri, .content_type = "application/json", .body = span_str(body)};
    stage_call(&stage, &c, &a);
    return a;
}

static void ck_has(struct span text, const char *part)
{
    ck_assert_msg(memmem(text.p, text.n, part, strlen(part)) != NULL, "no '%s' in: %.*s", part, (int)text.n, text.p);
}

static void ck_status(const char *uri, const char *body, int status)
{
    struct answer a = post(uri, body);
    ck_assert_msg(a.status == status, "%s %s: %d", uri, body, a.status);
    answer_fini(&a);
}

static void ck_warned(const char *uri, const char *body, int status, const char *deprecation, const char *sunset, const char *link)
{
    struct answer a = post(uri, body);
    ck_assert_msg(a.status == status, "%s %s: %d", uri, body, a.status);
    ck_assert_span_eq(answer_header(&a, "Deprecation"), deprecation);
    ck_assert_span_eq(answer_header(&a, "Sunset"), sunset);
    ck_assert_span_eq(answer_header(&a, "Link"), link);
    answer_fini(&a);
}

START_TEST(versions_come_to_an_end)
{
    ck_warned("/shop", "{\"v\":4}", 202, "", "", "");
    ck_assert_int_eq(counter(STAT_deprecated_total), 0);
    ck_warned("/shop", "{\"v\":3}", 202, "@32472144000", "", "");
    ck_assert_int_eq(counter(STAT_deprecated_total), 0); /* not yet */
    ck_warned("/shop", "{\"v\":\"2\"}", 202, "@981173106", "Tue, 31 Dec 2999 23:59:59 GMT", "<https://example.com/v2>; rel=\"deprecation\"");
    ck_assert_int_eq(counter(STAT_deprecated_total), 1);
    ck_assert_int_eq(counter(STAT_unknown_versions_total), 0);
    ck_warned("/shop", "{\"v\":1}", 422, "@784111777", "Sat, 03 Feb 2001 04:05:06 GMT", "");
    struct answer a = post("/shop", "{\"v\":1}");
    ck_has(answer_body(&a), "\"code\":\"unknown-version\"");
    ck_has(answer_body(&a), "version 1 has ended on 2001-02-03");
    answer_fini(&a);
    ck_assert_int_eq(counter(STAT_unknown_versions_total), 2);
}
END_TEST

START_TEST(what_is_not_named_is_refused)
{
    struct answer a = post("/shop", "{\"v\":\"2.0\"}");
    ck_assert_int_eq(a.status, 422);
    ck_has(answer_body(&a), "\"code\":\"unknown-version\"");
    ck_has(answer_body(&a), "version 2.0 is not known here; known: 1, 2, 3, 4");
    answer_fini(&a);
    a = post("/shop", "{}");
    ck_assert_int_eq(a.status, 422);
    ck_has(answer_body(&a), "the event carries no version; known: 1, 2, 3, 4");
    answer_fini(&a);
    ck_assert_int_eq(journal_lines(&stage, "\"creel\":\"event\""), 0);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"unknown-version\""), 2);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"step\":\"version\""), 2);
}
END_TEST

START_TEST(or_taken_all_the_same)
{
    static const char *const versions[] = {"1", "2", "3", NULL};
    for (size_t i = 0; i < 4; i++) {
        const char *headers[] = {"HTTP_X_VERSION", versions[i], NULL};
        struct answer a;
        struct call c = {.uri = "/mild", .body = SPAN_LIT("x"), .headers = versions[i] ? headers : NULL};
        stage_call(&stage, &c, &a);
        ck_assert_int_eq(a.status, 202);
        answer_fini(&a);
    }
    ck_assert_int_eq(counter(STAT_unknown_versions_total), 3);
    ck_assert_int_eq(journal_lines(&stage, "\"version\":\"3\""), 1);
}
END_TEST

START_TEST(no_version_has_a_name_too)
{
    ck_warned("/first", "{}", 202, "@981173106", "", "");
    ck_status("/first", "{\"v\":\"a/b~c\"}", 202);
    struct answer a = post("/first", "{\"v\":1}");
    ck_has(answer_body(&a), "version 1 is not known here; known: none, a/b~c");
    answer_fini(&a);
}
END_TEST

START_TEST(without_names_any_is_fine)
{
    ck_status("/any", "{}", 202);
    ck_status("/any", "{\"v\":1}", 202);
    ck_assert_int_eq(counter(STAT_unknown_versions_total), 0);
}
END_TEST

/* ---- schemas ---- */

static void put_schema(const char *name, const char *text)
{
    char path[256];
    struct why w = {""};
    snprintf(path, sizeof path, "%s/schemas/%s", stage.dir, name);
    ck_assert_msg(fs_replace(AT_FDCWD, path, span_str(text), 0644, &w) == ERR_OK, "%s", w.text);
}

static const char schema_sources[] =
    "\"shop\":{\"path\":\"/shop\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"path:1\",\"dedupe\":false,"
    "\"version\":\"json:/v\"},"
    "\"map\":{\"path\":\"/map\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"path:1\",\"dedupe\":false,"
    "\"version\":\"json:/v\",\"versions\":{\"2024-10-01\":\"v1\",\"2025-01-01\":{\"schema\":\"v2\"},\"old\":\"\",\"3\":{}}},"
    "\"mild\":{\"path\":\"/mild\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"path:1\",\"dedupe\":false,"
    "\"version\":\"json:/v\",\"unknown_version\":\"pass\"},"
    "\"dead\":{\"path\":\"/dead\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"path:1\",\"dedupe\":false,"
    "\"version\":\"json:/v\",\"on_violation\":\"dead\"}";

#define NEEDS(name) "{\"type\":\"object\",\"required\":[\"" name "\"]}"

static void setup_schemas(void)
{
    char path[128];
    struct why w = {""};
    stage_init(&stage, "", schema_sources);
    snprintf(path, sizeof path, "%s/schemas", stage.dir);
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, path, 0755, &w), ERR_OK);
    put_schema("plain.json", "// of every version\n" NEEDS("a"));
    put_schema("list.json", "{\"items\":{\"type\":\"string\"}}");
    put_schema("both.json", NEEDS("a"));
    put_schema("both.v2.json", NEEDS("b"));
    put_schema("only.v1.json", NEEDS("a"));
    put_schema("only.v1.5.json", NEEDS("c"));
    put_schema("only.v2.json", NEEDS("b"));
    put_schema("a%2Fb.json", NEEDS("a"));
    put_schema("address.json", "{\"definitions\":{\"street\":{\"type\":\"string\"}}}");
    put_schema("ship.json", "{\"properties\":{\"street\":{\"$ref\":\"address.json#/definitions/street\"},\"n\":{\"type\":\"integer\"}},"
                            "\"required\":[\"id\"]}");
    stage_start(&stage);
}

START_TEST(says_all_that_is_wrong)
{
    struct answer a = post("/shop/ship", "{\"street\":5,\"n\":1.5}");
    ck_assert_int_eq(a.status, 422);
    ck_assert_span_eq(answer_header(&a, "Content-Type"), "application/problem+json");
    ck_has(answer_body(&a), "\"code\":\"schema-violation\",\"detail\":\"");
    ck_has(answer_body(&a), " (and 2 more)\",\"errors\":[{\"pointer\":\"");
    ck_has(answer_body(&a), "{\"pointer\":\"/street\",\"keyword\":\"type\",\"message\":\"");
    ck_has(answer_body(&a), "{\"pointer\":\"/n\",\"keyword\":\"type\",\"message\":\"");
    ck_has(answer_body(&a), "{\"pointer\":\"\",\"keyword\":\"required\",\"message\":\"");
    answer_fini(&a);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"schema-violation\""), 1);
    ck_assert_int_eq(counter(STAT_violations_total), 1);
    ck_status("/shop/ship", "{\"street\":\"s\",\"n\":1.0,\"id\":1}", 202);
    ck_status("/shop/nobody.knows", "[]", 202);
    ck_assert_int_eq(counter(STAT_violations_total), 1);
}
END_TEST

START_TEST(chooses_by_type_and_version)
{
    static const struct {
        const char *uri, *body;
        int status;
    } calls[] = {
        {"/shop/plain", "{\"a\":1}", 202},
        {"/shop/plain", "{\"a\":1,\"v\":\"whatever\"}", 202},
        {"/shop/plain", "{\"b\":1,\"v\":2}", 422},
        {"/shop/both.v2", "{\"b\":1}", 202},
        {"/shop/both.v2", "{\"a\":1}", 422},
        {"/shop/both", "{\"a\":1}", 202},
        {"/shop/both", "{\"b\":1}", 422},
        {"/shop/both", "{\"b\":1,\"v\":2}", 202},
        {"/shop/both", "{\"b\":1,\"v\":\"v2\"}", 202},
        {"/shop/both", "{\"a\":1,\"v\":2}", 422},
        {"/shop/both", "{\"a\":1,\"b\":1,\"v\":3}", 422},
        {"/shop/only", "{\"c\":1,\"v\":1.5}", 202},
        {"/shop/only", "{\"a\":1,\"v\":1.5}", 422},
        {"/shop/only", "{\"a\":1,\"b\":1,\"c\":1}", 422},
        {"/shop/only.v1", "{\"a\":1}", 202},
        {"/shop/only.v1", "{\"b\":1}", 422},
        {"/map/only", "{\"a\":1,\"v\":\"2024-10-01\"}", 202},
        {"/map/only", "{\"b\":1,\"v\":\"2024-10-01\"}", 422},
        {"/map/only", "{\"b\":1,\"v\":\"2025-01-01\"}", 202},
        {"/map/only", "{\"a\":1,\"b\":1,\"c\":1,\"v\":\"3\"}", 422},
        {"/map/both", "{\"a\":1,\"v\":\"old\"}", 202},
        {"/map/both", "{\"b\":1,\"v\":\"old\"}", 422},
        {"/mild/only", "{\"v\":3}", 202},
        {"/mild/only", "{}", 202},
        {"/mild/only", "{\"v\":2}", 422},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ck_status(calls[i].uri, calls[i].body, calls[i].status);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"unknown-version\""), 3);
    ck_assert_int_eq(counter(STAT_unknown_versions_total), 5);
    struct answer a = post("/shop/only", "{\"v\":\"2024\"}");
    ck_has(answer_body(&a), "there is no schema of version 2024 of this type; there are: v1, v1.5, v2");
    answer_fini(&a);
    a = post("/shop/only", "{}");
    ck_has(answer_body(&a), "the event carries no version; there are: v1, v1.5, v2");
    answer_fini(&a);
    a = post("/shop/both", "{\"v\":3}");
    ck_has(answer_body(&a), "there are: none, v2");
    answer_fini(&a);
}
END_TEST

START_TEST(what_is_no_json_meets_no_schema)
{
    struct answer a;
    struct call c = {.uri = "/mild/a%2Fb", .content_type = "text/plain", .body = SPAN_LIT("a=1")};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 400); /* an encoded slash; types with one come from elsewhere */
    answer_fini(&a);
    c.uri = "/mild/plain";
    c.content_type = "application/x-www-form-urlencoded";
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 422);
    ck_has(answer_body(&a), "\"errors\":[{\"pointer\":\"\",\"keyword\":\"type\",\"message\":\"the body is no JSON");
    answer_fini(&a);
    c.uri = "/mild/a/b";
    c.body = SPAN_LIT("{\"a\":2}");
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
}
END_TEST

START_TEST(large_bodies_are_checked_too)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "{\"a\":[0");
    for (int i = 0; i < 60000; i++)
        buf_puts(&b, ",1");
    buf_puts(&b, "]}");
    struct answer a;
    struct call c = {.uri = "/shop/plain", .content_type = "application/json", .body = buf_span(&b)};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    b.p[2] = 'b';
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 422);
    answer_fini(&a);
    buf_fini(&b);
}
END_TEST

START_TEST(many_errors_fit)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "[0");
    for (int i = 0; i < 1000; i++)
        buf_puts(&b, ",1");
    buf_puts(&b, "]");
    struct answer a;
    struct call c = {.uri = "/shop/list", .content_type = "application/json", .body = buf_span(&b)};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 422);
    ck_has(answer_body(&a), "(and 15 more at least)");
    ck_has(answer_body(&a), "\"pointer\":\"/15\"");
    answer_fini(&a);
    buf_fini(&b);
}
END_TEST

START_TEST(taken_and_dead)
{
    ck_status("/dead/ship", "{\"n\":1.5}", 202);
    ck_assert_int_eq(journal_lines(&stage, "\"violation\":\"schema-violation: "), 1);
    ck_assert_int_eq(journal_lines(&stage, "/n: type: "), 1);
    ck_assert_int_eq(journal_lines(&stage, ": required: "), 1);
    ck_status("/dead/only", "{\"v\":3}", 202);
    ck_assert_int_eq(journal_lines(&stage, "\"violation\":\"unknown-version: there is no schema of version 3"), 1);
    ck_status("/dead/ship", "{\"id\":1}", 202);
    ck_assert_int_eq(journal_lines(&stage, "\"violation\""), 2);
    ck_assert_int_eq(counter(STAT_violations_total), 2);
}
END_TEST

START_TEST(a_bad_schema_changes_nothing)
{
    struct buf why;
    buf_init(&why, 4096);
    put_schema("ship.json", "{\"type\":\"strin\"}");
    ck_assert_int_eq(stage_prepare(&stage, &why), CHANNEL_FAILED);
    ck_has(buf_span(&why), "ship.json: /type: ");
    ck_status("/shop/ship", "{\"id\":1}", 202);
    ck_status("/shop/ship", "{}", 422);
    buf_fini(&why);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("contract");
    TCase *t = tcase_create("versions");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, versions_come_to_an_end);
    tcase_add_test(t, what_is_not_named_is_refused);
    tcase_add_test(t, or_taken_all_the_same);
    tcase_add_test(t, no_version_has_a_name_too);
    tcase_add_test(t, without_names_any_is_fine);
    suite_add_tcase(s, t);
    t = tcase_create("schemas");
    tcase_add_checked_fixture(t, setup_schemas, teardown);
    tcase_add_test(t, says_all_that_is_wrong);
    tcase_add_test(t, chooses_by_type_and_version);
    tcase_add_test(t, what_is_no_json_meets_no_schema);
    tcase_add_test(t, large_bodies_are_checked_too);
    tcase_add_test(t, many_errors_fit);
    tcase_add_test(t, taken_and_dead);
    tcase_add_test(t, a_bad_schema_changes_nothing);
    suite_add_tcase(s, t);
    return suite_run(s);
}
