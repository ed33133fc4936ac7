/* SPDX-License-Identifier: MIT
 * past: reading the spool for people.
 */
#include "ctl/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/units.h"

enum { FUNCTIONS_BYTES = 64 << 20 };
#define FUNCTIONS_FILE "functions.json" /* written by dispatch */

static void unreadable(void *arg, struct pos from, uint32_t n)
{
    struct past *p = arg;
    (void)from;
    p->unreadable_bytes += n;
}

static void read_functions(struct past *p)
{
    struct why w;
    struct json_error bad;
    buf_init(&p->functions, FUNCTIONS_BYTES);
    if (fs_read(p->spool_fd, FUNCTIONS_FILE, &p->functions, &w) != ERR_OK ||
        json_check(buf_span(&p->functions), (struct json_limits){JSON_DEPTH_DEFAULT, 1 << 24}, &bad) != ERR_OK)
        buf_clear(&p->functions);
}

void past_open(struct ctl *c, struct past *p)
{
    struct why w;
    *p = (struct past){.spool = ctl_spool(c), .spool_fd = ctl_spool_fd(c)};
    buf_init(&p->text, LINE_MAX_BYTES);
    buf_init(&p->room, LINE_MAX_BYTES);
    read_functions(p);
    if (!(p->ledger = ledger_new(true)))
        exit(ctl_fail(EXIT_SYSTEM, "out of memory"));
    if (reader_open(p->spool_fd, (struct pos){0}, unreadable, p, &p->reader, &w) != ERR_OK ||
        reader_open(p->spool_fd, (struct pos){0}, NULL, NULL, &p->finder, &w) != ERR_OK)
        exit(ctl_fail(EXIT_SYSTEM, "%s: %s", p->spool, w.text));
}

void past_close(struct past *p)
{
    if (p->unreadable_bytes)
        ctl_fail(0, "%llu bytes of the journal cannot be read: creel fsck says where", (unsigned long long)p->unreadable_bytes);
    reader_free(p->reader);
    reader_free(p->finder);
    ledger_free(p->ledger);
    buf_fini(&p->text);
    buf_fini(&p->room);
    buf_fini(&p->functions);
    close(p->spool_fd);
}

void past_read(struct past *p, past_touched touched, void *arg)
{
    struct line line;
    struct pos at;
    struct why w;
    enum err e;
    while ((e = reader_next(p->reader, NULL, &line, &at, &w)) == ERR_OK) {
        struct entry *entry = NULL;
        if (ledger_apply(p->ledger, &line, at, &entry) == ERR_NO_MEMORY)
            exit(ctl_fail(EXIT_SYSTEM, "out of memory"));
        if (entry && touched)
            touched(arg, entry, &line);
    }
    if (e == ERR_UNSUPPORTED)
        exit(ctl_fail(EXIT_SYSTEM, "%s: the journal was written by a newer version: %s", p->spool, w.text));
    if (e != ERR_AGAIN)
        exit(ctl_fail(EXIT_SYSTEM, "%s: %s", p->spool, w.text));
}

static int by_id(const void *a, const void *b)
{
    return id_cmp(&(*(struct entry *const *)a)->id, &(*(struct entry *const *)b)->id);
}

struct entry **past_events(struct past *p, size_t *n)
{
    size_t count = ledger_count(p->ledger), i = 0;
    struct entry **events = malloc((count + 1) * sizeof(struct entry *));
    if (!events)
        exit(ctl_fail(EXIT_SYSTEM, "out of memory"));
    for (struct entry *e = ledger_oldest(p->ledger); e && i < count; e = e->newer)
        events[i++] = e;
    qsort(events, i, sizeof(struct entry *), by_id); /* ids sort by the time they were made */
    *n = i;
    return events;
}

/* ---- states ---- */

/* What functions.json says of a function; SPAN_NONE where it says nothing. */
static struct span function_object(struct past *p, uint16_t function)
{
    struct json_iter it = json_iter(p->functions.n ? json_member(buf_span(&p->functions), "functions") : SPAN_LIT("[]"));
    struct span object, name = ledger_name(p->ledger, function);
    while (json_next_element(&it, &object))
        if (span_eq(json_plain_string(json_member(object, "name")), name))
            return object;
    return SPAN_NONE;
}

