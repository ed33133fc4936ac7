/* SPDX-License-Identifier: MIT
 * view: dead/, kept in step with the journal. For every invocation that has failed at least once it remembers where its
 * attempt and outcome lines lie; when the line that made it dead is read back (so it is durable) the dead letter is written
 * from them, one in each turn of the loop. Replayed: the dead letter goes. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_VIEW_H
#define CREEL_DISPATCH_VIEW_H

#include "dispatch/core.h"

/* ERR_NO_MEMORY. */
enum err view_open(struct dispatch *d, struct why *w);
void view_close(struct dispatch *d);

/* What dispatch decided about an invocation: it failed (not for the last time or for the last time), it is dead, it is done. */
void view_failed(struct dispatch *d, const struct entry *e, const struct invocation *inv);
void view_dead(struct dispatch *d, const struct entry *e, const struct invocation *inv);
void view_done(struct dispatch *d, const struct entry *e, const struct invocation *inv);
/* It is replayed: take its dead letter away, go on with its story. */
void view_replayed(struct dispatch *d, const struct entry *e, const struct invocation *inv);

/* An attempt, outcome or drop line that was read. The one that made an invocation dead makes its letter ready. */
void view_line(struct dispatch *d, const struct line *line, struct pos at);
/* At start: a letter may be there already from before; then it is right. */
void view_found_dead(struct dispatch *d, const struct entry *e, const struct invocation *inv);

/* Write one letter: its syncs are the longest thing that the loop waits for. True when there are more. */
bool view_turn(struct dispatch *d);
/* Letters not written yet. */
size_t view_owed(const struct dispatch *d);
/* The lowest position of an event whose letter is not written, or `end`. */
struct pos view_low(const struct dispatch *d, struct pos end);

#endif
