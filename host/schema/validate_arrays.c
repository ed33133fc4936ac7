/* SPDX-License-Identifier: MIT
 * validate_arrays: elements, counts, and what nobody else has evaluated, of arrays and objects alike.
 */
#include "schema/validator.h"

#include "schema/value.h"

bool validate_size(struct validator *v, const struct op *op, uint32_t node)
{
    uint32_t n = validate_node(v, node)->count;
    bool least = op->keyword == KEYWORD_MIN_ITEMS || op->keyword == KEYWORD_MIN_PROPERTIES;
    const char *what = validate_node(v, node)->type == JSON_ARRAY ? "element" : "member";
    return (least ? n >= op->count : n <= op->count) ||
           violation(v, node, keyword_text(op->keyword), "has %u %s%s, must have at %s %u", n, what, n == 1 ? "" : "s",
                     least ? "least" : "most", op->count);
}

bool validate_items(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t end = validate_node(v, node)->next, *list = v->s->lists + op->list.at;
    uint32_t i = node + 1;
    bool fits = true;
    for (uint32_t k = 0; i < end; i = validate_node(v, i)->next, k++) {
        bool listed = k < op->list.n;
        if (!listed && op->list.rest == RULE_NONE)
            break;
        fits &= validate_child(v, listed ? list[k] : op->list.rest, i, KEYWORD_ITEMS);
        if (!fits && validate_is_brief(v))
            return false;
    }
    validate_note(v, node + 1, i);
    return fits;
}

bool validate_contains(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t end = validate_node(v, node)->next;
    uint32_t n = 0;
    v->quiet++;
    for (uint32_t i = node + 1; i < end && !v->limit; i = validate_node(v, i)->next) {
        if (!validate_child(v, op->contains.rule, i, KEYWORD_CONTAINS))
            continue;
        n++;
        validate_note(v, i, validate_node(v, i)->next);
        if (!v->evaluated && n >= op->contains.min && op->contains.max == UINT32_MAX)
            break;
    }
    v->quiet--;
    if (v->limit)
        return false;
    if (n < op->contains.min)
        return violation(v, node, op->contains.min == 1 ? "contains" : "minContains",
                         "has %u element%s of the kind it must contain, needs at least %u", n, n == 1 ? "" : "s",
                         op->contains.min);
    return n <= op->contains.max ||
           violation(v, node, "maxContains", "has %u elements of the kind it may contain, at most %u are allowed", n,
                     op->contains.max);
}

/* ---- uniqueItems ---- */

struct slot {
    uint32_t hash;
    uint32_t node; /* 0: empty */
};

/* Also where that could not be told. */
static bool may_be_equal(struct validator *v, struct slot a, struct slot b)
{
    return a.hash == b.hash && (validate_equal(v, &v->tape, a.node, b.node) || v->limit);
}

/* Put an element into the table; the node of an equal one that is there already (or of any, when there was too much work), or 0. */
static uint32_t put(struct validator *v, struct slot *slots, uint32_t mask, struct slot new)
{
    uint32_t at = new.hash &mask;
    for (; slots[at].node; at = (at + 1) & mask)
        if (!validate_spend(v, 1) || may_be_equal(v, slots[at], new))
            return slots[at].node;
    slots[at] = new;
    return 0;
}

static bool say_equal(struct validator *v, uint32_t node, uint32_t first, uint32_t second)
{
    uint32_t index = 0, a = 0, b = 0;
    for (uint32_t i = node + 1; i < validate_node(v, node)->next; i = validate_node(v, i)->next, index++) {
        a = i == first ? index : a;
        b = i == second ? index : b;
    }
    return violation(v, node, "uniqueItems", "elements %u and %u are equal", a, b);
}

bool validate_unique(struct validator *v, const struct op *op, uint32_t node)
{
    const struct tape_node *n = validate_node(v, node);
    const size_t before = v->memory->n;
    uint32_t size = 4, first = 0, second = 0;
    (void)op;
    if (n->count < 2)
        return true;
    while (size < 2 * n->count)
        size *= 2;
    struct slot *slots = arena_alloc(v->memory, size * sizeof *slots);
    if (!slots)
        return validate_limit(v, "uniqueItems", "the value takes too much memory");
    memset(slots, 0, size * sizeof *slots);
    bool fits = validate_spend(v, size / 4 + n->n / VALIDATE_BYTES_PER_WORK + n->next - node);
    for (uint32_t i = node + 1; fits && !first && i < n->next; second = i, i = validate_node(v, i)->next)
        first = put(v, slots, size - 1, (struct slot){(uint32_t)(value_hash(&v->tape, i, v->s->seed) >> 32), i});
    v->memory->n = before;
    return fits && first ? say_equal(v, node, first, second) : fits;
}

/* ---- unevaluated* ---- */

/* Mark the children that this rule, and those within it, have evaluated. False: too much work. */
static bool mark(struct validator *v)
{
    for (uint32_t k = v->own_evaluated; k < v->n_evaluated; k++) {
        for (uint32_t i = v->evaluated[k].from; i < v->evaluated[k].to; i = validate_node(v, i)->next) {
            v->tape.nodes[i].mark = 1;
            v->work--;
        }
    }
    return validate_spend(v, 1);
}

bool validate_unevaluated(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t end = validate_node(v, node)->next;
    bool fits = mark(v);
    for (uint32_t i = node + 1; i < end; i = validate_node(v, i)->next) {
        struct tape_node *child = &v->tape.nodes[i];
        if (!child->mark && (fits || !validate_is_brief(v)))
            fits &= validate_child(v, op->rule, i, op->keyword);
        child->mark = 0;
    }
    validate_note(v, node + 1, end);
    return fits;
}
