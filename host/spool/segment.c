/* SPDX-License-Identifier: MIT
 * segment: one file of the journal. Filling is what makes a later sync cheap: it changes no size and allocates nothing, so
 * fdatasync has only the lines themselves to write. Any thread.
 */
#include "spool/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"

enum { FILL_BYTES = 256 * 1024, GENTLE_BYTES_PER_S = 16 << 20, DIGITS = 12, SEGMENT_MODE = 0640 };

static const char *const endings[SEGMENT_FORMS] = {
    [SEGMENT_LIVE] = ".jsonl",
    [SEGMENT_NEXT] = ".jsonl.next",
    [SEGMENT_INDEX] = ".idx",
};

void segment_form_name(uint32_t number, enum segment_form form, char out[SEGMENT_FORM_BYTES])
{
    snprintf(out, SEGMENT_FORM_BYTES, "%012u%s", number, endings[form]);
}

bool segment_form_parse(const char *name, enum segment_form *form, uint32_t *number)
{
    uint64_t v = 0;
    for (int i = 0; i < DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(name[i] - '0');
    }
    if (v == 0 || v > UINT32_MAX)
        return false;
    for (int f = 0; f < SEGMENT_FORMS; f++) {
        if (strcmp(name + DIGITS, endings[f]) == 0) {
            *form = (enum segment_form)f;
            *number = (uint32_t)v;
            return true;
        }
    }
    return false;
}

/* Write a piece through to the disk: a large burst would hold up every commit that comes meanwhile. An error that this call
 * reports is not reported by a later fsync, so it counts. */
static enum err push(int fd, off_t from, off_t n)
{
    enum { THROUGH = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER };
    int e = sync_file_range(fd, from, n, THROUGH);
    return e == 0 || errno == ENOSYS || errno == EINVAL || errno == ESPIPE ? ERR_OK : ERR_SYSTEM;
}

/* What is not due yet is filled gently, so that it costs a commit at most the time of one piece now and then. */
static void pace(uint32_t filled, uint32_t size, const _Atomic uint32_t *due)
{
    const struct timespec piece = {.tv_nsec = 1000000000L / (GENTLE_BYTES_PER_S / FILL_BYTES)};
    if (due && filled > (uint64_t)size * atomic_load(due) / SEGMENT_PARTS)
        nanosleep(&piece, NULL);
}

/* Line feeds in [from, to). */
static enum err fill(int fd, uint32_t from, uint32_t to, const _Atomic uint32_t *due)
{
    char *block = malloc(FILL_BYTES);
    if (!block) {
        errno = ENOMEM;
        return ERR_NO_MEMORY;
    }
    memset(block, '\n', FILL_BYTES);
    enum err e = ERR_OK;
    while (!e && from < to) {
        uint32_t n = to - from < FILL_BYTES ? to - from : FILL_BYTES;
        e = fs_pwrite_all(fd, span_of(block, n), from);
        from += n;
        if (!e && from < to) {
            e = push(fd, from - n, n);
            pace(from, to, due);
        }
    }
    int saved = errno;
    free(block);
    errno = saved;
    return e;
}

enum err segment_make(int journal_fd, uint32_t number, uint32_t size, struct span head, const _Atomic uint32_t *due,
                      struct segment *out, struct why *w)
{
    char name[SEGMENT_FORM_BYTES];
    segment_form_name(number, SEGMENT_NEXT, name);
    if (unlinkat(journal_fd, name, 0) != 0 && errno != ENOENT)
        return why_errno(w, "journal/%s: cannot remove the old one", name);
    int fd = openat(journal_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, SEGMENT_MODE);
    if (fd < 0)
        return why_errno(w, "journal/%s: cannot create", name);
    struct segment s = {fd, number, size, (uint32_t)head.n};
    if (fs_pwrite_all(fd, head, 0) != ERR_OK || fill(fd, s.end, size, due) != ERR_OK || fsync(fd) != 0) {
        why_errno(w, "journal/%s: cannot fill %u bytes", name, size);
        int saved = errno;
        segment_drop(journal_fd, &s);
        errno = saved;
        return ERR_SYSTEM;
    }
    *out = s;
    return ERR_OK;
}

enum err segment_grow(struct segment *s, uint32_t size, struct why *w)
{
    if (size <= s->size)
        return ERR_OK;
    if (fill(s->fd, s->size, size, NULL) != ERR_OK || fsync(s->fd) != 0) {
        why_errno(w, "journal segment %u: cannot grow it to %u bytes", s->number, size);
        /* Whether this works or not: nothing beyond the old size is ever used. */
        if (ftruncate(s->fd, s->size) != 0)
            errno = EIO;
        return ERR_SYSTEM;
    }
    s->size = size;
    return ERR_OK;
}

enum err segment_publish(int journal_fd, const struct segment *s, struct why *w)
{
    char from[SEGMENT_FORM_BYTES], to[SEGMENT_FORM_BYTES];
    segment_form_name(s->number, SEGMENT_NEXT, from);
    segment_form_name(s->number, SEGMENT_LIVE, to);
    if (renameat(journal_fd, from, journal_fd, to) != 0)
        return why_errno(w, "journal/%s: cannot rename", from);
    if (fsync(journal_fd) != 0)
        return why_errno(w, "journal/: cannot sync the folder");
    return ERR_OK;
}

bool segment_drop(int journal_fd, struct segment *s)
{
    static const enum segment_form forms[] = {SEGMENT_NEXT, SEGMENT_LIVE};
    bool gone = true;
    if (s->fd < 0)
        return true;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char name[SEGMENT_FORM_BYTES];
        segment_form_name(s->number, forms[i], name);
        if (unlinkat(journal_fd, name, 0) != 0 && errno != ENOENT)
            gone = false;
    }
    close(s->fd);
    *s = SEGMENT_NONE;
    return gone;
}

enum err segment_cut(int fd, uint32_t number, uint32_t length, struct why *w)
{
    if (ftruncate(fd, length) != 0 || fsync(fd) != 0)
        return why_errno(w, "journal segment %u: cannot cut it to %u bytes", number, length);
    return ERR_OK;
}
