/* SPDX-License-Identifier: MIT
 * feed: the journal's lines on their way into the ledger.
 */
#include "dispatch/feed.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "dispatch/gap.h"
#include "dispatch/registry.h"
#include "dispatch/route.h"
#include "dispatch/runs.h"
#include "dispatch/view.h"
#include "spool/quarantine.h"

enum {
    SLICE_MS = 4,        /* of reading in one turn, then the workers have theirs */
    LINES_A_LOOK = 64,   /* between two looks at the clock */
    BARRIER_MS = 5000,   /* for intake to write down what an earlier dispatch has sent, once all that is safe is read */
    TRY_AGAIN_MS = 1000,
    OWED_MAX = 100000,   /* dead letters that may wait to be written */
    CHECKPOINT_SEGMENTS = 4, /* the last ones, looked through for a checkpoint */
    DEAD_MODE = 0750
};
#define DEAD_FOLDER "dead"

enum phase {
    PHASE_WAIT,    /* intake has not said what is safe */
    PHASE_HISTORY, /* reading what was before */
    PHASE_SETTLE,  /* read; the functions folder is still unclear */
    PHASE_ROOM,    /* some of it did not fit; waiting for room */
    PHASE_LIVE
};

struct feed {
    enum phase phase;
    struct pos from;    /* where this pass of history began */
    struct pos skipped; /* the first event of this pass that did not fit, {0,0}: none */
    struct pos end;     /* of history, {0,0}: not known yet */
    struct pos barrier_from;
    int64_t barrier_at_ms, barrier_by_ms, again_ms;
    uint32_t quarantine; /* its fingerprint when we began to read */
    bool full; /* said that reading stopped */
};

static struct pos safe_now(const struct dispatch *d)
{
    return pos_unpack(atomic_load_explicit(&d->shared->safe, memory_order_acquire));
}

static bool none(struct pos p)
{
    return p.segment == 0;
}

static void unreadable(void *arg, struct pos from, uint32_t n)
{
    (void)arg;
    log_line(LOG_ERROR, "journal bytes cannot be read", LOG_N("segment", from.segment), LOG_N("offset", from.offset), LOG_N("bytes", n));
}

enum err feed_open(struct dispatch *d, struct why *w)
{
    d->feed = calloc(1, sizeof *d->feed);
    return d->feed ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory");
}

void feed_close(struct dispatch *d)
{
    free(d->feed);
    d->feed = NULL;
}

/* ---- beginning ---- */

/* What a checkpoint says. */
struct checkpoint {
    struct pos from;
    uint32_t quarantine;
};

/* The last checkpoint of one segment, if it has any. */
static enum err checkpoint_in(struct dispatch *d, uint32_t segment, struct checkpoint *last, struct why *w)
{
    struct reader *r;
    struct line line;
    struct pos at, limit = {segment + 1, 0}, safe = safe_now(d);
    if (pos_cmp(safe, limit) < 0)
        limit = safe;
    enum err e = reader_open(d->spool_fd, (struct pos){segment, 0}, NULL, NULL, &r, w);
    if (e != ERR_OK)
        return e;
    uint32_t n;
    while ((e = reader_next(r, &limit, &line, &at, w)) == ERR_OK || (e == ERR_SYSTEM && reader_pass_over(r, &limit, &at, &n)))
        if (e == ERR_OK && line.kind == KIND_CHECKPOINT)
            *last = (struct checkpoint){line.from, line.quarantine};
    reader_free(r);
    return e == ERR_AGAIN ? ERR_OK : e;
}

/* Where to begin: at the last checkpoint, before which no event was unfinished when it was written. But what has come into quarantine
 * since may have been a line, anywhere, that told of such an event's end. Everybody who reads the journal must make the same of it: so
 * all of it is read once more, and an event without an end gets one. The next checkpoint says that this damage has been seen to. */
static enum err find_start(struct dispatch *d, struct pos *from, struct why *w)
{
    uint32_t *segments = NULL;
    size_t n = 0;
    struct checkpoint found = {0};
    struct quarantine_look kept = {0};
    enum err e = reader_segments(d->spool_fd, &segments, &n, w);
    for (size_t i = 0; e == ERR_OK && i < n && i < CHECKPOINT_SEGMENTS && none(found.from); i++)
        e = checkpoint_in(d, segments[n - 1 - i], &found, w);
    if (e == ERR_OK)
        e = quarantine_look(d->spool_fd, n ? segments[0] : 0, &kept, w);
    if (e == ERR_OK) {
        bool damaged = kept.lowest.segment && kept.fingerprint != found.quarantine;
        if (damaged && found.from.segment)
            log_line(LOG_WARN, "journal bytes came into quarantine since the last checkpoint: reading the whole journal",
                     LOG_N("segment", kept.lowest.segment), LOG_N("offset", kept.lowest.offset));
        *from = n && found.from.segment >= segments[0] && !damaged ? found.from : (struct pos){0};
        d->feed->quarantine = kept.fingerprint;
    }
    free(segments);
    return e;
}

