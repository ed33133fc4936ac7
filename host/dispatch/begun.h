/* SPDX-License-Identifier: MIT
 * begun: which runs have begun whose attempt line may not be synced yet. The line is on its way when its run begins, so that a run
 * waits for no sync; but the way lies in memory, and ends when all processes of the host are killed together. So each beginning is
 * noted in a small file first (spool/.dispatch.begun), whose pages outlive any kill; the next dispatch writes down what the journal
 * lacks, and the run that follows is a further attempt. A power cut may lose the file's last notes. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_BEGUN_H
#define CREEL_DISPATCH_BEGUN_H

#include <stdint.h>
#include "base/err.h"
#include "base/id.h"
#include "base/stats.h"
#include "spool/line.h"

enum { BEGUN_MAX = 1024 }; /* runs begun and not synced; more wait for the sync */

struct begun_note { /* as it lies in the file */
    uint32_t crc;   /* CRC32C of what follows; a note that does not match is none */
    uint32_t attempt, generation, unused;
    struct id id;
    char function[FUNCTION_NAME_BYTES]; /* padded with zeros */
};

struct begun {
    int fd; /* -1: no file: every run waits for its attempt to be synced */
    struct shared *shared;
    size_t next;                 /* place to be written next */
    uint64_t marks[BEGUN_MAX];   /* of each place: free once this is recorded */
    struct begun_note *found;    /* owned: what an earlier dispatch has left, n of them */
    size_t n;
};

/* Open or make the file and take what is in it; the places of what was found stay taken until begun_settle. What fails is logged:
 * then runs wait for their attempts to be synced. */
void begun_open(struct begun *b, int spool_fd, struct shared *shared);
void begun_close(struct begun *b);

/* May the run of this attempt begin? Yes when all before mark is synced, or it could be noted. */
bool begun_note(struct begun *b, const struct id *id, const char *function, uint32_t attempt, uint32_t generation, uint64_t mark);
/* All that was found has been written down before this mark. */
void begun_settle(struct begun *b, uint64_t mark);

#endif
