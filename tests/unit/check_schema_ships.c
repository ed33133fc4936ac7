/* SPDX-License-Identifier: MIT
 * check_schema_ships: the schemas that are installed for people's editors are schemas, and say of what ships that it is right: the example of
 * a configuration and each recipe meet theirs, and a recipe with a fault does not.
 */
#include "schema_kit.h"

#include <cjson/cJSON.h>
#include <dirent.h>

static struct schema *from_file(const char *path)
{
    const struct schema_options o = {.draft = SCHEMA_2020_12, .formats = true};
    struct buf text = read_text_file(path);
    struct schema *s = NULL;
    struct why w;
    ck_assert_msg(schema_compile(buf_span(&text), &o, &s, &w) == ERR_OK, "%s: %s", path, w.text);
    buf_fini(&text);
    return s;
}

static void must_meet(const struct schema *s, struct span value, const char *what)
{
    struct schema_context *c;
    struct schema_errors errors;
    struct arena memory;
    ck_assert(arena_init(&memory, KIT_ARENA_BYTES) && schema_context_new(&c) == ERR_OK);
    enum err e = schema_validate(s, c, value, &memory, &errors);
    ck_assert_msg(e == ERR_OK, "%s: %.*s %s: %.*s", what, (int)errors.list[0].pointer.n, errors.list[0].pointer.p,
                  errors.list[0].keyword, (int)errors.list[0].message.n, errors.list[0].message.p);
    schema_context_free(c);
    arena_fini(&memory);
}

START_TEST(the_configuration_is_described)
{
    struct schema *s = from_file(TESTS_SRCDIR "/deploy/creel.schema.json");
    struct buf text = read_text_file(TESTS_SRCDIR "/deploy/creel.json.example");
    buf_putc(&text, 0);
    cJSON_Minify(text.p); /* takes comments out */
    must_meet(s, span_str(text.p), "creel.json.example");
    schema_free(s);
    buf_fini(&text);
}
END_TEST

START_TEST(every_recipe_is_as_described)
{
    struct schema *s = from_file(TESTS_SRCDIR "/host/recipe/recipe.schema.json");
    struct schema_context *c;
    struct schema_errors errors;
    struct arena memory;
    unsigned n = 0;
    DIR *d = opendir(TESTS_SRCDIR "/host/recipe/recipes");
    ck_assert(d && arena_init(&memory, KIT_ARENA_BYTES) && schema_context_new(&c) == ERR_OK);
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024];
        snprintf(path, sizeof path, TESTS_SRCDIR "/host/recipe/recipes/%s", e->d_name);
        if (!strstr(e->d_name, ".json"))
            continue;
        struct buf text = read_text_file(path);
        must_meet(s, buf_span(&text), e->d_name);
        buf_fini(&text);
        n++;
    }
    closedir(d);
    ck_assert_uint_gt(n, 100);
    ck_assert_int_eq(schema_validate(s, c, SPAN_LIT("{\"algorithm\":\"hmac-sha257\"}"), &memory, &errors),
                     ERR_SCHEMA_VIOLATION);
    schema_context_free(c);
    arena_fini(&memory);
    schema_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema ships");
    TCase *t = tcase_create("schema ships");
    tcase_add_test(t, the_configuration_is_described);
    tcase_add_test(t, every_recipe_is_as_described);
    suite_add_tcase(s, t);
    return suite_run(s);
}
