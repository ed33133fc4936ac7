/* SPDX-License-Identifier: MIT
 * verify: does this request prove what its recipe asks for? Cheap questions first: presence, form, time, and only then
 * cryptography. Allocates nothing but from the given arena. Any thread with its own struct recipe_context.
 */
#include <openssl/crypto.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "recipe/compiled.h"
#include "recipe/grammar.h"
#include "recipe/key.h"
#include "recipe/mac.h"
#include "recipe/template.h"
#include "recipe/timestamp.h"

static enum err __attribute__((format(printf, 3, 4))) refuse(struct recipe_verdict *v, enum err e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->detail, sizeof v->detail, fmt, ap);
    va_end(ap);
    return e;
}

static bool is_signature(const struct recipe *r, unsigned slot)
{
    for (size_t i = 0; i < r->signature.n_from; i++)
        if (r->signature.from[i] == slot)
            return true;
    return false;
}

/* One header of interest. Which of two different values was signed cannot be known, so that is refused. */
static enum err take_header(const struct recipe *r, unsigned slot, struct span value, struct values *v,
                            struct signatures *s, struct recipe_verdict *verdict)
{
    const struct header_slot *h = &r->headers[slot];
    struct span *seen = &v->header[slot];
    if (seen->p && !h->repeats && !span_eq(*seen, value))
        return refuse(verdict, ERR_MALFORMED_REQUEST, "header %.*s came twice with different values", (int)h->name.n,
                      h->name.p);
    bool again = seen->p && span_eq(*seen, value);
    *seen = value;
    if (again || value.n == 0 || !is_signature(r, slot))
        return ERR_OK;
    const char *problem = NULL;
    enum err e = grammar_split(r, value, v, s, &problem);
    return e == ERR_OK ? e : refuse(verdict, e, "%s", problem);
}

static enum err take_headers(const struct recipe *r, const struct recipe_request *q, struct values *v,
                             struct signatures *s, struct recipe_verdict *verdict)
{
    for (size_t i = 0; i < q->n_headers; i++) {
        for (unsigned slot = 0; slot < r->n_headers; slot++) {
            if (!span_eq_nocase(q->headers[i].name, r->headers[slot].name))
                continue;
            enum err e = take_header(r, slot, q->headers[i].value, v, s, verdict);
            if (e != ERR_OK)
                return e;
            break;
        }
    }
    return ERR_OK;
}

static enum err need_signature(const struct recipe *r, const struct values *v, const struct signatures *s,
                               struct recipe_verdict *verdict)
{
    struct span first = r->headers[r->signature.from[0]].name;
    bool any = false;
    for (size_t i = 0; i < r->signature.n_from; i++)
        any = any || v->header[r->signature.from[i]].n > 0;
    if (!any)
        return refuse(verdict, ERR_SIGNATURE_MISSING, "header %.*s is missing or empty", (int)first.n, first.p);
    if (s->n == 0)
        return refuse(verdict, ERR_SIGNATURE_INVALID,
                      "header %.*s has no usable signature: wrong form, version or length", (int)first.n, first.p);
    return ERR_OK;
}

static enum err need_ref(const struct recipe *r, const struct ref *ref, const struct recipe_request *q,
                         const struct values *v, struct recipe_verdict *verdict)
{
    if (template_value(ref, q, v).p)
        return ERR_OK;
    struct span name = template_name(r, ref);
    if (ref->kind == REF_FIELD)
        return refuse(verdict, ERR_SIGNATURE_INVALID, "the signature has no element %.*s", (int)name.n, name.p);
    return refuse(verdict, ERR_SIGNATURE_MISSING, "%.*s is missing, and it is signed", (int)name.n, name.p);
}

