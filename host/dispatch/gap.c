/* SPDX-License-Identifier: MIT
 * gap: what the disk refuses, waited for.
 */
#include "dispatch/gap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

enum { LOOK_MS = 5000 };

void gap_note(struct dispatch *d, struct pos at, uint32_t n, const struct why *w)
{
    struct gap *g = &d->gap;
    log_line(LOG_ERROR, "the disk refuses a part of the journal: what is in it waits until it can be read; see creeld(8)",
             LOG_N("segment", at.segment), LOG_N("offset", at.offset), LOG_N("bytes", n), LOG_T("why", w->text));
    if (!g->at.segment || pos_cmp(at, g->at) < 0) {
        g->at = at;
        g->n = n;
    }
    g->look_ms = d->now_ms + LOOK_MS;
    stat_set(STAT_unread_bytes, stat_get(STAT_unread_bytes) + n);
}

struct pos gap_low(const struct dispatch *d, struct pos end)
{
    return d->gap.at.segment && pos_cmp(d->gap.at, end) < 0 ? d->gap.at : end;
}

/* Opened anew: somebody may have put a copy in its place. A segment that is gone has nothing to wait for. */
static bool can_read(const struct dispatch *d, const struct gap *g)
{
    enum { STEP = 65536 };
    char bytes[STEP], path[64];
    ssize_t got = 1;
    snprintf(path, sizeof path, "journal/%012" PRIu32 ".jsonl", g->at.segment);
    int fd = openat(d->spool_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    for (uint32_t n = 0; n < g->n && got > 0; n += (uint32_t)got) {
        got = pread(fd, bytes, g->n - n < STEP ? g->n - n : STEP, (off_t)g->at.offset + n);
        if (got < 0)
            break;
    }
    close(fd);
    return got >= 0;
}

void gap_turn(struct dispatch *d)
{
    struct gap *g = &d->gap;
    if (!g->at.segment || d->stopping || d->now_ms < g->look_ms)
        return;
    g->look_ms = d->now_ms + LOOK_MS;
    if (!can_read(d, g))
        return;
    log_line(LOG_WARN, "a part of the journal that could not be read can be read again: starting anew", LOG_N("segment", g->at.segment),
             LOG_N("offset", g->at.offset));
    dispatch_stop(d);
}
