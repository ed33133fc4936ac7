/* SPDX-License-Identifier: MIT
 * limits: how often sources may be called, and how many proofs of one address may fail: which tables there are, what a
 * request counts as in each, and what it is told. Tables outlive a reload that does not change their limit.
 *
 * Limits by address are asked before anything of the body is read, and count requests, whatever becomes of them. All
 * others are asked when the request is proved, so that strangers cannot use them up; those whose proofs fail are counted
 * by address and source, and when they are too many, no further one is looked at. Whoever has proved itself within the
 * last 24 hours is spared that: behind a proxy, or one address for many, a stranger cannot lock out a sender that calls daily.
 */
#ifndef CREEL_INTAKE_LIMITS_H
#define CREEL_INTAKE_LIMITS_H

#include "base/buf.h"
#include "base/config.h"
#include "intake/limit.h"

struct facts;
struct house;
struct house_source;
struct request;

struct house_limit {
    const struct config_limit *config;
    struct limit *table; /* held; NULL: failed proofs are not counted */
    struct facts *value; /* of limits by tenant and by value, else NULL */
    char policy[80];     /* the RateLimit-Policy field (draft-ietf-httpapi-ratelimit-headers-10) */
    char name[24];       /* what the fields call it, in quotes */
    char what[160];      /* for people: "100 in 15m from one address" */
};

/* So many events count in this limit as this key. */
struct limit_share {
    const struct house_limit *limit;
    uint64_t key; /* limit_name of its table */
    int64_t n;
};

/* Main thread: make those of a source, or of the house itself. Tables are taken over from `previous` (NULL: none) and, by
 * tenant, from the house's sources before this one. ERR_INVALID, ERR_NO_MEMORY. */
enum err limits_load(const struct house *h, struct house_source *s, const struct house *previous, struct why *w);
enum err limits_load_failed(struct house *h, const struct house *previous, struct why *w);
void limits_unload(struct house_source *s);
void limits_unload_failed(struct house *h);

/* Within admit: by address, and failed proofs. ERR_RATE_LIMITED with q->limited and q->limit. */
enum err limits_admit(struct request *q);
/* The request turns out to hold n events: what was taken for one is taken for n, or all of it is refused. ERR_RATE_LIMITED;
 * ERR_BODY_TOO_LARGE: more than may ever come at once. */
enum err limits_batch(struct request *q, size_t n);
/* The same where what is counted is in the events: what the event that is q's now counts as is put behind the *n shares, one
 * for each limit of its source at most; when all are noted they are taken, or none. The refusals of the step. */
enum err limits_note(struct request *q, struct limit_share *shares, size_t *n);
enum err limits_take_noted(struct request *q, struct limit_share *shares, size_t n);
/* The request was refused because it proved nothing. */
void limits_failed(const struct request *q);
/* Retry-After of a request that was refused by limits: until none of those that were asked with it refuses it; 1 at least. */
int64_t limits_retry_after_s(const struct request *q);
/* RateLimit-Policy and RateLimit of the limit that refused the request, or of the one it came closest to. */
void limits_put(const struct request *q, struct buf *b);

#endif
