/* SPDX-License-Identifier: MIT
 * value: looks references up in a request. Owns nothing: texts belong to the recipe, the request and the arena.
 */
#include "recipe/value.h"

#include <stdio.h>

#include "base/config.h"
#include "base/media.h"
#include "recipe/form.h"
#include "recipe/key.h"
#include "recipe/value_look.h"

enum err value_fault(struct view *v, enum err e, const char *text)
{
    snprintf(v->problem, sizeof v->problem, "%s", text);
    return e;
}

enum err value_no_room(struct view *v)
{
    return value_fault(v, ERR_NO_ROOM, "no room to put together what was signed");
}

static enum err get_body(struct view *v, const struct ref *ref, struct span *out)
{
    (void)ref;
    *out = v->q->body.p ? v->q->body : span_of("", 0);
    return ERR_OK;
}

static enum err get_method(struct view *v, const struct ref *ref, struct span *out)
{
    (void)ref;
    *out = v->q->method;
    return ERR_OK;
}

/* The URL that the sender knows: a query comes with the request, unless the registered URL has one. */
static enum err get_url(struct view *v, const struct ref *ref, struct span *out)
{
    struct span url = v->q->url, query = v->q->query;
    (void)ref;
    if (url.n == 0)
        return ERR_OK;
    if (!v->url.p) {
        v->url = url;
        if (query.n > 0 && !memchr(url.p, '?', url.n)) {
            const struct parts p = {{url, SPAN_LIT("?"), query}, 3};
            v->url = value_join_parts(v->a, &p);
        }
        if (!v->url.p)
            return value_no_room(v);
    }
    *out = v->url;
    return ERR_OK;
}

/* What follows the host in the URL: RFC 9112 section 3.2.1, origin form. */
static enum err get_path(struct view *v, const struct ref *ref, struct span *out)
{
    struct span url = SPAN_NONE;
    enum err e = get_url(v, ref, &url);
    if (e != ERR_OK || !url.p)
        return e;
    const char *scheme = memmem(url.p, url.n, "://", 3);
    struct span rest = scheme ? span_skip(url, (size_t)(scheme - url.p) + 3) : url;
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    rest = span_skip(rest, n);
    if (rest.n > 0 && rest.p[0] == '/') {
        *out = rest;
        return ERR_OK;
    }
    const struct parts p = {{SPAN_LIT("/"), rest}, 2};
    *out = value_join_parts(v->a, &p);
    return out->p ? ERR_OK : value_no_room(v);
}

static enum err get_query(struct view *v, const struct ref *ref, struct span *out)
{
    (void)ref;
    *out = v->q->query.p ? v->q->query : span_of("", 0);
    return ERR_OK;
}

static enum err get_now(struct view *v, const struct ref *ref, struct span *out)
{
    char *p = arena_alloc(v->a, 24);
    (void)ref;
    if (!p)
        return value_no_room(v);
    *out = span_of(p, (size_t)snprintf(p, 24, "%lld", (long long)(v->q->now_ms / 1000)));
    return ERR_OK;
}

static enum err get_secret(struct view *v, const struct ref *ref, struct span *out)
{
    (void)ref;
    if (v->key && v->key->secret)
        *out = span_of((const char *)v->key->secret, v->key->n_secret);
    return ERR_OK;
}

static struct span header_by_name(const struct recipe_request *q, struct span name)
{
    for (size_t i = 0; i < q->n_headers; i++)
        if (span_eq_nocase(q->headers[i].name, name))
            return q->headers[i].value;
    return SPAN_NONE;
}

static bool comes_otherwise(const struct recipe_request *q, struct span name, struct span value)
{
    for (size_t i = 0; i < q->n_headers; i++)
        if (span_eq_nocase(q->headers[i].name, name) && !span_eq(q->headers[i].value, value))
            return true;
    return false;
}

static enum err get_header(struct view *v, const struct ref *ref, struct span *out)
{
    *out = ref->slot == SLOT_BY_NAME ? header_by_name(v->q, ref->what) : v->header[ref->slot];
    return ERR_OK;
}

static enum err get_field(struct view *v, const struct ref *ref, struct span *out)
{
    *out = v->field[ref->slot];
    return ERR_OK;
}

static enum err in_form(struct view *v, struct span form, struct span name, struct span *out)
{
    enum err e = form_find(form, name, v->a, out);
    if (e != ERR_OK)
        return value_no_room(v);
    if (out->p && !form_agrees(form, name, *out)) {
        snprintf(v->problem, sizeof v->problem, "%.*s came twice with different values",
                 (int)(name.n < 50 ? name.n : 50), name.p);
        return ERR_MALFORMED_REQUEST;
    }
    return ERR_OK;
}

/* A source's facts are found in a form only where the content type says that the body is one; what a recipe's proof is
 * made of is the recipe's affair. */
