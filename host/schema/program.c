/* SPDX-License-Identifier: MIT
 * program: owns what a compiled schema is made of.
 */
#include "schema/program.h"

#include <stdlib.h>

enum { PROGRAM_ELEMENTS_MAX = 1 << 24 };

static size_t capacity(size_t n)
{
    size_t cap = 8;
    while (cap < n)
        cap *= 2;
    return n ? cap : 0;
}

void *program_grow(void *array, uint32_t *count, size_t n, size_t size)
{
    char *p;
    memcpy(&p, array, sizeof p); /* any object pointer */
    size_t need = *count + n;
    if (need > PROGRAM_ELEMENTS_MAX)
        return NULL;
    if (capacity(need) != capacity(*count) || !p) {
        char *grown = realloc(p, capacity(need ? need : 1) * size);
        if (!grown)
            return NULL;
        p = grown;
        memcpy(array, &p, sizeof p);
    }
    char *first = p + *count * size;
    memset(first, 0, n * size);
    *count = (uint32_t)need;
    return first;
}

bool program_init(struct schema *s)
{
    return program_grow(&s->rules, &s->n_rules, 0, sizeof *s->rules) &&
           program_grow(&s->ops, &s->n_ops, 0, sizeof *s->ops) &&
           program_grow(&s->lists, &s->n_lists, 0, sizeof *s->lists) &&
           program_grow(&s->objects, &s->n_objects, 0, sizeof *s->objects) &&
           program_grow(&s->members, &s->n_members, 0, sizeof *s->members) &&
           program_grow(&s->slots, &s->n_slots, 0, sizeof *s->slots) &&
           program_grow(&s->patterns, &s->n_patterns, 0, sizeof *s->patterns) &&
           program_grow(&s->values, &s->n_values, 0, sizeof *s->values) &&
           program_grow(&s->dependencies, &s->n_dependencies, 0, sizeof *s->dependencies) &&
           program_grow(&s->names, &s->n_names, 0, sizeof *s->names) &&
           program_grow(&s->sources, &s->n_sources, 0, sizeof *s->sources);
}

static void source_free(struct source *d)
{
    free(d->text);
    arena_fini(&d->memory);
    free(d);
}

void schema_free(struct schema *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_patterns; i++)
        pattern_free(s->patterns[i].pattern);
    for (uint32_t i = 0; i < s->n_sources; i++)
        source_free(s->sources[i]);
    void *const arrays[] = {s->rules,    s->ops,    s->lists,        s->objects, s->members, s->slots,
                            s->patterns, s->values, s->dependencies, s->names,   s->sources};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(s);
}
