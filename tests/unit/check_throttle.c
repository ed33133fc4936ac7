/* SPDX-License-Identifier: MIT
 * check_throttle: a running intake with limits: what counts as what, what the refused are told, who is not held up by
 * whose failures, and what a reload keeps.
 */
#include "stage.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

static struct stage stage; /* of the running test */

#define OPEN "\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:x\",\"dedupe\":false"
#define SIGNED "\"recipe\":\"standard-webhooks\",\"keys\":[{\"id\":\"k1\",\"secret_file\":\"%D/key\"}]"
static const char sources[] =
    "\"plain\":{\"path\":\"/plain\"," OPEN ",\"limit\":{\"rate\":2,\"per\":\"20s\"}},"
    "\"ip\":{\"path\":\"/ip\"," OPEN ",\"limit\":{\"rate\":1,\"per\":\"1h\",\"key\":\"ip\"}},"
    "\"wide\":{\"path\":\"/wide\"," OPEN ",\"limit\":{\"rate\":1,\"per\":\"1h\",\"key\":\"ip\",\"ipv6_prefix\":48}},"
    "\"header\":{\"path\":\"/header\"," OPEN ",\"limit\":{\"rate\":1,\"per\":\"1h\",\"key\":\"header:X-Account\"}},"
    "\"json\":{\"path\":\"/json\"," OPEN ",\"limit\":{\"rate\":1,\"per\":\"1h\",\"key\":\"json:/who\"}},"
    "\"a\":{\"path\":\"/a\"," OPEN ",\"tenant\":\"const:acme\",\"limit\":{\"rate\":2,\"per\":\"1h\",\"key\":\"tenant\"}},"
    "\"b\":{\"path\":\"/b\"," OPEN ",\"tenant\":\"header:X-Tenant\",\"limit\":{\"rate\":2,\"per\":\"1h\",\"key\":\"tenant\"}},"
    "\"two\":{\"path\":\"/two\"," OPEN ",\"limit\":[{\"rate\":3,\"per\":\"1h\"},{\"rate\":1,\"per\":\"1h\",\"key\":\"header:X-Account\"}]},"
    "\"slower\":{\"path\":\"/slower\"," OPEN ",\"limit\":[{\"rate\":1,\"per\":\"10s\"},{\"rate\":1,\"per\":\"1h\",\"key\":\"header:X-Account\"}]},"
    "\"shop\":{\"path\":\"/shop\"," SIGNED ",\"limit\":[{\"rate\":9,\"per\":\"1h\",\"burst\":2,\"key\":\"key\"}]},"
    "\"bearer\":{\"path\":\"/bearer\"," OPEN ",\"auth\":{\"bearer_file\":\"%D/key\"},\"limit\":{\"rate\":2,\"per\":\"1h\",\"key\":\"key\"}},"
    "\"cloud\":{\"path\":\"/cloud\",\"recipe\":\"none\",\"allow_unsigned\":true,\"envelope\":\"cloudevents\",\"dedupe\":false,"
    "\"limit\":[{\"rate\":5,\"per\":\"50s\"},{\"rate\":9,\"per\":\"1h\",\"key\":\"key\"}]},"
    "\"each\":{\"path\":\"/each\",\"recipe\":\"none\",\"allow_unsigned\":true,\"envelope\":\"cloudevents\",\"dedupe\":false,"
    "\"limit\":[{\"rate\":6,\"per\":\"1h\"},{\"rate\":3,\"per\":\"1h\",\"key\":\"json:/n\"}]},"
    "\"uneven\":{\"path\":\"/uneven\"," OPEN ",\"limit\":{\"rate\":3,\"per\":\"2s\"}},"
    "\"other\":{\"path\":\"/other\"," SIGNED "}";
static const char strict[] = "\"failed_limit\":{\"rate\":3,\"per\":\"1h\"},";

