/* SPDX-License-Identifier: MIT
 * door: what the two suites about the door share: one intake with three sources, and requests to them. For inclusion by
 * one suite each.
 */
#ifndef CREEL_TESTS_DOOR_H
#define CREEL_TESTS_DOOR_H

#include "stage.h"

#include <stdio.h>
#include <time.h>

static struct stage stage; /* of the running test */

static const char sources[] =
    "\"shop\":{\"path\":\"/hooks/shop\",\"recipe\":\"standard-webhooks\",\"types\":[\"order.*\"],"
    "\"content_types\":[\"application/json\"],\"order_key\":\"json:/data/id\","
    "\"keys\":[{\"id\":\"k1\",\"secret_file\":\"%D/key\"}],\"max_body\":\"64KiB\"},"
    "\"mild\":{\"path\":\"/mild\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:mild\","
    "\"answers\":{\"accepted\":{\"status\":200,\"content_type\":\"text/"
    "plain\",\"body\":\"thanks\"},\"refused\":{\"status\":200}}},"
    "\"open\":{\"path\":\"/"
    "open\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"path:1\",\"methods\":[\"POST\",\"PUT\"],"
    "\"event_id\":\"header:X-Id\",\"durability\":\"written\"}";

static void setup(void)
{
    stage_init(&stage, "\"request_timeout\":\"10s\",\"threads\":3,\"body_memory\":\"3MiB\",", sources);
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

#define ORDER SPAN_LIT("{\"type\":\"order.paid\",\"data\":{\"id\":7}}")

static struct call shop(const char *id, struct span body)
{
    return (struct call){.uri = "/hooks/shop",
                         .content_type = "application/json; charset=utf-8",
                         .body = body,
                         .headers = signed_headers(id, time(NULL), body)};
}

static struct answer call_shop(const char *id, struct span body)
{
    struct answer a;
    struct call c = shop(id, body);
    stage_call(&stage, &c, &a);
    return a;
}

/* Ask, and be refused with this problem. */
static void assert_problem(const struct call *c, int status, const char *code)
{
    struct answer a;
    char member[64];
    stage_call(&stage, c, &a);
    ck_assert_msg(a.status == status, "%s %s: %d, not %d %s: %.*s", c->method ? c->method : "POST", c->uri, a.status,
                  status, code, (int)a.text.n, a.text.p);
    ck_assert(a.ended);
    ck_assert_span_eq(answer_header(&a, "Content-Type"), "application/problem+json");
    ck_assert_uint_eq(answer_header(&a, "Creel-Request-Id").n, 26);
    ck_assert_uint_eq(answer_header(&a, "Creel-Event-Id").n, 0);
    snprintf(member, sizeof member, "\"type\":\"urn:creel:error:%s\"", code);
    assert_has(answer_body(&a), member);
    snprintf(member, sizeof member, "\"status\":%d,\"code\":\"%s\",\"detail\":\"", status, code);
    assert_has(answer_body(&a), member);
    assert_has(answer_body(&a), "\"title\":\"");
    ck_assert_int_eq(answer_header(&a, "WWW-Authenticate").n > 0, status == 401);
    ck_assert_int_eq(answer_header(&a, "Allow").n > 0, status == 405);
    answer_fini(&a);
}

#endif
