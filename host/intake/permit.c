/* SPDX-License-Identifier: MIT
 * permit: who wants to send asks first, with OPTIONS, and is told whether it may and how often (HTTP 1.1 Web Hooks for
 * Event Delivery 1.0.2, section 4, of the CNCF). This keeps senders from being used against others; it proves nothing,
 * and so it comes before all proofs.
 */
#include "intake/steps.h"

static struct span origin_of(const struct request *q)
{
    return request_header(q, "webhook-request-origin");
}

bool permit_asked(const struct request *q)
{
    return q->source->config->n_webhook_origins > 0 && span_eq_str(q->method, "OPTIONS") && origin_of(q).p;
}

/* What WebHook-Allowed-Origin says to this origin: "*" or its name as it was sent (section 4.2.1); SPAN_NONE: it may not send. */
static struct span allowed(const struct config_source *c, struct span origin)
{
    for (size_t i = 0; i < c->n_webhook_origins; i++) {
        if (strcmp(c->webhook_origins[i], "*") == 0)
            return SPAN_LIT("*");
        if (span_eq_nocase(origin, span_str(c->webhook_origins[i])))
            return origin;
    }
    return SPAN_NONE;
}

/* Requests a minute, or "*". */
static struct span rate(struct request *q)
{
    struct buf b = arena_open(&q->arena);
    if (q->source->config->webhook_rate > 0)
        buf_put_i64(&b, q->source->config->webhook_rate);
    else
        buf_putc(&b, '*');
    return arena_close(&q->arena, &b);
}

enum err step_permit(struct request *q)
{
    if (!permit_asked(q))
        return ERR_OK;
    struct recipe_reply *r = &q->reply;
    struct span origin = allowed(q->source->config, origin_of(q));
    if (!origin.p)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "this source takes nothing from that origin");
    struct span requests = rate(q);
    if (!requests.p)
        return refuse(q, ERR_BODY_TOO_LARGE, "the header fields are larger than this server takes");
    *r = (struct recipe_reply){.name = "permission", .status = 200, .content_type = SPAN_LIT("text/plain"), .body = SPAN_LIT("")};
    r->headers[r->n_headers++] = (struct recipe_header){SPAN_LIT("WebHook-Allowed-Origin"), origin};
    r->headers[r->n_headers++] = (struct recipe_header){SPAN_LIT("WebHook-Allowed-Rate"), requests};
    r->headers[r->n_headers++] = (struct recipe_header){SPAN_LIT("Allow"), span_str(q->source->methods)};
    return ERR_ANSWERED;
}
