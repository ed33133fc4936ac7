/* SPDX-License-Identifier: MIT
 * check_door: a running intake, asked by a FastCGI client: what it accepts, what it refuses and how it says so.
 */
#include "stage.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct stage stage;

static const char sources[] =
    "\"shop\":{\"path\":\"/hooks/shop\",\"recipe\":\"standard-webhooks\",\"types\":[\"order.*\"],"
    "\"content_types\":[\"application/json\"],"
    "\"keys\":[{\"id\":\"k1\",\"secret_file\":\"%D/key\"}],\"max_body\":\"64KiB\"},"
    "\"open\":{\"path\":\"/open\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"path:1\",\"methods\":[\"POST\",\"PUT\"],"
    "\"event_id\":\"header:X-Id\",\"durability\":\"written\"}";

static void setup(void)
{
    stage_init(&stage, "\"request_timeout\":\"2s\",", sources);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

static const char order[] = "{\"type\":\"order.paid\",\"data\":{\"id\":7}}";

static struct answer call_shop(const char *id, const char *body)
{
    struct answer a;
    struct call c = {.uri = "/hooks/shop", .content_type = "application/json", .body = span_str(body),
                     .headers = signed_headers(id, time(NULL), span_str(body))};
    stage_call(&stage, &c, &a);
    return a;
}

#define assert_has(span_, text_) ck_assert_msg(memmem((span_).p, (span_).n, (text_), strlen(text_)), "no '%s' in: %.*s", (text_), (int)(span_).n, (span_).p)

START_TEST(accepts_and_recognises)
{
    struct answer first = call_shop("msg_1", order), second = call_shop("msg_1", order);
    ck_assert_int_eq(first.status, 202);
    assert_has(answer_body(&first), "\"status\":\"accepted\",\"durability\":\"synced\"");
    ck_assert_span_eq(answer_header(&first, "Content-Type"), "application/json");
    ck_assert_uint_eq(answer_header(&first, "Creel-Event-Id").n, 26);
    ck_assert_uint_eq(answer_header(&first, "Creel-Request-Id").n, 26);
    ck_assert_int_eq(second.status, 200);
    assert_has(answer_body(&second), "\"status\":\"duplicate\"");
    ck_assert(span_eq(answer_header(&first, "Creel-Event-Id"), answer_header(&second, "Creel-Event-Id")));
    ck_assert(!span_eq(answer_header(&first, "Creel-Request-Id"), answer_header(&second, "Creel-Request-Id")));
    ck_assert_int_eq(journal_lines(&stage, "msg_1"), 1);
    answer_fini(&first);
    answer_fini(&second);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("door");
    TCase *t = tcase_create("one request");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, accepts_and_recognises);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return suite_run(suite());
}
