/* SPDX-License-Identifier: MIT
 * check_settings: what holds for a function, from defaults, manifest and sidecar; and which events it is routed.
 */
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "dispatch/route.h"

static struct settings s;
static struct why w;

static void set_up(void)
{
    settings_init(&s);
    w.text[0] = '\0';
}

static void tear_down(void)
{
    settings_fini(&s);
}

static void refused(const char *text, const char *why)
{
    struct settings fresh;
    settings_init(&fresh);
    ck_assert_msg(settings_sidecar(&fresh, span_str(text), &w) == ERR_INVALID, "taken: %s", text);
    ck_assert_msg(strstr(w.text, why), "'%s' does not say '%s'", w.text, why);
    settings_fini(&fresh);
}

START_TEST(test_defaults)
{
    ck_assert_int_eq(settings_sidecar(&s, SPAN_LIT(" {} "), &w), ERR_OK);
    ck_assert_int_eq(s.timeout_ms, 30000);
    ck_assert_int_eq(s.concurrency, 4);
    ck_assert_int_eq(s.max_uses, 0);
    ck_assert_int_eq(s.idle_ms, 60000);
    for (int i = 0; i < RETRY_CLASSES; i++) {
        ck_assert_uint_eq(s.retry.rule[i].attempts, 5);
        ck_assert_int_eq(s.retry.rule[i].base_ms, 1000);
        ck_assert_int_eq(s.retry.rule[i].cap_ms, 3600000);
    }
    ck_assert_uint_eq(s.retry.interruptions, 10);
}
END_TEST

START_TEST(test_every_member)
{
    ck_assert_msg(settings_sidecar(&s, SPAN_LIT("{\"types\":[\"order.*\",\"x/y\"],\"sources\":\"shop other\",\"config\":{\"a\":[1,2]},"
                                                "\"secrets\":{\"db\":\"/run/db\"},\"timeout\":\"250ms\",\"mode\":\"fork\",\"concurrency\":1,"
                                                "\"idle\":\"5m\",\"memory\":\"64MiB\",\"files\":32,\"processes\":0,"
                                                "\"retry\":{\"attempts\":7,\"base\":\"2s\",\"factor\":1.5,\"cap\":\"1m\",\"interruptions\":3,"
                                                "\"crash\":{\"attempts\":1},\"timeout\":{\"base\":\"9s\"}}}"), &w) == ERR_OK, "%s", w.text);
    ck_assert_uint_eq(s.types.n, 2);
    ck_assert_str_eq(s.types.words[1], "x/y");
    ck_assert_uint_eq(s.sources.n, 2);
    ck_assert_str_eq(s.sources.words[0], "shop");
    ck_assert_str_eq(s.config, "{\"a\":[1,2]}");
    ck_assert_str_eq(s.secrets.words[1], "/run/db");
    ck_assert_int_eq(s.timeout_ms, 250);
    ck_assert(s.fork && s.max_uses == 1);
    ck_assert_int_eq(s.concurrency, 1);
    ck_assert_int_eq(s.idle_ms, 300000);
    ck_assert_int_eq(s.memory_bytes, 64 << 20);
    ck_assert_int_eq(s.processes, 0);
    ck_assert_uint_eq(s.retry.rule[RETRY_ASKED].attempts, 7);
    ck_assert_uint_eq(s.retry.rule[RETRY_CRASH].attempts, 1);
    ck_assert_int_eq(s.retry.rule[RETRY_CRASH].base_ms, 2000);
    ck_assert_int_eq(s.retry.rule[RETRY_TIMEOUT].base_ms, 9000);
    ck_assert(s.retry.rule[RETRY_TIMEOUT].factor > 1.4 && s.retry.rule[RETRY_TIMEOUT].factor < 1.6);
    ck_assert_uint_eq(s.retry.interruptions, 3);
}
END_TEST

