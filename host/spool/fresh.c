/* SPDX-License-Identifier: MIT
 * fresh: which segment the journal writes to. Getting the next one filled, switching to it, and giving one up when the disk
 * fails: a sync that failed is never tried again on the same file, because the kernel may have dropped the pages it could not
 * write and would report success. Committer thread.
 */
#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/stats.h"
#include "spool/journal_in.h"

enum {
    RESERVE_PART = 8,
    RESERVE_LEAST_BYTES = 64 * 1024,
    RESERVE_MOST_PART = 4,
    SHRUNK_BYTES = 256 * 1024, /* segments do not get smaller than this for want of room */
    ROOM_PART = 4,             /* of the free space is what the next segment may take */
    PACE_PART = 8,             /* when three eighths of a segment are used, */
    PACE_WAITS = 3,
    PACE = 2,                  /* the next one is filled, twice as fast as that one is used */
};

uint32_t journal_reserve(uint32_t size)
{
    uint32_t part = size / RESERVE_PART;
    if (part < RESERVE_LEAST_BYTES)
        part = RESERVE_LEAST_BYTES;
    return part < size / RESERVE_MOST_PART ? part : size / RESERVE_MOST_PART;
}

int64_t journal_look_at_room(struct journal *j)
{
    struct statvfs f;
    if (fstatvfs(j->o.spool_fd, &f) != 0)
        return INT64_MAX; /* nothing speaks against trying */
    double free_bytes = (double)f.f_bavail * (double)f.f_frsize, all = (double)f.f_blocks * (double)f.f_frsize;
    double keep = j->o.min_free_bytes > 0 ? (double)j->o.min_free_bytes : all * j->o.min_free_percent / 100;
    atomic_store(&j->has_room, free_bytes >= keep);
    return free_bytes > keep ? (int64_t)((free_bytes - keep) / ROOM_PART) : 0;
}

void journal_want_spare(struct journal *j)
{
    int64_t room = journal_look_at_room(j);
    uint32_t size = j->live.fd >= 0 ? j->limit_bytes : j->young_bytes, least = size;
    if (j->next_number == UINT32_MAX || (journal_get_spare(j, false) && room < size))
        return;
    if (j->spare.fd < 0 && least > SHRUNK_BYTES)
        least = SHRUNK_BYTES;
    if (room < size)
        size = room > least ? (uint32_t)room : least;
    if (helper_fill(&j->helper, j->next_number, size, least))
        j->next_number++;
}

void journal_pace(struct journal *j)
{
    /* A burst may be over before the next segment is needed; it must be whole when seven eighths of the live one are used. */
    uint32_t begin = j->live.size / PACE_PART * PACE_WAITS;
    uint64_t due = j->spare.fd >= 0 || j->live.end < begin ? 0 : (uint64_t)(j->live.end - begin) * PACE + j->young_bytes;
    helper_pace(&j->helper, due < UINT32_MAX ? (uint32_t)due : UINT32_MAX);
}

bool journal_get_spare(struct journal *j, bool wait)
{
    bool there = j->spare.fd >= 0 || helper_take(&j->helper, &j->spare, wait ? j->young_bytes : 0);
    helper_stocked(&j->helper, there);
    return there;
}

void journal_drop_batch(struct journal *j)
{
    buf_clear(&j->batch);
    buf_clear(&j->batch_keys.keys);
    j->n_batch = 0;
    j->batch_unknown = j->to_spare = j->tombstone = false;
}

void journal_set_safe(struct journal *j, struct pos safe)
{
    j->safe = safe;
    atomic_store_explicit(j->o.safe, pos_pack(safe), memory_order_release);
}

void journal_numbers_changed(struct journal *j)
{
    const uint32_t *all = (const uint32_t *)(const void *)j->numbers.p;
    size_t n = j->numbers.n / sizeof *all;
    atomic_store(&j->first, n ? all[0] : 0);
    atomic_store(&j->last, n ? all[n - 1] : 0);
    stat_set(STAT_segments, (int64_t)n);
}

bool journal_add_number(struct journal *j, uint32_t number)
{
    buf_put(&j->numbers, &number, sizeof number);
    bool ok = !j->numbers.failed;
    j->numbers.failed = false;
    if (ok)
        journal_numbers_changed(j);
    return ok;
}

void journal_close_live(struct journal *j)
{
    j->keys.segment = j->live.number;
    j->keys.length = j->live.end;
    memcpy(j->keys.salt, j->salt, sizeof j->keys.salt);
    helper_close(&j->helper, j->live.number, j->live.end, j->keys_unknown ? NULL : &j->keys);
}

/* The spare is live now: its name and what it holds up to `end` are synced, as is everything before it. */
static void adopt(struct journal *j)
{
    j->live = j->spare;
    buf_clear(&j->keys.keys);
    j->keys_unknown = j->rescued.n > 0;
    j->spare = SEGMENT_NONE;
    j->to_spare = false;
    atomic_store(&j->is_open, true);
    journal_set_safe(j, (struct pos){j->live.number, j->live.end});
    journal_want_spare(j);
}

