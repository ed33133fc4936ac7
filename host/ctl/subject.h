/* SPDX-License-Identifier: MIT
 * subject: a function's files read as dispatch reads them: a sealed copy of FILE.so, its name, the text of the sidecar beside it. One
 * thread.
 */
#ifndef CREEL_CTL_SUBJECT_H
#define CREEL_CTL_SUBJECT_H

#include "base/buf.h"
#include "base/err.h"
#include "spool/line.h"

struct subject {
    char name[FUNCTION_NAME_BYTES + 1];
    int so_fd;           /* owned */
    struct buf text;     /* owned */
    struct span sidecar; /* of text; SPAN_NONE: there is none */
};

/* ERR_INVALID when the file has no function's name or is empty; ERR_NOT_FOUND, ERR_NO_ROOM, ERR_SYSTEM as fs_read. s is to be closed in any
 * case. */
enum err subject_open(struct subject *s, const char *file, struct why *w);
void subject_close(struct subject *s);

#endif