static void setup(void)
{
    stage_init(&stage, strict, sources);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

static struct answer last; /* of the running test; its own process */

static int call(const char *uri, const char *remote, const char *name, const char *value, const char *body)
{
    const char *headers[] = {name, value, NULL};
    struct call c = {.uri = uri, .remote = remote, .headers = headers, .body = span_str(body), .content_type = "application/json"};
    answer_fini(&last);
    stage_call(&stage, &c, &last);
    return last.status;
}

static int from(const char *uri, const char *remote)
{
    return call(uri, remote, NULL, NULL, "{}");
}

START_TEST(the_refused_are_told_when_to_come_again)
{
    ck_assert_int_eq(from("/plain", "192.0.2.1"), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"source\";q=2;w=20");
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"source\";r=1;t=10");
    ck_assert_uint_eq(answer_header(&last, "Retry-After").n, 0);
    ck_assert_int_eq(from("/plain", "192.0.2.2"), 202);
    ck_assert_int_eq(from("/plain", "192.0.2.3"), 429);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"source\";q=2;w=20");
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"source\";r=0;t=10");
    ck_assert_span_eq(answer_header(&last, "Retry-After"), "10");
    struct span body = answer_body(&last);
    static const char words[] = "more than 2 in 20s for this source; try again in 10 s";
    ck_assert_msg(memmem(body.p, body.n, words, strlen(words)) != NULL, "%.*s", (int)body.n, body.p);
    await_stat(&stage, STAT_limited_total, 1);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"rate-limited\""), 1);
    ck_assert_int_eq(from("/ip", "192.0.2.1"), 202); /* another source's */
    ck_assert_int_eq(from("/other", "192.0.2.1"), 401);
    ck_assert_uint_eq(answer_header(&last, "RateLimit").n, 0);
}
END_TEST

START_TEST(a_window_that_does_not_divide_is_told_as_it_is)
{
    ck_assert_int_eq(from("/uneven", "192.0.2.1"), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"source\";q=3;w=2");
}
END_TEST

START_TEST(addresses_count_by_network)
{
    ck_assert_int_eq(from("/ip", "192.0.2.1"), 202);
    ck_assert_int_eq(from("/ip", "192.0.2.1"), 429);
    ck_assert_int_eq(from("/ip", "::ffff:192.0.2.1"), 429);
    ck_assert_int_eq(from("/ip", "192.0.2.2"), 202);
    ck_assert_int_eq(from("/ip", "2001:db8:1:1::1"), 202);
    ck_assert_int_eq(from("/ip", "2001:db8:1:1:ffff::2"), 429);
    ck_assert_int_eq(from("/ip", "2001:db8:1:2::1"), 202);
    ck_assert_int_eq(from("/wide", "2001:db8:1:1::1"), 202);
    ck_assert_int_eq(from("/wide", "2001:db8:1:2::1"), 429);
    ck_assert_int_eq(from("/wide", "2001:db8:2:2::1"), 202);
    ck_assert_int_eq(from("/ip", "unix:"), 202); /* those without an address are one */
    ck_assert_int_eq(from("/ip", ""), 429);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"ip\";q=1;w=3600");
}
END_TEST

START_TEST(values_count_one_by_one)
{
    ck_assert_int_eq(call("/header", NULL, "HTTP_X_ACCOUNT", "1", "{}"), 202);
    ck_assert_int_eq(call("/header", NULL, "HTTP_X_ACCOUNT", "1", "{}"), 429);
    ck_assert_int_eq(call("/header", NULL, "HTTP_X_ACCOUNT", "2", "{}"), 202);
    ck_assert_int_eq(call("/header", NULL, NULL, NULL, "{}"), 202);
    ck_assert_int_eq(call("/header", NULL, "HTTP_X_ACCOUNT", "", "{}"), 429); /* none and an empty one are one */
    ck_assert_int_eq(call("/json", NULL, NULL, NULL, "{\"who\":\"a\"}"), 202);
    ck_assert_int_eq(call("/json", NULL, NULL, NULL, "{\"who\":\"\\u0061\"}"), 429);
    ck_assert_int_eq(call("/json", NULL, NULL, NULL, "{\"who\":\"b\""), 400);
    ck_assert_int_eq(call("/json", NULL, NULL, NULL, "{\"who\":\"b\"}"), 202);
}
END_TEST

