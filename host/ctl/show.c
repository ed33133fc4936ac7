/* SPDX-License-Identifier: MIT
 * show: creel show ID: one event, whole: as it came, and everything that happened to it.
 */
#include <stdio.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/units.h"
#include "ctl/past.h"
#include "spool/refusal.h"

enum { HISTORY_BYTES = 1 << 30, BODY_SHOWN_BYTES = 4096 };

struct show {
    struct past past;
    struct id id;
    struct buf lines; /* attempt, outcome, carry and action lines about it, each with its line feed */
    struct buf room;
    struct line_event event;
};

static void keep(void *arg, struct entry *e, const struct line *line)
{
    struct show *s = arg;
    if (id_cmp(&e->id, &s->id) != 0 || line->kind == KIND_EVENT || line->kind == KIND_CARRY)
        return;
    buf_put_span(&s->lines, line->text);
    buf_putc(&s->lines, '\n');
}

/* Each kept line in turn; false at the end. */
static bool next_line(struct span *rest, struct line *out)
{
    while (rest->n) {
        const char *end = memchr(rest->p, '\n', rest->n);
        struct span text = span_of(rest->p, (size_t)(end - rest->p));
        *rest = span_skip(*rest, text.n + 1);
        if (line_parse(text, out) == ERR_OK)
            return true;
    }
    return false;
}

/* ---- JSON ---- */

/* The next pair of a list of headers. */
static bool next_header(struct json_iter *it, struct span *name, struct span *value)
{
    struct span pair;
    while (json_next_element(it, &pair)) {
        struct json_iter two = json_iter(pair);
        if (json_next_element(&two, name) && json_next_element(&two, value))
            return true;
    }
    return false;
}

/* All values of one name, as far as `end`; how many. b may be NULL. */
static size_t put_values(struct buf *b, struct span pairs, struct span of, const char *end)
{
    struct json_iter it = json_iter(pairs);
    struct span name, value;
    size_t n = 0;
    while (next_header(&it, &name, &value) && name.p < end) {
        if (!span_eq_nocase(name, of))
            continue;
        if (b && n)
            buf_putc(b, ',');
        if (b)
            buf_put_span(b, value);
        n++;
    }
    return n;
}

/* Headers as one object: a name that came more than once has a list. */
static void put_headers(struct buf *b, struct span pairs)
{
    struct json_iter it = json_iter(pairs);
    struct span name, value;
    const char *end = pairs.p + pairs.n;
    bool first = true;
    buf_puts(b, ",\"headers\":{");
    while (next_header(&it, &name, &value)) {
        if (put_values(NULL, pairs, name, name.p)) /* came before */
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        bool list = put_values(NULL, pairs, name, end) > 1;
        buf_put_span(b, name);
        buf_puts(b, list ? ":[" : ":");
        (void)put_values(b, pairs, name, end);
        if (list)
            buf_putc(b, ']');
    }
    buf_putc(b, '}');
}

static void put_text(struct buf *b, const char *name, struct span s)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_json_text_or_null(b, s);
}

/* The attempts, each with its outcome; what people did to the event. Members are the journal's own. */
static void put_history(struct show *s, struct buf *b)
{
    struct line line;
    const char *const parts[] = {"attempts", "actions"};
    for (size_t part = 0; part < 2; part++) {
        struct span rest = buf_span(&s->lines);
        bool first = true;
        buf_printf(b, ",\"%s\":[", parts[part]);
        while (next_line(&rest, &line)) {
            if (part == 0 ? line.kind != KIND_ATTEMPT && line.kind != KIND_OUTCOME : line.kind != KIND_ACTION)
                continue;
            struct json_iter it = json_iter(line.text);
            struct span name, value;
            buf_puts(b, first ? "{\"kind\":" : ",{\"kind\":");
            buf_put_json_text(b, span_str(kind_name(line.kind)));
            while (json_next_member(&it, &name, &value)) {
                if (span_eq_str(name, "creel") || span_eq_str(name, "id") || span_eq_str(name, "crc") || span_eq_str(name, "safe"))
                    continue;
                buf_puts(b, ",\"");
                buf_put_span(b, name);
                buf_puts(b, "\":");
                buf_put_span(b, value);
            }
            buf_putc(b, '}');
            first = false;
        }
        buf_putc(b, ']');
    }
}

