/* SPDX-License-Identifier: MIT
 * recipe: how senders prove themselves, as data (creel-recipe(5)). A recipe is one JSON file; it is compiled once;
 * verifying walks no JSON and allocates nothing per request beyond a given scratch arena. The door, creel verify and
 * creel send use this same code. A struct recipe and a struct keyring are immutable after loading: any thread may
 * verify with them, each with a struct recipe_context of its own.
 */
#ifndef CREEL_RECIPE_RECIPE_H
#define CREEL_RECIPE_RECIPE_H

#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"

struct recipe;         /* compiled */
struct keyring;        /* the live keys of one source, secrets in sodium_malloc memory */
struct recipe_context; /* per thread: prepared MACs, by key; after a reload make a new one, to forget old keys */

/* Compile. name is the file's name without .json and must equal its "recipe" member. ERR_INVALID with the JSON pointer
 * and the reason in w. variant: what params["variant"] says, or NULL. */
enum err recipe_compile(const char *name, struct span json, const char *variant, struct recipe **out, struct why *w);
void recipe_free(struct recipe *r);
/* Does this recipe's text (checked or not) have a variant of this name? */
bool recipe_has_variant(struct span json, const char *variant);
const char *recipe_name(const struct recipe *r);
bool recipe_is_none(const struct recipe *r);             /* proves nothing: sources need allow_unsigned */
const char *recipe_key_encoding(const struct recipe *r); /* default */
/* Does recipe_sign add this header (any case) unless it is given: signature, time, message id? */
bool recipe_makes_header(const struct recipe *r, struct span name);
/* Does its source give a public_key_file? A private key is for recipe_sign. */
bool recipe_takes_public_keys(const struct recipe *r);
int64_t recipe_tolerance_ms(const struct recipe *r); /* -1: no timestamp */
/* Default references for "type", "event_id", "order_key", "version": list of strings, first present; *n 0 if none. */
const char *const *recipe_default(const struct recipe *r, const char *what, size_t *n);
/* Is this header (any case) a credential that must become "…" before the spool? Authorization and Cookie always are. */
bool recipe_is_credential(const struct recipe *r, struct span header);
/* May this header come twice? Others twice are 400. */
bool recipe_may_repeat(const struct recipe *r, struct span header);

/* A keyring for a source; keys are decoded by encoding. raw bytes are copied into locked memory, the caller wipes its
 * own. ERR_INVALID with the key's id and the reason in w (never a byte of the key). A recipe that proves nothing takes
 * no keys. For Ed25519 what is not public is a seed or a 64-byte private key: it verifies by its public half. */
struct keyring_key {
    const char *id, *encoding; /* encoding NULL: the recipe's */
    bool is_public;
    struct span raw; /* the file's content without one final newline */
    int64_t not_before_ms, not_after_ms;
};
enum err keyring_new(const struct recipe *r, const struct keyring_key *keys, size_t n, struct keyring **out,
                     struct why *w);
void keyring_free(struct keyring *k);

enum err recipe_context_new(struct recipe_context **out);
void recipe_context_free(struct recipe_context *c);

/* One request, as it came in. */
struct recipe_header {
    struct span name, value;
};
struct recipe_request {
    struct span method, url /* the configured public URL */, path, query;
    const struct recipe_header *headers; /* in order, repeated ones as often as they came */
    size_t n_headers;
    struct span body;
    const struct config_param *params;
    size_t n_params;
    int64_t now_ms;
    int64_t tolerance_ms; /* 0: the recipe's own */
};
struct recipe_verdict {
    const char *key_id;   /* of the key that matched; lives as long as the keyring; NULL with "none" */
    int64_t signed_at_ms; /* 0: the scheme has no time */
    char detail[160];     /* why not, for the sender: never a secret, never the expected signature */
};
/* ERR_OK; ERR_SIGNATURE_MISSING (a header that carries or is part of the proof is not there), ERR_SIGNATURE_INVALID (it
 * is there and proves nothing), ERR_TIMESTAMP_OUT_OF_TOLERANCE, ERR_MALFORMED_REQUEST (a header came twice with
 * different values), ERR_BODY_TOO_LARGE (scratch is full: public-key recipes put together what was signed, so it must
 * hold the body and 4 KiB; HMAC recipes take nothing), ERR_INTERNAL. Comparisons are constant time over decoded bytes.
 * verdict->detail is filled on refusal. */
enum err recipe_verify(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                       const struct recipe_request *q, struct arena *scratch, struct recipe_verdict *verdict);

/* Sign as the sender would: fills out[0..*n) with the headers to add, names and values terminated, in scratch.
 * q->headers are headers already set: of those a recipe signs they are taken as they are. id: the message id to use
 * where the scheme has one. The time is q->now_ms, the key k's first valid one. ERR_UNSUPPORTED with the reason for
 * what only the sender has (a public key without its private half, a signed header that is neither time nor id).
 * ERR_NO_ROOM. */
enum err recipe_sign(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, const char *id, struct arena *scratch, struct recipe_header *out,
                     size_t cap, size_t *n, struct why *w);

#endif
