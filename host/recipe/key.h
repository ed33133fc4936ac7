/* SPDX-License-Identifier: MIT
 * key: the live keys of one source, decoded, in locked memory. Immutable after keyring_new; any thread reads.
 */
#ifndef CREEL_RECIPE_KEY_H
#define CREEL_RECIPE_KEY_H

#include "recipe/compiled.h"

enum { KEY_PUBLIC_BYTES = 32, KEY_PRIVATE_BYTES = 64, KEY_SEED_BYTES = 32 };

struct key {
    const char *id;
    uint64_t serial; /* of this process, never used twice: what a context's prepared MAC belongs to */
    int64_t not_before_ms, not_after_ms;
    const unsigned char *secret; /* HMAC key, or the 64-byte Ed25519 private key; in keyring.secrets; NULL: none */
    size_t n_secret;
    unsigned char public_key[KEY_PUBLIC_BYTES]; /* Ed25519 */
};

struct keyring {
    unsigned char *secrets; /* sodium_malloc, read-only once filled; NULL when no key has a secret */
    struct key *keys;
    size_t n;
    char *ids; /* the texts of all ids */
};

bool key_live(const struct key *k, int64_t now_ms);
/* Is there a key encoding of this name? For recipes' defaults; the names, for messages. */
bool key_encoding_known(struct span name, enum family family);
const char *const *key_encoding_names(size_t *n);

#endif
