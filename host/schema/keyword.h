/* SPDX-License-Identifier: MIT
 * keyword: the rows of keywords.tbl. Constant; any thread.
 */
#ifndef CREEL_SCHEMA_KEYWORD_H
#define CREEL_SCHEMA_KEYWORD_H

#include "schema/schema.h"

enum keyword {
#define X(name, text, drafts, holds) KEYWORD_##name,
#include "schema/keywords.tbl"
#undef X
    KEYWORD_COUNT
};

enum keyword_holds { HOLDS_NOTHING, HOLDS_SCHEMA, HOLDS_LIST, HOLDS_NAMED, HOLDS_EITHER, HOLDS_MIXED, HOLDS_REFUSED };

/* KEYWORD_COUNT: this draft knows none of that name. */
enum keyword keyword_find(struct span name, enum schema_draft draft);
const char *keyword_text(enum keyword k);
enum keyword_holds keyword_holds(enum keyword k);

#endif
