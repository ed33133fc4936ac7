/* SPDX-License-Identifier: MIT
 * fsck: reading everything once, and what quarantine/ has of what cannot be read. Never writes. One thread at a time.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "spool/fsck_core.h"
#include "spool/quarantine.h"

void fsck_say(struct fsck *f, bool finding, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    f->sum.findings += finding;
    if (f->cb)
        f->cb(f->arg, finding, text);
}

bool fsck_damaged(const struct fsck *f)
{
    return f->sum.unreadable_ranges > 0;
}

/* ---- what cannot be read ---- */

/* What the bytes look like. */
static void guess(const struct fsck *f, struct pos from, uint32_t n, char out[QUARANTINE_GUESS_BYTES])
{
    enum { HEAD_BYTES = 4096 };
    char head[HEAD_BYTES], path[64];
    snprintf(path, sizeof path, "journal/%012" PRIu32 ".jsonl", from.segment);
    int fd = openat(f->spool_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = fd >= 0 ? pread(fd, head, n < HEAD_BYTES ? n : HEAD_BYTES, (off_t)from.offset) : 0;
    quarantine_guess(span_of(head, got > 0 ? (size_t)got : 0), out);
    if (fd >= 0)
        close(fd);
}

static void unreadable(void *arg, struct pos from, uint32_t n)
{
    struct fsck *f = arg;
    char name[QUARANTINE_NAME_BYTES], what[QUARANTINE_GUESS_BYTES];
    bool kept = quarantine_holds(f->spool_fd, from, n, name);
    guess(f, from, n, what);
    f->sum.unreadable_ranges++;
    f->sum.unreadable_bytes += n;
    f->sum.quarantined_bytes += kept ? n : 0;
    fsck_say(f, !kept, "journal/%012" PRIu32 ".jsonl at %" PRIu32 ": %" PRIu32 " bytes cannot be read (%s), %s%s",
             from.segment, from.offset, n, what,
             kept ? "kept in quarantine/"
                  : "and quarantine/ does not have them: creeld copies them when it starts, or before it removes the segment",
             kept ? name : "");
}

/* ---- the whole ---- */

/* Does intake hold its lock? */
static bool is_live(int spool_fd)
{
    int fd = openat(spool_fd, ".intake.lock", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    return held;
}

static enum err read_journal(struct fsck *f, struct why *w)
{
    struct line l;
    struct pos at;
    enum err e;
    while ((e = reader_next(f->reader, NULL, &l, &at, w)) == ERR_OK) {
        e = fsck_line(f, &l, at);
        if (e)
            return why_set(w, e, "no memory for the journal's events");
    }
    return e == ERR_AGAIN ? ERR_OK : e;
}

static void sum_up(struct fsck *f)
{
    f->sum.events = ledger_count(f->all);
    f->sum.unfinished = ledger_count(f->unfinished);
    for (int s = 0; s < STATE_COUNT; s++)
        f->sum.invocations[s] = (uint64_t)ledger_counts(f->all)[s];
}

static enum err count_segments(struct fsck *f, struct why *w)
{
    uint32_t *list;
    size_t n;
    enum err e = reader_segments(f->spool_fd, &list, &n, w);
    if (e)
        return e;
    f->sum.segments = n;
    f->first_segment = n ? list[0] : 0;
    free(list);
    return ERR_OK;
}

enum err fsck_run(int spool_fd, fsck_report cb, void *arg, struct fsck_summary *out, struct why *w)
{
    struct fsck f = {.spool_fd = spool_fd, .cb = cb, .arg = arg, .sum = {.live = is_live(spool_fd)}};
    enum err e = reader_open(spool_fd, (struct pos){0, 0}, unreadable, &f, &f.reader, w);
    if (e)
        return e;
    if (!f.sum.live)
        reader_at_rest(f.reader);
    buf_init(&f.room, (size_t)2 * LINE_MAX_BYTES);
    f.all = ledger_new(true);
    f.unfinished = ledger_new(false);
    if (!f.all || !f.unfinished)
        e = why_set(w, ERR_NO_MEMORY, "no memory for the journal's events");
    if (!e)
        e = count_segments(&f, w);
    if (!e)
        e = read_journal(&f, w);
    if (!e)
        e = fsck_journal(&f, w);
    if (!e)
        e = fsck_dead(&f, w);
    if (!e)
        e = fsck_fetched(&f, w);
    if (!e)
        e = fsck_rejected(&f, w);
    if (!e) {
        sum_up(&f);
        *out = f.sum;
    }
    ledger_free(f.all);
    ledger_free(f.unfinished);
    buf_fini(&f.room);
    reader_free(f.reader);
    return e;
}
