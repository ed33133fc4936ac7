/* SPDX-License-Identifier: MIT
 * store: the commit step: build the journal line and put it into the IO thread's gathering for the committer.
 */
#include "intake/steps.h"

#include "intake/batch.h"
#include "intake/transport.h"
#include "spool/line.h"

static const struct span redacted = {"\xe2\x80\xa6", 3}; /* … */

/* [["name","value"],…] with credentials taken out; an event of a batch is handed on as if it had come alone. */
static struct span headers_json(struct request *q)
{
    struct buf *b = &q->headers_text;
    buf_putc(b, '[');
    for (size_t i = 0; i < q->n_headers; i++) {
        const struct recipe_header *h = &q->headers[i];
        bool secret = house_is_credential(q->source, h->name);
        buf_puts(b, i ? ",[" : "[");
        buf_put_json_text(b, h->name);
        buf_putc(b, ',');
        bool of_body = q->batch && span_eq_str(h->name, "content-type");
        buf_put_json_text(b, secret ? redacted : of_body ? q->content_type : h->value);
        buf_putc(b, ']');
    }
    buf_putc(b, ']');
    return buf_span(b);
}

static void put_line(struct request *q, struct span headers, bool known)
{
    char request_id[ID_TEXT_BYTES];
    id_format(&q->request_id, request_id);
    struct line_event e = {
        .id = q->id,
        .received_ms = q->received_ms,
        .source = span_str(q->source->config->name),
        .type = q->type,
        .version = q->version,
        .violation = q->violation,
        .event_id = q->sender_id,
        .order_key = q->order_key,
        .time = q->time,
        .request_id = span_of(request_id, sizeof request_id),
        .method = q->method,
        .path = q->kept_path,
        .remote = q->remote,
        .content_type = q->content_type,
        .key_id = span_str(q->verdict.key_id ? q->verdict.key_id : q->caller),
        .unsigned_source = house_takes_anybody(q->source),
        .synced = q->job.sync,
        .has_dedupe = known,
        .dedupe_until_ms = q->claim.until_ms,
        .headers = headers,
        .body = q->confirm.p ? q->confirm : q->event,
    };
    memcpy(e.dedupe, q->claim.key, sizeof e.dedupe);
    line_put_event(&q->line, &e);
}

static void choose_durability(struct request *q)
{
    q->job.sync = q->confirm.p || strcmp(q->source->config->durability, "written") != 0;
}

bool store_begin(struct request *q)
{
    choose_durability(q);
    q->content_type = SPAN_LIT("application/cloudevents+json");
    (void)headers_json(q);
    return !q->headers_text.failed;
}

void store_put_line(struct request *q, bool known)
{
    put_line(q, buf_span(&q->headers_text), known);
}

enum err step_commit(struct request *q)
{
    if (q->batch)
        return batch_commit(q);
    choose_durability(q);
    put_line(q, headers_json(q), q->claimed);
    if (q->headers_text.failed || q->line.failed)
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the event");
    q->job.line = buf_span(&q->line);
    q->job.key = NULL;
    if (q->claimed) {
        q->key = (struct journal_dedupe){.id = q->id, .until_ms = q->claim.until_ms};
        memcpy(q->key.key, q->claim.key, sizeof q->key.key);
        q->job.key = &q->key;
    }
    /* All that is needed from now on is copied. */
    q->type = arena_copy(&q->arena, q->type);
    fcgi_drop(&q->fcgi);
    transport_gather(q);
    return ERR_AGAIN;
}
