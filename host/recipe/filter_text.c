/* SPDX-License-Identifier: MIT
 * filter_text: one text made into another.
 */
#include "recipe/filter_parts.h"

#include "base/codec.h"
#include "recipe/form.h"

enum err filter_lower(const struct filter_call *c, struct span *out)
{
    struct buf b = arena_open(c->a);
    for (size_t i = 0; i < c->in.n; i++) {
        char ch = c->in.p[i];
        buf_putc(&b, ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch);
    }
    return filter_done(c, &b, out);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum err filter_trim(const struct filter_call *c, struct span *out)
{
    struct span s = c->in;
    while (s.n > 0 && is_space(s.p[0]))
        s = span_skip(s, 1);
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    *out = s;
    return ERR_OK;
}

enum err filter_json(const struct filter_call *c, struct span *out)
{
    struct buf b = arena_open(c->a);
    buf_put_json_text(&b, c->in);
    return filter_done(c, &b, out);
}

enum err filter_json_text(const struct filter_call *c, struct span *out)
{
    struct span quoted;
    enum err e = filter_json(c, &quoted);
    if (e == ERR_OK)
        *out = span_of(quoted.p + 1, quoted.n - 2);
    return e;
}

/* An event type's characters are A-Z a-z 0-9 . _ : / -; every other byte becomes '-'. */
enum err filter_as_type(const struct filter_call *c, struct span *out)
{
    struct buf b = arena_open(c->a);
    for (size_t i = 0; i < c->in.n; i++) {
        char ch = c->in.p[i];
        bool fine = (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= ':') ||
                    (ch != 0 && strchr("._/-", ch));
        buf_putc(&b, fine ? ch : '-');
    }
    return filter_done(c, &b, out);
}

/* Is this byte among the escapes of the argument? All are without one. */
static bool wanted(struct span argument, int byte)
{
    for (struct span s = argument; s.n >= 2; s = span_skip(s, 3)) {
        const char text[] = {'%', s.p[0], s.p[1]};
        if (form_escape(span_of(text, sizeof text), 0) == byte)
            return true;
    }
    return !argument.p;
}

enum err filter_percent_decode(const struct filter_call *c, struct span *out)
{
    struct buf b = arena_open(c->a);
    for (size_t i = 0; i < c->in.n && !b.failed; i++) {
        int byte = form_escape(c->in, i);
        bool decode = byte >= 0 && wanted(c->argument, byte);
        buf_putc(&b, decode ? (char)byte : c->in.p[i]);
        i += decode ? 2 : 0;
    }
    return filter_done(c, &b, out);
}

/* The user-id of RFC 7617: of a whole header value, or of text that is decoded already. */
enum err filter_basic_user(const struct filter_call *c, struct span *out)
{
    const struct span scheme = SPAN_LIT("Basic ");
    struct span s = c->in;
    if (s.n > scheme.n && span_eq_nocase(span_of(s.p, scheme.n), scheme)) {
        size_t n;
        s = span_skip(s, scheme.n);
        char *text = arena_alloc(c->a, s.n);
        if (!text)
            return ERR_NO_ROOM;
        if (base64_decode_public(s, text, s.n, &n) != ERR_OK)
            return ERR_INVALID;
        s = span_of(text, n);
    }
    const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
    if (!colon)
        return ERR_INVALID;
    *out = span_of(s.p, (size_t)(colon - s.p));
    return ERR_OK;
}

static uint32_t code_point(const char *p, size_t n)
{
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = (unsigned char)p[0] & first_bits[n];
    for (size_t i = 1; i < n; i++)
        point = point << 6 | ((unsigned char)p[i] & 0x3f);
    return point;
}

static void put_escape(struct buf *b, uint32_t point)
{
    if (point > 0xffff) {
        buf_printf(b, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
    } else if (point == '\n' || point == '\r' || point == '\t') {
        buf_putc(b, '\\');
        buf_putc(b, point == '\n' ? 'n' : point == '\r' ? 'r' : 't');
    } else {
        buf_printf(b, "\\u%04x", point);
    }
}

/* As Box's SDKs do: a backslash that does not stand before '/' is doubled, then everything but printable ASCII becomes
 * \n, \r, \t or \uXXXX. */
enum err filter_box_escaped(const struct filter_call *c, struct span *out)
{
    struct buf b = arena_open(c->a);
    for (struct span s = c->in; s.n > 0 && !b.failed;) {
        size_t n = utf8_sequence(s);
        if (n == 0)
            return ERR_INVALID;
        uint32_t point = code_point(s.p, n);
        if (point < 0x20 || point > 0x7e)
            put_escape(&b, point);
        else
            buf_putc(&b, s.p[0]);
        if (point == '\\' && (s.n == 1 || s.p[1] != '/'))
            buf_putc(&b, '\\');
        s = span_skip(s, n);
    }
    return filter_done(c, &b, out);
}
