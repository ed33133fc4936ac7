/* SPDX-License-Identifier: MIT
 * line: writing journal lines. Owns nothing but the form of the text; reading is in line_parse.c and line_decode.c.
 * Never does I/O. Any thread.
 */
#include "spool/line.h"

#include "base/codec.h"
#include "base/run.h"
#include "base/units.h"

static const char *const words[KIND_COUNT] = {
#define X(name, word, who, what) [KIND_##name] = word,
#include "spool/kinds.tbl"
#undef X
};

const char *kind_name(enum kind k)
{
    return (unsigned)k < KIND_COUNT ? words[k] : "unknown";
}

/* The writers below put one member with the comma before it. `name` comes with its quotes and colon: ,"name": */
#define PUT(b, literal) buf_put((b), (literal), sizeof(literal) - 1)

static void begin(struct buf *b, enum kind k)
{
    PUT(b, LINE_TOKEN);
    buf_puts(b, words[k]);
    buf_putc(b, '"');
}

static void put_id(struct buf *b, const struct id *id)
{
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    PUT(b, ",\"id\":\"");
    buf_put(b, text, sizeof text);
    buf_putc(b, '"');
}

static void put_time(struct buf *b, const char *name, int64_t ms)
{
    buf_puts(b, name);
    buf_put_time(b, ms);
}

static void put_due(struct buf *b, const char *name, int64_t ms)
{
    if (ms) {
        put_time(b, name, ms);
    } else {
        buf_puts(b, name);
        PUT(b, "null");
    }
}

static void put_number(struct buf *b, const char *name, uint64_t v)
{
    buf_puts(b, name);
    buf_put_u64(b, v);
}

static void put_bool(struct buf *b, const char *name, bool v)
{
    buf_puts(b, name);
    buf_puts(b, v ? "true" : "false");
}

/* 16 bytes in hex, or null. */
static void put_key(struct buf *b, const char *name, const uint8_t key[16], bool present)
{
    buf_puts(b, name);
    if (!present) {
        PUT(b, "null");
        return;
    }
    char hex[33];
    hex_encode(key, 16, hex);
    buf_putc(b, '"');
    buf_put(b, hex, 32);
    buf_putc(b, '"');
}

static void put_base64(struct buf *b, const char *name, struct span s)
{
    buf_puts(b, name);
    buf_putc(b, '"');
    if (buf_reserve(b, base64_size(s.n)))
        b->n += base64_encode_public(s.p, s.n, b->p + b->n);
    buf_putc(b, '"');
}

enum { ESCAPE_PIECE = 512, ESCAPE_MOST = 6 }; /* bytes looked at between two reservations; longest escape of one byte */

/* c is ASCII and does not stand for itself. Returns how many bytes. */
static inline size_t escape(unsigned char c, char *out)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[0x80] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
    out[0] = '\\';
    if (shorts[c]) {
        out[1] = shorts[c];
        return 2;
    }
    out[1] = 'u';
    out[2] = out[3] = '0';
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return ESCAPE_MOST;
}

/* Bytes [*i, stop) of s as the content of a JSON string, *i moved on (a character may reach past stop); NULL when they
 * are no UTF-8 text or hold NUL. Returns the end of what was written. */
static char *put_piece(char *out, struct span s, size_t *i, size_t stop)
{
    size_t at = *i;
    while (at < stop) {
        size_t n = run_plain(out, s.p + at, stop - at);
        out += n;
        at += n;
        if (at == stop)
            break;
        unsigned char c = (unsigned char)s.p[at];
        if (c < 0x80 && c) {
            out += escape(c, out);
            at++;
            continue;
        }
        n = c ? utf8_sequence(span_skip(s, at)) : 0;
        if (n == 0)
            return NULL;
        memcpy(out, s.p + at, n);
        out += n;
        at += n;
    }
    *i = at;
    return out;
}

/* The content of a JSON string, checking UTF-8 on the way; false, with b as it was, when s is no UTF-8 text or holds
 * NUL. One walk: bodies are most of what the journal writes, and nearly all of them are text. */
static bool put_if_text(struct buf *b, struct span s)
{
    size_t before = b->n;
    for (size_t i = 0; i < s.n;) {
        size_t n = s.n - i < ESCAPE_PIECE ? s.n - i : ESCAPE_PIECE;
        if (!buf_reserve(b, n * ESCAPE_MOST + RUN_SLACK))
            return true; /* b says that it failed */
        char *end = put_piece(b->p + b->n, s, &i, i + n);
        if (!end) {
            b->n = before;
            return false;
        }
        b->n = (size_t)(end - b->p);
    }
    return true;
}

