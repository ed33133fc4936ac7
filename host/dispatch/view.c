/* SPDX-License-Identifier: MIT
 * view: the stories of failed invocations, and their dead letters.
 */
#include "dispatch/view.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/dead.h"

enum {
    LINES_MAX = 64,     /* of one story: its first and its last ones */
    AGAIN_MS = 2000,    /* after a letter could not be written */
    TABLE_FIRST = 64,
    LETTER_BYTES = 1 << 30,
    PATH_BYTES = 4096
};

enum progress { STORY_OPEN, STORY_OWED, STORY_READY };

struct story {
    struct story *next;       /* in its bucket */
    struct story *next_ready; /* in the order of getting ready */
    struct entry event;       /* a copy without invocations */
    uint16_t function;
    enum progress progress;
    uint32_t attempt; /* of the outcome that made it dead */
    uint32_t n, cap;
    struct pos *lines; /* owned */
};

struct view {
    struct story **table; /* owned; a power of two of chains */
    size_t buckets, n, owed;
    struct story *ready, **ready_end;
    int64_t write_ms; /* monotonic: not before */
    struct buf text;
};

enum err view_open(struct dispatch *d, struct why *w)
{
    struct view *v = calloc(1, sizeof *v);
    if (v)
        v->table = calloc(TABLE_FIRST, sizeof *v->table);
    if (!v || !v->table) {
        free(v);
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    }
    v->buckets = TABLE_FIRST;
    v->ready_end = &v->ready;
    buf_init(&v->text, LETTER_BYTES);
    d->view = v;
    return ERR_OK;
}

static void story_free(struct story *s)
{
    free(s->lines);
    free(s);
}

void view_close(struct dispatch *d)
{
    struct view *v = d->view;
    if (!v)
        return;
    for (size_t i = 0; i < v->buckets; i++)
        for (struct story *s = v->table[i], *next; s; s = next) {
            next = s->next;
            story_free(s);
        }
    free(v->table);
    buf_fini(&v->text);
    free(v);
    d->view = NULL;
}

/* ---- the table ---- */

static size_t bucket(const struct view *v, const struct id *id, uint16_t function)
{
    return (id_hash(id) + function * 0x9e3779b1u) & (v->buckets - 1);
}

static struct story **find(const struct view *v, const struct id *id, uint16_t function)
{
    struct story **link = &v->table[bucket(v, id, function)];
    while (*link && ((*link)->function != function || id_cmp(&(*link)->event.id, id) != 0))
        link = &(*link)->next;
    return link;
}

static void grow(struct view *v)
{
    struct view bigger = {.buckets = v->buckets * 2};
    if (!(bigger.table = calloc(bigger.buckets, sizeof *bigger.table)))
        return; /* longer chains, nothing worse */
    for (size_t i = 0; i < v->buckets; i++)
        for (struct story *s = v->table[i], *next; s; s = next) {
            next = s->next;
            struct story **to = &bigger.table[bucket(&bigger, &s->event.id, s->function)];
            s->next = *to;
            *to = s;
        }
    free(v->table);
    v->table = bigger.table;
    v->buckets = bigger.buckets;
}

static void set_progress(struct view *v, struct story *s, enum progress to)
{
    v->owed += (size_t)(to != STORY_OPEN) - (size_t)(s->progress != STORY_OPEN);
    if (s->progress == STORY_READY && to != STORY_READY) {
        struct story **link = &v->ready;
        while (*link != s)
            link = &(*link)->next_ready;
        *link = s->next_ready;
        if (!*link)
            v->ready_end = link;
    }
    if (to == STORY_READY && s->progress != STORY_READY) {
        s->next_ready = NULL;
        *v->ready_end = s;
        v->ready_end = &s->next_ready;
    }
    s->progress = to;
}

static void forget(struct view *v, struct story *s)
{
    set_progress(v, s, STORY_OPEN);
    struct story **link = find(v, &s->event.id, s->function);
    *link = s->next;
    v->n--;
    story_free(s);
}

/* Past the limit the first half stays and the newest takes the last place: how it began and how it ended. */
static void add_line(struct story *s, struct pos at)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (pos_cmp(s->lines[i], at) == 0)
            return;
    if (s->n == LINES_MAX) {
        memmove(s->lines + LINES_MAX / 2, s->lines + LINES_MAX / 2 + 1, (LINES_MAX / 2 - 1) * sizeof at);
        s->n--;
    }
    if (s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 4;
        struct pos *lines = reallocarray(s->lines, cap, sizeof *lines);
        if (!lines)
            return; /* a letter with a line less */
        s->lines = lines;
        s->cap = cap;
    }
    s->lines[s->n++] = at;
}

static struct story *get(struct view *v, const struct entry *e, const struct invocation *inv)
{
    struct story **link = find(v, &e->id, inv->function);
    struct story *s = *link;
    if (!s) {
        if (v->n >= v->buckets) {
            grow(v);
            link = find(v, &e->id, inv->function);
        }
        if (!(s = *link = calloc(1, sizeof *s)))
            die(EXIT_SYSTEM, "out of memory for a failed run's story");
        v->n++;
        s->function = inv->function;
        if (inv->last.segment)
            add_line(s, inv->last);
    }
    s->event = *e;
    s->event.inv = NULL;
    s->event.n = 0;
    s->event.older = s->event.newer = NULL;
    return s;
}

