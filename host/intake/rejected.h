/* SPDX-License-Identifier: MIT
 * rejected: what the door refused and why, kept for people: rejected/000000000001.jsonl below the spool, one JSON
 * object a line, the last two files of at most REJECTED_FILE_BYTES each. A convenience beside the log, not the truth:
 * it is not synced, never holds a body, a path or a credential, and more than REJECTED_PER_SECOND lines a second are
 * counted instead of written. Only intake writes here. Any thread; a leaf lock around one write(2).
 */
#ifndef CREEL_INTAKE_REJECTED_H
#define CREEL_INTAKE_REJECTED_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

enum { REJECTED_FILE_BYTES = 8 << 20, REJECTED_PER_SECOND = 200 };

struct rejected;

/* Texts that are absent are SPAN_NONE and are written as null. */
struct rejection {
    int64_t at_ms;
    struct span request_id, source, type, method, remote;
    const char *step;
    enum err code;
    int status; /* as answered */
    const char *detail;
};

/* Goes on with the newest file. spool_fd stays the caller's. */
enum err rejected_open(int spool_fd, struct rejected **out, struct why *w);
void rejected_close(struct rejected *r); /* NULL is fine */
/* Write it down, or count it. What cannot be written is left out: refusing must work on a full disk. */
void rejected_put(struct rejected *r, const struct rejection *what);

#endif
