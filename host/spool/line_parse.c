/* SPDX-License-Identifier: MIT
 * line_parse: is this an intact line, and what does its head say. One pass for the checksum; then only the head is
 * walked, by members.tbl, never the body. Owns nothing, allocates nothing, trusts nothing: a line with a good checksum
 * but another shape is corrupt. Any thread.
 */
#include "spool/line.h"

#include "base/codec.h"
#include "base/run.h"
#include "base/units.h"

/* What is left of the text: every take_* takes something off its front or says false. */
struct head {
    const char *p, *end;
};

enum { TAIL_BYTES = sizeof(",\"crc\":\"xxxxxxxx\"}") - 1, DIGITS_BYTES = 8, KEY_BYTES = 16 };

static bool take(struct head *h, const char *literal, size_t n)
{
    if ((size_t)(h->end - h->p) < n || memcmp(h->p, literal, n) != 0)
        return false;
    h->p += n;
    return true;
}
#define TAKE(h, literal) take((h), (literal), sizeof(literal) - 1)

/* Digits without leading zeros, below 2^32. */
static bool take_number(struct head *h, uint32_t *out)
{
    const char *from = h->p;
    uint64_t v = 0;
    while (h->p < h->end && *h->p >= '0' && *h->p <= '9' && h->p - from < 10)
        v = v * 10 + (uint64_t)(*h->p++ - '0');
    *out = (uint32_t)v;
    return h->p > from && v <= UINT32_MAX && (*from != '0' || h->p - from == 1);
}

/* A string; *out is what lies between the quotes. */
static bool take_text(struct head *h, struct span *out)
{
    if (h->p == h->end || *h->p != '"')
        return false;
    const char *from = h->p + 1;
    for (const char *p = from; p < h->end; p++) {
        p += run_ascii(p, (size_t)(h->end - p));
        if (p == h->end)
            return false;
        if (*p == '"') {
            *out = span_of(from, (size_t)(p - from));
            h->p = p + 1;
            return true;
        }
        if (*p == '\\')
            p++;
    }
    return false;
}

/* An array or object, brackets of both kinds counted alike: what is inside is for json_check, not for us. */
static bool take_array(struct head *h, struct span *out)
{
    const char *from = h->p;
    struct span ignored;
    size_t depth = 0;
    if (h->p == h->end || *h->p != '[')
        return false;
    while (h->p < h->end) {
        char c = *h->p;
        if (c == '"') {
            if (!take_text(h, &ignored))
                return false;
            continue;
        }
        h->p++;
        if (c == '[' || c == '{')
            depth++;
        if ((c == ']' || c == '}') && --depth == 0) {
            *out = span_of(from, (size_t)(h->p - from));
            return true;
        }
    }
    return false;
}

static bool take_id(struct head *h, struct id *out)
{
    struct span s;
    return take_text(h, &s) && id_parse(s, out) == ERR_OK;
}

static bool take_time(struct head *h, int64_t *out)
{
    struct span s;
    return take_text(h, &s) && rfc3339_parse(s, out) == ERR_OK;
}

static bool take_bool(struct head *h, bool *out)
{
    *out = TAKE(h, "true");
    return *out || TAKE(h, "false");
}

static bool take_key(struct head *h, uint8_t out[KEY_BYTES])
{
    struct span s;
    size_t n;
    return take_text(h, &s) && s.n == 2 * KEY_BYTES && hex_decode(s, out, KEY_BYTES, &n) == ERR_OK;
}

static bool take_pos(struct head *h, struct pos *out)
{
    return TAKE(h, "\"") && take_number(h, &out->segment) && TAKE(h, ".") && take_number(h, &out->offset) &&
           TAKE(h, "\"");
}

/* One function for each SHAPE of members.tbl. */
static bool take_NUMBER(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_number(h, to);
}

static bool take_TIME(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_time(h, to);
}

static bool take_DUE(struct head *h, struct line *l, void *to)
{
    (void)l;
    return TAKE(h, "null") || take_time(h, to);
}

static bool take_KEY(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_key(h, to);
}

static bool take_DEDUPE(struct head *h, struct line *l, void *to)
{
    return TAKE(h, "null") || (l->has_dedupe = take_key(h, to));
}

static bool take_TEXT(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_text(h, to);
}

static bool take_TEXT_OR_NULL(struct head *h, struct line *l, void *to)
{
    (void)l;
    return TAKE(h, "null") || take_text(h, to);
}

static bool take_ID(struct head *h, struct line *l, void *to)
{
    return l->has_id = take_id(h, to);
}

static bool take_ID_OR_NULL(struct head *h, struct line *l, void *to)
{
    return TAKE(h, "null") || take_ID(h, l, to);
}

/* The event inside a carry line is the one the line is about. */
static bool take_CARRIED_ID(struct head *h, struct line *l, void *to)
{
    struct id inner;
    (void)l;
    return take_id(h, &inner) && id_cmp(&inner, to) == 0;
}

static bool take_BOOL(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_bool(h, to);
}

static bool take_ARRAY(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_array(h, to);
}

static bool take_POS(struct head *h, struct line *l, void *to)
{
    (void)l;
    return take_pos(h, to);
}

static bool take_OUTCOME(struct head *h, struct line *l, void *to)
{
    struct span s;
    (void)l;
    return take_text(h, &s) && outcome_parse(s, to) == ERR_OK;
}

static bool take_STATE(struct head *h, struct line *l, void *to)
{
    struct span s;
    (void)l;
    return take_text(h, &s) && state_parse(s, to) == ERR_OK && *(enum state *)to < STATE_COUNT;
}