/* ---- what happens ---- */

void view_failed(struct dispatch *d, const struct entry *e, const struct invocation *inv)
{
    (void)get(d->view, e, inv);
}

void view_dead(struct dispatch *d, const struct entry *e, const struct invocation *inv)
{
    struct story *s = get(d->view, e, inv);
    s->attempt = inv->attempts;
    set_progress(d->view, s, STORY_OWED);
}

static bool is_there(const struct dispatch *d, const struct entry *e, const struct invocation *inv)
{
    struct buf path;
    buf_init(&path, PATH_BYTES);
    dead_path(&path, ledger_name(d->ledger, e->source), ledger_name(d->ledger, e->type), &e->id, ledger_name(d->ledger, inv->function));
    bool there = !path.failed && faccessat(d->spool_fd, path.p, F_OK, 0) == 0;
    buf_fini(&path);
    return there;
}

void view_found_dead(struct dispatch *d, const struct entry *e, const struct invocation *inv)
{
    view_dead(d, e, inv);
    struct story *s = get(d->view, e, inv);
    if (is_there(d, e, inv))
        forget(d->view, s);
    else
        set_progress(d->view, s, STORY_READY);
}

void view_done(struct dispatch *d, const struct entry *e, const struct invocation *inv)
{
    struct story *s = d->view->n ? *find(d->view, &e->id, inv->function) : NULL;
    if (s)
        forget(d->view, s);
}

void view_replayed(struct dispatch *d, const struct entry *e, const struct invocation *inv)
{
    struct why w;
    struct story *s = get(d->view, e, inv);
    set_progress(d->view, s, STORY_OPEN);
    if (dead_remove(d->spool_fd, ledger_name(d->ledger, e->source), ledger_name(d->ledger, e->type), &e->id,
                    ledger_name(d->ledger, inv->function), &w) != ERR_OK)
        log_line(LOG_ERROR, "a dead letter that was replayed cannot be removed", LOG_T("why", w.text));
}

void view_line(struct dispatch *d, const struct line *line, struct pos at)
{
    struct view *v = d->view;
    if (!v->n || !line->has_id || !line->function.p)
        return;
    struct story *s = *find(v, &line->id, (uint16_t)ledger_intern(d->ledger, line->function));
    if (!s)
        return;
    add_line(s, at);
    bool dead = line->kind == KIND_OUTCOME ? line->state == STATE_DEAD && line->attempt == s->attempt
                                           : line->kind == KIND_ACTION && span_eq_str(line->action, "drop");
    if (s->progress == STORY_OWED && dead)
        set_progress(v, s, STORY_READY);
}

/* ---- writing ---- */

/* Its lines one behind the other in v->text; those whose segment was retired are not there any more. */
static size_t gather(struct dispatch *d, const struct story *s, struct span *lines)
{
    struct view *v = d->view;
    size_t starts[LINES_MAX + 1] = {0}, n = 0;
    buf_clear(&v->text);
    for (uint32_t i = 0; i < s->n; i++) {
        struct line line;
        struct why w;
        if (reader_at(d->finder, s->lines[i], &d->line_text, &line, &w) != ERR_OK)
            continue;
        buf_put_span(&v->text, line.text);
        if (v->text.failed)
            break;
        starts[++n] = v->text.n;
    }
    for (size_t i = 0; i < n; i++)
        lines[i] = span_of(v->text.p + starts[i], starts[i + 1] - starts[i]);
    return n;
}

static enum err write_letter(struct dispatch *d, const struct story *s, struct why *w)
{
    struct span lines[LINES_MAX];
    size_t n = gather(d, s, lines);
    return dead_write(d->spool_fd, d->finder, &s->event, ledger_name(d->ledger, s->function), lines, n, w);
}

bool view_turn(struct dispatch *d)
{
    struct view *v = d->view;
    if (!v->ready || d->now_ms < v->write_ms)
        return false;
    struct why w = {0};
    enum err e = write_letter(d, v->ready, &w);
    bool hopeless = e == ERR_CORRUPT || e == ERR_NOT_FOUND; /* the event itself cannot be read: nothing to write */
    if (e != ERR_OK)
        log_line(LOG_ERROR, hopeless ? "a dead letter cannot be written" : "a dead letter cannot be written yet",
                 LOG_T("why", w.text));
    if (e != ERR_OK && !hopeless) {
        struct story *s = v->ready; /* behind the others: it may be the event that the disk refuses to read */
        set_progress(v, s, STORY_OWED);
        set_progress(v, s, STORY_READY);
        v->write_ms = d->now_ms + AGAIN_MS;
        return false;
    }
    forget(v, v->ready);
    return v->ready != NULL;
}

size_t view_owed(const struct dispatch *d)
{
    return d->view->owed;
}

struct pos view_low(const struct dispatch *d, struct pos end)
{
    const struct view *v = d->view;
    for (size_t i = 0; v->owed && i < v->buckets; i++)
        for (const struct story *s = v->table[i]; s; s = s->next)
            if (s->progress != STORY_OPEN && pos_cmp(s->event.at, end) < 0)
                end = s->event.at;
    return end;
}
