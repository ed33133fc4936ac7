/* SPDX-License-Identifier: MIT
 * screen: one small state machine over records, and one over the name-value pairs inside PARAMS. Owns nothing.
 */
#include "intake/screen.h"

enum { RECORD_BEGIN = 1, RECORD_ABORT = 2, RECORD_PARAMS = 4, RECORD_STDIN = 5 };
enum { ROLE_RESPONDER = 1, FLAG_KEEP = 1, HEADER_BYTES = 8, BEGIN_BYTES = 8 };

void screen_reset(struct screen *s)
{
    *s = (struct screen){0};
}

bool screen_started(const struct screen *s)
{
    return s->stage != SCREEN_STAGE_BEGIN || s->header_n > 0 || s->in_record;
}

void screen_answered(struct screen *s)
{
    s->answered = true;
}

size_t screen_header_bytes(const struct screen *s)
{
    return s->in_record && s->stage != SCREEN_STAGE_BEGIN ? 0 : s->header_n;
}

/* The header just completed begins another request. */
static void start_over(struct screen *s)
{
    struct screen fresh = {
        .header_n = s->header_n, .in_record = true, .content = s->content, .padding = s->padding, .next = true};
    memcpy(fresh.header, s->header, sizeof fresh.header);
    *s = fresh;
}

/* A record header is complete. NULL, or what is wrong with it. */
static const char *header_fault(struct screen *s)
{
    const uint8_t *h = s->header;
    uint16_t id = (uint16_t)(h[2] << 8 | h[3]);
    uint32_t length = (uint32_t)(h[4] << 8 | h[5]);

    if (h[0] != 1)
        return "record of an unknown version";
    if (id == 0)
        return "management record";
    if (s->answered && h[1] == RECORD_BEGIN)
        start_over(s);
    if (s->stage == SCREEN_STAGE_BEGIN) {
        if (h[1] != RECORD_BEGIN)
            return "record outside a request";
        if (length != BEGIN_BYTES || h[6] != 0)
            return "BEGIN_REQUEST of a wrong size";
        s->id = id;
        return NULL;
    }
    if (id != s->id)
        return "second request inside the first";
    if (h[1] == RECORD_ABORT)
        return NULL;
    if (h[1] != (s->stage == SCREEN_STAGE_PARAMS ? RECORD_PARAMS : RECORD_STDIN))
        return "record out of order";
    /* libfcgi forgets the padding of the record that ends the parameters, and would read it as the next header. */
    if (h[1] == RECORD_PARAMS && length == 0 && h[6] != 0)
        return "padded end of the parameters";
    return NULL;
}

static const char *begin_fault(struct screen *s)
{
    if ((s->begin[0] << 8 | s->begin[1]) != ROLE_RESPONDER)
        return "role other than responder";
    s->keep = s->begin[2] & FLAG_KEEP;
    return NULL;
}

static const char *pair_fault(struct screen *s, uint32_t name_bytes, uint32_t value_bytes)
{
    s->skip = name_bytes + value_bytes;
    return ++s->params > SCREEN_PARAMS_MAX ? "too many parameters" : NULL;
}

/* One byte of a length (section 3.4: one byte below 128, or four with the top bit set). */
static const char *length_fault(struct screen *s, uint8_t byte)
{
    if (s->length_left == 0) {
        s->length[s->which] = byte & 0x7f;
        s->length_left = byte & 0x80 ? 3 : 0;
    } else {
        s->length[s->which] = s->length[s->which] << 8 | byte;
        s->length_left--;
    }
    if (s->length_left > 0)
        return NULL;
    if (s->length[s->which] > SCREEN_PARAMS_BYTES)
        return "parameter longer than the limit";
    if (s->which == 0) {
        if (s->length[0] == 0 || s->length[0] > SCREEN_NAME_BYTES)
            return "parameter name of a wrong size";
        s->which = 1;
        return NULL;
    }
    s->which = 0;
    return pair_fault(s, s->length[0], s->length[1]);
}

/* Both lengths of a pair are here and of one byte, as nearly all are. Names that long are within the limit. */
static bool short_lengths(const struct screen *s, const char *p, size_t n)
{
    return n >= 2 && s->which == 0 && s->length_left == 0 && p[0] != 0 && !((p[0] | p[1]) & 0x80);
}