static enum err need_content(const struct recipe *r, const struct recipe_request *q, const struct values *v,
                             struct recipe_verdict *verdict)
{
    for (size_t i = 0; i < r->n_content; i++) {
        enum err e = need_ref(r, &r->content[i], q, v, verdict);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err hold_asserts(const struct recipe *r, const struct recipe_request *q, const struct values *v,
                             struct recipe_verdict *verdict)
{
    for (size_t i = 0; i < r->n_asserts; i++) {
        const struct assertion *a = &r->asserts[i];
        enum err e = need_ref(r, &a->of, q, v, verdict);
        if (e != ERR_OK)
            return e;
        struct span name = template_name(r, &a->of);
        if (!template_allows(a, template_value(&a->of, q, v)))
            return refuse(verdict, ERR_SIGNATURE_INVALID, "%.*s is too long or holds a character that it must not",
                          (int)name.n, name.p);
    }
    return ERR_OK;
}

static enum err hold_time(const struct recipe *r, const struct recipe_request *q, const struct values *v,
                          struct recipe_verdict *verdict)
{
    int64_t signed_ms;
    const struct timestamp *t = &r->timestamp;
    if (!r->has_timestamp)
        return ERR_OK;
    struct span name = template_name(r, &t->from);
    if (timestamp_read(t->format, template_value(&t->from, q, v), &signed_ms) != ERR_OK)
        return refuse(verdict, ERR_SIGNATURE_INVALID, "%.*s is not %s", (int)name.n, name.p,
                      timestamp_words(t->format));
    verdict->signed_at_ms = signed_ms;
    if (!timestamp_near(t, signed_ms, q->now_ms, q->tolerance_ms))
        return refuse(verdict, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "signed %lld seconds %s this receiver's clock",
                      (long long)llabs((q->now_ms - signed_ms) / 1000), signed_ms < q->now_ms ? "before" : "after");
    return ERR_OK;
}

static enum err try_hmac(const struct recipe *r, const struct key *k, struct recipe_context *c,
                         const struct recipe_request *q, const struct values *v, const struct signatures *s,
                         bool *match)
{
    unsigned char mac[RECIPE_SIGNATURE_BYTES];
    enum err e = mac_content(c, r, k, q, v, mac);
    for (size_t i = 0; e == ERR_OK && i < s->n; i++)
        *match |= CRYPTO_memcmp(mac, s->bytes[i], r->algorithm->signature_bytes) == 0;
    sodium_memzero(mac, sizeof mac);
    return e;
}

static enum err try_hmac_keys(const struct recipe *r, const struct keyring *ring, struct recipe_context *c,
                              const struct recipe_request *q, const struct values *v, const struct signatures *s,
                              const struct key **matched)
{
    for (size_t i = 0; i < ring->n && !*matched; i++) {
        bool match = false;
        if (!key_live(&ring->keys[i], q->now_ms))
            continue;
        enum err e = try_hmac(r, &ring->keys[i], c, q, v, s, &match);
        if (e != ERR_OK)
            return e;
        if (match)
            *matched = &ring->keys[i];
    }
    return ERR_OK;
}

static enum err try_ed25519_keys(const struct recipe *r, const struct keyring *ring, const struct recipe_request *q,
                                 const struct values *v, const struct signatures *s, struct arena *scratch,
                                 const struct key **matched)
{
    struct span content = template_join(r, q, v, scratch);
    if (!content.p)
        return ERR_BODY_TOO_LARGE;
    for (size_t i = 0; i < ring->n && !*matched; i++) {
        if (!key_live(&ring->keys[i], q->now_ms))
            continue;
        for (size_t n = 0; n < s->n && !*matched; n++)
            if (crypto_sign_verify_detached(s->bytes[n], (const unsigned char *)content.p, content.n,
                                            ring->keys[i].public_key) == 0)
                *matched = &ring->keys[i];
    }
    return ERR_OK;
}

static bool any_live(const struct keyring *ring, int64_t now_ms)
{
    for (size_t i = 0; i < ring->n; i++)
        if (key_live(&ring->keys[i], now_ms))
            return true;
    return false;
}

static enum err try_keys(const struct recipe *r, const struct keyring *ring, struct recipe_context *c,
                         const struct recipe_request *q, const struct values *v, const struct signatures *s,
                         struct arena *scratch, struct recipe_verdict *verdict)
{
    const struct key *matched = NULL;
    enum err e = r->algorithm->family == FAMILY_HMAC ? try_hmac_keys(r, ring, c, q, v, s, &matched)
                                                     : try_ed25519_keys(r, ring, q, v, s, scratch, &matched);
    if (e != ERR_OK)
        return refuse(verdict, e, "%s",
                      e == ERR_BODY_TOO_LARGE ? "no room to put together what was signed" : err_title(e));
    if (!matched)
        return refuse(verdict, ERR_SIGNATURE_INVALID, "%s",
                      any_live(ring, q->now_ms) ? "no key of this source made this signature"
                                                : "no key of this source is valid now");
    verdict->key_id = matched->id;
    return ERR_OK;
}

enum err recipe_verify(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                       const struct recipe_request *q, struct arena *scratch, struct recipe_verdict *verdict)
{
    struct values v = {0};
    struct signatures s;
    s.n = 0;
    *verdict = (struct recipe_verdict){0};
    if (r->none)
        return ERR_OK;
    enum err e = take_headers(r, q, &v, &s, verdict);
    if (e == ERR_OK)
        e = need_signature(r, &v, &s, verdict);
    if (e == ERR_OK)
        e = need_content(r, q, &v, verdict);
    if (e == ERR_OK)
        e = hold_asserts(r, q, &v, verdict);
    if (e == ERR_OK)
        e = hold_time(r, q, &v, verdict);
    if (e == ERR_OK)
        e = try_keys(r, k, c, q, &v, &s, scratch, verdict);
    return e;
}
