/* SPDX-License-Identifier: MIT
 * sign_fill: what has to be in a request and is not: the time, the message id, what a rule demands, what names the key.
 * A value that is there already stays, but for a time in the body, which belongs to one signature only.
 */
#include <stdio.h>

#include "recipe/signing.h"

enum { FILLER_MAX = 512 };

static bool in_body(const struct ref *ref)
{
    return ref->kind == REF_JSON || ref->kind == REF_ITEM || ref->kind == REF_FORM;
}

static enum err problem(struct signing *s, enum err e)
{
    return why_set(s->w, e, "recipe %s: %s", s->r->name, s->view.problem[0] ? s->view.problem : err_title(e));
}

static bool is_time(const struct signing *s, const struct ref *ref)
{
    return s->r->has_timestamp && signing_same_place(&s->r->timestamp.from, ref);
}

/* ---- what a rule demands ---- */

static bool allowed(const struct rule *rule, char c)
{
    static const uint64_t any[4];
    unsigned char b = (unsigned char)c;
    if (rule->without.n > 0 && memchr(rule->without.p, c, rule->without.n))
        return false;
    return memcmp(rule->characters, any, sizeof any) == 0 || rule->characters[b / 64] >> b % 64 & 1;
}

/* The id, repeated or cut to the length, of characters that may be. */
static struct span filler(const struct signing *s, const struct rule *rule)
{
    char text[FILLER_MAX];
    struct span id = span_str(s->id);
    size_t n = 0, most = rule && rule->max_bytes && rule->max_bytes < FILLER_MAX ? rule->max_bytes : FILLER_MAX;
    size_t least = rule && rule->min_bytes <= most ? rule->min_bytes : 0;
    if (!rule)
        return arena_copy(s->a, id);
    for (bool again = true; again && id.n > 0;) {
        size_t before = n;
        for (size_t i = 0; i < id.n && n < most; i++)
            if (allowed(rule, id.p[i]))
                text[n++] = id.p[i];
        again = n < least && n > before;
    }
    return arena_copy(s->a, span_of(text, n > least && least > 0 ? least : n));
}

static bool applies(struct signing *s, const struct rule *rule)
{
    struct span value = SPAN_NONE;
    if (rule->absent)
        return false;
    return !rule->has_when || (value_get(&s->view, &rule->when, &value) == ERR_OK && value.n > 0);
}

/* The pattern without its stars is a text that it matches. */
static struct span matching(const struct signing *s, const char *pattern)
{
    struct buf b = arena_open(s->a);
    for (const char *p = pattern; *p; p++)
        if (*p != '*')
            buf_putc(&b, *p);
    return arena_close(s->a, &b);
}

static enum err unknown(struct signing *s, const struct ref *ref)
{
    char name[80];
    return why_set(s->w, ERR_UNSUPPORTED, "recipe %s signs with %s, which has to be given", s->r->name,
                   value_name(&s->view, ref, name));
}

/* What one rule says of its value; SPAN_NONE: nothing certain. */
static enum err demanded(struct signing *s, const struct rule *rule, struct span *out)
{
    const struct ref *missing = NULL;
    enum err e = ERR_OK;
    if (rule->equals.n > 0 || rule->includes.n > 0)
        e = value_join(&s->view, rule->equals.n > 0 ? &rule->equals : &rule->includes, out, &missing);
    else if (rule->one_of.n > 0)
        *out = span_str(rule->one_of.list[0]);
    else if (rule->matches.n > 0)
        *out = matching(s, rule->matches.list[0]);
    if (e == ERR_NOT_FOUND)
        return rule->optional ? ERR_OK : unknown(s, missing);
    return e == ERR_OK ? e : problem(s, e);
}

/* ---- what the scheme itself says ---- */

static enum err list_names(struct signing *s, struct span *out)
{
    const struct signed_headers *h = &s->r->signature.signed_headers;
    const struct ref *time = &s->r->timestamp.from;
    struct buf b = arena_open(s->a);
    if (h->names.kind == REF_HEADER)
        buf_put_span(&b, s->r->headers[h->names.slot].name);
    if (s->r->has_timestamp && time->kind == REF_HEADER) {
        if (b.n > 0)
            buf_putc(&b, h->separator);
        buf_put_span(&b, s->r->headers[time->slot].name);
    }
    *out = arena_close(s->a, &b);
    return ERR_OK;
}

