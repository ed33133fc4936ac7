/* SPDX-License-Identifier: MIT
 * check_recipe: the published vectors of the installed recipes, the recipe language, header grammar, times, keys, signing, and what
 * mutated requests do to all of it.
 */
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "recipe/case.h"

static struct buf read_source(const char *path)
{
    char full[512];
    struct buf b;
    struct why w;
    snprintf(full, sizeof full, TESTS_SRCDIR "/%s", path);
    buf_init(&b, 16 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, full, &b, &w) == ERR_OK, "%s", w.text);
    return b;
}

static struct recipe *installed(const char *name)
{
    char path[128];
    struct recipe *r = NULL;
    struct why w;
    snprintf(path, sizeof path, "host/recipe/recipes/%s.json", name);
    struct buf text = read_source(path);
    ck_assert_msg(recipe_compile(name, buf_span(&text), NULL, &r, &w) == ERR_OK, "%s: %s", name, w.text);
    buf_fini(&text);
    return r;
}

static unsigned run_vectors(const char *path)
{
    struct buf text = read_source(path);
    struct json_error bad;
    struct recipe_context *c;
    struct arena a;
    struct span object;
    unsigned n = 0;
    ck_assert_int_eq(json_check(buf_span(&text), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
    ck_assert_int_eq(recipe_context_new(&c), ERR_OK);
    ck_assert(arena_init(&a, 1 << 20));
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &object); n++) {
        struct recipe_case t;
        struct recipe_verdict verdict;
        struct why w;
        arena_reset(&a);
        ck_assert_msg(case_parse(object, 0, &a, &t, &w) == ERR_OK, "%s", w.text);
        struct recipe *r = installed(t.provider.p);
        enum err e = case_verify(r, c, &t, &a, &verdict);
        ck_assert_msg((e == ERR_OK) == span_eq_str(t.expect, "accept"), "%s/%s must %s (%s): %s %s", t.provider.p, t.name.p,
                      t.expect.p, t.why.p ? t.why.p : "", err_code(e), verdict.detail);
        recipe_free(r);
    }
    arena_fini(&a);
    recipe_context_free(c);
    buf_fini(&text);
    return n;
}

START_TEST(published_vectors_agree)
{
    ck_assert_uint_eq(run_vectors("tests/vectors/signatures.json"), 54);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recipe");
    TCase *t = tcase_create("recipe");
    tcase_add_test(t, published_vectors_agree);
    suite_add_tcase(s, t);
    return suite_run(s);
}
