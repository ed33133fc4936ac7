/* SPDX-License-Identifier: MIT
 * commit: the committer, the thread that drives the journal: it takes what the IO threads submit and what dispatch sends, appends it to the
 * journal, syncs once for all of it, and says of each job how it went. The only caller of journal_append, _commit,
 * _tick, _retire.
 *
 *   IO threads ──commit_submit──▶ queue ┐
 *                                       ├─▶ journal_append… journal_commit ─▶ done(job) each, nudge to dispatch
 *   dispatch ──RECORDS, RETIRE, LARGE─▶ ┘
 *
 * A message of dispatch's is peeked, and taken off the socket only after its records are durable: a death in between
 * leaves it for the successor, and what was appended twice is harmless.
 */
#ifndef CREEL_INTAKE_COMMIT_H
#define CREEL_INTAKE_COMMIT_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "spool/journal.h"

struct commit;

/* One line to make durable, or several. Belongs to the committer from commit_submit until done is called with it. */
struct commit_job {
    struct commit_job *next;
    struct span line; /* unsealed; the submitter keeps the bytes until done */
    const struct journal_dedupe *key; /* as journal_append takes it; kept like the line */
    const struct journal_line *lines; /* in their stead several lines, all of which belong into one commit; NULL: one */
    size_t n_lines;
    bool sync;        /* false: written is enough */
    enum err outcome; /* ERR_OK, ERR_SPOOL_FULL, ERR_NOT_DURABLE */
    void (*detached)(struct commit_job *job); /* called instead of `done` for a line that no request waits for; NULL: one does */
};

struct commit_options {
    struct journal *journal;
    int peer_fd; /* the channel to dispatch */
    _Atomic uint64_t *recorded; /* of the shared segment */
    /* Called on the committer thread for each job, in the order they were submitted. */
    void (*done)(void *arg, struct commit_job *job);
    /* Called when all jobs of a batch have been given to done (to flush what done gathered). */
    void (*batch_done)(void *arg);
};

/* Jobs may be submitted from now on; they are looked at when the thread runs. */
enum err commit_new(const struct commit_options *o, struct commit **out, struct why *w);
/* Start the thread; arg is for done and batch_done. */
enum err commit_start(struct commit *c, void *arg, struct why *w);
/* Hand over a list linked by next, youngest first. Any thread; never blocks. */
void commit_submit(struct commit *c, struct commit_job *youngest, struct commit_job *oldest);
/* The last job has been submitted. The thread goes on with dispatch's records until nobody else holds the channel, or,
 * with `empty` set, until the channel is empty. May be called again to set `empty`. */
void commit_stop(struct commit *c, bool empty);
/* Has the thread ended after commit_stop? */
bool commit_ended(const struct commit *c);
/* Becomes readable when the thread has ended. */
int commit_ended_fd(const struct commit *c);
/* Wait for the thread if it was started, free. The journal stays the caller's. */
void commit_free(struct commit *c);

#endif
