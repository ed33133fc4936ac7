/* SPDX-License-Identifier: MIT
 * helper: one loop over the jobs, most urgent first; each job runs without the lock. What fails here is said, and either tried
 * again by the journal's tick (filling, retirement) or made good at the next start (cutting, indexing).
 */
#include "spool/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stats.h"
#include "spool/line.h"
#include "spool/quarantine.h"
#include "spool/scan.h"

enum {
    HEAD_MAX_BYTES = 1024,
    SHRINK = 4,
    STEP_BYTES = 1 << 20, /* of filling */
    REST_MS = 10,         /* between two steps that are not due, */
    QUIET_COMMITS = 5,    /* and longer while there are more commits in it */
    SWEEP_MS = 60000
};

void helper_init(struct helper *h, int spool_fd, int journal_fd, const uint8_t salt[INDEX_SALT_BYTES], int64_t (*wall_ms)(void))
{
    *h = (struct helper){.spool_fd = spool_fd, .journal_fd = journal_fd, .wall_ms = wall_ms, .made = SEGMENT_NONE};
    memcpy(h->salt, salt, sizeof h->salt);
    h->closes_end = &h->closes;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&h->done, NULL);
}

/* A file with the first line in it. */
static enum err begin(struct helper *h, uint32_t number, struct segment *out, struct why *w)
{
    struct buf head;
    buf_init(&head, HEAD_MAX_BYTES);
    line_put_segment(&head, number, h->wall_ms(), h->salt);
    line_seal(&head, 0, NULL);
    enum err e = head.failed ? why_set(w, ERR_NO_MEMORY, "no memory for a segment's first line")
                             : segment_make(h->journal_fd, number, buf_span(&head), out, w);
    buf_fini(&head);
    return e;
}

/* On failure the file is gone, and the next step begins anew; errno is kept. */
static enum err step(struct helper *h, uint32_t number, uint32_t size, struct segment *s, bool *whole, struct why *w)
{
    enum err e = ERR_OK;
    if (s->fd < 0)
        e = begin(h, number, s, w);
    else if (s->size < size)
        e = segment_fill(s, size - s->size > STEP_BYTES ? s->size + STEP_BYTES : size, w);
    *whole = !e && s->size >= size;
    if (*whole)
        e = segment_sync(s, w);
    int saved = errno;
    if (e)
        segment_drop(h->journal_fd, s);
    errno = saved;
    return e;
}

static void say_fill(struct helper *h, enum err e, uint32_t number, uint32_t size, const struct why *w)
{
    bool failed = e && !atomic_load(&h->stocked), before = atomic_exchange(&h->fill_failed, failed);
    if (failed && !before)
        log_line(LOG_WARN, "the next journal segment cannot be filled; events are refused until it can", LOG_T("why", w->text));
    else if (!e && before)
        log_line(LOG_INFO, "the next journal segment is filled again", LOG_N("segment", number), LOG_N("bytes", size));
}

static void do_fill(struct helper *h)
{
    uint32_t number = h->number, size = h->size;
    struct segment made = h->made;
    struct why w;
    bool whole = false;
    pthread_mutex_unlock(&h->lock);
    enum err e = step(h, number, size, &made, &whole, &w);
    bool smaller = e == ERR_SYSTEM && errno == ENOSPC && size > h->least;
    if (whole || (e && !smaller))
        say_fill(h, e, number, size, &w);
    pthread_mutex_lock(&h->lock);
    h->made = made;
    h->resting = atomic_load(&h->commits) != h->seen; /* nobody is disturbed while nothing is committed */
    if (smaller)
        h->size = size / SHRINK > h->least ? size / SHRINK : h->least;
    else if (whole || e)
        h->fill = e ? FILL_FAILED : FILL_DONE;
    if (h->fill != FILL_WANTED)
        pthread_cond_broadcast(&h->done);
}

static void say(const char *what, uint32_t segment, const struct why *w)
{
    log_line(LOG_ERROR, what, LOG_N("segment", segment), LOG_T("why", w->text));
}