/* "held", "missing" or "broken", else NULL. */
static const char *function_trouble(struct past *p, uint16_t function)
{
    static const char *const troubles[] = {"held", "missing", "broken"};
    struct span object = function_object(p, function), state = object.p ? json_plain_string(json_member(object, "state")) : SPAN_NONE;
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
        if (span_eq_str(state, troubles[i]))
            return troubles[i];
    return NULL;
}

enum state past_state(struct past *p, const struct invocation *inv)
{
    return inv->state == STATE_PENDING && function_trouble(p, inv->function) ? STATE_HELD : (enum state)inv->state;
}

enum state past_event_state(struct past *p, const struct entry *e)
{
    unsigned counts[STATE_COUNT] = {0};
    for (uint16_t i = 0; i < e->n; i++)
        counts[past_state(p, &e->inv[i])]++;
    return state_of_event(counts, e->routed);
}

static struct span held_why(struct past *p, const struct invocation *inv)
{
    const char *trouble = function_trouble(p, inv->function);
    buf_clear(&p->room);
    if (!trouble)
        return SPAN_LIT("null");
    struct span why = json_member(function_object(p, inv->function), "why");
    buf_puts(&p->room, "\"its function is ");
    buf_puts(&p->room, trouble);
    if (strcmp(trouble, "broken") == 0 && json_type_of(why) == JSON_STRING) {
        buf_puts(&p->room, ": ");
        buf_put(&p->room, why.p + 1, why.n - 2);
    }
    buf_putc(&p->room, '"');
    return buf_span(&p->room);
}

struct span past_why(struct past *p, const struct invocation *inv)
{
    struct line line;
    struct why w;
    if (past_state(p, inv) == STATE_HELD)
        return held_why(p, inv);
    bool told = inv->last.segment && reader_at(p->finder, inv->last, &p->text, &line, &w) == ERR_OK && line.kind == KIND_OUTCOME;
    if (inv->state == STATE_DEAD && (!told || line.state != STATE_DEAD))
        return SPAN_LIT("\"dropped\"");
    struct span why = told ? json_member(line.text, "why") : SPAN_NONE;
    return why.p ? why : SPAN_LIT("null");
}

bool past_line(struct past *p, const struct entry *e, struct line *line)
{
    struct why w;
    return reader_at(p->finder, e->at, &p->text, line, &w) == ERR_OK && line->event.p && id_cmp(&line->id, &e->id) == 0;
}

/* ---- the object of creel list ---- */

static void put_raw(struct buf *b, const char *name, struct span value)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_span(b, value.p ? value : SPAN_LIT("null"));
}

static void put_invocation(struct past *p, const struct invocation *inv, struct buf *b)
{
    buf_puts(b, "{\"name\":");
    buf_put_json_text(b, ledger_name(p->ledger, inv->function));
    buf_printf(b, ",\"state\":\"%s\",\"attempts\":%u,\"due\":", state_name(past_state(p, inv)), inv->attempts);
    if (inv->due_ms)
        buf_put_time(b, inv->due_ms);
    else
        buf_puts(b, "null");
    put_raw(b, "why", past_why(p, inv));
    buf_putc(b, '}');
}

void past_put(struct past *p, const struct entry *e, struct buf *b)
{
    char id[ID_TEXT_BYTES];
    struct line line;
    bool known = past_line(p, e, &line);
    id_format(&e->id, id);
    buf_puts(b, "{\"id\":\"");
    buf_put(b, id, sizeof id);
    buf_putc(b, '"');
    put_raw(b, "event_id", known ? json_member(line.event, "event_id") : SPAN_NONE);
    buf_puts(b, ",\"source\":");
    buf_put_json_text(b, ledger_name(p->ledger, e->source));
    buf_puts(b, ",\"type\":");
    buf_put_json_text(b, ledger_name(p->ledger, e->type));
    put_raw(b, "version", known ? json_member(line.event, "version") : SPAN_NONE);
    buf_puts(b, ",\"received\":");
    buf_put_time(b, e->received_ms);
    buf_printf(b, ",\"state\":\"%s\",\"functions\":[", state_name(past_event_state(p, e)));
    for (uint16_t i = 0; i < e->n; i++) {
        if (i)
            buf_putc(b, ',');
        put_invocation(p, &e->inv[i], b);
    }
    buf_putc(b, ']');
}

