/* SPDX-License-Identifier: MIT
 * parse: is the body strict JSON? Asked where the content type says JSON or a reference looks for some. Nothing is built:
 * what is stored and handed over is the raw bytes. Some senders' events come as JSON and as forms (Slack, GitHub): a form
 * is not refused for being no JSON, there is just nothing to be found in it. Nor is a CloudEvent where other events are JSON.
 */
#include "intake/steps.h"

#include "base/json.h"
#include "base/media.h"

/* RFC 9110 section 8.4: signed and stored are the bytes as they came, and nothing here decodes them. */
static bool encoded(const struct request *q)
{
    struct span coding = span_trim(request_header(q, "content-encoding"));
    return coding.n > 0 && !span_eq_nocase(coding, SPAN_LIT("identity"));
}

enum err step_parse(struct request *q)
{
    /* The default is for one event (batch.c), and a batch is one level more. */
    static const struct json_limits of_batch = {JSON_DEPTH_DEFAULT + 1, 10 * JSON_NODES_DEFAULT};
    struct json_error error = {"not valid", 0};
    q->envelope = envelope_of(q);
    const struct json_limits limits = q->envelope == ENVELOPE_BATCHED ? of_batch : JSON_LIMITS_DEFAULT;
    if (q->envelope == ENVELOPE_UNKNOWN)
        return refuse(q, ERR_UNSUPPORTED_MEDIA_TYPE, "of CloudEvents this source takes those that are binary or in JSON");
    bool asked = q->source->asks_json && !(q->source->detects && q->envelope != ENVELOPE_NONE);
    if (media_is_form(q->content_type) || (!media_is_json(q->content_type) && !asked))
        return ERR_OK;
    if (encoded(q))
        return refuse(q, ERR_UNSUPPORTED_MEDIA_TYPE, "the body is encoded (Content-Encoding), and this source looks into its JSON: send it as it is");
    enum err e = q->verdict.body_is_json ? ERR_OK : json_check(buf_span(&q->body), limits, &error);
    if (e != ERR_OK)
        return refuse(q, e, "not strict JSON: %s at byte %zu", error.what, error.offset);
    q->json = true;
    return ERR_OK;
}
