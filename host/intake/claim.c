/* SPDX-License-Identifier: MIT
 * claim: the dedupe step: what the event is known by, and whether it is new. An event of which nothing it could be known
 * by is there is known by its body for a few minutes, or refused, or taken as it is, as the source says.
 */
#include <sodium.h>

#include "intake/batch.h"
#include "intake/fetch.h"
#include "intake/steps.h"

/* The claim's key is of this kind and holds for so long. */
static void known_by(struct request *q, enum dedupe_kind kind, struct span what, int64_t window_ms)
{
    dedupe_key(q->intake->salt, q->source->config->name, kind, what, q->claim.key);
    if (q->rerun.p && window_ms < q->house->config->rejected_age)
        window_ms = q->house->config->rejected_age; /* as long as it could be run again */
    q->claim.id = q->id;
    q->claim.until_ms = q->taken_ms + window_ms;
    q->claim.source = q->source->dedupe;
    q->claim.owner = q;
}

static void known_by_body(struct request *q, int64_t window_ms)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const uint8_t *)q->event.p, q->event.n);
    known_by(q, DEDUPE_BY_BODY, span_of((const char *)digest, sizeof digest), window_ms);
}

/* ERR_NOT_FOUND with *missing, "event_id" or a reference, when it is to be known by what is not there. */
static enum err known_by_parts(struct request *q, const struct dedupe_by *by, const char **missing)
{
    const struct recipe_request r = request_event(q);
    uint8_t digest[DEDUPE_DIGEST_BYTES];
    const struct dedupe_event event = {.request = &r, .is_json = q->json, .sender_id = q->sender_id, .body = q->event};
    enum err e = dedupe_by_digest(by, &event, &q->arena, digest, missing);
    if (e == ERR_OK)
        known_by(q, DEDUPE_BY_PARTS, span_of((const char *)digest, sizeof digest), q->source->config->dedupe_window_ms);
    return e;
}

static enum err known(struct request *q, const char **missing)
{
    const struct config_source *c = q->source->config;
    if (config_dedupes_by_body(c)) {
        known_by_body(q, c->dedupe_window_ms);
        return ERR_OK;
    }
    if (q->source->dedupe_by)
        return known_by_parts(q, q->source->dedupe_by, missing);
    if (q->source->dedupe_cloud && q->envelope != ENVELOPE_NONE)
        return known_by_parts(q, q->source->dedupe_cloud, missing);
    if (!q->sender_id.p) {
        *missing = "event_id";
        return ERR_NOT_FOUND;
    }
    known_by(q, DEDUPE_BY_ID, q->sender_id, c->dedupe_window_ms);
    return ERR_OK;
}

/* Nothing of the event says that it is another one's duplicate. A refused request that is run again is known by its own id, and in a
 * batch by its number: however often that is done, it becomes one event. */
static enum err known_by_nothing(struct request *q)
{
    uint8_t own[sizeof q->request_id.b + sizeof(uint64_t)];
    const uint64_t number = q->batch ? q->batch->n : 0;
    if (!q->rerun.p)
        return ERR_UNSUPPORTED;
    memcpy(own, q->request_id.b, sizeof q->request_id.b);
    memcpy(own + sizeof q->request_id.b, &number, sizeof number);
    known_by(q, DEDUPE_BY_REQUEST, span_of((const char *)own, sizeof own), 0);
    return ERR_OK;
}

/* ERR_OK: the claim can be asked; ERR_UNSUPPORTED: duplicates of this event are not looked for. */
enum err claim_prepare(struct request *q)
{
    const struct config_source *c = q->source->config;
    const char *missing = "";
    if (q->confirm.p) {
        known_by(q, DEDUPE_BY_URL, q->sender_id, FETCH_WINDOW_MS);
        return ERR_OK;
    }
    if (!c->dedupe)
        return known_by_nothing(q);
    enum err e = known(q, &missing);
    if (e == ERR_OK)
        return ERR_OK;
    if (e != ERR_NOT_FOUND)
        return refuse(q, ERR_MALFORMED_REQUEST,
                      e == ERR_NO_ROOM ? "what the event is known by is longer than this server takes"
                                        : "what the event is known by came twice with different values");
    if (strcmp(c->dedupe_missing, "refuse") == 0)
        return refuse(q, ERR_EVENT_ID_MISSING, "no %s, which this source knows its events by",
                      strcmp(missing, "event_id") == 0 ? "event id where it is looked for" : missing);
    if (q->rerun.p || strcmp(c->dedupe_missing, "accept") == 0)
        return known_by_nothing(q);
    known_by_body(q, DEDUPE_BODY_WINDOW_MS);
    return ERR_OK;
}

enum err step_dedupe(struct request *q)
{
    if (q->batch)
        return batch_ask(q);
    enum err e = claim_prepare(q);
    if (e != ERR_OK)
        return e == ERR_UNSUPPORTED ? ERR_OK : e;
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
