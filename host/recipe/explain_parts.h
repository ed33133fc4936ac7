/* SPDX-License-Identifier: MIT
 * explain_parts: what the files explain*.c share. Nobody else includes this.
 */
#ifndef CREEL_RECIPE_EXPLAIN_PARTS_H
#define CREEL_RECIPE_EXPLAIN_PARTS_H

#include "recipe/explain.h"
#include "recipe/proof.h"

/* One request being explained. */
struct explaining {
    const struct explain_input *in;
    struct recipe_context *c;
    struct explanation *x;
    struct arena scratch;
    struct recipe *lenient; /* the same recipe, but any time is fine, and nothing has to hold but the signature */
    struct keyring *open;   /* the same keys, always valid; NULL: they cannot be loaded */
    uint64_t spent;         /* bytes of bodies that were tried */
    char matched[80];       /* the id of the key of the last try that was good */
    struct span time_text;  /* what stood where the time should be, in x->texts; SPAN_NONE: nothing */
    struct span wanted_id;  /* of the key, if the request names one */
};

/* A copy that asks for the signature only; free it with free: its parts are r's. NULL: out of memory. */
struct recipe *explain_lenient(const struct recipe *r);
/* Keys that are valid at any time; NULL when these texts are no keys for r. encoding NULL: as they are given. */
struct keyring *explain_ring(const struct recipe *r, const struct keyring_key *keys, size_t n, const char *encoding);
/* Is the signature good like this? */
bool explain_good(struct explaining *g, const struct recipe *r, const struct keyring *k,
                  const struct recipe_request *q);
void explain_found(struct explaining *g, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Does this text hold one of the secrets? */
bool explain_holds_secret(const struct explaining *g, struct span text);

/* explain_try.c: what the matter may be when the signature is not good. */
void explain_try(struct explaining *g);
/* explain_body.c: the body was changed on its way. */
void explain_try_body(struct explaining *g);
/* explain_url.c: another URL was signed. */
void explain_try_url(struct explaining *g);

#endif
