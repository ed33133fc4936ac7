/* SPDX-License-Identifier: MIT
 * throttle: one request and the limits. IO threads; what failed is counted by whoever answers.
 */
#include "intake/limits.h"

#include "base/clock.h"
#include "intake/steps.h"

#define NS_IN_S INT64_C(1000000000)
#define PROVEN_NS (3600 * NS_IN_S)

/* ---- what a request counts as ---- */

enum { SOURCE_NAME_BYTES = 64 };
struct failed_key {
    char bytes[ADDRESS_BYTES + SOURCE_NAME_BYTES];
    size_t n;
};

static struct span failed_key(const struct request *q, struct failed_key *k)
{
    struct address a = q->client;
    size_t n = strlen(q->source->config->name);
    address_truncate(&a, (unsigned)q->house->failed.config->ipv6_prefix);
    memcpy(k->bytes, a.b, ADDRESS_BYTES);
    k->n = n < SOURCE_NAME_BYTES ? n : SOURCE_NAME_BYTES;
    memcpy(k->bytes + ADDRESS_BYTES, q->source->config->name, k->n);
    k->n += ADDRESS_BYTES;
    return span_of(k->bytes, k->n);
}

/* The id of the key that signed it, or else of the one that its caller showed; NULL: nothing was proved. */
static const char *proven_by(const struct request *q)
{
    return q->verdict.key_id ? q->verdict.key_id : q->caller;
}

/* Requests without a value count as one. */
static enum err value_of(struct request *q, const struct house_limit *l, struct span *key)
{
    const struct recipe_request r = request_event(q);
    enum err e = facts_find(l->value, &r, q->json, &q->arena, key);
    if (e == ERR_NO_ROOM)
        return refuse(q, ERR_MALFORMED_REQUEST, "what it is counted by is longer than %d bytes", FACT_BYTES);
    if (e != ERR_OK)
        return refuse(q, ERR_MALFORMED_REQUEST, "what it is counted by came twice with different values");
    if (!key->p)
        *key = SPAN_LIT("");
    return ERR_OK;
}

/* a: where an address may be put. */
static enum err key_of(struct request *q, const struct house_limit *l, struct address *a, struct span *key)
{
    *key = SPAN_LIT("");
    switch (l->config->by) {
    case LIMIT_BY_SOURCE:
        break;
    case LIMIT_BY_IP:
        *a = q->client;
        address_truncate(a, (unsigned)l->config->ipv6_prefix);
        *key = span_of((const char *)a->b, sizeof a->b);
        break;
    case LIMIT_BY_KEY:
        *key = proven_by(q) ? span_str(proven_by(q)) : *key;
        break;
    case LIMIT_BY_TENANT:
    case LIMIT_BY_VALUE:
        return value_of(q, l, key);
    }
    return ERR_OK;
}

/* ---- asking ---- */

static enum err too_many(struct request *q, const struct house_limit *l, const struct limit_state *s)
{
    q->limited = l;
    q->limit = *s;
    stat_add(STAT_limited_total, 1);
    return refuse(q, ERR_RATE_LIMITED, "more than %s; try again in %lld s", l->what, (long long)limits_retry_after_s(q));
}

static enum err take(struct request *q, const struct house_limit *l, int64_t n, int64_t now_ns)
{
    struct limit_state s;
    struct address a;
    struct span key;
    enum err e = key_of(q, l, &a, &key);
    if (e != ERR_OK)
        return e;
    if (n > l->config->burst)
        return refuse(q, ERR_BODY_TOO_LARGE, "so many events in one batch are more than ever come at once: the burst of a limit is %lld",
                      (long long)l->config->burst);
    if (!limit_take(l->table, key, n, now_ns, &s))
        return too_many(q, l, &s);
    if (!q->limited || s.left < q->limit.left) {
        q->limited = l;
        q->limit = s;
    }
    return ERR_OK;
}

