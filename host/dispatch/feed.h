/* SPDX-License-Identifier: MIT
 * feed: reading the journal in order. First what happened before this dispatch began (history): every line counts, nothing is
 * acted upon until the end of it is reached. The end is known by a checkpoint line of our own: all that an earlier
 * dispatch has sent lies before it. It begins at the last checkpoint, unless something has come into quarantine since. Then
 * live: only events, and the fate of dispatch's own lines. Never more events in mind than max_unfinished: what does not fit
 * stays in the journal and is read again when there is room. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_FEED_H
#define CREEL_DISPATCH_FEED_H

#include "dispatch/core.h"

/* Nothing is read yet. ERR_NO_MEMORY. */
enum err feed_open(struct dispatch *d, struct why *w);
void feed_close(struct dispatch *d);
/* Read on for a few milliseconds. True when there is more to do at once. */
bool feed_turn(struct dispatch *d);
/* When to call it again though nothing happens, in monotonic ms; INT64_MAX: no need. */
int64_t feed_next_ms(const struct dispatch *d);
/* Has the start been finished? Then everything unfinished (that fits) is in mind. */
bool feed_is_live(const struct dispatch *d);
/* Everything before this is read; nothing before the second is unfinished (or owes a dead letter). */
struct pos feed_read(const struct dispatch *d);
struct pos feed_low(const struct dispatch *d);
/* The fingerprint of what was in quarantine when reading began. */
uint32_t feed_quarantine(const struct dispatch *d);

/* Take an event that was brought into the ledger (history, a replay) into the queues. */
void feed_adopt(struct dispatch *d, struct entry *e);

#endif
