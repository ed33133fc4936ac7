/* SPDX-License-Identifier: MIT
 * replay: running an event again. One that is in mind has its ended invocations set back; one that has left dispatch's mind is
 * brought back from the journal with what the asker (creel, which has read the journal) says of it. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_REPLAY_H
#define CREEL_DISPATCH_REPLAY_H

#include "dispatch/core.h"

/* event: "ID", or {"id","at":"SEGMENT.OFFSET","functions":[{"name","state","attempts"}]}. function: only this one's; SPAN_NONE:
 * those that are dead, or when none is, all. An event that was ignored is routed anew. NULL, or why not (static text). */
const char *replay_one(struct dispatch *d, struct span event, const struct id *id, struct span function, const char *who);

#endif
