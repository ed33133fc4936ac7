/* SPDX-License-Identifier: MIT
 * buf: growable bytes with a limit. Owns its bytes; never truncates silently (see `failed`).
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/err.h"
#include "base/run.h"

void buf_init(struct buf *b, size_t max_bytes)
{
    bug_if(max_bytes == 0);
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max_bytes = b->max_bytes};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

bool buf_reserve(struct buf *b, size_t n)
{
    if (b->failed)
        return false;
    if (n <= b->cap - b->n)
        return true;
    if (n > b->max_bytes - b->n) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap < b->n + n)
        cap = cap > b->max_bytes / 2 ? b->max_bytes : cap * 2;
    if (cap > b->max_bytes)
        cap = b->max_bytes;
    char *p = realloc(b->p, cap + 1); /* one more, for vsnprintf's terminator */
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

bool buf_room(struct buf *b, size_t n)
{
    bool had_failed = b->failed;
    bool room = buf_reserve(b, n);
    b->failed = had_failed;
    return room;
}

void buf_put_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + v % 10);
    while (v /= 10);
    buf_put(b, digits + i, sizeof digits - i);
}

void buf_put_i64(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_putc(b, '-');
    buf_put_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if (n == 0 || !buf_reserve(b, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
    bug_if(n > b->n);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

static void put_escaped(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
        buf_put(b, "\\\"", 2);
        return;
    case '\\':
        buf_put(b, "\\\\", 2);
        return;
    case '\n':
        buf_put(b, "\\n", 2);
        return;
    case '\r':
        buf_put(b, "\\r", 2);
        return;
    case '\t':
        buf_put(b, "\\t", 2);
        return;
    default: {
        char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_put(b, u, sizeof u);
    }
    }
}

void buf_put_json_string(struct buf *b, struct span s)
{
    buf_putc(b, '"');
    size_t from = 0;
    for (size_t i = run_ascii(s.p, s.n); i < s.n; i++, i += run_ascii(s.p + i, s.n - i)) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_put(b, s.p + from, i - from);
        put_escaped(b, c);
        from = i + 1;
    }
    buf_put(b, s.p + from, s.n - from);
    buf_putc(b, '"');
}

/* Bytes of a control character at p that a terminal might act on: C0, DEL, and C1 (U+0080 to U+009F); 0 if it is none.
 */
static size_t control_bytes(const unsigned char *p, size_t len)
{
    if (len == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    return len == 2 && p[0] == 0xc2 && p[1] < 0xa0 ? 2 : 0;
}

void buf_put_json_text(struct buf *b, struct span s)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < s.n;) {
        size_t run = run_ascii(s.p + i, s.n - i);
        buf_put(b, s.p + i, run);
        if ((i += run) == s.n)
            break;
        const unsigned char *p = (const unsigned char *)s.p + i;
        size_t len = utf8_sequence(span_skip(s, i));
        if (len == 0) {
            buf_puts(b, "\xef\xbf\xbd");
            i++;
            continue;
        }
        if (control_bytes(p, len) || *p == '"' || *p == '\\')
            put_escaped(b, p[len - 1]); /* the second byte of a C1 character is its number */
        else
            buf_put(b, p, len);
        i += len;
    }
    buf_putc(b, '"');
}

void buf_put_json_text_or_null(struct buf *b, struct span s)
{
    if (s.p)
        buf_put_json_text(b, s);
    else
        buf_puts(b, "null");
}
