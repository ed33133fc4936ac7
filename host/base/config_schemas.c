/* SPDX-License-Identifier: MIT
 * config_schemas: the texts of the schemas folder, all of them, whatever types there will be events of. Knows names and JSON, not
 * what a schema means. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCHEMAS_MAX = 4096, SUFFIX_BYTES = 5 /* ".json" */ };

struct names {
    char **list; /* owned, like what it holds */
    size_t n, cap;
    bool failed; /* out of memory */
};

static void take_name(struct names *names, const char *name)
{
    size_t n = strlen(name);
    if (name[0] == '.' || n <= SUFFIX_BYTES || strcmp(name + n - SUFFIX_BYTES, ".json") != 0)
        return;
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 32;
        char **more = reallocarray(names->list, cap, sizeof *more);
        if (!more) {
            names->failed = true;
            return;
        }
        names->list = more;
        names->cap = cap;
    }
    names->list[names->n] = strdup(name);
    names->failed |= !names->list[names->n];
    names->n += names->list[names->n] != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load_one(struct loader *l, const char *name)
{
    struct config *c = l->c;
    const struct document *outer = l->doc;
    struct place root;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", c->schemas, name);
    if (n > 0 && (size_t)n < sizeof path && config_document(l, path, &root))
        c->schemas_loaded[c->n_schemas_loaded++] =
            (struct config_text){config_copy(l, span_of(name, strlen(name) - SUFFIX_BYTES)), config_copy(l, span_str(path)),
                                 config_copy(l, span_of(l->doc->text, l->doc->n))};
    l->doc = outer;
}

/* The folder that nobody named need not be there; one that was named, and is not, is most likely another one. */
static void missing(struct loader *l, const struct place *root)
{
    struct span named = json_member(root->value, "schemas");
    struct place at = place_member(root, SPAN_LIT("schemas"), named);
    if (!*l->c->schemas)
        return;
    if (errno != ENOENT)
        config_fault_member(l, root, "schemas", "%s: cannot read: %s", l->c->schemas, strerror(errno));
    else if (named.p)
        config_warn(l, &at, "there is no such folder: until there is, no event has a schema to meet");
}

void config_schemas_load(struct loader *l, const struct place *root)
{
    struct config *c = l->c;
    struct names names = {0};
    DIR *d = *c->schemas ? opendir(c->schemas) : NULL;
    if (!d) {
        missing(l, root);
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        take_name(&names, e->d_name);
    closedir(d);
    if (names.n)
        qsort(names.list, names.n, sizeof *names.list, by_name);
    c->schemas_loaded = config_alloc(c, (names.n + 1) * sizeof *c->schemas_loaded);
    l->out_of_memory |= names.failed || !c->schemas_loaded;
    if (names.n > SCHEMAS_MAX)
        config_fault_member(l, root, "schemas", "%s holds more than %d schemas", c->schemas, SCHEMAS_MAX);
    for (size_t i = 0; i < names.n && !l->out_of_memory && names.n <= SCHEMAS_MAX; i++)
        load_one(l, names.list[i]);
    for (size_t i = 0; i < names.n; i++)
        free(names.list[i]);
    free(names.list);
}
