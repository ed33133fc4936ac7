/* SPDX-License-Identifier: MIT
 * compile_scalars: the keywords that hold no schema: types, values, numbers, strings, counts.
 */
#include "schema/compiler.h"

#include <stdio.h>
#include <stdlib.h>

#include "schema/number.h"
#include "schema/value.h"

static const struct tape_node *node_at(const struct compiler *c, uint32_t node)
{
    return &compile_tape(c, c->doc)->nodes[node];
}

static struct span text_at(const struct compiler *c, uint32_t node)
{
    return tape_text(compile_tape(c, c->doc), node);
}

/* ---- type, const, enum ---- */

static const struct type_name {
    const char *name;
    uint32_t bits;
} type_names[] = {
    {"null", 1u << JSON_NULL},     {"boolean", 1u << JSON_TRUE | 1u << JSON_FALSE},
    {"number", 1u << JSON_NUMBER}, {"string", 1u << JSON_STRING},
    {"array", 1u << JSON_ARRAY},   {"object", 1u << JSON_OBJECT},
    {"integer", TYPE_INTEGER},
};

static enum err add_type(struct compiler *c, uint32_t node, uint32_t *types)
{
    for (size_t i = 0; node_at(c, node)->type == JSON_STRING && i < sizeof type_names / sizeof *type_names; i++) {
        if (span_eq_str(text_at(c, node), type_names[i].name)) {
            *types |= type_names[i].bits;
            return ERR_OK;
        }
    }
    return compile_fault(c, c->doc, node, "must be null, boolean, integer, number, string, array or object");
}

static enum err compile_type(struct compiler *c, uint32_t node, enum keyword keyword)
{
    struct op op = {.keyword = keyword};
    enum err e = ERR_OK;
    if (node_at(c, node)->type != JSON_ARRAY)
        e = add_type(c, node, &op.types);
    else if (node_at(c, node)->count == 0)
        return compile_fault(c, c->doc, node, "must not be empty");
    else
        for (uint32_t i = node + 1; e == ERR_OK && i < node_at(c, node)->next; i = node_at(c, i)->next)
            e = add_type(c, i, &op.types);
    return e == ERR_OK ? compile_op(c, op) : e;
}

