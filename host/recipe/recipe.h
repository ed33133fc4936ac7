/* SPDX-License-Identifier: MIT
 * recipe: how senders prove themselves, as data (creel-recipe(5)). A recipe is one JSON file; it is compiled once; verifying
 * walks no JSON and allocates nothing per request beyond a given scratch arena. The door, creel verify and creel send use this
 * same code. A struct recipe and a struct keyring are immutable after loading: any thread may verify with them, each with a
 * struct recipe_context of its own.
 */
#ifndef CREEL_RECIPE_RECIPE_H
#define CREEL_RECIPE_RECIPE_H

#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"

struct recipe;  /* compiled */
struct keyring; /* the live keys of one source, secrets in sodium_malloc memory */
struct recipe_context; /* per thread: prepared MACs */

/* Compile. name is the file's name without .json and must equal its "recipe" member. ERR_INVALID with the JSON pointer and the
 * reason in w. variant: what params["variant"] says, or NULL. */
enum err recipe_compile(const char *name, struct span json, const char *variant, struct recipe **out, struct why *w);
void recipe_free(struct recipe *r);
const char *recipe_name(const struct recipe *r);
bool recipe_is_none(const struct recipe *r);              /* proves nothing: sources need allow_unsigned */
const char *recipe_key_encoding(const struct recipe *r);  /* default */
int64_t recipe_tolerance_ms(const struct recipe *r);      /* -1: no timestamp */
/* Default references for "type", "event_id", "order_key", "version": list of strings, first present; *n 0 if none. */
const char *const *recipe_default(const struct recipe *r, const char *what, size_t *n);
/* Is this header (any case) a credential that must become "…" before the spool? Authorization and Cookie always are. */
bool recipe_is_credential(const struct recipe *r, struct span header);
/* May this header come twice? Others twice are 400. */
bool recipe_may_repeat(const struct recipe *r, struct span header);

/* A keyring for a source; keys are decoded by encoding. raw bytes are copied into locked memory, the caller wipes its own. */
struct keyring_key {
    const char *id, *encoding; /* encoding NULL: the recipe's */
    bool is_public;
    struct span raw; /* the file's content without one final newline */
    int64_t not_before_ms, not_after_ms;
};
enum err keyring_new(const struct recipe *r, const struct keyring_key *keys, size_t n, struct keyring **out, struct why *w);
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
    const char *key_id; /* of the key that matched; lives as long as the keyring; NULL with "none" */
    int64_t signed_at_ms; /* 0: the scheme has no time */
    char detail[160];   /* why not, for the sender: never a secret, never the expected signature */
};
/* ERR_OK; ERR_SIGNATURE_MISSING, ERR_SIGNATURE_INVALID, ERR_TIMESTAMP_OUT_OF_TOLERANCE, ERR_MALFORMED_REQUEST. Comparisons
 * are constant time over decoded bytes. verdict->detail is filled on refusal. */
enum err recipe_verify(const struct recipe *r, const struct keyring *k, struct recipe_context *c, const struct recipe_request *q,
                       struct arena *scratch, struct recipe_verdict *verdict);

/* Sign as the sender would: fills `out` with the headers to add ("Name: value" without CR LF, n terminated strings in
 * scratch). id: the message id to use where the scheme has one. k's first valid key. ERR_UNSUPPORTED for schemes that only
 * verify (public keys without the private one: give the Ed25519 seed or 64-byte key as whsk_/raw). */
enum err recipe_sign(const struct recipe *r, const struct keyring *k, struct recipe_context *c, const struct recipe_request *q,
                     const char *id, struct arena *scratch, struct recipe_header *out, size_t cap, size_t *n, struct why *w);

#endif
