/* SPDX-License-Identifier: MIT
 * occasion: takes a request object apart. Owns the texts it makes.
 */
#include "ctl/occasion.h"

#include "base/codec.h"
#include "base/json.h"
#include "base/units.h"

enum { TEXT_BYTES = 64 * 1024, HEADERS_BYTES = 4 << 20 };

/* The members that make an object an event and not just somebody's JSON. */
static const char *const known[] = {"body", "body_base64", "headers", "url", "method", "type", "id", "source"};

static bool is_event(struct span json)
{
    struct json_iter it = json_iter(json);
    struct span name, value;
    if (!json_next_member(&it, &name, &value))
        return true; /* {}: an event with nothing in it */
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (json_member(json, known[i]).p)
            return true;
    return false;
}

/* A string member unescaped into o->text; SPAN_NONE where it is missing or null. The buffer is as large as it ever gets from
 * the beginning, so that spans into it stay. */
static enum err take_text(struct occasion *o, struct span json, const char *member, struct span *out, struct why *w)
{
    struct span value = json_member(json, member);
    if (!value.p || json_type_of(value) == JSON_NULL)
        return ERR_OK;
    size_t from = o->text.n;
    if (json_type_of(value) != JSON_STRING || json_unescape(value, &o->text) != ERR_OK)
        return why_set(w, ERR_INVALID, "/%s: must be a string, and all strings together at most %d bytes", member, TEXT_BYTES);
    *out = span_of(o->text.p + from, o->text.n - from);
    return ERR_OK;
}

static enum err put_header(struct occasion *o, struct span name, struct span value, struct why *w)
{
    if (json_type_of(value) != JSON_STRING)
        return why_set(w, ERR_INVALID, "/headers/%.*s: must be a string or a list of strings", (int)name.n, name.p);
    if (o->headers.n > 1)
        buf_putc(&o->headers, ',');
    buf_puts(&o->headers, "[\"");
    buf_put_span(&o->headers, name);
    buf_puts(&o->headers, "\",");
    buf_put_span(&o->headers, value);
    buf_putc(&o->headers, ']');
    if (!o->event.content_type.p && span_eq_nocase(name, SPAN_LIT("content-type"))) {
        size_t from = o->text.n;
        if (json_unescape(value, &o->text) == ERR_OK)
            o->event.content_type = span_of(o->text.p + from, o->text.n - from);
    }
    return ERR_OK;
}

/* {"Name":"value" | ["value",…]}: names are still escaped, as they must be where they go. */
static enum err put_header_object(struct occasion *o, struct span object, struct why *w)
{
    struct json_iter it = json_iter(object);
    struct span name, value;
    enum err e = ERR_OK;
    while (!e && json_next_member(&it, &name, &value)) {
        if (json_type_of(value) != JSON_ARRAY) {
            e = put_header(o, name, value, w);
            continue;
        }
        struct json_iter list = json_iter(value);
        struct span one;
        while (!e && json_next_element(&list, &one))
            e = put_header(o, name, one, w);
    }
    return e;
}

/* [["Name","value"],…] */
static enum err put_header_pairs(struct occasion *o, struct span array, struct why *w)
{
    struct json_iter it = json_iter(array);
    struct span pair, name, value;
    enum err e = ERR_OK;
    while (!e && json_next_element(&it, &pair)) {
        struct json_iter two = json_iter(json_type_of(pair) == JSON_ARRAY ? pair : SPAN_LIT("[]"));
        if (!json_next_element(&two, &name) || json_type_of(name) != JSON_STRING || !json_next_element(&two, &value))
            return why_set(w, ERR_INVALID, "/headers: a list must be of pairs [\"Name\", \"value\"]");
        e = put_header(o, span_of(name.p + 1, name.n - 2), value, w);
    }
    return e;
}

static enum err take_headers(struct occasion *o, struct span json, struct why *w)
{
    struct span headers = json_member(json, "headers");
    enum err e = ERR_OK;
    buf_putc(&o->headers, '[');
    switch (headers.p ? json_type_of(headers) : JSON_NULL) {
    case JSON_NULL:
        break;
    case JSON_OBJECT:
        e = put_header_object(o, headers, w);
        break;
    case JSON_ARRAY:
        e = put_header_pairs(o, headers, w);
        break;
    default:
        e = why_set(w, ERR_INVALID, "/headers: must be an object");
    }
    buf_putc(&o->headers, ']');
    if (!e && o->headers.failed)
        e = why_set(w, ERR_INVALID, "/headers: larger than %d bytes", HEADERS_BYTES);
    o->event.headers = buf_span(&o->headers);
    return e;
}

