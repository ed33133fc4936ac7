/* SPDX-License-Identifier: MIT
 * read: the raw body, kept as it came, within the source's limit and the memory that all arriving bodies share, and all that is made of it.
 */
#include "intake/steps.h"

enum { FIRST_BYTES = 4096 };

/* Take n bytes from the global budget. What does not fit is never counted, not even for a moment: others are asking too. */
static bool budget_take(struct intake *in, size_t n)
{
    int64_t held = atomic_load_explicit(&in->body_held, memory_order_relaxed);
    do
        if (held + (int64_t)n > in->body_memory)
            return false;
    while (!atomic_compare_exchange_weak_explicit(&in->body_held, &held, held + (int64_t)n, memory_order_relaxed,
                                                  memory_order_relaxed));
    stat_add(STAT_body_memory_bytes, (int64_t)n);
    return true;
}

enum err read_room(struct request *q, size_t n)
{
    int64_t max = q->source->config->max_body;
    size_t want = q->body.n + n;

    if ((int64_t)want > max)
        return refuse(q, ERR_BODY_TOO_LARGE, "this source takes at most %lld bytes", (long long)max);
    if (q->content_length >= 0 && (int64_t)want > q->content_length)
        return refuse(q, ERR_MALFORMED_REQUEST, "the body is longer than its Content-Length");
    if (want > q->held_bytes) {
        size_t grow = want < FIRST_BYTES ? FIRST_BYTES : want * 2;
        size_t most = q->content_length >= 0 ? (size_t)q->content_length : (size_t)max;
        grow = (grow < most ? grow : most) - q->held_bytes;
        if (!budget_take(q->intake, grow))
            return refuse(q, ERR_SPOOL_FULL, "too many request bodies are arriving at once");
        q->held_bytes += grow;
    }
    if (!buf_reserve(&q->body, n))
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the body");
    return ERR_OK;
}

enum err read_hold(struct request *q, size_t n)
{
    if ((int64_t)(q->held_bytes + n) > q->intake->body_memory)
        return refuse(q, ERR_BODY_TOO_LARGE, "its events are stored each with all header fields: so many of them are more than body_memory, send fewer");
    if (!budget_take(q->intake, n))
        return refuse(q, ERR_SPOOL_FULL, "too many request bodies are arriving at once");
    q->held_bytes += n;
    return ERR_OK;
}

void read_release(struct request *q)
{
    if (q->held_bytes == 0)
        return;
    atomic_fetch_sub_explicit(&q->intake->body_held, (int64_t)q->held_bytes, memory_order_relaxed);
    stat_add(STAT_body_memory_bytes, -(int64_t)q->held_bytes);
    q->held_bytes = 0;
}

enum err step_read(struct request *q)
{
    if (!q->body_complete)
        return ERR_AGAIN;
    if (q->content_length >= 0 && (int64_t)q->body.n != q->content_length)
        return refuse(q, ERR_MALFORMED_REQUEST, "the body is shorter than its Content-Length");
    if (!q->body.p && !buf_reserve(&q->body, 1)) /* an empty body is empty, not absent */
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the body");
    return ERR_OK;
}
