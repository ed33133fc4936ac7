/* SPDX-License-Identifier: MIT
 * inbox: what dispatch sends over the channel, taken into the journal: RECORDS, RETIRE and LARGE messages. Messages are
 * peeked, several for one group commit, and taken off the socket only when they are durable. Committer thread only.
 */
#ifndef CREEL_INTAKE_INBOX_H
#define CREEL_INTAKE_INBOX_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/err.h"
#include "spool/journal.h"

struct inbox;

/* Journal and descriptor stay the caller's. recorded: where the mark of what is durable is published. */
enum err inbox_new(struct journal *j, int peer_fd, _Atomic uint64_t *recorded, struct inbox **out, struct why *w);
void inbox_free(struct inbox *r);

/* Append what waits in the socket, up to a bound, to the journal's batch. True if lines were appended. */
bool inbox_append(struct inbox *r);
/* The batch is durable: publish its mark, take its messages off the socket. */
void inbox_done(struct inbox *r);
/* The batch failed: the same messages will be appended again. */
void inbox_retry(struct inbox *r);
/* Tell dispatch that `safe` has moved. May be lost. */
void inbox_nudge(struct inbox *r);
/* About once a second: try again what the journal had no room for. */
void inbox_tick(struct inbox *r);
/* To poll for reading; -1 while there is nothing to wait for. */
int inbox_poll_fd(const struct inbox *r);
/* Nothing will come any more: the other end is closed, or (empty_is_enough) the socket is empty. */
bool inbox_over(const struct inbox *r, bool empty_is_enough);

#endif
