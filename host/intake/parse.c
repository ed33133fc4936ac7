/* SPDX-License-Identifier: MIT
 * parse: is the body strict JSON? Asked where the content type says JSON or a json: reference needs it. Nothing is
 * built: what is stored and handed over is the raw bytes.
 */
#include "intake/steps.h"

#include "base/json.h"

/* application/json, text/json, or any type with the +json suffix (RFC 6839 section 3.1). */
static bool says_json(struct span type)
{
    size_t n = 0;
    while (n < type.n && type.p[n] != ';' && type.p[n] != ' ' && type.p[n] != '\t')
        n++;
    type.n = n;
    if (span_eq_nocase(type, SPAN_LIT("application/json")) || span_eq_nocase(type, SPAN_LIT("text/json")))
        return true;
    return n > 5 && span_eq_nocase(span_skip(type, n - 5), SPAN_LIT("+json"));
}

enum err step_parse(struct request *q)
{
    struct json_error error = {"not valid", 0};
    if (!(q->content_type.p && says_json(q->content_type)) && !q->source->asks_json)
        return ERR_OK;
    enum err e = json_check(buf_span(&q->body), JSON_LIMITS_DEFAULT, &error);
    if (e != ERR_OK)
        return refuse(q, e, "not strict JSON: %s at byte %zu", error.what, error.offset);
    q->json = true;
    return ERR_OK;
}
