/* SPDX-License-Identifier: MIT
 * quarantine: copying unreadable ranges out of segments. Never touches the segment.
 */
#include "spool/quarantine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stats.h"
#include "spool/line.h"
#include "spool/segment.h"

enum { NAME_BYTES = QUARANTINE_NAME_BYTES, VERSIONS = 100, QUARANTINE_MODE = 0640, MOST_BYTES = INT32_MAX, GUESS_BYTES = 256 };

static enum err read_range(int spool_fd, struct pos at, uint32_t n, struct buf *b, struct why *w)
{
    char name[SEGMENT_FORM_BYTES], path[NAME_BYTES];
    segment_form_name(at.segment, SEGMENT_LIVE, name);
    snprintf(path, sizeof path, "journal/%s", name);
    int fd = openat(spool_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
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

void quarantine_guess(struct span bytes, char out[QUARANTINE_GUESS_BYTES])
{
    static const char key[] = "\"id\":\"";
    const char *token = bytes.n ? memmem(bytes.p, bytes.n, LINE_TOKEN, sizeof LINE_TOKEN - 1) : NULL;
    const char *kind = "a";
    struct id id;
    size_t head = bytes.n < GUESS_BYTES ? bytes.n : GUESS_BYTES;
    const char *at = head ? memmem(bytes.p, head, key, sizeof key - 1) : NULL;
    for (int k = 0; token && k < KIND_COUNT; k++)
        if (span_starts(span_skip(bytes, (size_t)(token - bytes.p) + sizeof LINE_TOKEN - 1), span_str(kind_name((enum kind)k))))
            kind = kind_name((enum kind)k);
    bool known = at && (size_t)(bytes.p + bytes.n - at) >= sizeof key - 1 + ID_TEXT_BYTES &&
                 id_parse(span_of(at + sizeof key - 1, ID_TEXT_BYTES), &id) == ERR_OK;
    snprintf(out, QUARANTINE_GUESS_BYTES, known ? "%s line about event %.*s" : at || token ? "%s line" : "part of %s line", kind,
             ID_TEXT_BYTES, known ? at + sizeof key - 1 : "");
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
    char name[NAME_BYTES] = "", guess[QUARANTINE_GUESS_BYTES];
    bool there = false;
    buf_init(&bytes, MOST_BYTES);
    enum err e = read_range(spool_fd, at, n, &bytes, w);
    if (!e && (e = free_name(spool_fd, at, buf_span(&bytes), name, &there)) != ERR_OK)
        why_set(w, e, "%s: cannot be read, or has too many versions", name);
    quarantine_guess(buf_span(&bytes), guess);
    /* A file that is there already may be one whose name a kill kept from being synced. */
    if (!e)
        e = there ? fs_sync_parent(spool_fd, name, w) : fs_replace(spool_fd, name, buf_span(&bytes), QUARANTINE_MODE, w);
    buf_fini(&bytes);
    if (e)
        return e;
    *copied = !there;
    if (!there) {
        stat_add(STAT_quarantined_bytes_total, n);
        log_line(LOG_ERROR, "unreadable journal bytes were moved to quarantine", LOG_T("file", name), LOG_N("segment", at.segment),
                 LOG_N("offset", at.offset), LOG_N("bytes", n), LOG_T("seems", guess));
    }
    return ERR_OK;
}

/* Does this file hold them? Its name says from where on. */
static bool file_holds(int spool_fd, const char *name, uint32_t skip, struct span bytes)
{
    char path[NAME_BYTES + sizeof "quarantine/"];
    struct buf b;
    buf_init(&b, MOST_BYTES);
    snprintf(path, sizeof path, "quarantine/%.*s", NAME_BYTES - 1, name);
    bool holds = fs_read(spool_fd, path, &b, NULL) == ERR_OK && b.n >= skip && span_starts(span_skip(buf_span(&b), skip), bytes);
    buf_fini(&b);
    return holds;
}

static DIR *open_folder(int spool_fd)
{
    int fd = openat(spool_fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

/* The next file and the place that its name says; NULL at the end. */
static const char *next_file(DIR *dir, struct pos *at)
{
    for (struct dirent *d; (d = readdir(dir));)
        if (sscanf(d->d_name, "%12" SCNu32 ".%" SCNu32, &at->segment, &at->offset) == 2)
            return d->d_name;
    return NULL;
}

bool quarantine_holds(int spool_fd, struct pos at, uint32_t n, char name[QUARANTINE_NAME_BYTES])
{
    struct buf bytes;
    bool found = false;
    buf_init(&bytes, MOST_BYTES);
    DIR *dir = read_range(spool_fd, at, n, &bytes, NULL) == ERR_OK ? open_folder(spool_fd) : NULL;
    struct pos from;
    for (const char *file; dir && !found && (file = next_file(dir, &from));) {
        found = from.segment == at.segment && from.offset <= at.offset &&
                file_holds(spool_fd, file, at.offset - from.offset, buf_span(&bytes));
        if (found)
            snprintf(name, QUARANTINE_NAME_BYTES, "%.*s", QUARANTINE_NAME_BYTES - 1, file);
    }
    if (dir)
        closedir(dir);
    buf_fini(&bytes);
    return found;
}

enum err quarantine_look(int spool_fd, uint32_t oldest, struct quarantine_look *out, struct why *w)
{
    struct quarantine_look found = {0};
    struct pos at;
    DIR *dir = open_folder(spool_fd);
    if (!dir && errno != ENOENT)
        return why_errno(w, "quarantine/: cannot list the folder");
    for (const char *file; dir && (file = next_file(dir, &at));) {
        found.fingerprint += crc32c(0, file, strlen(file)) | 1;
        if (at.segment >= oldest && (!found.lowest.segment || pos_cmp(at, found.lowest) < 0))
            found.lowest = at;
    }
    if (dir)
        closedir(dir);
    *out = found;
    return ERR_OK;
}
