/* SPDX-License-Identifier: MIT
 * parse: is the body strict JSON? Asked where the content type says JSON or a reference looks for some. Nothing is built:
 * what is stored and handed over is the raw bytes. Some senders' events come as JSON and as forms (Slack, GitHub): a form
 * is not refused for being no JSON, there is just nothing to be found in it.
 */
#include "intake/steps.h"

#include "base/json.h"

static struct span media_type(struct span type)
{
    size_t n = 0;
    while (n < type.n && type.p[n] != ';' && type.p[n] != ' ' && type.p[n] != '\t')
        n++;
    return span_of(type.p, n);
}

/* application/json, text/json, or any type with the +json suffix (RFC 6839 section 3.1). */
static bool says_json(struct span type)
{
    if (span_eq_nocase(type, SPAN_LIT("application/json")) || span_eq_nocase(type, SPAN_LIT("text/json")))
        return true;
    return type.n > 5 && span_eq_nocase(span_skip(type, type.n - 5), SPAN_LIT("+json"));
}

enum err step_parse(struct request *q)
{
    struct json_error error = {"not valid", 0};
    struct span type = media_type(q->content_type);
    bool is_form = span_eq_nocase(type, SPAN_LIT("application/x-www-form-urlencoded"));
    if (is_form || (!says_json(type) && !q->source->asks_json))
        return ERR_OK;
    if (q->json) /* the limit step has asked before */
        return ERR_OK;
    enum err e = q->verdict.body_is_json ? ERR_OK : json_check(buf_span(&q->body), JSON_LIMITS_DEFAULT, &error);
    if (e != ERR_OK)
        return refuse(q, e, "not strict JSON: %s at byte %zu", error.what, error.offset);
    q->json = true;
    return ERR_OK;
}
