/* SPDX-License-Identifier: MIT
 * fuzz recipe: what begins like an object is a recipe to compile; anything else is lines of header values, with
 * which nobody without the key may get past any installed recipe. Built with -fsanitize=fuzzer (see local.mk).
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fs.h"
#include "recipe/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { RECIPES = 4, NOW_S = 1700000000 };

struct target {
    struct recipe *recipe;
    struct keyring *ring;
};

static void compile_any(struct span text)
{
    struct recipe *r;
    struct why w;
    if (recipe_compile("fuzz", text, NULL, &r, &w) == ERR_OK)
        recipe_free(r);
    if (recipe_compile("fuzz", text, "v", &r, &w) == ERR_OK)
        recipe_free(r);
}

static void load(struct target *t, const char *name, const char *key)
{
    char path[512];
    struct buf text;
    struct why w;
    const struct keyring_key keys = {"k", NULL, false, span_str(key), 0, INT64_MAX};
    snprintf(path, sizeof path, TESTS_SRCDIR "/host/recipe/recipes/%s.json", name);
    buf_init(&text, 1 << 16);
    bug_if(fs_read(AT_FDCWD, path, &text, &w) != ERR_OK);
    bug_if(recipe_compile(name, buf_span(&text), NULL, &t->recipe, &w) != ERR_OK);
    bug_if(keyring_new(t->recipe, &keys, 1, &t->ring, &w) != ERR_OK);
    buf_fini(&text);
}

static struct span next_line(struct span *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct span line = span_of(rest->p, n);
    *rest = span_skip(*rest, end ? n + 1 : n);
    return line;
}

static void verify_any(const struct target *targets, struct recipe_context *c, struct arena *a, struct span text)
{
    static const char *const names[] = {"webhook-id",       "webhook-timestamp",   "webhook-signature",
                                        "Stripe-Signature", "X-Hub-Signature-256", "WEBHOOK-SIGNATURE"};
    enum { N_NAMES = sizeof names / sizeof *names };
    struct recipe_header headers[N_NAMES];
    for (size_t i = 0; i < N_NAMES; i++)
        headers[i] = (struct recipe_header){span_str(names[i]), next_line(&text)};
    const struct recipe_request q = {.method = SPAN_LIT("POST"),
                                     .headers = headers,
                                     .n_headers = N_NAMES,
                                     .body = text,
                                     .now_ms = NOW_S * INT64_C(1000)};
    for (size_t i = 0; i < RECIPES; i++) {
        struct recipe_verdict verdict;
        arena_reset(a);
        bug_if(recipe_verify(targets[i].recipe, targets[i].ring, c, &q, a, &verdict) == ERR_OK);
        bug_if(verdict.detail[0] == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct target targets[RECIPES];
    static struct recipe_context *context;
    static struct arena arena;
    if (!context) {
        bug_if(recipe_context_new(&context) != ERR_OK || !arena_init(&arena, 1 << 20));
        load(&targets[0], "standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        load(&targets[1], "standard-webhooks-v1a", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
        load(&targets[2], "github", "It's a Secret to Everybody");
        load(&targets[3], "stripe", "whsec_test_secret");
    }
    if (n == 0)
        return 0;
    struct span rest = span_of((const char *)p + 1, n - 1);
    if (p[0] == '{')
        compile_any(span_of((const char *)p, n));
    else
        verify_any(targets, context, &arena, rest);
    return 0;
}
