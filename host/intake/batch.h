/* SPDX-License-Identifier: MIT
 * batch: several events in one request. All of them are judged before the first is written; the new ones are lines of one
 * group commit; the request is answered once, when the fate of each is known.
 *
 * Some may wait for first copies that other requests, or the same one, have sent. Nothing waits for those before it is
 * written, so that two batches with the same events in another order do not wait for each other: `owed` counts what is
 * still to be known, one for each event that waits and one for the request's own lines, and whoever brings it to nothing
 * owns the request and answers it.
 */
#ifndef CREEL_INTAKE_BATCH_H
#define CREEL_INTAKE_BATCH_H

#include <stdatomic.h>
#include "intake/dedupe.h"
#include "spool/journal.h"
#include "spool/line.h"

struct request;

struct batch_event {
    enum err outcome; /* ERR_OK: new; ERR_EXISTS: a duplicate of id; else why it was not written down */
    struct id id;
    bool known;   /* there is a claim: duplicates of it are looked for */
    bool claimed; /* the claim is held: dedupe_settle must follow */
    bool buried;  /* taken although it does not meet its contract */
    struct dedupe_claim claim;
    struct journal_dedupe key;
    size_t line_at, line_bytes; /* in the request's `line` */
    size_t type_bytes;
    char type[TYPE_BYTES];
};

struct batch {
    atomic_size_t owed;
    size_t n, n_lines;
    struct journal_line *lines; /* owned; those of the new ones */
    struct batch_event events[];
};

void batch_free(struct batch *b); /* NULL is fine */

/* Take the JSON array of structured CloudEvents that the body is apart, run each through the steps up to dedupe, and
 * build the lines. ERR_OK; else refused, with the number of the event at fault (from 1) in the reason. */
enum err batch_take(struct request *q);
/* Ask about duplicates. ERR_OK: there are lines to write, or no events at all; ERR_AGAIN: there are none, but some first
 * copies are to be waited for, and the request may already be another thread's; else the outcome. */
enum err batch_ask(struct request *q);
/* ERR_AGAIN: the lines were handed over to the committer; ERR_OK: there are none. */
enum err batch_commit(struct request *q);

/* The request's own lines have this fate; those who waited for one of them, linked by next, are given to `tell` one
 * after the other, with the id of the first copy. True: nothing is owed any more. */
typedef void (*batch_tell)(void *arg, struct dedupe_claim *waited, enum err e, const struct id *first);
bool batch_settle(struct request *q, enum err e, batch_tell tell, void *arg);
/* The first copy of one of its events, that it waited for, has this fate. True: nothing is owed any more. */
bool batch_told(struct request *q, struct dedupe_claim *claim, enum err e, const struct id *first);
/* The outcome of the whole: the first failure, else ERR_OK if there is a new one or none at all, else ERR_EXISTS. */
enum err batch_outcome(const struct batch *b);

/* The answer's body behind out: {"status":…,"durability":…,"events":[{"id":…,"status":…},…]}. */
void batch_put(const struct request *q, struct buf *out);
/* Count and log each event. */
void batch_record(const struct request *q);

#endif
