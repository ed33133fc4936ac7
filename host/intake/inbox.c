/* SPDX-License-Identifier: MIT
 * inbox: peeking several messages needs SO_PEEK_OFF, which moves on with every peek and back with every message taken
 * off; where the kernel does not have it, one message a batch is taken. The offset is kept by the socket, which
 * outlives us: it is set anew at start.
 */
#include "intake/inbox.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/channel.h"
#include "base/fs.h"
#include "base/log.h"
#include "spool/line.h"

enum { MESSAGES_PER_BATCH = 16, MESSAGE_BYTES = CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head) };

struct inbox {
    struct journal *journal;
    int fd;
    _Atomic uint64_t *recorded;
    char *message;
    unsigned per_batch;
    unsigned peeked;  /* messages of this batch, still in the socket */
    uint64_t mark;    /* of the last RECORDS among them; 0: none */
    bool looked;      /* the offset of the peek has moved */
    struct buf large; /* a line that came by descriptor, until it is durable */
    bool large_in_batch;
    bool blocked; /* the journal had no room: wait for the tick */
    bool empty, closed;
};

static bool rewind_peek(struct inbox *r)
{
    int zero = 0;
    return setsockopt(r->fd, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof zero) == 0;
}

enum err inbox_new(struct journal *j, int peer_fd, _Atomic uint64_t *recorded, struct inbox **out, struct why *w)
{
    struct inbox *r = calloc(1, sizeof *r);
    if (!r || !(r->message = malloc(MESSAGE_BYTES))) {
        free(r);
        return why_set(w, ERR_NO_MEMORY, "out of memory for the records of dispatch");
    }
    r->journal = j;
    r->fd = peer_fd;
    r->recorded = recorded;
    r->per_batch = rewind_peek(r) ? MESSAGES_PER_BATCH : 1;
    buf_init(&r->large, LINE_MAX_BYTES);
    *out = r;
    return ERR_OK;
}

void inbox_free(struct inbox *r)
{
    if (!r)
        return;
    buf_fini(&r->large);
    free(r->message);
    free(r);
}

/* One line; ERR_OK also when it is none, which is logged and left out: it would break the file for every reader. */
static enum err append(struct inbox *r, struct span line)
{
    if (!span_starts(line, SPAN_LIT(LINE_TOKEN)) || memchr(line.p, '\n', line.n)) {
        log_line(LOG_ERROR, "dispatch sent something that is no journal line: left out", LOG_N("bytes", line.n));
        return ERR_OK;
    }
    return journal_append(r->journal, line, NULL, true);
}

static enum err append_records(struct inbox *r, struct span payload)
{
    uint64_t mark = 0;
    if (payload.n < sizeof mark) {
        log_msg(LOG_ERROR, "dispatch sent records without a mark: left out");
        return ERR_OK;
    }
    memcpy(&mark, payload.p, sizeof mark);
    payload = span_skip(payload, sizeof mark);
    while (payload.n > 0) {
        uint32_t n;
        if (payload.n < sizeof n)
            break;
        memcpy(&n, payload.p, sizeof n);
        payload = span_skip(payload, sizeof n);
        if (n > payload.n)
            break;
        enum err e = append(r, span_of(payload.p, n));
        if (e != ERR_OK)
            return e;
        payload = span_skip(payload, n);
    }
    if (payload.n > 0)
        log_line(LOG_ERROR, "dispatch sent a broken list of lines: its rest is left out", LOG_N("bytes", payload.n));
    r->mark = mark;
    return ERR_OK;
}

static void retire(struct inbox *r, struct span payload)
{
    struct why w = {""};
    uint32_t segment;
    if (payload.n != sizeof segment) {
        log_msg(LOG_ERROR, "dispatch sent a RETIRE of a wrong size");
        return;
    }
    memcpy(&segment, payload.p, sizeof segment);
    if (journal_retire(r->journal, segment, &w) != ERR_OK)
        log_line(LOG_WARN, "a segment was not retired", LOG_N("segment", segment), LOG_T("why", w.text));
}

static enum err append_large(struct inbox *r)
{
    enum err e = append(r, buf_span(&r->large));
    r->large_in_batch = e == ERR_OK;
    return e;
}

