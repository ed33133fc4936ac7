/* SPDX-License-Identifier: MIT
 * admin: what the admin socket answers: /healthz (this process answers) and /readyz (an event would be accepted now and
 * dispatch is up), each with its reason as JSON. IO threads.
 */
#include "intake/steps.h"

#include <stdio.h>

static bool path_is(const struct request *q, const char *path)
{
    const char *mark = q->uri.p ? memchr(q->uri.p, '?', q->uri.n) : NULL;
    return span_eq_str(span_of(q->uri.p, mark ? (size_t)(mark - q->uri.p) : q->uri.n), path);
}

/* NULL when ready, else why not. */
static const char *not_ready(const struct intake *in)
{
    if (atomic_load_explicit(&in->stopping, memory_order_relaxed))
        return "shutting down";
    if (!journal_accepts(in->journal))
        return "the spool takes no events";
    if (!atomic_load_explicit(&in->shared->dispatching, memory_order_relaxed))
        return "dispatch is not up";
    return NULL;
}

/* What waits for the disk stops nothing else. */
static const char *ready_body(const struct intake *in)
{
    return atomic_load_explicit(&in->shared->stats[STAT_unread_bytes], memory_order_relaxed)
               ? "{\"status\":\"ready\",\"warning\":\"the disk refuses to read a part of the journal\"}\n"
               : "{\"status\":\"ready\"}\n";
}

static void put(struct buf *b, const struct request *q, const char *status, const char *extra, const char *body)
{
    char id[ID_TEXT_BYTES];
    id_format(&q->request_id, id);
    buf_printf(b,
               "Status: %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n"
               "Creel-Request-Id: %.*s\r\n%s\r\n%s",
               status, strlen(body), ID_TEXT_BYTES, id, extra, body);
}

void admin_put(const struct request *q, struct buf *b)
{
    bool reads = span_eq_str(q->method, "GET") || span_eq_str(q->method, "HEAD");
    bool health = path_is(q, "/healthz"), ready = path_is(q, "/readyz");
    const char *why = ready ? not_ready(q->intake) : NULL;
    char body[128];

    if (!health && !ready) {
        put(b, q, "404 Not Found", "", "{\"status\":\"not found\"}\n");
    } else if (!reads) {
        put(b, q, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "{\"status\":\"method not allowed\"}\n");
    } else if (health || !why) {
        put(b, q, "200 OK", "", health ? "{\"status\":\"ok\"}\n" : ready_body(q->intake));
    } else {
        snprintf(body, sizeof body, "{\"status\":\"not ready\",\"reason\":\"%s\"}\n", why);
        put(b, q, "503 Service Unavailable", "Retry-After: 5\r\n", body);
    }
}
