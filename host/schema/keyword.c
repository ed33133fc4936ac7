/* SPDX-License-Identifier: MIT
 * keyword: looking rows up; only while compiling.
 */
#include "schema/keyword.h"

enum { OLD = 1 << SCHEMA_DRAFT_07, NEW = 1 << SCHEMA_2020_12, BOTH = OLD | NEW };

static const struct row {
    const char *text;
    unsigned drafts;
    enum keyword_holds holds;
} rows[] = {
#define X(name, text, drafts, holds) [KEYWORD_##name] = {text, drafts, HOLDS_##holds},
#include "schema/keywords.tbl"
#undef X
};

enum keyword keyword_find(struct span name, enum schema_draft draft)
{
    for (unsigned k = 0; k < KEYWORD_COUNT; k++)
        if (span_eq_str(name, rows[k].text))
            return rows[k].drafts >> draft & 1 ? (enum keyword)k : KEYWORD_COUNT;
    return KEYWORD_COUNT;
}

const char *keyword_text(enum keyword k)
{
    return rows[k].text;
}

enum keyword_holds keyword_holds(enum keyword k)
{
    return rows[k].holds;
}
