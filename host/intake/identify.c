/* SPDX-License-Identifier: MIT
 * identify: what the event is: type, version, the sender's id, order key, time, each from the first reference that
 * leads to something.
 */
#include "intake/steps.h"

#include "base/codec.h"
#include "spool/fetched.h"
#include "spool/line.h"

/* 1 to TYPE_BYTES of [A-Za-z0-9._:/-]. */
static bool type_valid(struct span s)
{
    if (s.n == 0 || s.n > TYPE_BYTES)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool fine = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._:/-", c);
        if (!fine || c == 0)
            return false;
    }
    return true;
}

static bool type_listed(const struct config_source *c, struct span type)
{
    for (size_t i = 0; i < c->n_types; i++)
        if (config_pattern_match(c->types[i], type))
            return true;
    return c->n_types == 0;
}

static enum err find(struct request *q, const char *what, const struct facts *f, struct span *out)
{
    const struct recipe_request r = request_event(q);
    enum err e = facts_find(f, &r, q->json, &q->arena, out);
    if (e == ERR_MALFORMED_REQUEST)
        return refuse(q, e, "the %s came twice with different values", what);
    if (e != ERR_OK)
        return refuse(q, ERR_MALFORMED_REQUEST, "the %s is longer than %d bytes", what, FACT_BYTES);
    if (out->p && !utf8_valid(*out))
        return refuse(q, ERR_MALFORMED_REQUEST, "the %s is not valid UTF-8", what);
    if (out->n && memchr(out->p, 0, out->n)) /* of a form or a query: JSON and header fields hold none, and the journal none either */
        return refuse(q, ERR_MALFORMED_REQUEST, "the %s holds a NUL byte", what);
    return ERR_OK;
}

enum err step_identify(struct request *q)
{
    const struct house_source *s = q->source;
    enum err e = find(q, "event type", s->type, &q->type);
    if (e == ERR_OK)
        e = find(q, "version", s->version, &q->version);
    if (e == ERR_OK)
        e = find(q, "event id", s->event_id, &q->sender_id);
    if (e == ERR_OK)
        e = find(q, "order key", s->order_key, &q->order_key);
    if (e == ERR_OK)
        e = find(q, "time", s->time, &q->time);
    if (e != ERR_OK)
        return e;
    if (!q->type.p)
        return refuse(q, ERR_EVENT_TYPE_MISSING, "no event type where this source looks for it");
    if (!type_valid(q->type))
        return refuse(q, ERR_EVENT_TYPE_MISSING, "an event type is 1 to %d characters of A-Z a-z 0-9 . _ : / -",
                      TYPE_BYTES);
    if (own_name(q->type))
        return refuse(q, ERR_EVENT_TYPE_NOT_ALLOWED, "event types that begin with " OWN_PREFIX " are this server's own");
    if (!type_listed(s->config, q->type))
        return refuse(q, ERR_EVENT_TYPE_NOT_ALLOWED, "this source may not raise %.*s", (int)q->type.n, q->type.p);
    q->id = id_new(q->received_ms);
    return ERR_OK;
}
