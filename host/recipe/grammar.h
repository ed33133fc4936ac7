/* SPDX-License-Identifier: MIT
 * grammar: a signature header's text into signatures and fields, and back. Any thread.
 */
#ifndef CREEL_RECIPE_GRAMMAR_H
#define CREEL_RECIPE_GRAMMAR_H

#include "recipe/value.h"

/* The row of algorithms.tbl or of the encodings (hex, base64, base64url); NULL if there is none. */
const struct algorithm *grammar_algorithm(struct span name);
const struct encoding *grammar_encoding(struct span name);
/* All of their names, for messages; *n of them. */
const char *const *grammar_algorithm_names(size_t *n);
const char *const *grammar_encoding_names(size_t *n);

/* The signatures of one request (or of one element of `each`), decoded, in the view's arena. */
struct signatures {
    struct span list[RECIPE_MACS_MAX];
    size_t n;
};

/* Take apart one value that carries signatures; key: what the recipe's key says here, SPAN_NONE without pair. Signatures
 * that cannot be decoded or have another length are skipped: one that is of no use must not spoil the next. Fields are
 * spans of value. ERR_SIGNATURE_INVALID with v->problem when there are too many, or a field comes twice with different
 * values; ERR_NO_ROOM. */
enum err grammar_split(const struct recipe *r, struct span value, struct span key, struct view *v, struct signatures *s);

/* The text of a signature header: the fields v has, then the signature. ERR_NO_ROOM. */
enum err grammar_write(const struct recipe *r, const struct view *v, struct span key, struct span signature,
                       struct buf *b);

#endif
