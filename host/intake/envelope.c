/* SPDX-License-Identifier: MIT
 * envelope: what the event is in the request: all of it, or what a CloudEvent wraps (HTTP protocol binding 1.0.2). What
 * is handed on are the raw bytes in either case; looked into is what is in the wrapping.
 */
#include "intake/steps.h"

#include "base/codec.h"
#include "base/json.h"
#include "intake/batch.h"
#include "intake/cloudevent.h"

enum envelope_kind envelope_of(const struct request *q)
{
    if (!q->source->takes_cloud)
        return ENVELOPE_NONE;
    switch (cloudevent_mode(q->content_type)) {
    case CLOUDEVENT_STRUCTURED:
        return ENVELOPE_STRUCTURED;
    case CLOUDEVENT_BATCHED:
        return ENVELOPE_BATCHED;
    case CLOUDEVENT_UNKNOWN:
        return ENVELOPE_UNKNOWN;
    case CLOUDEVENT_BINARY:
        break;
    }
    /* Whoever has all that is required as headers means it (section 3). */
    bool is = !q->source->detects || cloudevent_marked(q->headers, q->n_headers);
    return is ? ENVELOPE_BINARY : ENVELOPE_NONE;
}

static enum err no_cloudevent(struct request *q, enum err e, const struct why *w)
{
    if (e == ERR_NO_ROOM)
        return refuse(q, ERR_BODY_TOO_LARGE, "CloudEvent: %s", w->text);
    return refuse(q, q->envelope == ENVELOPE_BINARY ? ERR_MALFORMED_REQUEST : ERR_MALFORMED_BODY,
                  "no CloudEvent: %s", w->text);
}

/* References see the attributes as headers, and no header that could be taken for one. */
static enum err show_attributes(struct request *q, const struct cloudevent *e)
{
    struct recipe_header *list = arena_alloc(&q->arena, (q->n_headers + e->n + 1) * sizeof *list);
    size_t n = 0;
    if (!list)
        return refuse(q, ERR_BODY_TOO_LARGE, "CloudEvent: its attributes are more than this server takes");
    for (size_t i = 0; i < q->n_headers; i++)
        if (!span_starts(q->headers[i].name, SPAN_LIT("ce-")))
            list[n++] = q->headers[i];
    memcpy(list + n, e->attributes, e->n * sizeof *list);
    q->event_headers = list;
    q->n_event_headers = n + e->n;
    return ERR_OK;
}

/* data_base64 into q->data_text. */
static enum err decode_data(struct request *q, struct span string)
{
    struct buf *b = &q->data_text;
    size_t n = 0;
    buf_clear(b);
    if (!buf_reserve(b, string.n) || json_unescape(string, b) != ERR_OK)
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the data");
    if (base64_decode_public(buf_span(b), b->p, b->cap, &n) != ERR_OK)
        return refuse(q, ERR_MALFORMED_BODY, "no CloudEvent: data_base64 is not base64");
    b->n = n;
    return ERR_OK;
}

/* What is in data or data_base64, as far as references and schemas can look into it. */
static enum err find_data(struct request *q, const struct cloudevent *e)
{
    struct json_error error = {"not valid", 0};
    q->json = e->data_is_json && e->data.p;
    q->data = q->json ? e->data : SPAN_LIT("");
    if (!e->data_base64.p)
        return ERR_OK;
    enum err err = decode_data(q, e->data_base64);
    if (err != ERR_OK || !e->data_is_json)
        return err;
    q->data = buf_span(&q->data_text);
    q->json = json_check(q->data, JSON_LIMITS_DEFAULT, &error) == ERR_OK;
    return q->json ? ERR_OK : refuse(q, ERR_MALFORMED_BODY, "no CloudEvent: data_base64 is not strict JSON: %s", error.what);
}

static enum err take_binary(struct request *q)
{
    struct cloudevent event;
    struct why w = {""};
    enum err e = cloudevent_binary(q->headers, q->n_headers, q->content_type, &q->arena, &event, &w);
    return e == ERR_OK ? show_attributes(q, &event) : no_cloudevent(q, e, &w);
}

enum err envelope_take(struct request *q, struct span text)
{
    struct cloudevent event;
    struct why w = {""};
    q->event = text;
    enum err e = cloudevent_structured(text, &q->arena, &event, &w);
    if (e != ERR_OK)
        return no_cloudevent(q, e, &w);
    e = find_data(q, &event);
    return e == ERR_OK ? show_attributes(q, &event) : e;
}

enum err step_envelope(struct request *q)
{
    q->event = q->data = buf_span(&q->body);
    q->event_headers = q->headers;
    q->n_event_headers = q->n_headers;
    switch (q->envelope) {
    case ENVELOPE_BINARY:
        return take_binary(q);
    case ENVELOPE_STRUCTURED:
        return envelope_take(q, q->event);
    case ENVELOPE_BATCHED: {
        enum err e = batch_take(q);
        if (e == ERR_OK)
            steps_skip_to_dedupe(q);
        return e;
    }
    default:
        return ERR_OK;
    }
}
