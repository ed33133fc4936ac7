/* SPDX-License-Identifier: MIT
 * sign_place: puts values where references look for them, and leaves the rest of the request as it is.
 */

#include "base/json_edit.h"
#include "recipe/form.h"
#include "recipe/signing.h"

enum { BODY_MAX = 1 << 30 };

bool signing_same_place(const struct ref *a, const struct ref *b)
{
    return a->kind == b->kind && a->slot == b->slot && span_eq(a->what, b->what);
}

static enum err no_room(struct signing *s)
{
    return why_set(s->w, ERR_NO_ROOM, "recipe %s: no room for what it signs", s->r->name);
}

void signing_reread(struct signing *s)
{
    view_body_changed(&s->view);
    view_item(&s->view, s->element.p ? json_pointer(s->q.body, s->element) : SPAN_NONE);
}

/* ---- headers ---- */

static void see_header(struct signing *s, struct span name, struct span value)
{
    for (size_t i = 0; i < s->r->n_headers; i++) {
        const struct header_slot *h = &s->r->headers[i];
        bool named = h->family ? name.n > h->name.n && span_eq_nocase(span_of(name.p, h->name.n), h->name)
                               : span_eq_nocase(name, h->name);
        if (named)
            s->view.header[i] = value;
    }
}

enum err signing_add_header(struct signing *s, struct span name, struct span value)
{
    struct recipe_header h = {arena_copy(s->a, name), arena_copy(s->a, value)};
    if (s->out->n_headers == RECIPE_SIGNED_HEADERS_MAX || !h.name.p || !h.value.p)
        return no_room(s);
    s->out->headers[s->out->n_headers++] = h;
    s->headers[s->q.n_headers++] = h;
    see_header(s, h.name, h.value);
    return ERR_OK;
}

/* The first of a family of headers ends in 1. */
static enum err place_header(struct signing *s, const struct ref *ref, struct span value)
{
    const struct header_slot *h = &s->r->headers[ref->slot];
    struct span name = h->name;
    if (h->family)
        name = value_join_parts(s->a, &(struct parts){{h->name, SPAN_LIT("1")}, 2});
    return name.p ? signing_add_header(s, name, value) : no_room(s);
}

/* ---- JSON ---- */

static bool was_string(struct span text, struct span pointer)
{
    struct span old = json_pointer(text, pointer);
    return old.p && json_type_of(old) == JSON_STRING;
}

static enum err set_json(struct signing *s, struct span text, struct span pointer, struct span value, bool as_number,
                         struct buf *out)
{
    struct buf string;
    buf_init(&string, BODY_MAX);
    buf_clear(out);
    if (as_number && !was_string(text, pointer))
        buf_put_span(&string, value);
    else
        buf_put_json_string(&string, value);
    enum err e = string.failed ? ERR_NO_ROOM : json_set(text, pointer, buf_span(&string), out);
    buf_fini(&string);
    if (e == ERR_INVALID)
        return why_set(s->w, e, "recipe %s has a part of its proof at %.*s, where this JSON has no place for it",
                       s->r->name, (int)pointer.n, pointer.p);
    return e == ERR_OK ? e : no_room(s);
}

/* What was written into spare is the body now. */
static void take_body(struct signing *s)
{
    struct buf written = s->spare;
    s->spare = s->body;
    s->body = written;
    s->q.body = buf_span(&s->body);
    signing_reread(s);
}

static enum err need_json(struct signing *s, struct span pointer)
{
    struct json_error bad;
    if (s->q.body.n == 0)
        s->q.body = pointer.n > 1 && pointer.p[1] == '0' ? SPAN_LIT("[]") : SPAN_LIT("{}");
    if (json_check(s->q.body, JSON_LIMITS_DEFAULT, &bad) == ERR_OK)
        return ERR_OK;
    return why_set(s->w, ERR_INVALID, "recipe %s has a part of its proof in a JSON body, and byte %zu of this one: %s",
                   s->r->name, bad.offset, bad.what);
}

