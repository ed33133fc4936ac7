/* SPDX-License-Identifier: MIT
 * reader: reading the journal in order, by anyone (dispatch up to `safe`, creel with the daemon up or down, recovery). Never
 * writes. Skips blank filling, void ranges and unreadable bytes (resynchronising on line starts, also inside a line), reports
 * the latter. One thread at a time.
 */
#ifndef CREEL_SPOOL_READER_H
#define CREEL_SPOOL_READER_H

#include "base/buf.h"
#include "base/err.h"
#include "spool/line.h"
#include "spool/pos.h"

struct reader; /* opaque */

/* A range that could not be read: bytes [from, from + n) of a segment. */
typedef void (*reader_unreadable)(void *arg, struct pos from, uint32_t n);

/* spool_fd stays the caller's. from {0,0}: the oldest segment's beginning. cb may be NULL. */
enum err reader_open(int spool_fd, struct pos from, reader_unreadable cb, void *arg, struct reader **out, struct why *w);
void reader_free(struct reader *r);

/* The next intact line that begins before `limit`, a place between two lines as `safe` is; spans live until the next call.
 * ERR_AGAIN at the limit (later calls go on from there; a limit may stay or rise). limit NULL: everything that is there (ERR_AGAIN
 * at the end); broken bytes at the very end may be a line that is just being written: they are not reported but looked at again
 * by the next call, unless reader_at_rest was called. ERR_UNSUPPORTED as line_parse, and the reader stays there. Segments that
 * were retired meanwhile are skipped. ERR_SYSTEM, ERR_NO_MEMORY. */
enum err reader_next(struct reader *r, const struct pos *limit, struct line *out, struct pos *at, struct why *w);
/* After ERR_SYSTEM: pass over the part that the disk refuses to read, more with each call in a row, not beyond `limit` (as given to
 * reader_next). *at and *n say which bytes nothing is known of. False: it was not reading a segment that failed; nothing changed. */
bool reader_pass_over(struct reader *r, const struct pos *limit, struct pos *at, uint32_t *n);
/* Nobody writes this spool (and nobody will while it is read): broken bytes at the end are reported like any others. */
void reader_at_rest(struct reader *r);
/* Where the next call begins. */
struct pos reader_pos(const struct reader *r);

/* One line by position, into b (cleared first). ERR_NOT_FOUND when the segment is gone, ERR_CORRUPT. Keeps a small cache of
 * open segments. */
enum err reader_at(struct reader *r, struct pos at, struct buf *b, struct line *out, struct why *w);

/* The segments that exist, ascending, into a malloc'ed array (NULL when there are none). */
enum err reader_segments(int spool_fd, uint32_t **out, size_t *n, struct why *w);

#endif
