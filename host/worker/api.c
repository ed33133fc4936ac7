/* SPDX-License-Identifier: MIT
 * api: the functions behind creel.h's table. Owns the copies of an invocation, nothing else.
 */
#include "worker/api.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

_Static_assert((int)CREEL_REPLY_BYTES == (int)WIRE_REPLY_BYTES, "what creel.h says is what the host takes");
_Static_assert((int)CREEL_DEBUG == (int)LOG_DEBUG && (int)CREEL_ERROR == (int)LOG_ERROR, "levels travel as numbers");

struct piece {
    struct piece *next;
    char bytes[];
};

static struct invocation *of(struct creel_invocation *in)
{
    return (struct invocation *)in;
}

static char *keep(struct invocation *in, struct span s)
{
    struct piece *p = malloc(sizeof *p + s.n + 1);
    if (!p)
        return NULL;
    memcpy(p->bytes, s.p, s.n);
    p->bytes[s.n] = 0;
    p->next = in->pieces;
    in->pieces = p;
    return p->bytes;
}

/* A JSON value as the text a function gets. */
static const char *keep_json(struct invocation *in, struct span value)
{
    struct buf b;
    buf_init(&b, value.n + 1);
    const char *kept = json_scalar_text(value, &b) == ERR_OK && !b.failed ? keep(in, buf_span(&b)) : NULL;
    buf_fini(&b);
    return kept;
}

static const char *api_text(struct creel_invocation *base, enum creel_text which)
{
    static const enum wire_field field[API_TEXTS] = {
        [CREEL_TEXT_SOURCE] = WIRE_SOURCE,     [CREEL_TEXT_TYPE] = WIRE_TYPE,
        [CREEL_TEXT_VERSION] = WIRE_VERSION_FIELD, [CREEL_TEXT_SENDER_ID] = WIRE_EVENT_ID,
        [CREEL_TEXT_ORDER_KEY] = WIRE_ORDER_KEY, [CREEL_TEXT_CONTENT_TYPE] = WIRE_CONTENT_TYPE,
    };
    struct invocation *in = of(base);
    if (which == CREEL_TEXT_FUNCTION)
        return in->w->name;
    if ((unsigned)which >= API_TEXTS || !in->has_event)
        return NULL;
    if (!in->texts[which]) {
        char id[ID_TEXT_BYTES];
        struct span s = in->fields[field[which]];
        if (which == CREEL_TEXT_EVENT_ID) {
            id_format(&in->run.id, id);
            s = span_of(id, sizeof id);
        }
        in->texts[which] = s.p ? keep(in, s) : NULL;
    }
    return in->texts[which];
}

static int64_t api_number(struct creel_invocation *base, enum creel_number which)
{
    struct invocation *in = of(base);
    if (!in->has_event)
        return 0;
    int64_t left = in->run.deadline_mono_ms - clock_mono_ms();
    switch (which) {
    case CREEL_NUMBER_ATTEMPT:
        return in->run.attempt;
    case CREEL_NUMBER_RECEIVED_MS:
        return in->run.received_ms;
    case CREEL_NUMBER_DEADLINE_MS:
        return clock_wall_ms() + left;
    case CREEL_NUMBER_REMAINING_MS:
        return left > 0 ? left : 0;
    }
    return 0;
}

static const void *api_body(struct creel_invocation *base, size_t *bytes)
{
    struct span body = of(base)->fields[WIRE_BODY];
    *bytes = body.n;
    return body.p ? body.p : "";
}

/* The next header as its two JSON strings. */
static bool next_header(struct json_iter *it, struct span *name, struct span *value)
{
    struct span pair;
    if (!json_next_element(it, &pair) || json_type_of(pair) != JSON_ARRAY)
        return false;
    struct json_iter two = json_iter(pair);
    return json_next_element(&two, name) && json_next_element(&two, value);
}

static struct json_iter headers(struct invocation *in)
{
    struct span text = in->fields[WIRE_HEADERS];
    return json_iter(json_type_of(text) == JSON_ARRAY ? text : SPAN_LIT("[]"));
}

static const char *api_header(struct creel_invocation *base, const char *name)
{
    struct invocation *in = of(base);
    struct json_iter it = headers(in);
    struct span n, value;
    while (next_header(&it, &n, &value)) {
        struct span plain = json_plain_string(n);
        if (plain.p && span_eq_nocase(plain, span_str(name)))
            return keep_json(in, value);
    }
    return NULL;
}

