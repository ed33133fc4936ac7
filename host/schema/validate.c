/* SPDX-License-Identifier: MIT
 * validate: runs a program over a tape: the loop over a rule's operations, the limits, what was evaluated.
 */
#include "schema/validator.h"

#include <stdlib.h>

#include "schema/value.h"

struct schema_context {
    struct pattern_context *patterns; /* owned */
};

enum err schema_context_new(struct schema_context **out)
{
    struct schema_context *c = calloc(1, sizeof *c);
    enum err e = c ? pattern_context_new(&c->patterns) : ERR_NO_MEMORY;
    if (e != ERR_OK) {
        free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void schema_context_free(struct schema_context *c)
{
    if (c)
        pattern_context_free(c->patterns);
    free(c);
}

/* ---- limits ---- */

bool validate_limit(struct validator *v, const char *keyword, const char *what)
{
    if (!v->limit) {
        v->limit = what;
        v->limit_keyword = keyword;
    }
    return false;
}

bool validate_spend(struct validator *v, uint64_t work)
{
    if (v->limit)
        return false;
    if (work < (uint64_t)INT64_MAX / 2 && (v->work -= (int64_t)work) > 0)
        return true;
    return validate_limit(v, "", "the value takes too much work against this schema");
}

bool validate_equal(struct validator *v, const struct tape *t, uint32_t there, uint32_t node)
{
    bool equal = value_equal(t, there, &v->tape, node, &v->work);
    return validate_spend(v, 0) && equal;
}

enum err validate_match(struct validator *v, const struct pattern_rule *p, struct span text, const char *keyword)
{
    if (!validate_spend(v, 1 + text.n / VALIDATE_BYTES_PER_WORK))
        return ERR_NO_ROOM;
    enum err e = pattern_match(p->pattern, v->patterns, text);
    if (!validate_spend(v, pattern_steps(v->patterns)))
        return ERR_NO_ROOM;
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        validate_limit(v, keyword, "a text takes too much work against a pattern");
    return e;
}

/* ---- rules ---- */

enum {
    ANY = 0xff,
    NUMBER = 1 << JSON_NUMBER,
    STRING = 1 << JSON_STRING,
    ARRAY = 1 << JSON_ARRAY,
    OBJECT = 1 << JSON_OBJECT,
};

static const struct {
    validate_fn *run;
    uint8_t types; /* values of other types fit without a look */
} runs[KEYWORD_COUNT] = {
    [KEYWORD_TYPE] = {validate_type, ANY},
    [KEYWORD_CONST] = {validate_const, ANY},
    [KEYWORD_ENUM] = {validate_enum, ANY},
    [KEYWORD_MINIMUM] = {validate_bound, NUMBER},
    [KEYWORD_MAXIMUM] = {validate_bound, NUMBER},
    [KEYWORD_EXCLUSIVE_MINIMUM] = {validate_bound, NUMBER},
    [KEYWORD_EXCLUSIVE_MAXIMUM] = {validate_bound, NUMBER},
    [KEYWORD_MULTIPLE_OF] = {validate_multiple, NUMBER},
    [KEYWORD_MIN_LENGTH] = {validate_length, STRING},
    [KEYWORD_MAX_LENGTH] = {validate_length, STRING},
    [KEYWORD_PATTERN] = {validate_pattern, STRING},
    [KEYWORD_FORMAT] = {validate_format, STRING},
    [KEYWORD_MIN_ITEMS] = {validate_size, ARRAY},
    [KEYWORD_MAX_ITEMS] = {validate_size, ARRAY},
    [KEYWORD_UNIQUE_ITEMS] = {validate_unique, ARRAY},
    [KEYWORD_ITEMS] = {validate_items, ARRAY},
    [KEYWORD_CONTAINS] = {validate_contains, ARRAY},
    [KEYWORD_MIN_PROPERTIES] = {validate_size, OBJECT},
    [KEYWORD_MAX_PROPERTIES] = {validate_size, OBJECT},
    [KEYWORD_PROPERTIES] = {validate_properties, OBJECT},
    [KEYWORD_PROPERTY_NAMES] = {validate_names, OBJECT},
    [KEYWORD_DEPENDENCIES] = {validate_dependencies, OBJECT},
    [KEYWORD_REF] = {validate_ref, ANY},
    [KEYWORD_ALL_OF] = {validate_all, ANY},
    [KEYWORD_ANY_OF] = {validate_any, ANY},
    [KEYWORD_ONE_OF] = {validate_one, ANY},
    [KEYWORD_NOT] = {validate_not, ANY},
    [KEYWORD_IF] = {validate_if, ANY},
    [KEYWORD_UNEVALUATED_ITEMS] = {validate_unevaluated, ARRAY},
    [KEYWORD_UNEVALUATED_PROPERTIES] = {validate_unevaluated, OBJECT},
};

static bool run_ops(struct validator *v, const struct rule *r, uint32_t node)
{
    const struct op *op = v->s->ops + r->first, *end = op + r->n;
    const unsigned type = 1u << validate_node(v, node)->type;
    bool fits = true;
    for (; op < end; op++) {
        if (!(runs[op->keyword].types & type))
            continue;
        if (!fits && op->keyword >= KEYWORD_UNEVALUATED_ITEMS)
            continue; /* what failed has evaluated nothing, and would be complained of twice */
        fits &= runs[op->keyword].run(v, op, node);
        if (!fits && validate_is_brief(v))
            return false;
    }
    return fits;
}

bool validate(struct validator *v, uint32_t rule, uint32_t node, enum keyword via)
{
    const struct rule *r = &v->s->rules[rule];
    if (r->kind == RULE_ALWAYS)
        return !v->limit;
    if (r->kind == RULE_NEVER)
        return violation(v, node, keyword_text(via), "nothing is allowed here");
    if (!validate_spend(v, 1 + r->n))
        return false;
    if (v->depth == VALIDATE_DEPTH_MAX)
        return validate_limit(v, keyword_text(via), "schemas lie too deep within one another");
    const uint32_t own = v->own_evaluated;
    v->own_evaluated = v->n_evaluated;
    v->depth++;
    bool fits = run_ops(v, r, node);
    v->depth--;
    if (!fits)
        v->n_evaluated = v->own_evaluated;
    v->own_evaluated = own;
    return fits;
}

bool validate_child(struct validator *v, uint32_t rule, uint32_t node, enum keyword via)
{
    const uint32_t n = v->n_evaluated;
    bool fits = validate(v, rule, node, via);
    v->n_evaluated = n;
    return fits;
}

bool validate_quietly(struct validator *v, uint32_t rule, uint32_t node, enum keyword via)
{
    v->quiet++;
    bool fits = validate(v, rule, node, via);
    v->quiet--;
    return fits;
}

/* ---- what was evaluated ---- */

void validate_note(struct validator *v, uint32_t from, uint32_t to)
{
    if (!v->evaluated || from == to)
        return;
    if (v->n_evaluated > v->own_evaluated && v->evaluated[v->n_evaluated - 1].to == from) {
        v->evaluated[v->n_evaluated - 1].to = to;
        return;
    }
    if (v->n_evaluated == v->max_evaluated) {
        validate_limit(v, "", "the value takes too much memory against this schema");
        return;
    }
    v->evaluated[v->n_evaluated++] = (struct evaluated){from, to};
}

/* ---- one instance ---- */

enum { ERRORS_BYTES = 32768, SHORT_TEXT = 4096 };

static uint32_t evaluated_max(uint32_t nodes)
{
    return nodes + 64;
}

size_t schema_scratch_bytes(const struct schema *s, struct span instance)
{
    /* Two bytes make a node at least, and a string with an escape has four. */
    size_t tape = instance.n <= SHORT_TEXT ? (instance.n / 2 + 3) * sizeof(struct tape_node) + 6 * instance.n
                                           : tape_bytes(instance);
    size_t nodes = tape / sizeof(struct tape_node) + 1;
    size_t more = ERRORS_BYTES + (s->tracks ? (size_t)evaluated_max((uint32_t)nodes) * sizeof(struct evaluated) : 0);
    return tape + more + (s->compares ? nodes * 32 : 0); /* a table of 8 bytes a slot, at most 4 slots for an element */
}

static enum err prepare(struct validator *v, struct span instance)
{
    enum err e = tape_build(instance, v->s->seed, v->memory, &v->tape);
    if (e != ERR_OK)
        return e;
    v->spare = v->tape.nodes + v->tape.n;
    v->work =
        VALIDATE_WORK + (int64_t)VALIDATE_WORK_PER_NODE * v->tape.n + VALIDATE_WORK_PER_BYTE * (int64_t)instance.n;
    if (!v->s->tracks)
        return ERR_OK;
    v->max_evaluated = evaluated_max(v->tape.n);
    v->evaluated = arena_alloc(v->memory, v->max_evaluated * sizeof *v->evaluated);
    return v->evaluated ? ERR_OK : ERR_NO_ROOM;
}

static enum err say_limit(struct schema_errors *errors, const char *keyword, const char *what)
{
    if (errors) {
        errors->list[0] = (struct schema_error){SPAN_LIT(""), keyword, span_str(what)};
        errors->n = 1;
        errors->more = false;
    }
    return ERR_NO_ROOM;
}

enum err schema_validate(const struct schema *s, struct schema_context *c, struct span instance, struct arena *memory,
                         struct schema_errors *errors)
{
    struct validator v = {.s = s, .patterns = c->patterns, .memory = memory, .errors = errors};
    if (errors)
        *errors = (struct schema_errors){.n = 0};
    if (prepare(&v, instance) != ERR_OK)
        return say_limit(errors, "", "the value takes too much memory");
    bool fits = validate(&v, s->root, 0, KEYWORD_SCHEMA);
    if (v.limit)
        return say_limit(errors, v.limit_keyword, v.limit);
    return fits ? ERR_OK : ERR_SCHEMA_VIOLATION;
}
