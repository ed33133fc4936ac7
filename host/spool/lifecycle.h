/* SPDX-License-Identifier: MIT
 * lifecycle: the states of an invocation (one event and one function that wants it) and of an event, and the one table of
 * what may follow what (lifecycle.tbl):
 *
 *            ┌──────────── replay ─────────────┐
 *            ▼                                 │
 *        pending ──▶ running ──▶ done ─────────┤
 *          ▲ ▲ │        │ │                    │
 *          │ │ │        │ └────▶ dead ─────────┘
 *          │ │ └▶ held ─┼──────▶ dead (dropped)
 *          │ └────┘     ▼
 *          └──────── waiting
 *
 * Pure: no I/O, no clock. Any thread.
 */
#ifndef CREEL_SPOOL_LIFECYCLE_H
#define CREEL_SPOOL_LIFECYCLE_H

#include "base/err.h"
#include "base/span.h"

enum state { STATE_PENDING, STATE_RUNNING, STATE_WAITING, STATE_HELD, STATE_DONE, STATE_DEAD, STATE_COUNT, STATE_IGNORED = STATE_COUNT };

const char *state_name(enum state s); /* also STATE_IGNORED, which only events have */
enum err state_parse(struct span s, enum state *out);
bool state_may_follow(enum state from, enum state to);

/* How a run ended. */
enum outcome { OUTCOME_DONE, OUTCOME_RETRY, OUTCOME_REJECT, OUTCOME_CRASH, OUTCOME_TIMEOUT, OUTCOME_LOST, OUTCOME_COUNT };
const char *outcome_name(enum outcome o); /* "DONE", … */
enum err outcome_parse(struct span s, enum outcome *out);

/* An event's state: the first of running, pending, waiting, held, dead, done that one of its invocations is in;
 * STATE_IGNORED for none (counts[] all zero) once it has been routed. */
enum state state_of_event(const unsigned counts[STATE_COUNT], bool routed);

#endif
