/* SPDX-License-Identifier: MIT
 * jwt_verify: does a key of ours prove a token? The algorithm is the key's business first and the token's second: each kind
 * of key serves its own algorithms only. Any thread with its own struct recipe_context.
 */
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <sodium.h>

#include "recipe/jwt_parts.h"
#include "recipe/mac.h"
#include "recipe/public.h"

enum { DER_MAX = 2 * (JWT_HALF_MAX + 3) + 3 };

static const struct jwt_algorithm algorithms[] = {
#define X(name, family, digest, half) {#name, family, digest, half},
#include "recipe/jwt_algorithms.tbl"
#undef X
};

static const enum key_kind kinds[] = {
    [JWT_HMAC] = KEY_SECRET, [JWT_RSA] = KEY_RSA, [JWT_PSS] = KEY_RSA, [JWT_ECDSA] = KEY_EC, [JWT_EDDSA] = KEY_ED25519,
};

/* The curve that goes with an algorithm (RFC 7518 section 3.4). */
static int curve_of(const struct jwt_algorithm *a)
{
    return a->half == 32 ? NID_X9_62_prime256v1 : a->half == 48 ? NID_secp384r1 : NID_secp521r1;
}

static bool on_curve(const struct key *k, int curve)
{
    char name[64];
    size_t n;
    if (EVP_PKEY_get_group_name(k->pkey, name, sizeof name, &n) != 1)
        return false;
    int nid = EC_curve_nist2nid(name);
    return (nid == NID_undef ? OBJ_txt2nid(name) : nid) == curve;
}

static enum err verify_hmac(const struct jwt_algorithm *a, const struct jwt *t, const struct key *k, bool *match)
{
    unsigned char mac[MAC_BYTES_MAX];
    size_t n;
    enum err e = mac_span(a->digest, k, t->signed_part, mac, &n);
    if (e == ERR_OK)
        *match = t->n_signature == n && CRYPTO_memcmp(mac, t->signature, n) == 0;
    sodium_memzero(mac, sizeof mac);
    return e;
}

/* A number of fixed length as a DER INTEGER behind out; its length, 0 for zero, which no signature holds. */
static size_t der_integer(const unsigned char *p, size_t n, unsigned char *out)
{
    while (n > 0 && *p == 0) {
        p++;
        n--;
    }
    if (n == 0)
        return 0;
    size_t sign = *p >> 7; /* a number that begins with this bit would be negative */
    out[0] = 0x02;
    out[1] = (unsigned char)(n + sign);
    out[2] = 0;
    memcpy(out + 2 + sign, p, n);
    return 2 + sign + n;
}

/* r and s behind one another (RFC 7518 section 3.4) as the SEQUENCE OpenSSL takes; 0 when they cannot be. */
static size_t der_signature(const unsigned char *p, size_t half, unsigned char out[DER_MAX])
{
    unsigned char body[DER_MAX];
    size_t r = der_integer(p, half, body), s = r ? der_integer(p + half, half, body + r) : 0, n = 0;
    if (s == 0)
        return 0;
    out[n++] = 0x30;
    if (r + s > 127)
        out[n++] = 0x81;
    out[n++] = (unsigned char)(r + s);
    memcpy(out + n, body, r + s);
    return n + r + s;
}

static enum err verify_ecdsa(struct recipe_context *c, const struct jwt_algorithm *a, const struct jwt *t,
                             const struct key *k, bool *match)
{
    unsigned char der[DER_MAX];
    if (t->n_signature != 2 * a->half)
        return ERR_OK;
    size_t n = der_signature(t->signature, a->half, der);
    return n ? public_verify(c, k, a->digest, t->signed_part, span_of((const char *)der, n), match) : ERR_OK;
}

static enum err verify_eddsa(const struct jwt *t, const struct key *k, bool *match)
{
    *match = t->n_signature == crypto_sign_BYTES &&
             crypto_sign_verify_detached(t->signature, (const unsigned char *)t->signed_part.p, t->signed_part.n,
                                         k->public_key) == 0;
    return ERR_OK;
}

const struct jwt_algorithm *jwt_row(unsigned bit)
{
    for (unsigned i = 0; i < JWT_ROWS; i++)
        if (bit == 1u << i)
            return &algorithms[i];
    return NULL;
}

bool jwt_serves(const struct key *k, const struct jwt_algorithm *a)
{
    return k->kind == kinds[a->family] && (!k->alg || strcmp(k->alg, a->name) == 0) &&
           (a->family != JWT_ECDSA || on_curve(k, curve_of(a)));
}

enum err jwt_verify(struct recipe_context *c, const struct jwt *t, const struct key *k, unsigned allowed, bool *match)
{
    const struct jwt_algorithm *a = jwt_row(t->algorithm & allowed);
    struct span signature = span_of((const char *)t->signature, t->n_signature);
    *match = false;
    if (!a || !jwt_serves(k, a))
        return ERR_OK;
    switch (a->family) {
    case JWT_HMAC:
        return verify_hmac(a, t, k, match);
    case JWT_RSA:
        return public_verify(c, k, a->digest, t->signed_part, signature, match);
    case JWT_PSS:
        return public_verify_pss(c, k, a->digest, t->signed_part, signature, match);
    case JWT_ECDSA:
        return verify_ecdsa(c, a, t, k, match);
    case JWT_EDDSA:
        return verify_eddsa(t, k, match);
    }
    return ERR_OK;
}
