/* SPDX-License-Identifier: MIT
 * route: which functions want an event. Pure: a function's claims against the event's type and source. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_ROUTE_H
#define CREEL_DISPATCH_ROUTE_H

#include "dispatch/core.h"

/* Which functions of the folder want an event of a type that is not the host's own: how many, at most `max`, and their names, in the
 * order of the array; these live as long as the functions. *more, when not NULL: there were more of them. An event of an unsigned
 * source reaches only functions that name the source. */
size_t route_find(struct function *const *functions, size_t n, struct span type, struct span source, bool unsigned_source,
                  struct span *names, size_t max, bool *more);

/* Write down where an event that is not routed yet goes, and queue it. When nobody wants it, it leaves dispatch's mind, but not
 * while the functions folder is unclear: then it stays undecided. */
void route_event(struct dispatch *d, struct entry *e);
/* Look at the undecided ones again, if anything has become clear. */
void route_turn(struct dispatch *d);

#endif
