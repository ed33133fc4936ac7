/* SPDX-License-Identifier: MIT
 * pattern_captures: where ECMA-262 and PCRE2 disagree on what a back reference refers to: each turn of a repetition forgets, in
 * ECMA-262 only, what its groups have captured before (22.2.2.3.1, step 4). Told of a pattern's groups in their order by its parser;
 * allocates nothing. One thread.
 */
#ifndef CREEL_SCHEMA_PATTERN_CAPTURES_H
#define CREEL_SCHEMA_PATTERN_CAPTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAPTURES_GROUPS_MAX = 256, CAPTURES_REFERENCES_MAX = 64 };

struct captures {
    struct captures_group {
        size_t end;                   /* byte behind it; SIZE_MAX as long as it is open */
        unsigned capture;             /* its number, 0: captures nothing */
        uint16_t parent, alternative; /* where it lies; the whole pattern, group 0, lies in itself */
        uint16_t bars;
        bool optional, repeated;
    } groups[CAPTURES_GROUPS_MAX];
    struct captures_reference {
        size_t at;
        unsigned capture;
        uint16_t parent, alternative;
    } references[CAPTURES_REFERENCES_MAX];
    unsigned n_groups, n_references; /* groups without group 0; more than there is room for are counted only */
    uint16_t inside;
};

/* All begin with a zeroed struct. captures_close also says how often the group is repeated. */
void captures_open(struct captures *c, unsigned capture);
void captures_bar(struct captures *c);
void captures_close(struct captures *c, size_t end, unsigned min, unsigned max);
void captures_refer(struct captures *c, unsigned capture, size_t at);
/* Does every reference mean the same in both? Else false with the first that may not, and also where there are too many groups or
 * references to tell. */
bool captures_agree(const struct captures *c, size_t *at);

#endif
