/* SPDX-License-Identifier: MIT
 * signing: one request being signed, shared by the files that do it. One thread.
 */
#ifndef CREEL_RECIPE_SIGNING_H
#define CREEL_RECIPE_SIGNING_H

#include "recipe/proof.h"

struct signing {
    const struct recipe *r;
    const struct key *key;
    struct recipe_context *c;
    struct arena *a;
    struct recipe_request q; /* as it becomes; its headers are those given, then those of out */
    struct recipe_header *headers;
    struct recipe_signed *out;
    struct buf body, spare; /* body: what q's is once it was changed */
    struct view view;
    const char *id;      /* of the message, or NULL */
    struct span time;    /* now, as the recipe writes it */
    struct span element; /* pointer to the element of `each` that is being signed; SPAN_NONE: the request */
    struct why *w;
};

/* Do two references look at the same place, whatever their filters make of it? */
bool signing_same_place(const struct ref *a, const struct ref *b);
/* Put a value where a reference looks for it, in place of what is there: header (behind those that are there), element of
 * the signature, JSON, form, query, claim, token header. as_number: JSON gets it without quotes, unless a string was there.
 * ERR_UNSUPPORTED for what only the caller can give; ERR_INVALID when the body is not of the kind; ERR_NO_ROOM. */
enum err signing_place(struct signing *s, const struct ref *ref, struct span value, bool as_number);
/* The body changed: what was read from it is read again. */
void signing_reread(struct signing *s);
/* A further header. ERR_NO_ROOM. */
enum err signing_add_header(struct signing *s, struct span name, struct span value);
/* Put the list that `each` points at there, with one element, unless there is one; how many it has. */
enum err signing_elements(struct signing *s, size_t *n);

/* Begin a token: its header with alg and kid, and the times among its claims. */
enum err signing_begin_token(struct signing *s);
/* Finish it. */
enum err signing_make_token(struct signing *s, struct span *token);

/* Place what has to be there and is not: first all that lies in the body, then all that does not, since a header or a claim
 * may hash the body. ERR_UNSUPPORTED naming what only the caller can give. */
enum err signing_fill(struct signing *s, bool in_body);

#endif
