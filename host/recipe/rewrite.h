/* SPDX-License-Identifier: MIT
 * rewrite: the other ways in which programs write the same JSON text: what becomes of a body that was parsed and written
 * again on its way. For explaining a signature that does not fit; never on the door's way. Any thread.
 */
#ifndef CREEL_RECIPE_REWRITE_H
#define CREEL_RECIPE_REWRITE_H

#include "base/buf.h"
#include "base/err.h"

enum rewrite_layout { LAYOUT_COMPACT, LAYOUT_SPACED, LAYOUT_INDENT_2, LAYOUT_INDENT_4, LAYOUT_INDENT_TAB, LAYOUTS };
enum rewrite_escapes {
    ESCAPES_KEPT,        /* as they came */
    ESCAPES_FEWEST,      /* JSON.stringify */
    ESCAPES_SLASH,       /* \/ */
    ESCAPES_ASCII,       /* \uXXXX beyond ASCII: Python */
    ESCAPES_ASCII_SLASH, /* both: PHP */
    ESCAPES_HTML,        /* < > & and U+2028, U+2029 as \uXXXX: Go */
    ESCAPES
};

/* json: a text that json_check passed within its default depth. Members stay in their order unless sorted by name. ERR_NO_ROOM
 * when out is full, ERR_NO_MEMORY. */
enum err rewrite_json(struct span json, enum rewrite_layout layout, enum rewrite_escapes escapes, bool sorted,
                      struct buf *out);
/* "compact", "with / written as \/"; "" for what is kept. */
const char *rewrite_layout_words(enum rewrite_layout layout);
const char *rewrite_escapes_words(enum rewrite_escapes escapes);

#endif
