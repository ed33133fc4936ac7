/* SPDX-License-Identifier: MIT
 * compile_ops: the keywords of one schema object, in the order in which they are run: what is cheap first, unevaluated* last.
 */
#include "schema/compiler.h"

static enum err compile_ref(struct compiler *c, uint32_t schema, uint32_t node)
{
    struct spot at;
    struct op op = {.keyword = KEYWORD_REF};
    uint32_t doc = c->doc;
    enum err e = document_follow(c, doc, schema, node, &at);
    if (e == ERR_OK)
        e = compile_rule(c, at.doc, at.node, &op.rule);
    return e == ERR_OK ? compile_op(c, op) : e;
}

/* A list of schemas. */
static enum err compile_list(struct compiler *c, uint32_t node, struct op *op)
{
    const struct tape_node *nodes = compile_tape(c, c->doc)->nodes;
    enum err e = ERR_OK;
    op->list.at = c->s->n_lists;
    op->list.n = nodes[node].count;
    op->list.rest = RULE_NONE;
    if (nodes[node].type != JSON_ARRAY)
        return compile_fault(c, c->doc, node, "must be a list of schemas");
    if (!program_grow(&c->s->lists, &c->s->n_lists, op->list.n, sizeof *c->s->lists))
        return compile_no_memory(c);
    uint32_t to = op->list.at;
    for (uint32_t i = node + 1; e == ERR_OK && i < nodes[node].next; i = nodes[i].next)
        e = compile_rule(c, c->doc, i, &c->s->lists[to++]);
    return e;
}