static const char *params_fault(struct screen *s, const char *p, size_t n)
{
    s->params_bytes += (uint32_t)n;
    if (s->params_bytes > SCREEN_PARAMS_BYTES)
        return "parameters larger than the limit";
    while (n > 0) {
        const char *fault = NULL;
        size_t step = 1;
        if (s->skip > 0) {
            step = n < s->skip ? n : s->skip;
            s->skip -= (uint32_t)step;
            s->nul = s->nul || memchr(p, 0, step) != NULL;
        } else if (short_lengths(s, p, n)) {
            step = 2;
            fault = pair_fault(s, (uint8_t)p[0], (uint8_t)p[1]);
        } else {
            fault = length_fault(s, (uint8_t)*p);
        }
        if (fault)
            return fault;
        p += step;
        n -= step;
    }
    return NULL;
}

static bool inside_pair(const struct screen *s)
{
    return s->skip > 0 || s->which > 0 || s->length_left > 0;
}

/* Walk content bytes that are here; *body counts STDIN. */
static const char *content_fault(struct screen *s, const char *p, size_t n, size_t *body)
{
    switch (s->stage) {
    case SCREEN_STAGE_BEGIN:
        memcpy(s->begin + s->begin_n, p, n); /* the record holds BEGIN_BYTES, so n fits */
        s->begin_n += (uint8_t)n;
        return s->begin_n == BEGIN_BYTES ? begin_fault(s) : NULL;
    case SCREEN_STAGE_PARAMS:
        return params_fault(s, p, n);
    case SCREEN_STAGE_STDIN:
        *body += n;
        return NULL;
    }
    return NULL;
}

/* The current record and its padding are over: what does that make? */
static enum screen_verdict record_end(struct screen *s, const char **why)
{
    uint8_t type = s->header[1];
    bool empty = s->header[4] == 0 && s->header[5] == 0;

    s->in_record = false;
    s->header_n = 0;
    if (type == RECORD_ABORT)
        return SCREEN_ABORT;
    if (type == RECORD_BEGIN) {
        s->stage = SCREEN_STAGE_PARAMS;
        return SCREEN_MORE;
    }
    if (!empty)
        return SCREEN_MORE;
    if (type == RECORD_STDIN)
        return SCREEN_END;
    if (inside_pair(s)) {
        *why = "parameters end inside a pair";
        return SCREEN_HOSTILE;
    }
    s->stage = SCREEN_STAGE_STDIN;
    return SCREEN_HEAD;
}

/* Collect header bytes; true when the header is complete. */
static bool take_header(struct screen *s, const char *p, size_t n, size_t *step)
{
    size_t want = HEADER_BYTES - s->header_n;
    *step = n < want ? n : want;
    memcpy(s->header + s->header_n, p, *step);
    s->header_n += (uint8_t)*step;
    if (s->header_n < HEADER_BYTES)
        return false;
    s->content = (uint32_t)(s->header[4] << 8 | s->header[5]);
    s->padding = s->header[6];
    s->in_record = true;
    return true;
}

/* Walk one step: part of a header, of a record's content, or of its padding. NULL, or the fault. */
static const char *walk(struct screen *s, const char *p, size_t n, size_t *step, size_t *body)
{
    if (!s->in_record)
        return take_header(s, p, n, step) ? header_fault(s) : NULL;
    if (s->content > 0) {
        *step = n < s->content ? n : s->content;
        s->content -= (uint32_t)*step;
        return s->header[1] == RECORD_ABORT ? NULL : content_fault(s, p, *step, body);
    }
    *step = n < s->padding ? n : s->padding;
    s->padding -= (uint32_t)*step;
    return NULL;
}

enum screen_verdict screen_feed(struct screen *s, struct span bytes, size_t *used, size_t *body, const char **why)
{
    enum screen_verdict v = SCREEN_MORE;
    size_t at = 0;

    *body = 0;
    while (v == SCREEN_MORE && at < bytes.n) {
        size_t step = 0;
        const char *fault = walk(s, bytes.p + at, bytes.n - at, &step, body);
        at += step;
        if (s->stage != SCREEN_STAGE_STDIN && (s->head_bytes += (uint32_t)step) > SCREEN_HEAD_BYTES && !fault)
            fault = "parameters padded beyond the limit";
        if (fault) {
            *why = fault;
            v = SCREEN_HOSTILE;
        } else if (s->next) {
            s->next = false;
            v = SCREEN_NEXT;
        } else if (s->in_record && s->content == 0 && s->padding == 0) {
            v = record_end(s, why);
        }
    }
    *used = at;
    return v;
}
