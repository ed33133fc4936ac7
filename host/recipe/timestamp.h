/* SPDX-License-Identifier: MIT
 * timestamp: reading and judging the signed time. Any thread, no clock of its own.
 */
#ifndef CREEL_RECIPE_TIMESTAMP_H
#define CREEL_RECIPE_TIMESTAMP_H

#include "recipe/compiled.h"

enum { TIMESTAMP_TEXT_BYTES = 32 };

/* ERR_INVALID unless text is exactly the format: ASCII digits only, no sign, space, exponent; at most the year 9999. */
enum err timestamp_read(enum time_format format, struct span text, int64_t *ms);
/* Within tolerance of now? tolerance_ms 0: the recipe's own. Ages are counted in the format's unit, as senders count.
 */
bool timestamp_near(const struct timestamp *t, int64_t signed_ms, int64_t now_ms, int64_t tolerance_ms);
/* The time as the format writes it, terminated. Returns its length. */
size_t timestamp_write(enum time_format format, int64_t ms, char out[TIMESTAMP_TEXT_BYTES]);
/* What the format is called in a message ("decimal seconds"). */
const char *timestamp_words(enum time_format format);

#endif
