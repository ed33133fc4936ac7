/* SPDX-License-Identifier: MIT
 * nearest: "did you mean …": which of the known words a mistyped one most resembles. Any thread, no state.
 */
#ifndef CREEL_BASE_NEAREST_H
#define CREEL_BASE_NEAREST_H

#include "base/span.h"

/* The one of words[0..n) with the smallest edit distance to word (ASCII case ignored), if that is at most a third of the
 * longer one's length rounded up, else NULL. NULL entries are skipped; words longer than 64 bytes are never suggested. */
const char *nearest_word(struct span word, const char *const *words, size_t n);

#endif