START_TEST(test_what_is_wrong_is_named)
{
    refused("", "byte 0");
    refused("[]", "an object is needed");
    refused("{\"timeout\":\"5m\",\"timeout\":\"5m\"}", "duplicate");
    refused("{\"timout\":\"5m\"}", "did you mean \"timeout\"");
    refused("{\"timeout\":5}", "/timeout: a duration");
    refused("{\"timeout\":\"0\"}", "/timeout: must be from 1");
    refused("{\"memory\":\"a lot\"}", "/memory: a size");
    refused("{\"mode\":\"thread\"}", "\"pool\" or \"fork\"");
    refused("{\"concurrency\":0}", "/concurrency: must be from 1");
    refused("{\"types\":[\"order paid\"]}", "no event type");
    refused("{\"types\":[1]}", "/types: a string");
    refused("{\"types\":{}}", "/types: a string");
    refused("{\"secrets\":{\"a\":\"relative\"}}", "absolute path");
    refused("{\"retry\":{\"attemps\":3}}", "/retry/attemps: unknown member, did you mean \"attempts\"");
    refused("{\"retry\":{\"crash\":{\"attempts\":0}}}", "/retry/attempts: must be from 1");
    refused("{\"retry\":{\"factor\":0.5}}", "from 1 to 100");
    refused("{\"retry\":{\"interruptions\":999}}", "/interruptions");
}
END_TEST

START_TEST(test_manifest_then_sidecar)
{
    ck_assert_int_eq(settings_manifest(&s, SPAN_LIT("{\"abi\":1,\"name\":\"x\",\"version\":null,\"types\":[],\"sources\":[],\"mode\":null,"
                                                    "\"timeout_ms\":0,\"max_uses\":0,\"concurrency\":0}"), &w), ERR_OK);
    ck_assert_int_eq(s.timeout_ms, 30000);
    ck_assert(!s.max_uses_said);
    ck_assert_int_eq(settings_manifest(&s, SPAN_LIT("{\"types\":[\"a\"],\"mode\":\"fork\",\"timeout_ms\":70,\"max_uses\":3,\"concurrency\":2}"), &w),
                     ERR_OK);
    ck_assert(s.timeout_ms == 70 && s.max_uses == 3 && s.concurrency == 2);
    ck_assert_int_eq(settings_sidecar(&s, SPAN_LIT("{\"mode\":\"pool\",\"types\":[\"b\"]}"), &w), ERR_OK);
    ck_assert(s.max_uses == 0 && s.types.n == 1 && strcmp(s.types.words[0], "b") == 0);
    ck_assert_int_eq(settings_manifest(&s, SPAN_LIT("{\"types\":[\"not a type\"]}"), &w), ERR_INVALID);
}
END_TEST

START_TEST(test_names)
{
    ck_assert(settings_name_valid(SPAN_LIT("order.paid")) && settings_name_valid(SPAN_LIT("a%2Fb")));
    ck_assert(!settings_name_valid(SPAN_LIT("")) && !settings_name_valid(SPAN_LIT(".hidden")) && !settings_name_valid(SPAN_LIT("a b")));
    ck_assert_int_eq(settings_types_by_name(&s, "a%2fb%2Ec", &w), ERR_OK);
    ck_assert_str_eq(s.types.words[0], "a/b.c");
    settings_fini(&s);
    ck_assert_int_eq(settings_types_by_name(&s, "a%2", &w), ERR_INVALID);
    ck_assert_int_eq(settings_types_by_name(&s, "a%00b", &w), ERR_INVALID);
    ck_assert_int_eq(settings_types_by_name(&s, "a%2A", &w), ERR_INVALID); /* a pattern is not what a name stands for */
    ck_assert_int_eq(settings_types_by_name(&s, "a+b", &w), ERR_INVALID);
}
END_TEST

