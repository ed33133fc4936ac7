/* SPDX-License-Identifier: MIT
 * template: parses what a recipe refers to; looks it up in a request. Owns nothing: texts belong to the recipe and the
 * request.
 */
#include "recipe/template.h"

#include <ctype.h>

#include "base/nearest.h"

static const struct {
    const char *name;
    enum ref_kind kind;
} plain_refs[] = {{"body", REF_BODY}, {"method", REF_METHOD}, {"url", REF_URL}};

enum { N_PLAIN = sizeof plain_refs / sizeof *plain_refs };

bool template_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!(c < 0x80 && isalnum(c)) && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

enum err template_header_slot(struct recipe *r, struct span name, unsigned *slot, struct why *w)
{
    if (!template_token(name))
        return why_set(w, ERR_INVALID, "'%.*s' is not a header name", (int)name.n, name.p);
    for (size_t i = 0; i < r->n_headers; i++) {
        if (span_eq_nocase(r->headers[i].name, name)) {
            *slot = (unsigned)i;
            return ERR_OK;
        }
    }
    if (r->n_headers == RECIPE_HEADERS_MAX)
        return why_set(w, ERR_INVALID, "more than %d headers", RECIPE_HEADERS_MAX);
    r->headers[r->n_headers] = (struct header_slot){.name = name};
    *slot = (unsigned)r->n_headers++;
    return ERR_OK;
}

enum err template_field_slot(struct recipe *r, struct span name, unsigned *slot, struct why *w)
{
    if (!template_token(name))
        return why_set(w, ERR_INVALID, "'%.*s' is not a field name", (int)name.n, name.p);
    for (size_t i = 0; i < r->n_fields; i++) {
        if (span_eq(r->fields[i], name)) {
            *slot = (unsigned)i;
            return ERR_OK;
        }
    }
    if (r->n_fields == RECIPE_FIELDS_MAX)
        return why_set(w, ERR_INVALID, "more than %d fields", RECIPE_FIELDS_MAX);
    r->fields[r->n_fields] = name;
    *slot = (unsigned)r->n_fields++;
    return ERR_OK;
}

enum err template_ref(struct recipe *r, struct span text, struct ref *out, struct why *w)
{
    static const char *const words[] = {"body", "method", "url", "header:", "field:"};
    const struct span header = SPAN_LIT("header:"), field = SPAN_LIT("field:");
    for (size_t i = 0; i < N_PLAIN; i++) {
        if (span_eq_str(text, plain_refs[i].name)) {
            *out = (struct ref){.kind = plain_refs[i].kind};
            return ERR_OK;
        }
    }
    struct ref ref = {.kind = REF_HEADER};
    enum err e;
    if (span_starts(text, header)) {
        e = template_header_slot(r, span_skip(text, header.n), &ref.slot, w);
    } else if (span_starts(text, field)) {
        ref.kind = REF_FIELD;
        e = template_field_slot(r, span_skip(text, field.n), &ref.slot, w);
    } else {
        const char *colon = memchr(text.p, ':', text.n);
        struct span word = colon ? span_of(text.p, (size_t)(colon - text.p) + 1) : text;
        const char *near = nearest_word(word, words, sizeof words / sizeof *words);
        return why_set(w, ERR_INVALID,
                       "'%.*s' refers to nothing known%s%s (body, method, url, header:NAME, field:NAME)", (int)text.n,
                       text.p, near ? ", did you mean " : "", near ? near : "");
    }
    if (e == ERR_OK)
        *out = ref;
    return e;
}

/* The next piece at the front of *rest: a literal up to a brace, or a reference between braces. */
static enum err next_piece(struct recipe *r, struct span *rest, struct ref *out, struct why *w)
{
    if (rest->p[0] != '{' || (rest->n > 1 && rest->p[1] == '{')) {
        size_t skip = rest->p[0] == '{'; /* of "{{" the second brace begins the literal */
        const char *brace = memchr(rest->p + skip + 1, '{', rest->n - skip - 1);
        size_t end = brace ? (size_t)(brace - rest->p) : rest->n;
        *out = (struct ref){.kind = REF_LITERAL, .literal = span_of(rest->p + skip, end - skip)};
        *rest = span_skip(*rest, end);
        return ERR_OK;
    }
    const char *close = memchr(rest->p, '}', rest->n);
    if (!close)
        return why_set(w, ERR_INVALID, "'{' without '}' (a brace itself is written '{{')");
    size_t n = (size_t)(close - rest->p);
    enum err e = template_ref(r, span_of(rest->p + 1, n - 1), out, w);
    *rest = span_skip(*rest, n + 1);
    return e;
}

enum err template_parse(struct recipe *r, struct span text, struct ref *out, size_t cap, size_t *n, struct why *w)
{
    size_t count = 0;
    while (text.n > 0) {
        if (count == cap)
            return why_set(w, ERR_INVALID, "more than %zu pieces", cap);
        enum err e = next_piece(r, &text, &out[count], w);
        if (e != ERR_OK)
            return e;
        count++;
    }
    *n = count;
    return ERR_OK;
}

struct span template_value(const struct ref *ref, const struct recipe_request *q, const struct values *v)
{
    switch (ref->kind) {
    case REF_LITERAL:
        return ref->literal;
    case REF_BODY:
        return q->body.p ? q->body : span_of("", 0);
    case REF_METHOD:
        return q->method;
    case REF_URL:
        return q->url.n > 0 ? q->url : SPAN_NONE;
    case REF_HEADER:
        return v->header[ref->slot];
    case REF_FIELD:
        return v->field[ref->slot];
    }
    return SPAN_NONE;
}

struct span template_name(const struct recipe *r, const struct ref *ref)
{
    switch (ref->kind) {
    case REF_HEADER:
        return r->headers[ref->slot].name;
    case REF_FIELD:
        return r->fields[ref->slot];
    case REF_URL:
        return SPAN_LIT("public_url");
    case REF_METHOD:
        return SPAN_LIT("method");
    case REF_BODY:
    case REF_LITERAL:
        break;
    }
    return SPAN_LIT("body");
}

bool template_allows(const struct assertion *a, struct span value)
{
    if (a->max_bytes && value.n > a->max_bytes)
        return false;
    for (size_t i = 0; i < a->without.n; i++)
        if (value.n > 0 && memchr(value.p, a->without.p[i], value.n))
            return false;
    return true;
}

struct span template_join(const struct recipe *r, const struct recipe_request *q, const struct values *v,
                          struct arena *scratch)
{
    if (r->n_content == 1)
        return template_value(&r->content[0], q, v);
    size_t total = 0;
    for (size_t i = 0; i < r->n_content; i++)
        total += template_value(&r->content[i], q, v).n;
    char *p = arena_alloc(scratch, total + 1);
    if (!p)
        return SPAN_NONE;
    size_t at = 0;
    for (size_t i = 0; i < r->n_content; i++) {
        struct span s = template_value(&r->content[i], q, v);
        if (s.n)
            memcpy(p + at, s.p, s.n);
        at += s.n;
    }
    return span_of(p, total);
}