static enum err open_pass(struct dispatch *d, struct pos from, struct why *w)
{
    struct feed *f = d->feed;
    reader_free(d->reader);
    d->reader = NULL;
    enum err e = reader_open(d->spool_fd, from, unreadable, NULL, &d->reader, w);
    if (e == ERR_OK) {
        f->from = from;
        f->skipped = (struct pos){0};
        f->phase = PHASE_HISTORY;
    }
    return e;
}

/* A checkpoint that we recognise when it is read back: all that an earlier dispatch has sent lies before it. */
static void send_barrier(struct dispatch *d, struct pos from)
{
    struct feed *f = d->feed;
    f->barrier_from = from;
    f->barrier_at_ms = d->wall_ms;
    line_put_checkpoint(records_begin(&d->records), from, d->wall_ms, f->quarantine);
    (void)records_end(&d->records);
}

static void begin(struct dispatch *d)
{
    struct feed *f = d->feed;
    struct pos from;
    struct why w = {0};
    if (none(safe_now(d)))
        return;
    enum err e = find_start(d, &from, &w);
    if (faccessat(d->spool_fd, DEAD_FOLDER, F_OK, 0) != 0)
        from = (struct pos){0}; /* lost, or never there: read all of it and write what is missing */
    if (e == ERR_OK)
        e = open_pass(d, from, &w);
    if (e == ERR_UNSUPPORTED)
        die(EXIT_USAGE, "the journal was written by a newer version: %s", w.text);
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "cannot read the journal yet", LOG_T("why", w.text));
        f->again_ms = d->now_ms + TRY_AGAIN_MS;
        return;
    }
    log_line(LOG_INFO, "reading the journal", LOG_N("segment", from.segment), LOG_N("offset", from.offset));
    send_barrier(d, from);
}

/* ---- history ---- */

static bool has_room(const struct dispatch *d)
{
    return ledger_count(d->ledger) < (size_t)d->config->max_unfinished;
}

static void apply(struct dispatch *d, const struct line *line, struct pos at)
{
    enum err e = ledger_apply(d->ledger, line, at, NULL);
    if (e == ERR_NO_MEMORY)
        die(EXIT_SYSTEM, "out of memory for the unfinished events");
    if (e == ERR_INVALID)
        stat_add(STAT_illegal_transitions_total, 1);
}

/* A line about one invocation of an event that may be in mind. */
static void apply_about(struct dispatch *d, const struct line *line, struct pos at)
{
    struct entry *e = ledger_find(d->ledger, &line->id);
    if (!e || (e->user & ENTRY_ADOPTED)) /* adopted in an earlier pass: that is newer than this line */
        return;
    struct invocation *inv = line->function.p ? ledger_invocation(d->ledger, e, line->function) : NULL;
    if (!inv && line->function.p && !e->routed)
        inv = ledger_assume(d->ledger, e, line->function);
    bool replay = line->kind == KIND_ACTION && span_eq_str(line->action, "replay");
    bool drop = line->kind == KIND_ACTION && span_eq_str(line->action, "drop");
    bool outcome = line->kind == KIND_OUTCOME;
    if (inv && line->kind == KIND_ACTION && line->has_attempts && line->attempt < inv->attempts)
        return; /* written a second time: its run has begun since */
    if (inv && replay)
        view_replayed(d, e, inv);
    if (inv && (drop || (outcome && line->outcome != OUTCOME_DONE)))
        view_failed(d, e, inv);
    view_line(d, line, at);
    if (inv && (drop || (outcome && line->state == STATE_DEAD))) {
        struct invocation dead = *inv;
        dead.attempts = outcome ? (uint16_t)line->attempt : inv->attempts;
        view_found_dead(d, e, &dead);
    }
    if (inv && outcome && line->state == STATE_DONE)
        view_done(d, e, inv);
    apply(d, line, at);
}

