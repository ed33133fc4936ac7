/* SPDX-License-Identifier: MIT
 * segments: which journal segments exist, opening them, and from where on one does not count (void lines). Reads only.
 * For the reader and fsck; one thread at a time.
 */
#ifndef CREEL_SPOOL_SEGMENTS_H
#define CREEL_SPOOL_SEGMENTS_H

#include "base/err.h"
#include "spool/pos.h"

#include <stdbool.h>
#include <stddef.h>

enum { SEGMENT_NAME_BYTES = sizeof("000000000001.jsonl"), SEGMENTS_OPEN = 8, SEGMENT_HEAD_BYTES = 64 * 1024 };

struct segments {
    int dir_fd;        /* spool/journal, owned */
    uint32_t *numbers; /* ascending, owned; as of the last refresh */
    size_t n;
    struct pos *voids; /* owned: from here on this segment does not count */
    size_t n_voids;
    uint32_t heads_read; /* void lines of segments up to this one are known */
    struct segment_open {
        uint32_t number;
        int fd;
        uint64_t used;
    } open[SEGMENTS_OPEN]; /* cache of descriptors */
    uint64_t uses;
};

/* ERR_NOT_FOUND when there is no journal folder. */
enum err segments_init(struct segments *s, int spool_fd, struct why *w);
void segments_fini(struct segments *s);
/* Look again which exist. */
enum err segments_refresh(struct segments *s, struct why *w);
/* The first that exists with a number >= at_least, as of the last refresh; 0 for none. */
uint32_t segments_from(const struct segments *s, uint32_t at_least);
/* A descriptor, owned by the cache and good until SEGMENTS_OPEN others were asked for. ERR_NOT_FOUND when it was
 * retired. */
enum err segments_open(struct segments *s, uint32_t number, int *fd, struct why *w);
/* Read the void lines in the heads of the segments up to `last`. `settled`: their heads are complete and need not be
 * read again; otherwise the last one's may still be about to be written. */
enum err segments_read_voids(struct segments *s, uint32_t last, bool settled, struct why *w);
/* Where this segment ends counting: UINT32_MAX when no void line says anything. */
uint32_t segments_void_from(const struct segments *s, uint32_t number);
/* "000000000012.jsonl" */
void segment_name(uint32_t number, char out[SEGMENT_NAME_BYTES]);

#endif
