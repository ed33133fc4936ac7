/* SPDX-License-Identifier: MIT
 * key: the live keys of one source, decoded, in locked memory. Immutable after keyring_new; any thread reads.
 */
#ifndef CREEL_RECIPE_KEY_H
#define CREEL_RECIPE_KEY_H

#include <openssl/types.h>

#include "recipe/compiled.h"

enum { KEY_PUBLIC_BYTES = 32, KEY_PRIVATE_BYTES = 64, KEY_SEED_BYTES = 32 };

enum key_kind { KEY_SECRET, KEY_ED25519, KEY_RSA, KEY_EC };

struct key {
    const char *id;  /* one id may stand for several keys: a JWKS holds many */
    int64_t not_before_ms, not_after_ms;
    enum key_kind kind;
    const unsigned char *secret; /* MAC key, or the 64-byte Ed25519 private key; in keyring.secrets; NULL: none */
    size_t n_secret;
    unsigned char public_key[KEY_PUBLIC_BYTES]; /* Ed25519 */
    EVP_PKEY *pkey;                             /* RSA, EC: public; private too when it was given. OpenSSL's memory */
    const char *kid, *alg;                      /* what a JWK says, or NULL */
};

struct keyring {
    unsigned char *secrets; /* sodium_malloc, read-only once filled; NULL when no key has a secret */
    size_t secret_bytes;
    struct key *keys;
    size_t n;
    struct arena texts; /* ids and kids */
};

/* Keys that are not a recipe's: for this algorithm ("token", "jwt"), written like this where they do not say. As
 * keyring_new. */
enum err keyring_for(const char *algorithm, const char *encoding, const struct keyring_key *keys, size_t n,
                     struct keyring **out, struct why *w);
bool key_live(const struct key *k, int64_t now_ms);
/* Is there a key encoding of this name that goes with one of these families? For recipes' defaults; the names, for
 * messages. */
bool key_encoding_known(struct span name, unsigned families);
const char *const *key_encoding_names(size_t *n);

#endif
