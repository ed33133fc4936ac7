/* SPDX-License-Identifier: MIT
 * journal_in: what the journal's own files share: journal.c (append, commit, tick, close), fresh.c (which segment to write to, and
 * what to do when one fails) and recover.c (opening). Nobody else includes this. Committer thread only, but for the atomics.
 */
#ifndef CREEL_SPOOL_JOURNAL_IN_H
#define CREEL_SPOOL_JOURNAL_IN_H

#include "spool/helper.h"
#include "spool/journal.h"
#include "spool/segment.h"

struct journal {
    struct journal_options o;
    int journal_fd, lock_fd; /* owned */
    uint8_t salt[INDEX_SALT_BYTES];
    uint32_t limit_bytes, young_bytes; /* a segment; the first one after a start or a failure, so that it is there soon */
    uint32_t next_number;             /* never used before */

    struct segment live;  /* written to; fd -1: none, and down says why */
    struct segment spare; /* filled, to be next; fd -1: none taken yet */
    struct pos safe;      /* what *o.safe says; in live when there is one */
    enum err down;

    struct index keys;       /* of live, as far as it is committed */
    struct index batch_keys; /* of the batch */
    bool keys_unknown;       /* live holds others, too: it has to be read for its index */

    struct buf batch; /* sealed lines */
    size_t n_batch;
    bool batch_unknown; /* it holds keys that are not among batch_keys */
    bool to_spare;  /* the batch does not fit live any more */
    bool tombstone; /* the batch holds the tombstone of the segment that is being retired */

    struct buf voids;   /* of struct pos: what the next fresh segment must take back */
    struct buf rescued; /* sealed lines that must follow there */

    struct buf numbers; /* of uint32_t: the segments that exist, ascending */
    _Atomic uint32_t first, last;
    _Atomic bool is_open, has_room;
    struct helper helper;
};

/* Bytes at the end of the last filled segment that only dispatch's records may use. */
uint32_t journal_reserve(uint32_t size);
/* Free space: has_room; and how many bytes the next segment may take. */
int64_t journal_look_at_room(struct journal *j);
/* Look at the room, and ask for the next segment if none is there or on its way; with plenty of room also for the one after it. */
void journal_want_spare(struct journal *j);
/* After a commit: how far the next segment is to be filled by now. */
void journal_pace(struct journal *j);
/* Is a spare there; with wait, one that is being filled is taken as far as it is, or when young_bytes are filled. */
bool journal_get_spare(struct journal *j, bool wait);
/* Live is done with; take its keys for the index. */
void journal_close_live(struct journal *j);
/* The batch is as if it had never been. */
void journal_drop_batch(struct journal *j);
/* Go on in the spare, which is there. The old segment is synced and closed. On failure the batch is gone. */
enum err journal_switch(struct journal *j, struct why *w);
/* A write or sync of live failed: leave it at safe, and begin a fresh segment. Never ERR_OK: says what to answer. */
enum err journal_give_up(struct journal *j, struct why *w);
/* Begin a segment with what voids and rescued say. On failure there is no live segment and `down` says why. */
enum err journal_fresh(struct journal *j, struct why *w);
void journal_set_safe(struct journal *j, struct pos safe);
/* numbers, and first and last from them. False: no memory. */
bool journal_add_number(struct journal *j, uint32_t number);
void journal_numbers_changed(struct journal *j);

/* Read what is there and make it good; the first half of journal_open. Changes nothing on disk when it returns ERR_UNSUPPORTED. */
enum err journal_recover(struct journal *j, journal_dedupe_cb cb, void *arg, struct journal_recovery *found, struct why *w);

#endif
