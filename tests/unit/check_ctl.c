/* SPDX-License-Identifier: MIT
 * check_ctl: the events that creel send makes up: for every installed recipe one that its receiver takes for an event, with
 * type and id where it looks for them. What the program does as a whole is tested in tests/system.
 */
#define sample_init kit_sample_init
#include "installed_kit.h"
#undef sample_init

#include "ctl/sample.h"
#include "recipe/facts.h"

static struct buf body_for(const struct recipe *r, const struct config_source *source, const char *type)
{
    struct sample s;
    struct why w;
    struct buf b;
    buf_init(&b, 4096);
    ck_assert_msg(sample_init(&s, r, source, type, false, &w) == ERR_OK, "%s", w.text);
    ck_assert_msg(sample_body(&s, "ID", 7, NOW_MS, &b, &w) == ERR_OK, "%s", w.text);
    return b;
}

static void body_is(const struct recipe *r, const struct config_source *source, const char *type, const char *text)
{
    struct buf b = body_for(r, source, type);
    struct json_error bad;
    ck_assert_span_eq(buf_span(&b), text);
    ck_assert(recipe_signs_form(r) || json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad) == ERR_OK);
    buf_fini(&b);
}
#define DATA "{\"number\":7,\"sent\":\"2023-11-14T22:13:20.000Z\"}"

static void installed_body(const char *recipe, const char *type, const char *text)
{
    struct recipe *r = installed(recipe);
    body_is(r, NULL, type, text);
    recipe_free(r);
}

START_TEST(type_and_id_go_where_the_recipe_looks)
{
    installed_body("stripe", "order.paid", "{\"id\":\"ID\",\"type\":\"order.paid\",\"data\":" DATA "}");
    installed_body("github", "order.paid", "{\"type\":\"order.paid\",\"data\":" DATA "}");
    installed_body("sendgrid", "open", "[{\"sg_event_id\":\"ID\",\"event\":\"open\",\"sample\":" DATA "}]");
    installed_body("telegram", "message", "{\"update_id\":\"ID\",\"message\":{},\"data\":" DATA "}");
    installed_body("huggingface", "repo.update",
                   "{\"event\":{\"scope\":\"repo\",\"action\":\"update\"},\"data\":" DATA "}");
    installed_body("replicate", "prediction.succeeded", "{\"status\":\"succeeded\",\"data\":" DATA "}");
    installed_body("aws-sns", NULL, "{\"MessageId\":\"ID\",\"Type\":\"Notification\",\"data\":" DATA "}");
    installed_body("twilio", "message.sent", "EventType=message.sent&number=7&sent=2023-11-14T22%3A13%3A20.000Z");
    struct sample s;
    struct why w;
    struct recipe *r = installed("github");
    ck_assert_int_eq(sample_init(&s, r, NULL, "push", true, &w), ERR_OK);
    ck_assert_uint_eq(s.n, 2);
    ck_assert_span_eq(s.places[0].where, "X-GitHub-Delivery");
    ck_assert_span_eq(sample_value(&s.places[0], "ID"), "ID");
    ck_assert_span_eq(s.places[1].where, "X-GitHub-Event");
    ck_assert_span_eq(sample_value(&s.places[1], "ID"), "push");
    recipe_free(r);
}
END_TEST

START_TEST(a_source_says_otherwise)
{
    const char *type[] = {"json:/event/kind", "header:X-Type"}, *id[] = {"json:/data/id"};
    struct config_source source = {.type = type, .n_type = 2, .event_id = id, .n_event_id = 1};
    struct recipe *r = installed("standard-webhooks");
    body_is(r, &source, "order.paid",
            "{\"data\":{\"id\":\"ID\"},\"event\":{\"kind\":\"order.paid\"},\"sample\":" DATA "}");
    type[0] = "json:/data/type";
    body_is(r, &source, "order.paid", "{\"data\":{\"id\":\"ID\",\"type\":\"order.paid\"},\"sample\":" DATA "}");
    type[0] = "json:/a~1b";
    body_is(r, &source, "order.paid", "{\"data\":{\"id\":\"ID\"},\"a/b\":\"order.paid\",\"sample\":" DATA "}");
    type[0] = "const:order.paid";
    body_is(r, &source, "order.paid", "{\"data\":{\"id\":\"ID\"},\"type\":\"order.paid\",\"sample\":" DATA "}");
    recipe_free(r);
}
END_TEST

