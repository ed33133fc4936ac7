/* SPDX-License-Identifier: MIT
 * helper: the journal's second thread. It does what takes long, so that no commit waits for it: filling segments ahead,
 * cutting and indexing closed ones, reading a segment through before it is retired and removing it afterwards. The calls here
 * are the committer's; the lock is a leaf.
 *
 * Filling writes as many bytes as the events themselves, on the disk they are synced to. So it is done step by step, in the
 * quiet: a step that is not due yet waits while others commit all the time, and all other work goes before it.
 */
#ifndef CREEL_SPOOL_HELPER_H
#define CREEL_SPOOL_HELPER_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/buf.h"
#include "spool/index.h"
#include "spool/segment.h"

enum fill { FILL_NONE, FILL_WANTED, FILL_DONE, FILL_FAILED };

/*  idle ──begin──▶ check ──▶ checked ──remove──▶ remove ──▶ idle
 *                    └────▶ idle (could not be read or quarantined: said, and nothing is removed) */
enum retire { RETIRE_IDLE, RETIRE_CHECK, RETIRE_CHECKED, RETIRE_REMOVE };

struct helper_closing { /* a segment to cut and index */
    uint32_t number, end;
    bool known;
    struct index keys; /* when known; else it is read for them */
    struct helper_closing *next;
};

struct helper {
    int spool_fd, journal_fd; /* the journal's */
    uint8_t salt[INDEX_SALT_BYTES];
    int64_t (*wall_ms)(void);
    pthread_t thread;
    bool started;
    _Atomic bool fill_failed;  /* the last filling failed and nothing filled is left: what journal_accepts looks at */
    _Atomic bool stocked;      /* see helper_stocked */
    _Atomic uint32_t fill_due; /* so many bytes of the segment that is being filled are due now */
    _Atomic uint32_t commits;  /* so far */
    pthread_mutex_t lock;      /* of everything below */
    pthread_cond_t work, done;
    bool stop;
    enum fill fill;
    uint32_t number, size, least;
    struct segment made; /* FILL_WANTED: as far as it is filled, the thread's own; FILL_DONE: whole */
    bool resting;        /* the next step of filling waits, unless it is due */
    uint32_t seen;       /* commits, when the last rest was over */
    struct helper_closing *closes, **closes_end;
    enum retire retire;
    uint32_t retire_segment;
    int64_t swept_ms; /* when indexes without segments were last looked through; the thread's own */
};

void helper_init(struct helper *h, int spool_fd, int journal_fd, const uint8_t salt[INDEX_SALT_BYTES], int64_t (*wall_ms)(void));
enum err helper_start(struct helper *h, struct why *w);
/* Finish what is queued but filling, end the thread, remove a segment that nobody took. */
void helper_stop(struct helper *h);

/* Make segment `number` with size bytes or, when there is no room, less and less down to `least`. Nothing happens while an earlier
 * one is wanted or not taken yet; false then. */
bool helper_fill(struct helper *h, uint32_t number, uint32_t size, uint32_t least);
/* The journal has a filled segment at hand, or not: when it has, what is being filled is stock, and failing costs nothing yet. */
void helper_stocked(struct helper *h, bool stocked);
/* There was a commit; so many bytes of the segment that is being filled are due, however busy the disk. */
void helper_pace(struct helper *h, uint32_t due);
/* Take the filled segment. False when there is none. With enough > 0 wait for one that is being filled, which then becomes no
 * larger than it is already, or than `enough`. */
bool helper_take(struct helper *h, struct segment *out, uint32_t enough);
/* Cut segment number to end and write its index. keys: what it says, taken and left empty; NULL: the segment is read for it. */
void helper_close(struct helper *h, uint32_t number, uint32_t end, struct index *keys);

/* Begin to retire a segment; false when another one is being retired (true when it is the same). */
bool helper_retire(struct helper *h, uint32_t segment);
/* The segment that was read through and waits for its tombstone; 0: none. */
uint32_t helper_retire_checked(struct helper *h);
/* Its tombstone is synced: remove it, and the indexes that have outlived their segments and are not needed any more. */
void helper_remove(struct helper *h);

#endif
