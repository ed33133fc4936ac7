/* SPDX-License-Identifier: MIT
 * load_schemas: each schema compiled once to see whether it can be.
 */
#include "supervisor/load_schemas.h"

#include <stdio.h>

#include "base/json.h"
#include "schema/folder.h"

/* The file of this folder that a fault begins with, "common.json#/…", or the one it was found from. */
static const struct config_text *file_of(const struct config *c, const struct config_text *from, const char **fault)
{
    const char *mark = strchr(*fault, '#'), *colon = strstr(*fault, ": ");
    if (**fault == '/' || !mark || !colon || mark > colon)
        return from;
    for (size_t i = 0; i < c->n_schemas_loaded; i++) {
        const struct config_text *t = &c->schemas_loaded[i];
        struct span name = span_str(t->file + strlen(c->schemas) + 1);
        if (!span_eq(name, span_of(*fault, (size_t)(mark - *fault))))
            continue;
        *fault = mark + 1;
        return t;
    }
    return from;
}

/* The line of what a fault is about: it begins with the pointer. */
static unsigned line_of(const char *text, const char *fault)
{
    const char *colon = strstr(fault, ": ");
    struct span pointer = span_of(fault, colon ? (size_t)(colon - fault) : 0);
    if (pointer.n == 1)
        pointer.n = 0; /* "/" is the whole */
    struct span whole = span_str(text + strspn(text, " \t\r\n"));
    struct span at = json_pointer_valid(pointer) ? json_pointer(whole, pointer) : SPAN_NONE;
    unsigned line = 1;
    for (const char *p = text; at.p && p < at.p; p++)
        line += *p == '\n';
    return line;
}

static void tell(const struct config *c, const struct config_text *from, const char *fault, config_report report, void *arg)
{
    char text[8192];
    const struct config_text *t = file_of(c, from, &fault);
    snprintf(text, sizeof text, "%.4096s:%u: %s%s", t->file, line_of(t->text, fault), *fault == ':' ? "/" : "", fault);
    report(arg, text);
}

static bool is_there(const struct config *c, const char *version)
{
    size_t n = strlen(version);
    for (size_t i = 0; i < c->n_schemas_loaded; i++) {
        const char *name = c->schemas_loaded[i].name;
        size_t m = strlen(name);
        if (n == 0 || (m > n && name[m - n - 1] == '.' && strcmp(name + m - n, version) == 0))
            return true;
    }
    return false;
}

static void doubt_versions(struct config *c, const struct config_source *s)
{
    char reason[1024];
    for (size_t i = 0; i < s->n_versions && s->where; i++) {
        const struct config_version *v = &s->versions[i];
        if (!v->schema || is_there(c, v->schema))
            continue;
        snprintf(reason, sizeof reason, "version \"%.128s\" has schemas of version %.64s, and no file in %.200s ends in .%.64s.json",
                 v->name, v->schema, c->schemas, v->schema);
        config_doubt(c, s->where, reason);
    }
}

unsigned load_schemas_try(struct config *c, config_report report, void *arg)
{
    unsigned faults = 0;
    for (size_t i = 0; i < c->n_schemas_loaded; i++) {
        struct schema *s;
        struct why w;
        if (folder_compile(c, i, &s, &w) == ERR_OK) {
            schema_free(s);
            continue;
        }
        tell(c, &c->schemas_loaded[i], w.text, report, arg);
        faults++;
    }
    for (size_t i = 0; i < c->n_sources; i++)
        doubt_versions(c, &c->sources[i]);
    return faults;
}
