/* SPDX-License-Identifier: MIT
 * jwt_sign: puts tokens together as jwt_open takes them apart. For creel send and the tests; the door never signs. Any
 * thread with its own struct recipe_context.
 */
#include <openssl/ecdsa.h>
#include <sodium.h>

#include "recipe/jwt_parts.h"
#include "recipe/mac.h"
#include "recipe/public.h"

unsigned jwt_algorithm_for(const struct key *k, unsigned allowed)
{
    for (unsigned i = 0; i < JWT_ROWS; i++)
        if (allowed & 1u << i && jwt_serves(k, jwt_row(1u << i)))
            return 1u << i;
    return 0;
}

/* OpenSSL's DER as r and s behind one another (RFC 7518 section 3.4). */
static enum err sign_ecdsa(struct recipe_context *c, const struct jwt_algorithm *a, const struct key *k,
                           struct span text, unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n)
{
    unsigned char der[PUBLIC_SIGNATURE_MAX];
    const unsigned char *p = der;
    size_t n_der;
    enum err e = public_sign(c, k, a->digest, text, der, &n_der);
    if (e != ERR_OK)
        return e;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)n_der);
    bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int)a->half) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + a->half, (int)a->half) > 0;
    ECDSA_SIG_free(pair);
    *n = 2 * a->half;
    return ok ? ERR_OK : ERR_INTERNAL;
}

static enum err sign_eddsa(const struct key *k, struct span text, unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n)
{
    if (!k->secret)
        return ERR_UNSUPPORTED;
    crypto_sign_detached(out, NULL, (const unsigned char *)text.p, text.n, k->secret);
    *n = crypto_sign_BYTES;
    return ERR_OK;
}

static enum err sign(struct recipe_context *c, const struct jwt_algorithm *a, const struct key *k, struct span text,
                     unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n)
{
    switch (a->family) {
    case JWT_HMAC:
        return mac_span(a->digest, k, text, out, n);
    case JWT_RSA:
        return public_sign(c, k, a->digest, text, out, n);
    case JWT_PSS:
        return public_sign_pss(c, k, a->digest, text, out, n);
    case JWT_ECDSA:
        return sign_ecdsa(c, a, k, text, out, n);
    case JWT_EDDSA:
        return sign_eddsa(k, text, out, n);
    }
    return ERR_UNSUPPORTED;
}

static struct span base64url(struct arena *a, const void *p, size_t n)
{
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_alloc(a, size);
    if (!text)
        return SPAN_NONE;
    sodium_bin2base64(text, size, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return span_of(text, size - 1);
}

enum err jwt_sign(struct recipe_context *c, const struct key *k, unsigned algorithm, struct span jose,
                  struct span payload, bool detached, struct arena *a, struct span *token)
{
    unsigned char signature[PUBLIC_SIGNATURE_MAX];
    size_t n;
    struct span header = base64url(a, jose.p, jose.n), middle = base64url(a, payload.p, payload.n);
    if (!header.p || !middle.p)
        return ERR_NO_ROOM;
    struct span text = value_join_parts(a, &(struct parts){{header, SPAN_LIT("."), middle}, 3});
    if (!text.p)
        return ERR_NO_ROOM;
    enum err e = sign(c, jwt_row(algorithm), k, text, signature, &n);
    if (e != ERR_OK)
        return e;
    struct span last = base64url(a, signature, n);
    struct parts p = {{header, SPAN_LIT("."), detached ? SPAN_LIT("") : middle, SPAN_LIT("."), last}, 5};
    struct span whole = last.p ? value_join_parts(a, &p) : SPAN_NONE;
    if (!whole.p)
        return ERR_NO_ROOM;
    *token = whole;
    return ERR_OK;
}
