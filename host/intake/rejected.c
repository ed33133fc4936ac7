/* SPDX-License-Identifier: MIT
 * rejected: the files of each cause, oldest first, and one bucket of tokens for each cause and source. Owns the descriptors of the
 * newest files.
 */
#include "intake/rejected.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/units.h"

enum { BUCKETS = 1024, HEAD_BYTES = 64, CHUNK_BYTES = 64 * 1024 };

struct part {
    uint64_t number;
    int64_t first_ms, bytes, lines;
};

struct cause {
    struct part parts[REJECTED_PARTS]; /* oldest first */
    size_t n;
    uint64_t number; /* the highest there was */
    int fd;          /* of the newest part; -1: none is open */
    uint64_t left_out;
};

/* Thousandths of a line; they may be owed. A bucket that two pairs of cause and source share lets through less, never more. */
struct bucket {
    int64_t tokens, at_ms;
    bool used;
};

struct rejected {
    pthread_mutex_t lock;
    int spool_fd; /* the caller's */
    int dir_fd;   /* -1: nothing can be kept */
    struct rejected_limits limits;
    struct cause causes[ERR_COUNT];
    struct bucket buckets[BUCKETS];
};

/* ---- files ---- */

static void remove_oldest(struct rejected *r, enum err e)
{
    struct cause *c = &r->causes[e];
    char name[REFUSAL_NAME_BYTES];
    refusal_name(name, e, c->parts[0].number);
    (void)unlinkat(r->dir_fd, name, 0);
    c->n--;
    memmove(&c->parts[0], &c->parts[1], c->n * sizeof c->parts[0]);
    if (c->n == 0 && c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}

/* What holds too much, counting `more` bytes and lines that will come. */
static void trim(struct rejected *r, enum err e, int64_t more_bytes, int64_t more_lines)
{
    struct cause *c = &r->causes[e];
    int64_t bytes = more_bytes, lines = more_lines;
    for (size_t i = 0; i < c->n; i++) {
        bytes += c->parts[i].bytes;
        lines += c->parts[i].lines;
    }
    while (c->n > 0 && (bytes > r->limits.bytes || lines > r->limits.count)) {
        bytes -= c->parts[0].bytes;
        lines -= c->parts[0].lines;
        remove_oldest(r, e);
    }
}

/* The next file, empty, for a line of this time. Only when it is there does the oldest go. */
static bool begin_part(struct rejected *r, enum err e, int64_t at_ms)
{
    struct cause *c = &r->causes[e];
    char name[REFUSAL_NAME_BYTES];
    refusal_name(name, e, c->number + 1);
    int fd = openat(r->dir_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    c->number += fd >= 0 || errno == EEXIST; /* what somebody else put there stays */
    if (fd < 0)
        return false;
    if (c->n == REJECTED_PARTS)
        remove_oldest(r, e);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = fd;
    c->parts[c->n++] = (struct part){.number = c->number, .first_ms = at_ms};
    return true;
}

static bool is_gone(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

static int open_folder(int spool_fd)
{
    return openat(spool_fd, REFUSAL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Somebody has removed the folder: another one, under the same number, for others read by it. */
static void renew_folder(struct rejected *r)
{
    int fd = fs_mkdirs(r->spool_fd, REFUSAL_FOLDER, 0750, NULL) == ERR_OK ? open_folder(r->spool_fd) : -1;
    if (fd < 0)
        return;
    (void)dup3(fd, r->dir_fd, O_CLOEXEC);
    close(fd);
}

/* Somebody has removed the file that is written: what was removed with it holds nothing any more. */
static void forget_removed(struct rejected *r, enum err e)
{
    struct cause *c = &r->causes[e];
    struct stat st;
    size_t kept = 0;
    if (is_gone(r->dir_fd))
        renew_folder(r);
    for (size_t i = 0; i < c->n; i++) {
        char name[REFUSAL_NAME_BYTES];
        refusal_name(name, e, c->parts[i].number);
        if (fstatat(r->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            c->parts[kept++] = c->parts[i];
    }
    c->n = kept;
    close(c->fd);
    c->fd = -1;
}

/* Is there a file that this line may go to? */
static bool room_for(struct rejected *r, enum err e, int64_t bytes, int64_t at_ms)
{
    struct cause *c = &r->causes[e];
    const struct rejected_limits *l = &r->limits;
    if (c->fd >= 0 && is_gone(c->fd))
        forget_removed(r, e);
    else if (c->fd < 0 && is_gone(r->dir_fd))
        renew_folder(r);
    trim(r, e, bytes, 1);
    const struct part *last = c->n ? &c->parts[c->n - 1] : NULL;
    if (c->fd >= 0 && last && last->bytes + bytes <= l->bytes / REJECTED_PARTS && last->lines < l->count / REJECTED_PARTS &&
        at_ms - last->first_ms < l->age_ms / REJECTED_PARTS)
        return true;
    return begin_part(r, e, at_ms);
}

/* ---- what is there at start ---- */

/* The time of the first line; 0 when it has none. */
static int64_t first_time(int fd)
{
    static const struct span begin = SPAN_LIT("{\"at\":\"");
    char head[HEAD_BYTES];
    int64_t ms = 0;
    ssize_t n = pread(fd, head, sizeof head, 0);
    struct span s = span_of(head, n > 0 ? (size_t)n : 0);
    if (s.n < begin.n + RFC3339_BYTES || !span_starts(s, begin))
        return 0;
    return rfc3339_parse(span_of(s.p + begin.n, RFC3339_BYTES), &ms) == ERR_OK ? ms : 0;
}

/* How many lines; whole: the last byte ends one. */
static int64_t count_lines(int fd, bool *whole)
{
    static char chunk[CHUNK_BYTES]; /* at start there is one thread */
    int64_t lines = 0;
    ssize_t n;
    *whole = true;
    for (off_t at = 0; (n = pread(fd, chunk, sizeof chunk, at)) > 0; at += n) {
        for (const char *p = chunk, *end = chunk + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
            lines++;
        *whole = chunk[n - 1] == '\n';
    }
    return lines;
}

static int by_number(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Add a part to those of its cause. When there are too many of them (they are not ours then, or of other limits) the oldest goes. */
static void add_part(struct rejected *r, enum err e, const struct part *p)
{
    struct cause *c = &r->causes[e];
    if (c->n == REJECTED_PARTS) {
        if (p->number < c->parts[0].number) {
            char name[REFUSAL_NAME_BYTES];
            refusal_name(name, e, p->number);
            (void)unlinkat(r->dir_fd, name, 0);
            return;
        }
        remove_oldest(r, e);
    }
    c->parts[c->n++] = *p;
    qsort(c->parts, c->n, sizeof c->parts[0], by_number);
}

static void take_file(struct rejected *r, const char *name)
{
    enum err e;
    uint64_t number;
    struct stat st;
    bool whole;
    if (!refusal_name_parse(span_str(name), &e, &number))
        return;
    struct cause *c = &r->causes[e];
    c->number = number > c->number ? number : c->number;
    int fd = openat(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        struct part p = {.number = number, .first_ms = first_time(fd), .bytes = st.st_size};
        p.lines = count_lines(fd, &whole);
        add_part(r, e, &p);
    }
    if (fd >= 0)
        close(fd);
}

/* Go on with the newest file, unless a line in it was cut off. */
static void go_on(struct rejected *r, enum err e)
{
    struct cause *c = &r->causes[e];
    char name[REFUSAL_NAME_BYTES];
    bool whole = false;
    if (c->n == 0)
        return;
    refusal_name(name, e, c->parts[c->n - 1].number);
    int fd = openat(r->dir_fd, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        (void)count_lines(fd, &whole);
    if (whole)
        c->fd = fd;
    else if (fd >= 0)
        close(fd);
}

static void look(struct rejected *r)
{
    int fd = dup(r->dir_fd);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    rewinddir(d);
    for (const struct dirent *e; (e = readdir(d));)
        take_file(r, e->d_name);
    closedir(d);
    for (enum err e = ERR_OK + 1; e < ERR_COUNT; e++)
        go_on(r, e);
}

enum err rejected_open(int spool_fd, const struct rejected_limits *limits, struct rejected **out, struct why *w)
{
    struct rejected *r = calloc(1, sizeof *r);
    struct why inner = {""};
    if (!r)
        return why_set(w, ERR_NO_MEMORY, "out of memory for refused requests");
    for (size_t i = 0; i < ERR_COUNT; i++)
        r->causes[i].fd = -1;
    pthread_mutex_init(&r->lock, NULL);
    r->limits = *limits;
    r->spool_fd = spool_fd;
    r->dir_fd = -1;
    if (fs_mkdirs(spool_fd, REFUSAL_FOLDER, 0750, &inner) == ERR_OK) {
        r->dir_fd = open_folder(spool_fd);
        if (r->dir_fd < 0)
            why_errno(&inner, "the spool's folder " REFUSAL_FOLDER " cannot be opened (a link is not followed)");
    }
    if (r->dir_fd >= 0)
        look(r);
    else
        log_line(LOG_ERROR, "refused requests are not kept", LOG_T("why", inner.text));
    *out = r;
    return ERR_OK;
}

void rejected_close(struct rejected *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < ERR_COUNT; i++)
        if (r->causes[i].fd >= 0)
            close(r->causes[i].fd);
    if (r->dir_fd >= 0)
        close(r->dir_fd);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void rejected_limit(struct rejected *r, const struct rejected_limits *limits)
{
    pthread_mutex_lock(&r->lock);
    r->limits = *limits;
    for (enum err e = ERR_OK + 1; e < ERR_COUNT; e++)
        trim(r, e, 0, 0);
    pthread_mutex_unlock(&r->lock);
}

void rejected_expire(struct rejected *r, int64_t wall_ms)
{
    pthread_mutex_lock(&r->lock);
    for (enum err e = ERR_OK + 1; e < ERR_COUNT; e++)
        while (r->causes[e].n > 0 && r->causes[e].parts[0].first_ms + r->limits.age_ms <= wall_ms)
            remove_oldest(r, e);
    pthread_mutex_unlock(&r->lock);
}

int rejected_folder(const struct rejected *r)
{
    return r->dir_fd;
}

/* ---- how often ---- */

static struct bucket *bucket_of(struct rejected *r, enum err cause, const char *source, bool proven)
{
    uint32_t h = 2166136261u; /* FNV-1a; names of sources are the operator's */
    h = (h ^ (uint32_t)cause) * 16777619u;
    h = (h ^ (uint32_t)proven) * 16777619u;
    for (; *source; source++)
        h = (h ^ (unsigned char)*source) * 16777619u;
    return &r->buckets[(h ^ h >> 16) % BUCKETS];
}

static bool take_token_locked(struct rejected *r, struct bucket *b, bool proven, int64_t mono_ms)
{
    int64_t rate = r->limits.rate * (proven ? REJECTED_TRUST : 1), most = rate * REJECTED_BURST_S * 1000;
    int64_t passed_ms = b->used ? mono_ms - b->at_ms : INT64_C(1000) * REJECTED_BURST_S;
    if (passed_ms > INT64_C(3600000))
        passed_ms = INT64_C(3600000);
    b->tokens += passed_ms > 0 ? passed_ms * rate : 0;
    b->tokens = b->tokens < most ? b->tokens : most;
    b->at_ms = b->used && b->at_ms > mono_ms ? b->at_ms : mono_ms; /* threads may ask out of order */
    b->used = true;
    if (b->tokens < 1000)
        return false;
    b->tokens -= 1000;
    return true;
}

bool rejected_wants(struct rejected *r, enum err cause, const char *source, bool proven, int64_t mono_ms)
{
    pthread_mutex_lock(&r->lock);
    bool yes = r->dir_fd >= 0 && take_token_locked(r, bucket_of(r, cause, source, proven), proven, mono_ms);
    r->causes[cause].left_out += !yes;
    pthread_mutex_unlock(&r->lock);
    return yes;
}

/* ---- writing ---- */

static bool write_locked(struct rejected *r, enum err e, struct span line, int64_t at_ms)
{
    struct cause *c = &r->causes[e];
    if (!room_for(r, e, (int64_t)line.n, at_ms))
        return false;
    struct part *p = &c->parts[c->n - 1];
    ssize_t n = write(c->fd, line.p, line.n);
    if (n == (ssize_t)line.n) {
        p->bytes += n;
        p->lines++;
        return true;
    }
    if (n > 0 && ftruncate(c->fd, (off_t)p->bytes) != 0) { /* half a line is worse than none: go on in another file */
        close(c->fd);
        c->fd = -1;
    }
    return false;
}

/* The line within max bytes, with less of the request if need be. */
static bool put_line(struct buf *b, struct refusal *what, size_t max)
{
    struct span *const parts[] = {&what->body, &what->headers, &what->errors};
    for (size_t i = 0;; i++) {
        buf_clear(b);
        refusal_put(b, what);
        if (!b->failed && b->n <= max)
            return true;
        if (i == sizeof parts / sizeof *parts)
            return false;
        *parts[i] = SPAN_NONE;
    }
}

void rejected_put(struct rejected *r, enum err cause, const char *source, bool proven, struct refusal *what)
{
    struct buf line;
    pthread_mutex_lock(&r->lock);
    size_t max = (size_t)(r->limits.bytes / REJECTED_PARTS);
    what->left_out = r->causes[cause].left_out;
    r->causes[cause].left_out = 0;
    pthread_mutex_unlock(&r->lock);

    buf_init(&line, max);
    bool good = put_line(&line, what, max);

    pthread_mutex_lock(&r->lock);
    bucket_of(r, cause, source, proven)->tokens -= (int64_t)(line.n / REJECTED_LINE_COST_BYTES) * 1000;
    if (!good || !write_locked(r, cause, buf_span(&line), what->at_ms))
        r->causes[cause].left_out += what->left_out + 1;
    pthread_mutex_unlock(&r->lock);
    buf_fini(&line);
}
