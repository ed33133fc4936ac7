/* SPDX-License-Identifier: MIT
 * ledger: what the journal's lines add up to: every event and the state of each of its invocations. Dispatch keeps one of the
 * unfinished events and decides by it; creel builds one of everything to list and show. Compact: positions instead of
 * texts. Applying a line twice changes nothing (records may be written twice around a crash). One thread at a time.
 */
#ifndef CREEL_SPOOL_LEDGER_H
#define CREEL_SPOOL_LEDGER_H

#include <stdint.h>
#include "base/err.h"
#include "spool/line.h"
#include "spool/pos.h"

struct invocation {
    uint16_t function; /* ledger_name */
    uint8_t state;     /* enum state */
    uint8_t interrupted;
    uint16_t attempts; /* begun so far; the next one is attempts + 1 */
    uint16_t base;     /* attempts at the last replay: the budget counts from here */
    int64_t due_ms;    /* when waiting */
    struct pos last;   /* its last attempt or outcome line, {0,0} for none */
    uint32_t user;     /* whoever keeps the ledger may use this (dispatch: place in its heap) */
};

struct entry {
    struct id id;
    struct pos at;       /* of the event's line, or of the carry line that holds it */
    uint32_t source;     /* ledger_name */
    uint32_t type;       /* ledger_name */
    int64_t received_ms;
    uint16_t n;          /* invocations */
    bool routed, unsigned_source;
    uint32_t user;
    struct entry *older, *newer; /* in order of arrival in the journal */
    struct invocation *inv;      /* n of them; NULL when 0 */
};

struct ledger;

/* keep_ended: keep events whose invocations have all ended (creel); else they are dropped as soon as they end (dispatch). */
struct ledger *ledger_new(bool keep_ended);
void ledger_free(struct ledger *l);

/* Take in one line at `at`. Lines about unknown events are ignored (ERR_OK). ERR_NO_MEMORY; ERR_INVALID for a transition that
 * the table refuses (nothing changes; the caller counts it). *touched (may be NULL): the entry, or NULL when none or gone.
 * A carry line about a known event moves its position and sets its invocations to what the line says; about an unknown one
 * it makes it. "replay" about an invocation (carry lines of a replay come just before it, so it may be pending already) makes
 * it pending and lets its budgets count anew: base = attempts, interrupted = 0. "hold" and "resume" without an id are for
 * the caller. */
enum err ledger_apply(struct ledger *l, const struct line *line, struct pos at, struct entry **touched);

struct entry *ledger_find(struct ledger *l, const struct id *id);
struct entry *ledger_oldest(struct ledger *l);
size_t ledger_count(const struct ledger *l);
/* An ended event of a ledger that does not keep them, or whatever the caller wants gone. */
void ledger_remove(struct ledger *l, struct entry *e);
struct invocation *ledger_invocation(struct ledger *l, struct entry *e, struct span function); /* NULL if not one of e's */

/* Give an event its functions (dispatch when routing; apply does the same for a routed line). */
enum err ledger_route(struct ledger *l, struct entry *e, const struct span *functions, size_t n);
/* The one setter: checks lifecycle.tbl, ERR_INVALID and unchanged otherwise; keeps the counts. Never removes the entry: who set
 * the last invocation's end calls ledger_remove. */
enum err ledger_set(struct ledger *l, struct entry *e, struct invocation *i, enum state to);
/* The event's line (its carry line has become durable) is now there. */
void ledger_move(struct ledger *l, struct entry *e, struct pos at);
bool ledger_ended(const struct entry *e); /* routed, and every invocation is done or dead (or there is none) */
enum state ledger_state(const struct entry *e); /* of the event; STATE_PENDING before it is routed */

/* Interned names (functions, sources, types): a small number and back. */
uint32_t ledger_intern(struct ledger *l, struct span name);
struct span ledger_name(const struct ledger *l, uint32_t n);
/* Invocations in each state, all events. */
const int64_t *ledger_counts(const struct ledger *l);
/* Position before which nothing unfinished lies (the oldest entry's, or `end` if there is none). */
struct pos ledger_low(const struct ledger *l, struct pos end);
/* Unfinished events whose line lies in this segment. */
uint32_t ledger_in_segment(const struct ledger *l, uint32_t segment);

#endif
