/* SPDX-License-Identifier: MIT
 * sign: the other direction: what a sender adds to a request so that verify takes it. For creel send and the tests; the
 * door never signs. Any thread with its own struct recipe_context.
 */
#include <sodium.h>
#include <stdio.h>

#include "recipe/jwt.h"
#include "recipe/mac.h"
#include "recipe/public.h"
#include "recipe/signing.h"
#include "recipe/timestamp.h"

enum { BODY_MAX = 1 << 30 };

/* The header that carries the message id, by the recipe's default for event_id; SPAN_NONE: it is in the body, or
 * nowhere. */
static struct span id_header(const struct recipe *r)
{
    const struct span header = SPAN_LIT("header:");
    const struct refs *refs = &r->defaults[DEFAULT_EVENT_ID];
    for (size_t i = 0; i < refs->n; i++) {
        if (!span_starts(span_str(refs->text[i]), header))
            continue;
        const char *name = refs->text[i] + header.n;
        return span_of(name, strcspn(name, "|"));
    }
    return SPAN_NONE;
}

bool recipe_makes_header(const struct recipe *r, struct span name)
{
    const struct ref *time = &r->timestamp.from;
    if (span_eq_nocase(id_header(r), name))
        return true;
    for (int i = 0; i < (int)r->n_headers; i++) {
        const struct header_slot *h = &r->headers[i];
        bool is_time = r->has_timestamp && time->kind == REF_HEADER && time->slot == i;
        bool named = h->family ? name.n > h->name.n && span_eq_nocase(span_of(name.p, h->name.n), h->name)
                               : span_eq_nocase(h->name, name);
        if (named && (h->signature || is_time))
            return true;
    }
    return false;
}

struct span recipe_demands(const struct recipe *r, struct span pointer)
{
    for (size_t i = 0; i < r->asserts.n; i++) {
        const struct rule *rule = &r->asserts.list[i];
        if (rule->of.kind != REF_JSON || !span_eq(rule->of.what, pointer))
            continue;
        if (rule->one_of.n > 0)
            return span_str(rule->one_of.list[0]);
        if (rule->equals.n == 1 && rule->equals.pieces[0].kind == REF_LITERAL)
            return rule->equals.pieces[0].what;
    }
    return SPAN_NONE;
}

static bool of_form(const struct ref *ref)
{
    bool found = ref->kind == REF_FORM;
    for (unsigned i = 0; i < ref->n_filters; i++)
        found = found || filter_takes_form(&ref->filters[i]);
    return found;
}

bool recipe_signs_form(const struct recipe *r)
{
    const struct signature *s = &r->signature;
    const struct refs *type = &r->defaults[DEFAULT_TYPE];
    bool found = type->n > 0 && (strncmp(type->text[0], "form:", 5) == 0 || strstr(type->text[0], "{form:"));
    for (size_t i = 0; i < s->n_from; i++)
        found = found || of_form(&s->from[i]);
    for (size_t i = 0; s->n_contents > 0 && i < s->contents[0].n; i++)
        found = found || of_form(&s->contents[0].pieces[i]);
    return found;
}

static enum err begin(struct signing *s, const struct recipe_request *q)
{
    char text[TIMESTAMP_TEXT_BYTES];
    size_t n = s->r->has_timestamp ? timestamp_write(s->r->timestamp.format, q->now_ms, text) : 0;
    s->q = *q;
    s->headers = arena_alloc(s->a, (q->n_headers + RECIPE_SIGNED_HEADERS_MAX) * sizeof *s->headers);
    s->time = arena_copy(s->a, span_of(text, n));
    if (!s->headers || !s->time.p)
        return why_set(s->w, ERR_NO_ROOM, "no room for the headers");
    if (q->n_headers > 0)
        memcpy(s->headers, q->headers, q->n_headers * sizeof *q->headers);
    s->q.headers = s->headers;
    view_init(&s->view, s->r, &s->q, s->a);
    s->view.key = s->key;
    buf_init(&s->body, BODY_MAX);
    buf_init(&s->spare, BODY_MAX);
    return ERR_OK;
}

