/* SPDX-License-Identifier: MIT
 * fetch: errands, which nobody waits for, and confirmations, which take the request's own way.
 */
#include "intake/fetch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "intake/keycache.h"
#include "intake/steps.h"
#include "spool/fetched.h"
#include "spool/line.h"

enum { BODY_BYTES = 64 * 1024, LINE_BYTES = 128 * 1024 };

/* A line that no request waits for. Owned by the committer until it is done. */
struct errand {
    struct commit_job job;
    struct buf line;
};

static void errand_done(struct commit_job *job)
{
    struct errand *e = (struct errand *)(void *)((char *)job - offsetof(struct errand, job));
    if (job->outcome != ERR_OK)
        log_line(LOG_WARN, "a request for keys could not be written down: the next event that needs them asks again",
                 LOG_T("why", err_title(job->outcome)));
    buf_fini(&e->line);
    free(e);
}

static void put_line(const struct request *q, struct span body, struct buf *line)
{
    char request_id[ID_TEXT_BYTES];
    id_format(&q->request_id, request_id);
    const struct line_event e = {
        .id = id_new(q->received_ms),
        .received_ms = q->received_ms,
        .source = span_str(q->source->config->name),
        .type = SPAN_LIT(FETCH_TYPE),
        .request_id = span_of(request_id, sizeof request_id),
        .remote = q->remote,
        .content_type = SPAN_LIT("application/json"),
        .unsigned_source = recipe_is_none(q->source->recipe),
        .synced = true,
        .body = body,
    };
    line_put_event(line, &e);
}

static void send_errand(const struct request *q, const struct fetch *f)
{
    struct buf body;
    struct errand *e = calloc(1, sizeof *e);
    if (!e)
        return;
    buf_init(&body, BODY_BYTES);
    buf_init(&e->line, LINE_BYTES);
    fetch_put(&body, f);
    put_line(q, buf_span(&body), &e->line);
    bool good = !body.failed && !e->line.failed;
    buf_fini(&body);
    e->job = (struct commit_job){.line = buf_span(&e->line), .sync = true, .detached = errand_done};
    if (!good) {
        buf_fini(&e->line);
        free(e);
        return;
    }
    commit_submit(q->intake->commit, &e->job, &e->job);
    log_line(LOG_INFO, "keys are fetched", LOG_T("source", q->source->config->name), LOG_S("url", f->url));
}

static void fetch_keys(const struct request *q, struct span url)
{
    struct fetch f = {.url = url, .purpose = FETCH_KEYS, .format = q->verdict.keys_format};
    f.hosts = recipe_keys_hosts(q->source->recipe, &f.n_hosts);
    send_errand(q, &f);
}

const struct keyring *fetch_keys_at(void *arg, struct span url)
{
    struct request *q = arg;
    bool fetch;
    const struct keycache_ask ask = {
        .spool_fd = q->intake->spool_fd,
        .recipe = q->source->recipe,
        .url = url,
        .format = q->verdict.keys_format,
        .wall_ms = q->received_ms,
        .mono_ms = clock_mono_ms(),
    };
    cached_release(q->keys);
    q->keys = keycache_find(q->source->fetched, &ask, &fetch);
    if (fetch)
        fetch_keys(q, url);
    return q->keys ? cached_keyring(q->keys) : NULL;
}

bool fetch_doubt(struct request *q)
{
    bool may_change = q->keys && strcmp(q->verdict.keys_format, "jwks") == 0;
    bool again = may_change && keycache_doubt(q->source->fetched, q->verdict.keys_url, clock_mono_ms());
    if (again)
        fetch_keys(q, q->verdict.keys_url);
    return again;
}

/* ---- confirmations ---- */

static bool keep(struct arena *a, struct span *s)
{
    if (s->n)
        *s = arena_copy(a, *s);
    return s->p || !s->n;
}

/* What the answer is made of must outlive the web server's parameters. */
static bool keep_reply(struct request *q)
{
    struct recipe_reply *r = &q->reply;
    bool kept = keep(&q->arena, &q->method) && keep(&q->arena, &r->body);
    for (size_t i = 0; kept && i < r->n_headers; i++)
        kept = keep(&q->arena, &r->headers[i].name) && keep(&q->arena, &r->headers[i].value);
    return kept;
}

/* Body and sender's id of the event. */
static bool make_event(struct request *q)
{
    struct buf b;
    char hash[FETCHED_HASH_BYTES];
    const struct fetch f = {
        .url = q->reply.fetch, .purpose = FETCH_CONFIRM, .hosts = q->reply.hosts, .n_hosts = q->reply.n_hosts};
    fetched_hash(f.url, hash);
    b = arena_open(&q->arena);
    fetch_put(&b, &f);
    q->confirm = arena_close(&q->arena, &b);
    q->sender_id = arena_copy(&q->arena, span_str(hash));
    return q->confirm.p && q->sender_id.p;
}

enum err fetch_confirm(struct request *q)
{
    if (!keycache_allows(q->source->fetched, clock_mono_ms()))
        return refuse(q, ERR_RATE_LIMITED, "too many subscriptions to be confirmed at once");
    if (!keep_reply(q) || !make_event(q))
        return refuse(q, ERR_BODY_TOO_LARGE, "the handshake is larger than this server takes");
    q->type = SPAN_LIT(FETCH_TYPE);
    q->content_type = SPAN_LIT("application/json");
    q->id = id_new(q->received_ms);
    steps_skip_to_dedupe(q);
    return ERR_OK;
}

enum err fetch_outcome(const struct request *q, enum err e)
{
    return q->confirm.p && (e == ERR_OK || e == ERR_EXISTS) ? ERR_ANSWERED : e;
}
