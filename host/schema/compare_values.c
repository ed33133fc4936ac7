/* SPDX-License-Identifier: MIT
 * compare_values: types, listed values, bounds, sizes, patterns, formats.
 */
#include <stdio.h>

#include "schema/compare_parts.h"
#include "schema/format.h"
#include "schema/number.h"

enum { SHOWN_BYTES = 60 };

/* ---- types ---- */

static unsigned value_type(const struct tape *t, uint32_t node)
{
    switch (t->nodes[node].type) {
    case JSON_NULL:
        return T_NULL;
    case JSON_FALSE:
    case JSON_TRUE:
        return T_BOOLEAN;
    case JSON_NUMBER:
        return number_is_integer(tape_text(t, node)) ? T_INTEGER : T_FRACTION;
    case JSON_STRING:
        return T_STRING;
    case JSON_ARRAY:
        return T_ARRAY;
    default:
        return T_OBJECT;
    }
}

static const struct {
    const char *name;
    unsigned types;
} type_names[] = {{"null", T_NULL},     {"boolean", T_BOOLEAN}, {"number", T_NUMBER}, {"integer", T_INTEGER},
                  {"string", T_STRING}, {"array", T_ARRAY},     {"object", T_OBJECT}};

static unsigned named_type(struct span name)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (span_eq_str(name, type_names[i].name))
            return type_names[i].types;
    return 0;
}

/* Of a string or an array of strings. */
static unsigned named_types(const struct tape *t, uint32_t node)
{
    unsigned types = 0;
    if (t->nodes[node].type == JSON_STRING)
        return named_type(tape_text(t, node));
    for (uint32_t i = node + 1; i < t->nodes[node].next; i = t->nodes[i].next)
        types |= named_type(tape_text(t, i));
    return types;
}

static unsigned listed_types(const struct tape *t, uint32_t list)
{
    unsigned types = 0;
    for (uint32_t i = list + 1; i < t->nodes[list].next; i = t->nodes[i].next)
        types |= value_type(t, i);
    return types;
}

/* What some branch allows; all: what every one does. */
static unsigned branch_types(const struct side *s, uint32_t list, bool all, unsigned depth)
{
    const struct tape *t = &s->tape;
    unsigned types = all ? T_ALL : 0;
    for (uint32_t i = list + 1; i < t->nodes[list].next; i = t->nodes[i].next) {
        unsigned one = side_types(s, i, depth + 1);
        types = all ? types & one : types | one;
    }
    return types;
}

unsigned side_types(const struct side *s, uint32_t schema, unsigned depth)
{
    enum { DEEP = 6 };
    const struct tape *t = &s->tape;
    unsigned types = T_ALL;
    uint32_t k, target;
    if (t->nodes[schema].type != JSON_OBJECT)
        return is_boolean(t, schema, false) ? 0 : T_ALL;
    if (depth > DEEP)
        return T_ALL;
    if ((k = side_keyword(s, schema, KEYWORD_TYPE)))
        types &= named_types(t, k);
    if ((k = side_keyword(s, schema, KEYWORD_CONST)))
        types &= value_type(t, k);
    if ((k = side_keyword(s, schema, KEYWORD_ENUM)))
        types &= listed_types(t, k);
    if ((k = side_keyword(s, schema, KEYWORD_ALL_OF)))
        types &= branch_types(s, k, true, depth);
    if ((k = side_keyword(s, schema, KEYWORD_ANY_OF)))
        types &= branch_types(s, k, false, depth);
    if ((k = side_keyword(s, schema, KEYWORD_ONE_OF)))
        types &= branch_types(s, k, false, depth);
    if (side_resolve(s, schema, &target))
        types &= side_types(s, target, depth + 1);
    return types;
}

bool compare_type(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    unsigned lost = old->types & ~named_types(&c->new.tape, value);
    char words[128] = "";
    size_t n = 0;
    if (lost == 0)
        return true;
    if ((lost & T_NUMBER) == T_FRACTION)
        n += (size_t)snprintf(words, sizeof words, ", number with a fraction");
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if ((lost & type_names[i].types) == type_names[i].types &&
            !(type_names[i].types == T_INTEGER && (lost & T_FRACTION)))
            n += (size_t)snprintf(words + n, sizeof words - n, ", %s", type_names[i].name);
    return compare_refused(c, at, k, "values of type %s", words + 2);
}

/* ---- listed values ---- */

/* The enum or const of the set that lists all that can be; 0 if none does. */
static uint32_t find_values(const struct comparison *c, const struct set *old, bool *single)
{
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t constant = side_keyword(&c->old, old->node[i], KEYWORD_CONST);
        uint32_t list = side_keyword(&c->old, old->node[i], KEYWORD_ENUM);
        *single = constant != 0;
        if (constant || list)
            return constant ? constant : list;
    }
    return 0;
}

