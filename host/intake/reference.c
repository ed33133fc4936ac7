/* SPDX-License-Identifier: MIT
 * reference: one row per form, each with its parser and its look-up. Owns the arrays of lists, nothing else.
 */
#include "intake/reference.h"

#include <stdlib.h>

#include "base/json.h"

typedef enum err (*look_up)(const struct reference *r, const struct reference_view *v, struct arena *a,
                            struct span *out);

static enum err from_json(const struct reference *r, const struct reference_view *v, struct arena *a, struct span *out)
{
    struct span value = v->json.p ? json_pointer(v->json, r->what) : SPAN_NONE;
    enum json_type type = value.p ? json_type_of(value) : JSON_NONE;
    if (type == JSON_NONE || type == JSON_NULL || type == JSON_OBJECT || type == JSON_ARRAY)
        return ERR_OK;
    struct span plain = type == JSON_STRING ? json_plain_string(value) : value;
    if (plain.p) {
        *out = plain;
        return ERR_OK;
    }
    struct buf text;
    buf_init(&text, REFERENCE_TEXT_BYTES);
    enum err e = json_scalar_text(value, &text);
    if (e == ERR_OK) {
        *out = arena_copy(a, buf_span(&text));
        e = out->p ? ERR_OK : ERR_NO_ROOM;
    }
    buf_fini(&text);
    return e == ERR_INVALID ? ERR_OK : e;
}

static enum err from_header(const struct reference *r, const struct reference_view *v, struct arena *a,
                            struct span *out)
{
    (void)a;
    for (size_t i = 0; i < v->n_headers; i++)
        if (span_eq_nocase(v->headers[i].name, r->what)) {
            *out = v->headers[i].value;
            break;
        }
    return ERR_OK;
}

static enum err from_path(const struct reference *r, const struct reference_view *v, struct arena *a, struct span *out)
{
    (void)a;
    struct span rest = v->path_rest;
    for (unsigned i = 1; rest.p; i++) {
        const char *slash = memchr(rest.p, '/', rest.n);
        size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
        if (i == r->segment) {
            *out = span_of(rest.p, n);
            break;
        }
        rest = slash ? span_skip(rest, n + 1) : SPAN_NONE;
    }
    return ERR_OK;
}

static enum err from_const(const struct reference *r, const struct reference_view *v, struct arena *a, struct span *out)
{
    (void)v;
    (void)a;
    *out = r->what;
    return ERR_OK;
}

static const struct {
    struct span prefix;
    look_up find;
} forms[] = {
    [REFERENCE_JSON] = {{"json:", 5}, from_json},
    [REFERENCE_HEADER] = {{"header:", 7}, from_header},
    [REFERENCE_PATH] = {{"path:", 5}, from_path},
    [REFERENCE_CONST] = {{"const:", 6}, from_const},
};

/* A number from 1 to 99, or 0. */
static unsigned segment_number(struct span s)
{
    unsigned n = 0;
    if (s.n == 0 || s.n > 2)
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        n = n * 10 + (unsigned)(s.p[i] - '0');
    }
    return n;
}

enum err reference_parse(struct span text, struct reference *out)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!span_starts(text, forms[i].prefix))
            continue;
        struct reference r = {.from = (enum reference_from)i, .what = span_skip(text, forms[i].prefix.n)};
        if (r.from == REFERENCE_JSON && !json_pointer_valid(r.what))
            return ERR_INVALID;
        if (r.from == REFERENCE_PATH && (r.segment = segment_number(r.what)) == 0)
            return ERR_INVALID;
        if (r.from != REFERENCE_JSON && r.what.n == 0)
            return ERR_INVALID;
        *out = r;
        return ERR_OK;
    }
    return ERR_INVALID;
}

enum err reference_list_new(const char *const *texts, size_t n, struct reference_list *out)
{
    struct reference_list l = {.items = calloc(n ? n : 1, sizeof *l.items), .n = n};
    if (!l.items)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        if (reference_parse(span_str(texts[i]), &l.items[i]) != ERR_OK) {
            free(l.items);
            return ERR_INVALID;
        }
    *out = l;
    return ERR_OK;
}

void reference_list_free(struct reference_list *l)
{
    free(l->items);
    *l = (struct reference_list){0};
}

bool reference_list_asks(const struct reference_list *l, enum reference_from from)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].from == from)
            return true;
    return false;
}

enum err reference_resolve(const struct reference_list *l, const struct reference_view *v, struct arena *a,
                           struct span *out)
{
    struct span found = SPAN_NONE;
    for (size_t i = 0; i < l->n && found.n == 0; i++) {
        enum err e = forms[l->items[i].from].find(&l->items[i], v, a, &found);
        if (e != ERR_OK)
            return e;
    }
    if (found.n > REFERENCE_TEXT_BYTES)
        return ERR_NO_ROOM;
    *out = found.n > 0 ? found : SPAN_NONE;
    return ERR_OK;
}
