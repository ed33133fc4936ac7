/* SPDX-License-Identifier: MIT
 * validate_logic: schemas that apply to the same value: $ref, allOf, anyOf, oneOf, not, if.
 */
#include "schema/validator.h"

bool validate_ref(struct validator *v, const struct op *op, uint32_t node)
{
    return validate(v, op->rule, node, KEYWORD_REF);
}

bool validate_all(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t *list = v->s->lists + op->list.at;
    bool fits = true;
    for (uint32_t i = 0; i < op->list.n && (fits || !validate_is_brief(v)); i++)
        fits &= validate(v, list[i], node, KEYWORD_ALL_OF);
    return fits;
}

/* How many fit; without a need to know them all no more than `enough`. */
static uint32_t count_fits(struct validator *v, const struct op *op, uint32_t node, uint32_t enough)
{
    const uint32_t *list = v->s->lists + op->list.at;
    uint32_t n = 0;
    for (uint32_t i = 0; i < op->list.n && n < enough && !v->limit; i++)
        n += validate_quietly(v, list[i], node, op->keyword);
    return n;
}

/* ---- which one was meant ---- */

enum { TRIED_MAX = 64, ANOTHER_KIND = 100 };

/* How far the value is from a schema, by the errors it makes there. A wrong type of the value itself, or a wrong constant in one of
 * its members, says that another one was meant. */
static unsigned distance(const struct schema_errors *errors, size_t pointer_bytes)
{
    unsigned sum = (unsigned)errors->n + errors->more;
    for (size_t i = 0; i < errors->n; i++) {
        const struct schema_error *e = &errors->list[i];
        struct span below = span_skip(e->pointer, pointer_bytes);
        bool own = below.n == 0, member = !own && !memchr(below.p + 1, '/', below.n - 1);
        bool value = strcmp(e->keyword, "const") == 0 || strcmp(e->keyword, "enum") == 0;
        if ((own && (value || strcmp(e->keyword, "type") == 0)) || (member && value))
            return sum + ANOTHER_KIND;
    }
    return sum;
}

/* Try one with errors of its own, of which nothing is kept. */
static unsigned try_one(struct validator *v, uint32_t rule, uint32_t node, enum keyword via)
{
    struct schema_errors errors = {.n = 0}, *const kept = v->errors;
    const size_t memory = v->memory->n;
    struct buf b = arena_open(v->memory);
    tape_pointer(&v->tape, node == v->tape.n ? v->named : node, &b);
    v->errors = &errors;
    v->trying = true;
    (void)arena_close(v->memory, &b);
    validate(v, rule, node, via);
    v->trying = false;
    v->errors = kept;
    v->memory->n = memory;
    return distance(&errors, b.n);
}

/* None fits: say so, and what is wrong by the one that comes nearest, if one does. */
static bool say_none(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t *list = v->s->lists + op->list.at, n = op->list.n < TRIED_MAX ? op->list.n : TRIED_MAX;
    const char *keyword = keyword_text(op->keyword);
    unsigned nearest = 0, least = ANOTHER_KIND;
    for (uint32_t i = 0; i < n && !v->trying && !validate_is_brief(v); i++) {
        unsigned far = try_one(v, list[i], node, op->keyword);
        nearest = far < least ? i : nearest;
        least = far < least ? far : least;
    }
    if (least == ANOTHER_KIND)
        return violation(v, node, keyword, "fits none of the %u schemas here", op->list.n);
    violation(v, node, keyword, "fits none of the %u schemas here; by the nearest, %s/%u:", op->list.n, keyword,
              nearest);
    validate(v, list[nearest], node, op->keyword);
    return false;
}

bool validate_any(struct validator *v, const struct op *op, uint32_t node)
{
    uint32_t n = count_fits(v, op, node, v->evaluated ? UINT32_MAX : 1);
    if (n || v->limit)
        return !v->limit;
    return say_none(v, op, node);
}

bool validate_one(struct validator *v, const struct op *op, uint32_t node)
{
    uint32_t n = count_fits(v, op, node, 2);
    if (n == 1 || v->limit)
        return !v->limit;
    if (n == 0)
        return say_none(v, op, node);
    return violation(v, node, "oneOf", "fits more than one of the %u schemas here, must fit exactly one", op->list.n);
}

bool validate_not(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t n = v->n_evaluated;
    bool fits = validate_quietly(v, op->rule, node, KEYWORD_NOT);
    v->n_evaluated = n;
    if (v->limit)
        return false;
    return !fits || violation(v, node, "not", "fits a schema that it must not fit");
}

bool validate_if(struct validator *v, const struct op *op, uint32_t node)
{
    bool holds = validate_quietly(v, op->branch.test, node, KEYWORD_IF);
    uint32_t rule = holds ? op->branch.then : op->branch.otherwise;
    if (v->limit)
        return false;
    return rule == RULE_NONE || validate(v, rule, node, holds ? KEYWORD_THEN : KEYWORD_ELSE);
}