START_TEST(a_tenant_has_one_limit_wherever_it_calls)
{
    ck_assert_int_eq(from("/a", NULL), 202);
    ck_assert_int_eq(call("/b", NULL, "HTTP_X_TENANT", "acme", "{}"), 202);
    ck_assert_int_eq(from("/a", NULL), 429);
    ck_assert_int_eq(call("/b", NULL, "HTTP_X_TENANT", "acme", "{}"), 429);
    ck_assert_int_eq(call("/b", NULL, "HTTP_X_TENANT", "else", "{}"), 202);
}
END_TEST

START_TEST(what_one_limit_refuses_another_does_not_count)
{
    ck_assert_int_eq(call("/two", NULL, "HTTP_X_ACCOUNT", "1", "{}"), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"value-2\";r=0;t=3600");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(call("/two", NULL, "HTTP_X_ACCOUNT", "1", "{}"), 429);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"value-2\";q=1;w=3600");
    ck_assert_int_eq(call("/two", NULL, "HTTP_X_ACCOUNT", "2", "{}"), 202);
    ck_assert_int_eq(call("/two", NULL, "HTTP_X_ACCOUNT", "3", "{}"), 202);
    ck_assert_int_eq(call("/two", NULL, "HTTP_X_ACCOUNT", "4", "{}"), 429);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"source\";q=3;w=3600");
}
END_TEST

/* Several limits refuse: whoever waits as told is refused by none of them. */
START_TEST(the_longest_wait_is_told)
{
    ck_assert_int_eq(call("/slower", NULL, "HTTP_X_ACCOUNT", "1", "{}"), 202);
    ck_assert_int_eq(call("/slower", NULL, "HTTP_X_ACCOUNT", "1", "{}"), 429);
    ck_assert_span_eq(answer_header(&last, "Retry-After"), "3600");
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"value-2\";r=0;t=3600");
    ck_assert_int_eq(call("/slower", NULL, "HTTP_X_ACCOUNT", "2", "{}"), 429);
    ck_assert_span_eq(answer_header(&last, "Retry-After"), "10");
}
END_TEST

/* A signed request, or one whose body was changed afterwards. */
static int call_signed(const char *uri, const char *remote, bool good)
{
    static int n;
    char id[32];
    snprintf(id, sizeof id, "msg_%d", n++);
    struct span body = SPAN_LIT("{\"type\":\"x\"}");
    struct call c = {.uri = uri, .remote = remote, .headers = signed_headers(id, time(NULL), body), .content_type = "application/json",
                     .body = good ? body : SPAN_LIT("{\"type\":\"y\"}")};
    answer_fini(&last);
    stage_call(&stage, &c, &last);
    return last.status;
}

START_TEST(strangers_do_not_use_up_a_key)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_signed("/shop", "198.51.100.1", false), 401);
    ck_assert_int_eq(call_signed("/shop", "192.0.2.1", true), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"key\";q=2;w=800");
    ck_assert_int_eq(call_signed("/shop", "192.0.2.2", true), 202);
    ck_assert_int_eq(call_signed("/shop", "192.0.2.3", true), 429);
    ck_assert_span_eq(answer_header(&last, "Retry-After"), "400");
}
END_TEST

START_TEST(who_fails_too_often_is_not_looked_at)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_signed("/other", "198.51.100.1", false), 401);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(call_signed("/other", "198.51.100.1", i % 2), 429);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"failed\";q=3;w=3600");
    ck_assert_span_eq(answer_header(&last, "Retry-After"), "1200");
    ck_assert_int_eq(spool_lines(&stage, "rejected", "have failed to prove themselves"), 5);
    ck_assert_int_eq(call_signed("/other", "198.51.100.2", true), 202); /* another address */
    ck_assert_int_eq(call_signed("/shop", "198.51.100.1", true), 202);  /* another source */
    /* A network is one. */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_signed("/other", "2001:db8::1", false), 401);
    ck_assert_int_eq(call_signed("/other", "2001:db8::2", true), 429);
    ck_assert_int_eq(call_signed("/other", "2001:db8:0:1::2", true), 202);
}
END_TEST

