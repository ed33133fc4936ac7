/* SPDX-License-Identifier: MIT
 * validate_objects: members by name, by pattern, and the rest; what must be there; what one asks of the others.
 */
#include "schema/validator.h"

/* Looked up in one probe mostly, whatever the schema's size. */
static const struct member *find_rule(const struct validator *v, const struct object_rule *r, uint32_t child)
{
    const uint32_t hash = validate_node(v, child)->name_hash, *slots = v->s->slots + r->slots;
    const struct member *members = v->s->members + r->at;
    for (uint32_t at = hash & r->mask; slots[at]; at = (at + 1) & r->mask) {
        const struct member *m = &members[slots[at] - 1];
        if (m->name.hash == hash && span_eq(m->name.text, tape_name(&v->tape, child)))
            return m;
    }
    return NULL;
}

static bool by_pattern(struct validator *v, const struct object_rule *r, uint32_t child, bool *known)
{
    struct span name = tape_name(&v->tape, child);
    bool fits = true;
    for (uint32_t i = 0; i < r->n_patterns; i++) {
        const struct pattern_rule *p = &v->s->patterns[r->patterns + i];
        enum err e = validate_match(v, p, name, "patternProperties");
        if (e == ERR_NOT_FOUND)
            continue;
        if (e != ERR_OK)
            return false;
        *known = true;
        fits &= validate_child(v, p->rule, child, KEYWORD_PATTERN_PROPERTIES);
    }
    return fits;
}

static bool one_member(struct validator *v, const struct object_rule *r, uint32_t child, uint32_t *required)
{
    const struct member *m = find_rule(v, r, child);
    bool known = m && m->rule != RULE_NONE, fits = true;
    *required += m && m->required;
    if (known)
        fits = validate_child(v, m->rule, child, KEYWORD_PROPERTIES);
    if (r->n_patterns)
        fits &= by_pattern(v, r, child, &known);
    if (!known && r->rest == RULE_NONE)
        return fits;
    if (!known && v->s->rules[r->rest].kind == RULE_NEVER)
        fits = violation(v, child, "additionalProperties", "no member of this name is allowed");
    else if (!known)
        fits = validate_child(v, r->rest, child, KEYWORD_ADDITIONAL_PROPERTIES);
    validate_note(v, child, validate_node(v, child)->next);
    return fits;
}

static bool has_member(struct validator *v, uint32_t object, struct name name)
{
    return validate_spend(v, validate_node(v, object)->count / 4 + 1) &&
           tape_member(&v->tape, object, name.text, name.hash) != 0;
}

static bool say_missing(struct validator *v, const struct object_rule *r, uint32_t node)
{
    for (uint32_t i = 0; i < r->n && !validate_is_brief(v); i++) {
        const struct member *m = &v->s->members[r->at + i];
        if (m->required && !has_member(v, node, m->name))
            violation(v, node, "required", "member \"%.*s%s\" is missing", cut_bytes(m->name.text), m->name.text.p,
                      cut_mark(m->name.text));
    }
    return false;
}

bool validate_properties(struct validator *v, const struct op *op, uint32_t node)
{
    const struct object_rule *r = &v->s->objects[op->index];
    const uint32_t end = validate_node(v, node)->next;
    uint32_t required = 0;
    bool fits = validate_spend(v, validate_node(v, node)->count);
    if (validate_node(v, node)->count < r->n_required && validate_is_brief(v))
        return false;
    for (uint32_t i = node + 1; i < end; i = validate_node(v, i)->next) {
        fits &= one_member(v, r, i, &required);
        if (!fits && validate_is_brief(v))
            return false;
    }
    return required == r->n_required ? fits : say_missing(v, r, node);
}

bool validate_names(struct validator *v, const struct op *op, uint32_t node)
{
    const uint32_t end = validate_node(v, node)->next;
    bool fits = true;
    for (uint32_t i = node + 1; i < end && (fits || !validate_is_brief(v)); i = validate_node(v, i)->next) {
        struct span name = tape_name(&v->tape, i);
        *v->spare =
            (struct tape_node){.text = name.p, .n = (uint32_t)name.n, .next = v->tape.n + 1, .type = JSON_STRING};
        v->named = node;
        fits &= validate_child(v, op->rule, v->tape.n, KEYWORD_PROPERTY_NAMES);
    }
    return fits;
}

static bool depends(struct validator *v, const struct dependency *d, uint32_t node)
{
    bool fits = true;
    for (uint32_t i = 0; i < d->n_names; i++) {
        struct name name = v->s->names[d->names + i];
        if (!has_member(v, node, name))
            fits = violation(v, node, keyword_text(d->keyword),
                             "member \"%.*s%s\" is missing; it must come with \"%.*s%s\"", cut_bytes(name.text),
                             name.text.p, cut_mark(name.text), cut_bytes(d->name.text), d->name.text.p,
                             cut_mark(d->name.text));
    }
    return d->rule == RULE_NONE ? fits : validate(v, d->rule, node, d->keyword) && fits;
}

bool validate_dependencies(struct validator *v, const struct op *op, uint32_t node)
{
    bool fits = true;
    for (uint32_t i = 0; i < op->list.n && (fits || !validate_is_brief(v)); i++) {
        const struct dependency *d = &v->s->dependencies[op->list.at + i];
        if (has_member(v, node, d->name))
            fits &= depends(v, d, node);
    }
    return fits && !v->limit;
}