static int by_hash(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static enum err compile_value(struct compiler *c, uint32_t node, enum keyword keyword)
{
    const struct tape *t = compile_tape(c, c->doc);
    bool one = keyword == KEYWORD_CONST;
    if (!one && t->nodes[node].type != JSON_ARRAY)
        return compile_fault(c, c->doc, node, "must be a list of values");
    uint32_t n = one ? 1 : t->nodes[node].count;
    struct op op = {.keyword = keyword, .list = {c->s->n_values, n, RULE_NONE}};
    struct value *v = program_grow(&c->s->values, &c->s->n_values, n, sizeof *v);
    if (!v)
        return compile_no_memory(c);
    uint32_t at = one ? node : node + 1;
    for (uint32_t i = 0; i < n; i++, at = t->nodes[at].next)
        v[i] = (struct value){value_hash(t, at, c->s->seed), t, at};
    qsort(v, n, sizeof *v, by_hash);
    return compile_op(c, op);
}

/* ---- numbers and counts ---- */

static enum err compile_bound(struct compiler *c, uint32_t node, enum keyword keyword)
{
    struct op op = {.keyword = keyword, .number = text_at(c, node)};
    if (node_at(c, node)->type != JSON_NUMBER)
        return compile_fault(c, c->doc, node, "must be a number");
    return compile_op(c, op);
}

static enum err compile_multiple(struct compiler *c, uint32_t node, enum keyword keyword)
{
    if (node_at(c, node)->type != JSON_NUMBER || number_compare(text_at(c, node), SPAN_LIT("0")) <= 0)
        return compile_fault(c, c->doc, node, "must be a number greater than 0");
    if (!number_is_divisor(text_at(c, node)))
        return compile_fault(c, c->doc, node, "has more than %d digits", NUMBER_DIVISOR_DIGITS);
    return compile_bound(c, node, keyword);
}

enum err compile_count(struct compiler *c, uint32_t node, uint32_t *out)
{
    struct span text = text_at(c, node);
    if (node_at(c, node)->type != JSON_NUMBER || !number_is_integer(text) || number_compare(text, SPAN_LIT("0")) < 0)
        return compile_fault(c, c->doc, node, "must be a whole number from 0 on");
    uint32_t low = 0, high = UINT32_MAX; /* 2, 2.0 and 0.2e1 are the same: halve until it is found */
    while (low < high) {
        char middle[16];
        uint32_t m = low + (high - low) / 2;
        snprintf(middle, sizeof middle, "%lu", (unsigned long)m);
        if (number_compare(text, span_str(middle)) <= 0)
            high = m;
        else
            low = m + 1;
    }
    *out = low;
    return ERR_OK;
}

static enum err compile_limit(struct compiler *c, uint32_t node, enum keyword keyword)
{
    struct op op = {.keyword = keyword};
    enum err e = compile_count(c, node, &op.count);
    return e == ERR_OK ? compile_op(c, op) : e;
}

/* ---- strings ---- */

static enum err compile_pattern(struct compiler *c, uint32_t node, enum keyword keyword)
{
    struct op op = {.keyword = keyword, .index = c->s->n_patterns};
    struct why w;
    if (node_at(c, node)->type != JSON_STRING)
        return compile_fault(c, c->doc, node, "must be a regular expression");
    struct pattern_rule *p = program_grow(&c->s->patterns, &c->s->n_patterns, 1, sizeof *p);
    if (!p)
        return compile_no_memory(c);
    p->source = text_at(c, node);
    enum err e = pattern_compile(p->source, &p->pattern, &w);
    if (e != ERR_OK)
        return e == ERR_NO_MEMORY ? compile_no_memory(c) : compile_fault(c, c->doc, node, "%s", w.text);
    return compile_op(c, op);
}

static enum err compile_format(struct compiler *c, uint32_t node, enum keyword keyword)
{
    struct op op = {.keyword = keyword};
    if (node_at(c, node)->type != JSON_STRING)
        return compile_fault(c, c->doc, node, "must be the name of a format");
    op.format = c->options->formats ? format_find(text_at(c, node)) : NULL;
    return op.format ? compile_op(c, op) : ERR_OK;
}

static enum err compile_unique(struct compiler *c, uint32_t node, enum keyword keyword)
{
    enum json_type type = node_at(c, node)->type;
    if (type != JSON_TRUE && type != JSON_FALSE)
        return compile_fault(c, c->doc, node, "must be true or false");
    c->s->compares |= type == JSON_TRUE;
    return type == JSON_TRUE ? compile_op(c, (struct op){.keyword = keyword}) : ERR_OK;
}

enum err compile_scalars(struct compiler *c, const struct keywords *k)
{
    static const struct {
        enum keyword keyword;
        enum err (*compile)(struct compiler *c, uint32_t node, enum keyword keyword);
    } parts[] = {
        {KEYWORD_TYPE, compile_type},
        {KEYWORD_CONST, compile_value},
        {KEYWORD_ENUM, compile_value},
        {KEYWORD_MINIMUM, compile_bound},
        {KEYWORD_MAXIMUM, compile_bound},
        {KEYWORD_EXCLUSIVE_MINIMUM, compile_bound},
        {KEYWORD_EXCLUSIVE_MAXIMUM, compile_bound},
        {KEYWORD_MULTIPLE_OF, compile_multiple},
        {KEYWORD_MIN_LENGTH, compile_limit},
        {KEYWORD_MAX_LENGTH, compile_limit},
        {KEYWORD_FORMAT, compile_format},
        {KEYWORD_PATTERN, compile_pattern},
        {KEYWORD_MIN_ITEMS, compile_limit},
        {KEYWORD_MAX_ITEMS, compile_limit},
        {KEYWORD_UNIQUE_ITEMS, compile_unique},
        {KEYWORD_MIN_PROPERTIES, compile_limit},
        {KEYWORD_MAX_PROPERTIES, compile_limit},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < sizeof parts / sizeof *parts; i++)
        if (k->at[parts[i].keyword])
            e = parts[i].compile(c, k->at[parts[i].keyword], parts[i].keyword);
    return e;
}
