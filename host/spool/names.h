/* SPDX-License-Identifier: MIT
 * names: texts as small numbers, for the ledger. Function names stay for good and are few (their numbers fit 16 bits);
 * sources and types come from senders, so they are counted, and of those that nobody uses any more only the last ones
 * are kept. Owns copies of all texts. One thread at a time.
 */
#ifndef CREEL_SPOOL_NAMES_H
#define CREEL_SPOOL_NAMES_H

#include <stdint.h>
#include "base/span.h"

enum { NAMES_FUNCTIONS = 65536, NAMES_UNUSED_KEPT = 65536 };
#define NAMES_NONE UINT32_MAX

struct names; /* opaque */

struct names *names_new(void); /* NULL when memory is out */
void names_free(struct names *n);
/* Below NAMES_FUNCTIONS. NAMES_NONE when there are that many already or memory is out. */
uint32_t names_function(struct names *n, struct span name);
/* From NAMES_FUNCTIONS on, counted: give it back with names_release. NAMES_NONE when memory is out. */
uint32_t names_take(struct names *n, struct span name);
void names_release(struct names *n, uint32_t number);
/* SPAN_NONE for a number that was never given out or was forgotten. */
struct span names_text(const struct names *n, uint32_t number);

#endif
