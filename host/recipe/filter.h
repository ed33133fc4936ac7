/* SPDX-License-Identifier: MIT
 * filter: the named, pure functions that stand behind a reference ("body|sha256"): bytes in, bytes out, nothing else. One
 * row each in filters.tbl. Any bytes may come in; memory is the caller's arena only. Any thread.
 */
#ifndef CREEL_RECIPE_FILTER_H
#define CREEL_RECIPE_FILTER_H

#include "base/arena.h"
#include "base/err.h"

struct filter; /* a row of filters.tbl */

/* A filter with its argument, which is a part of the text it was parsed from. */
struct filter_use {
    const struct filter *filter;
    struct span argument; /* SPAN_NONE: none */
};

/* The key that a MAC filter uses. */
struct filter_key {
    const unsigned char *secret;
    size_t n_secret;
};

/* "sha256", "percent-decode:3A,2F". The text must live as long as *out. ERR_INVALID with the nearest name, or with what is
 * wrong with the argument. */
enum err filter_parse(struct span text, struct filter_use *out, struct why *w);
/* Is what comes out as good a proof of what went in as that itself? Not of a checksum, or of text cut short. A
 * URL's port counts for nothing: the URL is the operator's. */
bool filter_binds(const struct filter_use *f);
/* Does it take a form (application/x-www-form-urlencoded)? */
bool filter_takes_form(const struct filter_use *f);
/* Is it a MAC? */
bool filter_needs_key(const struct filter_use *f);
/* *out is in the arena, or a part of in, or static. in is present. key: NULL when there is none.
 * ERR_INVALID: in is not what the filter takes (a URL, text in UTF-8, a form of at most FORM_PAIRS_MAX pairs), or a MAC
 * has no key. ERR_NO_ROOM: the arena is full. ERR_INTERNAL: the library refused. */
enum err filter_apply(const struct filter_use *f, const struct filter_key *key, struct span in, struct arena *a,
                      struct span *out);

#endif
