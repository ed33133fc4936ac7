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
#include "recipe/case.h"
#include "unknown_keys.h"

static void write_request(struct span element, struct buf *out);

const char fuzz_name[] = "verify";
const struct fuzz_source fuzz_sources[] = {
    {"tests/vectors/signatures.json", write_request},
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

/* ---- inputs ---- */

static void write_line(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\n')
            buf_putc(out, s.p[i]);
    buf_putc(out, '\n');
}

/* A request object as an input. */
static void write_request(struct span element, struct buf *out)
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
    buf_put_span(out, t.request.method);
    buf_putc(out, ' ');
    write_line(out, t.request.url);
    for (size_t i = 0; i < t.request.n_headers; i++) {
        buf_put_span(out, t.request.headers[i].name);
        buf_puts(out, ": ");
        write_line(out, t.request.headers[i].value);
    }
    buf_putc(out, '\n');
    buf_put_span(out, t.request.body);
    arena_fini(&a);
}

static struct span cut_at(struct span *rest, char mark)
{
    const char *at = rest->n ? memchr(rest->p, mark, rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    struct span first = span_of(rest->p, n);
    *rest = span_skip(*rest, at ? n + 1 : n);
    return first;
}

static void read_url(struct recipe_request *q)
{
    struct span rest = q->url, scheme = cut_at(&rest, ':');
    if (rest.n >= 2 && scheme.n < q->url.n)
        rest = span_skip(rest, 2);
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    q->query = slash ? span_of(slash, rest.n - (size_t)(slash - rest.p)) : SPAN_LIT("/");
    q->path = cut_at(&q->query, '?');
}

static void read_request(struct span text, struct recipe_header headers[CASE_HEADERS_MAX], struct recipe_request *q)
{
    struct span first = cut_at(&text, '\n');
    *q = (struct recipe_request){.method = cut_at(&first, ' '),
                                 .url = first,
                                 .headers = headers,
                                 .params = params,
                                 .n_params = sizeof params / sizeof *params,
                                 .now_ms = NOW_S * INT64_C(1000),
                                 .tolerance_ms = NOW_S * INT64_C(1000)};
    read_url(q);
    while (text.n > 0 && text.p[0] != '\n' && q->n_headers < CASE_HEADERS_MAX) {
        struct span value = cut_at(&text, '\n'), name = cut_at(&value, ':');
        headers[q->n_headers++] = (struct recipe_header){name, span_skip(value, value.n > 0 && value.p[0] == ' ')};
    }
    q->body = span_skip(text, 1);
}

/* ---- recipes ---- */

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
    struct recipe_request q;
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
