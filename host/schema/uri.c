/* SPDX-License-Identifier: MIT
 * uri: owns nothing.
 */
#include "schema/uri.h"

struct parts {
    struct span scheme, authority, path, query, fragment; /* SPAN_NONE: not there */
};

/* s up to the first of the stop characters; *rest begins with it. */
static struct span up_to(struct span s, const char *stops, struct span *rest)
{
    size_t n = 0;
    while (n < s.n && !(s.p[n] && strchr(stops, s.p[n])))
        n++;
    *rest = span_skip(s, n);
    return span_of(s.p, n);
}

static struct parts split(struct span s)
{
    struct parts u = {0};
    struct span rest, scheme = up_to(s, ":/?#", &rest);
    if (rest.n && rest.p[0] == ':' && scheme.n) {
        u.scheme = scheme;
        s = span_skip(rest, 1);
    }
    if (s.n >= 2 && s.p[0] == '/' && s.p[1] == '/')
        u.authority = up_to(span_skip(s, 2), "/?#", &s);
    u.path = up_to(s, "?#", &s);
    if (s.n && s.p[0] == '?')
        u.query = up_to(span_skip(s, 1), "#", &s);
    if (s.n && s.p[0] == '#')
        u.fragment = span_skip(s, 1);
    return u;
}

/* Put a path without its "." and ".." (section 5.2.4); of two pieces, for a path that is merged. */
static void put_path(struct buf *out, struct span folder, struct span rest)
{
    const size_t from = out->n;
    buf_put_span(out, folder);
    for (;;) {
        struct span behind, segment = up_to(rest, "/", &behind);
        bool last = behind.n == 0, up = span_eq_str(segment, "..");
        if (up || span_eq_str(segment, ".")) {
            if (up && out->n > from + 1) {
                out->n--; /* the slash */
                while (out->n > from && out->p[out->n - 1] != '/')
                    out->n--;
            }
        } else {
            buf_put_span(out, segment);
            if (!last)
                buf_putc(out, '/');
        }
        if (last || out->failed)
            return;
        rest = span_skip(behind, 1);
    }
}

/* The base's path up to its last slash (section 5.2.3). */
static struct span folder_of(const struct parts *base)
{
    size_t n = base->path.n;
    if (n == 0 && base->authority.p)
        return SPAN_LIT("/");
    while (n && base->path.p[n - 1] != '/')
        n--;
    return span_of(base->path.p, n);
}

static void put_part(struct buf *out, const char *before, struct span part, const char *behind)
{
    if (!part.p)
        return;
    buf_puts(out, before);
    buf_put_span(out, part);
    buf_puts(out, behind);
}

void uri_resolve(struct span base_text, struct span reference, struct buf *out)
{
    const struct parts base = split(base_text), r = split(reference);
    const bool own_place = r.scheme.p || r.authority.p, same = !own_place && r.path.n == 0;
    put_part(out, "", r.scheme.p ? r.scheme : base.scheme, ":");
    put_part(out, "//", own_place ? r.authority : base.authority, "");
    if (same)
        buf_put_span(out, base.path);
    else if (own_place && (!r.path.n || r.path.p[0] != '/'))
        buf_put_span(out, r.path);
    else if (r.path.p[0] == '/')
        put_path(out, SPAN_LIT("/"), span_skip(r.path, 1));
    else
        put_path(out, folder_of(&base), r.path);
    put_part(out, "?", same && !r.query.p ? base.query : r.query, "");
    put_part(out, "#", r.fragment, "");
}

struct span uri_without_fragment(struct span uri, struct span *fragment)
{
    struct span rest, head = up_to(uri, "#", &rest);
    *fragment = rest.n ? span_skip(rest, 1) : SPAN_NONE;
    return head;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void uri_decode(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        int high = text.p[i] == '%' && text.n - i > 2 ? hex_digit(text.p[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_digit(text.p[i + 2]);
        buf_putc(out, low < 0 ? text.p[i] : (char)(high << 4 | low));
        i += low < 0 ? 0 : 2;
    }
}
