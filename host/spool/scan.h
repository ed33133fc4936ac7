/* SPDX-License-Identifier: MIT
 * scan: one segment read through, for those who look after it: recovery, closing, retirement. Never writes. Any thread.
 */
#ifndef CREEL_SPOOL_SCAN_H
#define CREEL_SPOOL_SCAN_H

#include "base/err.h"
#include "spool/index.h"
#include "spool/line.h"
#include "spool/pos.h"

struct scan {
    int spool_fd;
    uint32_t segment;
    uint32_t end; /* lines that begin here or later are not looked at; UINT32_MAX: all */
    /* Either may be NULL. Spans live until the call returns. */
    void (*line)(void *arg, const struct line *l, struct pos at);
    void (*unreadable)(void *arg, struct pos at, uint32_t n);
    void *arg;
    void (*refused)(void *arg, struct pos at, uint32_t n); /* the disk would not read these; NULL: that is ERR_SYSTEM */
};

/* ERR_UNSUPPORTED as line_parse; ERR_SYSTEM. */
enum err scan_segment(const struct scan *s, struct why *w);

/* The duplicate key that a line brings, if it brings one. */
bool scan_key(const struct line *l, struct journal_dedupe *d);

/* The index of a segment up to length, by reading it. x is initialised here; nothing to free on failure. */
enum err scan_index(int spool_fd, uint32_t segment, uint32_t length, const uint8_t salt[INDEX_SALT_BYTES], struct index *x,
                    struct why *w);

#endif
