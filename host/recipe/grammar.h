/* SPDX-License-Identifier: MIT
 * grammar: a signature header's text into signatures and fields, and back. Any thread.
 */
#ifndef CREEL_RECIPE_GRAMMAR_H
#define CREEL_RECIPE_GRAMMAR_H

#include "recipe/compiled.h"

/* The row of algorithms.tbl or of the encodings (hex, base64, base64url); NULL if there is none. */
const struct algorithm *grammar_algorithm(struct span name);
const struct encoding *grammar_encoding(struct span name);
/* All of their names, for messages; *n of them. */
const char *const *grammar_algorithm_names(size_t *n);
const char *const *grammar_encoding_names(size_t *n);

/* Take apart one header value. Signatures that cannot be decoded or have another length are skipped: one that is of no
 * use must not spoil the next. ERR_SIGNATURE_INVALID with *problem (static text) when there are more than
 * RECIPE_SIGNATURES_MAX, or a field comes twice with different values. Fields are spans of value. */
enum err grammar_split(const struct recipe *r, struct span value, struct values *v, struct signatures *s,
                       const char **problem);

/* The text of a signature header: the fields v has, then the signature. ERR_NO_ROOM. */
enum err grammar_write(const struct recipe *r, const struct values *v, const unsigned char *signature, struct buf *b);

#endif