static bool is_barrier(const struct feed *f, const struct line *line)
{
    return line->kind == KIND_CHECKPOINT && line->at_ms == f->barrier_at_ms && pos_cmp(line->from, f->barrier_from) == 0;
}

static void history_line(struct dispatch *d, const struct line *line, struct pos at)
{
    struct feed *f = d->feed;
    if (line->kind == KIND_EVENT || line->kind == KIND_CARRY) {
        /* Behind the first that does not fit nothing new is taken, though others may end meanwhile: the next pass begins there. */
        struct entry *known = ledger_find(d->ledger, &line->id);
        if (known ? !(known->user & ENTRY_ADOPTED) : none(f->skipped) && has_room(d)) {
            apply(d, line, at);
            stat_add(STAT_events_read_total, line->kind == KIND_EVENT && !known);
        } else if (!known && none(f->skipped)) {
            f->skipped = at;
        }
    } else if (line->has_id) {
        apply_about(d, line, at);
    } else if (none(f->end) && is_barrier(f, line)) {
        f->end = reader_pos(d->reader);
    }
}

static void adopt_all(struct dispatch *d)
{
    for (struct entry *e = ledger_oldest(d->ledger), *next; e; e = next) {
        next = e->newer;
        if (!(e->user & ENTRY_ADOPTED))
            feed_adopt(d, e);
    }
}

void feed_adopt(struct dispatch *d, struct entry *e)
{
    e->user |= ENTRY_ADOPTED;
    if (!e->routed) {
        route_event(d, e);
        return;
    }
    runs_adopt(d, e);
}

/* The end of one pass. */
static void end_pass(struct dispatch *d)
{
    struct feed *f = d->feed;
    struct why w;
    registry_look(d);
    adopt_all(d);
    runs_found(d);
    if (fs_mkdirs(d->spool_fd, DEAD_FOLDER, DEAD_MODE, &w) != ERR_OK)
        log_line(LOG_ERROR, "the folder for dead letters cannot be made", LOG_T("why", w.text));
    if (none(f->skipped)) {
        f->phase = PHASE_LIVE;
        begun_settle(&d->begun, records_mark(&d->records));
        atomic_store_explicit(&d->shared->dispatching, 1, memory_order_release);
        log_line(LOG_INFO, "dispatching", LOG_N("unfinished", ledger_count(d->ledger)));
    } else {
        f->phase = PHASE_ROOM;
        atomic_store_explicit(&d->shared->dispatching, 1, memory_order_release);
        log_line(LOG_WARN, "more unfinished events than are kept in mind: the rest waits in the journal",
                 LOG_N("max_unfinished", d->config->max_unfinished));
    }
}

/* ---- live ---- */

static void live_event(struct dispatch *d, const struct line *line, struct pos at)
{
    struct entry *e = NULL;
    if (ledger_find(d->ledger, &line->id))
        return;
    if (ledger_apply(d->ledger, line, at, &e) == ERR_NO_MEMORY)
        die(EXIT_SYSTEM, "out of memory for the unfinished events");
    if (!e)
        return;
    stat_add(STAT_events_read_total, 1);
    feed_adopt(d, e);
}

/* One of our own lines has become durable. */
static void live_own(struct dispatch *d, const struct line *line, struct pos at)
{
    struct entry *e = ledger_find(d->ledger, &line->id);
    if (e && line->kind == KIND_CARRY) {
        ledger_move(d->ledger, e, at);
        e->user &= ~(uint32_t)ENTRY_CARRIED;
        return;
    }
    struct invocation *inv = e && line->function.p ? ledger_invocation(d->ledger, e, line->function) : NULL;
    if (inv && (line->kind == KIND_ATTEMPT || line->kind == KIND_OUTCOME))
        inv->last = at;
    view_line(d, line, at);
}

static void live_line(struct dispatch *d, const struct line *line, struct pos at)
{
    if (line->kind == KIND_EVENT)
        live_event(d, line, at);
    else if (line->has_id && line->kind != KIND_ROUTED)
        live_own(d, line, at);
}

/* ---- the loop ---- */

/* Stopping: reading goes on only as long as dead letters wait for their lines. */
static bool is_over(const struct dispatch *d)
{
    return d->stopping && !view_owed(d);
}

static bool may_read(struct dispatch *d)
{
    struct feed *f = d->feed;
    if (f->phase == PHASE_HISTORY)
        return true;
    bool room = has_room(d);
    if (!room && !f->full)
        log_line(LOG_WARN, "reading stops: too many unfinished events in mind", LOG_N("max_unfinished", d->config->max_unfinished));
    f->full = !room;
    return room && !records_full(&d->records) && view_owed(d) < OWED_MAX && !is_over(d);
}

