/* SPDX-License-Identifier: MIT
 * auth: how callers prove themselves besides by a signature (creel.json(5), AUTHENTICATION): API key, Basic (RFC 7617), bearer
 * token (RFC 6750), a token in the URL, client certificate as the web server reports it, JSON Web Token (RFC 7519, with
 * the advice of RFC 8725). All methods of a source must hold. Built when a configuration is loaded, immutable then: any
 * thread may judge, each with a struct recipe_context of its own. Looks at headers and URL alone, never at a body.
 */
#ifndef CREEL_AUTH_AUTH_H
#define CREEL_AUTH_AUTH_H

#include "base/secrets.h"
#include "recipe/recipe.h"

struct auth; /* the methods of one source. NULL where it has none; every function here takes that */

/* The keys are found in secrets by their records. *out is NULL when the source has no method. ERR_INVALID with method, key
 * and reason. */
enum err auth_new(const struct config_source *s, const struct secrets *secrets, struct auth **out, struct why *w);
void auth_free(struct auth *a); /* wipes */

/* One key by itself, read as auth_new does, for whoever looks for all faults: the ring is the caller's. ERR_INVALID. */
enum err auth_try_key(const struct config_auth *method, const struct keyring_key *key, struct keyring **out,
                      struct why *w);
/* How a key is written that does not say. Static. */
const char *auth_key_encoding(const struct config_auth *method, const struct config_key *key);
/* What is weak or useless about it, in words that go on after "key ID: "; NULL: nothing. */
const char *auth_key_doubt(const struct config_auth *method, const struct keyring *ring);
/* What is wrong with the method's other settings; NULL: nothing. */
const char *auth_method_fault(const struct config_auth *method);

struct auth_request {
    struct span query, path_rest;        /* behind '?'; behind the source's own path, decoded; SPAN_NONE: nothing */
    const struct recipe_header *headers; /* as they came */
    size_t n_headers;
    /* What the web server says of the client's certificate: SSL_CLIENT_VERIFY, SSL_CLIENT_CERT, SSL_CLIENT_FINGERPRINT. */
    struct span client_verify, client_cert, client_fingerprint;
    bool from_web_server; /* it came over a unix socket; otherwise nothing of that is believed */
    int64_t now_ms;
};
enum { AUTH_DETAIL_BYTES = 160, AUTH_CREDENTIAL_MAX = 16384 /* bytes of any credential */ };
struct auth_verdict {
    const char *key_id; /* ERR_OK: who called: the first method's key, or the certificate's pin; lives as long as a */
    const char *challenge;          /* else: for WWW-Authenticate (RFC 9110 section 11.6.1); lives as long as a */
    char detail[AUTH_DETAIL_BYTES]; /* why not, for the caller: never a part of a credential */
};
/* Do all methods hold? ERR_OK; ERR_UNAUTHENTICATED; ERR_INSUFFICIENT_SCOPE (a good token without a scope that is asked
 * for, RFC 6750 section 3.1); ERR_BODY_TOO_LARGE: scratch is full; ERR_INTERNAL. Texts are compared in constant time. */
enum err auth_judge(const struct auth *a, struct recipe_context *c, const struct auth_request *q, struct arena *scratch,
                    struct auth_verdict *v);

/* What a caller that holds the keys would show, one of each method. */
enum { AUTH_OFFER_LIVES_S = 60 /* a token */ };
struct auth_offer {
    struct recipe_header headers[AUTH_KINDS];
    size_t n_headers;
    struct span url_token;  /* SPAN_NONE: none is asked for */
    struct span query_name; /* the pair of the query that it is the value of; SPAN_NONE: */
    int segment;            /* the segment that it is, behind the source's own path, from 1 */
    const char *lacks[AUTH_KINDS]; /* why a method cannot be answered: static words; NULL: it is, or is not asked for */
};
/* Texts lie in the arena, and it is the caller's to keep them to itself. ERR_NO_ROOM, ERR_INTERNAL. */
enum err auth_offer(const struct auth *a, struct recipe_context *c, int64_t now_ms, struct arena *arena,
                    struct auth_offer *out);

/* Does this header carry a credential, so that it must become "…" wherever a request is written down? */
bool auth_is_credential(const struct auth *a, struct span header);
/* Is there a token in the path behind the source's own? */
bool auth_asks_path(const struct auth *a);
/* The path with all of rest, its end, as "…" where a token is looked for there (it may stand in another place than it
 * should); itself where there is none, else in the arena; "…" alone when that is full. */
struct span auth_hide_path(const struct auth *a, struct span path, struct span rest, struct arena *scratch);

#endif