/* The first message in the socket is a line by descriptor, which a peek does not deliver: take it off. */
static enum err take_large(struct inbox *r)
{
    struct channel_message m = {0};
    struct why w = {""};
    if (channel_recv(r->fd, r->message, MESSAGE_BYTES, false, &m) != ERR_OK)
        return ERR_OK;
    enum err e = m.n_fds == 1 ? fs_read_fd(m.fds[0], &r->large, &w) : ERR_INVALID;
    while (m.n_fds > 0)
        close(m.fds[--m.n_fds]);
    if (e != ERR_OK) {
        log_line(LOG_ERROR, "a long line from dispatch could not be read", LOG_T("why", w.text));
        buf_clear(&r->large);
        return ERR_OK;
    }
    return append_large(r);
}

/* Append one peeked message. ERR_AGAIN: it has to wait until it is the first. */
static enum err append_message(struct inbox *r, const struct channel_message *m)
{
    switch (m->type) {
    case CHANNEL_RECORDS:
        return append_records(r, m->payload);
    case CHANNEL_RETIRE:
        retire(r, m->payload);
        return ERR_OK;
    default:
        log_line(LOG_WARN, "dispatch sent a message of an unexpected type", LOG_N("type", m->type));
        return ERR_OK;
    }
}

/* Look at the next message. False when this batch can have no more. */
static bool append_next(struct inbox *r)
{
    struct channel_message m = {0};
    enum err e = channel_recv(r->fd, r->message, MESSAGE_BYTES, true, &m);

    r->empty = e == ERR_AGAIN && r->peeked == 0;
    r->closed = e == ERR_CLOSED && r->peeked == 0;
    if (e == ERR_INVALID && r->peeked == 0) {
        log_msg(LOG_ERROR, "dispatch sent a packet of another version or shape: dropped");
        channel_drop(r->fd);
    }
    r->looked = r->looked || e == ERR_OK || e == ERR_INVALID;
    if (e != ERR_OK)
        return false;
    if (m.type == CHANNEL_LARGE) {
        if (r->peeked == 0)
            r->blocked = take_large(r) != ERR_OK;
        return false;
    }
    r->blocked = append_message(r, &m) != ERR_OK;
    if (r->blocked)
        return false;
    r->peeked++;
    return r->peeked < r->per_batch;
}

bool inbox_append(struct inbox *r)
{
    size_t before = journal_pending(r->journal);
    if (r->blocked || r->closed)
        return false;
    if (r->large.n > 0 && !r->large_in_batch)
        r->blocked = append_large(r) != ERR_OK;
    if (!r->blocked) {
        while (append_next(r))
            continue;
    }
    if (r->blocked)
        log_msg(LOG_WARN, "no room for what dispatch records: it waits");
    /* Messages without lines (RETIRE) need no commit. */
    bool lines = journal_pending(r->journal) > before;
    if (!lines)
        inbox_done(r);
    return lines;
}

void inbox_done(struct inbox *r)
{
    bool peeked = r->looked;
    /* Published first: what a kill leaves in the socket is appended again, and its mark published again. */
    if (r->mark)
        atomic_store_explicit(r->recorded, r->mark, memory_order_release);
    r->mark = 0;
    for (; r->peeked > 0; r->peeked--)
        channel_drop(r->fd);
    if (r->large_in_batch)
        buf_clear(&r->large);
    r->large_in_batch = false;
    r->looked = false;
    if (peeked && r->per_batch > 1)
        (void)rewind_peek(r);
}

void inbox_retry(struct inbox *r)
{
    r->peeked = 0;
    r->mark = 0;
    r->looked = false;
    r->large_in_batch = false;
    if (r->per_batch > 1)
        (void)rewind_peek(r);
}

void inbox_nudge(struct inbox *r)
{
    if (!r->closed)
        (void)channel_send(r->fd, CHANNEL_NUDGE, SPAN_LIT(""), NULL, 0);
}

void inbox_tick(struct inbox *r)
{
    r->blocked = false;
}

int inbox_poll_fd(const struct inbox *r)
{
    return r->blocked || r->closed ? -1 : r->fd;
}

bool inbox_over(const struct inbox *r, bool empty_is_enough)
{
    return r->large.n == 0 && (r->closed || (empty_is_enough && r->empty));
}
