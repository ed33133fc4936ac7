/* SPDX-License-Identifier: MIT
 * journal: the pen. Segments, group commit, recovery, retirement, the duplicate indexes' raw material. One process writes a
 * spool (intake, holding spool/.intake.lock); within it one thread, the committer, calls everything here unless said
 * otherwise. A helper thread of its own fills the next segment with line feeds.
 *
 *   journal/000000000012.jsonl       a segment; filled with LF to segment_size, cut to length when closed
 *   journal/000000000013.jsonl.next  the next one, already filled and synced
 *   journal/000000000012.idx         duplicate keys of a closed segment; disposable
 *   quarantine/000000000012.34567    bytes that could not be read, untouched
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
    int64_t segment_bytes;   /* shrunk to 1/16 of the filesystem */
    int64_t min_free_bytes;  /* or */
    double min_free_percent;
    _Atomic uint64_t *safe;  /* struct pos packed; stored with release order after each sync. Read at open: 0 means unknown */
    int64_t (*wall_ms)(void);
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

/* Make the spool's folders if they are missing, take the lock (ERR_DENIED when another process holds it and does not let go
 * within wait_ms), recover: find `safe`, quarantine, copy intact lines beyond `safe` into a fresh segment, sync; hand
 * every duplicate key whose time is not over to cb. After it returns the journal is writable and *safe is published.
 * ERR_UNSUPPORTED: an intact line of unknown format or kind; the spool is left as it was. */
enum err journal_open(const struct journal_options *o, int64_t wait_ms, journal_dedupe_cb cb, void *arg, struct journal **out,
                      struct journal_recovery *found, struct why *w);
/* Sync, cut the segment to length, release the lock. */
void journal_close(struct journal *j);

/* The salt of the duplicate keys (written in every segment's first line). */
void journal_salt(const struct journal *j, uint8_t salt[16]);

/* Add one unsealed line to the batch in memory. *at (may be NULL) is where it will be. ERR_NO_ROOM: no segment can take it
 * now (disk full and no filled segment left; or, with reserve false, only the reserve is left). `reserve`: dispatch's records,
 * which may use what is kept back for them. */
enum err journal_append(struct journal *j, struct span unsealed, bool reserve, struct pos *at);
/* Write the batch; with sync, fdatasync and publish `safe`. On failure everything appended since the last successful commit
 * counts as never written: the segment is given up, a fresh one begins with `void`; ERR_NOT_DURABLE (or ERR_NO_ROOM where no
 * fresh segment can be had; later calls try again). Without sync the lines are written but `safe` stays. */
enum err journal_commit(struct journal *j, bool sync, struct why *w);
/* Lines in the batch. */
size_t journal_pending(const struct journal *j);

/* Would an event be taken now: a segment open, the next one filled, free space above min_free? Cheap; any thread. */
bool journal_accepts(const struct journal *j);
/* Called about once a second by the committer: begins filling, retries a fresh segment after a failure. */
void journal_tick(struct journal *j);

/* Dispatch said that this segment may go: only the oldest, only closed ones, and never the last two. Appends a tombstone.
 * ERR_INVALID otherwise. */
enum err journal_retire(struct journal *j, uint32_t segment, struct why *w);
/* First and last segment that exist. Any thread. */
void journal_bounds(const struct journal *j, uint32_t *first, uint32_t *last);

#endif
