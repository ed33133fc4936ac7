/* SPDX-License-Identifier: MIT
 * throttle: one request and the limits. IO threads; what failed is counted by whoever answers.
 */
#include "intake/limits.h"

#include <stdlib.h>

#include "base/clock.h"
#include "intake/steps.h"

#define NS_IN_S INT64_C(1000000000)
#define PROVEN_NS (24 * 3600 * NS_IN_S)

/* ---- what a request counts as ---- */

enum { SOURCE_NAME_BYTES = 64 };

/* Address and source. Tables of failures and of proofs name it each in its own way. */
static uint64_t failed_key(const struct request *q, const struct limit *l)
{
    char bytes[ADDRESS_BYTES + SOURCE_NAME_BYTES];
    struct address a = q->client;
    size_t n = strlen(q->source->config->name);
    n = n < SOURCE_NAME_BYTES ? n : SOURCE_NAME_BYTES;
    address_truncate(&a, (unsigned)q->house->failed.config->ipv6_prefix);
    memcpy(bytes, a.b, ADDRESS_BYTES);
    memcpy(bytes + ADDRESS_BYTES, q->source->config->name, n);
    return limit_name(l, span_of(bytes, ADDRESS_BYTES + n));
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

/* What it counts as there, once. */
static enum err share_of(struct request *q, const struct house_limit *l, struct limit_share *out)
{
    struct span key = SPAN_LIT("");
    struct address a = q->client;
    enum err e = ERR_OK;
    switch (l->config->by) {
    case LIMIT_BY_SOURCE:
        break;
    case LIMIT_BY_IP:
        address_truncate(&a, (unsigned)l->config->ipv6_prefix);
        key = span_of((const char *)a.b, sizeof a.b);
        break;
    case LIMIT_BY_KEY:
        key = proven_by(q) ? span_str(proven_by(q)) : key;
        break;
    case LIMIT_BY_TENANT:
    case LIMIT_BY_VALUE:
        e = value_of(q, l, &key);
        break;
    }
    if (e == ERR_OK)
        *out = (struct limit_share){l, limit_name(l->table, key), 1};
    return e;
}

/* In all limits by address, or all others; *n of them. */
static enum err shares_of(struct request *q, bool by_address, struct limit_share *out, size_t *n)
{
    const struct house_source *s = q->source;
    *n = 0;
    for (size_t i = 0; i < s->n_limits; i++) {
        if ((s->limits[i].config->by == LIMIT_BY_IP) != by_address)
            continue;
        enum err e = share_of(q, &s->limits[i], &out[*n]);
        if (e != ERR_OK)
            return e;
        ++*n;
    }
    return ERR_OK;
}

/* ---- asking ---- */

static enum err too_many(struct request *q)
{
    stat_add(STAT_limited_total, 1);
    return refuse(q, ERR_RATE_LIMITED, "more than %s; try again in %lld s", q->limited->what, (long long)limits_retry_after_s(q));
}

static void tell_of(struct request *q, const struct house_limit *l, const struct limit_state *s)
{
    q->limited = l;
    q->limit = *s;
}

/* The first of these is refused, as q->limit says: whoever waits as told must not be refused by another one then. */
static void longest_wait(struct request *q, const struct limit_share *shares, size_t n, int64_t now_ns)
{
    struct limit_state s;
    for (size_t i = 1; i < n; i++)
        if (!limit_would_take(shares[i].limit->table, shares[i].key, shares[i].n, now_ns, &s) && s.wait_ns > q->limit.wait_ns)
            tell_of(q, shares[i].limit, &s);
}

/* All of them, or nothing. */
static enum err take(struct request *q, const struct limit_share *shares, size_t n, int64_t now_ns)
{
    struct limit_state s;
    size_t i;
    for (i = 0; i < n; i++)
        if (shares[i].n > shares[i].limit->config->burst)
            return refuse(q, ERR_BODY_TOO_LARGE, "so many events in one batch are more than ever come at once: the burst of a limit is %lld",
                          (long long)shares[i].limit->config->burst);
    for (i = 0; i < n && limit_take(shares[i].limit->table, shares[i].key, shares[i].n, now_ns, &s); i++)
        if (!q->limited || s.left < q->limit.left)
            tell_of(q, shares[i].limit, &s);
    if (i == n)
        return ERR_OK;
    tell_of(q, shares[i].limit, &s);
    longest_wait(q, &shares[i], n - i, now_ns);
    while (i-- > 0)
        limit_give_back(shares[i].limit->table, shares[i].key, shares[i].n, now_ns, now_ns);
    return too_many(q);
}

static enum err take_all(struct request *q, bool by_address, int64_t now_ns)
{
    struct limit_share shares[CONFIG_LIMITS_MAX];
    size_t n;
    enum err e = shares_of(q, by_address, shares, &n);
    q->limits_ns = now_ns;
    return e == ERR_OK ? take(q, shares, n, now_ns) : e;
}

/* Has this address failed too often here, and not proved itself either? */
static enum err check_failed(struct request *q)
{
    const struct house *h = q->house;
    struct limit_state s;
    if (!h->failed.table || limit_would_take(h->failed.table, failed_key(q, h->failed.table), 1, q->began_ns, &s) ||
        limit_marked(h->proven, failed_key(q, h->proven), q->began_ns))
        return ERR_OK;
    tell_of(q, &h->failed, &s);
    return refuse(q, too_many(q), "too many requests from this address have failed to prove themselves; try again in %lld s",
                  (long long)limits_retry_after_s(q));
}

enum err limits_admit(struct request *q)
{
    enum err e = check_failed(q);
    return e == ERR_OK ? take_all(q, true, q->began_ns) : e;
}

/* A mark is made again when half of its time is over, so that not every request writes. */
static void remember_proof(const struct request *q, int64_t now_ns)
{
    struct limit *proven = q->house->proven;
    if (!q->house->failed.table || !proven_by(q))
        return;
    uint64_t key = failed_key(q, proven);
    if (limit_marked(proven, key, now_ns) < now_ns + PROVEN_NS / 2)
        limit_mark(proven, key, now_ns, now_ns + PROVEN_NS);
}

enum err step_limit(struct request *q)
{
    int64_t now_ns = clock_mono_ns(); /* not when it began to arrive: others have come since */
    remember_proof(q, now_ns);
    return q->source->limits_look_inside ? ERR_OK : take_all(q, false, now_ns);
}

enum err step_limit_inside(struct request *q)
{
    return q->source->limits_look_inside && !q->batch ? take_all(q, false, clock_mono_ns()) : ERR_OK;
}

enum err limits_batch(struct request *q, size_t n)
{
    struct limit_share shares[CONFIG_LIMITS_MAX];
    int64_t now_ns = clock_mono_ns();
    size_t n_shares;
    enum err e = n < 2 ? ERR_OK : shares_of(q, false, shares, &n_shares);
    if (n < 2 || e != ERR_OK)
        return e;
    for (size_t i = 0; i < n_shares; i++) {
        limit_give_back(shares[i].limit->table, shares[i].key, 1, q->limits_ns, now_ns);
        shares[i].n = (int64_t)n;
    }
    return take(q, shares, n_shares, now_ns);
}

enum err limits_note(struct request *q, struct limit_share *shares, size_t *n)
{
    size_t more;
    enum err e = shares_of(q, false, shares + *n, &more);
    *n += e == ERR_OK ? more : 0;
    return e;
}

/* Those of the limits that were given first come first, as in step_limit. */
static int by_key(const void *left, const void *right)
{
    const struct limit_share *a = left, *b = right;
    if (a->limit != b->limit)
        return a->limit < b->limit ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

enum err limits_take_noted(struct request *q, struct limit_share *shares, size_t n)
{
    size_t kept = 0;
    qsort(shares, n, sizeof *shares, by_key);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && by_key(&shares[kept - 1], &shares[i]) == 0)
            shares[kept - 1].n += shares[i].n;
        else
            shares[kept++] = shares[i];
    }
    return take(q, shares, kept, clock_mono_ns());
}

void limits_failed(const struct request *q)
{
    struct limit *failed = q->house->failed.table;
    if (q->source && failed)
        limit_charge(failed, failed_key(q, failed), clock_mono_ns());
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
    bool refused = q->outcome == ERR_RATE_LIMITED; /* then it is the moment that Retry-After says */
    buf_put_i64(b, refused ? limits_retry_after_s(q) : (q->limit.more_ns + NS_IN_S - 1) / NS_IN_S);
    buf_puts(b, "\r\n");
}
