/* SPDX-License-Identifier: MIT
 * compile_members: what is said of an object's members, as one table by name, and what one member asks of the others.
 */
#include "schema/compiler.h"

#include <stdlib.h>

static const struct tape_node *nodes_of(const struct compiler *c)
{
    return compile_tape(c, c->doc)->nodes;
}

static enum err must_be(struct compiler *c, uint32_t node, enum json_type type, const char *what)
{
    if (nodes_of(c)[node].type == type)
        return ERR_OK;
    return compile_fault(c, c->doc, node, "must be %s", what);
}

/* Of r's members the one with that name, added if it is new. Members of one object lie behind each other; looking is by the table
 * once it is built, so this is for building: names come sorted. */
static enum err add_member(struct compiler *c, struct object_rule *r, struct member m)
{
    struct member *p = program_grow(&c->s->members, &c->s->n_members, 1, sizeof *p);
    if (!p)
        return compile_no_memory(c);
    *p = m;
    r->n++;
    return ERR_OK;
}

static enum err add_properties(struct compiler *c, struct object_rule *r, uint32_t node)
{
    const struct tape *t = compile_tape(c, c->doc);
    enum err e = must_be(c, node, JSON_OBJECT, "an object of schemas");
    for (uint32_t i = node + 1; e == ERR_OK && i < t->nodes[node].next; i = t->nodes[i].next) {
        struct member m = {.name = {tape_name(t, i), t->nodes[i].name_hash}};
        e = compile_rule(c, c->doc, i, &m.rule);
        if (e == ERR_OK)
            e = add_member(c, r, m);
    }
    return e;
}

static enum err add_required(struct compiler *c, struct object_rule *r, uint32_t node)
{
    const struct tape *t = compile_tape(c, c->doc);
    enum err e = must_be(c, node, JSON_ARRAY, "a list of names");
    for (uint32_t i = node + 1; e == ERR_OK && i < t->nodes[node].next; i = t->nodes[i].next) {
        struct span name = tape_text(t, i);
        e = must_be(c, i, JSON_STRING, "a name");
        if (e == ERR_OK)
            e = add_member(c, r, (struct member){{name, hash_name(name, c->s->seed)}, RULE_NONE, true});
    }
    return e;
}

static int by_name(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->name.text.n < y->name.text.n ? x->name.text.n : y->name.text.n;
    int order = n ? memcmp(x->name.text.p, y->name.text.p, n) : 0;
    return order ? order : (x->name.text.n > y->name.text.n) - (x->name.text.n < y->name.text.n);
}

/* One member of what properties and required say of the same name. */
static void merge_members(struct schema *s, struct object_rule *r)
{
    struct member *m = s->members + r->at;
    uint32_t n = 0;
    if (r->n)
        qsort(m, r->n, sizeof *m, by_name);
    for (uint32_t i = 0; i < r->n; i++) {
        if (n && by_name(&m[n - 1], &m[i]) == 0) {
            m[n - 1].required |= m[i].required;
            m[n - 1].rule = m[n - 1].rule == RULE_NONE ? m[i].rule : m[n - 1].rule;
        } else {
            m[n++] = m[i];
        }
    }
    s->n_members = r->at + n;
    r->n = n;
    for (uint32_t i = 0; i < n; i++)
        r->n_required += m[i].required;
}

static enum err index_members(struct compiler *c, struct object_rule *r)
{
    uint32_t size = 2;
    while (size < 2 * r->n)
        size *= 2;
    r->slots = c->s->n_slots;
    r->mask = size - 1;
    uint32_t *slots = program_grow(&c->s->slots, &c->s->n_slots, size, sizeof *slots);
    if (!slots)
        return compile_no_memory(c);
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t at = c->s->members[r->at + i].name.hash & r->mask;
        while (slots[at])
            at = (at + 1) & r->mask;
        slots[at] = i + 1;
    }
    return ERR_OK;
}

static enum err add_patterns(struct compiler *c, struct object_rule *r, uint32_t node)
{
    const struct tape *t = compile_tape(c, c->doc);
    enum err e = must_be(c, node, JSON_OBJECT, "an object of schemas");
    for (uint32_t i = node + 1; e == ERR_OK && i < t->nodes[node].next; i = t->nodes[i].next, r->n_patterns++) {
        struct why w;
        struct pattern_rule *p = program_grow(&c->s->patterns, &c->s->n_patterns, 1, sizeof *p);
        if (!p)
            return compile_no_memory(c);
        p->source = tape_name(t, i);
        e = pattern_compile(p->source, &p->pattern, &w);
        if (e != ERR_OK)
            return e == ERR_NO_MEMORY ? compile_no_memory(c) : compile_fault(c, c->doc, i, "%s", w.text);
        e = compile_rule(c, c->doc, i, &p->rule);
    }
    return e;
}

