/* SPDX-License-Identifier: MIT
 * claim: the dedupe step: by the sender's id, or by the body where there is none.
 */
#include <sodium.h>

#include "intake/fetch.h"
#include "intake/steps.h"

static void key_by_body(struct request *q)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const uint8_t *)q->body.p, q->body.n);
    dedupe_key(q->intake->salt, q->source->config->name, DEDUPE_BY_BODY, span_of((const char *)digest, sizeof digest),
               q->claim.key);
}

/* However often it is run again, it becomes one event. What the sender sent again without an id of its own is another request. */
static void key_by_request(struct request *q)
{
    dedupe_key(q->intake->salt, q->source->config->name, DEDUPE_BY_REQUEST,
               span_of((const char *)q->request_id.b, sizeof q->request_id.b), q->claim.key);
}

enum err step_dedupe(struct request *q)
{
    const struct config_source *c = q->source->config;
    bool by_id = q->sender_id.p && !c->dedupe_by_body;

    if (!c->dedupe && !q->confirm.p && !q->rerun.p)
        return ERR_OK;
    if (q->rerun.p && !q->confirm.p && (!by_id || !c->dedupe))
        key_by_request(q);
    else if (q->confirm.p)
        dedupe_key(q->intake->salt, c->name, DEDUPE_BY_URL, q->sender_id, q->claim.key);
    else if (by_id)
        dedupe_key(q->intake->salt, c->name, DEDUPE_BY_ID, q->sender_id, q->claim.key);
    else
        key_by_body(q);
    int64_t window_ms = by_id || c->dedupe_by_body ? c->dedupe_window_ms : DEDUPE_BODY_WINDOW_MS;
    if (q->confirm.p)
        window_ms = FETCH_WINDOW_MS;
    if (q->rerun.p && window_ms < q->house->config->rejected_age)
        window_ms = q->house->config->rejected_age; /* as long as it could be run again */
    q->claim.id = q->id;
    q->claim.until_ms = q->taken_ms + window_ms;
    q->claim.source = q->source->dedupe;
    switch (dedupe_ask(q->intake->dedupe, &q->claim, q->taken_ms, &q->id)) {
    case DEDUPE_NEW:
        q->claimed = true;
        return ERR_OK;
    case DEDUPE_SEEN:
        return ERR_EXISTS;
    case DEDUPE_PENDING:
        break; /* from here on the request may be another thread's */
    }
    return ERR_AGAIN;
}
