/* SPDX-License-Identifier: MIT
 * filter_url: URLs and forms in the forms that some senders sign.
 */
#include "recipe/filter_parts.h"

#include "recipe/form.h"
#include "recipe/url.h"

enum err filter_without_query(const struct filter_call *c, struct span *out)
{
    const char *mark = c->in.n ? memchr(c->in.p, '?', c->in.n) : NULL;
    *out = mark ? span_of(c->in.p, (size_t)(mark - c->in.p)) : c->in;
    return ERR_OK;
}

/* The URL up to the end of its host, then the port, then what follows the old port. */
static enum err put_port(const struct filter_call *c, const struct url *u, const char *port, struct span *out)
{
    struct buf b = arena_open(c->a);
    size_t host_end = (size_t)(u->host.p + u->host.n - c->in.p);
    buf_put(&b, c->in.p, host_end);
    buf_puts(&b, port);
    buf_put_span(&b, span_skip(c->in, host_end + (u->port.p ? u->port.n + 1 : 0)));
    return filter_done(c, &b, out);
}

enum err filter_with_port(const struct filter_call *c, struct span *out)
{
    struct url u;
    if (!url_split(c->in, &u))
        return ERR_INVALID;
    bool https = span_eq_nocase(u.scheme, SPAN_LIT("https"));
    if (!https && !span_eq_nocase(u.scheme, SPAN_LIT("http")))
        return ERR_INVALID;
    if (u.port.n == 0)
        return put_port(c, &u, https ? ":443" : ":80", out);
    *out = c->in;
    return ERR_OK;
}

enum err filter_without_port(const struct filter_call *c, struct span *out)
{
    struct url u;
    if (!url_split(c->in, &u))
        return ERR_INVALID;
    if (u.port.p)
        return put_port(c, &u, "", out);
    *out = c->in;
    return ERR_OK;
}

static bool same(const struct form_pair *a, const struct form_pair *b)
{
    return span_eq(a->name, b->name) && span_eq(a->value, b->value);
}

/* What Twilio signs behind the URL (and Mandrill, which sends one pair): pairs decoded and sorted, an identical one only
 * once, names and values with nothing between them; empty values count. */
enum err filter_form_sorted(const struct filter_call *c, struct span *out)
{
    const struct form_pair *pairs;
    size_t n;
    enum err e = form_sorted(c->in, c->a, &pairs, &n);
    if (e != ERR_OK)
        return e;
    struct buf b = arena_open(c->a);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && same(&pairs[i - 1], &pairs[i]))
            continue;
        buf_put_span(&b, pairs[i].name);
        buf_put_span(&b, pairs[i].value);
    }
    return filter_done(c, &b, out);
}

/* Scheme, host, port and path as they came, then the pairs of the query decoded and sorted as "?name=value&…". */
enum err filter_plivo_v3_url(const struct filter_call *c, struct span *out)
{
    struct url u;
    const struct form_pair *pairs;
    size_t n;
    if (!url_split(c->in, &u))
        return ERR_INVALID;
    enum err e = form_sorted(u.query, c->a, &pairs, &n);
    if (e != ERR_OK)
        return e;
    struct buf b = arena_open(c->a);
    buf_put(&b, c->in.p, (size_t)(u.path.p + u.path.n - c->in.p));
    for (size_t i = 0; i < n; i++) {
        buf_putc(&b, i == 0 ? '?' : '&');
        buf_put_span(&b, pairs[i].name);
        buf_putc(&b, '=');
        buf_put_span(&b, pairs[i].value);
    }
    return filter_done(c, &b, out);
}

/* The pairs of a form decoded and sorted, repeated ones too, with nothing between them; unless there is none, the
 * argument stands before them: "." behind a URL that has a query, "?" behind one that has none. */
enum err filter_plivo_v3_form(const struct filter_call *c, struct span *out)
{
    const struct form_pair *pairs;
    size_t n;
    enum err e = form_sorted(c->in, c->a, &pairs, &n);
    if (e != ERR_OK)
        return e;
    struct buf b = arena_open(c->a);
    for (size_t i = 0; i < n; i++) {
        if (i == 0)
            buf_put_span(&b, c->argument);
        buf_put_span(&b, pairs[i].name);
        buf_put_span(&b, pairs[i].value);
    }
    return filter_done(c, &b, out);
}