enum err compile_members(struct compiler *c, const struct keywords *k)
{
    struct object_rule r = {.at = c->s->n_members, .patterns = c->s->n_patterns, .rest = RULE_NONE};
    enum err e = ERR_OK;
    if (!k->at[KEYWORD_PROPERTIES] && !k->at[KEYWORD_REQUIRED] && !k->at[KEYWORD_PATTERN_PROPERTIES] &&
        !k->at[KEYWORD_ADDITIONAL_PROPERTIES])
        return ERR_OK;
    if (k->at[KEYWORD_PROPERTIES])
        e = add_properties(c, &r, k->at[KEYWORD_PROPERTIES]);
    if (e == ERR_OK && k->at[KEYWORD_REQUIRED])
        e = add_required(c, &r, k->at[KEYWORD_REQUIRED]);
    if (e == ERR_OK && k->at[KEYWORD_PATTERN_PROPERTIES])
        e = add_patterns(c, &r, k->at[KEYWORD_PATTERN_PROPERTIES]);
    if (e == ERR_OK && k->at[KEYWORD_ADDITIONAL_PROPERTIES])
        e = compile_rule(c, c->doc, k->at[KEYWORD_ADDITIONAL_PROPERTIES], &r.rest);
    if (e != ERR_OK)
        return e;
    merge_members(c->s, &r);
    e = index_members(c, &r);
    struct op op = {.keyword = KEYWORD_PROPERTIES, .index = c->s->n_objects};
    struct object_rule *kept = e == ERR_OK ? program_grow(&c->s->objects, &c->s->n_objects, 1, sizeof *kept) : NULL;
    if (!kept)
        return compile_no_memory(c);
    *kept = r;
    return compile_op(c, op);
}

/* ---- dependencies ---- */

static enum err add_names(struct compiler *c, struct dependency *d, uint32_t node)
{
    const struct tape *t = compile_tape(c, c->doc);
    d->names = c->s->n_names;
    d->n_names = t->nodes[node].count;
    struct name *names = program_grow(&c->s->names, &c->s->n_names, d->n_names, sizeof *names);
    if (!names)
        return compile_no_memory(c);
    for (uint32_t i = node + 1; i < t->nodes[node].next; i = t->nodes[i].next, names++) {
        enum err e = must_be(c, i, JSON_STRING, "a name");
        if (e != ERR_OK)
            return e;
        *names = (struct name){tape_text(t, i), hash_name(tape_text(t, i), c->s->seed)};
    }
    return ERR_OK;
}

static enum err add_dependency(struct compiler *c, uint32_t node, enum keyword keyword)
{
    const struct tape *t = compile_tape(c, c->doc);
    bool list = t->nodes[node].type == JSON_ARRAY;
    struct dependency d = {
        .name = {tape_name(t, node), t->nodes[node].name_hash}, .keyword = keyword, .rule = RULE_NONE};
    enum err e = ERR_OK;
    if (keyword == KEYWORD_DEPENDENT_REQUIRED)
        e = must_be(c, node, JSON_ARRAY, "a list of names");
    if (e == ERR_OK)
        e = list && keyword != KEYWORD_DEPENDENT_SCHEMAS ? add_names(c, &d, node)
                                                         : compile_rule(c, c->doc, node, &d.rule);
    if (e != ERR_OK)
        return e;
    struct dependency *kept = program_grow(&c->s->dependencies, &c->s->n_dependencies, 1, sizeof *kept);
    if (!kept)
        return compile_no_memory(c);
    *kept = d;
    return ERR_OK;
}

enum err compile_dependencies(struct compiler *c, const struct keywords *k)
{
    static const enum keyword all[] = {KEYWORD_DEPENDENT_REQUIRED, KEYWORD_DEPENDENT_SCHEMAS, KEYWORD_DEPENDENCIES};
    struct op op = {.keyword = KEYWORD_DEPENDENCIES, .list = {c->s->n_dependencies, 0, RULE_NONE}};
    enum err e = ERR_OK;
    for (unsigned k_i = 0; e == ERR_OK && k_i < 3; k_i++) {
        uint32_t node = k->at[all[k_i]];
        if (!node)
            continue;
        e = must_be(c, node, JSON_OBJECT, "an object");
        for (uint32_t i = node + 1; e == ERR_OK && i < nodes_of(c)[node].next; i = nodes_of(c)[i].next)
            e = add_dependency(c, i, all[k_i]);
    }
    op.list.n = c->s->n_dependencies - op.list.at;
    return e == ERR_OK && op.list.n ? compile_op(c, op) : e;
}