enum err journal_switch(struct journal *j, struct why *w)
{
    if (j->safe.offset < j->live.end && fdatasync(j->live.fd) != 0) {
        why_errno(w, "journal segment %u: cannot sync", j->live.number);
        return journal_give_up(j, w);
    }
    /* Before the helper may index it: an index says that all of its segment was safe. */
    journal_set_safe(j, (struct pos){j->live.number, j->live.end});
    enum err e = buf_reserve(&j->numbers, sizeof(uint32_t)) ? segment_publish(j->journal_fd, &j->spare, w)
                                                           : why_set(w, ERR_NO_MEMORY, "out of memory");
    if (e) {
        /* Nothing was written to it yet, so it can simply go; the old segment is still good. */
        j->numbers.failed = false;
        stat_add(STAT_sync_failures_total, 1);
        log_line(LOG_ERROR, "the next journal segment cannot be taken", LOG_T("why", w->text));
        segment_drop(j->journal_fd, &j->spare);
        journal_drop_batch(j);
        return ERR_NOT_DURABLE;
    }
    journal_close_live(j);
    close(j->live.fd);
    journal_add_number(j, j->spare.number);
    adopt(j);
    return ERR_OK;
}

/* Lines that were written and answered but not synced: they are saved from the page cache, if they can be read. */
static void rescue(struct journal *j)
{
    uint32_t n = j->live.end - j->safe.offset;
    ssize_t got = 0;
    if (n && buf_reserve(&j->rescued, n))
        got = pread(j->live.fd, j->rescued.p + j->rescued.n, n, j->safe.offset);
    if (got == (ssize_t)n)
        j->rescued.n += n;
    else
        log_line(LOG_ERROR, "lines that were written but never synced are lost", LOG_N("segment", j->live.number),
                 LOG_N("bytes", n));
    j->rescued.failed = false;
}

enum err journal_give_up(struct journal *j, struct why *w)
{
    struct why later = {{0}};
    struct pos from = {j->live.number, j->safe.offset};
    stat_add(STAT_sync_failures_total, 1);
    log_line(LOG_ERROR, "a journal segment is given up", LOG_N("segment", from.segment), LOG_N("from", from.offset),
             LOG_T("why", w->text));
    journal_drop_batch(j);
    buf_put(&j->voids, &from, sizeof from);
    rescue(j);
    close(j->live.fd);
    j->live = SEGMENT_NONE;
    atomic_store(&j->is_open, false);
    enum err e = journal_fresh(j, &later);
    return e ? e : ERR_NOT_DURABLE;
}

static void put_voids(struct journal *j, struct buf *b)
{
    for (size_t i = 0; i + sizeof(struct pos) <= j->voids.n; i += sizeof(struct pos)) {
        struct pos from;
        size_t begin = b->n;
        memcpy(&from, j->voids.p + i, sizeof from);
        line_put_void(b, from.segment, from.offset, j->o.wall_ms(), "not acknowledged, or copied behind this line");
        line_seal(b, begin, i == 0 ? &j->safe : NULL);
    }
}

/* Voids and rescued lines into the spare, synced, and only then its live name. */
static enum err begin_spare(struct journal *j, struct buf *head, struct why *w)
{
    struct segment *s = &j->spare;
    put_voids(j, head);
    if (head->failed || j->voids.failed || !buf_reserve(&j->numbers, sizeof(uint32_t)))
        return why_set(w, ERR_NO_MEMORY, "no memory to begin a journal segment");
    uint64_t need = (uint64_t)head->n + j->rescued.n;
    if (s->end + need > SEGMENT_MOST_BYTES)
        return why_set(w, ERR_NO_ROOM, "more than a segment to save");
    uint32_t end = s->end + (uint32_t)need;
    enum err e = segment_grow(s, end + journal_reserve(s->size), w);
    if (e)
        return e;
    if (need && (fs_pwrite_all(s->fd, buf_span(head), s->end) != ERR_OK ||
                 fs_pwrite_all(s->fd, buf_span(&j->rescued), s->end + (off_t)head->n) != ERR_OK || fdatasync(s->fd) != 0))
        return why_errno(w, "journal segment %u: cannot write", s->number);
    s->end = end;
    return segment_publish(j->journal_fd, s, w);
}

static void close_voided(struct journal *j)
{
    for (size_t i = 0; i + sizeof(struct pos) <= j->voids.n; i += sizeof(struct pos)) {
        struct pos from;
        memcpy(&from, j->voids.p + i, sizeof from);
        helper_close(&j->helper, from.segment, from.offset, NULL);
    }
    buf_clear(&j->voids);
    buf_fini(&j->rescued);
}

enum err journal_fresh(struct journal *j, struct why *w)
{
    struct buf head;
    if (!journal_get_spare(j, true)) {
        j->down = ERR_NO_ROOM;
        return why_set(w, ERR_NO_ROOM, "no filled journal segment is left: make room on the disk of the spool");
    }
    buf_init(&head, SEGMENT_MOST_BYTES);
    enum err e = begin_spare(j, &head, w);
    bool full = e == ERR_NO_ROOM || (e == ERR_SYSTEM && errno == ENOSPC);
    buf_fini(&head);
    if (e) {
        struct pos whole = {j->spare.number, 0};
        stat_add(STAT_sync_failures_total, 1);
        log_line(LOG_ERROR, "a fresh journal segment cannot be begun; tried again every second", LOG_T("why", w->text));
        j->numbers.failed = false;
        if (!segment_drop(j->journal_fd, &j->spare))
            buf_put(&j->voids, &whole, sizeof whole);
        j->down = full ? ERR_NO_ROOM : ERR_NOT_DURABLE;
        return j->down;
    }
    journal_add_number(j, j->spare.number);
    adopt(j);
    close_voided(j);
    return ERR_OK;
}
