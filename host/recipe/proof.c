/* SPDX-License-Identifier: MIT
 * proof: does a key of the source make one of the signatures? Secrets are compared in constant time; what came with the
 * request is public. Allocates nothing but from the view's arena.
 */
#include "recipe/proof.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include "recipe/jwt.h"
#include "recipe/mac.h"
#include "recipe/public.h"

enum err proof_refuse(struct proof *p, enum err e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->verdict->detail, sizeof p->verdict->detail, fmt, ap);
    va_end(ap);
    return e;
}

enum err proof_problem(struct proof *p, enum err e)
{
    if (e == ERR_NO_ROOM)
        e = ERR_BODY_TOO_LARGE;
    else if (e == ERR_INVALID)
        e = ERR_SIGNATURE_INVALID;
    return proof_refuse(p, e, "%s", p->view.problem[0] ? p->view.problem : err_title(e));
}

/* Which of two different values was signed cannot be known, so that is refused. */
static enum err take_header(struct proof *p, unsigned slot, struct span value)
{
    const struct header_slot *h = &p->r->headers[slot];
    struct span *seen = &p->view.header[slot];
    if (seen->p && !h->repeats && !span_eq(*seen, value))
        return proof_refuse(p, ERR_MALFORMED_REQUEST, "header %.*s came twice with different values", (int)h->name.n,
                            h->name.p);
    *seen = value;
    return ERR_OK;
}

bool proof_is_named(const struct header_slot *h, struct span name)
{
    return h->family ? name.n > h->name.n && span_eq_nocase(span_of(name.p, h->name.n), h->name)
                     : span_eq_nocase(name, h->name);
}

enum err proof_begin(struct proof *p, const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, struct arena *scratch, struct recipe_verdict *verdict)
{
    p->r = r;
    p->ring = k;
    p->c = c;
    p->q = q;
    p->verdict = verdict;
    p->matched = NULL;
    p->tried = NULL;
    p->signatures.n = 0;
    view_init(&p->view, r, q, scratch);
    *verdict = (struct recipe_verdict){0};
    for (size_t i = 0; i < q->n_headers; i++) {
        for (unsigned slot = 0; slot < r->n_headers; slot++) {
            if (!proof_is_named(&r->headers[slot], q->headers[i].name))
                continue;
            enum err e = take_header(p, slot, q->headers[i].value);
            if (e != ERR_OK)
                return e;
        }
    }
    return ERR_OK;
}

/* Is this key one that the request names, where the scheme names one? */
static bool chosen(const struct key *k, struct span id, bool by_kid)
{
    if (!id.p)
        return true;
    if (by_kid)
        return !k->kid || span_eq_str(id, k->kid);
    return span_eq_str(id, k->id);
}

static enum err compare_mac(struct proof *p, const struct key *k, const struct parts *parts, bool *match)
{
    unsigned char made[MAC_BYTES_MAX];
    size_t n;
    const char *digest = p->r->algorithm->digest;
    enum err e = p->r->algorithm->family == FAMILY_DIGEST ? mac_digest(digest, parts, made, &n)
                                                          : mac_parts(digest, k, parts, made, &n);
    for (size_t i = 0; e == ERR_OK && i < p->signatures.n; i++)
        *match |= p->signatures.list[i].n == n && CRYPTO_memcmp(made, p->signatures.list[i].p, n) == 0;
    sodium_memzero(made, sizeof made);
    return e == ERR_OK ? e : proof_refuse(p, e, "%s", err_title(e));
}

/* Tokens have no fixed length: their hashes are compared, so that neither bytes nor lengths show in the time. */
static enum err compare_token(struct proof *p, const struct key *k, bool *match)
{
    unsigned char ours[crypto_generichash_BYTES], theirs[crypto_generichash_BYTES];
    crypto_generichash(ours, sizeof ours, k->secret, k->n_secret, NULL, 0);
    for (size_t i = 0; i < p->signatures.n; i++) {
        struct span s = p->signatures.list[i];
        crypto_generichash(theirs, sizeof theirs, (const unsigned char *)s.p, s.n, NULL, 0);
        *match |= sodium_memcmp(ours, theirs, sizeof ours) == 0;
    }
    sodium_memzero(ours, sizeof ours);
    return ERR_OK;
}

static enum err compare_public(struct proof *p, const struct key *k, struct span content, bool *match)
{
    bool ed25519 = p->r->algorithm->family == FAMILY_ED25519;
    for (size_t i = 0; i < p->signatures.n && !*match; i++) {
        struct span s = p->signatures.list[i];
        if (!ed25519) {
            enum err e = public_verify(p->c, k, p->r->algorithm->digest, content, s, match);
            if (e != ERR_OK)
                return proof_refuse(p, e, "%s", err_title(e));
        } else if (k->kind == KEY_ED25519) {
            *match = crypto_sign_verify_detached((const unsigned char *)s.p, (const unsigned char *)content.p,
                                                 content.n, k->public_key) == 0;
        }
    }
    return ERR_OK;
}

static bool by_parts(const struct recipe *r)
{
    return (r->algorithm->family & (FAMILY_HMAC | FAMILY_DIGEST)) != 0;
}

static enum err compare(struct proof *p, const struct key *k, const struct parts *parts, struct span content,
                        bool *match)
{
    if (p->r->algorithm->family == FAMILY_TOKEN)
        return compare_token(p, k, match);
    return by_parts(p->r) ? compare_mac(p, k, parts, match) : compare_public(p, k, content, match);
}

static bool has_secret(const struct recipe *r)
{
    return r->algorithm->family == FAMILY_DIGEST;
}