START_TEST(who_has_proved_itself_is_not_locked_out)
{
    ck_assert_int_eq(call_signed("/other", "192.0.2.9", true), 202);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(call_signed("/other", "192.0.2.9", false), 401);
    ck_assert_int_eq(call_signed("/other", "192.0.2.9", true), 202);
    for (int i = 0; i < 3; i++) /* but only where it has */
        ck_assert_int_eq(call_signed("/shop", "192.0.2.9", false), 401);
    ck_assert_int_eq(call_signed("/shop", "192.0.2.9", false), 429);
}
END_TEST

START_TEST(a_caller_that_shows_its_key_has_proved_itself)
{
    static const char right[] = "Bearer whsec_" STAGE_SECRET;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call("/bearer", "198.51.100.1", "HTTP_AUTHORIZATION", "Bearer guess", "{}"), 401);
    ck_assert_int_eq(call("/bearer", "198.51.100.1", "HTTP_AUTHORIZATION", right, "{}"), 429);
    ck_assert_int_eq(call("/bearer", "192.0.2.1", "HTTP_AUTHORIZATION", right, "{}"), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"key\";r=1;t=1800");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(call("/bearer", "192.0.2.1", "HTTP_AUTHORIZATION", "Bearer guess", "{}"), 401);
    ck_assert_int_eq(call("/bearer", "192.0.2.1", "HTTP_AUTHORIZATION", right, "{}"), 202);
    ck_assert_int_eq(call("/bearer", "192.0.2.1", "HTTP_AUTHORIZATION", right, "{}"), 429);
}
END_TEST

#define EVENT(n) "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":{\"n\":" n "}}"

static int send_batch(const char *uri, const char *text)
{
    struct call c = {.uri = uri, .body = span_str(text), .content_type = "application/cloudevents-batch+json"};
    answer_fini(&last);
    stage_call(&stage, &c, &last);
    return last.status;
}

START_TEST(a_batch_counts_as_its_events)
{
    ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "," EVENT("1") "," EVENT("1") "]"), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"source\";r=2;t=10");
    for (int i = 0; i < 3; i++) { /* what is refused uses nothing up */
        ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "," EVENT("1") "," EVENT("1") "]"), 429);
        ck_assert_span_eq(answer_header(&last, "Retry-After"), "10");
    }
    ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "," EVENT("1") "]"), 202);
    ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "]"), 429);
    ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "]"), 429);
}
END_TEST

/* Where what is counted is in the events a batch is one as well: who waits for all of it gets in, and who is refused has used
 * nothing up, neither of the values before nor of the other limits. */
START_TEST(a_batch_counts_as_what_is_in_its_events)
{
    ck_assert_int_eq(send_batch("/each", "[" EVENT("1") "," EVENT("2") "," EVENT("2") "]"), 202);
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"value-2\";r=1;t=1200");
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(send_batch("/each", "[" EVENT("3") "," EVENT("2") "," EVENT("2") "]"), 429);
        ck_assert_span_eq(answer_header(&last, "Retry-After"), "1200");
        ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"value-2\";r=1;t=1200");
    }
    ck_assert_int_eq(send_batch("/each", "[" EVENT("3") "," EVENT("3") "," EVENT("3") "]"), 202);
    ck_assert_int_eq(send_batch("/each", "[" EVENT("2") "]"), 429); /* the source has had its six */
    ck_assert_span_eq(answer_header(&last, "RateLimit"), "\"source\";r=0;t=600");
    ck_assert_int_eq(send_batch("/each", "[" EVENT("4") "," EVENT("4") "," EVENT("5") "," EVENT("4") "," EVENT("4") "]"), 413);
    ck_assert_int_eq(send_batch("/each", "[" EVENT("4") ",7]"), 400);
    static const char words[] = "event 2: no CloudEvent";
    ck_assert(memmem(last.text.p, last.text.n, words, strlen(words)));
}
END_TEST

START_TEST(a_batch_that_never_fits_is_too_large)
{
    ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "]"), 413);
    ck_assert_int_eq(send_batch("/cloud", "[" EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "," EVENT("1") "]"), 202);
}
END_TEST