START_TEST(what_cannot_be_said_is_refused)
{
    const char *type[] = {"json:/data/id/x"}, *id[] = {"json:/data/id"};
    struct config_source source = {.type = type, .n_type = 1, .event_id = id, .n_event_id = 1};
    struct recipe *r = installed("standard-webhooks");
    struct sample s;
    struct why w;
    struct buf b;
    buf_init(&b, 4096);
    ck_assert_int_eq(sample_init(&s, r, &source, "a", false, &w), ERR_OK);
    ck_assert_int_eq(sample_body(&s, "ID", 1, NOW_MS, &b, &w), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w.text, "--body"));
    buf_fini(&b);
    recipe_free(r);
    r = installed("replicate");
    ck_assert_int_eq(sample_init(&s, r, NULL, "order.paid", false, &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "--body"));
    ck_assert_int_eq(sample_init(&s, r, NULL, "order.paid", true, &w), ERR_OK);
    recipe_free(r);
}
END_TEST

/* ---- all ---- */

static unsigned events;

static void has_a_type(struct bench *b, const char *name)
{
    size_t n;
    struct facts *f = NULL;
    struct span type;
    struct why w;
    const char *const *refs = recipe_default(b->r, "type", &n);
    ck_assert_int_eq(facts_new(refs, n, &f, &w), ERR_OK);
    ck_assert_int_eq(facts_find(f, &b->q, !recipe_signs_form(b->r), &b->a, &type), ERR_OK);
    ck_assert_msg(n == 0 || type.p, "%s: no type in %.*s", name, (int)b->q.body.n, b->q.body.p);
    facts_free(f);
}

static void is_an_event(const char *name, const char *variant, struct recipe *r)
{
    static struct config_param params[8];
    const char *key = private_key(recipe_key_encoding(r));
    struct recipe_reply reply;
    struct sample s;
    struct bench b;
    struct why w;
    size_t n;
    const char *const *list = recipe_params(r, &n);
    if (!key)
        return;
    bench_init(&b, r, ring_of(r, key, NULL, false));
    for (size_t i = 0; i < n; i++)
        params[i] = (struct config_param){list[i], "made-up"};
    b.q.params = params;
    b.q.n_params = n;
    struct buf body = body_for(r, NULL, NULL);
    ck_assert_int_eq(sample_init(&s, r, NULL, NULL, false, &w), ERR_OK);
    for (size_t i = 0; i < s.n; i++)
        if (s.places[i].kind == SAMPLE_HEADER) {
            struct span value = sample_value(&s.places[i], "ID");
            header(&b, strndup(s.places[i].where.p, s.places[i].where.n), strndup(value.p, value.n));
        }
    b.q.body = buf_span(&body);
    ck_assert_msg(try_sign(&b, "ID", &w) == ERR_OK, "%s %s: %s", name, variant, w.text);
    enum err e = recipe_judge(r, b.k, b.c, &b.q, true, &b.a, &b.verdict, &reply);
    ck_assert_msg(e == ERR_OK, "%s %s: %s: %s: %.*s", name, variant, err_title(e), b.verdict.detail, (int)b.q.body.n,
                  b.q.body.p);
    has_a_type(&b, name);
    events++;
    buf_fini(&body);
    forget(&b);
    b.r = NULL;
    bench_fini(&b);
}

START_TEST(every_sample_is_an_event)
{
    each_recipe(is_an_event);
    ck_assert_uint_ge(events, 120);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ctl");
    TCase *t = tcase_create("sample");
    tcase_add_unchecked_fixture(t, read_names, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, type_and_id_go_where_the_recipe_looks);
    tcase_add_test(t, a_source_says_otherwise);
    tcase_add_test(t, what_cannot_be_said_is_refused);
    tcase_add_test(t, every_sample_is_an_event);
    suite_add_tcase(s, t);
    return suite_run(s);
}
