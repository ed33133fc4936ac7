/* SPDX-License-Identifier: MIT
 * past: what the spool says happened, for the verbs that show it: every event, every invocation, from the journal alone, with
 * the daemon up or down. Never writes. One thread.
 */
#ifndef CREEL_CTL_PAST_H
#define CREEL_CTL_PAST_H

#include <stdio.h>

#include "ctl/ctl.h"
#include "spool/ledger.h"
#include "spool/reader.h"

struct past {
    const char *spool;        /* its name; not owned */
    int spool_fd;
    struct ledger *ledger;    /* ended events too */
    struct reader *reader;    /* in order */
    struct reader *finder;    /* by position */
    struct buf text, room;    /* of the line looked at */
    struct buf functions;     /* spool/functions.json, or empty */
    uint64_t unreadable_bytes;
};

/* All of these say what is wrong and exit where nothing can be shown. */
void past_open(struct ctl *c, struct past *p);
void past_close(struct past *p);
/* Read what is there (and was not read yet). touched, when not NULL, is called for every line about an event that is known. */
typedef void (*past_touched)(void *arg, struct entry *e, const struct line *line);
void past_read(struct past *p, past_touched touched, void *arg);

/* Every event, oldest first, into a malloc'ed array. */
struct entry **past_events(struct past *p, size_t *n);

/* What a person is told: an invocation that would be pending is held when its function is held, missing or broken. */
enum state past_state(struct past *p, const struct invocation *inv);
enum state past_event_state(struct past *p, const struct entry *e);
/* Why it is in this state: JSON text, a string or null. Lives until the next call that looks at a line. */
struct span past_why(struct past *p, const struct invocation *inv);
/* The line that holds the event, in p->text; false when it cannot be read any more. */
bool past_line(struct past *p, const struct entry *e, struct line *line);

/* The object of interface.md for creel list, without its closing brace, so that creel show can add to it. */
void past_put(struct past *p, const struct entry *e, struct buf *b);

/* What the options --state, --source, --type, --function, --since choose. */
struct choice {
    const char *source, *type, *function;
    int state; /* enum state, -1: any */
    int64_t since_ms;
};
/* Take the options off argv (state only when with_state); a value that cannot be is exit 100. */
void choice_take(struct choice *w, int *argc, char **argv, bool with_state);
bool choice_has(struct past *p, const struct choice *w, const struct entry *e);

/* Bytes from outside for a terminal: control characters become '?', at most max bytes. */
void past_print_text(FILE *to, struct span s, size_t max);
/* The same for whole texts: line feeds and tabs stay. */
void past_print_lines(FILE *to, struct span s);
/* Whole texts, each line with `before` in front; tabs stay, other control characters become \xNN. Ends with a line feed. */
void past_print_indented(FILE *to, struct span s, const char *before);
/* An id from the command line; what can be none was not found: exit 1. */
struct id past_id(const char *text);

#endif
