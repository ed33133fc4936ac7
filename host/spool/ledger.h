/* SPDX-License-Identifier: MIT
 * ledger: what the journal's lines add up to: every event and the state of each of its invocations. Dispatch keeps one of the
 * unfinished events and decides by it; creel builds one of everything to list and show. Compact: positions instead of
 * texts, about 150 bytes for an event with one function. One thread at a time.
 *
 * Applying a line twice changes nothing, for records may be written twice around a crash, and a line may be missing where the
 * journal was damaged. So an attempt or outcome counts only if it is news: its attempt number is higher than the last one
 * begun, or it is the outcome of the attempt that is running; and states that must have been in between (waiting, pending,
 * running) are gone through. What each kind does:
 *
 *   event     a new entry, not routed; known already: nothing
 *   routed    the entry's functions, pending if they are new; routed already: nothing. No functions: ended (ignored)
 *   attempt   running, attempts = its number. After done or dead it is refused: only a replay leads out of these. Like an outcome
 *             or action of an event that is not routed it says that the event went to this function (ledger_assume)
 *   outcome   the state it names; LOST and pending counts as an interruption
 *   carry     the event's place is this line now, and its invocations are as the line says, whatever was known
 *   action    replay: done, dead and waiting become pending; base = attempts, interrupted = 0. drop: dead. With no function: all of
 *             the event's. With attempts: only if no further attempt has begun since. Nothing at all once the whole event has
 *             ended: only a carry line brings that back. hold, resume: nothing (whether a function is held
 *             is in spool/functions.json)
 *   others    nothing
 *
 * A ledger that drops what has ended does so inside ledger_apply: so to replay an event that has ended, write a carry line in
 * which the function is already pending with base = attempts, then the action line as the record of who asked.
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
    bool violated;       /* taken although it does not meet its contract */
    bool routed, unsigned_source; /* not routed, and yet invocations: see ledger_assume */
    uint32_t user;
    struct entry *older, *newer; /* in order of `at` */
    struct invocation *inv;      /* n of them, owned; NULL when 0. A carry line may move them */
};

struct ledger;

/* keep_ended: keep events whose invocations have all ended (creel); else they are dropped as soon as they end (dispatch). NULL
 * when memory is out. */
struct ledger *ledger_new(bool keep_ended);
void ledger_free(struct ledger *l);

/* Take in one line at `at`. Lines about unknown events are ignored (ERR_OK). ERR_NO_MEMORY; ERR_INVALID for what the table
 * refuses or a function that is not the event's (nothing changes; the caller counts it); ERR_CORRUPT for a line that cannot be
 * decoded. *touched (may be NULL): the entry, or NULL when none or gone. */
enum err ledger_apply(struct ledger *l, const struct line *line, struct pos at, struct entry **touched);

struct entry *ledger_find(struct ledger *l, const struct id *id);
struct entry *ledger_oldest(struct ledger *l);
size_t ledger_count(const struct ledger *l);
/* An ended event of a ledger that does not keep them, or whatever the caller wants gone. */
void ledger_remove(struct ledger *l, struct entry *e);
struct invocation *ledger_invocation(struct ledger *l, struct entry *e, struct span function); /* NULL if not one of e's */

/* Give an event its functions (dispatch when routing; apply does the same for a routed line), besides those that it has by
 * ledger_assume. ERR_INVALID when it has been routed or there are more than LINE_FUNCTIONS_MAX; ERR_NO_MEMORY. */
enum err ledger_route(struct ledger *l, struct entry *e, const struct span *functions, size_t n);
/* A line speaks of this function of an event that is not routed: the routed line is damaged, and the event went there, among
 * others perhaps. The invocation, pending if it is new; moves the others. NULL: out of memory, names or LINE_FUNCTIONS_MAX. */
struct invocation *ledger_assume(struct ledger *l, struct entry *e, struct span function);
/* The one setter: checks lifecycle.tbl, ERR_INVALID and unchanged otherwise; keeps the counts. Never removes the entry: who set
 * the last invocation's end calls ledger_remove. */
enum err ledger_set(struct ledger *l, struct entry *e, struct invocation *i, enum state to);
/* The event's line (its carry line has become durable) is now there; nothing else changes. Short of memory it stays where it was. */
void ledger_move(struct ledger *l, struct entry *e, struct pos at);
bool ledger_ended(const struct entry *e); /* routed, and every invocation is done or dead (or there is none) */
enum state ledger_state(const struct entry *e); /* of the event; STATE_PENDING before it is routed */

/* A function's name as a small number (below 65536; UINT32_MAX when there are too many or memory is out), and any number back.
 * The numbers of functions stay; those of sources and types hold while an entry has them and long after, not for ever. */
uint32_t ledger_intern(struct ledger *l, struct span name);
struct span ledger_name(const struct ledger *l, uint32_t n);
/* Invocations in each state, all events. */
const int64_t *ledger_counts(const struct ledger *l);
/* Position before which nothing unfinished lies (the oldest unfinished entry's, or `end` if there is none). */
struct pos ledger_low(const struct ledger *l, struct pos end);
/* Unfinished events whose line lies in this segment. */
uint32_t ledger_in_segment(const struct ledger *l, uint32_t segment);

#endif