static enum err make_content(struct proof *p, const struct text *t, struct parts *parts, struct span *content,
                             const struct ref **missing)
{
    enum err e = value_parts(&p->view, t, parts, missing);
    if (e != ERR_OK || by_parts(p->r))
        return e;
    *content = parts->n == 1 ? parts->part[0] : value_join_parts(p->view.a, parts);
    return content->p ? ERR_OK : ERR_NO_ROOM;
}

/* Where the scheme names the key, a request that names none is not for any. */
static enum err wanted_key(struct proof *p, struct span *id)
{
    const struct ref *ref = &p->r->signature.key_id;
    char name[80];
    *id = SPAN_NONE;
    if (!p->r->signature.has_key_id)
        return ERR_OK;
    enum err e = value_get(&p->view, ref, id);
    if (e == ERR_OK && id->n == 0)
        return proof_refuse(p, ERR_SIGNATURE_MISSING, "%s is missing, which says whose key it is",
                            value_name(&p->view, ref, name));
    return e;
}

enum err proof_try_keys(struct proof *p, const struct text *content, const struct ref **missing)
{
    struct parts parts;
    struct span joined = SPAN_NONE, id;
    enum err e = wanted_key(p, &id);
    parts.n = 0;
    if (e == ERR_OK && p->r->signature.has_key_id && !id.p) {
        *missing = &p->r->signature.key_id;
        return ERR_NOT_FOUND;
    }
    if (e == ERR_OK && content && !has_secret(p->r))
        e = make_content(p, content, &parts, &joined, missing);
    for (size_t i = 0; e == ERR_OK && i < p->ring->n && !p->matched; i++) {
        const struct key *k = &p->ring->keys[i];
        bool match = false;
        if (!key_live(k, p->q->now_ms) || !chosen(k, id, false))
            continue;
        p->view.key = k;
        if (has_secret(p->r))
            e = make_content(p, content, &parts, &joined, missing);
        if (e == ERR_OK)
            e = compare(p, k, &parts, joined, &match);
        if (e == ERR_OK && p->tried)
            p->tried(p->tried_arg, k, &parts);
        if (match)
            p->matched = k;
    }
    p->view.key = NULL;
    return e;
}

/* The text that a detached token signs; it may refer to the token's own header. */
static enum err open_token(struct proof *p, struct span token, struct jwt *t, bool *usable, const struct ref **missing)
{
    const struct signature *s = &p->r->signature;
    const char *problem = NULL;
    struct span payload = SPAN_NONE;
    enum err e = jwt_open(token, s->n_contents ? SPAN_LIT("") : SPAN_NONE, p->view.a, t, &problem);
    if (e == ERR_OK && s->n_contents > 0) {
        p->view.jose = t->jose;
        e = value_join(&p->view, &s->contents[0], &payload, missing);
        if (e != ERR_OK)
            return e;
        e = jwt_open(token, payload, p->view.a, t, &problem);
    }
    *usable = e == ERR_OK;
    if (problem)
        snprintf(p->view.problem, sizeof p->view.problem, "the token %s", problem);
    return e == ERR_NO_ROOM || e == ERR_INTERNAL ? e : ERR_OK;
}

enum err proof_peek(struct proof *p)
{
    struct jwt t;
    const char *problem = NULL;
    bool detached = p->r->signature.n_contents > 0;
    enum err e = jwt_open(p->signatures.list[0], detached ? SPAN_LIT("") : SPAN_NONE, p->view.a, &t, &problem);
    if (problem)
        snprintf(p->view.problem, sizeof p->view.problem, "the token %s", problem);
    if (e == ERR_OK)
        p->view.jose = t.jose;
    return e;
}

static enum err try_token(struct proof *p, const struct jwt *t)
{
    const struct signature *s = &p->r->signature;
    struct span id = SPAN_NONE;
    bool by_kid = !s->has_key_id;
    p->view.jose = t->jose;
    enum err e = by_kid ? value_get(&p->view, &(struct ref){.kind = REF_JOSE, .what = SPAN_LIT("/kid")}, &id)
                        : wanted_key(p, &id);
    for (size_t i = 0; e == ERR_OK && i < p->ring->n && !p->matched; i++) {
        const struct key *k = &p->ring->keys[i];
        bool match = false;
        if (!key_live(k, p->q->now_ms) || !chosen(k, id, by_kid))
            continue;
        e = jwt_verify(p->c, t, k, s->jwt.algorithms, &match);
        if (p->tried)
            p->tried(p->tried_arg, k, &(struct parts){.part[0] = t->signed_part, .n = 1});
        if (match)
            p->matched = k;
    }
    return e;
}

enum err proof_try_tokens(struct proof *p, const struct ref **missing)
{
    const struct signature *s = &p->r->signature;
    for (size_t i = 0; i < p->signatures.n && !p->matched; i++) {
        struct jwt t;
        bool usable;
        enum err e = open_token(p, p->signatures.list[i], &t, &usable, missing);
        if (e == ERR_OK && usable)
            e = try_token(p, &t);
        if (e != ERR_OK)
            return e;
        if (!p->matched)
            continue;
        const char *problem = NULL;
        p->view.claims = s->n_contents ? SPAN_NONE : t.claims;
        if (s->n_contents == 0 && jwt_times(&t, s->jwt.require, s->jwt.leeway_ms, p->q->now_ms, &problem) != ERR_OK)
            return proof_refuse(p, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "the token %s",
                                problem ? problem : "is not valid now");
    }
    return ERR_OK;
}
