/* SPDX-License-Identifier: MIT
 * contracts: two sorted lists: the schemas of types as such, and those of versions.
 */
#include "intake/contracts.h"

#include <stdlib.h>

#include "base/fs.h"
#include "schema/folder.h"

enum { NAMES_BYTES = 100 };

/* One file. `version` is empty in the first list. */
struct one {
    struct span stem, version;
    struct schema *schema; /* owned by `all` */
};
struct contracts {
    struct schema **all; /* owned */
    struct one *plain, *versioned;
    size_t n_all, n_plain, n_versioned;
};

static int order(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int by_bytes = n ? memcmp(a.p, b.p, n) : 0;
    return by_bytes ? by_bytes : (a.n > b.n) - (a.n < b.n);
}

static int by_stem(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    int o = order(x->stem, y->stem);
    return o ? o : order(x->version, y->version);
}

/* "order.v2" is version v2 of order. Of several cuts the first one whose rest can be a version counts. */
static bool cut(struct span name, struct one *out)
{
    for (size_t i = 1; i + 2 < name.n; i++) {
        struct span rest = span_skip(name, i + 1);
        if (name.p[i] != '.' || !config_schema_version(rest))
            continue;
        out->stem = span_of(name.p, i);
        out->version = rest;
        return true;
    }
    return false;
}

/* A file stands for a type of this very name, and, if it ends like one, for a version of a shorter one. */
static void add(struct contracts *s, const char *name, struct schema *schema)
{
    struct one one = {span_str(name), SPAN_LIT(""), schema};
    s->plain[s->n_plain++] = one;
    if (cut(span_str(name), &one))
        s->versioned[s->n_versioned++] = one;
}

enum err contracts_new(const struct config *c, struct contracts **out, struct why *w)
{
    size_t n = c->n_schemas_loaded;
    struct contracts *s = calloc(1, sizeof *s);
    if (s) {
        s->all = calloc(n + 1, sizeof(struct schema *));
        s->plain = calloc(n + 1, sizeof *s->plain);
        s->versioned = calloc(n + 1, sizeof *s->versioned);
    }
    enum err e = s && s->all && s->plain && s->versioned ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory for schemas");
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        struct why inner;
        e = folder_compile(c, i, &s->all[i], &inner);
        if (e != ERR_OK)
            e = why_set(w, e, "%.200s: %.300s", c->schemas_loaded[i].file, inner.text);
        else
            add(s, c->schemas_loaded[s->n_all++].name, s->all[i]);
    }
    if (e != ERR_OK) {
        contracts_free(s);
        return e;
    }
    qsort(s->plain, s->n_plain, sizeof *s->plain, by_stem);
    qsort(s->versioned, s->n_versioned, sizeof *s->versioned, by_stem);
    *out = s;
    return ERR_OK;
}

void contracts_free(struct contracts *s)
{
    for (size_t i = 0; s && i < s->n_all; i++)
        schema_free(s->all[i]);
    if (s) {
        free(s->all);
        free(s->plain);
        free(s->versioned);
    }
    free(s);
}

bool contracts_any(const struct contracts *s)
{
    return s->n_all > 0;
}

struct span contracts_stem(struct span type, struct arena *memory)
{
    struct buf b = arena_open(memory);
    fs_put_name(&b, type);
    return arena_close(memory, &b);
}

bool contracts_version(struct span version, struct arena *memory, struct span *out)
{
    *out = SPAN_LIT("");
    if (!version.n)
        return true;
    struct buf b = arena_open(memory);
    if (version.p[0] != 'v')
        buf_putc(&b, 'v');
    buf_put_span(&b, version);
    struct span name = arena_close(memory, &b);
    if (!name.p || !config_schema_version(name))
        return false;
    *out = name;
    return true;
}

/* The first one of the list that is not before this. */
static size_t lower(const struct one *list, size_t n, const struct one *what)
{
    size_t from = 0;
    while (from < n) {
        size_t middle = from + (n - from) / 2;
        if (by_stem(&list[middle], what) < 0)
            from = middle + 1;
        else
            n = middle;
    }
    return from;
}

static const struct one *look(const struct one *list, size_t n, struct span stem, struct span version)
{
    const struct one what = {stem, version, NULL};
    size_t i = lower(list, n, &what);
    return i < n && by_stem(&list[i], &what) == 0 ? &list[i] : NULL;
}

/* Where the versions of this stem begin; n_versioned when there are none. */
static size_t first_version(const struct contracts *s, struct span stem)
{
    const struct one what = {stem, SPAN_LIT(""), NULL};
    size_t i = lower(s->versioned, s->n_versioned, &what);
    return i < s->n_versioned && span_eq(s->versioned[i].stem, stem) ? i : s->n_versioned;
}

enum contract contracts_find(const struct contracts *s, struct span stem, struct span version, const struct schema **schema)
{
    bool has_versions = first_version(s, stem) < s->n_versioned;
    const struct one *one = NULL;
    if (has_versions && version.n)
        one = look(s->versioned, s->n_versioned, stem, version);
    else if (!has_versions || version.p)
        one = look(s->plain, s->n_plain, stem, SPAN_LIT(""));
    if (one)
        *schema = one->schema;
    return one ? CONTRACT_SCHEMA : has_versions ? CONTRACT_UNKNOWN : CONTRACT_NONE;
}

void contracts_put_versions(const struct contracts *s, struct span stem, struct buf *b)
{
    size_t start = b->n;
    if (look(s->plain, s->n_plain, stem, SPAN_LIT("")))
        buf_puts(b, "none");
    for (size_t i = first_version(s, stem); i < s->n_versioned && span_eq(s->versioned[i].stem, stem); i++) {
        if (b->n - start + s->versioned[i].version.n > NAMES_BYTES) {
            buf_puts(b, ", …");
            return;
        }
        buf_puts(b, b->n > start ? ", " : "");
        buf_put_span(b, s->versioned[i].version);
    }
}
