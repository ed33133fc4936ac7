/* SPDX-License-Identifier: MIT
 * config_limit: how often a source may be called, and how many proofs of one address may fail. Runs where a configuration
 * is loaded, one thread.
 */
#include "base/config_parts.h"

#include <stddef.h>

enum { NS_IN_MS = 1000000 };

#define ROW(type, name, def, member, min, max) {type, name, def, offsetof(struct config_limit, member), min, max, true, ""}
const struct setting config_limit_rows[CONFIG_LIMIT_ROWS] = {
    ROW(SETTING_INT, "rate", "", rate, 1, 1000000),
    ROW(SETTING_TIME, "per", "1s", per_ms, 1, INT64_C(31536000000)),
    ROW(SETTING_INT, "burst", "", burst, 1, 1000000000),
    ROW(SETTING_INT, "ipv6_prefix", "64", ipv6_prefix, 16, 128),
    ROW(SETTING_INT, "max", "65536", max, 8, 16777216),
    ROW(SETTING_TEXT, "key", "source", key, 0, 0),
};
#undef ROW
static const struct shape shape = {.rows = config_limit_rows, .n_rows = CONFIG_LIMIT_ROWS};
/* A limit whose key is given. */
static const struct shape keyless = {.rows = config_limit_rows, .n_rows = CONFIG_LIMIT_ROWS - 1};

static const char *const words[] = {
    [LIMIT_BY_SOURCE] = "source", [LIMIT_BY_IP] = "ip", [LIMIT_BY_KEY] = "key", [LIMIT_BY_TENANT] = "tenant"};

static enum limit_by by_of(const char *key)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(key, words[i]) == 0)
            return (enum limit_by)i;
    return LIMIT_BY_VALUE;
}

/* One burst's time, with one event's rounded up to nanoseconds. */
static bool burst_fits(const struct config_limit *limit)
{
    int64_t step_ns = (limit->per_ms * NS_IN_MS + limit->rate - 1) / limit->rate;
    return limit->burst <= LIMIT_FULL_MAX_MS * NS_IN_MS / step_ns;
}

static void set_limit(struct loader *l, const struct place *at, const struct shape *as, struct config_limit *limit)
{
    *limit = (struct config_limit){.key = ""};
    config_defaults(l, as, limit);
    if (!config_object(l, at, as, limit))
        return;
    if (limit->rate == 0) {
        if (!json_member(at->value, "rate").p)
            config_fault_member(l, at, "rate", "is missing: how many are taken in the time that per says");
        return;
    }
    if (limit->burst == 0)
        limit->burst = limit->rate;
    if (!burst_fits(limit))
        config_fault_member(l, at, "burst", "at this rate it takes more than ten years until so many may come again");
}

static void set_key(struct loader *l, const struct place *at, struct config_limit *limit)
{
    struct place key = place_member(at, SPAN_LIT("key"), json_member(at->value, "key"));
    limit->by = by_of(limit->key);
    if (limit->by == LIMIT_BY_VALUE && strchr(limit->key, ':') == NULL)
        config_fault(l, &key, "must be source, ip, key, tenant or a reference such as header:X-Account");
    else if (limit->by == LIMIT_BY_VALUE)
        (void)config_good_reference(l, &key, limit->key);
    if (limit->by != LIMIT_BY_IP && json_member(at->value, "ipv6_prefix").p)
        config_fault_member(l, at, "ipv6_prefix", "goes with \"key\": \"ip\"");
}

static bool same(const struct config_limit *a, const struct config_limit *b)
{
    return a->rate == b->rate && a->per_ms == b->per_ms && a->burst == b->burst && strcmp(a->key, b->key) == 0;
}

/* The one that was read last. Two alike would be one table that counts each request twice. */
static void check_twice(struct loader *l, const struct place *at, const struct config_source *src)
{
    for (size_t i = 0; i + 1 < src->n_limits; i++)
        if (same(&src->limits[i], &src->limits[src->n_limits - 1]))
            config_fault(l, at, "is there twice");
}

void config_limits(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    struct span value;
    size_t n = 0;
    bool many = json_type_of(at->value) == JSON_ARRAY;
    for (struct json_iter it = json_iter(at->value); many && json_next_element(&it, &value);)
        n++;
    if (n > CONFIG_LIMITS_MAX) {
        config_fault(l, at, "must be at most %d limits", CONFIG_LIMITS_MAX);
        return;
    }
    src->limits = config_alloc(l->c, (many ? n + !n : 1) * sizeof *src->limits);
    if (!src->limits) {
        l->out_of_memory = true;
        return;
    }
    struct json_iter it = json_iter(at->value);
    for (size_t i = 0; many ? json_next_element(&it, &value) : i == 0; i++) {
        struct place limit = many ? place_element(at, i, value) : *at;
        set_limit(l, &limit, &shape, &src->limits[src->n_limits]);
        if (json_type_of(limit.value) == JSON_OBJECT)
            set_key(l, &limit, &src->limits[src->n_limits]);
        src->n_limits++;
        check_twice(l, &limit, src);
    }
}

void config_limits_check(struct loader *l, const struct place *at, const struct config_source *src)
{
    for (size_t i = 0; i < src->n_limits; i++)
        if (src->limits[i].by == LIMIT_BY_TENANT && src->n_tenant == 0)
            config_fault_member(l, at, "limit", "a limit by tenant needs \"tenant\": where to find whose event it is");
}

void config_tenant(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    config_strings(l, at, config_good_reference, &src->tenant, &src->n_tenant);
}

/* ---- failed proofs ---- */

void config_failed_limit_default(struct loader *l, struct config *c)
{
    config_defaults(l, &keyless, &c->failed_limit);
    c->failed_limit.key = words[LIMIT_BY_IP];
    c->failed_limit.by = LIMIT_BY_IP;
    c->failed_limit.rate = c->failed_limit.burst = 100;
    c->failed_limit.per_ms = 60000;
}

void config_failed_limit(struct loader *l, const struct place *at, void *base)
{
    struct config *c = base;
    if (json_type_of(at->value) == JSON_FALSE) {
        c->failed_limit.rate = 0;
        return;
    }
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be false or an object such as { \"rate\": 100, \"per\": \"1m\" }");
        return;
    }
    set_limit(l, at, &keyless, &c->failed_limit);
    c->failed_limit.key = words[LIMIT_BY_IP];
    c->failed_limit.by = LIMIT_BY_IP;
}
