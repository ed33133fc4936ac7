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

struct secrets;        /* base/secrets.h */
struct recipe;         /* compiled */
struct keyring;        /* the live keys of one source, secrets in sodium_malloc memory */
struct recipe_context; /* per thread: what cryptography needs beside a key; keeps nothing of one */

enum { RECIPE_REPLY_HEADERS = 4, RECIPE_NAME_BYTES = 64 };

/* Compile. name is the file's name without .json and must equal its "recipe" member. like: the text of the recipe that
 * this one names in "like", which counts where this one says nothing; SPAN_NONE where it names none. variant: what
 * params["variant"] says, or NULL. ERR_INVALID with the JSON pointer and the reason in w. */
enum err recipe_compile_like(const char *name, struct span json, struct span like, const char *variant,
                             struct recipe **out, struct why *w);
enum err recipe_compile(const char *name, struct span json, const char *variant, struct recipe **out, struct why *w);
/* The recipe of a configuration, with the one it is like. ERR_NOT_FOUND when its text was not loaded. */
enum err recipe_load(const struct config *c, const char *name, const char *variant, struct recipe **out, struct why *w);
/* The recipe that a recipe's text (checked or not) names in "like", terminated; "" when it names none. */
void recipe_like(struct span json, char name[RECIPE_NAME_BYTES]);
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
/* Default references for "type", "event_id", "order_key", "version", "time": list of strings, first present; *n 0 if
 * none. */
const char *const *recipe_default(const struct recipe *r, const char *what, size_t *n);
/* Is this header (any case) a credential that must become "…" before the spool? Authorization, Cookie and X-API-Key always are, and the
 * header of a token that proves nothing about the body. */
bool recipe_is_credential(const struct recipe *r, struct span header);
/* Does a proof by this recipe look at this header (any case)? */
bool recipe_reads_header(const struct recipe *r, struct span header);
/* Is the query signed, as a whole, of a source with this public_url? Then it is no secret by itself. */
bool recipe_signs_query(const struct recipe *r, const char *public_url);
/* May this header come twice? Others twice are 400. */
bool recipe_may_repeat(const struct recipe *r, struct span header);

/* What the sender insists on being answered; members it says nothing of are 0 and NULL. */
const struct config_answer *recipe_answer(const struct recipe *r, enum config_answer_kind kind);
/* Does a handshake of this recipe come with this method? The method of the i-th one, NULL behind the last. */
bool recipe_shakes(const struct recipe *r, struct span method);
const char *recipe_handshake_method(const struct recipe *r, size_t i);
/* Does a handshake bring the secret, so that a source may begin without keys? Are keys fetched by a URL in the request? */
bool recipe_stores_secret(const struct recipe *r);
bool recipe_fetches_keys(const struct recipe *r);
/* Where such a URL may lead: patterns of hosts. */
const char *const *recipe_keys_hosts(const struct recipe *r, size_t *n);
/* What the operator has to type in: the names of params, and whether public_url is signed. */
const char *const *recipe_params(const struct recipe *r, size_t *n);
bool recipe_needs_url(const struct recipe *r);
/* Is nothing verified, or a handshake never answered, without this parameter? The others may be left out. */
bool recipe_needs_param(const struct recipe *r, const char *name);
/* What a good proof says nothing about, computed from the recipe. */
struct recipe_gaps {
    bool nothing_signed; /* none, or a token that anybody who saw it can send again */
    bool body;           /* the body may be another one */
    bool time;           /* an old request can be sent again: nothing but the duplicate check keeps it out */
};
struct recipe_gaps recipe_gaps(const struct recipe *r);
/* For people: title, documentation, algorithm, notes; NULL where there is none. */
const char *recipe_title(const struct recipe *r);
const char *recipe_documentation(const struct recipe *r);
const char *recipe_algorithm(const struct recipe *r);
const char *const *recipe_notes(const struct recipe *r, size_t *n);

/* A keyring for a source; keys are decoded by encoding. raw bytes are copied into locked memory, the caller wipes its
 * own. ERR_INVALID with the key's id and the reason in w (never a byte of the key). A recipe that proves nothing takes
 * no keys. For Ed25519 what is not public is a seed or a 64-byte private key: it verifies by its public half. */
struct keyring_key {
    const char *id, *encoding; /* encoding NULL: the recipe's */
    bool is_public;
    struct span raw; /* the file's content without one final newline */
    int64_t not_before_ms, not_after_ms;
};
/* A configured key with these bytes of its. */
struct keyring_key keyring_key_of(const struct config_key *k, struct span raw);
/* All of a list, with the bytes that secrets holds of this source under their records. *out, n of them, is to be freed;
 * ERR_NOT_FOUND with the one that is not there, ERR_NO_MEMORY. */
enum err keyring_keys_of(const struct config_key *list, size_t n, const char *source, const struct secrets *secrets,
                         struct keyring_key **out, struct why *w);
enum err keyring_new(const struct recipe *r, const struct keyring_key *keys, size_t n, struct keyring **out,
                     struct why *w);
void keyring_free(struct keyring *k); /* NULL is fine */

