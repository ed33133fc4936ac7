/* SPDX-License-Identifier: MIT
 * compile_loops: schemas that apply to the same value ($ref, allOf, if, …) must come to an end: one that leads back to itself would
 * never decide. And they must not lie too deep, so that a validator's stack is bounded.
 */
#include "schema/compiler.h"

#include <stdlib.h>

enum { CHAIN_MAX = 200 };

/* The rules that one rule applies to the same value, all rules' behind each other. */
struct graph {
    uint32_t *first; /* of rule i: edges [first[i], first[i + 1]) */
    uint32_t *edges;
    uint32_t n_edges;
};

static bool edge(struct graph *g, uint32_t rule)
{
    uint32_t *to = rule == RULE_NONE ? NULL : program_grow(&g->edges, &g->n_edges, 1, sizeof *to);
    if (to)
        *to = rule;
    return to || rule == RULE_NONE;
}

static bool edges_of_op(struct graph *g, const struct schema *s, const struct op *op)
{
    bool fits = true;
    switch (op->keyword) {
    case KEYWORD_REF:
    case KEYWORD_NOT:
        return edge(g, op->rule);
    case KEYWORD_ALL_OF:
    case KEYWORD_ANY_OF:
    case KEYWORD_ONE_OF:
        for (uint32_t i = 0; fits && i < op->list.n; i++)
            fits = edge(g, s->lists[op->list.at + i]);
        return fits;
    case KEYWORD_DEPENDENCIES:
        for (uint32_t i = 0; fits && i < op->list.n; i++)
            fits = edge(g, s->dependencies[op->list.at + i].rule);
        return fits;
    case KEYWORD_IF:
        return edge(g, op->branch.test) && edge(g, op->branch.then) && edge(g, op->branch.otherwise);
    default:
        return true;
    }
}

static bool build(struct graph *g, const struct schema *s)
{
    bool fits = true;
    for (uint32_t i = 0; fits && i < s->n_rules; i++) {
        g->first[i] = g->n_edges;
        for (uint32_t k = 0; fits && k < s->rules[i].n; k++)
            fits = edges_of_op(g, s, &s->ops[s->rules[i].first + k]);
    }
    g->first[s->n_rules] = g->n_edges;
    return fits;
}

struct step {
    uint32_t rule, edge; /* the next one to follow */
};

/* Depth first with a stack of our own. height[i]: 0 not seen, 1 on the stack, else 2 + how many rules the longest chain from it has. */
static enum err follow(struct compiler *c, const struct graph *g, struct step *stack, uint32_t *height, uint32_t root)
{
    uint32_t n = 1;
    stack[0] = (struct step){root, g->first[root]};
    height[root] = height[root] ? height[root] : 1;
    while (n && height[root] == 1) {
        struct step *top = &stack[n - 1];
        if (top->edge == g->first[top->rule + 1]) {
            uint32_t longest = 2;
            for (uint32_t e = g->first[top->rule]; e < top->edge; e++)
                longest = height[g->edges[e]] + 1 > longest ? height[g->edges[e]] + 1 : longest;
            const struct spot *at = &c->spots[top->rule];
            if (longest > CHAIN_MAX)
                return compile_fault(c, at->doc, at->node, "more than %d schemas follow one another here", CHAIN_MAX);
            height[top->rule] = longest;
            n--;
            continue;
        }
        uint32_t to = g->edges[top->edge++];
        if (height[to] == 1)
            return compile_fault(c, c->spots[to].doc, c->spots[to].node,
                                 "leads back to itself without going into the value, and would never decide");
        if (height[to] == 0) {
            height[to] = 1;
            stack[n++] = (struct step){to, g->first[to]};
        }
    }
    return ERR_OK;
}

enum err compile_no_loops(struct compiler *c)
{
    uint32_t n = c->s->n_rules;
    struct graph g = {.first = calloc(n + 1, sizeof *g.first)};
    uint32_t *height = calloc(n, sizeof *height);
    struct step *stack = calloc(n + 1, sizeof *stack);
    enum err e = g.first && height && stack && build(&g, c->s) ? ERR_OK : compile_no_memory(c);
    for (uint32_t i = 0; e == ERR_OK && i < n; i++)
        e = follow(c, &g, stack, height, i);
    free(g.first);
    free(g.edges);
    free(height);
    free(stack);
    return e;
}
