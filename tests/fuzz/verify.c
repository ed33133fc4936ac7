/* SPDX-License-Identifier: MIT
 * fuzz verify: any request against any installed recipe, whose keys nobody who writes requests knows: none may pass.
 * An input is a request as it is sent, below a line with the recipe's name and, where it has variants, the variant's:
 *     convoy advanced
 *     POST https://hooks.example.test/in
 *     X-Convoy-Signature: t=1,v1=00
 *
 *     {"body":1}
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "fuzz.h"
#include "request.h"
#include "unknown_keys.h"

static void write_case(struct span element, struct buf *out);

const char fuzz_name[] = "verify";
const struct fuzz_source fuzz_sources[] = {
    {"tests/vectors/signatures.json", write_case},
    {"tests/fuzz/corpus/verify", NULL},
    {NULL, NULL},
};

enum { TARGETS_MAX = 512, NAME_BYTES = 128, RECIPE_BYTES = 65536, SCRATCH_BYTES = 1 << 20, NOW_S = 1700000000 };

struct target {
    char name[NAME_BYTES]; /* the input's first line */
    struct recipe *recipe; /* NULL: there is none, or it proves nothing */
    struct keyring *ring;
};

static const struct config_param params[] = {{"verify_token", "fuzz"}, {"webhook_id", "fuzz"},  {"public_key", "fuzz"},
                                             {"key_id", "fuzz"},       {"allowed_origin", "*"}, {"allowed_rate", "1"}};

/* A request object as an input. */
static void write_case(struct span element, struct buf *out)
{
    static struct recipe_case t;
    struct arena a;
    struct why w;
    bug_if(!arena_init(&a, SCRATCH_BYTES) || case_parse(element, 0, &a, &t, &w) != ERR_OK);
    buf_put_span(out, t.provider);
    if (t.scheme.p && !span_eq(t.scheme, t.provider)) {
        buf_putc(out, ' ');
        buf_put_span(out, t.scheme);
    }
    buf_putc(out, '\n');
    write_request(out, &t.request);
    arena_fini(&a);
}

static enum err read_recipe(const char *name, struct buf *text)
{
    char path[512];
    struct why w;
    snprintf(path, sizeof path, TESTS_SRCDIR "/host/recipe/recipes/%s.json", name);
    return strchr(name, '/') ? ERR_INVALID : fs_read(AT_FDCWD, path, text, &w);
}

static void load(struct target *t, struct span line)
{
    char name[NAME_BYTES];
    struct buf text;
    struct why w;
    memcpy(t->name, line.p, line.n);
    memcpy(name, line.p, line.n);
    t->name[line.n] = name[line.n] = 0;
    char *variant = strchr(name, ' ');
    if (variant)
        *variant++ = 0;
    buf_init(&text, RECIPE_BYTES);
    if (read_recipe(name, &text) == ERR_OK) {
        if (variant && !recipe_has_variant(buf_span(&text), variant))
            variant = NULL;
        bug_if(recipe_compile(name, buf_span(&text), variant, &t->recipe, &w) != ERR_OK);
        if (recipe_is_none(t->recipe)) {
            recipe_free(t->recipe);
            t->recipe = NULL;
        } else {
            t->ring = unknown_ring(t->recipe);
        }
    }
    buf_fini(&text);
}

/* The recipe that an input's first line names, loaded when it is named first. */
static const struct target *find(struct span line)
{
    static struct target targets[TARGETS_MAX];
    static size_t n;
    if (line.n == 0 || line.n >= NAME_BYTES || memchr(line.p, 0, line.n))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (span_eq_str(line, targets[i].name))
            return &targets[i];
    if (n == TARGETS_MAX)
        return NULL;
    load(&targets[n], line);
    return &targets[n++];
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct recipe_context *context;
    static struct arena scratch;
    struct recipe_header headers[CASE_HEADERS_MAX];
    struct recipe_request q = {.params = params,
                               .n_params = sizeof params / sizeof *params,
                               .now_ms = NOW_S * INT64_C(1000),
                               .tolerance_ms = NOW_S * INT64_C(1000)};
    struct recipe_verdict verdict;
    struct span text = span_of((const char *)p, n);
    bug_if(!context && (recipe_context_new(&context) != ERR_OK || !arena_init(&scratch, SCRATCH_BYTES)));
    const struct target *t = find(cut_at(&text, '\n'));
    if (!t || !t->recipe)
        return 0;
    read_request(text, headers, &q);
    arena_reset(&scratch);
    bug_if(recipe_verify(t->recipe, t->ring, context, &q, &scratch, &verdict) == ERR_OK);
    bug_if(verdict.detail[0] == 0 || verdict.key_id);
    return 0;
}
