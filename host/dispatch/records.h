/* SPDX-License-Identifier: MIT
 * records: the lines that dispatch has intake append: collected in memory, sent many to a message, in order. What was sent is
 * in the socket, which outlives dispatch, but not the host: only what is recorded is known after any end. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_RECORDS_H
#define CREEL_DISPATCH_RECORDS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/stats.h"

/* Above this many waiting bytes nothing is begun that makes more records. */
enum { RECORDS_FULL_BYTES = 4 << 20 };

struct records {
    int fd;
    struct shared *shared;
    uint64_t base; /* of this dispatch's marks: no earlier one has sent a higher one */
    struct buf out;    /* (uint32 length, line)*, the first `sent` bytes are gone already */
    size_t sent, line; /* line: where the open record's length is */
    uint64_t dropped;  /* bytes taken off the front of `out` so far; marks count from the very first byte, on top of base */
    int64_t due_ms;    /* when what is waiting is to be sent; INT64_MAX: nothing is waiting */
    bool open;
};

void records_init(struct records *r, int fd, struct shared *shared);
void records_fini(struct records *r);

/* The buffer to write one unsealed line into, then records_end: the mark behind it. Running out of memory ends the process
 * (nothing may be decided that is not written down, and a new dispatch starts from the journal). */
struct buf *records_begin(struct records *r);
uint64_t records_end(struct records *r);
/* The same for a line that nothing waits for, and that the journal's next reader would work out again: it is sent at by_ms,
 * on the clock of the caller, or together with one that has to be sent at once. Each message costs intake a sync. */
uint64_t records_end_by(struct records *r, int64_t by_ms);
/* When the next flush is due; INT64_MAX: nothing is waiting. */
int64_t records_due_ms(const struct records *r);

/* Send what the socket takes, due or not. ERR_OK: all of it; ERR_AGAIN: some is waiting; ERR_CLOSED: nobody is there any more. */
enum err records_flush(struct records *r);
bool records_sent(const struct records *r, uint64_t mark);
/* Behind the last record. */
uint64_t records_mark(const struct records *r);
size_t records_waiting(const struct records *r);
static inline bool records_full(const struct records *r)
{
    return records_waiting(r) > RECORDS_FULL_BYTES;
}

#endif