static enum err get_form(struct view *v, const struct ref *ref, struct span *out)
{
    if (!v->r && !media_is_form(header_by_name(v->q, SPAN_LIT("content-type"))))
        return ERR_OK;
    return in_form(v, v->q->body.p ? v->q->body : span_of("", 0), ref->what, out);
}

static enum err get_query_field(struct view *v, const struct ref *ref, struct span *out)
{
    return in_form(v, v->q->query.p ? v->q->query : span_of("", 0), ref->what, out);
}

static enum err get_param(struct view *v, const struct ref *ref, struct span *out)
{
    for (size_t i = 0; i < v->q->n_params; i++)
        if (span_eq_str(ref->what, v->q->params[i].name))
            *out = span_str(v->q->params[i].value);
    return ERR_OK;
}

static enum err get_segment(struct view *v, const struct ref *ref, struct span *out)
{
    struct span rest = v->q->path_rest;
    for (unsigned i = 1; rest.p; i++) {
        const char *slash = memchr(rest.p, '/', rest.n);
        size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
        if (i == ref->number) {
            *out = span_of(rest.p, n);
            break;
        }
        rest = slash ? span_skip(rest, n + 1) : SPAN_NONE;
    }
    return ERR_OK;
}

static enum err get_literal(struct view *v, const struct ref *ref, struct span *out)
{
    (void)v;
    *out = ref->what;
    return ERR_OK;
}

static struct span lower(struct arena *a, struct span s)
{
    struct span copy = arena_copy(a, s);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        if (copy.p[i] >= 'A' && copy.p[i] <= 'Z')
            ((char *)(uintptr_t)copy.p)[i] = (char)(copy.p[i] + 32);
    return copy;
}

static struct span next_name(const struct signed_headers *h, struct span *rest)
{
    const char *at = memchr(rest->p, h->separator, rest->n);
    struct span name = span_trim(span_of(rest->p, at ? (size_t)(at - rest->p) : rest->n));
    *rest = span_skip(*rest, at ? (size_t)(at - rest->p) + 1 : rest->n);
    return name;
}

bool value_lists_header(struct view *v, struct span name)
{
    const struct signed_headers *h = &v->r->signature.signed_headers;
    struct span rest = SPAN_NONE;
    if (value_get(v, &h->names, &rest) != ERR_OK)
        return false;
    while (rest.n > 0)
        if (span_eq_nocase(next_name(h, &rest), name))
            return true;
    return false;
}

/* Headers that the request itself lists: "Name: value" for each, in the order of the list. */
static enum err get_signed_headers(struct view *v, const struct ref *ref, struct span *out)
{
    const struct signed_headers *h = &v->r->signature.signed_headers;
    struct span names = SPAN_NONE;
    struct parts p = {.n = 0};
    (void)ref;
    enum err e = value_get(v, &h->names, &names);
    if (e != ERR_OK || !names.p)
        return e;
    for (struct span rest = names; rest.n > 0;) {
        struct span name = next_name(h, &rest), value = header_by_name(v->q, name);
        if (!value.p)
            return ERR_OK; /* absent */
        if (comes_otherwise(v->q, name, value))
            return value_fault(v, ERR_MALFORMED_REQUEST, "a header that is signed came twice with different values");
        if (p.n + 6 > RECIPE_PIECES_MAX)
            return value_fault(v, ERR_NO_ROOM, "more headers are signed than this server looks at");
        if (h->lower && !(name = lower(v->a, name)).p)
            return value_no_room(v);
        if (p.n > 0)
            p.part[p.n++] = h->join;
        p.part[p.n++] = h->before;
        if (!h->no_names)
            p.part[p.n++] = name;
        p.part[p.n++] = h->between;
        p.part[p.n++] = value;
        p.part[p.n++] = h->after;
    }
    *out = value_join_parts(v->a, &p);
    return out->p ? ERR_OK : value_no_room(v);
}

typedef enum err (*look_up)(struct view *v, const struct ref *ref, struct span *out);

static const look_up look_ups[] = {
    [REF_LITERAL] = get_literal,
    [REF_BODY] = get_body,
    [REF_METHOD] = get_method,
    [REF_URL] = get_url,
    [REF_PATH] = get_path,
    [REF_QUERY] = get_query,
    [REF_NOW] = get_now,
    [REF_SECRET] = get_secret,
    [REF_SIGNED_HEADERS] = get_signed_headers,
    [REF_HEADER] = get_header,
    [REF_FIELD] = get_field,
    [REF_JSON] = value_get_json,
    [REF_ITEM] = value_get_item,
    [REF_CLAIM] = value_get_claim,
    [REF_JOSE] = value_get_jose,
    [REF_FORM] = get_form,
    [REF_QUERY_FIELD] = get_query_field,
    [REF_PARAM] = get_param,
    [REF_MEMBER_NAME] = value_get_member_name,
    [REF_SEGMENT] = get_segment,
    [REF_TEXT] = get_literal,
};

