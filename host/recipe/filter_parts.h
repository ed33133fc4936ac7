/* SPDX-License-Identifier: MIT
 * filter_parts: what the files that do the filters' work share; for them only.
 */
#ifndef CREEL_RECIPE_FILTER_PARTS_H
#define CREEL_RECIPE_FILTER_PARTS_H

#include "recipe/filter.h"

/* One filter at work. */
struct filter_call {
    struct span in, argument;
    const struct filter_key *key; /* not NULL for a MAC */
    struct arena *a;
};

/* The work of one row of filters.tbl: *out untouched on failure. */
#define X(name, work, takes, keyed) enum err work(const struct filter_call *c, struct span *out);
#include "recipe/filters.tbl"
#undef X

/* Close b and give its text. ERR_NO_ROOM when it did not fit. */
enum err filter_done(const struct filter_call *c, const struct buf *b, struct span *out);

#endif
