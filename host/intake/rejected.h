/* SPDX-License-Identifier: MIT
 * rejected: what the door refused, kept for people in rejected/ below the spool (spool/refusal.h): files of their own for each
 * cause, of which the oldest goes when they hold too much, too many or what is too old. A convenience beside the log, not the
 * truth: it is not synced. Refusing never waits for it and never fails by it: what cannot be written is counted, and of one cause
 * and source only so much a second is written, so that who makes noise pushes out nothing but his own kind. Only intake writes
 * here. Any thread; a leaf lock around one write(2).
 */
#ifndef CREEL_INTAKE_REJECTED_H
#define CREEL_INTAKE_REJECTED_H

#include <stdint.h>
#include "base/err.h"
#include "spool/refusal.h"

struct rejected;

/* All at least 1; of each cause. */
struct rejected_limits {
    int64_t bytes, count, age_ms;
    int64_t rate; /* lines a second of one source, from senders that have proven nothing */
};
enum {
    REJECTED_PARTS = 8,    /* files of one cause: the limits are met by removing the oldest */
    REJECTED_BURST_S = 10, /* so many seconds' lines may come at once */
    REJECTED_TRUST = 50,   /* senders that have proven themselves may be refused so many times as often */
    REJECTED_LINE_COST_BYTES = 4096 /* a longer line counts as several */
};

/* Goes on with the newest files. Without a folder that can be used (a link, a file of this name) everything is left out, which the
 * log says. Files that somebody removes, and the folder, are made anew. spool_fd stays the caller's, open for as long. ERR_NO_MEMORY. */
enum err rejected_open(int spool_fd, const struct rejected_limits *limits, struct rejected **out, struct why *w);
void rejected_close(struct rejected *r); /* NULL is fine */
void rejected_limit(struct rejected *r, const struct rejected_limits *limits);
/* Remove what is too old. To be called now and then. */
void rejected_expire(struct rejected *r, int64_t wall_ms);

/* May one more be written of this cause and source ("": none)? False: it has been counted, and need not be put together. */
bool rejected_wants(struct rejected *r, enum err cause, const char *source, bool proven, int64_t mono_ms);
/* Write it down, or count it. A line that is too long for the limits is written without its body, then without its headers. what->at_ms
 * is the time; code is the cause's. */
void rejected_put(struct rejected *r, enum err cause, const char *source, bool proven, struct refusal *what);

/* The folder's descriptor, for reading; -1: there is none. */
int rejected_folder(const struct rejected *r);

#endif
