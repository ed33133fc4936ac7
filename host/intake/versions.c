/* SPDX-License-Identifier: MIT
 * versions: a sorted list, with the header fields of each in one text.
 */
#include "intake/versions.h"

#include <stdlib.h>

#include "base/units.h"

enum { WARNING_BYTES = 4096, NAMES_BYTES = 120 };

struct versions {
    size_t n;
    struct version list[];
};

static int order(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int by_bytes = n ? memcmp(a.p, b.p, n) : 0;
    return by_bytes ? by_bytes : (a.n > b.n) - (a.n < b.n);
}

static int by_name(const void *a, const void *b)
{
    return order(span_str(((const struct version *)a)->config->name), span_str(((const struct version *)b)->config->name));
}

static enum err make_warning(struct version *v)
{
    const struct config_version *c = v->config;
    struct buf b;
    buf_init(&b, WARNING_BYTES);
    if (c->deprecated_ms) {
        buf_puts(&b, "Deprecation: @");
        buf_put_i64(&b, c->deprecated_ms / 1000);
        buf_puts(&b, "\r\n");
    }
    if (c->sunset_ms) {
        buf_puts(&b, "Sunset: ");
        buf_put_http_date(&b, c->sunset_ms);
        buf_puts(&b, "\r\n");
    }
    if (c->link)
        buf_printf(&b, "Link: <%s>; rel=\"%s\"\r\n", c->link, c->deprecated_ms ? "deprecation" : "sunset");
    if (!b.failed) {
        v->text = b.p; /* from malloc, and the version's now */
        v->warning = buf_span(&b);
        return ERR_OK;
    }
    buf_fini(&b);
    return ERR_NO_MEMORY;
}

enum err versions_new(const struct config_source *config, struct versions **out)
{
    struct versions *v = calloc(1, sizeof *v + config->n_versions * sizeof v->list[0]);
    if (!v)
        return ERR_NO_MEMORY;
    for (; v->n < config->n_versions; v->n++) {
        v->list[v->n].config = &config->versions[v->n];
        if (make_warning(&v->list[v->n]) != ERR_OK) {
            versions_free(v);
            return ERR_NO_MEMORY;
        }
    }
    if (v->n)
        qsort(v->list, v->n, sizeof v->list[0], by_name);
    *out = v;
    return ERR_OK;
}

void versions_free(struct versions *v)
{
    for (size_t i = 0; v && i < v->n; i++)
        free(v->list[i].text);
    free(v);
}

const struct version *versions_find(const struct versions *v, struct span name)
{
    size_t from = 0, to = v->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int o = order(name, span_str(v->list[middle].config->name));
        if (o == 0)
            return &v->list[middle];
        if (o < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

void versions_put_names(const struct versions *v, struct buf *b)
{
    size_t start = b->n;
    for (size_t i = 0; i < v->n; i++) {
        const char *name = v->list[i].config->name;
        if (b->n - start + strlen(name) > NAMES_BYTES) {
            buf_puts(b, i ? ", …" : "…");
            return;
        }
        buf_printf(b, "%s%s", i ? ", " : "", *name ? name : "none");
    }
}
