/* SPDX-License-Identifier: MIT
 * format_uri: URIs and references (RFC 3986 appendix A), IRIs (RFC 3987 section 2.2), templates (RFC 6570 section 2).
 */
#include <stdint.h>

#include "base/codec.h"
#include "schema/format_parts.h"

static uint32_t code_point(struct span s, size_t n)
{
    uint32_t c = n < 2 ? (unsigned char)*s.p : (unsigned char)*s.p & (0x7fU >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
    return c;
}

static bool is_private(uint32_t c)
{
    return (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xf0000 && (c & 0xffff) <= 0xfffd);
}

static bool is_ucschar(uint32_t c)
{
    if (c >= 0x10000)
        return c < 0xf0000 && (c & 0xffff) <= 0xfffd && (c < 0xe0000 || c >= 0xe1000);
    return (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) || (c >= 0xfdf0 && c <= 0xffef);
}

/* Which characters beyond ASCII are there. */
enum beyond { NOTHING, UCSCHAR, UCSCHAR_OR_PRIVATE };

static bool take_percent(struct span *s)
{
    bool there = s->n >= 3 && s->p[0] == '%' && is_hex(s->p[1]) && is_hex(s->p[2]);
    *s = span_skip(*s, there ? 3 : 0);
    return there;
}

static bool take_beyond(struct span *s, enum beyond beyond)
{
    size_t n = s->n && beyond != NOTHING ? utf8_sequence(*s) : 0;
    if (n < 2)
        return false;
    uint32_t c = code_point(*s, n);
    if (!is_ucschar(c) && !(beyond == UCSCHAR_OR_PRIVATE && is_private(c)))
        return false;
    *s = span_skip(*s, n);
    return true;
}

/* Only unreserved characters, sub-delims, %XX, those in `more`, and those beyond ASCII? */
static bool is_made_of(struct span s, const char *more, enum beyond beyond)
{
    while (s.n > 0) {
        char c = *s.p;
        if (is_letter(c) || is_digit(c) || (c && (strchr("-._~!$&'()*+,;=", c) || strchr(more, c))))
            s = span_skip(s, 1);
        else if (!take_percent(&s) && !take_beyond(&s, beyond))
            return false;
    }
    return true;
}

/* What is in front of the first of these; *s goes on there. */
static struct span take_until(struct span *s, const char *stops)
{
    size_t n = 0;
    while (n < s->n && !(s->p[n] && strchr(stops, s->p[n])))
        n++;
    struct span front = span_of(s->p, n);
    *s = span_skip(*s, n);
    return front;
}

/* v1.address, without the brackets. */
static bool is_future_address(struct span s)
{
    size_t n = 1;
    if (s.n == 0 || (*s.p != 'v' && *s.p != 'V'))
        return false;
    while (n < s.n && is_hex(s.p[n]))
        n++;
    struct span rest = span_skip(s, n + 1);
    return n > 1 && n < s.n && s.p[n] == '.' && rest.n > 0 && !memchr(rest.p, '%', rest.n) &&
           is_made_of(rest, ":", NOTHING);
}

static bool is_authority(struct span s, enum beyond beyond)
{
    const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    if (at) {
        size_t n = (size_t)(at - s.p);
        if (!is_made_of(span_of(s.p, n), ":", beyond))
            return false;
        s = span_skip(s, n + 1);
    }
    if (take_char(&s, '[')) {
        struct span address = take_until(&s, "]");
        if (!take_char(&s, ']') || (!format_is_ipv6(address) && !is_future_address(address)))
            return false;
    } else if (!is_made_of(take_until(&s, ":"), "", beyond))
        return false;
    return s.n == 0 || (take_char(&s, ':') && count_digits(s) == s.n);
}

/* The scheme with its colon; without one nothing is taken. */
static bool take_scheme(struct span *s)
{
    size_t n = 0;
    while (n < s->n && (is_letter(s->p[n]) || (n > 0 && (is_digit(s->p[n]) || (s->p[n] && strchr("+-.", s->p[n]))))))
        n++;
    bool there = n > 0 && n < s->n && s->p[n] == ':';
    *s = span_skip(*s, there ? n + 1 : 0);
    return there;
}

static bool is_hier_part(struct span s, bool relative, enum beyond beyond)
{
    if (span_starts(s, SPAN_LIT("//"))) {
        s = span_skip(s, 2);
        if (!is_authority(take_until(&s, "/"), beyond))
            return false;
    } else if (relative) {
        struct span rest = s, first = take_until(&rest, "/");
        if (first.n && memchr(first.p, ':', first.n))
            return false;
    }
    return is_made_of(s, ":@/", beyond);
}

static bool is_reference(struct span text, bool may_be_relative, enum beyond beyond)
{
    bool absolute = take_scheme(&text);
    if (!absolute && !may_be_relative)
        return false;
    if (!is_hier_part(take_until(&text, "?#"), !absolute, beyond))
        return false;
    if (take_char(&text, '?') &&
        !is_made_of(take_until(&text, "#"), ":@/?", beyond == NOTHING ? NOTHING : UCSCHAR_OR_PRIVATE))
        return false;
    return text.n == 0 || (take_char(&text, '#') && is_made_of(text, ":@/?", beyond));
}

bool format_is_uri(struct span text)
{
    return is_reference(text, false, NOTHING);
}

bool format_is_uri_reference(struct span text)
{
    return is_reference(text, true, NOTHING);
}

bool format_is_iri(struct span text)
{
    return is_reference(text, false, UCSCHAR);
}

bool format_is_iri_reference(struct span text)
{
    return is_reference(text, true, UCSCHAR);
}

static bool take_varname(struct span *s)
{
    do {
        size_t before = s->n;
        while (s->n > 0 && (is_letter(*s->p) || is_digit(*s->p) || *s->p == '_' || *s->p == '%'))
            if (*s->p != '%')
                *s = span_skip(*s, 1);
            else if (!take_percent(s))
                return false;
        if (s->n == before)
            return false;
    } while (take_char(s, '.'));
    return true;
}

static bool take_varspec(struct span *s)
{
    enum { PREFIX_DIGITS = 4 };
    if (!take_varname(s))
        return false;
    if (take_char(s, '*') || !take_char(s, ':'))
        return true;
    size_t n = count_digits(*s);
    bool good = n > 0 && n <= PREFIX_DIGITS && *s->p != '0';
    *s = span_skip(*s, n);
    return good;
}

/* What stands between braces. */
static bool is_expression(struct span s)
{
    if (s.n > 0 && *s.p && strchr("+#./;?&=,!@|", *s.p))
        s = span_skip(s, 1);
    do
        if (!take_varspec(&s))
            return false;
    while (take_char(&s, ','));
    return s.n == 0;
}

static bool take_literal(struct span *s)
{
    unsigned char c = (unsigned char)*s->p;
    if (c == '%')
        return take_percent(s);
    if (c >= 0x80)
        return take_beyond(s, UCSCHAR_OR_PRIVATE);
    *s = span_skip(*s, 1);
    return c > ' ' && c != 0x7f && !strchr("\"<>\\^`{|}", c);
}

bool format_is_uri_template(struct span text)
{
    while (text.n > 0) {
        if (!take_char(&text, '{')) {
            if (!take_literal(&text))
                return false;
            continue;
        }
        if (!is_expression(take_until(&text, "}")) || !take_char(&text, '}'))
            return false;
    }
    return true;
}
