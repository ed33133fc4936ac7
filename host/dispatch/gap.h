/* SPDX-License-Identifier: MIT
 * gap: a part of the journal that the disk refuses to read. What lies behind it is read all the same; events whose lines are in
 * it wait. No checkpoint passes it. As soon as it can be read dispatch ends in order: its successor begins before it, with
 * everything in its place. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_GAP_H
#define CREEL_DISPATCH_GAP_H

#include "dispatch/core.h"

/* Bytes [at, at + n) were passed over. */
void gap_note(struct dispatch *d, struct pos at, uint32_t n, const struct why *w);
/* The first of them, or `end`. */
struct pos gap_low(const struct dispatch *d, struct pos end);
/* Every few seconds: can the first one be read by now? */
void gap_turn(struct dispatch *d);

#endif
