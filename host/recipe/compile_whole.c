/* SPDX-License-Identifier: MIT
 * compile_whole: what must hold between a recipe's members, and what follows from them. Runs when a configuration is
 * loaded; never on a request.
 */
#include "recipe/compiler.h"
#include "recipe/key.h"

/* The same value, in a form that cannot be made from another one. */
static bool same(const struct ref *a, const struct ref *b)
{
    for (unsigned i = 0; i < a->n_filters; i++)
        if (!filter_binds(&a->filters[i]))
            return false;
    return a->kind == b->kind && a->slot == b->slot && span_eq(a->what, b->what);
}

/* Is this value in every alternative of the content, as it came? */
static bool in_content(const struct recipe *r, const struct ref *ref)
{
    for (size_t i = 0; i < r->signature.n_contents; i++) {
        const struct text *t = &r->signature.contents[i];
        size_t k = 0;
        while (k < t->n && !same(&t->pieces[k], ref))
            k++;
        if (k == t->n)
            return false;
    }
    return r->signature.n_contents > 0;
}

static bool is_hash(const struct text *t)
{
    static const struct ref body = {.kind = REF_BODY};
    return t->n == 1 && t->pieces[0].n_filters > 0 && same(&t->pieces[0], &body);
}

/* A rule that binds the body: something signed equals its hash, always, or whenever there is a body. */
static bool body_asserted(const struct recipe *r)
{
    for (size_t i = 0; i < r->asserts.n; i++) {
        const struct rule *a = &r->asserts.list[i];
        bool is_signed = a->of.kind == REF_CLAIM || in_content(r, &a->of) ||
                         (a->of.kind == REF_QUERY_FIELD && in_content(r, &(struct ref){.kind = REF_URL}));
        bool always = !a->has_when || (a->when.kind == REF_BODY && a->when.n_filters == 0);
        if (is_signed && is_hash(&a->equals) && !a->optional && always)
            return true;
    }
    return false;
}

static bool body_signed(const struct recipe *r)
{
    static const struct ref body = {.kind = REF_BODY};
    return in_content(r, &body) || body_asserted(r);
}

static bool in_body(const struct ref *ref)
{
    return ref->kind == REF_JSON || ref->kind == REF_ITEM || ref->kind == REF_FORM;
}

static bool time_signed(const struct recipe *r)
{
    const struct ref *from = &r->timestamp.from;
    if (!r->has_timestamp)
        return false;
    if (from->kind == REF_CLAIM || in_content(r, from))
        return true;
    if (r->timestamp.listed)
        return true;
    return in_body(from) && body_signed(r);
}

struct recipe_gaps recipe_gaps(const struct recipe *r)
{
    if (r->none || r->algorithm->family == FAMILY_TOKEN)
        return (struct recipe_gaps){.nothing_signed = true, .body = true, .time = true};
    bool expires = r->algorithm->family == FAMILY_JWT && r->signature.jwt.require != 0;
    return (struct recipe_gaps){.body = !body_signed(r), .time = !time_signed(r) && !expires};
}

static enum err check_key_encoding(struct compiler *c)
{
    struct span s = span_str(c->r->key_encoding);
    size_t at = compiler_enter(c, SPAN_LIT("key_encoding"));
    if (!s.p)
        return compiler_fault(c, "is missing");
    if (!key_encoding_known(s, c->r->algorithm->family)) {
        size_t n;
        const char *const *names = key_encoding_names(&n);
        if (key_encoding_known(s, ~0u))
            return compiler_fault(c, "%s does not go with %s", s.p, c->r->algorithm->name);
        return compiler_unknown(c, "key encoding", s, names, n);
    }
    compiler_leave(c, at);
    return ERR_OK;
}

static bool decodes(const struct ref *ref)
{
    return in_body(ref) || (ref->kind == REF_BODY && ref->n_filters > 0) || ref->kind == REF_MEMBER_NAME;
}

static bool text_decodes(const struct text *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (decodes(&t->pieces[i]))
            return true;
    return false;
}

static bool rules_decode(const struct rules *rules)
{
    for (size_t i = 0; i < rules->n; i++)
        if (decodes(&rules->list[i].of) || decodes(&rules->list[i].when) || text_decodes(&rules->list[i].equals) ||
            text_decodes(&rules->list[i].includes))
            return true;
    return false;
}

/* MACs and digests take their content piece by piece; for the others it is put together. */
static bool gathers(const struct recipe *r)
{
    bool found = rules_decode(&r->asserts) || decodes(&r->timestamp.from);
    for (size_t i = 0; i < r->n_handshakes; i++) {
        const struct handshake *h = &r->handshakes[i];
        found = found || rules_decode(&h->when) || rules_decode(&h->asserts) || text_decodes(&h->body) ||
                text_decodes(&h->store) || text_decodes(&h->fetch);
        for (size_t k = 0; k < h->n_headers; k++)
            found = found || text_decodes(&h->headers[k].value);
    }
    if (r->none)
        return found;
    for (size_t i = 0; i < r->signature.n_contents; i++)
        found = found || text_decodes(&r->signature.contents[i]);
    for (size_t i = 0; i < r->signature.n_from; i++)
        found = found || decodes(&r->signature.from[i]);
    if (r->algorithm->family & (FAMILY_ED25519 | FAMILY_PUBLIC | FAMILY_JWT))
        found = found || r->signature.n_contents > 0;
    found = found || (r->signature.has_key_id && decodes(&r->signature.key_id)) ||
            (r->signature.keys_url.format && decodes(&r->signature.keys_url.from));
    return found || r->signature.each.p != NULL;
}

static void mark_headers(struct recipe *r)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        struct header_slot *h = &r->headers[i];
        h->repeats = h->signature && (h->family || recipe_may_repeat(r, h->name));
    }
}

static bool family_elsewhere(const struct recipe *r)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (r->headers[i].family && !r->headers[i].signature)
            return true;
    return false;
}

enum err compile_whole(struct compiler *c)
{
    struct recipe *r = c->r;
    if (family_elsewhere(r))
        return compiler_fault(c, "header:NAME* is for signatures only");
    mark_headers(r);
    r->timestamp.listed = !r->none && r->has_timestamp && r->timestamp.from.kind == REF_HEADER &&
                          r->signature.has_signed_headers && !in_content(r, &r->timestamp.from);
    const struct ref *names = &r->signature.signed_headers.names;
    r->signature.signed_headers.itself =
        r->signature.has_signed_headers && names->kind == REF_HEADER && !in_content(r, names);
    r->gathers = gathers(r);
    if (r->none)
        return r->has_timestamp || r->asserts.n || r->key_encoding
                   ? compiler_fault(
                         c, "\"signature\": \"none\" leaves nothing for 'timestamp', 'assert' or 'key_encoding'")
                   : ERR_OK;
    if (r->n_fields > 0 && (!r->signature.pair || !r->signature.list))
        return compiler_fault(c, "field:NAME needs 'list' and 'pair' in the signature");
    if (r->has_timestamp && !r->timestamp.unsigned_time && !time_signed(r))
        return compiler_fault(
            c, "the timestamp is not part of the signed content, so it proves nothing (\"signed\": false "
               "says so)");
    return check_key_encoding(c);
}
