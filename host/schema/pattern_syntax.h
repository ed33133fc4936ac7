/* SPDX-License-Identifier: MIT
 * pattern_syntax: the parser of regular expressions (ECMA-262, 15th edition, section 22.2.1, with the u flag), which writes
 * the same for PCRE2 in the few of its forms that mean the same in both. For pattern.c; pattern_class.c is its part for what
 * stands for one character. Any thread; without recursion.
 */
#ifndef CREEL_SCHEMA_PATTERN_SYNTAX_H
#define CREEL_SCHEMA_PATTERN_SYNTAX_H

#include "base/buf.h"
#include "base/err.h"
#include "schema/pattern_captures.h"

enum { PATTERN_DEPTH_MAX = 100, PATTERN_NAMES_MAX = 32, PATTERN_REPEAT_MAX = 65535 };

/* What matching has to know to bound its work. */
struct pattern_facts {
    bool back_references;
    unsigned longest_repeat; /* the longest run of one item that is passed without a callout */
};

struct syntax {
    const char *begin, *p, *end;
    struct buf *out; /* NULL: only checked */
    struct why *why; /* may be NULL */
    struct pattern_facts facts;
    unsigned groups;                 /* that capture, in the whole text */
    unsigned n_names, depth, opened; /* opened: that capture, up to s->p */
    struct captures captures;
    struct {
        struct span name;
        unsigned group;
    } names[PATTERN_NAMES_MAX];
    bool assertion[PATTERN_DEPTH_MAX]; /* the open groups: looking around or not */
};

/* Parse ecma. out, which may be NULL, gets the text for PCRE2, with callouts (?C) at its beginning, at each group's and behind
 * each repetition of variable length: wherever work could be done again and again. With out, what PCRE2 would take for something else is
 * refused as well. ERR_INVALID with "byte N: reason". */
enum err pattern_translate(struct span ecma, struct buf *out, struct pattern_facts *facts, struct why *w);

/* The parts that pattern_class.c has. Each takes what begins at s->p and writes it. */
enum err syntax_class(struct syntax *s); /* [ … ] */
enum err syntax_class_escape(struct syntax *s,
                             bool *taken); /* \d \W \p{…} …; *taken false: another escape, nothing is taken */
/* \n, \x41, \u{1F432}, \cA, \- …: one character; ERR_INVALID for what is none. */
enum err syntax_character_escape(struct syntax *s, uint32_t *c);
/* One character that stands for itself. */
uint32_t syntax_character(struct syntax *s);
void syntax_put_character(struct syntax *s, uint32_t c);
void syntax_put(struct syntax *s, const char *text);

/* Refuse what stands at `at`. Returns ERR_INVALID. */
enum err syntax_fault(const struct syntax *s, const char *at, const char *what);

#endif
