/* SPDX-License-Identifier: MIT
 * format_parts: the functions of format.tbl, one for each row, for format.c. Each says whether the whole text is of its format.
 */
#ifndef CREEL_SCHEMA_FORMAT_PARTS_H
#define CREEL_SCHEMA_FORMAT_PARTS_H

#include "base/span.h"

#define X(name, function, words) bool format_is_##function(struct span text);
#include "schema/format.tbl"
#undef X

/* For those that walk: take one character, or one of a set, from the front. */
static inline bool take_char(struct span *s, char c)
{
    bool there = s->n > 0 && *s->p == c;
    *s = span_skip(*s, there);
    return there;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* How many ASCII digits are in front. */
static inline size_t count_digits(struct span s)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

#endif
