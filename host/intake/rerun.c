/* SPDX-License-Identifier: MIT
 * rerun: reading a kept request back. Its texts go into the request's arena, its body into the request's buffer: at most what one
 * line of rejected/ may hold.
 */
#include "intake/rerun.h"

#include <stdio.h>

#include "base/json.h"
#include "intake/rejected.h"
#include "intake/steps.h"

static const struct span redacted = {"\xe2\x80\xa6", 3}; /* … */

/* The parameter's two words. */
static bool read_param(struct span text, struct id *id, struct refusal_place *place)
{
    return text.n > ID_TEXT_BYTES && text.p[ID_TEXT_BYTES] == ' ' && id_parse(span_of(text.p, ID_TEXT_BYTES), id) == ERR_OK &&
           refusal_place_parse(span_skip(text, ID_TEXT_BYTES + 1), place);
}

static bool take(struct request *q, struct span from, struct span *to)
{
    *to = from.p ? arena_copy(&q->arena, from) : SPAN_NONE;
    return to->p || !from.p;
}

static bool add_header(struct request *q, size_t room, struct span name, struct span value)
{
    struct recipe_header *h = &q->headers[q->n_headers];
    struct buf b = arena_open(&q->arena);
    if (q->n_headers == room || json_unescape(value, &b) != ERR_OK)
        return false;
    h->value = arena_close(&q->arena, &b);
    q->n_headers++;
    return h->value.p && take(q, name, &h->name);
}

/* Names are tokens, which JSON does not escape. */
static bool take_headers(struct request *q, struct span object)
{
    struct span name, value, one;
    size_t n = 0;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);) {
        struct json_iter list = json_iter(value);
        if (json_type_of(value) != JSON_ARRAY)
            n++;
        else
            while (json_next_element(&list, &one))
                n++;
    }
    q->n_headers = 0;
    q->headers = n <= REQUEST_HEADERS_MAX ? arena_alloc(&q->arena, (n + 1) * sizeof *q->headers) : NULL;
    if (!q->headers)
        return false;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);) {
        if (json_type_of(value) != JSON_ARRAY) {
            if (!add_header(q, n, name, value))
                return false;
            continue;
        }
        for (struct json_iter list = json_iter(value); json_next_element(&list, &one);)
            if (!add_header(q, n, name, one))
                return false;
    }
    return true;
}

static bool take_texts(struct request *q, const struct refusal *r)
{
    char length[24];
    int n = snprintf(length, sizeof length, "%zu", r->body.n);
    bool good = take(q, r->method, &q->method) && take(q, r->url, &q->uri) && take(q, r->remote, &q->remote) &&
                take(q, span_of(length, (size_t)n), &q->length_text) && take_headers(q, r->headers);
    if (good)
        q->content_type = request_header(q, "content-type");
    return good;
}

/* NULL: all of it is there. */
static const char *missing(const struct refusal *r)
{
    const char *mark = r->url.p ? memchr(r->url.p, '?', r->url.n) : NULL;
    if (!r->url.p || !r->headers.p)
        return "its headers were not kept";
    if (memmem(r->url.p, r->url.n, redacted.p, redacted.n))
        return mark ? "its query was not kept, for it may hold secrets" : "its path was not kept whole, for it holds a secret";
    if (!r->body.p)
        return "its body was not kept: the source must have \"rejected\": {\"body\": true} when it is refused";
    return r->method.p ? NULL : "its method was not kept";
}

static enum err become(struct request *q, const struct id *id, const struct refusal *r)
{
    struct id of;
    if (id_parse(r->request, &of) != ERR_OK || id_cmp(&of, id) != 0)
        return refuse(q, ERR_MALFORMED_REQUEST, "this refused request is not kept any more, or not there");
    const char *what = missing(r);
    if (what)
        return refuse(q, ERR_MALFORMED_REQUEST, "it cannot be run again: %s", what);
    buf_clear(&q->body);
    buf_put_span(&q->body, r->body);
    if (!take_texts(q, r) || q->body.failed)
        return refuse(q, ERR_BODY_TOO_LARGE, "it cannot be run again: it is larger than this server takes");
    q->received_ms = r->at_ms;
    q->request_id = *id;
    q->rerun_altered = r->altered;
    return ERR_OK;
}

static enum err read_back(struct request *q, const struct id *id, const struct refusal_place *place)
{
    struct buf line, room;
    struct refusal r;
    struct why w = {""};
    buf_init(&line, REFUSAL_LINE_BYTES);
    buf_init(&room, (size_t)2 * REFUSAL_LINE_BYTES + 1);
    enum err e = refusal_read(rejected_folder(q->intake->rejected), place, &line, &w);
    if (e != ERR_OK)
        e = refuse(q, ERR_MALFORMED_REQUEST, "the refused request cannot be read: %.120s", w.text);
    else if (refusal_parse(buf_span(&line), &room, &r) != ERR_OK)
        e = refuse(q, ERR_MALFORMED_REQUEST, "this refused request is not kept any more, or not there");
    else
        e = become(q, id, &r);
    buf_fini(&line);
    buf_fini(&room);
    return e;
}

enum err rerun_begin(struct request *q, bool own)
{
    struct refusal_place place;
    struct id id;
    if (!own)
        return refuse(q, ERR_ADDRESS_NOT_ALLOWED, "only root and the user of this server may run refused requests again");
    if (q->nul || !read_param(q->rerun, &id, &place))
        return refuse(q, ERR_MALFORMED_REQUEST, RERUN_PARAM " is a request id and where it lies in " REFUSAL_FOLDER "/");
    return read_back(q, &id, &place);
}

void rerun_explain(struct request *q)
{
    char before[REQUEST_DETAIL_BYTES];
    if (!q->rerun_altered || err_status(q->outcome) != 401)
        return;
    memcpy(before, q->detail, sizeof before);
    (void)refuse(q, q->outcome, "%.100s (its credentials were not kept: have it sent again)", before);
}
