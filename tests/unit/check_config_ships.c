/* SPDX-License-Identifier: MIT
 * check_config_ships: the example, the JSON Schema and the manual tell the settings and answers that there are.
 */
#include "config_kit.h"

static void read_shipped(const char *path, struct buf *b)
{
    struct why w;
    buf_init(b, 1 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, path, b, &w) == ERR_OK, "%s", w.text);
}

START_TEST(the_example_loads)
{
    struct heard h = {.n = 0};
    struct config *c = NULL;
    buf_init(&h.text, 65536);
    enum err e = config_read(TOP_SRCDIR "/deploy/creel.json.example", hear, &h, &c);
    ck_assert_msg(e == ERR_OK, "%.*s", (int)h.text.n, h.text.p ? h.text.p : "");
    ck_assert_uint_eq(c->n_sources, 7);
    config_free(c);
    buf_fini(&h.text);
}
END_TEST

/* A default in the schema is the value as it stands in a configuration. */
static bool same_default(const struct setting *s, struct span value)
{
    struct span plain = json_plain_string(value);
    struct span def = span_of(s->def, s->type == SETTING_ONE ? strcspn(s->def, " ") : strlen(s->def));
    return span_eq(plain.p ? plain : value, def);
}

static void schema_describes(struct span properties, const struct setting *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct span p = json_member(properties, rows[i].name);
        ck_assert_msg(p.p != NULL, "the schema lacks %s", rows[i].name);
        struct span help = json_plain_string(json_member(p, "description")), def = json_member(p, "default");
        ck_assert_msg(span_eq_str(help, rows[i].help), "%s: %.*s", rows[i].name, (int)help.n, help.p ? help.p : "");
        bool required = rows[i].min && !rows[i].def[0];
        ck_assert_msg(required ? !def.p : def.p && same_default(&rows[i], def), "default of %s", rows[i].name);
        if (rows[i].type == SETTING_INT) {
            int64_t min, max;
            ck_assert_int_eq(json_int(json_member(p, "minimum"), &min), ERR_OK);
            ck_assert_int_eq(json_int(json_member(p, "maximum"), &max), ERR_OK);
            ck_assert(min == rows[i].min && max == rows[i].max);
        }
    }
}

static size_t count_members(struct span object)
{
    struct span name, value;
    size_t n = 0;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);)
        n++;
    return n;
}

START_TEST(the_schema_describes_every_setting)
{
    struct buf b;
    struct json_error e;
    read_shipped(TOP_SRCDIR "/deploy/creel.schema.json", &b);
    struct span schema = buf_span(&b);
    ck_assert_int_eq(json_check(schema, JSON_LIMITS_DEFAULT, &e), ERR_OK);
    struct span top = json_pointer(schema, SPAN_LIT("/properties"));
    struct span source = json_pointer(schema, SPAN_LIT("/definitions/source/properties"));
    schema_describes(top, config_top_rows, CONFIG_TOP_ROWS);
    schema_describes(source, config_src_rows, CONFIG_SRC_ROWS);
    enum { TOP_SHAPED = 6 /* $schema include peer_users trusted_proxies failed_limit sources */, SOURCE_SHAPED = 19 };
    ck_assert_uint_eq(count_members(top), CONFIG_TOP_ROWS + TOP_SHAPED);
    ck_assert_uint_eq(count_members(source), CONFIG_SRC_ROWS + SOURCE_SHAPED);
    buf_fini(&b);
}
END_TEST

static void manual_tells(const char *manual, const struct setting *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char entry[512];
        snprintf(entry, sizeof entry, ".It Sy %s\n%s.\n", rows[i].name, rows[i].help);
        ck_assert_msg(strstr(manual, entry) != NULL, "the manual lacks: %s", entry);
    }
}

START_TEST(the_manual_tells_every_setting)
{
    struct buf b;
    read_shipped(TOP_SRCDIR "/man/creel.json.5", &b);
    buf_putc(&b, 0);
    manual_tells(b.p, config_top_rows, CONFIG_TOP_ROWS);
    manual_tells(b.p, config_src_rows, CONFIG_SRC_ROWS);
    buf_fini(&b);
}
END_TEST

START_TEST(the_manual_tells_every_answer)
{
    struct buf b;
    read_shipped(TOP_SRCDIR "/man/creeld.8", &b);
    buf_putc(&b, 0);
    for (enum err e = ERR_OK + 1; e < ERR_COUNT; e++) {
        char entry[64];
        snprintf(entry, sizeof entry, ".It %d Cm %s\n", err_status(e), err_code(e));
        ck_assert_msg(!err_status(e) || strstr(b.p, entry) != NULL, "the manual lacks: %s", entry);
    }
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config_ships");
    TCase *t = tcase_create("config_ships");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_example_loads);
    tcase_add_test(t, the_schema_describes_every_setting);
    tcase_add_test(t, the_manual_tells_every_setting);
    tcase_add_test(t, the_manual_tells_every_answer);
    suite_add_tcase(s, t);
    return suite_run(s);
}
