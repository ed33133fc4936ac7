/* SPDX-License-Identifier: MIT
 * fuzz recipe: any bytes as a recipe and as each of its variants. What is refused says why; what compiles does so again.
 */
#include "base/json.h"
#include "fuzz.h"
#include "installed.h"

const char fuzz_name[] = "recipe";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/recipe", NULL},
    {"host/recipe/recipes", NULL},
    {NULL, NULL},
};

enum { NAME_BYTES = 64 };

static void ask(const struct recipe *r, const char *name)
{
    static const char *const defaults[] = {"type", "event_id", "order_key", "version", "time"};
    size_t n;
    bug_if(strcmp(recipe_name(r), name) != 0);
    bug_if(recipe_tolerance_ms(r) < -1);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        const char *const *refs = recipe_default(r, defaults[i], &n);
        for (size_t k = 0; k < n; k++)
            bug_if(refs[k][0] == 0);
    }
    (void)recipe_takes_public_keys(r);
    (void)recipe_gaps(r);
    for (size_t i = 0; recipe_handshake_method(r, i); i++)
        bug_if(!recipe_shakes(r, span_str(recipe_handshake_method(r, i))));
    (void)recipe_may_repeat(r, SPAN_LIT("A"));
    bug_if(!recipe_is_credential(r, SPAN_LIT("authorization")));
    bug_if(!recipe_is_none(r) && !recipe_key_encoding(r));
}

static void compile(const char *name, struct span text, const char *variant)
{
    struct recipe *r = NULL, *again = NULL;
    struct why w = {""};
    if (installed_compile(name, text, variant, &r, &w) != ERR_OK) {
        bug_if(w.text[0] == 0 || r);
        return;
    }
    ask(r, name);
    bug_if(installed_compile(name, text, variant, &again, &w) != ERR_OK);
    recipe_free(r);
    recipe_free(again);
}

/* A plain string's text, terminated; what is none, or too long, leaves out. */
static void take_name(struct span string, char out[NAME_BYTES])
{
    struct span s = string.p ? json_plain_string(string) : SPAN_NONE;
    if (!s.p || s.n >= NAME_BYTES)
        return;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n), name, value;
    struct json_error bad;
    char own[NAME_BYTES] = "fuzz", variant[NAME_BYTES];
    if (json_check(text, JSON_LIMITS_DEFAULT, &bad) != ERR_OK || json_type_of(text) != JSON_OBJECT) {
        compile(own, text, NULL);
        return 0;
    }
    take_name(json_member(text, "recipe"), own);
    compile(own, text, NULL);
    struct span variants = json_member(text, "variants");
    struct json_iter it = json_iter(variants.p ? variants : SPAN_LIT("{}"));
    while (json_type_of(variants) == JSON_OBJECT && json_next_member(&it, &name, &value)) {
        if (name.n >= sizeof variant || memchr(name.p, '\\', name.n))
            continue;
        memcpy(variant, name.p, name.n);
        variant[name.n] = 0;
        compile(own, text, variant);
    }
    return 0;
}
