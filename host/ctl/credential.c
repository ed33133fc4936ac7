/* SPDX-License-Identifier: MIT
 * credential: reads the keys of one source's auth as creeld does, and puts a token into a URL.
 */
#include "ctl/credential.h"

#include <stdio.h>
#include <unistd.h>

#include "recipe/form.h"

static enum err load(const struct config *c, const struct config_source *source, struct auth **out, struct why *w)
{
    struct config_source only = *source;
    struct config one = *c;
    struct secrets *secrets;
    int fd;
    only.n_keys = 0; /* what signs is signing_key.h's */
    one.sources = &only;
    one.n_sources = 1;
    enum err e = secrets_gather(&one, -1, &fd, w);
    if (e != ERR_OK)
        return e;
    e = secrets_read(fd, &secrets, w);
    close(fd);
    if (e != ERR_OK)
        return e;
    e = auth_new(source, secrets, out, w);
    secrets_free(secrets);
    return e;
}

struct auth *credential_load(const struct config *c, const struct config_source *source)
{
    struct auth *a = NULL;
    struct why w;
    if (config_has_auth(source) && load(c, source, &a, &w) != ERR_OK)
        fprintf(stderr, "creel send: warning: without what auth of source %s asks for: %s\n", source->name, w.text);
    return a;
}

/* ---- the URL ---- */

/* What stands behind the source's own path, without the slash; SPAN_NONE: the URL's path is another one. */
static struct span behind(const struct config_source *source, struct span base)
{
    struct span path = span_str(source->path), rest;
    const char *authority = memmem(base.p, base.n, "://", 3);
    rest = authority ? span_skip(base, (size_t)(authority - base.p) + 3) : base;
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    rest = slash ? span_skip(rest, (size_t)(slash - rest.p)) : SPAN_NONE;
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    if (!rest.p || !span_starts(rest, path) || (rest.n > path.n && rest.p[path.n] != '/'))
        return SPAN_NONE;
    return span_skip(rest, rest.n > path.n ? path.n + 1 : path.n);
}

static int segments(struct span rest)
{
    int n = rest.n > 0;
    for (size_t i = 0; i + 1 < rest.n; i++)
        n += rest.p[i] == '/';
    return n;
}

/* RFC 3986 section 2.3. */
static void put_escaped(struct buf *b, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._~", c, 4);
        if (plain)
            buf_putc(b, c);
        else
            buf_printf(b, "%%%02X", (unsigned char)c);
    }
}

static bool in_path(const struct auth_offer *o, const struct config_source *source, struct span base, struct buf *b)
{
    struct span rest = behind(source, base);
    int there = segments(rest);
    buf_put_span(b, base);
    if (!rest.p || there < o->segment - 1)
        return false;
    if (there >= o->segment)
        return true;
    if (base.p[base.n - 1] != '/')
        buf_putc(b, '/');
    put_escaped(b, o->url_token);
    return true;
}

static bool has_pair(struct span query, struct span name)
{
    struct span key, value;
    for (struct form_iter it = form_iter(query); form_next(&it, &key, &value);)
        if (span_eq(key, name))
            return true;
    return false;
}

bool credential_url(const struct auth_offer *o, const struct config_source *source, struct span base, struct span query,
                    struct buf *b)
{
    bool good = true, in_query = o->url_token.p && o->query_name.p && !has_pair(query, o->query_name);
    if (o->url_token.p && !o->query_name.p)
        good = in_path(o, source, base, b);
    else
        buf_put_span(b, base);
    if (query.n || in_query)
        buf_putc(b, '?');
    if (in_query)
        form_set(query, o->query_name, o->url_token, b);
    else
        buf_put_span(b, query);
    return good;
}

/* ---- what is lacking ---- */

static bool by_hand(const struct config_auth *m, const struct recipe_header *given, size_t n_given)
{
    for (size_t i = 0; m->header && i < n_given; i++)
        if (span_eq_nocase(given[i].name, span_str(m->header)))
            return true;
    return false;
}

void credential_warn(const struct auth_offer *o, const struct config_source *source, const struct recipe_header *given,
                     size_t n_given)
{
    for (enum config_auth_kind i = 0; i < AUTH_KINDS; i++)
        if (o->lacks[i] && !by_hand(&source->auth[i], given, n_given))
            fprintf(stderr, "creel send: warning: without the %s that source %s asks for: %s\n", config_auth_name(i),
                    source->name, o->lacks[i]);
}