static void put_text(struct buf *b, const char *name, struct span s)
{
    buf_puts(b, name);
    if (!s.p) {
        PUT(b, "null");
        return;
    }
    size_t before = b->n;
    buf_putc(b, '"');
    if (put_if_text(b, s)) {
        buf_putc(b, '"');
        return;
    }
    b->n = before;
    buf_put_json_text(b, s);
}

/* Raw bytes as "name":"text", or as "name_base64" where they are no text. */
static void put_bytes(struct buf *b, const char *name, const char *name_base64, struct span s)
{
    size_t before = b->n;
    buf_puts(b, name);
    buf_putc(b, '"');
    if (put_if_text(b, s)) {
        buf_putc(b, '"');
        return;
    }
    b->n = before;
    put_base64(b, name_base64, s);
}

/* The same, as text only where that is no longer: what has a limit as bytes then has one in the line, too. */
static void put_short(struct buf *b, const char *name, const char *name_base64, struct span s)
{
    size_t before = b->n;
    put_bytes(b, name, name_base64, s);
    if (b->n - before <= strlen(name_base64) + 2 + base64_size(s.n))
        return;
    b->n = before;
    put_base64(b, name_base64, s);
}

void line_put_segment(struct buf *b, uint32_t segment, int64_t at_ms, const uint8_t salt[16])
{
    begin(b, KIND_SEGMENT);
    put_number(b, ",\"format\":", LINE_FORMAT);
    put_number(b, ",\"segment\":", segment);
    put_time(b, ",\"at\":", at_ms);
    put_key(b, ",\"salt\":", salt, true);
}

void line_put_event(struct buf *b, const struct line_event *e)
{
    begin(b, KIND_EVENT);
    put_id(b, &e->id);
    put_time(b, ",\"received\":", e->received_ms);
    put_text(b, ",\"source\":", e->source);
    put_text(b, ",\"type\":", e->type);
    put_bool(b, ",\"unsigned\":", e->unsigned_source);
    put_key(b, ",\"dedupe\":", e->dedupe, e->has_dedupe);
    put_due(b, ",\"dedupe_until\":", e->has_dedupe ? e->dedupe_until_ms : 0);
    if (e->violation.p)
        put_text(b, ",\"violation\":", e->violation);
    put_text(b, ",\"version\":", e->version);
    put_text(b, ",\"event_id\":", e->event_id);
    put_text(b, ",\"order_key\":", e->order_key);
    if (e->time.p)
        put_text(b, ",\"time\":", e->time);
    buf_puts(b, e->synced ? ",\"durability\":\"synced\"" : ",\"durability\":\"written\"");
    put_text(b, ",\"key_id\":", e->key_id);
    put_text(b, ",\"request_id\":", e->request_id);
    put_text(b, ",\"remote\":", e->remote);
    put_text(b, ",\"method\":", e->method);
    put_text(b, ",\"path\":", e->path);
    put_text(b, ",\"content_type\":", e->content_type);
    PUT(b, ",\"headers\":");
    buf_put_span(b, e->headers.n ? e->headers : SPAN_LIT("[]"));
    put_bytes(b, ",\"body\":", ",\"body_base64\":", e->body.p ? e->body : SPAN_LIT(""));
}

void line_put_routed(struct buf *b, const struct id *id, int64_t at_ms, const struct span *functions, size_t n)
{
    begin(b, KIND_ROUTED);
    put_id(b, id);
    put_time(b, ",\"at\":", at_ms);
    PUT(b, ",\"functions\":[");
    for (size_t i = 0; i < n; i++)
        put_text(b, i ? "," : "", functions[i]);
    buf_putc(b, ']');
}

void line_put_attempt(struct buf *b, const struct id *id, struct span function, uint32_t attempt, int64_t at_ms,
                      struct span generation)
{
    begin(b, KIND_ATTEMPT);
    put_id(b, id);
    put_text(b, ",\"function\":", function);
    put_number(b, ",\"attempt\":", attempt);
    put_time(b, ",\"at\":", at_ms);
    put_text(b, ",\"generation\":", generation);
}

