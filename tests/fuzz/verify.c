/* SPDX-License-Identifier: MIT
 * fuzz verify: any request against any installed recipe, whose keys nobody who writes requests knows: none may pass.
 * An input is a request as it is sent, below a line with the recipe's name and, where it has variants, the variant's:
 *     convoy advanced
 *     POST https://hooks.example.test/in
 *     X-Convoy-Signature: t=1,v1=00
 *
 *     {"body":1}
 */
#include "fuzz.h"
#include "installed.h"
#include "request.h"
#include "unknown_keys.h"

static void write_case(struct span element, struct buf *out);

const char fuzz_name[] = "verify";
const struct fuzz_source fuzz_sources[] = {
    {"tests/vectors/signatures.json", write_case},
    {"tests/fuzz/corpus/verify", NULL},
    {NULL, NULL},
};

enum { TARGETS_MAX = 512, NAME_BYTES = 128, CASE_BYTES = 1 << 20, NOW_S = 1700000000 };

struct target {
    char name[NAME_BYTES]; /* the input's first line */
    struct recipe *recipe; /* NULL: there is none */
    struct keyring *ring;  /* NULL: the recipe proves nothing */
    struct keyring *empty; /* of a source that waits for its secret or fetches its keys; NULL: there must be keys */
};

static const struct config_param params[] = {{"verify_token", "fuzz"}, {"webhook_id", "fuzz"},  {"public_key", "fuzz"},
                                             {"key_id", "fuzz"},       {"allowed_origin", "*"}, {"allowed_rate", "1"}};

/* A request object as an input. */
static void write_case(struct span element, struct buf *out)
{
    static struct recipe_case t;
    struct arena a;
    struct why w;
    bug_if(!arena_init(&a, CASE_BYTES) || case_parse(element, 0, &a, &t, &w) != ERR_OK);
    buf_put_span(out, t.provider);
    if (t.scheme.p && !span_eq(t.scheme, t.provider)) {
        buf_putc(out, ' ');
        buf_put_span(out, t.scheme);
    }
    buf_putc(out, '\n');
    write_request(out, &t.request);
    arena_fini(&a);
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
    buf_init(&text, INSTALLED_BYTES);
    if (installed_text(name, &text)) {
        if (variant && !recipe_has_variant(buf_span(&text), variant))
            variant = NULL;
        bug_if(installed_compile(name, buf_span(&text), variant, &t->recipe, &w) != ERR_OK);
        if (!recipe_is_none(t->recipe))
            t->ring = unknown_ring(t->recipe);
        if (keyring_new(t->recipe, NULL, 0, &t->empty, &w) != ERR_OK)
            t->empty = NULL;
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

static bool plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

/* RFC 3986 section 3.1: schemes are the same in either case. */
static bool is_https(struct span url)
{
    return url.n > 8 && span_eq_nocase(span_of(url.p, 8), SPAN_LIT("https://"));
}

/* What a handshake is answered can be sent, and leads nowhere but to where the recipe says. */
static void hold_reply(const struct recipe_reply *reply, bool has_keys)
{
    bug_if(reply->status < 200 || reply->status > 599 || !reply->body.p || !plain(reply->content_type));
    for (size_t i = 0; i < reply->n_headers; i++)
        bug_if(reply->headers[i].name.n == 0 || !plain(reply->headers[i].value));
    bug_if(reply->store.p && (has_keys || reply->store.n == 0));
    bug_if(reply->fetch.p && !is_https(reply->fetch));
}

static const struct keyring *no_keys_yet(void *arg, struct span url)
{
    bug_if(!is_https(url));
    return arg;
}

/* In exactly as much scratch as it is said to take. */
static void judge(const struct target *t, const struct keyring *ring, struct recipe_request *q)
{
    static struct recipe_context *context;
    struct recipe_verdict verdict;
    struct recipe_reply reply;
    struct arena scratch;
    bug_if(!context && recipe_context_new(&context) != ERR_OK);
    bug_if(!arena_init(&scratch, recipe_scratch_bytes(t->recipe, q)));
    enum err e = recipe_judge(t->recipe, ring, context, q, true, &scratch, &verdict, &reply);
    bug_if(e == ERR_OK && !recipe_is_none(t->recipe));
    bug_if(e == ERR_BODY_TOO_LARGE);
    bug_if(e != ERR_OK && e != ERR_ANSWERED && verdict.detail[0] == 0);
    bug_if(e == ERR_KEYS_PENDING && !is_https(verdict.keys_url));
    if (e == ERR_ANSWERED)
        hold_reply(&reply, ring == t->ring && t->ring);
    arena_fini(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct recipe_header headers[CASE_HEADERS_MAX];
    struct recipe_request q = {.params = params,
                               .n_params = sizeof params / sizeof *params,
                               .now_ms = NOW_S * INT64_C(1000),
                               .tolerance_ms = NOW_S * INT64_C(1000),
                               .keys_at = no_keys_yet};
    struct span text = span_of((const char *)p, n);
    const struct target *t = find(cut_at(&text, '\n'));
    if (!t || !t->recipe)
        return 0;
    read_request(text, headers, &q);
    if (t->ring)
        judge(t, t->ring, &q);
    if (!t->empty)
        return 0;
    judge(t, t->empty, &q);
    q.keys_arg = t->ring; /* and once they are there */
    judge(t, t->empty, &q);
    return 0;
}
