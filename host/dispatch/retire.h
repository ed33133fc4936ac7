/* SPDX-License-Identifier: MIT
 * retire: which segments may go. Checkpoints at every new segment and at a clean stop; the oldest segment is given up when its
 * retention is over, everything dispatch knows of it is read, its unfinished events have been carried (and the carry lines
 * read back) and its dead letters are written. Dispatch decides, intake does it. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_RETIRE_H
#define CREEL_DISPATCH_RETIRE_H

#include "dispatch/core.h"

/* ERR_NO_MEMORY. */
enum err retire_open(struct dispatch *d, struct why *w);
void retire_close(struct dispatch *d);
/* Once a second while feed is live, and more often while segments go. */
void retire_turn(struct dispatch *d);
/* Say where the next start begins to read. */
void retire_checkpoint(struct dispatch *d);

/* The carry line of an event that is in mind, as a record. When its line cannot be read (said): as reader_at. */
enum err retire_carry(struct dispatch *d, const struct entry *e);

#endif
