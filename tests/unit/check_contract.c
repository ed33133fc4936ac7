/* SPDX-License-Identifier: MIT
 * check_contract: a running intake whose source holds its sender to versions of its event types.
 */
#include "stage.h"

#include <stdio.h>

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
    return suite_run(s);
}
