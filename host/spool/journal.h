/* SPDX-License-Identifier: MIT
 * journal: writing it: segments, group commit, recovery, retirement, the duplicate keys of each segment. One process writes a
 * spool (intake, holding spool/.intake.lock); within it one thread, the committer, makes every call here but journal_accepts
 * and journal_bounds, which any thread may make. journal_open may run on another thread if it is over before the committer
 * begins, journal_close likewise after the committer's end. A helper thread of the journal's own fills the next segments,
 * closes old ones, and reads and removes retired ones.
 *
 *   journal/000000000012.jsonl       a segment; filled with LF to its size, cut to length when closed
 *   journal/000000000013.jsonl.next  one to come: first line and filling written and synced before it gets its name
 *   journal/000000000012.idx         duplicate keys of a closed segment, also when that is retired, for as long as they count
 *   quarantine/000000000012.34567    bytes that could not be read, untouched
 *
 * A .jsonl name appears only when the first line, and where something went wrong the void lines and the lines saved behind them, are
 * synced in it: what a void line takes back is always already there again.
 *
 * All I/O goes through libc's open/openat, pwrite, fdatasync, fsync, rename(at), ftruncate, unlink(at), so that it can be
 * interposed by tests.
 */
#ifndef CREEL_SPOOL_JOURNAL_H
#define CREEL_SPOOL_JOURNAL_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "spool/line.h"
#include "spool/pos.h"

struct journal; /* opaque; owned by who opened it */

struct journal_options {
    int spool_fd;            /* the spool directory */
    int64_t segment_bytes;   /* shrunk to 1/16 of the filesystem; the first one after a start is smaller */
    int64_t min_free_bytes;  /* or */
    double min_free_percent;
    _Atomic uint64_t *safe;  /* struct pos packed; stored with release order after each sync. Read at open: 0 means unknown */
    int64_t (*wall_ms)(void); /* any thread */
};

/* What opening found. */
struct journal_recovery {
    uint64_t lines, copied, torn_bytes, quarantined_bytes, quarantined_ranges;
    bool salt_new;
};

/* A remembered duplicate key, as events and indexes give it. */
struct journal_dedupe {
    uint8_t key[16];
    struct id id;
    int64_t until_ms;
};
typedef void (*journal_dedupe_cb)(void *arg, const struct journal_dedupe *d);

/* Make the spool's folders (but dead/, which is dispatch's) and its README if they are missing, take the lock (ERR_DENIED when
 * another process holds it and does not let go within wait_ms), recover: find `safe`, quarantine, copy intact lines beyond
 * `safe` into a fresh segment, sync; hand every duplicate key whose time is not over to cb. After it returns *safe is published
 * and the journal is writable, unless the disk is full: then it opens all the same, refuses, and journal_tick tries on.
 * ERR_UNSUPPORTED: an intact line of unknown format or kind; the spool is left as it was. */
enum err journal_open(const struct journal_options *o, int64_t wait_ms, journal_dedupe_cb cb, void *arg, struct journal **out,
                      struct journal_recovery *found, struct why *w);
/* Commit what is pending, sync, cut the segment to length, write its index, release the lock. */
void journal_close(struct journal *j);

/* The salt of the duplicate keys (written in every segment's first line). */
void journal_salt(const struct journal *j, uint8_t salt[16]);

/* Add one unsealed line to the batch in memory. Where it will lie is decided by the commit: a batch is never split, so it may move
 * to the next segment as a whole. ERR_NO_ROOM: no segment can take it now (disk full and no filled segment left; or, with
 * reserve false, only the reserve is left); ERR_NOT_DURABLE: the disk failed and no fresh segment could be had yet. The batch
 * stays as it was. `key`: the duplicate key in this line, for the segment's index; NULL: the line has none, or whoever appends
 * it has not got it at hand, and then the segment is read again for its index. `reserve`: dispatch's records, which may use
 * what is kept back for them. */
enum err journal_append(struct journal *j, struct span unsealed, const struct journal_dedupe *key, bool reserve);
/* The same for several lines, n > 0: all of them, or none. */
struct journal_line {
    struct span unsealed;
    const struct journal_dedupe *key;
};
enum err journal_append_all(struct journal *j, const struct journal_line *lines, size_t n, bool reserve);
/* Write the batch; with sync, fdatasync and publish `safe`. On failure the batch counts as never written: the segment is given
 * up, a fresh one begins with `void`; ERR_NOT_DURABLE (or ERR_NO_ROOM where no fresh segment can be had; journal_tick tries
 * again). Without sync the lines are written but `safe` stays until a later commit with sync, at the latest the next tick's;
 * lines written so are saved into the fresh segment when that sync fails. */
enum err journal_commit(struct journal *j, bool sync, struct why *w);
/* Lines in the batch. */
size_t journal_pending(const struct journal *j);

/* Would an event be taken now: a segment open, the next one filled or being filled, free space above min_free? Cheap; any
 * thread. */
bool journal_accepts(const struct journal *j);
/* Called about once a second by the committer: looks at free space, begins filling, syncs what was only written, retries a
 * fresh segment after a failure, goes on with a retirement. With lines in the batch it leaves the syncing to their commit. */
void journal_tick(struct journal *j);

/* Dispatch said that this segment may go: only the oldest, only closed ones, and never the last two; ERR_INVALID otherwise.
 * The helper reads it through and quarantines what cannot be read, then a tombstone goes out with the next commit, then the
 * files are removed. ERR_OK also when that is already under way. */
enum err journal_retire(struct journal *j, uint32_t segment, struct why *w);
/* First and last segment that exist. Any thread. */
void journal_bounds(const struct journal *j, uint32_t *first, uint32_t *last);

#endif