static enum err place_json(struct signing *s, struct span pointer, struct span value, bool as_number)
{
    enum err e = need_json(s, pointer);
    if (e == ERR_OK)
        e = set_json(s, s->q.body, pointer, value, as_number, &s->spare);
    if (e == ERR_OK)
        take_body(s);
    return e;
}

static enum err place_item(struct signing *s, const struct ref *ref, struct span value, bool as_number)
{
    struct span pointer = value_join_parts(s->a, &(struct parts){{s->element, ref->what}, 2});
    return pointer.p ? place_json(s, pointer, value, as_number) : no_room(s);
}

enum err signing_elements(struct signing *s, size_t *n)
{
    const struct span pointer = s->r->signature.each;
    struct span element;
    enum err e = need_json(s, SPAN_LIT("/0"));
    struct span list = e == ERR_OK ? json_pointer(s->q.body, pointer) : SPAN_NONE;
    if (e == ERR_OK && pointer.n > 0 && !list.p) {
        if (json_type_of(s->q.body) == JSON_ARRAY && s->q.body.n == 2)
            s->q.body = SPAN_LIT("{}"); /* there was no body at all */
        buf_clear(&s->spare);
        e = json_set(s->q.body, pointer, SPAN_LIT("[{}]"), &s->spare);
        if (e == ERR_OK)
            take_body(s);
        list = e == ERR_OK ? json_pointer(s->q.body, pointer) : SPAN_NONE;
    }
    if (!list.p || json_type_of(list) != JSON_ARRAY)
        return why_set(s->w, ERR_INVALID, "recipe %s signs the elements of a JSON list at '%.*s', which this body has not",
                       s->r->name, (int)pointer.n, pointer.p);
    *n = 0;
    for (struct json_iter it = json_iter(list); json_next_element(&it, &element);)
        ++*n;
    return ERR_OK;
}

/* ---- forms ---- */

static enum err place_form(struct signing *s, struct span name, struct span value)
{
    buf_clear(&s->spare);
    form_set(s->q.body, name, value, &s->spare);
    if (s->spare.failed)
        return no_room(s);
    take_body(s);
    return ERR_OK;
}

/* A buffer's text, kept in the arena. */
static enum err keep(struct signing *s, const struct buf *b, struct span *to)
{
    struct span kept = b->failed ? SPAN_NONE : arena_copy(s->a, buf_span(b));
    if (!kept.p)
        return no_room(s);
    *to = kept;
    signing_reread(s);
    return ERR_OK;
}

static enum err place_query(struct signing *s, struct span name, struct span value)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    form_set(s->q.query, name, value, &b);
    enum err e = keep(s, &b, &s->q.query);
    buf_fini(&b);
    return e;
}

/* ---- tokens ---- */

static enum err place_in(struct signing *s, struct span *object, struct span pointer, struct span value, bool as_number)
{
    struct buf b;
    buf_init(&b, BODY_MAX);
    enum err e = set_json(s, *object, pointer, value, as_number, &b);
    if (e == ERR_OK)
        e = keep(s, &b, object);
    buf_fini(&b);
    return e;
}

enum err signing_place(struct signing *s, const struct ref *ref, struct span value, bool as_number)
{
    char name[80];
    switch (ref->kind) {
    case REF_HEADER:
        return place_header(s, ref, value);
    case REF_FIELD:
        s->view.field[ref->slot] = value;
        return ERR_OK;
    case REF_JSON:
        return place_json(s, ref->what, value, as_number);
    case REF_ITEM:
        return place_item(s, ref, value, as_number);
    case REF_FORM:
        return place_form(s, ref->what, value);
    case REF_QUERY_FIELD:
        return place_query(s, ref->what, value);
    case REF_CLAIM:
        return place_in(s, &s->view.claims, ref->what, value, as_number);
    case REF_JOSE:
        return place_in(s, &s->view.jose, ref->what, value, as_number);
    default:
        return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs with %s, which has to be given", s->r->name,
                       value_name(&s->view, ref, name));
    }
}
