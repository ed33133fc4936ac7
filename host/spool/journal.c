/* SPDX-License-Identifier: MIT
 * journal: append, commit, tick, close. Which segment is written to is fresh.c's business, what was there before is
 * recover.c's. Committer thread, but for journal_accepts and journal_bounds.
 */
#include "spool/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/stats.h"
#include "spool/journal_in.h"
#include "spool/lock.h"
#include "spool/readme.h"

enum {
    SEAL_BYTES = 64,            /* at most what line_seal adds */
    BATCH_KEPT_BYTES = 8 << 20, /* a larger buffer is given back after its commit */
    KEYS_MOST = 100000,         /* of a segment, kept for its index; with more it is read again */
    FS_PART = 16,               /* a segment is at most this part of the filesystem */
    YOUNG_PART = 16,            /* and the first one after a start this part of segment_bytes */
    FOLDER_MODE = 0750
};

static enum err make_folders(int spool_fd, struct why *w)
{
    /* Not dead/: dispatch knows by its absence that it is lost. */
    static const char *const folders[] = {"journal", "rejected", "quarantine"};
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < sizeof folders / sizeof folders[0]; i++)
        e = fs_mkdirs(spool_fd, folders[i], FOLDER_MODE, w);
    if (!e && fsync(spool_fd) != 0)
        e = why_errno(w, "the spool folder cannot be synced");
    return e;
}

static void choose_sizes(struct journal *j)
{
    struct statvfs f;
    int64_t most = j->o.segment_bytes;
    if (fstatvfs(j->o.spool_fd, &f) == 0 && most > (int64_t)(f.f_blocks * f.f_frsize / FS_PART))
        most = (int64_t)(f.f_blocks * f.f_frsize / FS_PART);
    if (most > SEGMENT_MOST_BYTES)
        most = SEGMENT_MOST_BYTES;
    j->limit_bytes = most > SEGMENT_LEAST_BYTES ? (uint32_t)most : SEGMENT_LEAST_BYTES;
    j->young_bytes = j->limit_bytes / YOUNG_PART > (1 << 20) ? j->limit_bytes / YOUNG_PART : 1 << 20;
    if (j->young_bytes > j->limit_bytes)
        j->young_bytes = j->limit_bytes;
}

static struct journal *new_journal(const struct journal_options *o)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    j->o = *o;
    j->journal_fd = j->lock_fd = -1;
    j->live = j->spare = SEGMENT_NONE;
    j->down = ERR_NOT_DURABLE;
    j->next_number = 1;
    index_init(&j->keys);
    index_init(&j->batch_keys);
    buf_init(&j->batch, SEGMENT_MOST_BYTES);
    buf_init(&j->voids, SEGMENT_MOST_BYTES);
    buf_init(&j->rescued, SEGMENT_MOST_BYTES);
    buf_init(&j->numbers, SEGMENT_MOST_BYTES);
    return j;
}

static void free_journal(struct journal *j)
{
    if (j->live.fd >= 0)
        close(j->live.fd);
    if (j->journal_fd >= 0)
        close(j->journal_fd);
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    index_fini(&j->keys);
    index_fini(&j->batch_keys);
    buf_fini(&j->batch);
    buf_fini(&j->voids);
    buf_fini(&j->rescued);
    buf_fini(&j->numbers);
    free(j);
}