static bool is_named(const struct header_slot *h, struct span name)
{
    return !h->family && span_eq_nocase(name, h->name);
}

static void see_given(struct signing *s)
{
    for (size_t i = 0; i < s->q.n_headers; i++)
        for (size_t slot = 0; slot < s->r->n_headers; slot++)
            if (is_named(&s->r->headers[slot], s->q.headers[i].name) && !s->view.header[slot].p)
                s->view.header[slot] = s->q.headers[i].value;
}

static bool given(const struct recipe_request *q, struct span name)
{
    for (size_t i = 0; i < q->n_headers; i++)
        if (span_eq_nocase(q->headers[i].name, name))
            return true;
    return false;
}

static enum err add_id(struct signing *s)
{
    struct span name = id_header(s->r);
    if (!name.p || !s->id || given(&s->q, name))
        return ERR_OK;
    return signing_add_header(s, name, span_str(s->id));
}

/* What verify would refuse is not sent out. */
static enum err fits_asserts(struct signing *s)
{
    const struct rule *broken;
    const char *why;
    char name[80];
    enum err e = rules_hold(&s->view, &s->r->asserts, &broken, &why);
    if (e != ERR_OK)
        return why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem);
    if (!broken)
        return ERR_OK;
    return why_set(s->w, ERR_INVALID, "recipe %s does not allow this value: %s %s", s->r->name,
                   value_name(&s->view, &broken->of, name), why);
}

/* ---- the signature ---- */

static enum err content(struct signing *s, struct parts *parts)
{
    const struct ref *missing = NULL;
    char name[80];
    enum err e = value_parts(&s->view, &s->r->signature.contents[0], parts, &missing);
    if (e == ERR_NOT_FOUND)
        return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs %s, which has to be given", s->r->name,
                       value_name(&s->view, missing, name));
    return e == ERR_OK ? e : why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem);
}

static enum err sign_joined(struct signing *s, const struct parts *parts, unsigned char *out, size_t *n)
{
    struct span text = parts->n == 1 ? parts->part[0] : value_join_parts(s->a, parts);
    if (!text.p)
        return ERR_NO_ROOM;
    if (s->r->algorithm->family == FAMILY_PUBLIC)
        return public_sign(s->c, s->key, s->r->algorithm->digest, text, out, n);
    if (!s->key->secret)
        return ERR_UNSUPPORTED;
    crypto_sign_detached(out, NULL, (const unsigned char *)text.p, text.n, s->key->secret);
    *n = crypto_sign_BYTES;
    return ERR_OK;
}

static enum err sign_content(struct signing *s, struct span *signature)
{
    unsigned char made[PUBLIC_SIGNATURE_MAX];
    const struct algorithm *a = s->r->algorithm;
    struct parts parts;
    size_t n = 0;
    enum err e = content(s, &parts);
    if (e != ERR_OK)
        return e;
    if (a->family == FAMILY_HMAC)
        e = mac_parts(a->digest, s->key, &parts, made, &n);
    else if (a->family == FAMILY_DIGEST)
        e = mac_digest(a->digest, &parts, made, &n);
    else
        e = sign_joined(s, &parts, made, &n);
    if (e == ERR_UNSUPPORTED)
        return why_set(s->w, e, "key %s only verifies: its private half signs", s->key->id);
    *signature = e == ERR_OK ? arena_copy(s->a, span_of((const char *)made, n)) : SPAN_NONE;
    return signature->p ? ERR_OK : why_set(s->w, e == ERR_OK ? ERR_NO_ROOM : e, "no room for the signature");
}

static enum err make_signature(struct signing *s, struct span *out)
{
    if (s->r->algorithm->family == FAMILY_TOKEN) {
        *out = span_of((const char *)s->key->secret, s->key->n_secret);
        return ERR_OK;
    }
    return s->r->algorithm->family == FAMILY_JWT ? signing_make_token(s, out) : sign_content(s, out);
}

