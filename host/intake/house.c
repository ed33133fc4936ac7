/* SPDX-License-Identifier: MIT
 * house: building and taking down. Runs on the role's main thread; looking things up runs on any.
 */
#include "intake/house.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "intake/contracts.h"
#include "intake/stored.h"
#include "intake/versions.h"

static void source_fini(struct house_source *s)
{
    facts_free(s->type);
    facts_free(s->event_id);
    facts_free(s->order_key);
    facts_free(s->version);
    facts_free(s->time);
    versions_free(s->versions);
    dedupe_by_free(s->dedupe_by);
    dedupe_by_free(s->dedupe_cloud);
    stored_free(s->stored);
    keyring_free(s->keys);
    keycache_free(s->fetched);
    recipe_free(s->recipe);
    auth_free(s->auth);
    free(s->methods);
    cidr_list_fini(&s->allow);
    limits_unload(s);
}

/* All but its configuration. */
static void house_drop(struct house *h)
{
    for (size_t i = 0; h->sources && i < h->config->n_sources; i++)
        source_fini(&h->sources[i]);
    free(h->sources);
    free(h->peers);
    cidr_list_fini(&h->proxies);
    limits_unload_failed(h);
    contracts_free(h->contracts);
    free(h);
}

static void house_free(struct house *h)
{
    struct config *config = h->config;
    house_drop(h);
    config_free(config);
}

bool house_is_credential(const struct house_source *s, struct span header)
{
    return recipe_is_credential(s->recipe, header) || auth_is_credential(s->auth, header);
}

bool house_takes_anybody(const struct house_source *s)
{
    return recipe_is_none(s->recipe) && !s->auth;
}

static const char *variant_of(const struct config_source *c)
{
    for (size_t i = 0; i < c->n_params; i++)
        if (strcmp(c->params[i].name, "variant") == 0)
            return c->params[i].value;
    return NULL;
}

static enum err load_keys(struct house_source *s, const struct secrets *secrets, struct why *w)
{
    const struct config_source *c = s->config;
    struct keyring_key *keys;
    struct why inner;
    enum err e = keyring_keys_of(c->keys, c->n_keys, c->name, secrets, &keys, &inner);
    if (e != ERR_OK)
        return why_set(w, e, "source %s: %.400s", c->name, inner.text);
    e = keyring_new(s->recipe, keys, c->n_keys, &s->keys, w);
    free(keys);
    return e;
}

/* Where an attribute of CloudEvents says it: in whatever mode they come, attributes are found as headers. */
static const char *of_cloud(const struct house_source *s, const char *what)
{
    static const char *const known[][2] = {{"type", "header:ce-type"},
                                           {"event_id", "join:{header:ce-source}#{header:ce-id}"},
                                           {"order_key", "header:ce-partitionkey"},
                                           {"time", "header:ce-time"}};
    for (size_t i = 0; s->takes_cloud && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i][0], what) == 0)
            return known[i][1];
    return NULL;
}

/* The source's own references; else those of its envelope, and of the recipe where not all events have one. */
static enum err load_facts(struct house_source *s, const char *what, const char *const *own, size_t n_own,
                           struct facts **out, struct why *w)
{
    enum { DEFAULTS_MAX = 64 };
    const char *texts[DEFAULTS_MAX + 1];
    struct why inner;
    size_t n = 0, n_defaults = 0;
    const char *const *defaults = recipe_default(s->recipe, what, &n_defaults), *cloud = of_cloud(s, what);
    if (cloud)
        texts[n++] = cloud;
    for (size_t i = 0; (!s->takes_cloud || s->detects) && i < n_defaults && i < DEFAULTS_MAX; i++)
        texts[n++] = defaults[i];
    enum err e = facts_new(n_own ? own : texts, n_own ? n_own : n, out, &inner);
    if (e != ERR_OK)
        return why_set(w, e, "source %s: %s: %.300s", s->config->name, what, inner.text);
    s->asks_json = s->asks_json || facts_ask_json(*out);
    s->asks_path = s->asks_path || facts_ask_path(*out);
    return ERR_OK;
}

