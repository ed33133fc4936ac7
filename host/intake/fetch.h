/* SPDX-License-Identifier: MIT
 * fetch: what the door has other servers asked for, as events of type creel.fetch in the journal (spool/fetched.h): the keys that
 * a signature names, and the confirmation that a handshake wants. The door itself asks nobody. IO threads.
 */
#ifndef CREEL_INTAKE_FETCH_H
#define CREEL_INTAKE_FETCH_H

#include "intake/request.h"

enum { FETCH_WINDOW_MS = 10 * 60 * 1000 }; /* a confirmation asked for twice within this is one */

/* recipe_request's keys_at; arg is the request. The keyring lives as long as the request. What is missing or old is asked for. */
const struct keyring *fetch_keys_at(void *arg, struct span url);
/* The keys it was given did not prove it: a set of keys may have got another one; have it fetched again, if that was long ago.
 * True: it is being fetched, and the request may be proved by what comes. */
bool fetch_doubt(struct request *q);
/* The request is a handshake that wants q->reply.fetch: from here on it is an event of our own, which goes to dedupe and commit;
 * once it is durable the handshake is answered. ERR_OK: go on there; ERR_RATE_LIMITED, ERR_BODY_TOO_LARGE. */
enum err fetch_confirm(struct request *q);
/* What the fate of its event means for a handshake. */
enum err fetch_outcome(const struct request *q, enum err e);

#endif
