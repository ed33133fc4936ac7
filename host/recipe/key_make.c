/* SPDX-License-Identifier: MIT
 * key_make: randomness from libsodium, PEM and DER from OpenSSL. What is secret is wiped here but in what is given back.
 */
#include "recipe/key_make.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/nearest.h"
#include "recipe/key_parts.h"

enum { SECRET_BYTES = 32 };

static void put(char out[KEY_MADE_BYTES], const char *prefix, const void *bytes, size_t n, bool hex)
{
    size_t at = strlen(prefix);
    memcpy(out, prefix, at + 1);
    at += hex ? hex_encode(bytes, n, out + at) : base64_encode(bytes, n, out + at);
    memcpy(out + at, "\n", 2);
}

/* Text that is its own key gets the random bytes in hexadecimal: nothing in it changes on the way. */
static void make_secret(const char *encoding, struct key_made *out)
{
    unsigned char bytes[SECRET_BYTES];
    bool whsec = strcmp(encoding, "whsec_base64") == 0;
    randombytes_buf(bytes, sizeof bytes);
    put(out->secret, whsec ? "whsec_" : "", bytes, sizeof bytes, !whsec && strcmp(encoding, "base64") != 0);
    sodium_memzero(bytes, sizeof bytes);
}

/* The private key with its public half behind it: that cannot be taken for a public one. */
static void make_bare_pair(const char *encoding, struct key_made *out)
{
    unsigned char open[KEY_PUBLIC_BYTES], secret[KEY_PRIVATE_BYTES];
    bool marked = strcmp(encoding, "whpk_base64") == 0, hex = strcmp(encoding, "ed25519-hex") == 0;
    crypto_sign_keypair(open, secret);
    put(out->secret, marked ? "whsk_" : "", secret, sizeof secret, hex);
    put(out->public_text, marked ? "whpk_" : "", open, sizeof open, hex);
    sodium_memzero(secret, sizeof secret);
}

static bool take_bio(BIO *bio, char out[KEY_MADE_BYTES])
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    bool fits = n > 0 && n < KEY_MADE_BYTES;
    if (fits) {
        memcpy(out, p, (size_t)n);
        out[n] = 0;
    }
    if (n > 0)
        sodium_memzero(p, (size_t)n);
    return fits;
}

static bool put_pem(EVP_PKEY *pkey, struct key_made *out)
{
    BIO *secret = BIO_new(BIO_s_mem()), *open = BIO_new(BIO_s_mem());
    bool ok = secret && open && PEM_write_bio_PKCS8PrivateKey(secret, pkey, NULL, NULL, 0, NULL, NULL) == 1 &&
              PEM_write_bio_PUBKEY(open, pkey) == 1 && take_bio(secret, out->secret) &&
              take_bio(open, out->public_text);
    BIO_free(secret);
    BIO_free(open);
    return ok;
}

static bool put_der(EVP_PKEY *pkey, struct key_made *out)
{
    unsigned char *secret = NULL, *open = NULL;
    int n_secret = i2d_PrivateKey(pkey, &secret), n_open = i2d_PUBKEY(pkey, &open);
    bool ok = n_secret > 0 && n_open > 0 && n_secret < KEY_MADE_BYTES / 2 && n_open < KEY_MADE_BYTES / 2;
    if (ok) {
        put(out->secret, "", secret, (size_t)n_secret, false);
        put(out->public_text, "", open, (size_t)n_open, false);
    }
    if (n_secret > 0)
        OPENSSL_clear_free(secret, (size_t)n_secret);
    OPENSSL_free(open);
    return ok;
}

static enum err make_spki(const char *encoding, struct key_made *out, struct why *w)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool ok = pkey && (strcmp(encoding, "spki-pem") == 0 ? put_pem(pkey, out) : put_der(pkey, out));
    EVP_PKEY_free(pkey);
    return ok ? ERR_OK : why_set(w, ERR_NO_MEMORY, "OpenSSL makes no Ed25519 key");
}

/* Never hand out what will not be taken. */
static enum err try_made(const struct recipe *r, const char *encoding, const struct key_made *made, struct why *w)
{
    const char *texts[] = {made->secret, made->public_text};
    for (size_t i = 0; i < 2; i++) {
        struct keyring *ring;
        struct span text = span_of(texts[i], strlen(texts[i]) - (*texts[i] != 0)); /* as it is read from a file */
        const struct keyring_key in = {"new", encoding, i == 1, text, 0, INT64_MAX};
        enum err e = *texts[i] ? keyring_new(r, &in, 1, &ring, w) : ERR_OK;
        if (e != ERR_OK)
            return e;
        if (*texts[i])
            keyring_free(ring);
    }
    return ERR_OK;
}

enum err key_make(const struct recipe *r, const char *encoding, struct key_made *out, struct why *w)
{
    if (sodium_init() < 0)
        return why_set(w, ERR_SYSTEM, "libsodium cannot start");
    if (r->none)
        return why_set(w, ERR_INVALID, "recipe %s takes no keys", r->name);
    struct span name = span_str(encoding ? encoding : r->key_encoding);
    const unsigned family = (unsigned)r->algorithm->family;
    enum err e = ERR_OK;
    *out = (struct key_made){{0}, {0}};
    if (!key_encoding_known(name, family)) {
        size_t n;
        const char *const *names = key_encoding_names(&n);
        const char *near = key_encoding_known(name, ~0U) ? NULL : nearest_word(name, names, n);
        return why_set(w, ERR_INVALID, "key encoding %s does not go with %s%s%s", name.p, r->algorithm->name,
                       near ? ", did you mean " : "", near ? near : "");
    }
    if (family == FAMILY_PUBLIC || span_eq_str(name, "x509-pem") || span_starts(name, SPAN_LIT("jwk")))
        return why_set(w, ERR_UNSUPPORTED,
                       "keys of recipe %s (%s, %s) come from the sender; for trials, openssl genpkey makes some",
                       r->name, r->algorithm->name, name.p);
    if (span_starts(name, SPAN_LIT("spki-")))
        e = make_spki(name.p, out, w);
    else if (key_encoding_known(name, FAMILY_HMAC))
        make_secret(name.p, out);
    else
        make_bare_pair(name.p, out);
    if (e == ERR_OK)
        e = try_made(r, name.p, out, w);
    if (e != ERR_OK)
        sodium_memzero(out, sizeof *out);
    return e;
}