/* CloudEvents are the same when source and id are (section 3.1), and no pair of them can look like another. */
static enum err load_dedupe_cloud(struct house_source *s, struct why *w)
{
    static const char *const both[] = {"header:ce-source", "header:ce-id"};
    bool needed = s->takes_cloud && s->config->n_event_id == 0;
    return needed ? dedupe_by_new(both, 2, &s->dedupe_cloud, w) : ERR_OK;
}

static enum err load_dedupe_by(struct house_source *s, struct why *w)
{
    const struct config_source *c = s->config;
    struct why inner;
    if (c->n_dedupe_by == 0)
        return load_dedupe_cloud(s, w);
    enum err e = dedupe_by_new(c->dedupe_by, c->n_dedupe_by, &s->dedupe_by, &inner);
    if (e != ERR_OK)
        return why_set(w, e, "source %s: dedupe: by: %.300s", c->name, inner.text);
    s->asks_json = s->asks_json || dedupe_by_asks_json(s->dedupe_by);
    s->asks_path = s->asks_path || dedupe_by_asks_path(s->dedupe_by);
    return ERR_OK;
}

static enum err load_all_facts(struct house_source *s, struct why *w)
{
    const struct config_source *c = s->config;
    s->detects = strcmp(c->envelope, "detect") == 0;
    s->takes_cloud = s->detects || strcmp(c->envelope, "cloudevents") == 0;
    const struct {
        const char *what;
        const char **own;
        size_t n;
        struct facts **out;
    } lists[] = {
        {"type", c->type, c->n_type, &s->type},
        {"event_id", c->event_id, c->n_event_id, &s->event_id},
        {"order_key", c->order_key, c->n_order_key, &s->order_key},
        {"version", c->version, c->n_version, &s->version},
        {"time", c->time, c->n_time, &s->time},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        enum err e = load_facts(s, lists[i].what, lists[i].own, lists[i].n, lists[i].out, w);
        if (e != ERR_OK)
            return e;
    }
    return load_dedupe_by(s, w);
}

bool house_takes_method(const struct house_source *s, struct span method)
{
    const struct config_source *c = s->config;
    for (size_t i = 0; i < c->n_methods; i++)
        if (span_eq_str(method, c->methods[i]))
            return true;
    return c->n_methods == 0 && span_eq_str(method, "POST");
}

/* NULL: out of memory. */
static char *methods_text(const struct house_source *s)
{
    const struct config_source *c = s->config;
    const char *method;
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < c->n_methods; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", c->methods[i]);
    if (c->n_methods == 0)
        buf_puts(&b, "POST");
    for (size_t i = 0; (method = recipe_handshake_method(s->recipe, i)); i++) {
        bool seen = house_takes_method(s, span_str(method));
        for (size_t k = 0; k < i && !seen; k++)
            seen = strcmp(recipe_handshake_method(s->recipe, k), method) == 0;
        if (!seen)
            buf_printf(&b, ", %s", method);
    }
    const struct span options = SPAN_LIT("OPTIONS");
    if (c->n_webhook_origins > 0 && !house_takes_method(s, options) && !recipe_shakes(s->recipe, options))
        buf_puts(&b, ", OPTIONS");
    buf_putc(&b, 0);
    if (!b.failed)
        return b.p; /* from malloc, and the caller's now */
    buf_fini(&b);
    return NULL;
}

static enum err source_init(struct house_source *s, const struct config *config, const struct secrets *secrets,
                            struct dedupe *d, struct why *w)
{
    const struct config_source *c = s->config;
    enum err e = recipe_load(config, c->recipe, variant_of(c), &s->recipe, w);
    if (e == ERR_OK)
        e = load_keys(s, secrets, w);
    if (e == ERR_OK)
        e = auth_new(c, secrets, &s->auth, w);
    if (e == ERR_OK && c->n_keys == 0 && *c->keys_folder && recipe_stores_secret(s->recipe))
        e = stored_new(&s->stored) == ERR_OK ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory for source %s", c->name);
    if (e == ERR_OK)
        e = load_all_facts(s, w);
    if (e != ERR_OK)
        return e;
    e = cidr_list_new(c->allow, c->n_allow, &s->allow, w);
    if (e != ERR_OK)
        return e;
    s->methods = methods_text(s);
    s->dedupe = dedupe_source(d, c->name, (size_t)c->dedupe_max);
    e = keycache_new(c->name, &s->fetched);
    if (e == ERR_OK)
        e = versions_new(c, &s->versions);
    return e == ERR_OK && s->dedupe && s->methods ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory for source %s", c->name);
}

