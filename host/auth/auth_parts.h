/* SPDX-License-Identifier: MIT
 * auth_parts: what the methods share. Nobody outside this room includes this. Any thread.
 */
#ifndef CREEL_AUTH_AUTH_PARTS_H
#define CREEL_AUTH_AUTH_PARTS_H

#include "auth/auth.h"
#include "recipe/jwt.h"

/* Challenges of a method, made when it is loaded. */
enum { CHALLENGE_MISSING, CHALLENGE_WRONG, CHALLENGE_SCOPE, CHALLENGES };

struct method {
    const struct config_auth *config;
    struct keyring *keys; /* NULL of client_cert */
    unsigned algorithms;  /* jwt: mask; 0: each key's own */
    const char *challenges[CHALLENGES];
};

struct auth {
    struct arena memory; /* of the challenges */
    struct method methods[AUTH_KINDS];
    size_t n;
};

/* One request being judged by one method. */
struct trial {
    const struct method *m;
    struct recipe_context *c;
    const struct auth_request *q;
    struct arena *scratch;
    struct auth_verdict *v;
};

/* Fill detail and challenge; returns ERR_UNAUTHENTICATED. */
enum err auth_missing(struct trial *t, const char *detail);
enum err auth_wrong(struct trial *t, const char *detail);

/* The value of this header. ERR_UNAUTHENTICATED: it is not there, is empty, too long, or came twice. */
enum err auth_header(struct trial *t, const char *name, struct span *out);
/* What follows a scheme ("Bearer") in the method's header (RFC 9110 section 11.4). ERR_UNAUTHENTICATED. */
enum err auth_scheme(struct trial *t, const char *scheme, struct span *out);
/* The key that is this text, in a time that says nothing of any of them; NULL. */
const struct key *auth_same(const struct keyring *ring, struct span text, int64_t now_ms);

/* jwt: the algorithms that this key may be used with. */
unsigned auth_algorithms(const struct method *m, const struct key *k);

/* The methods. ERR_OK with *id; else as auth_judge. */
enum err auth_token(struct trial *t, const char **id);       /* token.c: api_key, bearer */
enum err auth_basic(struct trial *t, const char **id);       /* token.c */
enum err auth_url(struct trial *t, const char **id);         /* url.c */
enum err auth_certificate(struct trial *t, const char **id); /* certificate.c */
enum err auth_jwt(struct trial *t, const char **id);         /* jwt.c */

#endif
