/* SPDX-License-Identifier: MIT
 * token_kit: keys of every kind and tokens made of any texts, for the tests of public keys and of tokens.
 */
#ifndef CREEL_TESTS_TOKEN_KIT_H
#define CREEL_TESTS_TOKEN_KIT_H

#include "suite.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "base/codec.h"
#include "recipe/jwt.h"
#include "recipe/public.h"

enum { TOKEN_ARENA = 256 * 1024 };

/* Fixtures of all suites that use this. */
static struct recipe_context *context;
static struct arena arena;

static inline void kit_begin(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(recipe_context_new(&context), ERR_OK);
    ck_assert(arena_init(&arena, TOKEN_ARENA));
}

static inline void kit_end(void)
{
    recipe_context_free(context);
    arena_fini(&arena);
}

static inline struct key secret_key(const void *p, size_t n)
{
    return (struct key){.id = "k", .not_after_ms = INT64_MAX, .kind = KEY_SECRET, .secret = p, .n_secret = n};
}

static inline struct key pkey_key(EVP_PKEY *pkey)
{
    ck_assert_ptr_nonnull(pkey);
    return (struct key){.id = "k",
                        .not_after_ms = INT64_MAX,
                        .kind = EVP_PKEY_is_a(pkey, "RSA") ? KEY_RSA : KEY_EC,
                        .pkey = pkey};
}

static inline struct key pem_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return pkey_key(pkey);
}

static inline struct key rsa_key(void)
{
    return pkey_key(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
}

static inline struct key ec_key(const char *curve)
{
    return pkey_key(EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve));
}

/* private: 64 bytes that live as long as the key. */
static inline struct key ed25519_key(unsigned char private[KEY_PRIVATE_BYTES])
{
    struct key k = secret_key(private, KEY_PRIVATE_BYTES);
    k.kind = KEY_ED25519;
    crypto_sign_keypair(k.public_key, private);
    return k;
}

static inline struct span base64url(struct span in)
{
    size_t room = sodium_base64_encoded_len(in.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *out = arena_alloc(&arena, room);
    ck_assert_ptr_nonnull(out);
    sodium_bin2base64(out, room, (const unsigned char *)in.p, in.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return span_of(out, room - 1);
}

static inline struct span joined(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline struct span joined(const char *fmt, ...)
{
    struct buf b = arena_open(&arena);
    char text[16384];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ck_assert(n >= 0 && (size_t)n < sizeof text);
    buf_put(&b, text, (size_t)n);
    return arena_close(&arena, &b);
}

#define S(span) (int)(span).n, (span).p

/* DER to r and s of `half` bytes each. */
static inline size_t raw_ecdsa(const unsigned char *der, size_t n, size_t half, unsigned char *out)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    ck_assert_ptr_nonnull(sig);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half), (int)half);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half), (int)half);
    ECDSA_SIG_free(sig);
    return 2 * half;
}

static inline size_t sign_pss(const struct key *k, const EVP_MD *md, struct span text, int salt, unsigned char *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding;
    size_t n = PUBLIC_SIGNATURE_MAX;
    ck_assert(EVP_DigestSignInit(ctx, &padding, md, NULL, k->pkey) == 1);
    ck_assert(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1);
    ck_assert(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, salt) == 1);
    ck_assert(EVP_DigestSign(ctx, out, &n, (const unsigned char *)text.p, text.n) == 1);
    EVP_MD_CTX_free(ctx);
    return n;
}

/* The signature of text by k as algorithm `alg` wants it. */
static inline size_t sign_as(const char *alg, const struct key *k, struct span text, unsigned char *out)
{
    char digest[8];
    unsigned char der[PUBLIC_SIGNATURE_MAX];
    size_t n = 0;
    snprintf(digest, sizeof digest, "SHA%s", alg + 2);
    const EVP_MD *md = alg[0] == 'E' && alg[1] == 'd' ? NULL : EVP_get_digestbyname(digest);
    if (!md) {
        ck_assert_int_eq(crypto_sign_detached(out, NULL, (const unsigned char *)text.p, text.n, k->secret), 0);
        return crypto_sign_BYTES;
    }
    if (alg[0] == 'H') {
        unsigned made;
        ck_assert_ptr_nonnull(HMAC(md, k->secret, (int)k->n_secret, (const unsigned char *)text.p, text.n, out, &made));
        return made;
    }
    if (alg[0] == 'P')
        return sign_pss(k, md, text, RSA_PSS_SALTLEN_DIGEST, out);
    ck_assert_int_eq(public_sign(context, k, digest, text, alg[0] == 'E' ? der : out, &n), ERR_OK);
    int bits = EVP_PKEY_get_bits(k->pkey);
    return alg[0] == 'E' ? raw_ecdsa(der, n, (size_t)(bits + 7) / 8, out) : n;
}

/* A token with these texts, signed by k as alg says, whatever the header says. */
static inline struct span token_of(const char *header, const char *claims, const char *alg, const struct key *k)
{
    unsigned char signature[PUBLIC_SIGNATURE_MAX];
    struct span h = base64url(span_str(header)), c = base64url(span_str(claims));
    struct span text = joined("%.*s.%.*s", S(h), S(c));
    size_t n = sign_as(alg, k, text, signature);
    struct span s = base64url(span_of((const char *)signature, n));
    return joined("%.*s.%.*s", S(text), S(s));
}

#endif
