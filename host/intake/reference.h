/* SPDX-License-Identifier: MIT
 * reference: where a fact about an event is found: "json:/pointer", "header:Name", "path:N" (the N-th segment behind
 * the source's path, from 1) or "const:text". Parsed once per configuration, resolved per request. Any thread.
 */
#ifndef CREEL_INTAKE_REFERENCE_H
#define CREEL_INTAKE_REFERENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "recipe/recipe.h"

enum reference_from { REFERENCE_JSON, REFERENCE_HEADER, REFERENCE_PATH, REFERENCE_CONST };

struct reference {
    enum reference_from from;
    struct span what; /* pointer, header name, text; into the string it was parsed from */
    unsigned segment;
};

/* First present. Owned by whoever parsed it. */
struct reference_list {
    struct reference *items;
    size_t n;
};

enum { REFERENCE_TEXT_BYTES = 4096 }; /* of what a reference leads to */

/* ERR_INVALID when text is none of the four forms. */
enum err reference_parse(struct span text, struct reference *out);

/* Parse a list; the texts must outlive it. ERR_INVALID, ERR_NO_MEMORY. An empty list is fine. */
enum err reference_list_new(const char *const *texts, size_t n, struct reference_list *out);
void reference_list_free(struct reference_list *l);
bool reference_list_asks(const struct reference_list *l, enum reference_from from);

/* What references are resolved against. */
struct reference_view {
    struct span json; /* the body when it has passed json_check, else SPAN_NONE: then json: references lead nowhere */
    struct span path_rest; /* of the path behind the source's own, without the leading slash */
    const struct recipe_header *headers;
    size_t n_headers;
};

/* The first reference that leads to a text of at least one byte: a header's value, a JSON scalar as it was written
 * (null is absent). *out is SPAN_NONE when none does; it lives as long as the view and the arena. ERR_NO_ROOM when the
 * text is longer than REFERENCE_TEXT_BYTES or the arena is full. */
enum err reference_resolve(const struct reference_list *l, const struct reference_view *v, struct arena *a,
                           struct span *out);

#endif
