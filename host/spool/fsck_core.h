/* SPDX-License-Identifier: MIT
 * fsck_core: what fsck.c, fsck_line.c, fsck_journal.c, fsck_dead.c, fsck_fetched.c and fsck_rejected.c share. One thread at a time.
 */
#ifndef CREEL_SPOOL_FSCK_CORE_H
#define CREEL_SPOOL_FSCK_CORE_H

#include "spool/fsck.h"
#include "spool/ledger.h"
#include "spool/reader.h"

struct fsck {
    int spool_fd;
    fsck_report cb;
    void *arg;
    struct fsck_summary sum;
    struct reader *reader;
    struct ledger *all;        /* every event */
    struct ledger *unfinished; /* what checkpoints are measured by */
    struct buf room;           /* for decoding */
    uint32_t segment;          /* of the line before */
    uint32_t retired;          /* the newest segment that a line says was removed */
    uint32_t first_segment;    /* the oldest one: past 1, events may be gone that later lines speak of */
};

void fsck_say(struct fsck *f, bool finding, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Were there unreadable bytes so far? Then what is missing is said as a note: the damage itself is what was found. */
bool fsck_damaged(const struct fsck *f);
/* One line of the journal, in order: checked, counted and applied to the ledgers. ERR_NO_MEMORY. */
enum err fsck_line(struct fsck *f, const struct line *l, struct pos at);
/* What is in journal/, when its lines were read. */
enum err fsck_journal(struct fsck *f, struct why *w);
/* dead/ against the ledger. */
enum err fsck_dead(struct fsck *f, struct why *w);
/* What is in fetched/. */
enum err fsck_fetched(struct fsck *f, struct why *w);
/* What is in rejected/. */
enum err fsck_rejected(struct fsck *f, struct why *w);

#endif