static enum err cut(struct helper *h, const struct helper_closing *c, struct why *w)
{
    char name[SEGMENT_FORM_BYTES];
    struct stat st;
    segment_form_name(c->number, SEGMENT_LIVE, name);
    int fd = openat(h->journal_fd, name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return why_errno(w, "journal/%s: cannot open", name);
    enum err e = fstat(fd, &st) != 0 ? why_errno(w, "journal/%s", name) : ERR_OK;
    if (!e && st.st_size > c->end)
        e = segment_cut(fd, c->number, c->end, w);
    close(fd);
    return e;
}

static void do_close(struct helper *h)
{
    struct helper_closing *c = h->closes;
    struct why w;
    h->closes = c->next;
    if (!h->closes)
        h->closes_end = &h->closes;
    pthread_mutex_unlock(&h->lock);
    enum err e = cut(h, c, &w);
    if (!e && !c->known)
        e = scan_index(h->spool_fd, c->number, c->end, h->salt, &c->keys, &w);
    if (!e)
        e = index_write(h->journal_fd, &c->keys, &w);
    index_fini(&c->keys);
    if (e)
        say("a closed journal segment could not be cut or indexed; the next start makes up for it", c->number, &w);
    free(c);
    pthread_mutex_lock(&h->lock);
}

struct check {
    int spool_fd;
    enum err e;
    struct why why;
};

static void on_unreadable(void *arg, struct pos at, uint32_t n)
{
    struct check *c = arg;
    bool copied;
    if (!c->e)
        c->e = quarantine_copy(c->spool_fd, at, n, &copied, &c->why);
}

static void do_check(struct helper *h)
{
    uint32_t segment = h->retire_segment;
    struct check c = {.spool_fd = h->spool_fd};
    pthread_mutex_unlock(&h->lock);
    enum err e = scan_segment(&(struct scan){h->spool_fd, segment, UINT32_MAX, NULL, on_unreadable, &c, NULL}, &c.why);
    if (e || c.e)
        say("a journal segment cannot be read or quarantined and is not retired", segment, &c.why);
    pthread_mutex_lock(&h->lock);
    h->retire = e || c.e ? RETIRE_IDLE : RETIRE_CHECKED;
}

/* Indexes whose segments are gone are many where retention is short, so they are not looked through each time. */
static void sweep(struct helper *h, uint32_t gone)
{
    int64_t now_ms = h->wall_ms();
    if (now_ms >= h->swept_ms && now_ms - h->swept_ms < SWEEP_MS)
        return;
    h->swept_ms = now_ms;
    index_sweep(h->journal_fd, gone + 1, now_ms);
}

static void do_remove(struct helper *h)
{
    char name[SEGMENT_FORM_BYTES];
    struct why w;
    uint32_t segment = h->retire_segment;
    pthread_mutex_unlock(&h->lock);
    segment_form_name(segment, SEGMENT_LIVE, name);
    if (unlinkat(h->journal_fd, name, 0) != 0 && errno != ENOENT) {
        why_errno(&w, "journal/%s", name);
        say("a retired journal segment cannot be removed", segment, &w);
    }
    sweep(h, segment);
    stat_add(STAT_retired_total, 1);
    pthread_mutex_lock(&h->lock);
    h->retire = RETIRE_IDLE;
}

/* The most urgent job, or NULL. A stop finishes everything but filling. */
static void (*next_job(struct helper *h))(struct helper *)
{
    bool fill = h->fill == FILL_WANTED && !h->stop;
    if (fill && (h->made.fd < 0 || h->made.size < atomic_load(&h->fill_due)))
        return do_fill;
    if (h->closes)
        return do_close;
    if (h->retire == RETIRE_REMOVE)
        return do_remove;
    if (h->retire == RETIRE_CHECK && !h->stop)
        return do_check;
    return fill && !h->resting ? do_fill : NULL;
}

/* Until there is work; while a segment is being filled a moment at most, and then on with it if it was a quiet one. */
static void wait_for_work(struct helper *h)
{
    if (h->fill != FILL_WANTED) {
        pthread_cond_wait(&h->work, &h->lock);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += REST_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&h->work, &h->lock, &until);
    uint32_t commits = atomic_load(&h->commits);
    h->resting = commits - h->seen > QUIET_COMMITS;
    h->seen = commits;
}

static void *run(void *arg)
{
    struct helper *h = arg;
    pthread_mutex_lock(&h->lock);
    for (;;) {
        void (*job)(struct helper *) = next_job(h);
        if (job)
            job(h);
        else if (h->stop)
            break;
        else
            wait_for_work(h);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

enum err helper_start(struct helper *h, struct why *w)
{
    errno = pthread_create(&h->thread, NULL, run, h);
    if (errno != 0)
        return why_errno(w, "cannot start the journal's helper thread");
    h->started = true;
    return ERR_OK;
}

void helper_stop(struct helper *h)
{
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
    if (h->started)
        pthread_join(h->thread, NULL);
    segment_drop(h->journal_fd, &h->made);
    while (h->closes) {
        struct helper_closing *c = h->closes;
        h->closes = c->next;
        index_fini(&c->keys);
        free(c);
    }
    pthread_cond_destroy(&h->done);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
}

bool helper_fill(struct helper *h, uint32_t number, uint32_t size, uint32_t least)
{
    pthread_mutex_lock(&h->lock);
    bool free_slot = h->fill == FILL_NONE || h->fill == FILL_FAILED;
    if (free_slot) {
        h->fill = FILL_WANTED;
        h->number = number;
        h->size = size;
        h->least = least;
        h->resting = false;
        atomic_store(&h->fill_due, 0);
        pthread_cond_signal(&h->work);
    }
    pthread_mutex_unlock(&h->lock);
    return free_slot;
}

void helper_stocked(struct helper *h, bool stocked)
{
    atomic_store_explicit(&h->stocked, stocked, memory_order_relaxed);
}

void helper_pace(struct helper *h, uint32_t due)
{
    atomic_store_explicit(&h->fill_due, due, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->commits, 1, memory_order_relaxed);
}

bool helper_take(struct helper *h, struct segment *out, uint32_t enough)
{
    pthread_mutex_lock(&h->lock);
    if (enough && h->fill == FILL_WANTED) {
        h->size = h->size < enough ? h->size : enough;
        atomic_store(&h->fill_due, UINT32_MAX);
        pthread_cond_signal(&h->work);
    }
    while (enough && h->fill == FILL_WANTED)
        pthread_cond_wait(&h->done, &h->lock);
    bool there = h->fill == FILL_DONE;
    if (there) {
        *out = h->made;
        h->made = SEGMENT_NONE;
        h->fill = FILL_NONE;
    }
    pthread_mutex_unlock(&h->lock);
    return there;
}

void helper_close(struct helper *h, uint32_t number, uint32_t end, struct index *keys)
{
    struct helper_closing *c = malloc(sizeof *c);
    if (!c)
        return; /* the next start cuts and indexes it */
    *c = (struct helper_closing){.number = number, .end = end, .known = keys != NULL};
    if (keys) {
        c->keys = *keys;
        index_init(keys);
    }
    pthread_mutex_lock(&h->lock);
    *h->closes_end = c;
    h->closes_end = &c->next;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
}

bool helper_retire(struct helper *h, uint32_t segment)
{
    pthread_mutex_lock(&h->lock);
    bool mine = h->retire == RETIRE_IDLE || h->retire_segment == segment;
    if (h->retire == RETIRE_IDLE) {
        h->retire = RETIRE_CHECK;
        h->retire_segment = segment;
        pthread_cond_signal(&h->work);
    }
    pthread_mutex_unlock(&h->lock);
    return mine;
}

uint32_t helper_retire_checked(struct helper *h)
{
    pthread_mutex_lock(&h->lock);
    uint32_t segment = h->retire == RETIRE_CHECKED ? h->retire_segment : 0;
    pthread_mutex_unlock(&h->lock);
    return segment;
}

void helper_remove(struct helper *h)
{
    pthread_mutex_lock(&h->lock);
    h->retire = RETIRE_REMOVE;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
}

