/* SPDX-License-Identifier: MIT
 * form: application/x-www-form-urlencoded (WHATWG URL section 5.1), a request body or query, where it lies: pairs are
 * parts of the text, and only what is encoded is copied. Never allocates. Any thread.
 */
#ifndef CREEL_RECIPE_FORM_H
#define CREEL_RECIPE_FORM_H

#include "base/arena.h"
#include "base/err.h"

struct form_iter {
    struct span rest;
};
/* Walk the pairs in order, still encoded. Empty ones ("a=1&&b=2") are passed over; a name without '=' has an empty
 * value. */
struct form_iter form_iter(struct span text);
bool form_next(struct form_iter *it, struct span *name, struct span *value);

/* '+' is a space, %XX (either case) a byte; a '%' before anything else stays as it is. The bytes need not be UTF-8. *out
 * is the text itself when nothing is encoded, else in the arena. ERR_NO_ROOM. */
enum err form_decode(struct span encoded, struct arena *a, struct span *out);
/* The decoded value of the first pair whose decoded name is name; SPAN_NONE in *out when there is none. ERR_NO_ROOM. */
enum err form_find(struct span text, struct span name, struct arena *a, struct span *out);
/* Do all pairs of this decoded name have this decoded value? Which of two counts is nothing that receivers agree on. */
bool form_agrees(struct span text, struct span name, struct span value);

/* The text with the value of name set, behind out: the first pair of that name is replaced, else one is put behind the
 * others; the rest stays as it is. Name and value are encoded (section 5.2). Look at out->failed. */
void form_set(struct span text, struct span name, struct span value, struct buf *out);

/* Both hexadecimal digits behind a '%' at s.p[at], as a byte; -1 when it is no escape. */
int form_escape(struct span s, size_t at);

enum { FORM_PAIRS_MAX = 4096 };
struct form_pair {
    struct span name, value;
};
/* All pairs of the texts, decoded, sorted by name and then value as bytes (which is also the order of code points).
 * Name and value are never SPAN_NONE. *n of them in the arena. ERR_INVALID: more than FORM_PAIRS_MAX. ERR_NO_ROOM. */
enum err form_sorted(struct span text, struct arena *a, const struct form_pair **pairs, size_t *n);

#endif
