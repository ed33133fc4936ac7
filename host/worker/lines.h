/* SPDX-License-Identifier: MIT
 * lines: a pipe's bytes, cut into lines. Owns the pipe's reading end, which never blocks. One thread.
 */
#ifndef CREEL_WORKER_LINES_H
#define CREEL_WORKER_LINES_H

#include "base/span.h"

enum { LINES_MAX_BYTES = 4096 }; /* a longer line comes in pieces of this */

struct lines {
    int fd;
    size_t at, n; /* bytes[at..n) are not yet taken */
    char bytes[2 * LINES_MAX_BYTES];
};

void lines_init(struct lines *l, int fd);
void lines_fini(struct lines *l);

/* Take the next whole line, without its end; or, with flush, what is there of one. False when there is none. The line lives
 * until lines_read. */
bool lines_take(struct lines *l, bool flush, struct span *line);
/* Read once, after lines_take has found nothing more. Bytes read; 0 when there are none now, or no writer any more. */
size_t lines_read(struct lines *l);

#endif
