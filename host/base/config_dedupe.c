/* SPDX-License-Identifier: MIT
 * config_dedupe: how duplicates of a source are recognised. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <stddef.h>

enum { BODY_WINDOW_MS = 300000, PARTS_MAX = 8 };

struct dedupe {
    const char **by;
    size_t n_by;
    const char *missing;
    int64_t window_ms, max;
};
static const struct setting rows[] = {
    {SETTING_ONE, "missing", "body refuse accept", offsetof(struct dedupe, missing), 0, 0, true, ""},
    {SETTING_TIME, "window", "24h", offsetof(struct dedupe, window_ms), 1000, INT64_C(31536000000), true, ""},
    {SETTING_INT, "max", "1000000", offsetof(struct dedupe, max), 1, 100000000, true, ""},
};

static bool good_part(struct loader *l, const struct place *at, const char *text)
{
    return strcmp(text, "event_id") == 0 || strcmp(text, "body") == 0 || config_good_reference(l, at, text);
}

static bool is_empty_list(struct span value)
{
    struct json_iter it = json_iter(value);
    return json_type_of(value) == JSON_ARRAY && !json_next_element(&it, &value);
}

static void set_by(struct loader *l, const struct place *at, void *base)
{
    struct dedupe *d = base;
    config_strings(l, at, good_part, &d->by, &d->n_by);
    if (is_empty_list(at->value))
        config_fault(l, at, "must name something");
    if (d->n_by > PARTS_MAX)
        config_fault(l, at, "must be at most %d", PARTS_MAX);
    for (size_t i = 0; i < d->n_by; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(d->by[i], d->by[k]) == 0)
                config_fault(l, at, "\"%s\" is there twice", d->by[i]);
}

static const struct special specials[] = {{"by", set_by}};
static const struct shape shape = {
    .rows = rows, .n_rows = sizeof rows / sizeof rows[0], .specials = specials, .n_specials = 1};

static void keep(struct config_source *src, const struct dedupe *d)
{
    bool by_id = d->n_by == 1 && strcmp(d->by[0], "event_id") == 0;
    src->dedupe_by = d->by;
    src->n_dedupe_by = by_id ? 0 : d->n_by;
    src->dedupe_missing = d->missing;
    src->dedupe_window_ms = d->window_ms;
    src->dedupe_max = d->max;
}

bool config_dedupes_by_body(const struct config_source *s)
{
    return s->n_dedupe_by == 1 && strcmp(s->dedupe_by[0], "body") == 0;
}

void config_dedupe_default(struct loader *l, struct config_source *src)
{
    struct dedupe d = {0};
    config_defaults(l, &shape, &d);
    src->dedupe = true;
    keep(src, &d);
}

void config_dedupe(struct loader *l, const struct place *at, void *source)
{
    struct config_source *src = source;
    struct dedupe d = {0};
    if (json_type_of(at->value) == JSON_FALSE) {
        src->dedupe = false;
        return;
    }
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be false or an object such as { \"by\": \"event_id\", \"window\": \"24h\" }");
        return;
    }
    config_defaults(l, &shape, &d);
    (void)config_object(l, at, &shape, &d);
    keep(src, &d);
    if (config_dedupes_by_body(src) && !json_member(at->value, "window").p)
        src->dedupe_window_ms = BODY_WINDOW_MS;
}
