/* SPDX-License-Identifier: MIT
 * worker: one slot of one generation: starting it, hearing what it says, its deadlines, its end. What a run's end means is
 * for runs.c. Believes nothing a worker says beyond what slot.h has checked. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_WORKER_H
#define CREEL_DISPATCH_WORKER_H

#include "dispatch/core.h"

/* Start one more slot for g: it is STARTING, and what it says comes through the event loop. ERR_NO_MEMORY, ERR_NO_ROOM (its config and
 * secrets are too large), ERR_SYSTEM. */
enum err worker_new(struct dispatch *d, struct generation *g, struct why *w);
/* Kill everything in it, so that what it was running can be called ended; worker_end must follow. */
void worker_kill(struct dispatch *d, struct worker *wk);
/* The same, and the worker is over. Its run, if any, must have been finished. The memory goes with workers_bury; the
 * generation is settled by the caller. */
void worker_end(struct dispatch *d, struct worker *wk);
void worker_end_and_settle(struct dispatch *d, struct worker *wk);
/* End all of a generation's workers that have no run. */
void workers_retire(struct dispatch *d, struct generation *g);

/* Deadlines of runs and of getting ready, idle times: when d->now_ms has reached d->workers_look_ms. */
void workers_turn(struct dispatch *d);
/* That moment may come as early as this. */
void workers_look_by(struct dispatch *d, int64_t ms);
/* Free what ended in this turn; nothing points to it any more. */
void workers_bury(struct dispatch *d);

/* What is kept of the run's output, in order: at most TAIL_BYTES, in b. */
void worker_tail(const struct worker *wk, struct buf *b);

#endif
