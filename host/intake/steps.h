/* SPDX-License-Identifier: MIT
 * steps: what one intake process has, and the step list that each request runs through:
 *
 *   client → route → admit → permit → authenticate → read → verify → limit → parse → envelope → (limit) → identify →
 *   version → validate → dedupe → commit → answer
 *
 * IO threads run the steps up to commit; answering is for whoever owns the request when it is decided (transport.h).
 */
#ifndef CREEL_INTAKE_STEPS_H
#define CREEL_INTAKE_STEPS_H

#include <stdatomic.h>
#include "base/stats.h"
#include "intake/request.h"
#include "spool/journal.h"

struct rejected;
struct transport;

/* One in the process, which every request points to. */
struct intake {
    struct shared *shared;
    struct journal *journal;
    uint8_t salt[DEDUPE_SALT_BYTES];
    int spool_fd; /* the spool's folder */
    struct dedupe *dedupe;
    struct commit *commit;
    struct transport *transport;
    struct rejected *rejected;
    int64_t body_memory;       /* limit of body_held */
    _Atomic int64_t body_held; /* bytes of bodies in memory */
    atomic_uint stored;        /* rises with each secret that a handshake brought (stored.h) */
    atomic_bool stopping;
};

/* The steps that are functions of a request. ERR_OK: go on; ERR_AGAIN: not yet (read waits for bytes, dedupe and
 * commit for the disk); ERR_EXISTS: a duplicate, q->id is the first event's; ERR_ANSWERED: a handshake, answered by q->reply;
 * else refused, q->detail says why. */
enum err step_client(struct request *q);
enum err step_route(struct request *q);
enum err step_admit(struct request *q);
enum err step_permit(struct request *q);
enum err step_authenticate(struct request *q);
enum err step_read(struct request *q);
enum err step_verify(struct request *q);
enum err step_limit(struct request *q);
enum err step_limit_inside(struct request *q); /* instead, where what is counted is in the event */
enum err step_parse(struct request *q);
enum err step_envelope(struct request *q);
enum err step_identify(struct request *q);
enum err step_version(struct request *q);
enum err step_validate(struct request *q);
enum err step_dedupe(struct request *q);
enum err step_commit(struct request *q);

/* Run the list from where the request stands. True: decided, q->outcome is set. False: it waits; after ERR_AGAIN of
 * dedupe or commit it may already belong to the committer and must not be touched. */
bool steps_run(struct request *q);
/* Nothing between here and dedupe is asked of this request: what it is is known. From within a step before those. */
void steps_skip_to_dedupe(struct request *q);
/* Has the request proven whom it comes from, as far as its source asks for that? */
bool steps_proven(const struct request *q);
/* The name of the step a request stands at. Static. */
const char *steps_name(const struct request *q);

/* Is the content type one of those that the source takes for events (admit.c)? ERR_OK, ERR_UNSUPPORTED_MEDIA_TYPE. */
enum err admit_content_type(struct request *q);

/* What batches (batch.h) ask of the other steps, of one event at a time. A structured CloudEvent becomes q's event
 * (envelope.c); it is run through the steps behind envelope and before dedupe (steps.c); its claim is filled in, or
 * ERR_UNSUPPORTED: no duplicates of it are looked for (claim.c). store_begin, once, prepares for lines; false: out of
 * memory; store_put_line puts the event's line behind those in q->line. */
enum err envelope_take(struct request *q, struct span text);
enum err steps_run_event(struct request *q);
enum err claim_prepare(struct request *q);
bool store_begin(struct request *q);
void store_put_line(struct request *q, bool known);

/* Does the request ask for leave to send, of a source that gives it (permit.c)? */
bool permit_asked(const struct request *q);

/* What the request says that it is, as far as its source looks for that (envelope.c). */
enum envelope_kind envelope_of(const struct request *q);

/* Body bytes that arrived (read.c): room for n more within the source's limit and the global budget, at q->body.p +
 * q->body.n. ERR_BODY_TOO_LARGE, ERR_SPOOL_FULL. */
enum err read_room(struct request *q, size_t n);
/* n bytes more that a batch takes, of the same budget. ERR_BODY_TOO_LARGE: it alone is more than all; ERR_SPOOL_FULL. */
enum err read_hold(struct request *q, size_t n);
/* Give the budget back. */
void read_release(struct request *q);

/* The answer as CGI text behind b (answer.c), also for requests that never had a source. */
void answer_put(const struct request *q, struct buf *b);
/* Count, log and (when refused) write down the outcome, once, when it is known. */
void answer_record(const struct request *q);

/* /healthz, /readyz: the answer behind b (admin.c). */
void admin_put(const struct request *q, struct buf *b);

#endif