/* An object up to the end of the line, whatever is in it. */
static bool take_REST(struct head *h, struct line *l, void *to)
{
    (void)l;
    if (h->end - h->p < 2 || *h->p != '{' || h->end[-1] != '}')
        return false;
    *(struct span *)to = span_of(h->p, (size_t)(h->end - h->p));
    h->p = h->end;
    return true;
}

enum { KIND_CARRIED = KIND_COUNT };

static const struct member {
    uint8_t kind, n;
    uint16_t offset;  /* in struct line */
    const char *name; /* ,"name": and n is its length */
    bool (*take)(struct head *h, struct line *l, void *to);
} members[] = {
#define X(k, word, shape, field)                                                                                       \
    {KIND_##k, sizeof(",\"" #word "\":") - 1, offsetof(struct line, field), ",\"" #word "\":", take_##shape},
#include "spool/members.tbl"
#undef X
};

/* The members of one kind, in their order; the first one's comma is left out inside an object of its own. */
static bool take_members(struct head *h, int kind, bool comma, struct line *l)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const struct member *m = members + i;
        if (m->kind != kind)
            continue;
        if (!take(h, m->name + !comma, m->n - (size_t)!comma) || !m->take(h, l, (char *)l + m->offset))
            return false;
        comma = true;
    }
    return h->p == h->end || *h->p == ',';
}

/* The checksum at the end of text: *n is how many bytes lie before it. */
static bool checksum_holds(struct span text, size_t *n)
{
    if (text.n < TAIL_BYTES + sizeof LINE_TOKEN)
        return false;
    struct head h = {text.p + text.n - TAIL_BYTES, text.p + text.n};
    if (!TAKE(&h, ",\"crc\":\""))
        return false;
    uint32_t crc = 0;
    for (int i = 0; i < DIGITS_BYTES; i++) {
        char c = *h.p++;
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
        crc = crc << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *n = text.n - TAIL_BYTES;
    return TAKE(&h, "\"}") && crc32c(0, text.p, text.n - DIGITS_BYTES - 2) == crc;
}

/* ,"safe":"SEGMENT.OFFSET" at the end of text, read backwards: no string can end in these bytes, its quotes would be
 * escaped. */
static size_t before_safe(struct span text, struct line *l)
{
    static const struct span name = SPAN_LIT(",\"safe\":\"");
    size_t i = text.n;
    if (i == 0 || text.p[--i] != '"')
        return text.n;
    while (i > 0 && ((text.p[i - 1] >= '0' && text.p[i - 1] <= '9') || text.p[i - 1] == '.'))
        i--;
    if (i < name.n || memcmp(text.p + i - name.n, name.p, name.n) != 0)
        return text.n;
    struct head h = {text.p + i - 1, text.p + text.n};
    if (!take_pos(&h, &l->safe) || h.p != h.end)
        return text.n;
    l->has_safe = true;
    return i - name.n;
}

bool line_intact(struct span text)
{
    size_t n;
    return span_starts(text, SPAN_LIT(LINE_TOKEN)) && checksum_holds(text, &n);
}

/* The word behind the token. KIND_COUNT when it is none of ours; false when there is none. */
static bool take_kind(struct head *h, int *kind)
{
    const char *from = h->p;
    while (h->p < h->end && *h->p >= 'a' && *h->p <= 'z')
        h->p++;
    struct span word = span_of(from, (size_t)(h->p - from));
    for (*kind = 0; *kind < KIND_COUNT; ++*kind)
        if (span_eq_str(word, kind_name((enum kind) * kind)))
            break;
    return word.n && TAKE(h, "\"");
}

/* Members behind those of members.tbl that a line may be without. */
static bool take_optional(struct head *h, struct line *l)
{
    struct span who;
    if (l->kind == KIND_CHECKPOINT && TAKE(h, ",\"quarantine\":"))
        return take_number(h, &l->quarantine);
    if (l->kind == KIND_ACTION && TAKE(h, ",\"who\":") && take_text(h, &who) && TAKE(h, ",\"attempts\":"))
        return l->has_attempts = take_number(h, &l->attempt);
    if ((l->kind == KIND_EVENT || l->kind == KIND_CARRY) && TAKE(h, ",\"violation\":"))
        return take_text(h, &l->violation);
    return true;
}

enum err line_parse(struct span text, struct line *out)
{
    struct line l = {.text = text};
    size_t n;
    int kind;
    if (!span_starts(text, SPAN_LIT(LINE_TOKEN)) || !checksum_holds(text, &n))
        return ERR_CORRUPT;
    l.unsealed = span_of(text.p, before_safe(span_of(text.p, n), &l));
    struct head h = {text.p + sizeof LINE_TOKEN - 1, l.unsealed.p + l.unsealed.n};
    if (!take_kind(&h, &kind))
        return ERR_CORRUPT;
    if (kind == KIND_COUNT)
        return ERR_UNSUPPORTED;
    l.kind = (enum kind)kind;
    if (!take_members(&h, kind, true, &l))
        return l.kind == KIND_SEGMENT && l.format != LINE_FORMAT ? ERR_UNSUPPORTED : ERR_CORRUPT;
    if (l.kind == KIND_SEGMENT && l.format != LINE_FORMAT)
        return ERR_UNSUPPORTED;
    if (!take_optional(&h, &l))
        return ERR_CORRUPT;
    if (l.kind == KIND_EVENT) {
        l.event = text;
        l.at_ms = l.received_ms;
    }
    if (l.kind == KIND_CARRY) {
        struct head inner = {l.event.p + 1, l.event.p + l.event.n - 1};
        if (!take_members(&inner, KIND_CARRIED, false, &l) || !take_optional(&inner, &l))
            return ERR_CORRUPT;
    }
    if (l.kind == KIND_VOID)
        l.from.segment = l.segment;
    *out = l;
    return ERR_OK;
}