/* An address on the first host that may be, with the ending it must have. */
static struct span key_address(const struct signing *s)
{
    const struct keys_url *u = &s->r->signature.keys_url;
    struct buf b = arena_open(s->a);
    buf_puts(&b, "https://");
    for (const char *p = u->hosts.list[0]; *p; p++)
        buf_putc(&b, *p == '*' ? 'x' : *p);
    if (u->suffix.n == 0 || u->suffix.p[0] != '/')
        buf_puts(&b, "/key");
    buf_put_span(&b, u->suffix);
    return arena_close(s->a, &b);
}

static enum err known(struct signing *s, const struct ref *ref, struct span *out)
{
    const struct signature *sig = &s->r->signature;
    if (is_time(s, ref))
        *out = s->time;
    else if (sig->has_signed_headers && signing_same_place(&sig->signed_headers.names, ref))
        return list_names(s, out);
    else if (sig->keys_url.format && signing_same_place(&sig->keys_url.from, ref))
        *out = key_address(s);
    else if (sig->has_key_id && signing_same_place(&sig->key_id, ref))
        *out = span_str(s->key->id);
    return ERR_OK;
}

/* ---- one value ---- */

/* By the scheme, else by a rule, else the id, in the form that a rule wants. */
static enum err choose(struct signing *s, const struct ref *ref, struct span *out)
{
    const struct rule *form = NULL;
    enum err e = known(s, ref, out);
    for (size_t i = 0; e == ERR_OK && !out->p && i < s->r->asserts.n; i++) {
        const struct rule *rule = &s->r->asserts.list[i];
        if (!signing_same_place(&rule->of, ref) || !applies(s, rule))
            continue;
        e = demanded(s, rule, out);
        if (!form)
            form = rule;
    }
    if (e == ERR_OK && !out->p && s->id)
        *out = filler(s, form);
    return e;
}

static bool can_be_placed(const struct ref *ref)
{
    return in_body(ref) || ref->kind == REF_HEADER || ref->kind == REF_FIELD || ref->kind == REF_QUERY_FIELD ||
           ref->kind == REF_CLAIM || ref->kind == REF_JOSE;
}

static enum err need(struct signing *s, const struct ref *ref, bool body)
{
    struct span value = SPAN_NONE;
    if (in_body(ref) != body)
        return ERR_OK;
    bool time = is_time(s, ref), anew = time && body;
    enum err e = anew ? ERR_OK : value_get(&s->view, ref, &value);
    if (e != ERR_OK && e != ERR_MALFORMED_BODY) /* no JSON yet: it is made, or refused with a reason */
        return problem(s, e);
    if (value.p)
        return ERR_OK;
    if (!can_be_placed(ref))
        return unknown(s, ref);
    e = choose(s, ref, &value);
    if (e != ERR_OK)
        return e;
    if (!value.p)
        return unknown(s, ref);
    enum time_format format = s->r->timestamp.format;
    return signing_place(s, ref, value, time && (format == TIME_SECONDS || format == TIME_MILLISECONDS));
}

/* ---- all of them ---- */

static enum err need_text(struct signing *s, const struct text *t, bool body)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < t->n; i++) {
        const struct ref *ref = &t->pieces[i];
        if (ref->kind != REF_LITERAL && ref->kind != REF_SIGNED_HEADERS && ref->kind != REF_SECRET && !ref->group)
            e = need(s, ref, body);
    }
    return e;
}

/* A claim that may be missing is still what a sender says. */
static enum err need_rules(struct signing *s, bool body)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < s->r->asserts.n; i++) {
        const struct rule *rule = &s->r->asserts.list[i];
        if ((!rule->optional || rule->of.kind == REF_CLAIM) && applies(s, rule))
            e = need(s, &rule->of, body);
    }
    return e;
}

enum err signing_fill(struct signing *s, bool body)
{
    const struct signature *sig = &s->r->signature;
    enum err e = sig->has_key_id ? need(s, &sig->key_id, body) : ERR_OK;
    if (e == ERR_OK && sig->keys_url.format)
        e = need(s, &sig->keys_url.from, body);
    if (e == ERR_OK && sig->has_signed_headers)
        e = need(s, &sig->signed_headers.names, body);
    if (e == ERR_OK && s->r->has_timestamp)
        e = need(s, &s->r->timestamp.from, body);
    if (e == ERR_OK)
        e = need_rules(s, body);
    if (e == ERR_OK && sig->pair)
        e = need_text(s, &sig->key, body);
    if (e == ERR_OK && sig->n_contents > 0)
        e = need_text(s, &sig->contents[0], body);
    return e;
}