/* What was taken of the first of them. */
static void give_back(struct request *q, size_t limits, bool by_address, int64_t n, int64_t now_ns)
{
    const struct house_source *s = q->source;
    for (size_t i = 0; i < limits; i++) {
        struct address a;
        struct span key;
        if ((s->limits[i].config->by == LIMIT_BY_IP) == by_address && key_of(q, &s->limits[i], &a, &key) == ERR_OK)
            limit_give_back(s->limits[i].table, key, n, now_ns);
    }
}

/* All limits by address, or all others. Those that were asked before the one that refuses get theirs back. */
static enum err take_all(struct request *q, bool by_address, int64_t n, int64_t now_ns)
{
    const struct house_source *s = q->source;
    for (size_t i = 0; i < s->n_limits; i++) {
        enum err e = ERR_OK;
        if ((s->limits[i].config->by == LIMIT_BY_IP) == by_address)
            e = take(q, &s->limits[i], n, now_ns);
        if (e != ERR_OK) {
            give_back(q, i, by_address, n, now_ns);
            return e;
        }
    }
    return ERR_OK;
}

/* Has this address failed too often here, and not proved itself either? */
static enum err check_failed(struct request *q)
{
    const struct house *h = q->house;
    struct limit_state s;
    struct failed_key k;
    if (!h->failed.table)
        return ERR_OK;
    struct span key = failed_key(q, &k);
    if (limit_would_take(h->failed.table, key, q->began_ns, &s) || limit_marked(h->proven, key, q->began_ns))
        return ERR_OK;
    enum err e = too_many(q, &h->failed, &s);
    return refuse(q, e, "too many requests from this address have failed to prove themselves; try again in %lld s",
                  (long long)limits_retry_after_s(q));
}

enum err limits_admit(struct request *q)
{
    enum err e = check_failed(q);
    return e == ERR_OK ? take_all(q, true, 1, q->began_ns) : e;
}

/* A mark is made again when half of its time is over, so that not every request writes. */
static void remember_proof(const struct request *q, int64_t now_ns)
{
    struct failed_key k;
    if (!q->house->failed.table || !proven_by(q))
        return;
    struct span key = failed_key(q, &k);
    if (limit_marked(q->house->proven, key, now_ns) < now_ns + PROVEN_NS / 2)
        limit_mark(q->house->proven, key, now_ns, now_ns + PROVEN_NS);
}

enum err step_limit(struct request *q)
{
    int64_t now_ns = clock_mono_ns(); /* not when it began to arrive: others have come since */
    remember_proof(q, now_ns);
    return q->source->limits_look_inside ? ERR_OK : take_all(q, false, 1, now_ns);
}

enum err step_limit_inside(struct request *q)
{
    return q->source->limits_look_inside ? take_all(q, false, 1, clock_mono_ns()) : ERR_OK;
}

enum err limits_batch(struct request *q, size_t n)
{
    int64_t now_ns = clock_mono_ns();
    if (n < 2 || q->source->limits_look_inside) /* there each event asks by itself */
        return ERR_OK;
    give_back(q, q->source->n_limits, false, 1, now_ns);
    return take_all(q, false, (int64_t)n, now_ns);
}

void limits_failed(const struct request *q)
{
    struct failed_key k;
    if (q->source && q->house->failed.table)
        limit_charge(q->house->failed.table, failed_key(q, &k), clock_mono_ns());
}

/* ---- telling ---- */

int64_t limits_retry_after_s(const struct request *q)
{
    int64_t s = (q->limit.wait_ns + NS_IN_S - 1) / NS_IN_S;
    return s > 0 ? s : 1;
}

void limits_put(const struct request *q, struct buf *b)
{
    if (!q->limited)
        return;
    buf_puts(b, "RateLimit-Policy: ");
    buf_puts(b, q->limited->policy);
    buf_puts(b, "\r\nRateLimit: ");
    buf_puts(b, q->limited->name);
    buf_puts(b, ";r=");
    buf_put_i64(b, q->limit.left);
    buf_puts(b, ";t=");
    buf_put_i64(b, (q->limit.full_ns + NS_IN_S - 1) / NS_IN_S);
    buf_puts(b, "\r\n");
}
