/* SPDX-License-Identifier: MIT
 * url: a token in the URL, and hiding it again. Keeps nothing.
 */
#include <stdlib.h>

#include "auth/auth_parts.h"
#include "recipe/form.h"

static const struct span hidden = {"\xe2\x80\xa6", 3}; /* … */

static const struct config_auth *method_of(const struct auth *a)
{
    for (size_t i = 0; a && i < a->n; i++)
        if (a->methods[i].config->kind == AUTH_URL_TOKEN)
            return a->methods[i].config;
    return NULL;
}

/* The name behind "query:", or NULL. */
static const char *query_name(const struct config_auth *c)
{
    return strncmp(c->from, "query:", 6) == 0 ? c->from + 6 : NULL;
}

/* The segment that "path:N" means; SPAN_NONE: there are fewer. */
static struct span segment(const struct config_auth *c, struct span rest)
{
    for (int i = atoi(c->from + 5); rest.p; i--) {
        const char *slash = memchr(rest.p, '/', rest.n);
        struct span one = span_of(rest.p, slash ? (size_t)(slash - rest.p) : rest.n);
        if (i == 1)
            return one;
        rest = slash ? span_skip(rest, one.n + 1) : SPAN_NONE;
    }
    return SPAN_NONE;
}

/* The one pair of the name. */
static enum err from_query(struct trial *t, const char *name, struct span *out)
{
    struct span key, value, found = SPAN_NONE;
    for (struct form_iter it = form_iter(t->q->query); form_next(&it, &key, &value);) {
        struct span decoded;
        if (form_decode(key, t->scratch, &decoded) != ERR_OK)
            return ERR_BODY_TOO_LARGE;
        if (!span_eq_str(decoded, name))
            continue;
        if (found.p)
            return auth_wrong(t, "the URL holds it twice");
        found = value;
    }
    if (!found.p)
        return auth_missing(t, "the URL does not hold it");
    return form_decode(found, t->scratch, out) == ERR_OK ? ERR_OK : ERR_BODY_TOO_LARGE;
}

enum err auth_url(struct trial *t, const char **id)
{
    const char *name = query_name(t->m->config);
    struct span token = SPAN_NONE;
    enum err e = ERR_OK;
    if (name)
        e = from_query(t, name, &token);
    else
        token = segment(t->m->config, t->q->path_rest);
    if (e != ERR_OK)
        return e;
    if (token.n == 0)
        return auth_missing(t, "the URL does not hold it");
    if (token.n > AUTH_CREDENTIAL_MAX)
        return auth_wrong(t, "the credential is too long");
    const struct key *k = auth_same(t->m->keys, token, t->q->now_ms);
    if (!k)
        return auth_wrong(t, "no key of this source is this credential");
    *id = k->id;
    return ERR_OK;
}

bool auth_asks_path(const struct auth *a)
{
    const struct config_auth *c = method_of(a);
    return c && !query_name(c);
}

struct span auth_hide_path(const struct auth *a, struct span path, struct span rest, struct arena *scratch)
{
    if (!auth_asks_path(a) || rest.n == 0)
        return path;
    struct buf b = arena_open(scratch);
    buf_put(&b, path.p, (size_t)(rest.p - path.p));
    buf_put_span(&b, hidden);
    struct span out = arena_close(scratch, &b);
    return out.p ? out : hidden;
}
