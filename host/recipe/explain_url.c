/* SPDX-License-Identifier: MIT
 * explain_url: addresses as the sender may have them, for recipes that sign the address.
 */
#include <stdio.h>

#include "recipe/explain_parts.h"
#include "recipe/url.h"

enum { URL_BYTES_MAX = 8192 };

/* How an address differs from the configured one. */
struct address {
    bool other_scheme, slash, no_query;
    enum { PORT_KEPT, PORT_ADDED, PORT_CUT, PORTS } port;
};

static bool is_secure(struct span scheme)
{
    return span_eq_nocase(scheme, SPAN_LIT("https"));
}

static void put_address(const struct url *u, const struct address *a, struct buf *b)
{
    bool secure = is_secure(u->scheme) != a->other_scheme, ends = u->path.n > 0 && u->path.p[u->path.n - 1] == '/';
    if (a->other_scheme)
        buf_puts(b, secure ? "https" : "http");
    else
        buf_put_span(b, u->scheme);
    buf_puts(b, "://");
    buf_put_span(b, u->host);
    if (a->port == PORT_ADDED)
        buf_puts(b, secure ? ":443" : ":80");
    if (a->port == PORT_KEPT && u->port.p) {
        buf_putc(b, ':');
        buf_put_span(b, u->port);
    }
    buf_put_span(b, a->slash && ends ? span_of(u->path.p, u->path.n - 1) : u->path);
    if (a->slash && !ends)
        buf_putc(b, '/');
    if (u->query.p && !a->no_query) {
        buf_putc(b, '?');
        buf_put_span(b, u->query);
    }
}

static void found_address(struct explaining *g, const struct url *u, const struct address *a)
{
    bool ends = u->path.n > 0 && u->path.p[u->path.n - 1] == '/';
    explain_found(
        g, "url", "The sender signed another address than public_url: the signature is good%s%s%s%s (key %s).",
        a->other_scheme ? (is_secure(u->scheme) ? ", with http" : ", with https") : "",
        a->port == PORT_ADDED ? ", with the port"
        : a->port == PORT_CUT ? ", without the port"
                              : "",
        a->slash ? (ends ? ", without the slash at the end of the path" : ", with a slash at the end of the path") : "",
        a->no_query ? ", without the query" : "", g->matched);
}

static bool try_address(struct explaining *g, const struct url *u, const struct address *a, struct buf *b)
{
    struct recipe_request q = *g->in->request;
    buf_clear(b);
    put_address(u, a, b);
    if (b->failed)
        return false;
    q.url = buf_span(b);
    if (a->no_query)
        q.query = span_of("", 0);
    if (!explain_good(g, g->lenient, g->open, &q))
        return false;
    found_address(g, u, a);
    return true;
}

void explain_try_url(struct explaining *g)
{
    struct url u;
    struct buf b;
    if (!g->open || !recipe_needs_url(g->in->recipe) || !g->in->request->url.p || !url_split(g->in->request->url, &u))
        return;
    buf_init(&b, URL_BYTES_MAX);
    bool found = false;
    for (unsigned i = 1; i < 8 * PORTS && !found; i++) {
        const struct address a = {i & 1, i >> 1 & 1, i >> 2 & 1, (int)(i >> 3)};
        found = try_address(g, &u, &a, &b);
    }
    buf_fini(&b);
}