static enum err write_signature(struct signing *s, struct span signature)
{
    const struct signature *sig = &s->r->signature;
    const struct ref *missing = NULL;
    struct span key = SPAN_NONE;
    struct buf text;
    enum err e = sig->pair ? value_join(&s->view, &sig->key, &key, &missing) : ERR_OK;
    if (e != ERR_OK)
        return why_set(s->w, e, "recipe %s: no key for the signature", s->r->name);
    buf_init(&text, BODY_MAX);
    e = grammar_write(s->r, &s->view, key, signature, &text);
    if (e == ERR_OK)
        e = signing_place(s, &sig->from[0], buf_span(&text), false);
    else
        why_set(s->w, e, "no room for the signature");
    if (text.p)
        sodium_memzero(text.p, text.cap); /* a token is a secret */
    buf_fini(&text);
    return e;
}

/* What is in the body first, then what hashes it, then the signature. */
static enum err sign_piece(struct signing *s)
{
    struct span signature;
    memset(s->view.field, 0, sizeof s->view.field);
    enum err e = s->r->algorithm->family == FAMILY_JWT ? signing_begin_token(s) : ERR_OK;
    if (e == ERR_OK)
        e = signing_fill(s, true);
    if (e == ERR_OK)
        e = signing_fill(s, false);
    if (e == ERR_OK)
        e = fits_asserts(s);
    if (e == ERR_OK)
        e = make_signature(s, &signature);
    return e == ERR_OK ? write_signature(s, signature) : e;
}

static enum err sign_each(struct signing *s)
{
    size_t n = 0;
    enum err e = signing_elements(s, &n);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        char index[24];
        snprintf(index, sizeof index, "/%zu", i);
        s->element = value_join_parts(s->a, &(struct parts){{s->r->signature.each, span_str(index)}, 2});
        if (!s->element.p)
            return why_set(s->w, ERR_NO_ROOM, "no room for the elements");
        signing_reread(s);
        e = sign_piece(s);
    }
    return e;
}

/* ---- the whole ---- */

static bool can_sign(const struct recipe *r, const struct key *k)
{
    bool fits = r->algorithm->family != FAMILY_JWT || jwt_algorithm_for(k, r->signature.jwt.algorithms);
    return fits && (k->secret || public_is_private(k));
}

/* The first that is live and can; else the first that is live, for the message. */
static const struct key *signing_key(const struct recipe *r, const struct keyring *k, int64_t now_ms)
{
    const struct key *first = NULL;
    for (size_t i = 0; i < k->n; i++) {
        const struct key *key = &k->keys[i];
        if (!key_live(key, now_ms))
            continue;
        if (can_sign(r, key))
            return key;
        first = first ? first : key;
    }
    return first;
}

static enum err finish(struct signing *s)
{
    s->out->body_changed = s->body.p != NULL;
    s->out->body = s->body.p ? arena_copy(s->a, s->q.body) : s->q.body;
    s->out->query = s->q.query;
    return s->out->body.p || !s->body.p ? ERR_OK : why_set(s->w, ERR_NO_ROOM, "no room for the body");
}

static enum err sign(struct signing *s)
{
    see_given(s);
    enum err e = add_id(s);
    if (e == ERR_OK && !s->r->none)
        e = s->r->signature.each.p ? sign_each(s) : sign_piece(s);
    return e == ERR_OK ? finish(s) : e;
}

enum err recipe_sign(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, const char *id, struct arena *scratch, struct recipe_signed *out,
                     struct why *w)
{
    struct recipe_signed made = {.n_headers = 0};
    struct signing s = {.r = r, .c = c, .a = scratch, .out = &made, .id = id, .w = w};
    s.key = r->none ? NULL : signing_key(r, k, q->now_ms);
    if (!r->none && !s.key)
        return why_set(w, ERR_UNSUPPORTED, "there is no key that is valid now");
    enum err e = begin(&s, q);
    if (e != ERR_OK)
        return e;
    e = sign(&s);
    buf_fini(&s.body);
    buf_fini(&s.spare);
    if (e == ERR_OK)
        *out = made;
    return e;
}
