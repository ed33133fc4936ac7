/* SPDX-License-Identifier: MIT
 * timestamp: reading and judging the signed time. Any thread, no clock of its own.
 */
#ifndef CREEL_RECIPE_TIMESTAMP_H
#define CREEL_RECIPE_TIMESTAMP_H

#include "recipe/compiled.h"

enum { TIMESTAMP_TEXT_BYTES = 32 };

/* ERR_INVALID unless text is exactly the format, a time that exists, from 1970 to 9999: ASCII digits only, no sign,
 * space, exponent; RFC 3339 with offset and up to nanoseconds, as ISO 8601 also without offset, which then is UTC; the
 * IMF-fixdate of RFC 9110 section 5.6.7 with the right day of the week. */
enum err timestamp_read(enum time_format format, struct span text, int64_t *ms);
/* How long ago that was, counted in the format's unit, as senders count; negative: it lies ahead. */
int64_t timestamp_age(const struct timestamp *t, int64_t signed_ms, int64_t now_ms);
/* Within tolerance of now? tolerance_ms 0: the recipe's own. */
bool timestamp_near(const struct timestamp *t, int64_t signed_ms, int64_t now_ms, int64_t tolerance_ms);
/* The time as the format writes it, terminated, moved to 1970 or 9999 when it lies beyond. Returns its length. */
size_t timestamp_write(enum time_format format, int64_t ms, char out[TIMESTAMP_TEXT_BYTES]);
/* What the format is called in a message ("decimal seconds"). */
const char *timestamp_words(enum time_format format);

#endif
