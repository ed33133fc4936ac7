/* SPDX-License-Identifier: MIT
 * segment: one file of the journal. Filling is what makes a later sync cheap: it changes no size and allocates nothing, so
 * fdatasync has only the lines themselves to write. Any thread.
 */
#include "spool/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

enum { FILL_BYTES = 256 * 1024, DIGITS = 12, SEGMENT_MODE = 0640 };

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

enum err segment_make(int journal_fd, uint32_t number, struct span head, struct segment *out, struct why *w)
{
    char name[SEGMENT_FORM_BYTES];
    segment_form_name(number, SEGMENT_NEXT, name);
    if (unlinkat(journal_fd, name, 0) != 0 && errno != ENOENT)
        return why_errno(w, "journal/%s: cannot remove the old one", name);
    int fd = openat(journal_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, SEGMENT_MODE);
    if (fd < 0)
        return why_errno(w, "journal/%s: cannot create", name);
    struct segment s = {fd, number, (uint32_t)head.n, (uint32_t)head.n};
    if (fs_pwrite_all(fd, head, 0) != ERR_OK) {
        why_errno(w, "journal/%s: cannot write its first line", name);
        int saved = errno;
        segment_drop(journal_fd, &s);
        errno = saved;
        return ERR_SYSTEM;
    }
    *out = s;
    return ERR_OK;
}

enum err segment_fill(struct segment *s, uint32_t size, struct why *w)
{
    char *block = malloc(FILL_BYTES);
    if (!block)
        return why_set(w, ERR_NO_MEMORY, "no memory to fill a journal segment");
    memset(block, '\n', FILL_BYTES);
    enum err e = ERR_OK;
    while (!e && s->size < size) {
        uint32_t n = size - s->size < FILL_BYTES ? size - s->size : FILL_BYTES;
        e = fs_pwrite_all(s->fd, span_of(block, n), s->size);
        if (!e)
            e = push(s->fd, s->size, n);
        if (e)
            why_errno(w, "journal segment %u: cannot fill it from %u to %u bytes", s->number, s->size, size);
        else
            s->size += n;
    }
    int saved = errno;
    free(block);
    errno = saved;
    return e;
}

enum err segment_sync(const struct segment *s, struct why *w)
{
    return fsync(s->fd) == 0 ? ERR_OK : why_errno(w, "journal segment %u: cannot sync it", s->number);
}

enum err segment_grow(struct segment *s, uint32_t size, struct why *w)
{
    struct segment grown = *s;
    if (size <= s->size)
        return ERR_OK;
    enum err e = segment_fill(&grown, size, w);
    if (!e)
        e = segment_sync(&grown, w);
    if (!e)
        *s = grown;
    /* Whether this works or not: nothing beyond the old size is ever used. */
    else if (ftruncate(s->fd, s->size) != 0)
        errno = EIO;
    return e;
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
