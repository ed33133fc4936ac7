/* SPDX-License-Identifier: MIT
 * case: a request written down as JSON, with the keys, the clock and the verdict it must get: what creel verify runs
 * and the tests are made of (creel(1), "Request objects"). No request that comes in meets it. One thread at a
 * time for each case.
 */
#ifndef CREEL_RECIPE_CASE_H
#define CREEL_RECIPE_CASE_H

#include "recipe/recipe.h"

enum { CASE_KEYS_MAX = 16, CASE_HEADERS_MAX = 256, CASE_PARAMS_MAX = 16 };

struct recipe_case {
    struct span provider, name, scheme, kind, expect, why; /* SPAN_NONE where the object says nothing */
    struct span answer;                                    /* of a handshake: the object that says how it must be answered */
    const char *key_encoding;                              /* NULL: the recipe's */
    struct span keys[CASE_KEYS_MAX];
    size_t n_keys;
    struct recipe_header headers[CASE_HEADERS_MAX];
    struct config_param params[CASE_PARAMS_MAX];
    struct recipe_request request; /* points into the case */
};

/* Fill *out (in place, do not copy it: it points into itself) from one object of a text that json_check passed; texts
 * are terminated and live in a. Members it does not know are left alone. now_ms is the clock where the object has none.
 * ERR_INVALID with the reason, ERR_NO_ROOM when a is full. */
enum err case_parse(struct span object, int64_t now_ms, struct arena *a, struct recipe_case *out, struct why *w);

/* The door's rule: ERR_MALFORMED_REQUEST when a header came twice that may not. */
enum err case_no_repeats(const struct recipe *r, const struct recipe_request *q, struct recipe_verdict *verdict);

/* Load the case's keys and judge, after the door's rule that no header comes twice but what the recipe allows. What
 * recipe_judge says, or what keyring_new says with its reason in verdict->detail: a receiver with such a key takes nothing.
 */
enum err case_judge(const struct recipe *r, struct recipe_context *c, const struct recipe_case *t,
                    struct arena *scratch, struct recipe_verdict *verdict, struct recipe_reply *reply);
/* Is this the answer that the case wants? Else *why says what differs, for people. */
bool case_answered(const struct recipe_case *t, const struct recipe_reply *reply, struct arena *scratch,
                   struct why *why);

#endif
