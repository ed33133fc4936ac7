/* SPDX-License-Identifier: MIT
 * value: hashing and comparing. Owns nothing.
 */
#include "schema/value.h"

#include "schema/number.h"

static uint64_t join(uint64_t a, uint64_t b, uint64_t seed)
{
    const uint64_t parts[2] = {a, b};
    return tape_hash(span_of((const char *)parts, sizeof parts), seed);
}

uint64_t value_hash(const struct tape *t, uint32_t node, uint64_t seed)
{
    const struct tape_node *n = &t->nodes[node];
    uint64_t h = n->type;
    switch (n->type) {
    case JSON_NUMBER:
        return join(number_hash(tape_text(t, node)), n->type, seed);
    case JSON_STRING:
        return join(tape_hash(tape_text(t, node), seed), n->type, seed);
    case JSON_ARRAY:
        for (uint32_t i = node + 1; i < n->next; i = t->nodes[i].next)
            h = join(h, value_hash(t, i, seed), seed);
        return h;
    case JSON_OBJECT: /* in any order: a sum */
        for (uint32_t i = node + 1; i < n->next; i = t->nodes[i].next)
            h += join(tape_hash(tape_name(t, i), seed), value_hash(t, i, seed), seed);
        return join(h, n->count, seed);
    default:
        return join(h, 0, seed);
    }
}

/* The member of b that is called like member i, looked for from *at on, and round; 0: none. */
static uint32_t like_named(const struct tape *a, uint32_t i, const struct tape *b, uint32_t object, uint32_t *at,
                           int64_t *work)
{
    const struct tape_node *wanted = &a->nodes[i];
    for (uint32_t tries = b->nodes[object].count; tries && --*work > 0; tries--) {
        uint32_t found = *at;
        *at = b->nodes[found].next == b->nodes[object].next ? object + 1 : b->nodes[found].next;
        if (b->nodes[found].name_hash == wanted->name_hash && span_eq(tape_name(b, found), tape_name(a, i)))
            return found;
    }
    return 0;
}

bool value_equal(const struct tape *a, uint32_t x, const struct tape *b, uint32_t y, int64_t *work)
{
    const struct tape_node *p = &a->nodes[x], *q = &b->nodes[y];
    if (p->type != q->type || p->count != q->count || --*work <= 0)
        return false;
    switch (p->type) {
    case JSON_NUMBER:
        return number_compare(tape_text(a, x), tape_text(b, y)) == 0;
    case JSON_STRING:
        return span_eq(tape_text(a, x), tape_text(b, y));
    case JSON_ARRAY:
        for (uint32_t i = x + 1, j = y + 1; i < p->next; i = a->nodes[i].next, j = b->nodes[j].next)
            if (!value_equal(a, i, b, j, work))
                return false;
        return true;
    case JSON_OBJECT:
        for (uint32_t i = x + 1, at = y + 1; i < p->next; i = a->nodes[i].next) {
            uint32_t j = like_named(a, i, b, y, &at, work);
            if (!j || !value_equal(a, i, b, j, work))
                return false;
        }
        return true;
    default:
        return true;
    }
}
