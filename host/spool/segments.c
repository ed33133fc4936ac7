/* SPDX-License-Identifier: MIT
 * segments: listing, opening and void limits of journal segments. Never writes. One thread at a time.
 */
#include "spool/segments.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/line.h"
#include "spool/reader.h"

void segment_name(uint32_t number, char out[SEGMENT_NAME_BYTES])
{
    snprintf(out, SEGMENT_NAME_BYTES, "%012" PRIu32 ".jsonl", number);
}

/* The number in a segment's file name; 0 for any other name. */
static uint32_t number_of(const char *name)
{
    uint64_t v = 0;
    char again[SEGMENT_NAME_BYTES];
    for (size_t i = 0; i < 12; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(name[i] - '0');
    }
    if (v > UINT32_MAX)
        return 0;
    segment_name((uint32_t)v, again);
    return strcmp(name, again) == 0 ? (uint32_t)v : 0;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static enum err add_number(uint32_t **list, size_t *n, size_t *cap, uint32_t number)
{
    if (*n == *cap) {
        size_t grown = *cap ? *cap * 2 : 64;
        uint32_t *p = realloc(*list, grown * sizeof *p);
        if (!p)
            return ERR_NO_MEMORY;
        *list = p;
        *cap = grown;
    }
    (*list)[(*n)++] = number;
    return ERR_OK;
}

static enum err list_folder(int dir_fd, uint32_t **out, size_t *out_n, struct why *w)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        why_errno(w, "journal: cannot list");
        if (fd >= 0)
            close(fd);
        return ERR_SYSTEM;
    }
    uint32_t *list = NULL;
    size_t n = 0, cap = 0;
    enum err e = ERR_OK;
    for (struct dirent *d; !e && (d = readdir(dir));) {
        uint32_t number = number_of(d->d_name);
        if (number)
            e = add_number(&list, &n, &cap, number);
    }
    closedir(dir);
    if (e) {
        free(list);
        return why_set(w, e, "journal: no memory to list its segments");
    }
    if (n)
        qsort(list, n, sizeof *list, by_number);
    *out = list;
    *out_n = n;
    return ERR_OK;
}

enum err reader_segments(int spool_fd, uint32_t **out, size_t *n, struct why *w)
{
    struct segments s;
    enum err e = segments_init(&s, spool_fd, w);
    if (e)
        return e;
    e = list_folder(s.dir_fd, out, n, w);
    segments_fini(&s);
    return e;
}

enum err segments_init(struct segments *s, int spool_fd, struct why *w)
{
    int fd = openat(spool_fd, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
        why_errno(w, "journal: cannot open the folder in the spool (is this a spool directory?)");
        return e;
    }
    *s = (struct segments){.dir_fd = fd};
    for (int i = 0; i < SEGMENTS_OPEN; i++)
        s->open[i].fd = -1;
    return ERR_OK;
}

void segments_fini(struct segments *s)
{
    for (int i = 0; i < SEGMENTS_OPEN; i++)
        if (s->open[i].fd >= 0)
            close(s->open[i].fd);
    close(s->dir_fd);
    free(s->numbers);
    free(s->voids);
}

enum err segments_refresh(struct segments *s, struct why *w)
{
    uint32_t *list;
    size_t n;
    enum err e = list_folder(s->dir_fd, &list, &n, w);
    if (e)
        return e;
    free(s->numbers);
    s->numbers = list;
    s->n = n;
    return ERR_OK;
}

uint32_t segments_from(const struct segments *s, uint32_t at_least)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->numbers[mid] < at_least)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->n ? s->numbers[low] : 0;
}

enum err segments_open(struct segments *s, uint32_t number, int *fd, struct why *w)
{
    struct segment_open *oldest = s->open;
    for (int i = 0; i < SEGMENTS_OPEN; i++) {
        struct segment_open *o = s->open + i;
        if (o->fd >= 0 && o->number == number) {
            o->used = ++s->uses;
            *fd = o->fd;
            return ERR_OK;
        }
        if (o->used < oldest->used)
            oldest = o;
    }
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    int opened = openat(s->dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0) {
        enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
        why_errno(w, "journal/%s: cannot open", name);
        return e;
    }
    struct stat st;
    if (fstat(opened, &st) == 0 && !S_ISREG(st.st_mode)) {
        close(opened);
        return why_set(w, ERR_SYSTEM, "journal/%s: not a regular file", name);
    }
    if (oldest->fd >= 0)
        close(oldest->fd);
    *oldest = (struct segment_open){number, opened, ++s->uses};
    *fd = opened;
    return ERR_OK;
}

static enum err add_void(struct segments *s, struct pos from)
{
    for (size_t i = 0; i < s->n_voids; i++) {
        if (s->voids[i].segment == from.segment) {
            if (from.offset < s->voids[i].offset)
                s->voids[i].offset = from.offset;
            return ERR_OK;
        }
    }
    struct pos *p = realloc(s->voids, (s->n_voids + 1) * sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    s->voids = p;
    p[s->n_voids++] = from;
    return ERR_OK;
}

/* The void lines between a segment's first line and the first line of another kind. */
static enum err read_head(struct segments *s, uint32_t number, char *buffer, struct why *w)
{
    int fd;
    enum err e = segments_open(s, number, &fd, w);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    ssize_t got = pread(fd, buffer, SEGMENT_HEAD_BYTES, 0);
    if (got < 0)
        return ERR_OK; /* who reads that segment itself will say so; the others can be read without it */
    struct span rest = span_of(buffer, (size_t)got);
    while (rest.n && !e) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        struct line l;
        if (!lf || lf == rest.p)
            break; /* the filling begins */
        bool read = line_parse(span_of(rest.p, (size_t)(lf - rest.p)), &l) == ERR_OK;
        if (read && l.kind == KIND_VOID && l.segment < number)
            e = add_void(s, l.from);
        else if (read && l.kind != KIND_SEGMENT)
            break;
        rest = span_skip(rest, (size_t)(lf - rest.p) + 1);
    }
    return e ? why_set(w, e, "no memory for void ranges") : ERR_OK;
}

enum err segments_read_voids(struct segments *s, uint32_t last, bool settled, struct why *w)
{
    if (last <= s->heads_read)
        return ERR_OK;
    char *buffer = malloc(SEGMENT_HEAD_BYTES);
    if (!buffer)
        return why_set(w, ERR_NO_MEMORY, "no memory to read the journal");
    enum err e = ERR_OK;
    for (uint32_t n = segments_from(s, s->heads_read + 1); n && n <= last && !e; n = segments_from(s, n + 1)) {
        e = read_head(s, n, buffer, w);
        if (!e)
            s->heads_read = settled || n < last ? n : s->heads_read;
        if (n == UINT32_MAX)
            break;
    }
    if (!e && settled && segments_from(s, last))
        s->heads_read = last; /* it was retired: there are later ones */
    free(buffer);
    return e;
}

uint32_t segments_void_from(const struct segments *s, uint32_t number)
{
    for (size_t i = 0; i < s->n_voids; i++)
        if (s->voids[i].segment == number)
            return s->voids[i].offset;
    return UINT32_MAX;
}
