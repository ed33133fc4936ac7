/* SPDX-License-Identifier: MIT
 * fsck: is this spool whole? Reads all of the journal, the quarantine and dead/, and says what does not fit. Never
 * writes. With the daemon up it may read what is being written; then it says less about the very end. One thread at a
 * time.
 */
#ifndef CREEL_SPOOL_FSCK_H
#define CREEL_SPOOL_FSCK_H

#include <stdint.h>
#include "base/err.h"
#include "spool/line.h"

struct fsck_summary {
    bool live; /* somebody is writing */
    uint64_t segments, lines, kinds[KIND_COUNT];
    uint64_t events, unfinished; /* known by their lines; those not ended */
    uint64_t invocations[STATE_COUNT];
    uint64_t unreadable_ranges, unreadable_bytes;
    uint64_t quarantined_bytes; /* of these, what quarantine/ holds */
    uint64_t repeated;          /* records written twice around a crash: harmless */
    uint64_t letters;           /* files in dead/ */
    uint64_t findings;
};

/* Called with one sentence for each thing that does not fit ("journal/000000000003.jsonl at 7712: …"), finding true, or
 * that somebody may want to know, finding false. */
typedef void (*fsck_report)(void *arg, bool finding, const char *text);

/* Check a spool directory:
 *   - each segment begins with its own first line; every byte is filling or part of an intact line that is valid JSON;
 *     what is not is a finding until quarantine/ holds the very bytes, then a note with the name
 *   - no closed segment is missing or shorter than its index says, none is empty, and nothing else is in journal/
 *   - event ids are unique; lines speak of events that are there; events decode
 *   - attempts are numbered without gaps, each begins after the one before has ended, each outcome belongs to an
 *     attempt on record, and no transition is outside lifecycle.tbl
 *   - safe marks, void lines and tombstones speak of what lies before them; nothing before a checkpoint is unfinished
 *   - dead/ holds a letter for each dead invocation and no other; fetched/ holds what can have been fetched, and nothing else
 *   - rejected/ holds files of refused requests and nothing else; lines there that cannot be read are a note
 * What lines before it that cannot be read explain (an event, attempt or outcome that is missing) is a note.
 * ERR_OK also when there are findings. ERR_NOT_FOUND: no spool; ERR_UNSUPPORTED: written by a newer version;
 * ERR_SYSTEM. */
enum err fsck_run(int spool_fd, fsck_report cb, void *arg, struct fsck_summary *out, struct why *w);

#endif
