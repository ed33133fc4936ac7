/* SPDX-License-Identifier: MIT
 * fuzz value: a text with references ("{header:X-Time}.{body|sha256}"), and below it a request that it is about. A text
 * that is refused is refused with a reason; of one that is taken, the parts put together are the whole, the same
 * every time, also when the arena ends before it is done.
 */
#include "fuzz.h"
#include "recipe/value.h"
#include "request.h"

static void write_texts(struct span element, struct buf *out);

const char fuzz_name[] = "value";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/value/texts.json", write_texts},
    {NULL, NULL},
};

enum { ROOM_BYTES = 1 << 20, NOW_S = 1700000000 };

static const struct config_param params[] = {{"verify_token", "t"}, {"a", ""}};

static void write_texts(struct span element, struct buf *out)
{
    bug_if(json_unescape(element, out) != ERR_OK);
    buf_puts(out, "\nPOST https://u@hooks.example.test:443/in/b%20c?a=b+%2f&a=2\nX-Time: 1700000000\nX-Lines: one\n"
                  "x-lines: two\nX-Empty: \nAuthorization: Basic QTpC\n\n"
                  "{\"id\":\"\\u00e9/~1\",\"n\":-1.50e3,\"list\":[{\"a\":true},null],\"form\":\"x\"}");
}

/* The recipe that a text belongs to; NULL: none. */
static struct recipe *owner;

/* A request may list what it has signed. */
static void begin_recipe(struct recipe *r)
{
    *r = (struct recipe){.name = "fuzz"};
    r->signature.has_signed_headers = true;
    r->signature.signed_headers =
        (struct signed_headers){.names = {.kind = REF_LITERAL, .what = SPAN_LIT("x-time,x-lines")},
                                .separator = ',',
                                .between = SPAN_LIT(":"),
                                .join = SPAN_LIT(";")};
}

static struct view look(const struct recipe_request *q, struct arena *a)
{
    struct view v = {.r = owner, .q = q, .a = a};
    for (size_t i = 0; owner && i < owner->n_headers; i++)
        for (size_t k = 0; k < q->n_headers && !v.header[i].p; k++)
            if (span_eq_nocase(owner->headers[i].name, q->headers[k].name))
                v.header[i] = q->headers[k].value;
    return v;
}

static void hold(enum err e, struct span out, const struct ref *missing)
{
    bug_if(e == ERR_OK && !out.p);
    bug_if(e == ERR_NOT_FOUND && !missing);
    bug_if(e != ERR_OK && e != ERR_NOT_FOUND && e != ERR_INVALID && e != ERR_NO_ROOM && e != ERR_MALFORMED_BODY &&
           e != ERR_MALFORMED_REQUEST); /* the last: a header that is signed came twice */
}

/* A copy, since the arena is given back. */
static enum err join(const struct text *t, const struct recipe_request *q, struct arena *a, struct buf *copy)
{
    struct view v = look(q, a);
    struct span out = SPAN_NONE;
    const struct ref *missing = NULL;
    char name[80];
    arena_reset(a);
    enum err e = value_join(&v, t, &out, &missing);
    hold(e, out, missing);
    bug_if(e == ERR_NOT_FOUND && value_name(&v, missing, name)[0] == 0);
    if (e == ERR_OK)
        buf_put_span(copy, out);
    return e;
}

static void hold_parts(const struct text *t, const struct recipe_request *q, struct arena *a, struct span whole)
{
    struct view v = look(q, a);
    struct parts parts;
    struct buf b;
    const struct ref *missing = NULL;
    arena_reset(a);
    bug_if(value_parts(&v, t, &parts, &missing) != ERR_OK);
    buf_init(&b, ROOM_BYTES);
    for (size_t i = 0; i < parts.n; i++)
        buf_put_span(&b, parts.part[i]);
    bug_if(!span_eq(buf_span(&b), whole));
    buf_fini(&b);
}

static void hold_small(const struct text *t, const struct recipe_request *q, struct span whole)
{
    for (size_t room = 16; room <= 4096; room *= 4) {
        struct arena small;
        struct buf b;
        bug_if(!arena_init(&small, room));
        buf_init(&b, ROOM_BYTES);
        enum err e = join(t, q, &small, &b);
        bug_if(e != ERR_NO_ROOM && (e != ERR_OK || !span_eq(buf_span(&b), whole)));
        buf_fini(&b);
        arena_fini(&small);
    }
}

static void hold_text(const struct text *t, const struct recipe_request *q, struct arena *a)
{
    struct buf whole, again;
    buf_init(&whole, ROOM_BYTES);
    buf_init(&again, ROOM_BYTES);
    enum err e = join(t, q, a, &whole);
    bug_if(join(t, q, a, &again) != e || !span_eq(buf_span(&whole), buf_span(&again)));
    if (e == ERR_OK) {
        hold_parts(t, q, a, buf_span(&whole));
        hold_small(t, q, buf_span(&whole));
    }
    buf_fini(&whole);
    buf_fini(&again);
}

/* Text without a brace or bracket means itself. */
static void hold_literal(const struct text *t, struct span text)
{
    if (memchr(text.p, '{', text.n) || memmem(text.p, text.n, "[[", 2) || memmem(text.p, text.n, "]]", 2))
        return;
    bug_if(t->n > 1 || (text.n > 0 && t->n == 0));
    bug_if(t->n == 1 && (t->pieces[0].kind != REF_LITERAL || !span_eq(t->pieces[0].what, text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct arena memory, a;
    static struct recipe recipe;
    struct recipe_header headers[CASE_HEADERS_MAX];
    struct recipe_request q = {.params = params, .n_params = 2, .now_ms = NOW_S * INT64_C(1000)};
    struct span rest = span_of((const char *)p, n), line = cut_at(&rest, '\n');
    struct text t = {NULL, 0};
    struct why w = {""};
    bug_if(!a.p && (!arena_init(&a, ROOM_BYTES) || !arena_init(&memory, ROOM_BYTES)));
    read_request(rest, headers, &q);
    arena_reset(&memory);
    begin_recipe(&recipe);
    owner = &recipe;
    struct value_scope scope = {.r = &recipe, .memory = &memory};
    if (value_text(&scope, line, &t, &w) == ERR_OK) {
        hold_literal(&t, line);
        hold_text(&t, &q, &a);
    } else {
        bug_if(w.text[0] == 0 || t.n != 0);
    }
    owner = NULL;
    scope = (struct value_scope){.memory = &memory, .defaults = true};
    w.text[0] = 0;
    if (value_fact(&scope, line, &t, &w) == ERR_OK)
        hold_text(&t, &q, &a);
    else
        bug_if(w.text[0] == 0);
    return 0;
}
