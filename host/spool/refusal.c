/* SPDX-License-Identifier: MIT
 * refusal: lines and names of rejected/. Owns nothing.
 */
#include "spool/refusal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/units.h"

enum { NUMBER_DIGITS = 12, FACT_BYTES = 512, CHUNK_BYTES = 64 * 1024 };

/* ---- writing ---- */

/* Up to a NUL byte, which no text of a request holds, and which our scanner takes in no form. */
static void put_text(struct buf *b, const char *name, struct span s)
{
    const char *nul = s.n ? memchr(s.p, '\0', s.n) : NULL;
    s.n = nul ? (size_t)(nul - s.p) : s.n;
    buf_printf(b, ",\"%s\":", name);
    buf_put_json_text_or_null(b, s);
}

static void put_fact(struct buf *b, const char *name, struct span s)
{
    put_text(b, name, s.p ? span_of(s.p, s.n < FACT_BYTES ? s.n : FACT_BYTES) : s);
}

void refusal_put_body(struct buf *b, struct span body)
{
    if (utf8_valid(body) && !memchr(body.p, '\0', body.n)) {
        buf_puts(b, ",\"body\":");
        buf_put_json_string(b, body);
        return;
    }
    buf_puts(b, ",\"body_base64\":\"");
    if (buf_reserve(b, base64_size(body.n)))
        b->n += base64_encode_public(body.p, body.n, b->p + b->n);
    buf_putc(b, '"');
}

void refusal_put(struct buf *b, const struct refusal *r)
{
    buf_puts(b, "{\"at\":");
    buf_put_time(b, r->at_ms);
    put_fact(b, "request", r->request);
    put_fact(b, "source", r->source);
    put_fact(b, "type", r->type);
    put_fact(b, "method", r->method);
    put_fact(b, "remote", r->remote);
    put_fact(b, "step", r->step);
    put_fact(b, "code", r->code);
    buf_printf(b, ",\"status\":%d", r->status);
    put_fact(b, "detail", r->detail);
    if (r->errors.p) {
        buf_puts(b, ",\"errors\":");
        buf_put_span(b, r->errors);
    }
    if (r->left_out)
        buf_printf(b, ",\"left_out\":%" PRIu64, r->left_out);
    if (r->altered)
        buf_puts(b, ",\"altered\":true");
    if (r->url.p)
        put_text(b, "url", r->url);
    if (r->headers.p) {
        buf_puts(b, ",\"headers\":");
        buf_put_span(b, r->headers);
    }
    if (r->body.p)
        refusal_put_body(b, r->body);
    buf_puts(b, "}\n");
}

/* ---- reading ---- */

/* A string unescaped behind room; null and what is absent are SPAN_NONE. */
static enum err take_text(struct span value, struct buf *room, struct span *out)
{
    *out = SPAN_NONE;
    if (!value.p || json_type_of(value) == JSON_NULL)
        return ERR_OK;
    *out = json_plain_string(value);
    if (out->p)
        return ERR_OK;
    if (json_type_of(value) != JSON_STRING)
        return ERR_CORRUPT;
    /* never longer than the text: room for it moves nothing that was taken before */
    size_t from = room->n;
    if (json_unescape(value, room) != ERR_OK)
        return ERR_NO_ROOM;
    *out = span_of(room->p + from, room->n - from);
    return ERR_OK;
}

static enum err take_body(struct span line, struct buf *room, struct span *out)
{
    struct span coded;
    enum err e = take_text(json_member(line, "body_base64"), room, &coded);
    if (e != ERR_OK || !coded.p)
        return e != ERR_OK ? e : take_text(json_member(line, "body"), room, out);
    size_t n;
    if (!buf_reserve(room, coded.n + 1))
        return ERR_NO_ROOM;
    if (base64_decode_public(coded, room->p + room->n, coded.n + 1, &n) != ERR_OK)
        return ERR_CORRUPT;
    *out = span_of(room->p + room->n, n);
    room->n += n;
    return ERR_OK;
}

static struct span of_type(struct span value, enum json_type type)
{
    return value.p && json_type_of(value) == type ? value : SPAN_NONE;
}