START_TEST(test_start_json)
{
    char file[] = "/tmp/creel-secret.XXXXXX", text[256];
    struct buf b;
    struct json_error bad;
    int fd = mkstemp(file);
    ck_assert_int_eq(write(fd, "s3cr\"et\n", 8), 8);
    close(fd);
    snprintf(text, sizeof text, "{\"config\":[true],\"secrets\":{\"db\":\"%s\"},\"max_uses\":9}", file);
    ck_assert_int_eq(settings_sidecar(&s, span_str(text), &w), ERR_OK);
    buf_init(&b, 4096);
    ck_assert_msg(settings_start_json(&s, "n", SPAN_LIT(",\"hide\":[]"), &b, &w) == ERR_OK, "%s", w.text);
    ck_assert_int_eq(json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
    ck_assert(memmem(b.p, b.n, "\"db\":\"s3cr\\\"et\"", 15));
    ck_assert(memmem(b.p, b.n, "\"max_uses\":9", 12));
    ck_assert(memmem(b.p, b.n, "\"hide\":[]", 9));
    buf_clear(&b);
    ck_assert_int_eq(chmod(file, 0644), 0);
    ck_assert_int_eq(settings_start_json(&s, "n", SPAN_NONE, &b, &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "chmod 640"));
    ck_assert(!memmem(w.text, strlen(w.text), "s3cr", 4));
    buf_fini(&b);
    unlink(file);
}
END_TEST

/* ---- routing ---- */

static struct function functions[3];
static struct function *const all[] = {&functions[0], &functions[1], &functions[2]};

static void claim(size_t i, const char *name, const char *sidecar)
{
    snprintf(functions[i].name, sizeof functions[i].name, "%s", name);
    settings_fini(&functions[i].claims);
    ck_assert_int_eq(settings_sidecar(&functions[i].claims, span_str(sidecar), &w), ERR_OK);
}

static size_t find(const char *type, const char *source, bool is_unsigned, size_t max, struct span names[3], bool *more)
{
    *more = false;
    return route_find(all, 3, span_str(type), span_str(source), is_unsigned, names, max, more);
}

START_TEST(test_routing)
{
    struct span names[3];
    bool more;
    claim(0, "a", "{\"types\":\"order.*\"}");
    claim(1, "b", "{\"types\":\"order.paid invoice.*.late\",\"sources\":\"shop\"}");
    claim(2, "c", "{\"types\":\"*\",\"sources\":\"public\"}");
    ck_assert_uint_eq(find("order.paid", "shop", false, 3, names, &more), 2);
    ck_assert_span_eq(names[0], "a");
    ck_assert_span_eq(names[1], "b");
    ck_assert_uint_eq(find("order.paid", "other", false, 3, names, &more), 1);
    ck_assert_uint_eq(find("invoice.x.late", "shop", false, 3, names, &more), 1);
    ck_assert_uint_eq(find("invoice.late", "shop", false, 3, names, &more), 0);
    ck_assert_uint_eq(find("ORDER.paid", "shop", false, 3, names, &more), 0);
    /* unsigned: only who names the source */
    ck_assert_uint_eq(find("order.paid", "public", true, 3, names, &more), 1);
    ck_assert_span_eq(names[0], "c");
    ck_assert_uint_eq(find("order.paid", "elsewhere", true, 3, names, &more), 0);
    /* a full table is said */
    ck_assert_uint_eq(find("order.paid", "shop", false, 1, names, &more), 1);
    ck_assert(more);
    for (size_t i = 0; i < 3; i++)
        settings_fini(&functions[i].claims);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *t = tcase_create("settings");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_defaults);
    tcase_add_test(t, test_every_member);
    tcase_add_test(t, test_what_is_wrong_is_named);
    tcase_add_test(t, test_manifest_then_sidecar);
    tcase_add_test(t, test_names);
    tcase_add_test(t, test_start_json);
    tcase_add_test(t, test_routing);
    suite_add_tcase(suite, t);
    return suite_run(suite);
}