static enum err take_base64(struct occasion *o, struct span value, struct why *w)
{
    struct span text = json_plain_string(value);
    size_t n = 0;
    if (!text.p || !buf_reserve(&o->body, text.n + 1) ||
        base64_decode(text, o->body.p, o->body.cap, &n) != ERR_OK)
        return why_set(w, ERR_INVALID, "/body_base64: must be base64");
    o->body.n = n;
    return ERR_OK;
}

/* A string is the body; an object or a list stands for its own text. */
static enum err take_body(struct occasion *o, struct span json, struct why *w)
{
    struct span value = json_member(json, "body"), base64 = json_member(json, "body_base64");
    enum err e = ERR_OK;
    if (base64.p && json_type_of(base64) != JSON_NULL)
        e = take_base64(o, base64, w);
    else if (value.p && json_type_of(value) == JSON_STRING)
        e = json_unescape(value, &o->body);
    else if (value.p && json_type_of(value) != JSON_NULL)
        buf_put_span(&o->body, value);
    if (!e && o->body.failed)
        e = why_set(w, ERR_INVALID, "/body: larger than %d bytes", OCCASION_BODY_BYTES);
    o->event.body = buf_span(&o->body);
    return e;
}

static enum err take_id(struct occasion *o, struct span json, int64_t now_ms, struct why *w)
{
    struct span text = SPAN_NONE;
    enum err e = take_text(o, json, "id", &text, w);
    if (e || !text.p) {
        o->event.id = id_new(now_ms);
        return e;
    }
    return id_parse(text, &o->event.id) == ERR_OK ? ERR_OK : why_set(w, ERR_INVALID, "/id: must be one of ours: 26 of [0-9A-Z]");
}

static enum err take_numbers(struct occasion *o, struct span json, int64_t now_ms, struct why *w)
{
    struct span received = SPAN_NONE, attempt = json_member(json, "attempt");
    int64_t n = 1;
    enum err e = take_text(o, json, "received", &received, w);
    o->event.received_ms = now_ms;
    if (!e && received.p && rfc3339_parse(received, &o->event.received_ms) != ERR_OK)
        e = why_set(w, ERR_INVALID, "/received: must be a time like 2026-11-21T12:00:00Z");
    if (!e && attempt.p && (json_int(attempt, &n) != ERR_OK || n < 1 || n > UINT32_MAX))
        e = why_set(w, ERR_INVALID, "/attempt: must be a number from 1");
    o->attempt = (uint32_t)n;
    return e;
}

enum err occasion_read(struct occasion *o, struct span json, const char *default_type, int64_t now_ms, struct why *w)
{
    *o = (struct occasion){.attempt = 1};
    buf_init(&o->text, TEXT_BYTES);
    buf_init(&o->headers, HEADERS_BYTES);
    buf_init(&o->body, OCCASION_BODY_BYTES);
    if (!buf_reserve(&o->text, TEXT_BYTES))
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    if (json_type_of(json) != JSON_OBJECT || !is_event(json))
        return why_set(w, ERR_INVALID, "this is no event: it needs a \"body\" (if it is one, write {\"body\": …} around it)");
    struct line_event *e = &o->event;
    const struct {
        const char *member;
        struct span *out;
    } texts[] = {{"source", &e->source},     {"type", &e->type},         {"version", &e->version}, {"event_id", &e->event_id},
                 {"order_key", &e->order_key}, {"content_type", &e->content_type}};
    enum err result = ERR_OK;
    for (size_t i = 0; !result && i < sizeof texts / sizeof texts[0]; i++)
        result = take_text(o, json, texts[i].member, texts[i].out, w);
    if (!result)
        result = take_id(o, json, now_ms, w);
    if (!result)
        result = take_numbers(o, json, now_ms, w);
    if (!result)
        result = take_headers(o, json, w);
    if (!result)
        result = take_body(o, json, w);
    if (!e->source.p)
        e->source = SPAN_LIT("test");
    if (!e->type.p)
        e->type = span_str(default_type);
    return result;
}

void occasion_fini(struct occasion *o)
{
    buf_fini(&o->text);
    buf_fini(&o->headers);
    buf_fini(&o->body);
}
