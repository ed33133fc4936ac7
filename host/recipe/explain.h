/* SPDX-License-Identifier: MIT
 * explain: why a request is taken or refused, for people: where the recipe looked and what was there, which bytes were
 * signed, which keys were tried, how far the clock was off; and the usual mistakes, recognised by trying them. Keeps and
 * says no byte of a secret, and of a signature its first four characters. Costs hundreds of verifications: never on the
 * door's way. One thread.
 */
#ifndef CREEL_RECIPE_EXPLAIN_H
#define CREEL_RECIPE_EXPLAIN_H

#include "recipe/recipe.h"

struct explain_recipe {
    const char *name; /* with its variant */
    const struct recipe *recipe;
};
struct explain_key {
    const char *source;
    struct keyring_key key;
};
struct explain_input {
    const struct recipe *recipe;
    const struct keyring_key *keys;
    size_t n_keys;
    const struct recipe_request *request;
    const struct explain_recipe *recipes; /* others to be tried */
    size_t n_recipes;
    const struct explain_key *others; /* keys of other sources */
    size_t n_others;
};

enum {
    EXPLAIN_PLACES_MAX = 48,
    EXPLAIN_CONTENTS_MAX = 8,
    EXPLAIN_KEYS_MAX = 32,
    EXPLAIN_FINDINGS_MAX = 8,
    EXPLAIN_EDGE_BYTES = 32
};

/* A place the recipe looked at. */
struct explain_place {
    char name[80];
    bool there, is_signature, hidden; /* hidden: no byte of it is said */
    size_t bytes;
    struct span begins; /* what may be said of it */
};

/* One text that was, or would have been, signed. */
struct explain_content {
    bool hidden; /* it holds a secret: neither its hash nor its bytes are said */
    size_t bytes;
    char sha256[65];
    char first[EXPLAIN_EDGE_BYTES], last[EXPLAIN_EDGE_BYTES];
    size_t n_first, n_last; /* n_last 0: first is all of it */
};

struct explain_tried {
    const char *id;   /* of the input */
    bool live, asked; /* asked: the request names no other one */
    int64_t not_before_ms, not_after_ms;
};

/* A mistake that was recognised: with it, the signature is good. */
struct explain_finding {
    const char *code;
    char text[400];
};

struct explanation {
    enum err e;
    struct recipe_verdict verdict;
    const char *recipe, *algorithm, *encoding, *handshake; /* NULL: none */
    struct explain_place places[EXPLAIN_PLACES_MAX];
    size_t n_places;
    struct explain_content contents[EXPLAIN_CONTENTS_MAX];
    size_t n_contents;
    struct explain_tried keys[EXPLAIN_KEYS_MAX];
    size_t n_keys;
    bool has_time, time_read; /* the recipe knows a time; it was there and could be read */
    int64_t signed_at_ms, now_ms, tolerance_ms;
    struct explain_finding findings[EXPLAIN_FINDINGS_MAX];
    size_t n_findings;
    unsigned tries;
    struct arena texts; /* owned */
};

/* *out is the caller's, explain_free frees it; it refers to the input. ERR_NO_MEMORY. */
enum err explain_new(const struct explain_input *in, struct recipe_context *c, struct explanation **out);
void explain_free(struct explanation *x);

/* For people, in lines; or as one JSON object without a line feed. */
void explain_print(const struct explanation *x, struct buf *b);
void explain_json(const struct explanation *x, struct buf *b);

#endif