static bool is_listed(struct comparison *c, uint32_t old, enum keyword k, uint32_t value)
{
    const struct tape *t = &c->new.tape;
    if (k == KEYWORD_CONST)
        return value_equal(&c->old.tape, old, t, value, &c->work);
    for (uint32_t i = value + 1; i < t->nodes[value].next; i = t->nodes[i].next)
        if (value_equal(&c->old.tape, old, t, i, &c->work))
            return true;
    return false;
}

static bool value_is_listed(struct comparison *c, uint32_t at, enum keyword k, uint32_t value, uint32_t old)
{
    if (is_listed(c, old, k, value))
        return true;
    struct span text = tape_text(&c->old.tape, old);
    const char *quote = c->old.tape.nodes[old].type == JSON_STRING ? "\"" : "";
    bool cut = text.n > SHOWN_BYTES;
    return compare_refused(c, at, k, "the value %s%.*s%s%s", quote, cut ? SHOWN_BYTES : (int)text.n, text.p,
                           cut ? "…" : "", quote);
}

/* There are few values of some types. */
static bool all_are_listed(struct comparison *c, const struct set *old, enum keyword k, uint32_t value)
{
    static const struct {
        enum json_type json;
        unsigned type;
    } few[] = {{JSON_NULL, T_NULL}, {JSON_FALSE, T_BOOLEAN}, {JSON_TRUE, T_BOOLEAN}};
    const struct tape *t = &c->new.tape;
    if (old->types & ~(unsigned)(T_NULL | T_BOOLEAN))
        return false;
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        bool there = k == KEYWORD_CONST && t->nodes[value].type == few[i].json;
        for (uint32_t j = value + 1; k == KEYWORD_ENUM && j < t->nodes[value].next; j = t->nodes[j].next)
            there |= t->nodes[j].type == few[i].json;
        if (!there && (old->types & few[i].type))
            return false;
    }
    return true;
}

bool compare_enum(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    const struct tape *t = &c->old.tape;
    bool single, all = true;
    uint32_t values = find_values(c, old, &single);
    if (!values)
        return all_are_listed(c, old, k, value) ||
               compare_refused(c, at, k, "all values but %s", k == KEYWORD_CONST ? "this one" : "those listed");
    if (single)
        return value_is_listed(c, at, k, value, values);
    for (uint32_t i = values + 1; i < t->nodes[values].next; i = t->nodes[i].next)
        if (value_type(t, i) & old->types)
            all &= value_is_listed(c, at, k, value, i);
    return all;
}

/* ---- what listed values are asked ---- */

static void put_value(struct buf *b, const struct tape *t, uint32_t node)
{
    if (t->nodes[node].type == JSON_STRING)
        buf_put_json_string(b, tape_text(t, node));
    else
        buf_put_span(b, tape_text(t, node));
}

static bool value_passes(const struct schema *s, struct schema_context *context, const struct tape *t, uint32_t node)
{
    struct buf text;
    struct arena memory;
    buf_init(&text, 1 << 20);
    put_value(&text, t, node);
    bool good = !text.failed && arena_init(&memory, schema_scratch_bytes(s, buf_span(&text)));
    if (good) {
        good = schema_validate(s, context, buf_span(&text), &memory, NULL) == ERR_OK;
        arena_fini(&memory);
    }
    buf_fini(&text);
    return good;
}

/* A schema of this one keyword of the new text. */
static struct schema *lone_keyword(struct comparison *c, enum keyword k, uint32_t value)
{
    const struct schema_options options = {.draft = c->new.draft, .formats = true};
    struct schema *s = NULL;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "{\"%s\":", keyword_text(k));
    put_value(&b, &c->new.tape, value);
    buf_putc(&b, '}');
    if (b.failed || schema_compile(buf_span(&b), &options, &s, NULL) != ERR_OK)
        s = NULL;
    buf_fini(&b);
    return s;
}

/* Does the old text list all values, and has each of them what this keyword wants? */
static bool listed_values_pass(struct comparison *c, const struct set *old, enum keyword k, uint32_t value)
{
    enum { COST = 1000 };
    const struct tape *t = &c->old.tape;
    struct schema_context *context;
    bool single, all = true;
    uint32_t values = find_values(c, old, &single);
    if (!values || (c->work -= COST) <= 0 || schema_context_new(&context) != ERR_OK)
        return false;
    struct schema *s = lone_keyword(c, k, value);
    if (single)
        all = s && value_passes(s, context, t, values);
    for (uint32_t i = values + 1; !single && all && i < t->nodes[values].next; i = t->nodes[i].next)
        all = s && value_passes(s, context, t, i);
    schema_free(s);
    schema_context_free(context);
    return all;
}

/* ---- bounds ---- */

/* The old number of this keyword that is strictest; 0 if there is none. */
static uint32_t strictest(const struct comparison *c, const struct set *old, enum keyword k, int sign)
{
    uint32_t best = 0;
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = side_keyword(&c->old, old->node[i], k);
        if (one && (!best || sign * number_compare(tape_text(&c->old.tape, one), tape_text(&c->old.tape, best)) > 0))
            best = one;
    }
    return best;
}