/* ---- choosing ---- */

static int64_t parse_since(const char *text)
{
    int64_t ms;
    if (duration_parse(span_str(text), &ms) == ERR_OK)
        return clock_wall_ms() - ms;
    if (rfc3339_parse(span_str(text), &ms) == ERR_OK)
        return ms;
    exit(ctl_usage("--since needs a duration like 15m or 7d, or a time like 2026-11-21T12:00:00Z"));
}

void choice_take(struct choice *w, int *argc, char **argv, bool with_state)
{
    const char *text = NULL;
    *w = (struct choice){.state = -1};
    (void)ctl_option(argc, argv, "--source", &w->source);
    (void)ctl_option(argc, argv, "--type", &w->type);
    (void)ctl_option(argc, argv, "--function", &w->function);
    if (ctl_option(argc, argv, "--since", &text))
        w->since_ms = parse_since(text);
    if (with_state && ctl_option(argc, argv, "--state", &text)) {
        enum state s;
        if (strcmp(text, state_name(STATE_IGNORED)) == 0)
            w->state = STATE_IGNORED;
        else if (state_parse(span_str(text), &s) == ERR_OK)
            w->state = (int)s;
        else
            exit(ctl_usage("--state needs pending, running, waiting, held, done, dead or ignored"));
    }
}

bool choice_has(struct past *p, const struct choice *w, const struct entry *e)
{
    const struct invocation *only = NULL;
    for (uint16_t i = 0; w->function && i < e->n; i++)
        if (span_eq_str(ledger_name(p->ledger, e->inv[i].function), w->function))
            only = &e->inv[i];
    if (w->function && !only)
        return false;
    if (w->since_ms && e->received_ms < w->since_ms)
        return false;
    if (w->source && !span_eq_str(ledger_name(p->ledger, e->source), w->source))
        return false;
    if (w->type && !config_pattern_match(w->type, ledger_name(p->ledger, e->type)))
        return false;
    return w->state < 0 || w->state == (int)(only ? past_state(p, only) : past_event_state(p, e));
}

/* How many bytes at p are a character that a terminal would obey: C0, DEL, or C1 as UTF-8 writes it; else 0. */
static size_t control_bytes(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0], next = n > 1 ? (unsigned char)p[1] : 0;
    return c < 0x20 || c == 0x7f ? 1 : c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

static void print_but(FILE *to, struct span s, const char *allowed)
{
    for (size_t i = 0; i < s.n; i++) {
        size_t n = s.p[i] && strchr(allowed, s.p[i]) ? 0 : control_bytes(s.p + i, s.n - i);
        fputc(n ? '?' : s.p[i], to);
        i += n > 1;
    }
}

void past_print_text(FILE *to, struct span s, size_t max)
{
    print_but(to, span_of(s.p, s.n < max ? s.n : max), "");
}

void past_print_lines(FILE *to, struct span s)
{
    print_but(to, s, "\n\t");
}

void past_print_indented(FILE *to, struct span s, const char *before)
{
    if (s.n && s.p[s.n - 1] == '\n')
        s.n--;
    fputs(before, to);
    for (size_t i = 0; i < s.n; i++) {
        size_t n = s.p[i] == '\t' ? 0 : control_bytes(s.p + i, s.n - i);
        if (s.p[i] == '\n')
            fprintf(to, "\n%s", before);
        else if (n)
            fprintf(to, "\\x%02x", (unsigned)(unsigned char)s.p[i + n - 1]);
        else
            fputc(s.p[i], to);
        i += n > 1;
    }
    fputc('\n', to);
}

struct id past_id(const char *text)
{
    struct id id;
    if (id_parse(span_str(text), &id) != ERR_OK)
        exit(ctl_fail(EXIT_REFUSED, "'%s' is no id: one has 26 characters, as creel list and creel list --rejected show them", text));
    return id;
}
