/* SPDX-License-Identifier: MIT
 * dead: dead letters. What is known is copied from the journal's lines member by member, as it stands there, so that
 * nothing is changed on the way; only the order and the line breaks are ours. Owns nothing. One thread at a time.
 */
#include "spool/dead.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"

enum { NAME_MAX_BYTES = 200, HASH_BYTES = 8, DEAD_FILE_MODE = 0640, DEAD_FOLDER_MODE = 0750 };

/* ---- names ---- */

/* One part of a name, by fs_put_name. What would be too long for a file system is cut and ends in ~ (which no part has
 * otherwise) and a hash of the whole. */
static void put_part(struct buf *b, struct span s)
{
    size_t from = b->n;
    if (s.n == 0)
        buf_putc(b, '~');
    fs_put_name(b, s);
    if (b->failed || b->n - from <= NAME_MAX_BYTES)
        return;
    unsigned char hash[HASH_BYTES];
    char hex[2 * HASH_BYTES + 1];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)s.p, s.n, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    b->n = from + NAME_MAX_BYTES - 2 * HASH_BYTES - 1;
    while (b->p[b->n - 1] == '%' || b->p[b->n - 2] == '%')
        b->n--; /* not within %XX */
    buf_putc(b, '~');
    buf_puts(b, hex);
}

static void put_folder(struct buf *b, struct span source, struct span type)
{
    buf_puts(b, "dead/");
    put_part(b, source);
    buf_putc(b, '/');
    put_part(b, type);
}

/* A terminator that is not counted. */
static void terminate(struct buf *b)
{
    buf_putc(b, 0);
    if (!b->failed)
        b->n--;
}

void dead_path(struct buf *b, struct span source, struct span type, const struct id *id, struct span function)
{
    char text[ID_TEXT_BYTES];
    put_folder(b, source, type);
    buf_putc(b, '/');
    id_format(id, text);
    buf_put(b, text, sizeof text);
    buf_putc(b, '.');
    put_part(b, function);
    buf_puts(b, ".json");
    terminate(b);
}

/* ---- content ---- */

static void put_value(struct buf *b, const char *before, const char *name, struct span value)
{
    buf_puts(b, before);
    buf_putc(b, '"');
    buf_puts(b, name);
    buf_puts(b, "\": ");
    buf_put_span(b, value.p ? value : SPAN_LIT("null"));
}

static void put_member(struct buf *b, const char *before, const char *name, struct span object)
{
    put_value(b, before, name, json_member(object, name));
}

/* The members of an event that a dead letter begins with; the others follow behind the attempts. */
static const char *const first[] = {"id", "event_id", "source", "type", "version", "received"};
/* What the journal alone needs. */
static const char *const inner[] = {"creel", "unsigned", "dedupe", "dedupe_until", "safe", "crc"};

static bool is_one_of(struct span name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq_str(name, list[i]))
            return true;
    return false;
}
#define IS_ONE_OF(name, list) is_one_of((name), (list), sizeof(list) / sizeof((list)[0]))

static void put_event_rest(struct buf *b, struct span event)
{
    struct span name, value;
    for (struct json_iter it = json_iter(event); json_next_member(&it, &name, &value);) {
        if (IS_ONE_OF(name, first) || IS_ONE_OF(name, inner))
            continue;
        buf_puts(b, ",\n  \"");
        buf_put_span(b, name);
        buf_puts(b, "\": ");
        buf_put_span(b, value);
    }
}

/* The runs, put together from attempt and outcome lines in the order of the journal. Lines may be missing or there
 * twice. */
struct story {
    struct buf *b;
    size_t n;            /* runs written */
    uint32_t last;       /* number of the last one written */
    struct line attempt; /* begun, and no outcome seen yet; attempt 0: none */
    struct span why;     /* JSON, of what made it dead */
    struct span actor;   /* JSON: who dropped it */
};

/* outcome: NULL when it is not known. */
static void put_run(struct story *s, uint32_t number, const struct line *outcome)
{
    struct buf *b = s->b;
    buf_puts(b, s->n++ ? ",\n    {\"attempt\": " : "\n    {\"attempt\": ");
    buf_put_u64(b, number);
    bool begun = s->attempt.attempt == number;
    put_value(b, ", ", "started", begun ? json_member(s->attempt.text, "at") : SPAN_NONE);
    struct span text = outcome ? outcome->text : SPAN_LIT("{}");
    put_value(b, ", ", "ended", json_member(text, "at"));
    put_member(b, ", ", "outcome", text);
    put_member(b, ", ", "why", text);
    struct span base64 = json_member(text, "output_base64");
    put_value(b, ", ", base64.p ? "output_base64" : "output", base64.p ? base64 : json_member(text, "output"));
    put_member(b, ", ", "ms", text);
    buf_putc(b, '}');
    s->last = number;
    s->attempt.attempt = 0;
}