/* At the limit of what is safe: in history the barrier is still missing. */
static void at_safe(struct dispatch *d)
{
    struct feed *f = d->feed;
    if (f->phase != PHASE_HISTORY || !none(f->end))
        return;
    if (!f->barrier_by_ms)
        f->barrier_by_ms = d->now_ms + BARRIER_MS;
    if (d->now_ms < f->barrier_by_ms)
        return;
    log_msg(LOG_WARN, "intake does not write: going on with what is in the journal");
    f->end = reader_pos(d->reader);
}

static void failed(struct dispatch *d, enum err e, const struct why *w)
{
    if (e == ERR_UNSUPPORTED)
        die(EXIT_USAGE, "the journal was written by a newer version: %s", w->text);
    log_line(LOG_ERROR, "cannot read the journal", LOG_T("why", w->text));
    d->feed->again_ms = d->now_ms + TRY_AGAIN_MS;
}

/* Up to n lines. True when there may be more. */
static bool read_some(struct dispatch *d, unsigned n)
{
    struct feed *f = d->feed;
    struct pos safe = safe_now(d), at;
    struct line line;
    struct why w = {0};
    registry_look(d); /* what was accepted by now is judged by the functions that are there by now */
    while (n-- && may_read(d)) {
        bool history = f->phase == PHASE_HISTORY;
        if (history && !none(f->end) && pos_cmp(reader_pos(d->reader), f->end) >= 0) {
            f->phase = PHASE_SETTLE;
            return true;
        }
        const struct pos *limit = history && !none(f->end) ? &f->end : &safe;
        uint32_t refused;
        enum err e = reader_next(d->reader, limit, &line, &at, &w);
        if (e == ERR_AGAIN) {
            at_safe(d);
            if (history && !none(f->end))
                f->phase = PHASE_SETTLE;
            return f->phase == PHASE_SETTLE;
        }
        if (e == ERR_SYSTEM && reader_pass_over(d->reader, limit, &at, &refused)) {
            gap_note(d, at, refused, &w);
            continue;
        }
        if (e != ERR_OK) {
            failed(d, e, &w);
            return false;
        }
        if (history)
            history_line(d, &line, at);
        else
            live_line(d, &line, at);
    }
    return n == UINT32_MAX;
}

static bool read_slice(struct dispatch *d)
{
    int64_t until = clock_mono_ms() + SLICE_MS;
    bool more;
    do
        more = read_some(d, LINES_A_LOOK);
    while (more && clock_mono_ms() < until);
    return more;
}

bool feed_turn(struct dispatch *d)
{
    struct feed *f = d->feed;
    struct why w = {0};
    if (d->now_ms < f->again_ms || is_over(d))
        return false;
    switch (f->phase) {
    case PHASE_WAIT:
        begin(d);
        return f->phase == PHASE_HISTORY;
    case PHASE_SETTLE:
        if (registry_settled(d))
            end_pass(d);
        return registry_settled(d);
    case PHASE_ROOM: /* half of it free, so that a pass is worth its reading */
        if (ledger_count(d->ledger) > (size_t)d->config->max_unfinished / 2)
            return false;
        if (open_pass(d, f->skipped, &w) != ERR_OK)
            failed(d, ERR_SYSTEM, &w);
        return true;
    default:
        return read_slice(d);
    }
}

int64_t feed_next_ms(const struct dispatch *d)
{
    const struct feed *f = d->feed;
    return f->phase == PHASE_HISTORY && f->barrier_by_ms ? f->barrier_by_ms : INT64_MAX;
}

uint32_t feed_quarantine(const struct dispatch *d)
{
    return d->feed->quarantine;
}

bool feed_is_live(const struct dispatch *d)
{
    return d->feed->phase == PHASE_LIVE;
}

struct pos feed_read(const struct dispatch *d)
{
    return d->reader ? reader_pos(d->reader) : (struct pos){0};
}

struct pos feed_low(const struct dispatch *d)
{
    const struct feed *f = d->feed;
    struct pos low = feed_read(d);
    if (f->phase != PHASE_LIVE) {
        low = f->from; /* what lies behind may be unfinished */
        if (f->phase == PHASE_ROOM && !none(f->skipped))
            low = f->skipped;
    }
    return gap_low(d, view_low(d, ledger_low(d->ledger, low)));
}
