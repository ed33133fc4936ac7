/* SPDX-License-Identifier: MIT
 * check_client: a running intake that knows its proxies: who may call a source, and whose address is written down.
 */
#include "stage.h"

#include <poll.h>

static struct stage stage; /* of the running test */

#define OPEN_SOURCE "\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:x\",\"dedupe\":false"
static const char settings[] = "\"trusted_proxies\":[\"10.0.0.0/8\",\"2001:db8:aa::/48\"],";
static const char sources[] = "\"any\":{\"path\":\"/any\"," OPEN_SOURCE "},"
                              "\"some\":{\"path\":\"/some\"," OPEN_SOURCE ",\"allow\":[\"203.0.113.0/24\",\"2001:db8::/33\"]}";

static void setup(void)
{
    stage_init(&stage, settings, sources);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

static const char *server = "nginx/1.22.1";

/* The status of an empty event from there, with up to two X-Forwarded-For fields. */
static int call_from(const char *uri, const char *remote, const char *one, const char *two)
{
    const char *headers[] = {"SERVER_SOFTWARE", server, "HTTP_X_FORWARDED_FOR", one, "HTTP_X_FORWARDED_FOR", two, NULL};
    if (!two)
        headers[4] = NULL;
    if (!one)
        headers[2] = NULL;
    struct call c = {.uri = uri, .remote = remote, .headers = headers};
    struct answer a;
    stage_call(&stage, &c, &a);
    int status = a.status;
    answer_fini(&a);
    return status;
}

START_TEST(an_allow_list_lets_in_whom_it_names)
{
    ck_assert_int_eq(call_from("/some", "203.0.113.9", NULL, NULL), 202);
    ck_assert_int_eq(call_from("/some", "2001:db8:1::9", NULL, NULL), 202);
    ck_assert_int_eq(call_from("/some", "::ffff:203.0.113.9", NULL, NULL), 202);
    ck_assert_int_eq(call_from("/some", "203.0.114.9", NULL, NULL), 403);
    ck_assert_int_eq(call_from("/some", "2001:db8:8000::", NULL, NULL), 403);
    ck_assert_int_eq(call_from("/some", "", NULL, NULL), 403);
    ck_assert_int_eq(call_from("/some", "unix:", NULL, NULL), 403);
    ck_assert_int_eq(call_from("/any", "unix:", NULL, NULL), 202);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"address-not-allowed\""), 4);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"remote\":\"203.0.114.9\""), 1);
}
END_TEST

/* Also with a method, a body and a signature that would be refused: who may not call learns nothing of the source. */
START_TEST(a_stranger_learns_nothing_else)
{
    struct call c = {.uri = "/some", .remote = "198.51.100.1", .method = "DELETE"};
    struct answer a;
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 403);
    ck_assert_uint_eq(answer_header(&a, "Allow").n, 0);
    struct span body = answer_body(&a);
    ck_assert_ptr_nonnull(memmem(body.p, body.n, "198.51.100.1", 12));
    answer_fini(&a);
}
END_TEST

START_TEST(forwarded_counts_from_the_right_and_from_proxies_only)
{
    ck_assert_int_eq(call_from("/some", "198.51.100.1", "203.0.113.9", NULL), 403);
    ck_assert_int_eq(call_from("/some", "198.51.100.1", "203.0.113.9, 10.0.0.1", NULL), 403);
    ck_assert_int_eq(call_from("/some", "203.0.113.9", "198.51.100.1", NULL), 202);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9", NULL), 202);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9, 198.51.100.1", NULL), 403);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "198.51.100.1, 203.0.113.9, 10.9.9.9", NULL), 202);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", NULL, NULL), 403);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9, unknown", NULL), 403);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"remote\":\"unknown\""), 1);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"remote\":\"10.0.0.1\""), 1);
    ck_assert_int_eq(call_from("/any", "2001:db8:aa::1", "203.0.113.77:4711", NULL), 202);
    ck_assert_int_eq(journal_lines(&stage, "\"remote\":\"203.0.113.77\""), 1);
}
END_TEST

START_TEST(each_proxy_may_add_a_field_of_its_own)
{
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "198.51.100.1", "203.0.113.9"), 202);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9", "10.0.0.2"), 202);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9", "198.51.100.1"), 403);
    stage_stop(&stage);
    stage_configure(&stage, "", sources); /* no proxies */
    stage_start(&stage);
    ck_assert_int_eq(call_from("/any", "10.0.0.1", "198.51.100.1", "203.0.113.9"), 400);
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9", NULL), 403);
}
END_TEST

/* Others join fields, or make one of two names: what a client has called X.Forwarded.For would count. */
START_TEST(two_fields_are_believed_of_nginx_only)
{
    static const char *const others[] = {"lighttpd/1.4.69", "Apache/2.4.62", "", "Xnginx/1", "nginx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        server = others[i];
        ck_assert_int_eq(call_from("/some", "10.0.0.1", "198.51.100.1", "203.0.113.9"), 400);
        ck_assert_int_eq(call_from("/some", "10.0.0.1", "203.0.113.9", NULL), 202);
        ck_assert_int_eq(call_from("/some", "203.0.113.9", "198.51.100.1", "198.51.100.1"), 202); /* nobody looks at them */
    }
    server = "nginx/1.22.1";
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"remote\":\"10.0.0.1\""), 5); /* who connected: no more is known */
}
END_TEST

START_TEST(a_reload_changes_both)
{
    ck_assert_int_eq(call_from("/some", "10.0.0.1", "198.51.100.1", NULL), 403);
    stage_configure(&stage, "\"trusted_proxies\":[\"10.0.0.2\"],", "\"some\":{\"path\":\"/some\"," OPEN_SOURCE ",\"allow\":[\"10.0.0.1\"]}");
    struct buf reason;
    buf_init(&reason, 4096);
    ck_assert_int_eq(stage_prepare(&stage, &reason), CHANNEL_READY);
    stage_tell(&stage, CHANNEL_SWITCH);
    int status = 403;
    for (int i = 0; i < 2000 && status == 403; i++) {
        status = call_from("/some", "10.0.0.1", "198.51.100.1", NULL);
        poll(NULL, 0, 1);
    }
    ck_assert_int_eq(status, 202);
    ck_assert_int_eq(call_from("/some", "10.0.0.2", "203.0.113.9", NULL), 403);
    ck_assert_int_eq(call_from("/some", "10.0.0.2", "10.0.0.1", NULL), 202);
    buf_fini(&reason);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("client");
    TCase *t = tcase_create("client");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_allow_list_lets_in_whom_it_names);
    tcase_add_test(t, a_stranger_learns_nothing_else);
    tcase_add_test(t, forwarded_counts_from_the_right_and_from_proxies_only);
    tcase_add_test(t, each_proxy_may_add_a_field_of_its_own);
    tcase_add_test(t, two_fields_are_believed_of_nginx_only);
    tcase_add_test(t, a_reload_changes_both);
    suite_add_tcase(s, t);
    return suite_run(s);
}
