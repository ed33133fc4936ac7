/* SPDX-License-Identifier: MIT
 * survey: what a journal looks like when it is opened: its segments, its salt, how far it is known to be safe, what is
 * unreadable and what lies beyond. Reads only. Committer thread, before anything is written.
 */
#ifndef CREEL_SPOOL_SURVEY_H
#define CREEL_SPOOL_SURVEY_H

#include "base/buf.h"
#include "spool/index.h"
#include "spool/journal.h"

/* Closed segments with a good index are read through all the same while no more than this was read: damage is found at the next
 * start in all but large spools, where it is found when it is read or, at the latest, retired. */
enum { SURVEY_BYTES = 128 << 20 };

struct survey_segment {
    uint32_t number, size;
    uint32_t head_end;  /* behind the first line; 0 when that is unreadable */
    uint32_t void_from; /* from here on a later segment took it back; UINT32_MAX: nowhere */
    bool has_salt, indexed, beyond; /* beyond: something was written behind safe */
    uint8_t salt[INDEX_SALT_BYTES];
};

struct survey_range {
    struct pos at;
    uint32_t n;
};

struct survey {
    int spool_fd, journal_fd;
    struct survey_segment *all; /* owned, ascending */
    size_t n;
    uint32_t largest;  /* number ever seen, also of .next and .idx files */
    bool has_salt;
    uint8_t salt[INDEX_SALT_BYTES]; /* of the newest readable first line */
    struct pos safe;
    bool safe_told;    /* not only read from marks: what is behind it was never acknowledged */
    uint64_t lines, torn_bytes, copied;
    struct buf ranges; /* of struct survey_range: unreadable and to be kept */
    struct buf beyond; /* intact lines behind safe, each with its LF */
    struct buf indexes; /* uint32_t: the numbers of all .idx files */
};

/* told: what *safe said, 0 for unknown. Each duplicate key whose time is after now_ms goes to cb. ERR_UNSUPPORTED as journal_open.
 * s is to be freed in any case. */
enum err survey_read(struct survey *s, int spool_fd, int journal_fd, uint64_t told, int64_t now_ms, journal_dedupe_cb cb,
                     void *arg, struct why *w);
void survey_free(struct survey *s);

#endif
