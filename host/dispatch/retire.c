/* SPDX-License-Identifier: MIT
 * retire: checkpoints, carrying, giving segments up.
 */
#include "dispatch/retire.h"

#include <stdlib.h>

#include "base/channel.h"
#include "base/log.h"
#include "dispatch/feed.h"
#include "dispatch/runs.h"
#include "dispatch/view.h"

enum {
    LOOK_MS = 1000,
    LOOK_SOON_MS = 20, /* while intake removes one: small segments are many, and are to go as fast as others come */
    ASK_AGAIN_MS = 60000, /* intake may have died with the request, or with a carry line too long for a record */
    KEEP_SEGMENTS = 2,    /* the one that is written and the one before it stay */
    CARRY_BYTES = 1 << 20 /* of records in one look */
};

struct retire {
    int64_t look_ms, asked_ms, carried_ms;
    uint32_t checkpointed, asked, carried; /* segments */
};

enum err retire_open(struct dispatch *d, struct why *w)
{
    d->retire = calloc(1, sizeof *d->retire);
    return d->retire ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory");
}

void retire_close(struct dispatch *d)
{
    free(d->retire);
    d->retire = NULL;
}

void retire_checkpoint(struct dispatch *d)
{
    if (!feed_read(d).segment)
        return;
    line_put_checkpoint(records_begin(&d->records), feed_low(d), d->wall_ms, feed_quarantine(d));
    (void)records_end(&d->records);
    d->retire->checkpointed = feed_read(d).segment;
}

enum err retire_carry(struct dispatch *d, const struct entry *e)
{
    struct line line;
    struct why w = {0};
    struct line_function functions[LINE_FUNCTIONS_MAX];
    enum err err = reader_at(d->finder, e->at, &d->line_text, &line, &w);
    if (err != ERR_OK || !line.event.p || id_cmp(&line.id, &e->id) != 0) {
        log_line(LOG_ERROR, "an unfinished event cannot be carried on", LOG_N("segment", e->at.segment),
                 LOG_N("offset", e->at.offset), LOG_T("why", w.text));
        return err ? err : ERR_CORRUPT;
    }
    uint16_t n = e->n < LINE_FUNCTIONS_MAX ? e->n : LINE_FUNCTIONS_MAX;
    for (uint16_t i = 0; i < n; i++) {
        const struct invocation *inv = &e->inv[i];
        functions[i] = (struct line_function){
            .name = ledger_name(d->ledger, inv->function),
            .state = (enum state)inv->state,
            .attempts = inv->attempts,
            .interrupted = inv->interrupted,
            .base = inv->base,
            .due_ms = inv->due_ms,
        };
    }
    line_put_carry(records_begin(&d->records), d->wall_ms, line.text, functions, n, e->routed);
    (void)records_end(&d->records);
    return ERR_OK;
}

/* Nothing can be done for an event whose line is damaged, and nothing may wait for it for ever. */
static void give_up(struct dispatch *d, struct entry *e)
{
    struct id id = e->id;
    for (unsigned i = 0; ledger_find(d->ledger, &id) == e && i < e->n; i++)
        if (e->inv[i].state != STATE_DONE && e->inv[i].state != STATE_DEAD && e->inv[i].state != STATE_RUNNING)
            run_drop(d, e, &e->inv[i], "dispatch: the event cannot be read any more");
}

/* Those of this segment, some at a time. A carry line that does not come back is sent again. */
static void carry_some(struct dispatch *d, uint32_t segment)
{
    struct retire *r = d->retire;
    bool again = r->carried != segment || d->now_ms - r->carried_ms >= ASK_AGAIN_MS;
    size_t before = records_waiting(&d->records);
    unsigned n = 0;
    if (again)
        r->carried_ms = d->now_ms;
    r->carried = segment;
    for (struct entry *e = ledger_oldest(d->ledger), *next; e && records_waiting(&d->records) - before < CARRY_BYTES; e = next) {
        next = e->newer;
        if (e->at.segment != segment || ((e->user & ENTRY_CARRIED) && !again))
            continue;
        e->user |= ENTRY_CARRIED;
        enum err err = retire_carry(d, e);
        n += err == ERR_OK;
        if (err == ERR_CORRUPT || err == ERR_NOT_FOUND) /* what the disk refuses may come back */
            give_up(d, e);
    }
    if (n)
        log_line(LOG_INFO, "carrying unfinished events on", LOG_N("segment", segment), LOG_N("events", n));
}

/* When did a later segment begin: everything in the oldest one is older. The first of them whose first line can be read says it. */
static bool over_retention(struct dispatch *d, const uint32_t *later, size_t n)
{
    struct line line;
    struct why w;
    for (size_t i = 0; i < n; i++)
        if (reader_at(d->finder, (struct pos){later[i], 0}, &d->line_text, &line, &w) == ERR_OK && line.kind == KIND_SEGMENT)
            return line.at_ms + d->config->retention < d->wall_ms;
    return false;
}

static void ask(struct dispatch *d, uint32_t segment)
{
    struct retire *r = d->retire;
    if (r->asked == segment && d->now_ms - r->asked_ms < ASK_AGAIN_MS)
        return;
    /* Records that wait for others to share a message go first: under load some always do. */
    if (records_flush(&d->records) != ERR_OK || channel_send(d->peer_fd, CHANNEL_RETIRE, span_of((const char *)&segment, sizeof segment), NULL, 0) != ERR_OK)
        return;
    r->asked = segment;
    r->asked_ms = d->now_ms;
    log_line(LOG_INFO, "a journal segment may go", LOG_N("segment", segment));
}

static void look(struct dispatch *d)
{
    uint32_t *segments = NULL;
    size_t n = 0;
    struct why w;
    struct pos end = {UINT32_MAX, UINT32_MAX};
    if (reader_segments(d->spool_fd, &segments, &n, &w) != ERR_OK) {
        log_line(LOG_ERROR, "cannot list the journal's segments", LOG_T("why", w.text));
        return;
    }
    if (n > KEEP_SEGMENTS && feed_read(d).segment > segments[0] && over_retention(d, segments + 1, n - 1)) {
        if (ledger_in_segment(d->ledger, segments[0]))
            carry_some(d, segments[0]);
        else if (view_low(d, end).segment > segments[0])
            ask(d, segments[0]);
    }
    free(segments);
}

void retire_turn(struct dispatch *d)
{
    struct retire *r = d->retire;
    if (d->now_ms < r->look_ms || !feed_is_live(d))
        return;
    r->look_ms = d->now_ms + LOOK_MS;
    if (records_full(&d->records))
        return;
    if (feed_read(d).segment != r->checkpointed)
        retire_checkpoint(d);
    look(d);
    if (d->now_ms - r->asked_ms < LOOK_MS)
        r->look_ms = d->now_ms + LOOK_SOON_MS;
}
