/* SPDX-License-Identifier: MIT
 * format: the formats of JSON Schema (2020-12 Validation section 7) that can be asserted, a row of format.tbl each, with the
 * standard it follows. Any thread; reads only, allocates nothing. What a row says of a text is a matter of syntax: no address is
 * resolved, nothing is fetched.
 *
 * Not there: idn-hostname and the Unicode side of hostname (labels that begin with xn-- are judged by their letters, not
 * decoded), iri and iri-reference beyond the characters that RFC 3987 allows.
 */
#ifndef CREEL_SCHEMA_FORMAT_H
#define CREEL_SCHEMA_FORMAT_H

#include "base/span.h"

struct format;
/* By its name in schemas ("date-time"); NULL for one that is not there, which is then only a note, as the standard says. */
const struct format *format_find(struct span name);
/* The name and what it asks, in words for a message ("a date and time of RFC 3339"). Static storage. */
const char *format_name(const struct format *f);
const char *format_words(const struct format *f);
/* text is the string's content, unescaped UTF-8. */
bool format_holds(const struct format *f, struct span text);

#endif