static void reload(const char *settings, const char *now)
{
    struct buf reason;
    buf_init(&reason, 4096);
    stage_configure(&stage, settings, now);
    ck_assert_msg(stage_prepare(&stage, &reason) == CHANNEL_READY, "%.*s", (int)reason.n, reason.p);
    buf_fini(&reason);
    stage_tell(&stage, CHANNEL_SWITCH);
    for (int i = 0; i < 2000 && from("/new", "203.0.113.1") == 404; i++)
        poll(NULL, 0, 1);
}

START_TEST(a_reload_keeps_what_it_does_not_change)
{
    static const char now[] =
        "\"plain\":{\"path\":\"/plain\"," OPEN ",\"limit\":{\"rate\":3,\"per\":\"20s\"}},"
        "\"ip\":{\"path\":\"/ip\"," OPEN ",\"limit\":[{\"rate\":1,\"per\":\"1h\",\"key\":\"ip\"}]},"
        "\"b\":{\"path\":\"/b\"," OPEN ",\"tenant\":\"header:X-Tenant\",\"limit\":{\"rate\":2,\"per\":\"1h\",\"key\":\"tenant\"}},"
        "\"other\":{\"path\":\"/other\"," SIGNED "},"
        "\"new\":{\"path\":\"/new\"," OPEN "}";
    ck_assert(from("/plain", NULL) == 202 && from("/plain", NULL) == 202 && from("/plain", NULL) == 429);
    ck_assert(from("/ip", NULL) == 202 && from("/ip", NULL) == 429);
    ck_assert(from("/a", NULL) == 202 && from("/a", NULL) == 202);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_signed("/other", "198.51.100.1", false), 401);
    reload(strict, now);
    ck_assert_int_eq(from("/ip", NULL), 429);
    ck_assert_int_eq(call("/b", NULL, "HTTP_X_TENANT", "acme", "{}"), 429);
    ck_assert_int_eq(call_signed("/other", "198.51.100.1", true), 429);
    ck_assert_int_eq(from("/plain", NULL), 202); /* this one is another now */
}
END_TEST

START_TEST(failed_proofs_need_not_be_counted)
{
    stage_stop(&stage);
    stage_configure(&stage, "\"failed_limit\":false,", sources);
    stage_start(&stage);
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(call_signed("/other", "198.51.100.1", false), 401);
    stage_stop(&stage);
    stage_configure(&stage, "", sources); /* the default: a hundred a minute */
    stage_start(&stage);
    int failed = 0;
    while (call_signed("/other", "198.51.100.1", false) == 401 && failed < 1000)
        failed++;
    ck_assert_int_eq(last.status, 429);
    ck_assert(failed >= 100 && failed < 200);
    ck_assert_span_eq(answer_header(&last, "RateLimit-Policy"), "\"failed\";q=100;w=60");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("throttle");
    TCase *t = tcase_create("throttle");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_refused_are_told_when_to_come_again);
    tcase_add_test(t, a_window_that_does_not_divide_is_told_as_it_is);
    tcase_add_test(t, addresses_count_by_network);
    tcase_add_test(t, values_count_one_by_one);
    tcase_add_test(t, a_tenant_has_one_limit_wherever_it_calls);
    tcase_add_test(t, what_one_limit_refuses_another_does_not_count);
    tcase_add_test(t, strangers_do_not_use_up_a_key);
    tcase_add_test(t, who_fails_too_often_is_not_looked_at);
    tcase_add_test(t, who_has_proved_itself_is_not_locked_out);
    tcase_add_test(t, a_caller_that_shows_its_key_has_proved_itself);
    tcase_add_test(t, a_batch_counts_as_its_events);
    tcase_add_test(t, a_batch_counts_as_what_is_in_its_events);
    tcase_add_test(t, the_longest_wait_is_told);
    tcase_add_test(t, a_batch_that_never_fits_is_too_large);
    tcase_add_test(t, a_reload_keeps_what_it_does_not_change);
    tcase_add_test(t, failed_proofs_need_not_be_counted);
    suite_add_tcase(s, t);
    return suite_run(s);
}
