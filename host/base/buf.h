/* SPDX-License-Identifier: MIT
 * buf: bytes being written. Grows up to a limit; what does not fit sets `failed` and later writes do nothing, so that
 * a writer checks once, at the end. Not shared between threads without a lock of the caller's.
 */
#ifndef CREEL_BASE_BUF_H
#define CREEL_BASE_BUF_H

#include <stdint.h>
#include "base/span.h"

struct buf {
    char *p; /* owned; NULL until the first write */
    size_t n, cap;
    size_t max_bytes; /* hard limit of n */
    bool failed;      /* a write did not fit or memory ran out; p[0..n) is what was written before */
};

/* In place; allocates nothing until the first write. max_bytes > 0. */
void buf_init(struct buf *b, size_t max_bytes);
/* Free the bytes; b may be used again as after buf_init with the same limit. */
void buf_fini(struct buf *b);
/* n = 0 and failed = false; keeps the memory. */
void buf_clear(struct buf *b);

/* Room for n more bytes; false (and failed) if that passes the limit or memory. */
bool buf_reserve(struct buf *b, size_t n);
/* The same, but room that cannot be had fails nothing. */
bool buf_room(struct buf *b, size_t n);
static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || b->failed || (n > b->cap - b->n && !buf_reserve(b, n)))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}
static inline void buf_put_span(struct buf *b, struct span s)
{
    buf_put(b, s.p, s.n);
}
static inline void buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}
static inline void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}
void buf_put_u64(struct buf *b, uint64_t v); /* decimal */
void buf_put_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drop the first n bytes (n <= b->n), moving the rest down. */
void buf_consume(struct buf *b, size_t n);

/* A JSON string with its quotes (RFC 8259 section 7). s must be valid UTF-8; the bytes are not checked here. Escapes
 * quote, backslash, and control characters below 0x20 only, so that unescaping gives the exact bytes back. */
void buf_put_json_string(struct buf *b, struct span s);
/* The same for bytes of unknown origin: each byte that is not part of valid UTF-8 becomes U+FFFD, and every
 * control character (DEL and C1 too) is escaped, so that a terminal acts on none. For logs and titles. */
void buf_put_json_text(struct buf *b, struct span s);
/* The same, or null where s is SPAN_NONE. */
void buf_put_json_text_or_null(struct buf *b, struct span s);

static inline struct span buf_span(const struct buf *b)
{
    return span_of(b->p ? b->p : "", b->n);
}

#endif
