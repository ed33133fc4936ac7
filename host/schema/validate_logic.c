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

bool validate_any(struct validator *v, const struct op *op, uint32_t node)
{
    uint32_t n = count_fits(v, op, node, v->evaluated ? UINT32_MAX : 1);
    if (n || v->limit)
        return !v->limit;
    return violation(v, node, "anyOf", "fits none of the %u schemas that it may fit", op->list.n);
}

bool validate_one(struct validator *v, const struct op *op, uint32_t node)
{
    uint32_t n = count_fits(v, op, node, 2);
    if (n == 1 || v->limit)
        return !v->limit;
    if (n == 0)
        return violation(v, node, "oneOf", "fits none of the %u schemas of which it must fit one", op->list.n);
    return violation(v, node, "oneOf", "fits more than one of the %u schemas of which it must fit one", op->list.n);
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