static int print_json(struct show *s, const struct entry *e)
{
    struct buf b;
    buf_init(&b, HISTORY_BYTES);
    past_put(&s->past, e, &b);
    put_text(&b, "method", s->event.method);
    put_text(&b, "url", s->event.path);
    put_text(&b, "remote", s->event.remote);
    put_text(&b, "request_id", s->event.request_id);
    put_text(&b, "key_id", s->event.key_id);
    put_text(&b, "order_key", s->event.order_key);
    put_text(&b, "time", s->event.time);
    put_text(&b, "content_type", s->event.content_type);
    put_text(&b, "violation", s->event.violation);
    put_text(&b, "durability", s->event.synced ? SPAN_LIT("synced") : SPAN_LIT("written"));
    put_headers(&b, s->event.headers);
    refusal_put_body(&b, s->event.body);
    put_history(s, &b);
    buf_puts(&b, "}\n");
    bool good = !b.failed && fwrite(b.p, 1, b.n, stdout) == b.n;
    buf_fini(&b);
    return good ? 0 : ctl_fail(EXIT_SYSTEM, "the event could not be written out");
}

/* ---- for people ---- */

static void print_fact(const char *name, struct span value)
{
    if (!value.p)
        return;
    printf("%-12s ", name);
    past_print_text(stdout, value, value.n);
    putchar('\n');
}

static void print_headers(struct span pairs)
{
    struct json_iter it = json_iter(pairs);
    struct span pair, name, value;
    struct buf b;
    while (json_next_element(&it, &pair)) {
        struct json_iter p = json_iter(pair);
        if (!json_next_element(&p, &name) || !json_next_element(&p, &value))
            continue;
        buf_init(&b, name.n + value.n + 1);
        if (json_unescape(name, &b) == ERR_OK) {
            buf_puts(&b, ": ");
            (void)json_unescape(value, &b);
        }
        printf("  ");
        past_print_text(stdout, buf_span(&b), b.n);
        putchar('\n');
        buf_fini(&b);
    }
}

static void print_member(struct span text, const char *name, const char *before)
{
    struct span value = json_member(text, name);
    struct buf b;
    if (json_type_of(value) != JSON_STRING)
        return;
    buf_init(&b, value.n + 1);
    if (json_unescape(value, &b) == ERR_OK && b.n) {
        printf("%s", before);
        past_print_text(stdout, buf_span(&b), b.n);
    }
    buf_fini(&b);
}

/* What a run printed, line by line; what is no text is not for a terminal. */
static void print_output(struct span text)
{
    struct span value = json_member(text, "output");
    struct buf b;
    if (json_type_of(json_member(text, "output_base64")) == JSON_STRING)
        printf("      | (what it printed is no text: creel show --json has it)\n");
    if (json_type_of(value) != JSON_STRING)
        return;
    buf_init(&b, value.n + 1);
    if (json_unescape(value, &b) == ERR_OK && b.n)
        past_print_indented(stdout, buf_span(&b), "      | ");
    buf_fini(&b);
}

static void print_history(struct show *s)
{
    struct span rest = buf_span(&s->lines);
    struct line line;
    printf("history\n");
    while (next_line(&rest, &line)) {
        char time[RFC3339_BYTES];
        rfc3339_format(line.at_ms, time);
        printf("  %.*s  %-8s ", RFC3339_BYTES, time, line.kind == KIND_ACTION ? "" : kind_name(line.kind));
        if (line.kind == KIND_ACTION) {
            past_print_text(stdout, line.action, SIZE_MAX);
            putchar(' ');
        }
        past_print_text(stdout, line.function, SIZE_MAX);
        if (line.attempt && line.kind != KIND_ACTION)
            printf(" #%u", line.attempt);
        if (line.kind == KIND_ROUTED)
            past_print_text(stdout, line.functions, SIZE_MAX);
        if (line.kind == KIND_OUTCOME)
            printf(" %s, %s", outcome_name(line.outcome), state_name(line.state));
        print_member(line.text, "why", ": ");
        print_member(line.text, "who", " by ");
        putchar('\n');
        print_output(line.text);
    }
}