static void take_line(struct story *s, const struct line *l)
{
    switch (l->kind) {
    case KIND_ATTEMPT:
        if (l->attempt <= s->last || l->attempt == s->attempt.attempt)
            return;
        if (s->attempt.attempt)
            put_run(s, s->attempt.attempt, NULL);
        s->attempt = *l;
        return;
    case KIND_OUTCOME:
        if (l->attempt <= s->last)
            return;
        if (s->attempt.attempt && s->attempt.attempt < l->attempt)
            put_run(s, s->attempt.attempt, NULL);
        put_run(s, l->attempt, l);
        s->why = json_member(l->text, "why");
        s->actor = SPAN_NONE;
        return;
    case KIND_ACTION:
        if (span_eq_str(l->action, "drop"))
            s->actor = json_member(l->text, "who");
        return;
    default:
        return;
    }
}

static void put_runs(struct story *s, const struct span *lines, size_t n)
{
    buf_puts(s->b, "[");
    for (size_t i = 0; i < n; i++) {
        struct line l;
        if (line_parse(lines[i], &l) == ERR_OK)
            take_line(s, &l);
    }
    if (s->attempt.attempt)
        put_run(s, s->attempt.attempt, NULL);
    buf_puts(s->b, s->n ? "\n  ]" : "]");
}

/* Why it is dead, where no outcome line says it: a carry line may. */
static struct span carried_why(const struct line *event, struct span function_json)
{
    struct span object;
    if (event->kind != KIND_CARRY)
        return SPAN_NONE;
    for (struct json_iter it = json_iter(event->functions); json_next_element(&it, &object);)
        if (span_eq(json_member(object, "name"), function_json))
            return json_member(object, "why");
    return SPAN_NONE;
}

static void put_letter(struct buf *b, const struct line *event, struct span function, const struct span *lines,
                       size_t n)
{
    struct buf runs, name;
    buf_init(&runs, LINE_MAX_BYTES);
    buf_init(&name, 6 * function.n + 2);
    buf_put_json_text(&name, function);
    struct story s = {.b = &runs};
    put_runs(&s, lines, n);
    buf_putc(b, '{');
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        put_member(b, i ? ",\n  " : "\n  ", first[i], event->event);
    put_value(b, ",\n  ", "function", buf_span(&name));
    put_value(b, ",\n  ", "state", SPAN_LIT("\"dead\""));
    if (s.actor.p) {
        put_value(b, ",\n  ", "why", SPAN_LIT("\"dropped\""));
        put_value(b, ",\n  ", "dropped_by", s.actor);
    } else {
        put_value(b, ",\n  ", "why", s.why.p ? s.why : carried_why(event, buf_span(&name)));
    }
    put_value(b, ",\n  ", "attempts", buf_span(&runs));
    put_event_rest(b, event->event);
    buf_puts(b, "\n}\n");
    b->failed = b->failed || runs.failed || name.failed;
    buf_fini(&runs);
    buf_fini(&name);
}

/* ---- history ---- */

/* Lines about one invocation, kept one behind the other. */
struct history {
    struct buf texts;
    struct span *lines;
    size_t n, cap;
};

static bool is_about(const struct line *l, const struct id *id, struct span function_json)
{
    return l->has_id && id_cmp(&l->id, id) == 0 &&
           (l->kind == KIND_ATTEMPT || l->kind == KIND_OUTCOME || l->kind == KIND_ACTION) &&
           (!l->function.p || span_eq(span_of(l->function.p - 1, l->function.n + 2), function_json));
}

/* Everything about it from its event's line to the end of the journal. Spans are made when the texts have stopped
 * moving. */
