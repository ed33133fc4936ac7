/* SPDX-License-Identifier: MIT
 * limits: building and taking down the limits of a house. Main thread; a house's last request may take it down on any.
 */
#include "intake/limits.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "intake/house.h"

enum { NS_IN_S = 1000000000 };

static bool same(const struct config_limit *a, const struct config_limit *b)
{
    return a->rate == b->rate && a->per_ms == b->per_ms && a->burst == b->burst && a->max == b->max &&
           a->ipv6_prefix == b->ipv6_prefix && strcmp(a->key, b->key) == 0;
}

/* The table of such a limit of the source of this name, or (by tenant) of any of the first n sources. */
static struct limit *existing(const struct house *h, size_t n, const char *name, const struct config_limit *c)
{
    for (size_t i = 0; i < n; i++) {
        const struct house_source *s = &h->sources[i];
        if (c->by != LIMIT_BY_TENANT && strcmp(s->config->name, name) != 0)
            continue;
        for (size_t k = 0; k < s->n_limits; k++)
            if (same(s->limits[k].config, c))
                return limit_hold(s->limits[k].table);
    }
    return NULL;
}

static enum err make_table(const struct config_limit *c, struct limit **out, struct why *w)
{
    struct limit_rule rule = {c->rate, c->per_ms, c->burst, c->by == LIMIT_BY_SOURCE ? 1 : c->max};
    return limit_new(&rule, out) == ERR_OK ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory for limits");
}

/* What the request is told; i: the limit's place in the list, if there are several. */
static void describe(struct house_limit *l, const char *name, size_t i)
{
    static const char *const counted[] = {[LIMIT_BY_SOURCE] = "for this source",
                                          [LIMIT_BY_IP] = "from one address",
                                          [LIMIT_BY_KEY] = "with one key",
                                          [LIMIT_BY_TENANT] = "of one tenant",
                                          [LIMIT_BY_VALUE] = "with one value of "};
    const struct config_limit *c = l->config;
    struct buf per;
    buf_init(&per, 64);
    buf_put_duration(&per, c->per_ms);
    if (i == 0)
        snprintf(l->name, sizeof l->name, "\"%s\"", name);
    else
        snprintf(l->name, sizeof l->name, "\"%s-%zu\"", name, i + 1);
    int64_t window_ns = limit_full_ns(l->table) - c->burst; /* without what rounding the time of each of them up may add */
    snprintf(l->policy, sizeof l->policy, "%s;q=%lld;w=%lld", l->name, (long long)c->burst,
             (long long)((window_ns + NS_IN_S - 1) / NS_IN_S));
    snprintf(l->what, sizeof l->what, "%lld in %.*s %s%.80s", (long long)c->rate, (int)per.n, per.p, counted[c->by],
             c->by == LIMIT_BY_VALUE ? c->key : "");
    buf_fini(&per);
}

static enum err load_value(const struct house_source *s, struct house_limit *l, struct why *w)
{
    const char *const *texts = s->config->tenant;
    struct why inner;
    size_t n = s->config->n_tenant;
    if (l->config->by == LIMIT_BY_VALUE) {
        texts = &l->config->key;
        n = 1;
    } else if (l->config->by != LIMIT_BY_TENANT) {
        return ERR_OK;
    }
    enum err e = facts_new(texts, n, &l->value, &inner);
    return e == ERR_OK ? ERR_OK : why_set(w, e, "limit: %.300s", inner.text);
}

static enum err load_one(const struct house *h, struct house_source *s, size_t i, const struct house *previous,
                         struct why *w)
{
    static const char *const names[] = {[LIMIT_BY_SOURCE] = "source",
                                        [LIMIT_BY_IP] = "ip",
                                        [LIMIT_BY_KEY] = "key",
                                        [LIMIT_BY_TENANT] = "tenant",
                                        [LIMIT_BY_VALUE] = "value"};
    struct house_limit *l = &s->limits[i];
    const char *name = s->config->name;
    l->config = &s->config->limits[i];
    enum err e = load_value(s, l, w);
    if (e != ERR_OK)
        return e;
    if (l->config->by == LIMIT_BY_TENANT)
        l->table = existing(h, (size_t)(s - h->sources), name, l->config);
    if (!l->table && previous)
        l->table = existing(previous, previous->config->n_sources, name, l->config);
    if (!l->table)
        e = make_table(l->config, &l->table, w);
    if (e == ERR_OK)
        describe(l, names[l->config->by], i);
    return e;
}

enum err limits_load(const struct house *h, struct house_source *s, const struct house *previous, struct why *w)
{
    size_t n = s->config->n_limits;
    if (n == 0)
        return ERR_OK;
    s->limits = calloc(n, sizeof *s->limits);
    if (!s->limits)
        return why_set(w, ERR_NO_MEMORY, "out of memory for limits");
    for (s->n_limits = 0; s->n_limits < n; s->n_limits++) {
        enum err e = load_one(h, s, s->n_limits, previous, w);
        if (e != ERR_OK) {
            s->n_limits++;
            return e;
        }
        const struct facts *value = s->limits[s->n_limits].value;
        s->limits_look_inside = s->limits_look_inside || value;
        s->asks_json = s->asks_json || (value && facts_ask_json(value));
        s->asks_path = s->asks_path || (value && facts_ask_path(value));
    }
    return ERR_OK;
}

void limits_unload(struct house_source *s)
{
    for (size_t i = 0; i < s->n_limits; i++) {
        limit_release(s->limits[i].table);
        facts_free(s->limits[i].value);
    }
    free(s->limits);
}

enum err limits_load_failed(struct house *h, const struct house *previous, struct why *w)
{
    struct house_limit *l = &h->failed;
    l->config = &h->config->failed_limit;
    if (l->config->rate == 0)
        return ERR_OK;
    if (previous && previous->failed.table && same(previous->failed.config, l->config)) {
        l->table = limit_hold(previous->failed.table);
        h->proven = limit_hold(previous->proven);
    }
    enum err e = l->table ? ERR_OK : make_table(l->config, &l->table, w);
    if (e == ERR_OK && !h->proven)
        e = make_table(l->config, &h->proven, w);
    if (e == ERR_OK)
        describe(l, "failed", 0);
    return e;
}

void limits_unload_failed(struct house *h)
{
    limit_release(h->failed.table);
    limit_release(h->proven);
}
