/* SPDX-License-Identifier: MIT
 * runs: who runs next, and what follows from how a run ended. A run has two steps: staged (the attempt is a record), then
 * begun, once that record has been sent: so a crash of dispatch can lose a run but never the knowledge of one. Dispatch's
 * only thread.
 */
#ifndef CREEL_DISPATCH_RUNS_H
#define CREEL_DISPATCH_RUNS_H

#include "dispatch/core.h"

/* What is due becomes pending. */
void runs_due(struct dispatch *d);
/* Give pending invocations to idle workers, start workers where they are missing, take them from functions that have more than
 * their share. */
void runs_schedule(struct dispatch *d);
/* Hand over the staged runs whose attempt records are sent. */
void runs_begin(struct dispatch *d);

/* The event of an entry, read from the journal again; it lives until the next. ERR_CORRUPT, ERR_NOT_FOUND: it is gone. */
enum err run_event(struct dispatch *d, const struct entry *e, struct line_event *event, struct why *w);

/* How a run ended. */
struct run_end {
    enum outcome outcome;
    struct span why;   /* for a person; may be absent */
    struct span reply; /* only with DONE; may be absent */
    int64_t after_ms;  /* of RETRY: what the function asked for; -1: nothing */
};
/* The worker's run is over: outcome line, next state. The worker has no run afterwards; its state is the caller's. */
void run_finish(struct dispatch *d, struct worker *wk, const struct run_end *end);
/* An invocation that dispatch finds RUNNING in the journal, begun by a dispatch that is no more. */
void run_lost(struct dispatch *d, struct entry *e, struct invocation *inv);
/* Write down the attempts that an earlier dispatch has noted (begun.h) and the journal lacks, as LOST. All is adopted. */
void runs_found(struct dispatch *d);
/* Take an event's invocations into the queues, each by its state; what was RUNNING was lost. */
void runs_adopt(struct dispatch *d, struct entry *e);
/* A person dropped it: dead. Not for running ones. */
void run_drop(struct dispatch *d, struct entry *e, struct invocation *inv, const char *who);
/* If all of e's invocations have ended it leaves dispatch's mind. True when it did. */
bool event_leave(struct dispatch *d, struct entry *e);

#endif
