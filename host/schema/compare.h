/* SPDX-License-Identifier: MIT
 * compare: would a new schema refuse what an old one takes? The comparison is sound and not complete: when there are no findings,
 * every text that the old schema takes is taken by the new one; a finding is what was not implied by the old schema, and one that says
 * undecided may refuse nothing. Reads, fetches nothing. One thread at a time.
 */
#ifndef CREEL_SCHEMA_COMPARE_H
#define CREEL_SCHEMA_COMPARE_H

#include "schema/schema.h"

struct schema_change {
    bool undecided;      /* it could not be told whether anything is refused */
    struct span where;   /* in what is checked: a JSON pointer in which * is any element or any other member */
    struct span pointer; /* of the schema in the new text that refuses (RFC 6901) */
    const char *keyword;
    struct span message; /* what would newly be refused: "numbers below 5" */
};
enum { SCHEMA_CHANGES_MAX = 1000 };
struct schema_changes {
    struct schema_change *list; /* owned, like all its texts */
    size_t n;
    bool more; /* than SCHEMA_CHANGES_MAX, or than there was room for */
    struct arena memory;
};

/* draft: where "$schema" does not say. Both texts are compiled first: ERR_INVALID names in w which one is no schema ("old", "new") and
 * why. ERR_NO_MEMORY. Time is bounded: what is too large to be compared whole is undecided. */
enum err schema_compare(struct span old, struct span new, enum schema_draft draft, struct schema_changes *out,
                        struct why *w);
void schema_changes_fini(struct schema_changes *changes);

#endif
