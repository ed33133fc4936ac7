/* SPDX-License-Identifier: MIT
 * rejected: two files that take turns. Owns the descriptor of the newest one.
 */
#include "intake/rejected.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/units.h"

enum { LINE_BYTES = 8 * 1024, NAME_BYTES = 32 };

struct rejected {
    pthread_mutex_t lock;
    int dir_fd, fd; /* fd -1: none is open */
    unsigned long number;
    off_t size;
    int64_t second; /* being counted */
    unsigned in_second;
    uint64_t left_out; /* not written since the last line that was */
    struct buf line;
};

static void file_name(char name[NAME_BYTES], unsigned long number)
{
    snprintf(name, NAME_BYTES, "%012lu.jsonl", number);
}

/* The number of a file of ours, 0 for others. */
static unsigned long file_number(const char *name)
{
    char *end;
    unsigned long n = strtoul(name, &end, 10);
    return end - name == 12 && strcmp(end, ".jsonl") == 0 ? n : 0;
}

static unsigned long newest(int dir_fd)
{
    unsigned long most = 0;
    int fd = dup(dir_fd);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    rewinddir(d);
    for (struct dirent *e; (e = readdir(d));) {
        unsigned long n = file_number(e->d_name);
        most = n > most ? n : most;
    }
    closedir(d);
    return most;
}

/* Open file r->number to go on with it. */
static void open_file(struct rejected *r)
{
    char name[NAME_BYTES];
    struct stat st;
    file_name(name, r->number);
    r->fd = openat(r->dir_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    r->size = r->fd >= 0 && fstat(r->fd, &st) == 0 ? st.st_size : 0;
}

enum err rejected_open(int spool_fd, struct rejected **out, struct why *w)
{
    enum err e = fs_mkdirs(spool_fd, "rejected", 0750, w);
    if (e != ERR_OK)
        return e;
    struct rejected *r = calloc(1, sizeof *r);
    if (!r)
        return why_set(w, ERR_NO_MEMORY, "out of memory for refused requests");
    r->fd = -1;
    r->dir_fd = openat(spool_fd, "rejected", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->dir_fd < 0) {
        why_errno(w, "the spool's folder rejected cannot be opened");
        free(r);
        return ERR_SYSTEM;
    }
    pthread_mutex_init(&r->lock, NULL);
    buf_init(&r->line, LINE_BYTES);
    r->number = newest(r->dir_fd);
    r->number += r->number == 0;
    open_file(r);
    *out = r;
    return ERR_OK;
}

void rejected_close(struct rejected *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    close(r->dir_fd);
    buf_fini(&r->line);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void put_member(struct buf *b, const char *name, struct span s)
{
    buf_printf(b, ",\"%s\":", name);
    if (s.p)
        buf_put_json_text(b, span_of(s.p, s.n < 512 ? s.n : 512));
    else
        buf_puts(b, "null");
}

static void put_line(struct buf *b, const struct rejection *what, uint64_t left_out)
{
    buf_clear(b);
    buf_puts(b, "{\"at\":");
    buf_put_time(b, what->at_ms);
    put_member(b, "request", what->request_id);
    put_member(b, "source", what->source);
    put_member(b, "type", what->type);
    put_member(b, "method", what->method);
    put_member(b, "remote", what->remote);
    put_member(b, "step", span_str(what->step));
    put_member(b, "code", span_str(err_code(what->code)));
    buf_printf(b, ",\"status\":%d", what->status);
    put_member(b, "detail", span_str(what->detail));
    if (left_out)
        buf_printf(b, ",\"left_out\":%llu", (unsigned long long)left_out);
    buf_puts(b, "}\n");
}

/* The next file; the one before it stays, older ones go. */
static void turn_over_locked(struct rejected *r)
{
    char name[NAME_BYTES];
    if (r->fd >= 0)
        close(r->fd);
    if (r->number > 1) {
        file_name(name, r->number - 1);
        (void)unlinkat(r->dir_fd, name, 0);
    }
    r->number++;
    open_file(r);
}

static bool too_many_locked(struct rejected *r, int64_t at_ms)
{
    if (at_ms / 1000 != r->second) {
        r->second = at_ms / 1000;
        r->in_second = 0;
    }
    return ++r->in_second > REJECTED_PER_SECOND;
}

static bool write_locked(struct rejected *r, const struct rejection *what)
{
    if (too_many_locked(r, what->at_ms))
        return false;
    put_line(&r->line, what, r->left_out);
    if (r->line.failed)
        return false;
    if (r->fd < 0 || r->size + (off_t)r->line.n > REJECTED_FILE_BYTES)
        turn_over_locked(r);
    if (r->fd < 0)
        return false;
    ssize_t n = write(r->fd, r->line.p, r->line.n);
    if (n == (ssize_t)r->line.n) {
        r->size += n;
        return true;
    }
    if (n > 0 && ftruncate(r->fd, r->size) != 0) /* half a line is worse than none */
        r->size = REJECTED_FILE_BYTES;           /* go on in another file */
    return false;
}

void rejected_put(struct rejected *r, const struct rejection *what)
{
    pthread_mutex_lock(&r->lock);
    if (write_locked(r, what))
        r->left_out = 0;
    else
        r->left_out++;
    pthread_mutex_unlock(&r->lock);
}
