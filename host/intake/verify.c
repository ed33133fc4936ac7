/* SPDX-License-Identifier: MIT
 * verify: the signature, by the source's recipe, over the raw bytes. Nothing before this step has looked into the body.
 */
#include "intake/steps.h"

enum { SCRATCH_SLACK_BYTES = 8 * 1024 };

/* Public-key recipes put together what was signed, which may not fit the request's arena; the block lives for one
 * check. */
static enum err verify_in_block(struct request *q, const struct recipe_request *r)
{
    struct arena scratch;
    if (!arena_init(&scratch, q->body.n + SCRATCH_SLACK_BYTES))
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the signature");
    enum err e = recipe_verify(q->source->recipe, q->source->keys, q->recipe_context, r, &scratch, &q->verdict);
    arena_fini(&scratch);
    return e;
}

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
    enum err e = recipe_takes_public_keys(q->source->recipe)
                     ? verify_in_block(q, &r)
                     : recipe_verify(q->source->recipe, q->source->keys, q->recipe_context, &r, &q->arena, &q->verdict);
    return e == ERR_OK ? ERR_OK
                       : refuse(q, err_status(e) ? e : ERR_INTERNAL, "%s",
                                q->verdict.detail[0] ? q->verdict.detail : err_title(e));
}
