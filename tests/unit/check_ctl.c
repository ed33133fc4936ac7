/* SPDX-License-Identifier: MIT
 * check_ctl: the events that creel send makes up. What the program does as a whole is tested in tests/system/ctl.py.
 */
#include "recipe_kit.h"

#include "ctl/sample.h"

static void body_is(const struct recipe *r, const struct config_source *source, const char *text)
{
    struct sample s;
    struct why w;
    struct buf b;
    struct json_error bad;
    buf_init(&b, 4096);
    ck_assert_int_eq(sample_init(&s, r, source, false, &w), ERR_OK);
    sample_body(&s, "order.paid", "ID", 7, NOW_MS, &b);
    ck_assert_span_eq(buf_span(&b), text);
    ck_assert_int_eq(json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
    buf_fini(&b);
}
#define DATA "{\"number\":7,\"sent\":\"2023-11-14T22:13:20.000Z\"}}"

START_TEST(type_and_id_go_where_the_recipe_looks)
{
    struct recipe *r = installed("stripe");
    body_is(r, NULL, "{\"id\":\"ID\",\"type\":\"order.paid\",\"data\":" DATA);
    recipe_free(r);
    struct sample s;
    struct why w;
    r = installed("github");
    body_is(r, NULL, "{\"type\":\"order.paid\",\"data\":" DATA);
    ck_assert_int_eq(sample_init(&s, r, NULL, true, &w), ERR_OK);
    ck_assert_str_eq(s.type_header, "X-GitHub-Event");
    ck_assert_str_eq(s.id_header, "X-GitHub-Delivery");
    recipe_free(r);
}
END_TEST

START_TEST(a_source_says_otherwise)
{
    const char *type[] = {"json:/event/kind", "header:X-Type"}, *id[] = {"json:/data/id"};
    struct config_source source = {.type = type, .n_type = 2, .event_id = id, .n_event_id = 1};
    struct recipe *r = installed("standard-webhooks");
    struct sample s;
    struct why w;
    body_is(r, &source, "{\"data\":{\"id\":\"ID\"},\"event\":{\"kind\":\"order.paid\"},\"sample\":" DATA);
    type[0] = "json:/data/type";
    body_is(r, &source, "{\"data\":{\"id\":\"ID\",\"type\":\"order.paid\"},\"sample\":" DATA);
    type[0] = "json:/sample/a", id[0] = "json:/sample/ab/0/c";
    body_is(r, &source, "{\"sample\":{\"ab\":[{\"c\":\"ID\"}],\"a\":\"order.paid\"},\"data\":" DATA);
    type[0] = "json:/0/data/type", id[0] = "json:/0/id";
    body_is(r, &source, "[{\"id\":\"ID\",\"data\":{\"type\":\"order.paid\"},\"sample\":" DATA "]");
    type[0] = "json:/type";
    ck_assert_int_eq(sample_init(&s, r, &source, false, &w), ERR_UNSUPPORTED);
    type[0] = "json:/a", id[0] = "json:/a/b";
    ck_assert_int_eq(sample_init(&s, r, &source, false, &w), ERR_UNSUPPORTED);
    id[0] = "json:/data/id";
    type[0] = "json:/data/id";
    ck_assert_int_eq(sample_init(&s, r, &source, false, &w), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w.text, "--body"));
    ck_assert_int_eq(sample_init(&s, r, &source, true, &w), ERR_OK);
    type[0] = "json:/a~1b";
    ck_assert_int_eq(sample_init(&s, r, &source, false, &w), ERR_UNSUPPORTED);
    type[0] = "json:";
    ck_assert_int_eq(sample_init(&s, r, &source, false, &w), ERR_UNSUPPORTED);
    type[0] = "const:order.paid";
    body_is(r, &source, "{\"data\":{\"id\":\"ID\"},\"type\":\"order.paid\",\"sample\":" DATA);
    recipe_free(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ctl");
    TCase *t = tcase_create("sample");
    tcase_add_test(t, type_and_id_go_where_the_recipe_looks);
    tcase_add_test(t, a_source_says_otherwise);
    suite_add_tcase(s, t);
    return suite_run(s);
}
