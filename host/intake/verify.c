/* SPDX-License-Identifier: MIT
 * verify: the proof, by the source's recipe, over the raw bytes, and whether the request is a handshake. Nothing before
 * this step has looked into the body.
 */
#include "intake/steps.h"

#include "intake/fetch.h"
#include "intake/stored.h"

/* Where the judging may put things: the request's arena, or a block of the request's own when that is too small for what
 * has to be put together of a large body. NULL: out of memory. */
static struct arena *scratch(struct request *q, const struct recipe_request *r)
{
    size_t need = recipe_scratch_bytes(q->source->recipe, r);
    if (need <= q->arena.cap - q->arena.n)
        return &q->arena;
    return arena_init(&q->block, need) ? &q->block : NULL;
}

enum err step_verify(struct request *q)
{
    const struct house_source *s = q->source;
    struct recipe_request r = request_to_judge(q);
    r.keys_at = fetch_keys_at;
    r.keys_arg = q;
    struct arena *a = scratch(q, &r);
    if (!a)
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the signature");
    bool event = house_takes_method(s, q->method);
    enum err e =
        recipe_judge(s->recipe, stored_keys(q->intake, s), q->recipe_context, &r, event, a, &q->verdict, &q->reply);
    if (e == ERR_ANSWERED && q->rerun.p && !q->reply.fetch.p)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "a handshake is answered to its sender alone: have it sent again");
    if (e == ERR_ANSWERED && q->reply.store.p)
        return stored_take(q);
    if (e == ERR_ANSWERED && q->reply.fetch.p)
        return fetch_confirm(q);
    if (e == ERR_SIGNATURE_INVALID && fetch_doubt(q))
        return refuse(q, ERR_KEYS_PENDING, "no key that was fetched made this signature: they are fetched again");
    if (e == ERR_OK)
        arena_fini(&q->block); /* an event waits for the disk without it */
    if (e == ERR_OK && recipe_shakes(s->recipe, q->method))
        return admit_content_type(q); /* which admit left to this step: handshakes come with any */
    if (e == ERR_OK || e == ERR_ANSWERED)
        return e;
    return refuse(q, err_status(e) ? e : ERR_INTERNAL, "%s", q->verdict.detail[0] ? q->verdict.detail : err_title(e));
}
