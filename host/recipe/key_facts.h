/* SPDX-License-Identifier: MIT
 * key_facts: what may be told of the keys of a keyring: never a byte, the length or a hash of what is secret. Any
 * thread.
 */
#ifndef CREEL_RECIPE_KEY_FACTS_H
#define CREEL_RECIPE_KEY_FACTS_H

#include "recipe/recipe.h"

enum { KEY_FINGERPRINT_BYTES = 64 };

struct key_facts {
    const char *id, *kid; /* kid: of a JWK, or NULL; both live as long as the keyring */
    const char *kind;     /* "secret", "ed25519", "rsa", "ec"; static */
    const char *curve;    /* "P-256", …; NULL: none. Static */
    unsigned bits;        /* of RSA; 0 */
    bool can_sign;        /* for creel send */
    int64_t not_before_ms, not_after_ms;
    /* "SHA256:" and the unpadded base64 of the hash of the public key as SPKI in DER; "" of secrets. */
    char fingerprint[KEY_FINGERPRINT_BYTES];
};

size_t keyring_count(const struct keyring *k);
/* i < keyring_count. */
void keyring_facts(const struct keyring *k, size_t i, struct key_facts *out);

struct key_window {
    int64_t not_before_ms, not_after_ms;
};
/* Until when, from now on, is there always a key that is valid? The last millisecond; -1: none is valid now; INT64_MAX:
 * no end. */
int64_t key_windows_cover(const struct key_window *windows, size_t n, int64_t now_ms);

#endif