static enum err filtered(struct view *v, const struct ref *ref, struct span *value)
{
    const struct filter_key *key = NULL;
    struct filter_key k;
    if (v->key && v->key->secret) {
        k = (struct filter_key){v->key->secret, v->key->n_secret};
        key = &k;
    }
    for (unsigned i = 0; value->p && i < ref->n_filters; i++) {
        enum err e = filter_apply(&ref->filters[i], key, *value, v->a, value);
        if (e == ERR_NO_ROOM)
            return value_no_room(v);
        if (e != ERR_OK) {
            char name[80];
            snprintf(v->problem, sizeof v->problem, "%s is not what this recipe expects", value_name(v, ref, name));
            return e;
        }
    }
    return ERR_OK;
}

/* Slots that the recipe does not have are never read. */
void view_init(struct view *v, const struct recipe *r, const struct recipe_request *q, struct arena *a)
{
    v->r = r;
    v->q = q;
    v->a = a;
    memset(v->header, 0, (r ? r->n_headers : 0) * sizeof *v->header);
    memset(v->field, 0, (r ? r->n_fields : 0) * sizeof *v->field);
    v->item = v->claims = v->jose = v->url = SPAN_NONE;
    v->key = NULL;
    v->body_json = JSON_UNREAD;
    v->body_found = v->item_found = false;
    v->problem[0] = 0;
}

void view_item(struct view *v, struct span element)
{
    v->item = element;
    v->item_found = false;
}

void view_body_changed(struct view *v)
{
    v->body_json = JSON_UNREAD;
    v->body_found = false;
    v->url = SPAN_NONE;
}

enum err value_get(struct view *v, const struct ref *ref, struct span *out)
{
    struct span value = SPAN_NONE;
    enum err e = look_ups[ref->kind](v, ref, &value);
    if (e == ERR_OK && ref->n_filters > 0)
        e = filtered(v, ref, &value);
    if (e == ERR_OK)
        *out = value;
    return e;
}

const char *value_name(const struct view *v, const struct ref *ref, char out[80])
{
    static const char *const called[] = {
        [REF_LITERAL] = "",
#define X(kind, word, follows, called, used) [REF_##kind] = called,
#include "recipe/references.tbl"
#undef X
    };
    struct span what = ref->what;
    if (ref->kind == REF_HEADER && ref->slot >= 0)
        what = v->r->headers[ref->slot].name;
    else if (ref->kind == REF_FIELD)
        what = v->r->fields[ref->slot];
    snprintf(out, 80, "%s%.*s", called[ref->kind], (int)(what.n < 50 ? what.n : 50), what.p ? what.p : "");
    return out;
}

/* The end of the segment that begins at i. */
static size_t segment_end(const struct text *t, size_t i)
{
    size_t end = i;
    while (end < t->n && t->pieces[end].group == t->pieces[i].group)
        end++;
    return end;
}

enum err value_parts(struct view *v, const struct text *t, struct parts *out, const struct ref **missing)
{
    size_t n = 0, segment = 0; /* where the running segment's parts begin */
    for (size_t i = 0; i < t->n;) {
        const struct ref *ref = &t->pieces[i];
        struct span value = SPAN_NONE;
        if (ref->group && (i == 0 || t->pieces[i - 1].group != ref->group))
            segment = n;
        enum err e = value_get(v, ref, &value);
        if (e != ERR_OK)
            return e;
        if (value.p) {
            out->part[n++] = value;
            i++;
            continue;
        }
        if (!ref->group) {
            *missing = ref;
            return ERR_NOT_FOUND;
        }
        n = segment;
        i = segment_end(t, i);
    }
    out->n = n;
    return ERR_OK;
}

struct span value_join_parts(struct arena *a, const struct parts *p)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < p->n; i++)
        total += p->part[i].n;
    char *text = arena_alloc(a, total + 1);
    if (!text)
        return SPAN_NONE;
    for (size_t i = 0; i < p->n; i++) {
        if (p->part[i].n)
            memcpy(text + at, p->part[i].p, p->part[i].n);
        at += p->part[i].n;
    }
    text[at] = 0;
    return span_of(text, at);
}

enum err value_join(struct view *v, const struct text *t, struct span *out, const struct ref **missing)
{
    struct parts p;
    enum err e = value_parts(v, t, &p, missing);
    if (e != ERR_OK)
        return e;
    if (p.n == 1) {
        *out = p.part[0];
        return ERR_OK;
    }
    struct span joined = value_join_parts(v->a, &p);
    if (!joined.p)
        return value_no_room(v);
    *out = joined;
    return ERR_OK;
}

struct view_mark view_mark(const struct view *v)
{
    return (struct view_mark){.arena = v->a->n, .url = v->url.p != NULL};
}

void view_release(struct view *v, struct view_mark mark)
{
    v->a->n = mark.arena;
    if (!mark.url)
        v->url = SPAN_NONE;
}
