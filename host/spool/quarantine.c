/* SPDX-License-Identifier: MIT
 * quarantine: copying unreadable ranges out of segments. Never touches the segment.
 */
#include "spool/quarantine.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stats.h"
#include "spool/segment.h"

enum { NAME_BYTES = 64, VERSIONS = 100, QUARANTINE_MODE = 0640, MOST_BYTES = INT32_MAX };

static enum err read_range(int spool_fd, struct pos at, uint32_t n, struct buf *b, struct why *w)
{
    char name[SEGMENT_FORM_BYTES], path[NAME_BYTES];
    segment_form_name(at.segment, SEGMENT_LIVE, name);
    snprintf(path, sizeof path, "journal/%s", name);
    int fd = openat(spool_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return why_errno(w, "%s: cannot open", path);
    enum err e = ERR_OK;
    if (!buf_reserve(b, n))
        e = why_set(w, ERR_NO_MEMORY, "%s: no memory for %u unreadable bytes", path, n);
    while (!e && b->n < n) {
        ssize_t got = pread(fd, b->p + b->n, n - b->n, (off_t)(at.offset + b->n));
        if (got <= 0)
            e = why_errno(w, "%s: cannot read %u bytes at %u", path, n, at.offset);
        else
            b->n += (size_t)got;
    }
    close(fd);
    return e;
}

/* Finds the name to write to; false when these very bytes are there already. ERR_NO_ROOM when all names are taken. */
static enum err free_name(int spool_fd, struct pos at, struct span bytes, char out[NAME_BYTES], bool *there)
{
    struct buf old;
    enum err e = ERR_OK;
    *there = false;
    buf_init(&old, MOST_BYTES);
    for (int version = 1; version < VERSIONS; version++) {
        buf_clear(&old);
        int n = snprintf(out, NAME_BYTES, "quarantine/%012u.%u", at.segment, at.offset);
        if (version > 1)
            snprintf(out + n, NAME_BYTES - (size_t)n, ".%d", version);
        e = fs_read(spool_fd, out, &old, NULL);
        if (e == ERR_OK && span_eq(buf_span(&old), bytes))
            *there = true;
        if (e != ERR_OK || *there)
            break;
    }
    buf_fini(&old);
    if (*there || e == ERR_NOT_FOUND)
        return ERR_OK;
    return e ? e : ERR_NO_ROOM;
}

enum err quarantine_copy(int spool_fd, struct pos at, uint32_t n, bool *copied, struct why *w)
{
    struct buf bytes;
    char name[NAME_BYTES] = "";
    bool there = false;
    buf_init(&bytes, MOST_BYTES);
    enum err e = read_range(spool_fd, at, n, &bytes, w);
    if (!e && (e = free_name(spool_fd, at, buf_span(&bytes), name, &there)) != ERR_OK)
        why_set(w, e, "%s: cannot be read, or has too many versions", name);
    if (!e && !there)
        e = fs_replace(spool_fd, name, buf_span(&bytes), QUARANTINE_MODE, w);
    buf_fini(&bytes);
    if (e)
        return e;
    *copied = !there;
    if (!there) {
        stat_add(STAT_quarantined_bytes_total, n);
        log_line(LOG_ERROR, "unreadable journal bytes were moved to quarantine", LOG_T("file", name), LOG_N("segment", at.segment),
                 LOG_N("offset", at.offset), LOG_N("bytes", n));
    }
    return ERR_OK;
}
