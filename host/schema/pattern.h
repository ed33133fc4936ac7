/* SPDX-License-Identifier: MIT
 * pattern: regular expressions as JSON Schema means them: ECMA-262 (15th edition, section 22.2, with the u flag), compiled
 * once and searched for anywhere in a text. A pattern is immutable: any thread. A context belongs to one thread at a time.
 *
 * They are parsed by pattern_syntax.c, which refuses what is not ECMA-262 by name and place, and rewritten for PCRE2, so that
 * nothing of PCRE2's own language gets in. More is taken than the standard has in two points: any ASCII punctuation may
 * be escaped (\- \_ \@), and the names of scripts are compared as PCRE2 does, which is loosely. Less in these, each refused by
 * name when compiled: lookbehind of variable length, \p{…} that this PCRE2 does not know, modifiers ((?i:…)), one name for two
 * groups, more than 100 levels, 32 names, repetitions beyond 65535, a back reference to a group that a repetition may have passed by in
 * its last round (ECMA-262 forgets then what it caught, PCRE2 does not), back references among 256 groups or more, or more than 64 of
 * them. One point differs: an optional round that matches nothing counts for PCRE2 and not for ECMA-262 (a back reference sees that).
 */
#ifndef CREEL_SCHEMA_PATTERN_H
#define CREEL_SCHEMA_PATTERN_H

#include "base/err.h"
#include "base/span.h"

enum { PATTERN_BYTES_MAX = 16384 };

/* Is this a regular expression of ECMA-262 (what "format": "regex" asks)? Reads only, allocates nothing. ERR_INVALID with
 * "byte N: reason" in w, which may be NULL. The text is UTF-8. */
enum err pattern_check(struct span ecma, struct why *w);

struct pattern;
/* ERR_INVALID with the reason in w: what pattern_check refuses, what is not supported (above), too long or too large.
 * ERR_NO_MEMORY. */
enum err pattern_compile(struct span ecma, struct pattern **out, struct why *w);
void pattern_free(struct pattern *p); /* NULL is fine */

/* What matching needs, for every pattern: 16 MiB of addresses, of which a few pages are used; when a match has used more
 * they are given back behind it. ERR_NO_MEMORY. */
struct pattern_context;
enum err pattern_context_new(struct pattern_context **out);
void pattern_context_free(struct pattern_context *c); /* NULL is fine */

/* Does it match anywhere in text? Allocates nothing, and its work is bounded, as a function of pattern and text alone: about
 * 500,000 steps and 8 more for each byte, a step being the try of a part of the pattern or a character passed, and 4 MiB of
 * places to go back to. ERR_OK; ERR_NOT_FOUND, also of a text that is not UTF-8; ERR_NO_ROOM when a bound is passed before it is
 * decided. */
enum err pattern_match(const struct pattern *p, struct pattern_context *c, struct span text);
/* The steps that the last match in this context took: for who bounds many matches together. */
size_t pattern_steps(const struct pattern_context *c);

#endif