static enum err load_peers(struct house *h, struct why *w)
{
    const struct config *c = h->config;
    h->peers = calloc(c->n_peer_users ? c->n_peer_users : 1, sizeof *h->peers);
    if (!h->peers)
        return why_set(w, ERR_NO_MEMORY, "out of memory for peer_users");
    for (size_t i = 0; i < c->n_peer_users; i++) {
        errno = 0;
        const struct passwd *p = getpwnam(c->peer_users[i]);
        if (p)
            h->peers[h->n_peers++] = p->pw_uid;
        else if (errno == EIO || errno == EMFILE || errno == ENFILE || errno == ENOMEM)
            return why_errno(w, "peer_users: cannot look up %s", c->peer_users[i]);
    }
    return ERR_OK;
}

/* Who reads the reason finds the source, and the key, in the configuration by these words. */
static enum err source_why(const struct config_source *c, enum err e, struct why *w)
{
    struct why inner = *w;
    if (e == ERR_OK || strncmp(inner.text, "source ", 7) == 0)
        return e;
    bool of_key = strncmp(inner.text, "key ", 4) == 0;
    return why_set(w, e, "source %s%s %.400s", c->name, of_key ? "," : ":", inner.text);
}

enum err house_new(struct config *config, int secrets_fd, struct dedupe *d, const struct house *previous,
                   struct house **out, struct why *w)
{
    struct secrets *secrets = NULL;
    struct house *h = calloc(1, sizeof *h);
    if (!h)
        return why_set(w, ERR_NO_MEMORY, "out of memory for the configuration");
    atomic_init(&h->users, 1);
    h->config = config;
    h->sources = calloc(config->n_sources ? config->n_sources : 1, sizeof *h->sources);
    enum err e =
        h->sources ? secrets_read(secrets_fd, &secrets, w) : why_set(w, ERR_NO_MEMORY, "out of memory for sources");
    for (size_t i = 0; e == ERR_OK && i < config->n_sources; i++) {
        h->sources[i].config = &config->sources[i];
        e = source_init(&h->sources[i], config, secrets, d, w);
        if (e == ERR_OK)
            e = limits_load(h, &h->sources[i], previous, w);
        e = source_why(&config->sources[i], e, w);
    }
    if (e == ERR_OK)
        e = load_peers(h, w);
    if (e == ERR_OK)
        e = contracts_new(config, &h->contracts, w);
    if (e == ERR_OK)
        e = cidr_list_new(config->trusted_proxies, config->n_trusted_proxies, &h->proxies, w);
    if (e == ERR_OK)
        e = limits_load_failed(h, previous, w);
    secrets_free(secrets);
    if (e != ERR_OK) {
        house_drop(h);
        return e;
    }
    *out = h;
    return ERR_OK;
}

struct house *house_hold(struct house *h)
{
    atomic_fetch_add_explicit(&h->users, 1, memory_order_relaxed);
    return h;
}

void house_release(struct house *h)
{
    if (h && atomic_fetch_sub_explicit(&h->users, 1, memory_order_acq_rel) == 1)
        house_free(h);
}

static bool asks_path(const struct house_source *s)
{
    return s->asks_path || auth_asks_path(s->auth);
}

const struct house_source *house_route(const struct house *h, struct span path, struct span *rest)
{
    const struct config_source *c = config_source_by_path(h->config, path);
    *rest = SPAN_NONE;
    if (c)
        return &h->sources[c - h->config->sources];
    for (size_t n = path.n; n > 1; n--) {
        if (path.p[n - 1] != '/')
            continue;
        c = config_source_by_path(h->config, span_of(path.p, n - 1));
        if (!c || !asks_path(&h->sources[c - h->config->sources]))
            continue;
        *rest = span_skip(path, n);
        return &h->sources[c - h->config->sources];
    }
    return NULL;
}

bool house_knows_peer(const struct house *h, uid_t uid)
{
    for (size_t i = 0; i < h->n_peers; i++)
        if (h->peers[i] == uid)
            return true;
    return h->config->n_peer_users == 0;
}