static void print_person(struct show *s, const struct entry *e)
{
    char id[ID_TEXT_BYTES], time[RFC3339_BYTES];
    id_format(&e->id, id);
    rfc3339_format(e->received_ms, time);
    print_fact("id", span_of(id, sizeof id));
    print_fact("state", span_str(state_name(past_event_state(&s->past, e))));
    print_fact("received", span_of(time, sizeof time));
    print_fact("source", s->event.source);
    print_fact("type", s->event.type);
    print_fact("version", s->event.version);
    print_fact("violation", s->event.violation);
    print_fact("event id", s->event.event_id);
    print_fact("order key", s->event.order_key);
    print_fact("time", s->event.time);
    print_fact("remote", s->event.remote);
    print_fact("request", s->event.request_id);
    print_fact("key", s->event.key_id);
    printf("%-12s %.*s %.*s\n", "came as", (int)s->event.method.n, s->event.method.p ? s->event.method.p : "",
           (int)s->event.path.n, s->event.path.p ? s->event.path.p : "");
    print_headers(s->event.headers);
    for (uint16_t i = 0; i < e->n; i++) {
        const struct invocation *inv = &e->inv[i];
        printf("%-12s ", i ? "" : "functions");
        past_print_text(stdout, ledger_name(s->past.ledger, inv->function), SIZE_MAX);
        printf(": %s, %u attempts\n", state_name(past_state(&s->past, inv)), inv->attempts);
    }
    print_history(s);
    printf("body, %zu bytes\n", s->event.body.n);
    if (utf8_valid(s->event.body) && s->event.body.n <= BODY_SHOWN_BYTES) {
        past_print_lines(stdout, s->event.body);
        putchar('\n');
    } else {
        printf("  (creel show %.*s --body writes it out)\n", ID_TEXT_BYTES, id);
    }
}

int verb_show(struct ctl *c, int argc, char **argv)
{
    struct show s = {0};
    struct line line;
    int status = 0;
    bool body = ctl_option(&argc, argv, "--body", NULL);
    ctl_words(argc, argv, 1, 1);
    if (body && c->json)
        return ctl_usage("either --body or --json");
    s.id = past_id(argv[1]);
    buf_init(&s.lines, HISTORY_BYTES);
    buf_init(&s.room, LINE_MAX_BYTES);
    past_open(c, &s.past);
    past_read(&s.past, keep, &s);
    const struct entry *e = ledger_find(s.past.ledger, &s.id);
    if (!e)
        status = ctl_fail(EXIT_REFUSED, "there is no event %s in the journal (it may have been retired)", argv[1]);
    else if (!past_line(&s.past, e, &line))
        status = ctl_fail(EXIT_REFUSED, "event %s cannot be read any more: creel fsck says more", argv[1]);
    else {
        /* past_put looks at other lines: this one must stay. */
        struct buf copy;
        buf_init(&copy, LINE_MAX_BYTES);
        buf_put_span(&copy, line.event);
        if (copy.failed || line_event_decode(buf_span(&copy), &s.room, &s.event) != ERR_OK)
            status = ctl_fail(EXIT_SYSTEM, "event %s cannot be decoded", argv[1]);
        else if (body)
            fwrite(s.event.body.p, 1, s.event.body.n, stdout);
        else if (c->json)
            status = print_json(&s, e);
        else
            print_person(&s, e);
        buf_fini(&copy);
    }
    buf_fini(&s.lines);
    buf_fini(&s.room);
    past_close(&s.past);
    return status;
}