static enum err compile_lists(struct compiler *c, const struct keywords *k)
{
    static const enum keyword lists[] = {KEYWORD_ALL_OF, KEYWORD_ANY_OF, KEYWORD_ONE_OF};
    for (unsigned i = 0; i < 3; i++) {
        uint32_t node = k->at[lists[i]];
        struct op op = {.keyword = lists[i]};
        if (!node)
            continue;
        enum err e = compile_list(c, node, &op);
        if (e == ERR_OK && op.list.n == 0)
            e = compile_fault(c, c->doc, node, "must not be empty");
        if (e == ERR_OK)
            e = compile_op(c, op);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err compile_single(struct compiler *c, const struct keywords *k, enum keyword keyword)
{
    struct op op = {.keyword = keyword};
    if (!k->at[keyword])
        return ERR_OK;
    enum err e = compile_rule(c, c->doc, k->at[keyword], &op.rule);
    return e == ERR_OK ? compile_op(c, op) : e;
}

static enum err compile_branch(struct compiler *c, const struct keywords *k)
{
    struct op op = {.keyword = KEYWORD_IF, .branch = {0, RULE_NONE, RULE_NONE}};
    if (!k->at[KEYWORD_IF])
        return ERR_OK;
    enum err e = compile_rule(c, c->doc, k->at[KEYWORD_IF], &op.branch.test);
    if (e == ERR_OK && k->at[KEYWORD_THEN])
        e = compile_rule(c, c->doc, k->at[KEYWORD_THEN], &op.branch.then);
    if (e == ERR_OK && k->at[KEYWORD_ELSE])
        e = compile_rule(c, c->doc, k->at[KEYWORD_ELSE], &op.branch.otherwise);
    return e == ERR_OK ? compile_op(c, op) : e;
}

static enum err compile_items(struct compiler *c, const struct keywords *k)
{
    const struct tape_node *nodes = compile_tape(c, c->doc)->nodes;
    uint32_t list = k->at[KEYWORD_PREFIX_ITEMS], rest = k->at[KEYWORD_ITEMS];
    struct op op = {.keyword = KEYWORD_ITEMS, .list = {.rest = RULE_NONE}};
    enum err e = ERR_OK;
    if (rest && nodes[rest].type == JSON_ARRAY) {
        if (k->draft != SCHEMA_DRAFT_07)
            return compile_fault(c, c->doc, rest, "must be a schema; a list is called prefixItems");
        list = rest;
        rest = k->at[KEYWORD_ADDITIONAL_ITEMS];
    }
    if (list)
        e = compile_list(c, list, &op);
    if (e == ERR_OK && rest)
        e = compile_rule(c, c->doc, rest, &op.list.rest);
    return e == ERR_OK && (list || rest) ? compile_op(c, op) : e;
}

static enum err compile_contains(struct compiler *c, const struct keywords *k)
{
    struct op op = {.keyword = KEYWORD_CONTAINS, .contains = {0, 1, UINT32_MAX}};
    if (!k->at[KEYWORD_CONTAINS])
        return ERR_OK;
    enum err e = compile_rule(c, c->doc, k->at[KEYWORD_CONTAINS], &op.contains.rule);
    if (e == ERR_OK && k->at[KEYWORD_MIN_CONTAINS])
        e = compile_count(c, k->at[KEYWORD_MIN_CONTAINS], &op.contains.min);
    if (e == ERR_OK && k->at[KEYWORD_MAX_CONTAINS])
        e = compile_count(c, k->at[KEYWORD_MAX_CONTAINS], &op.contains.max);
    return e == ERR_OK ? compile_op(c, op) : e;
}

static enum err compile_names(struct compiler *c, const struct keywords *k)
{
    return compile_single(c, k, KEYWORD_PROPERTY_NAMES);
}

static enum err compile_not(struct compiler *c, const struct keywords *k)
{
    return compile_single(c, k, KEYWORD_NOT);
}

static enum err compile_unevaluated(struct compiler *c, const struct keywords *k)
{
    enum err e = compile_single(c, k, KEYWORD_UNEVALUATED_ITEMS);
    if (k->at[KEYWORD_UNEVALUATED_ITEMS] || k->at[KEYWORD_UNEVALUATED_PROPERTIES])
        c->s->tracks = true;
    return e == ERR_OK ? compile_single(c, k, KEYWORD_UNEVALUATED_PROPERTIES) : e;
}

static enum err compile_named(struct compiler *c, uint32_t node)
{
    const struct tape_node *nodes = compile_tape(c, c->doc)->nodes;
    uint32_t rule;
    enum err e = ERR_OK;
    if (nodes[node].type != JSON_OBJECT)
        return compile_fault(c, c->doc, node, "must be an object of schemas");
    for (uint32_t i = node + 1; e == ERR_OK && i < nodes[node].next; i = nodes[i].next)
        e = compile_rule(c, c->doc, i, &rule);
    return e;
}

/* What does nothing by itself, or nothing without a keyword beside it, has to be right all the same; of other documents only
 * what a reference leads to is looked at. */
static enum err compile_idle(struct compiler *c, const struct keywords *k)
{
    static const enum keyword idle[] = {KEYWORD_DEFS,        KEYWORD_DEFINITIONS,      KEYWORD_THEN,
                                        KEYWORD_ELSE,        KEYWORD_ADDITIONAL_ITEMS, KEYWORD_MIN_CONTAINS,
                                        KEYWORD_MAX_CONTAINS};
    enum err e = ERR_OK;
    for (size_t i = 0; c->doc == 0 && e == ERR_OK && i < sizeof idle / sizeof *idle; i++) {
        uint32_t node = k->at[idle[i]], unused;
        if (!node)
            continue;
        if (keyword_holds(idle[i]) == HOLDS_NAMED)
            e = compile_named(c, node);
        else if (keyword_holds(idle[i]) == HOLDS_SCHEMA)
            e = compile_rule(c, c->doc, node, &unused);
        else
            e = compile_count(c, node, &unused);
    }
    return e;
}

static void find_keywords(struct compiler *c, uint32_t node, struct keywords *k)
{
    const struct tape *t = compile_tape(c, c->doc);
    *k = (struct keywords){.draft = document_draft(c, c->doc, node)};
    for (uint32_t i = node + 1; i < t->nodes[node].next; i = t->nodes[i].next) {
        enum keyword found = keyword_find(tape_name(t, i), k->draft);
        if (found < KEYWORD_COUNT)
            k->at[found] = i;
    }
}

enum err compile_ops(struct compiler *c, uint32_t node)
{
    static enum err (*const parts[])(struct compiler * c, const struct keywords *k) = {
        compile_scalars, compile_members, compile_items,  compile_contains,    compile_names, compile_dependencies,
        compile_lists,   compile_not,     compile_branch, compile_unevaluated, compile_idle};
    struct keywords k;
    find_keywords(c, node, &k);
    enum err e = k.at[KEYWORD_REF] ? compile_ref(c, node, k.at[KEYWORD_REF]) : ERR_OK;
    if (k.at[KEYWORD_REF] && k.draft == SCHEMA_DRAFT_07)
        return e; /* all beside it means nothing (draft-07 core, section 8.3) */
    for (size_t i = 0; e == ERR_OK && i < sizeof parts / sizeof *parts; i++)
        e = parts[i](c, &k);
    return e;
}
