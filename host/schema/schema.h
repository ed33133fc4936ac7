/* SPDX-License-Identifier: MIT
 * schema: JSON Schema draft-07 and 2020-12 (without $dynamicRef and $vocabulary, which are refused by name; $dynamicAnchor is then an
 * $anchor), compiled once, then validating the bytes as they came, without a tree and without allocating. Nothing is ever
 * fetched: references lead to documents that were handed over. A struct schema is immutable: any thread; a struct
 * schema_context belongs to one thread at a time.
 */
#ifndef CREEL_SCHEMA_SCHEMA_H
#define CREEL_SCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"

enum schema_draft { SCHEMA_DRAFT_07, SCHEMA_2020_12 };
struct schema_document { /* what $ref may lead to besides the schema itself */
    struct span uri, text;
};
struct schema_options {
    enum schema_draft draft; /* where "$schema" does not say */
    bool formats;            /* "format" is checked, not only noted */
    const struct schema_document *documents;
    size_t n_documents;
};
struct schema;
/* ERR_INVALID with "[URI#]/pointer: reason" in w: not JSON, not a schema, an unknown draft, a keyword of the wrong shape, a bad
 * pattern, a reference that leads nowhere or back to itself, a feature that is refused, too large. ERR_NO_MEMORY.
 * A document is found by its uri or by the $id at its top; only those that a reference leads to are looked at. The text and the
 * documents are needed no longer than the call. */
enum err schema_compile(struct span text, const struct schema_options *options, struct schema **out, struct why *w);
void schema_free(struct schema *s); /* NULL is fine */

struct schema_context; /* match data and stacks of one thread; enough for every schema */
enum err schema_context_new(struct schema_context **out);
void schema_context_free(struct schema_context *c);

/* One violation: where in the instance (RFC 6901), which keyword, what is wrong in words that a sender can act on. */
struct schema_error {
    struct span pointer;
    const char *keyword;
    struct span message;
};
enum { SCHEMA_ERRORS_MAX = 16 };
struct schema_errors {
    struct schema_error list[SCHEMA_ERRORS_MAX];
    size_t n;
    bool more;
};

/* Bytes of memory with which no instance of this text is refused for want of it: about 50 for each value, more with uniqueItems and
 * unevaluated*, and 32 KiB for errors. O(1) for texts up to 4 KiB, else one pass over the text. */
size_t schema_scratch_bytes(const struct schema *s, struct span instance);
/* The instance has passed json_check. Texts of errors live in `memory`; they name members but tell no value. ERR_OK;
 * ERR_SCHEMA_VIOLATION with errors (errors NULL: the first failure ends it); ERR_NO_ROOM when memory or a limit (pattern, depth,
 * work) is passed, with one error that names it: a caller treats it as a refusal. Work is bounded by a million steps, and a hundred
 * for each value. */
enum err schema_validate(const struct schema *s, struct schema_context *c, struct span instance, struct arena *memory,
                         struct schema_errors *errors);
#endif