void line_put_outcome(struct buf *b, const struct line_outcome *o)
{
    begin(b, KIND_OUTCOME);
    put_id(b, &o->id);
    put_text(b, ",\"function\":", o->function);
    put_number(b, ",\"attempt\":", o->attempt);
    put_time(b, ",\"at\":", o->at_ms);
    put_text(b, ",\"outcome\":", span_str(outcome_name(o->outcome)));
    put_text(b, ",\"state\":", span_str(state_name(o->state)));
    put_due(b, ",\"due\":", o->due_ms);
    put_number(b, ",\"ms\":", o->run_ms > 0 ? (uint64_t)o->run_ms : 0);
    put_text(b, ",\"why\":", o->why);
    if (o->output.p)
        put_bytes(b, ",\"output\":", ",\"output_base64\":", o->output);
    else
        PUT(b, ",\"output\":null");
    if (o->reply.p)
        put_short(b, ",\"reply\":", ",\"reply_base64\":", o->reply);
}

static void put_function(struct buf *b, const struct line_function *f)
{
    put_text(b, "{\"name\":", f->name);
    put_text(b, ",\"state\":", span_str(state_name(f->state)));
    put_number(b, ",\"attempts\":", f->attempts);
    put_number(b, ",\"interrupted\":", f->interrupted);
    put_number(b, ",\"base\":", f->base);
    put_due(b, ",\"due\":", f->due_ms);
    put_text(b, ",\"why\":", f->why);
    buf_putc(b, '}');
}

void line_put_carry(struct buf *b, int64_t at_ms, struct span event_line, const struct line_function *f, size_t n,
                    bool routed)
{
    struct line l;
    if (line_parse(event_line, &l) != ERR_OK || !l.event.p) {
        b->failed = true;
        return;
    }
    begin(b, KIND_CARRY);
    put_id(b, &l.id);
    put_time(b, ",\"at\":", at_ms);
    put_bool(b, ",\"routed\":", routed);
    PUT(b, ",\"functions\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(b, ',');
        put_function(b, f + i);
    }
    PUT(b, "],\"event\":");
    if (l.kind == KIND_EVENT) {
        buf_putc(b, '{');
        buf_put_span(b, span_skip(l.unsealed, sizeof(LINE_TOKEN "event\",") - 1));
        buf_putc(b, '}');
    } else {
        buf_put_span(b, l.event);
    }
}

void line_put_void(struct buf *b, uint32_t segment, uint32_t from, int64_t at_ms, const char *why)
{
    begin(b, KIND_VOID);
    put_number(b, ",\"segment\":", segment);
    put_number(b, ",\"from\":", from);
    put_time(b, ",\"at\":", at_ms);
    put_text(b, ",\"why\":", span_str(why));
}

void line_put_tombstone(struct buf *b, uint32_t segment, int64_t at_ms, const char *why)
{
    begin(b, KIND_TOMBSTONE);
    put_number(b, ",\"segment\":", segment);
    put_time(b, ",\"at\":", at_ms);
    put_text(b, ",\"why\":", span_str(why));
}

/* "SEGMENT.OFFSET" with its quotes. */
static void put_pos(struct buf *b, struct pos p)
{
    buf_putc(b, '"');
    buf_put_u64(b, p.segment);
    buf_putc(b, '.');
    buf_put_u64(b, p.offset);
    buf_putc(b, '"');
}

void line_put_checkpoint(struct buf *b, struct pos from, int64_t at_ms, uint32_t quarantine)
{
    begin(b, KIND_CHECKPOINT);
    PUT(b, ",\"from\":");
    put_pos(b, from);
    put_time(b, ",\"at\":", at_ms);
    if (quarantine)
        buf_printf(b, ",\"quarantine\":%u", quarantine);
}

void line_put_action(struct buf *b, const char *action, const struct id *id, struct span function, int64_t at_ms,
                     const char *who, int32_t attempts)
{
    begin(b, KIND_ACTION);
    put_text(b, ",\"action\":", span_str(action));
    if (id)
        put_id(b, id);
    else
        PUT(b, ",\"id\":null");
    put_text(b, ",\"function\":", function);
    put_time(b, ",\"at\":", at_ms);
    put_text(b, ",\"who\":", span_str(who));
    if (attempts >= 0)
        buf_printf(b, ",\"attempts\":%d", attempts);
}

void line_seal(struct buf *b, size_t from, const struct pos *safe)
{
    static const char digits[] = "0123456789abcdef";
    if (safe) {
        PUT(b, ",\"safe\":");
        put_pos(b, *safe);
    }
    PUT(b, ",\"crc\":\"");
    if (b->failed)
        return;
    uint32_t crc = crc32c(0, b->p + from, b->n - from);
    char hex[8];
    for (int i = 0; i < 8; i++)
        hex[i] = digits[crc >> (28 - 4 * i) & 15];
    buf_put(b, hex, sizeof hex);
    PUT(b, "\"}\n");
}