enum err refusal_parse(struct span line, struct buf *room, struct refusal *r)
{
    struct json_error fault;
    int64_t status = 0, left_out = 0;
    struct span at;
    *r = (struct refusal){0};
    if (json_check(line, JSON_LIMITS_DEFAULT, &fault) != ERR_OK || json_type_of(line) != JSON_OBJECT)
        return ERR_CORRUPT;
    if (!buf_reserve(room, 2 * line.n + 1)) /* spans into it must stay */
        return ERR_NO_ROOM;
    const struct {
        const char *name;
        struct span *to;
    } texts[] = {{"at", &at},           {"request", &r->request}, {"source", &r->source}, {"type", &r->type},
                 {"method", &r->method}, {"remote", &r->remote},   {"step", &r->step},     {"code", &r->code},
                 {"detail", &r->detail}, {"url", &r->url}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum err e = take_text(json_member(line, texts[i].name), room, texts[i].to);
        if (e != ERR_OK)
            return e;
    }
    if (!at.p || rfc3339_parse(at, &r->at_ms) != ERR_OK || !r->request.p || !r->code.p)
        return ERR_CORRUPT;
    (void)json_int(json_member(line, "status"), &status);
    (void)json_int(json_member(line, "left_out"), &left_out);
    r->status = (int)status;
    r->left_out = left_out > 0 ? (uint64_t)left_out : 0;
    r->errors = of_type(json_member(line, "errors"), JSON_ARRAY);
    r->headers = of_type(json_member(line, "headers"), JSON_OBJECT);
    r->altered = of_type(json_member(line, "altered"), JSON_TRUE).p != NULL;
    return take_body(line, room, &r->body);
}

/* ---- names and places ---- */

void refusal_name(char out[REFUSAL_NAME_BYTES], enum err cause, uint64_t number)
{
    snprintf(out, REFUSAL_NAME_BYTES, "%s.%0*" PRIu64 ".jsonl", err_code(cause), NUMBER_DIGITS, number);
}

/* 1 to max digits, all of s. */
static bool digits(struct span s, size_t max, uint64_t *out)
{
    uint64_t n = 0;
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = n;
    return true;
}

bool refusal_name_parse(struct span name, enum err *cause, uint64_t *number)
{
    const struct span tail = SPAN_LIT(".jsonl");
    const char *dot = name.n ? memchr(name.p, '.', name.n) : NULL;
    size_t code = dot ? (size_t)(dot - name.p) : 0;
    if (!dot || name.n != code + 1 + NUMBER_DIGITS + tail.n || !span_eq(span_skip(name, name.n - tail.n), tail) ||
        !digits(span_of(dot + 1, NUMBER_DIGITS), NUMBER_DIGITS, number) || *number == 0)
        return false;
    for (enum err e = ERR_OK + 1; e < ERR_COUNT; e++)
        if (err_status(e) && span_eq_str(span_of(name.p, code), err_code(e))) {
            *cause = e;
            return true;
        }
    return false;
}

void refusal_place_put(char out[REFUSAL_PLACE_BYTES], const struct refusal_place *p)
{
    char name[REFUSAL_NAME_BYTES];
    refusal_name(name, p->cause, p->number);
    snprintf(out, REFUSAL_PLACE_BYTES, "%s:%" PRId64, name, p->offset);
}

bool refusal_place_parse(struct span text, struct refusal_place *out)
{
    uint64_t offset;
    const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
    size_t n = colon ? (size_t)(colon - text.p) : 0;
    if (!colon || !digits(span_skip(text, n + 1), 15, &offset) ||
        !refusal_name_parse(span_of(text.p, n), &out->cause, &out->number))
        return false;
    out->offset = (int64_t)offset;
    return true;
}

static enum err read_line(int fd, off_t at, struct buf *b, struct why *w)
{
    for (;;) {
        if (!buf_reserve(b, CHUNK_BYTES))
            return why_set(w, ERR_NO_ROOM, "the line is too long");
        ssize_t n = pread(fd, b->p + b->n, CHUNK_BYTES, at);
        if (n < 0)
            return why_errno(w, "it cannot be read");
        const char *end = n > 0 ? memchr(b->p + b->n, '\n', (size_t)n) : NULL;
        if (n == 0)
            return why_set(w, ERR_NOT_FOUND, "it is not kept any more");
        b->n += end ? (size_t)(end - (b->p + b->n)) : (size_t)n;
        at += n;
        if (end)
            return ERR_OK;
    }
}

enum err refusal_read(int dir_fd, const struct refusal_place *p, struct buf *b, struct why *w)
{
    char name[REFUSAL_NAME_BYTES];
    struct stat st;
    refusal_name(name, p->cause, p->number);
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return why_set(w, ERR_NOT_FOUND, "it is not kept any more");
    enum err e = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read_line(fd, (off_t)p->offset, b, w)
                                                            : why_set(w, ERR_NOT_FOUND, "it is not kept any more");
    close(fd);
    return e;
}
