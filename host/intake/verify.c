/* SPDX-License-Identifier: MIT
 * verify: the signature, by the source's recipe, over the raw bytes. Nothing before this step has looked into the body.
 */
#include "intake/steps.h"

enum err step_verify(struct request *q)
{
    const struct config_source *c = q->source->config;
    struct recipe_request r = {
        .method = q->method,
        .url = span_str(c->public_url),
        .path = q->path,
        .query = q->query,
        .headers = q->headers,
        .n_headers = q->n_headers,
        .body = buf_span(&q->body),
        .params = c->params,
        .n_params = c->n_params,
        .now_ms = q->received_ms,
        .tolerance_ms = c->tolerance,
    };
    enum err e = recipe_verify(q->source->recipe, q->source->keys, q->recipe_context, &r, &q->arena, &q->verdict);
    return e == ERR_OK ? ERR_OK : refuse(q, err_status(e) ? e : ERR_INTERNAL, "%s", q->verdict.detail);
}
