/* SPDX-License-Identifier: MIT
 * jwt_parts: what verifying and signing tokens share: the rows of jwt_algorithms.tbl and which keys serve them. Any thread.
 */
#ifndef CREEL_RECIPE_JWT_PARTS_H
#define CREEL_RECIPE_JWT_PARTS_H

#include "recipe/jwt.h"

enum jwt_family { JWT_HMAC, JWT_RSA, JWT_PSS, JWT_ECDSA, JWT_EDDSA };
enum { JWT_HALF_MAX = 66 };

struct jwt_algorithm {
    const char *name;
    enum jwt_family family;
    const char *digest;
    size_t half; /* bytes of r and of s, of ECDSA */
};

/* The row of one bit; NULL when it is none. */
const struct jwt_algorithm *jwt_row(unsigned bit);
/* Is k of the kind and curve that this algorithm takes, and not one that says it is for another? */
bool jwt_serves(const struct key *k, const struct jwt_algorithm *a);

#endif