static int api_header_at(struct creel_invocation *base, size_t index, const char **name, const char **value)
{
    struct invocation *in = of(base);
    struct json_iter it = headers(in);
    struct span n, v;
    for (size_t i = 0; next_header(&it, &n, &v); i++) {
        if (i != index)
            continue;
        const char *name_text = keep_json(in, n), *value_text = keep_json(in, v);
        if (!name_text || !value_text)
            return 0;
        *name = name_text;
        *value = value_text;
        return 1;
    }
    return 0;
}

static struct span look_up(struct invocation *in, enum creel_document doc, const char *pointer)
{
    struct span text = in->w->config;
    if (doc == CREEL_BODY) {
        text = in->fields[WIRE_BODY];
        struct json_error ignored;
        if (in->body_json == JSON_UNSEEN)
            in->body_json = text.p && json_check(text, JSON_LIMITS_DEFAULT, &ignored) == ERR_OK ? JSON_GOOD : JSON_BAD;
        if (in->body_json == JSON_BAD)
            return SPAN_NONE;
    } else if (doc != CREEL_CONFIG) {
        return SPAN_NONE;
    }
    return text.p ? json_pointer(text, span_str(pointer)) : SPAN_NONE;
}

static const char *api_json(struct creel_invocation *base, enum creel_document doc, enum creel_form form, const char *pointer)
{
    struct span value = look_up(of(base), doc, pointer);
    if (!value.p || (form == CREEL_FORM_STRING && json_type_of(value) != JSON_STRING))
        return NULL;
    return keep_json(of(base), value);
}

static long api_count(struct creel_invocation *base, enum creel_document doc, const char *pointer)
{
    struct span value = look_up(of(base), doc, pointer);
    enum json_type type = value.p ? json_type_of(value) : JSON_NONE;
    if (type != JSON_ARRAY && type != JSON_OBJECT)
        return -1;
    struct json_iter it = json_iter(value);
    struct span name, item;
    long n = 0;
    while (type == JSON_ARRAY ? json_next_element(&it, &item) : json_next_member(&it, &name, &item))
        n++;
    return n;
}

static const char *api_secret(struct creel_invocation *base, const char *name)
{
    struct invocation *in = of(base);
    if (json_type_of(in->w->secrets) != JSON_OBJECT)
        return NULL;
    struct span value = json_member(in->w->secrets, name);
    return value.p && json_type_of(value) == JSON_STRING ? keep_json(in, value) : NULL;
}

static struct span format_text(char *out, size_t cap, const char *format, va_list args)
{
    int n = format ? vsnprintf(out, cap, format, args) : 0;
    return span_of(out, n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1);
}

__attribute__((format(printf, 3, 0))) static void api_log(struct creel_invocation *base, enum creel_level level,
                                                          const char *format, va_list args)
{
    char text[WIRE_TEXT_BYTES];
    struct span s = format_text(text, sizeof text, format, args);
    struct wire_log l = {(uint32_t)level < LOG_LEVELS ? (uint32_t)level : LOG_INFO};
    (void)wire_send(of(base)->w->sock, WIRE_LOG, &l, sizeof l, s, -1);
}

__attribute__((format(printf, 4, 0))) static int api_end_with(struct creel_invocation *base, int result, int64_t after_ms,
                                                              const char *format, va_list args)
{
    struct invocation *in = of(base);
    char text[WIRE_TEXT_BYTES];
    struct span s = format_text(text, sizeof text, format, args);
    const char *kept = keep(in, s);
    in->result = result;
    in->after_ms = after_ms;
    in->reason = kept ? span_of(kept, s.n) : SPAN_NONE;
    return result;
}

static int api_reply(struct creel_invocation *base, const void *bytes, size_t n)
{
    struct invocation *in = of(base);
    const char *kept = n <= WIRE_REPLY_BYTES && in->has_event ? keep(in, span_of(n ? bytes : "", n)) : NULL;
    if (!kept)
        return -1;
    in->reply = span_of(kept, n);
    return 0;
}

static const struct creel_api api = {
    .size = sizeof api,
    .abi = CREEL_ABI,
    .text = api_text,
    .number = api_number,
    .body = api_body,
    .header = api_header,
    .header_at = api_header_at,
    .json = api_json,
    .count = api_count,
    .secret = api_secret,
    .log = api_log,
    .end = api_end_with,
    .reply = api_reply,
};

void api_begin(struct invocation *in, struct worker *w)
{
    *in = (struct invocation){.base = {&api}, .w = w, .result = CREEL_DONE, .after_ms = -1};
}

void api_end(struct invocation *in)
{
    while (in->pieces) {
        struct piece *next = in->pieces->next;
        free(in->pieces);
        in->pieces = next;
    }
}