enum err journal_open(const struct journal_options *o, int64_t wait_ms, journal_dedupe_cb cb, void *arg, struct journal **out,
                      struct journal_recovery *found, struct why *w)
{
    struct why own = {{0}};
    struct journal *j = new_journal(o);
    if (!w)
        w = &own;
    if (!j)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    enum err e = make_folders(o->spool_fd, w);
    if (!e)
        e = lock_take(o->spool_fd, ".intake.lock", wait_ms, &j->lock_fd, w);
    if (!e && (j->journal_fd = openat(o->spool_fd, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        e = why_errno(w, "journal/: cannot open the folder");
    if (!e) {
        choose_sizes(j);
        (void)journal_look_at_room(j);
        e = journal_recover(j, cb, arg, found, w);
    }
    if (e) {
        free_journal(j);
        return e;
    }
    if (readme_write(o->spool_fd, w) != ERR_OK)
        log_line(LOG_WARN, "the README of the spool cannot be written", LOG_T("why", w->text));
    *out = j;
    return ERR_OK;
}

void journal_close(struct journal *j)
{
    struct why w;
    if (j->live.fd >= 0)
        journal_commit(j, true, &w);
    if (j->live.fd >= 0)
        journal_close_live(j);
    helper_stop(&j->helper);
    segment_drop(j->journal_fd, &j->spare);
    free_journal(j);
}

void journal_salt(const struct journal *j, uint8_t salt[INDEX_SALT_BYTES])
{
    memcpy(salt, j->salt, INDEX_SALT_BYTES);
}

static bool fits(const struct segment *s, uint64_t bytes, bool whole)
{
    return s->fd >= 0 && s->end + bytes + (whole ? 0 : journal_reserve(s->size)) <= s->size;
}

/* Find the segment that takes a batch of so many bytes: live, or the spare, which grows when the batch is larger than it. */
static enum err find_room(struct journal *j, uint64_t bytes, bool reserve)
{
    if (!j->to_spare) {
        /* What is kept back lies in the last filled segment: live only when no spare can be had. */
        if (fits(&j->live, bytes, reserve || journal_get_spare(j, false)))
            return ERR_OK;
        if (!journal_get_spare(j, true))
            return ERR_NO_ROOM;
        if (fits(&j->live, bytes, true))
            return ERR_OK;
    }
    if (!fits(&j->spare, bytes, reserve)) {
        uint64_t size = j->spare.end + bytes + journal_reserve(j->spare.size);
        if (size > SEGMENT_MOST_BYTES || segment_grow(&j->spare, (uint32_t)size, NULL) != ERR_OK)
            return ERR_NO_ROOM;
    }
    j->to_spare = true;
    return ERR_OK;
}

/* The name of a member is not to be had within a text: its quotes would be escaped there. */
static bool may_hold_key(struct span line)
{
    static const struct span name = SPAN_LIT("\"dedupe\":");
    return memmem(line.p, line.n, name.p, name.n) != NULL;
}

static void note_key(struct journal *j, struct span unsealed, const struct journal_dedupe *key)
{
    if (key && index_count(&j->keys) + index_count(&j->batch_keys) < KEYS_MOST)
        index_add(&j->batch_keys, key);
    else if (key || may_hold_key(unsealed))
        j->batch_unknown = true;
}

enum err journal_append_all(struct journal *j, const struct journal_line *lines, size_t n, bool reserve)
{
    size_t bytes = 0;
    if (j->live.fd < 0)
        return j->down;
    for (size_t i = 0; i < n && bytes <= LINE_MAX_BYTES; i++)
        bytes += lines[i].unsealed.n + SEAL_BYTES;
    if (bytes > LINE_MAX_BYTES + (size_t)SEAL_BYTES || !buf_reserve(&j->batch, bytes)) {
        j->batch.failed = false;
        return ERR_NO_ROOM;
    }
    enum err e = find_room(j, j->batch.n + bytes, reserve);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        size_t from = j->batch.n;
        buf_put_span(&j->batch, lines[i].unsealed);
        line_seal(&j->batch, from, j->n_batch == 0 ? &j->safe : NULL);
        j->n_batch++;
        note_key(j, lines[i].unsealed, lines[i].key);
    }
    return e;
}

enum err journal_append(struct journal *j, struct span unsealed, const struct journal_dedupe *key, bool reserve)
{
    const struct journal_line line = {unsealed, key};
    return journal_append_all(j, &line, 1, reserve);
}

/* The tombstone of a segment that was read through goes out with this commit. */
static void add_tombstone(struct journal *j)
{
    uint32_t segment = helper_retire_checked(&j->helper);
    struct buf b;
    if (!segment || j->tombstone)
        return;
    buf_init(&b, LINE_MAX_BYTES);
    line_put_tombstone(&b, segment, j->o.wall_ms(), "its events have ended and its time is over");
    j->tombstone = !b.failed && journal_append(j, buf_span(&b), NULL, true) == ERR_OK;
    buf_fini(&b);
}

/* The tombstone is synced. */
static void let_go(struct journal *j)
{
    j->tombstone = false;
    buf_consume(&j->numbers, sizeof(uint32_t));
    journal_numbers_changed(j);
    helper_remove(&j->helper);
}

static enum err write_batch(struct journal *j, bool sync, struct why *w)
{
    struct segment *s = &j->live;
    if (j->n_batch && fs_pwrite_all(s->fd, buf_span(&j->batch), s->end) != ERR_OK)
        return why_errno(w, "journal segment %u: cannot write", s->number);
    if (sync && fdatasync(s->fd) != 0)
        return why_errno(w, "journal segment %u: cannot sync", s->number);
    return ERR_OK;
}

static void committed(struct journal *j, bool sync)
{
    if (j->n_batch) {
        stat_add(STAT_batches_total, 1);
        stat_add(STAT_records_total, (int64_t)j->n_batch);
        stat_add(STAT_journal_bytes_total, (int64_t)j->batch.n);
    }
    j->live.end += (uint32_t)j->batch.n;
    buf_put_span(&j->keys.keys, buf_span(&j->batch_keys.keys));
    j->keys_unknown = j->keys_unknown || j->batch_unknown || j->keys.keys.failed || j->batch_keys.keys.failed;
    journal_pace(j);
    if (sync)
        journal_set_safe(j, (struct pos){j->live.number, j->live.end});
    if (j->tombstone)
        let_go(j);
    journal_drop_batch(j);
    if (j->batch.cap > BATCH_KEPT_BYTES)
        buf_fini(&j->batch);
}

enum err journal_commit(struct journal *j, bool sync, struct why *w)
{
    struct why own = {{0}};
    if (!w)
        w = &own;
    if (j->live.fd < 0) {
        journal_drop_batch(j);
        return why_set(w, j->down, "no journal segment can be written: %s", err_title(j->down));
    }
    if (sync)
        add_tombstone(j);
    if (j->n_batch == 0 && (!sync || j->safe.offset == j->live.end))
        return ERR_OK;
    if (j->to_spare) {
        enum err e = journal_switch(j, w);
        if (e)
            return e;
    }
    if (write_batch(j, sync, w) != ERR_OK)
        return journal_give_up(j, w);
    committed(j, sync);
    return ERR_OK;
}

size_t journal_pending(const struct journal *j)
{
    return j->n_batch;
}

bool journal_accepts(const struct journal *j)
{
    return atomic_load(&j->is_open) && atomic_load(&j->has_room) && !atomic_load(&j->helper.fill_failed);
}

void journal_tick(struct journal *j)
{
    struct why w;
    journal_want_spare(j);
    if (j->live.fd < 0) {
        journal_fresh(j, &w);
        return;
    }
    if (j->n_batch == 0 && (j->safe.offset < j->live.end || helper_retire_checked(&j->helper)))
        journal_commit(j, true, &w);
}

enum err journal_retire(struct journal *j, uint32_t segment, struct why *w)
{
    size_t n = j->numbers.n / sizeof(uint32_t);
    if (segment == 0 || segment != atomic_load(&j->first))
        return why_set(w, ERR_INVALID, "segment %u is not the oldest one", segment);
    if (n <= 2 || segment == j->live.number)
        return why_set(w, ERR_INVALID, "segment %u is one of the last two", segment);
    if (!helper_retire(&j->helper, segment))
        return why_set(w, ERR_INVALID, "segment %u: another one is being retired", segment);
    return ERR_OK;
}

void journal_bounds(const struct journal *j, uint32_t *first, uint32_t *last)
{
    *first = atomic_load(&j->first);
    *last = atomic_load(&j->last);
}
