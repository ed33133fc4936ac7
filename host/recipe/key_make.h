/* SPDX-License-Identifier: MIT
 * key_make: new keys, random, written in an encoding. Any thread.
 */
#ifndef CREEL_RECIPE_KEY_MAKE_H
#define CREEL_RECIPE_KEY_MAKE_H

#include "recipe/recipe.h"

enum { KEY_MADE_BYTES = 1024 };

/* Texts as their files hold them, with a line feed at the end. */
struct key_made {
    char secret[KEY_MADE_BYTES];      /* the shared secret, or the private key; the caller wipes it */
    char public_text[KEY_MADE_BYTES]; /* "" of a shared secret */
};

/* A key for this recipe: 32 random bytes, or an Ed25519 pair. encoding NULL: the recipe's. ERR_UNSUPPORTED with the way
 * out for RSA and EC keys, certificates and JWKs, ERR_INVALID for an encoding that does not go with the recipe. What is
 * made has been loaded once. */
enum err key_make(const struct recipe *r, const char *encoding, struct key_made *out, struct why *w);

#endif
