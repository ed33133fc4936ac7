/* SPDX-License-Identifier: MIT
 * check_duplicates: what a source takes for one event, through the whole door.
 */
#include "stage.h"

#include <stdio.h>

static struct stage stage;

#define OPEN(name, more)                                                                                               \
    "\"" name "\":{\"path\":\"/" name "\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"header:X-Type\","     \
    "\"event_id\":\"header:X-Id\",\"types\":[\"t.*\"]" more "}"

static const char sources[] = OPEN("plain", "") "," OPEN("tenants", ",\"dedupe\":{\"by\":[\"event_id\",\"header:X-Tenant\"]}") ","
    OPEN("strict", ",\"dedupe\":{\"by\":[\"event_id\",\"json:/n\"],\"missing\":\"refuse\"}") ","
    OPEN("lax", ",\"dedupe\":{\"missing\":\"accept\"}") "," OPEN("content", ",\"dedupe\":{\"by\":[\"event_id\",\"body\"]}");

static void setup(void)
{
    stage_init(&stage, "", sources);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

struct event {
    const char *type, *id, *tenant, *body; /* NULL: not there */
};

/* The status of an answer that has this text. */
static int ask(const char *path, struct event e, const char *has)
{
    const char *headers[8] = {NULL};
    size_t n = 0;
    const char *const pairs[][2] = {{"HTTP_X_TYPE", e.type ? e.type : "t.a"}, {"HTTP_X_ID", e.id}, {"HTTP_X_TENANT", e.tenant}};
    for (size_t i = 0; i < 3; i++) {
        if (!pairs[i][1])
            continue;
        headers[n++] = pairs[i][0];
        headers[n++] = pairs[i][1];
    }
    struct call c = {.uri = path, .headers = headers, .content_type = "text/plain", .body = span_str(e.body ? e.body : "{\"n\":1}")};
    struct answer a;
    stage_call(&stage, &c, &a);
    int status = a.status;
    ck_assert_msg(memmem(a.text.p, a.text.n, has, strlen(has)) != NULL, "%s: %.*s", path, (int)a.text.n, a.text.p);
    answer_fini(&a);
    return status;
}

START_TEST(by_several_together)
{
    ck_assert_int_eq(ask("/tenants", (struct event){.id = "1", .tenant = "a"}, "accepted"), 202);
    ck_assert_int_eq(ask("/tenants", (struct event){.id = "1", .tenant = "b"}, "accepted"), 202);
    ck_assert_int_eq(ask("/tenants", (struct event){.id = "1", .tenant = "a", .body = "other"}, "duplicate"), 200);
    ck_assert_int_eq(ask("/content", (struct event){.id = "1"}, "accepted"), 202);
    ck_assert_int_eq(ask("/content", (struct event){.id = "1", .body = "other"}, "accepted"), 202);
    ck_assert_int_eq(ask("/content", (struct event){.id = "1"}, "duplicate"), 200);
    /* Across a restart too. */
    stage_stop(&stage);
    stage_start(&stage);
    ck_assert_int_eq(ask("/tenants", (struct event){.id = "1", .tenant = "b"}, "duplicate"), 200);
    ck_assert_int_eq(ask("/content", (struct event){.id = "1", .body = "other"}, "duplicate"), 200);
}
END_TEST

START_TEST(without_an_id)
{
    ck_assert_int_eq(ask("/strict", (struct event){.id = "1"}, "accepted"), 202);
    ck_assert_int_eq(ask("/strict", (struct event){.id = "1"}, "duplicate"), 200);
    ck_assert_int_eq(ask("/strict", (struct event){.body = "{\"n\":1}"}, "urn:creel:error:event-id-missing"), 400);
    ck_assert_int_eq(ask("/strict", (struct event){.id = "1", .body = "{}"}, "no json:/n, which"), 400);
    ck_assert_int_eq(ask("/lax", (struct event){.id = NULL}, "accepted"), 202);
    ck_assert_int_eq(ask("/lax", (struct event){.id = NULL}, "accepted"), 202);
    ck_assert_int_eq(ask("/lax", (struct event){.id = "1"}, "accepted"), 202);
    ck_assert_int_eq(ask("/lax", (struct event){.id = "1"}, "duplicate"), 200);
    ck_assert_int_eq(ask("/plain", (struct event){.body = "a"}, "accepted"), 202);
    ck_assert_int_eq(ask("/plain", (struct event){.body = "a"}, "duplicate"), 200);
    ck_assert_int_eq(ask("/plain", (struct event){.body = "b"}, "accepted"), 202);
}
END_TEST

/* What was refused was never taken: sent again, put right, it is new. */
START_TEST(of_what_was_refused)
{
    ck_assert_int_eq(ask("/plain", (struct event){.type = "x.y", .id = "r"}, "event-type-not-allowed"), 403);
    ck_assert_int_eq(ask("/plain", (struct event){.type = "x.y", .id = "r"}, "event-type-not-allowed"), 403);
    ck_assert_int_eq(ask("/plain", (struct event){.id = "r"}, "accepted"), 202);
    ck_assert_int_eq(ask("/plain", (struct event){.id = "r"}, "duplicate"), 200);
    ck_assert_int_eq(ask("/strict", (struct event){.id = "r", .body = "no json"}, "malformed-body"), 400);
    ck_assert_int_eq(ask("/strict", (struct event){.id = "r"}, "accepted"), 202);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("duplicates");
    TCase *t = tcase_create("duplicates");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, by_several_together);
    tcase_add_test(t, without_an_id);
    tcase_add_test(t, of_what_was_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
