/* SPDX-License-Identifier: MIT
 * records: the queue of lines on their way to intake.
 */
#include "dispatch/records.h"

#include <unistd.h>

#include "base/channel.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stats.h"

enum { COMPACT_BYTES = 1 << 20 };

void records_init(struct records *r, int fd, struct shared *shared)
{
    *r = (struct records){.fd = fd, .shared = shared, .base = atomic_load(&shared->promised), .due_ms = INT64_MAX};
    buf_init(&r->out, SIZE_MAX / 2);
}

void records_fini(struct records *r)
{
    buf_fini(&r->out);
}

struct buf *records_begin(struct records *r)
{
    bug_if(r->open);
    r->open = true;
    r->line = r->out.n;
    uint32_t length = 0;
    buf_put(&r->out, &length, sizeof length);
    return &r->out;
}

uint64_t records_end_by(struct records *r, int64_t by_ms)
{
    bug_if(!r->open);
    r->open = false;
    if (r->out.failed)
        die(EXIT_SYSTEM, "out of memory for the journal's records");
    uint32_t length = (uint32_t)(r->out.n - r->line - sizeof length);
    memcpy(r->out.p + r->line, &length, sizeof length);
    if (by_ms < r->due_ms)
        r->due_ms = by_ms;
    return records_mark(r);
}

uint64_t records_end(struct records *r)
{
    return records_end_by(r, INT64_MIN);
}

int64_t records_due_ms(const struct records *r)
{
    return r->due_ms;
}

size_t records_waiting(const struct records *r)
{
    return r->out.n - r->sent;
}

bool records_sent(const struct records *r, uint64_t mark)
{
    return r->base + r->dropped + r->sent >= mark;
}

uint64_t records_mark(const struct records *r)
{
    return r->base + r->dropped + r->out.n;
}

static size_t record_bytes(const struct records *r, size_t at)
{
    uint32_t length;
    memcpy(&length, r->out.p + at, sizeof length);
    return sizeof length + length;
}

static enum err send_large(struct records *r, size_t n)
{
    struct why w;
    int fd;
    struct span line = span_of(r->out.p + r->sent + sizeof(uint32_t), n - sizeof(uint32_t));
    enum err e = fs_sealed("creel-line", line, &fd, &w);
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "a long record cannot be sent yet", LOG_T("why", w.text));
        return ERR_AGAIN;
    }
    e = channel_send(r->fd, CHANNEL_LARGE, SPAN_NONE, &fd, 1);
    close(fd);
    return e;
}

/* The next message: as many whole records as fit. */
static enum err send_some(struct records *r)
{
    size_t n = record_bytes(r, r->sent);
    enum err e;
    if (n > CHANNEL_LINES_BYTES) {
        e = send_large(r, n);
    } else {
        while (r->sent + n < r->out.n) {
            size_t more = record_bytes(r, r->sent + n);
            if (n + more > CHANNEL_LINES_BYTES)
                break;
            n += more;
        }
        uint64_t mark = r->base + r->dropped + r->sent + n;
        atomic_store(&r->shared->promised, mark);
        e = channel_send_records(r->fd, mark, span_of(r->out.p + r->sent, n));
    }
    if (e == ERR_OK)
        r->sent += n;
    return e;
}

enum err records_flush(struct records *r)
{
    enum err e = ERR_OK;
    bug_if(r->open);
    while (e == ERR_OK && r->sent < r->out.n)
        e = send_some(r);
    if (r->sent == r->out.n || r->sent > COMPACT_BYTES) {
        r->dropped += r->sent;
        buf_consume(&r->out, r->sent);
        r->sent = 0;
    }
    if (records_waiting(r) == 0)
        r->due_ms = INT64_MAX;
    return e;
}