bool compare_bound(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    bool lower = k == KEYWORD_MINIMUM || k == KEYWORD_EXCLUSIVE_MINIMUM,
         open = k == KEYWORD_EXCLUSIVE_MINIMUM || k == KEYWORD_EXCLUSIVE_MAXIMUM;
    int sign = lower ? 1 : -1;
    struct span bound = tape_text(&c->new.tape, value);
    uint32_t closed = strictest(c, old, lower ? KEYWORD_MINIMUM : KEYWORD_MAXIMUM, sign);
    uint32_t exclusive = strictest(c, old, lower ? KEYWORD_EXCLUSIVE_MINIMUM : KEYWORD_EXCLUSIVE_MAXIMUM, sign);
    int beyond = closed ? sign * number_compare(tape_text(&c->old.tape, closed), bound) : -1;
    if (beyond > 0 || (beyond == 0 && !open))
        return true;
    if (exclusive && sign * number_compare(tape_text(&c->old.tape, exclusive), bound) >= 0)
        return true;
    if (listed_values_pass(c, old, k, value))
        return true;
    return compare_refused(c, at, k, "numbers %s%s %.*s", open ? "equal to or " : "", lower ? "below" : "above",
                           bound.n > SHOWN_BYTES ? SHOWN_BYTES : (int)bound.n, bound.p);
}

bool compare_multiple(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct span of = tape_text(&c->new.tape, value);
    if (!(old->types & T_FRACTION) && number_multiple_of(SPAN_LIT("1"), of))
        return true;
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = side_keyword(&c->old, old->node[i], KEYWORD_MULTIPLE_OF);
        if (one && number_multiple_of(tape_text(&c->old.tape, one), of))
            return true;
    }
    if (listed_values_pass(c, old, k, value))
        return true;
    return compare_refused(c, at, k, "numbers that are no multiple of %.*s",
                           of.n > SHOWN_BYTES ? SHOWN_BYTES : (int)of.n, of.p);
}

/* ---- sizes ---- */

bool compare_size(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    static const struct {
        enum keyword k;
        int sign;
        const char *words;
    } sizes[] = {{KEYWORD_MIN_LENGTH, 1, "texts shorter than"},
                 {KEYWORD_MAX_LENGTH, -1, "texts longer than"},
                 {KEYWORD_MIN_ITEMS, 1, "arrays with fewer elements than"},
                 {KEYWORD_MAX_ITEMS, -1, "arrays with more elements than"},
                 {KEYWORD_MIN_PROPERTIES, 1, "objects with fewer members than"},
                 {KEYWORD_MAX_PROPERTIES, -1, "objects with more members than"}};
    size_t i = 0;
    while (sizes[i].k != k)
        i++;
    struct span bound = tape_text(&c->new.tape, value);
    uint32_t best = strictest(c, old, k, sizes[i].sign);
    if ((sizes[i].sign > 0 && number_compare(bound, SPAN_LIT("0")) == 0) ||
        (best && sizes[i].sign * number_compare(tape_text(&c->old.tape, best), bound) >= 0) ||
        listed_values_pass(c, old, k, value))
        return true;
    return compare_refused(c, at, k, "%s %.*s", sizes[i].words, bound.n > SHOWN_BYTES ? SHOWN_BYTES : (int)bound.n,
                           bound.p);
}

bool compare_unique(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    bool unique = is_boolean(&c->new.tape, value, false);
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = side_keyword(&c->old, old->node[i], k);
        unique |= one && is_boolean(&c->old.tape, one, true);
    }
    return unique || listed_values_pass(c, old, k, value) ||
           compare_refused(c, at, k, "arrays with two equal elements");
}

/* ---- texts ---- */

static bool one_is_equal(struct comparison *c, const struct set *old, enum keyword k, uint32_t value)
{
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = side_keyword(&c->old, old->node[i], k);
        if (one && span_eq(tape_text(&c->old.tape, one), tape_text(&c->new.tape, value)))
            return true;
    }
    return false;
}

bool compare_pattern(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct span text = tape_text(&c->new.tape, value);
    if (one_is_equal(c, old, k, value) || listed_values_pass(c, old, k, value))
        return true;
    return compare_refused(c, at, k, "texts that do not match %.*s%s", text.n > SHOWN_BYTES ? SHOWN_BYTES : (int)text.n,
                           text.p, text.n > SHOWN_BYTES ? "…" : "");
}

bool compare_format(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    const struct format *f = format_find(tape_text(&c->new.tape, value));
    if (!f || one_is_equal(c, old, k, value) || listed_values_pass(c, old, k, value))
        return true;
    return compare_refused(c, at, k, "where formats are checked, texts that are not %s", format_words(f));
}
