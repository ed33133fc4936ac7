/* SPDX-License-Identifier: MIT
 * api: what a function sees of its run: the table of creel.h over the fields of one RUN. Copies are made when asked for and
 * live until api_end. Runner only; one thread but for the log.
 */
#ifndef CREEL_WORKER_API_H
#define CREEL_WORKER_API_H

#include "worker/wire.h"
#include "worker/worker.h"

enum { API_TEXTS = CREEL_TEXT_CONTENT_TYPE + 1 };

struct piece; /* one copy */

struct invocation {
    struct creel_invocation base; /* first: what the function holds is a pointer to it */
    struct worker *w;
    bool has_event; /* false in the hooks */
    struct wire_run run;
    struct span fields[WIRE_FIELDS];
    const char *texts[API_TEXTS];
    enum { JSON_UNSEEN, JSON_GOOD, JSON_BAD } body_json;
    struct piece *pieces; /* owned */
    /* how the function said it ended; valid if it also returns `result` */
    int result;
    int64_t after_ms;
    struct span reason;
    struct span reply; /* SPAN_NONE: none */
};

/* Without an event, for the hooks: set has_event, run and fields for one. */
void api_begin(struct invocation *in, struct worker *w);
/* Free what was handed out. */
void api_end(struct invocation *in);

#endif