/* ERR_NO_MEMORY. It outlives any number of configurations. */
enum err recipe_context_new(struct recipe_context **out);
void recipe_context_free(struct recipe_context *c); /* NULL is fine */

/* One request, as it came in. */
struct recipe_header {
    struct span name, value;
};
struct recipe_request {
    struct span method, url /* the configured public URL */, path, query;
    struct span path_rest; /* what path: references count in: the path behind the source's own, without the slash */
    const struct recipe_header *headers; /* in order, repeated ones as often as they came */
    size_t n_headers;
    struct span body;
    const struct config_param *params;
    size_t n_params;
    int64_t now_ms;
    int64_t tolerance_ms; /* 0: the recipe's own */
    /* The keys that were fetched from this URL, which the recipe's list of hosts allows; NULL: they are not there yet.
     * NULL function: nothing is ever fetched. Asked only when the keyring is empty. */
    const struct keyring *(*keys_at)(void *arg, struct span url);
    void *keys_arg;
};
struct recipe_verdict {
    const char *key_id;   /* of the key that matched; lives as long as the keyring; NULL with "none" */
    int64_t signed_at_ms; /* 0: the scheme has no time */
    bool body_is_json;    /* it was looked into, and passed json_check with its default limits */
    char detail[160];     /* why not, for the sender: never a secret, never the expected signature */
    struct span keys_url; /* with ERR_KEYS_PENDING: where they are; in scratch */
    const char *keys_format;
};
/* ERR_OK; ERR_SIGNATURE_MISSING (a header that carries or is part of the proof is not there), ERR_SIGNATURE_INVALID (it
 * is there and proves nothing), ERR_TIMESTAMP_OUT_OF_TOLERANCE, ERR_MALFORMED_REQUEST (a header came twice with
 * different values), ERR_MALFORMED_BODY (the proof is in the body, which is no JSON), ERR_KEYS_PENDING (the keys have to
 * be fetched first), ERR_BODY_TOO_LARGE (scratch is full: see recipe_scratch_bytes), ERR_INTERNAL. Comparisons are constant
 * time over decoded bytes. verdict->detail is filled on refusal. */
enum err recipe_verify(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                       const struct recipe_request *q, struct arena *scratch, struct recipe_verdict *verdict);

/* How much scratch this request takes at most. */
size_t recipe_scratch_bytes(const struct recipe *r, const struct recipe_request *q);

/* What a handshake is answered with; texts live in scratch and recipe. */
struct recipe_reply {
    const char *name; /* the rule's */
    int status;
    struct span content_type, body;
    struct recipe_header headers[RECIPE_REPLY_HEADERS];
    size_t n_headers;
    struct span store;      /* becomes the source's secret: its keyring is empty; SPAN_NONE: nothing */
    struct span fetch;      /* an address to get, before the answer is given; SPAN_NONE: none */
    const char *const *hosts; /* where it may lie */
    size_t n_hosts;
    int refused_status;     /* with ERR_HANDSHAKE_REFUSED: the status the sender expects, 0: the row's */
};
/* What recipe_verify says, after looking whether the request is a handshake: ERR_ANSWERED: it is, and *reply says how to
 * answer; it is no event. ERR_HANDSHAKE_REFUSED: it is, and is refused. ERR_METHOD_NOT_ALLOWED: it is none, and
 * is_event_method is false. */
enum err recipe_judge(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                      const struct recipe_request *q, bool is_event_method, struct arena *scratch,
                      struct recipe_verdict *verdict, struct recipe_reply *reply);

/* What a sender adds to a request. */
enum { RECIPE_SIGNED_HEADERS_MAX = 24 };
struct recipe_signed {
    struct recipe_header headers[RECIPE_SIGNED_HEADERS_MAX]; /* to add; names and values terminated */
    size_t n_headers;
    struct span body, query; /* as they were given, or with what the recipe looks for there */
    bool body_changed;
};
/* Sign as the sender would; everything made lies in scratch. q->headers are headers already set: of those a recipe signs
 * they are taken as they are, as is every value that is in the body, but for a signed time there, which is set anew. What
 * has to be there and is not is put where the recipe looks for it: the time (q->now_ms), id (the message id, where the
 * scheme has one and wherever it wants a text of any kind, such as a nonce), what a rule demands (a constant, a hash of the
 * body), claims and header parameters of a token. The key is k's first valid one.
 * ERR_UNSUPPORTED with the reason for what only the caller can give: a parameter, public_url, a private half; ERR_INVALID
 * when the recipe's rules do not allow a value, or the body has no place for its proof; ERR_NO_ROOM. */
enum err recipe_sign(const struct recipe *r, const struct keyring *k, struct recipe_context *c,
                     const struct recipe_request *q, const char *id, struct arena *scratch, struct recipe_signed *out,
                     struct why *w);
/* The constant that its rules want at a JSON pointer of the body, the first where there are several; SPAN_NONE: any
 * value. */
struct span recipe_demands(const struct recipe *r, struct span pointer);
/* Do its events come as forms (application/x-www-form-urlencoded)? */
bool recipe_signs_form(const struct recipe *r);

#endif