static enum err read_history(int spool_fd, const struct entry *e, struct span function, struct history *h,
                             struct why *w)
{
    struct reader *r;
    struct buf name;
    struct line l;
    struct pos at;
    enum err err = reader_open(spool_fd, e->at, NULL, NULL, &r, w);
    if (err)
        return err;
    buf_init(&name, 6 * function.n + 2);
    buf_put_json_text(&name, function);
    while (!err && (err = reader_next(r, NULL, &l, &at, w)) == ERR_OK) {
        if (!is_about(&l, &e->id, buf_span(&name)))
            continue;
        if (h->n == h->cap) {
            size_t cap = h->cap ? h->cap * 2 : 16;
            struct span *grown = reallocarray(h->lines, cap, sizeof *grown);
            if (!grown) {
                err = why_set(w, ERR_NO_MEMORY, "no memory for the history of a dead letter");
                break;
            }
            h->lines = grown;
            h->cap = cap;
        }
        buf_put_span(&h->texts, l.text);
        h->lines[h->n++] = span_of(NULL, l.text.n);
    }
    size_t from = 0;
    for (size_t i = 0; i < h->n; from += h->lines[i++].n)
        h->lines[i].p = h->texts.p + from;
    buf_fini(&name);
    reader_free(r);
    if (err == ERR_AGAIN)
        err = h->texts.failed ? why_set(w, ERR_NO_MEMORY, "no memory for the history of a dead letter") : ERR_OK;
    return err;
}

/* ---- files ---- */

static enum err put_file(int spool_fd, const struct line_event *event, const struct id *id, struct span function,
                         struct span content, struct why *w)
{
    struct buf path;
    buf_init(&path, 8192);
    put_folder(&path, event->source, event->type);
    terminate(&path);
    enum err err = path.failed ? why_set(w, ERR_NO_MEMORY, "no memory for a dead letter's name")
                               : fs_mkdirs(spool_fd, path.p, DEAD_FOLDER_MODE, w);
    buf_clear(&path);
    dead_path(&path, event->source, event->type, id, function);
    if (!err)
        err = path.failed ? why_set(w, ERR_NO_MEMORY, "no memory for a dead letter's name")
                          : fs_replace(spool_fd, path.p, content, DEAD_FILE_MODE, w);
    buf_fini(&path);
    return err;
}

enum err dead_write(int spool_fd, struct reader *r, const struct entry *e, struct span function,
                    const struct span *lines, size_t n_lines, struct why *w)
{
    struct buf text, room, letter;
    struct history h = {.n = 0};
    struct line l;
    struct line_event event;
    buf_init(&text, LINE_MAX_BYTES);
    buf_init(&room, LINE_MAX_BYTES);
    buf_init(&letter, (size_t)2 * LINE_MAX_BYTES);
    buf_init(&h.texts, LINE_MAX_BYTES);
    enum err err = reader_at(r, e->at, &text, &l, w);
    if (!err && (!l.event.p || id_cmp(&l.id, &e->id) != 0 || line_event_decode(l.event, &room, &event) != ERR_OK))
        err = why_set(w, ERR_CORRUPT, "the journal has no such event at %u.%u", e->at.segment, e->at.offset);
    if (!err && !lines)
        err = read_history(spool_fd, e, function, &h, w);
    if (!err) {
        put_letter(&letter, &l, function, lines ? lines : h.lines, lines ? n_lines : h.n);
        err = letter.failed ? why_set(w, ERR_NO_MEMORY, "no memory for a dead letter")
                            : put_file(spool_fd, &event, &e->id, function, buf_span(&letter), w);
    }
    free(h.lines);
    buf_fini(&h.texts);
    buf_fini(&letter);
    buf_fini(&room);
    buf_fini(&text);
    return err;
}

enum err dead_remove(int spool_fd, struct span source, struct span type, const struct id *id, struct span function,
                     struct why *w)
{
    struct buf path;
    buf_init(&path, 8192);
    dead_path(&path, source, type, id, function);
    enum err err = ERR_OK;
    if (path.failed)
        err = why_set(w, ERR_NO_MEMORY, "no memory for a dead letter's name");
    else if (unlinkat(spool_fd, path.p, 0) != 0 && errno != ENOENT && errno != ENOTDIR)
        err = why_errno(w, "%s: cannot remove", path.p);
    /* Folders that are empty now go too; those that are not say no. */
    for (int i = 0; !err && i < 2; i++) {
        char *slash = strrchr(path.p, '/');
        *slash = 0;
        if (unlinkat(spool_fd, path.p, AT_REMOVEDIR) != 0)
            break;
    }
    buf_fini(&path);
    return err;
}
