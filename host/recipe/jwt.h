/* SPDX-License-Identifier: MIT
 * jwt: signed tokens in their compact form: JWS (RFC 7515), JWT (RFC 7519), algorithms as RFC 7518 and RFC 8037 say, with
 * the advice of RFC 8725. Opening a token believes nothing; what it says counts after jwt_verify. Keys named inside of a
 * token (jwk, jku, x5c, x5u) are never looked at. Allocates nothing but from the given arena. Any thread.
 */
#ifndef CREEL_RECIPE_JWT_H
#define CREEL_RECIPE_JWT_H

#include "recipe/key.h"

enum {
    JWT_TOKEN_MAX = 1 << 20,    /* bytes of a token */
    JWT_HEADER_MAX = 16 * 1024, /* of its first part */
    JWT_SIGNATURE_MAX = 1024    /* RSA of 8192 bits */
};

/* Masks of algorithms: JWT_HS256, JWT_ES512, JWT_EdDSA, … */
enum jwt_row {
#define X(name, family, digest, half) JWT_ROW_##name,
#include "recipe/jwt_algorithms.tbl"
#undef X
    JWT_ROWS
};
enum {
#define X(name, family, digest, half) JWT_##name = 1 << JWT_ROW_##name,
#include "recipe/jwt_algorithms.tbl"
#undef X
};

/* Masks of times. */
enum { JWT_EXP = 1, JWT_NBF = 2, JWT_IAT = 4 };

struct jwt {
    unsigned algorithm; /* one bit */
    struct span jose;   /* the protected header, a JSON object that json_check passed; in the arena */
    struct span claims; /* the same of the claims; SPAN_NONE of a detached one */
    struct span signed_part;
    unsigned char signature[JWT_SIGNATURE_MAX];
    size_t n_signature;
};

/* The bit of a name, exactly as it is written ("HS256"), or 0. */
unsigned jwt_algorithm(struct span name);
const char *jwt_algorithm_name(unsigned bit);
/* All of them, for messages. */
const char *const *jwt_algorithm_names(size_t *n);
/* The bit of "exp", "nbf", "iat", or 0. */
unsigned jwt_time(struct span name);

/* Take a token apart; it and detached must live as long as *out. detached: SPAN_NONE, or what the token signs without
 * holding it (RFC 7515 appendix F): then its middle part is empty. ERR_INVALID with *problem, which continues "the
 * token …": three parts, base64url without padding and with unused bits zero, objects without a name twice, an algorithm
 * of ours, no "crit" and no "b64". ERR_NO_ROOM: the arena is full. */
enum err jwt_open(struct span token, struct span detached, struct arena *a, struct jwt *out, const char **problem);

/* Did k make this signature? Never when the algorithm is not allowed, is not one for k's kind and curve, or another one
 * than k itself is for. ERR_INTERNAL when OpenSSL refuses (out of memory). */
enum err jwt_verify(struct recipe_context *c, const struct jwt *t, const struct key *k, unsigned allowed, bool *match);

/* Is it valid now (RFC 7519 section 4.1)? exp, nbf and iat are checked when they are there; those in require must be. May
 * be asked of claims that jwt_verify has proved only. ERR_INVALID, ERR_TIMESTAMP_OUT_OF_TOLERANCE with *problem. */
enum err jwt_times(const struct jwt *t, unsigned require, int64_t leeway_ms, int64_t now_ms, const char **problem);

/* The first of the allowed algorithms that k serves; 0: none. */
unsigned jwt_algorithm_for(const struct key *k, unsigned allowed);
/* The token over a protected header (with that algorithm as its alg) and claims, signed by k's private half, in the
 * arena. detached: payload is what it signs without holding it. ERR_UNSUPPORTED: k has no private half; ERR_NO_ROOM. */
enum err jwt_sign(struct recipe_context *c, const struct key *k, unsigned algorithm, struct span jose,
                  struct span payload, bool detached, struct arena *a, struct span *token);

#endif
