/* SPDX-License-Identifier: MIT
 * validate_scalars: types, values, numbers, strings.
 */
#include "schema/validator.h"

#include "schema/number.h"
#include "schema/value.h"

static struct span text_of(const struct validator *v, uint32_t node)
{
    return tape_text(&v->tape, node);
}

static bool spend_bytes(struct validator *v, uint32_t node)
{
    const struct tape_node *n = validate_node(v, node);
    return validate_spend(v, n->n / VALIDATE_BYTES_PER_WORK + n->next - node);
}

/* ---- type ---- */

static const char *type_word(enum json_type type)
{
    static const char *const words[] = {
        [JSON_NONE] = "nothing",   [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean",
        [JSON_TRUE] = "a boolean", [JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
        [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};
    return words[type];
}

static bool say_type(struct validator *v, uint32_t types, uint32_t node)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{1u << JSON_OBJECT, "an object"}, {1u << JSON_ARRAY, "an array"}, {1u << JSON_STRING, "a string"},
                 {1u << JSON_NUMBER, "a number"},  {TYPE_INTEGER, "an integer"},   {1u << JSON_TRUE, "a boolean"},
                 {1u << JSON_NULL, "null"}};
    char text[120] = "";
    struct buf b = {.p = text, .cap = sizeof text - 1, .max_bytes = sizeof text - 1};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!(types & words[i].bit))
            continue;
        buf_puts(&b, b.n ? " or " : "");
        buf_puts(&b, words[i].word);
    }
    text[b.n] = 0;
    enum json_type type = validate_node(v, node)->type;
    return violation(v, node, "type", "is %s%s, must be %s", type_word(type),
                     types & TYPE_INTEGER && type == JSON_NUMBER ? " with a fraction" : "", text);
}

bool validate_type(struct validator *v, const struct op *op, uint32_t node)
{
    enum json_type type = validate_node(v, node)->type;
    if (op->types >> type & 1)
        return true;
    if (type == JSON_NUMBER && op->types & TYPE_INTEGER && spend_bytes(v, node) && number_is_integer(text_of(v, node)))
        return true;
    return validate_is_brief(v) ? false : say_type(v, op->types, node);
}

/* ---- const and enum ---- */

static bool is_one_of(struct validator *v, const struct op *op, uint32_t node)
{
    const struct value *values = v->s->values + op->list.at;
    if (!spend_bytes(v, node))
        return false;
    uint64_t hash = value_hash(&v->tape, node, v->s->seed);
    uint32_t low = 0, high = op->list.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (values[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < op->list.n && values[low].hash == hash; low++)
        if (validate_equal(v, values[low].tape, values[low].node, node))
            return true;
    return false;
}

static void put_value(struct buf *b, const struct value *value)
{
    struct span s = tape_text(value->tape, value->node);
    const char *quote = value->tape->nodes[value->node].type == JSON_STRING ? "\"" : "";
    buf_printf(b, "%s%.*s%s%s", quote, cut_bytes(s), s.p, cut_mark(s), quote);
}

/* Values as they stand in the schema: they were sorted by hash. */
static const struct value *next_in_text(const struct value *values, uint32_t n, const struct value *after)
{
    const struct value *next = NULL;
    for (uint32_t i = 0; i < n; i++)
        if ((!after || values[i].node > after->node) && (!next || values[i].node < next->node))
            next = &values[i];
    return next;
}

static bool say_values(struct validator *v, const struct op *op, uint32_t node)
{
    enum { SHOWN = 6 };
    char text[400] = "";
    struct buf b = {.p = text, .cap = sizeof text - 1, .max_bytes = sizeof text - 1};
    const struct value *values = v->s->values + op->list.at, *shown = NULL;
    uint32_t n = op->list.n < SHOWN ? op->list.n : SHOWN;
    for (uint32_t i = 0; i < n && !b.failed; i++) {
        const size_t before = b.n;
        shown = next_in_text(values, op->list.n, shown);
        buf_puts(&b, i ? ", " : "");
        put_value(&b, shown);
        b.n = b.failed ? before : b.n;
    }
    text[b.n] = 0;
    if (op->keyword == KEYWORD_CONST)
        return violation(v, node, "const", "must be %s", text);
    return violation(v, node, "enum", "must be one of %s%s", text, b.failed || n < op->list.n ? ", …" : "");
}

bool validate_enum(struct validator *v, const struct op *op, uint32_t node)
{
    if (is_one_of(v, op, node))
        return true;
    return validate_is_brief(v) ? false : say_values(v, op, node);
}

bool validate_const(struct validator *v, const struct op *op, uint32_t node)
{
    return validate_enum(v, op, node);
}

/* ---- numbers ---- */

bool validate_bound(struct validator *v, const struct op *op, uint32_t node)
{
    static const char *const words[] = {[KEYWORD_MINIMUM] = "at least",
                                        [KEYWORD_MAXIMUM] = "at most",
                                        [KEYWORD_EXCLUSIVE_MINIMUM] = "greater than",
                                        [KEYWORD_EXCLUSIVE_MAXIMUM] = "less than"};
    if (!spend_bytes(v, node))
        return false;
    int order = number_compare(text_of(v, node), op->number);
    bool fits = op->keyword == KEYWORD_MINIMUM             ? order >= 0
                : op->keyword == KEYWORD_MAXIMUM           ? order <= 0
                : op->keyword == KEYWORD_EXCLUSIVE_MINIMUM ? order > 0
                                                           : order < 0;
    return fits || violation(v, node, keyword_text(op->keyword), "must be %s %.*s%s", words[op->keyword],
                             cut_bytes(op->number), op->number.p, cut_mark(op->number));
}

bool validate_multiple(struct validator *v, const struct op *op, uint32_t node)
{
    enum {
        PLAIN_BYTES = 18,
        DIGIT = 4,
        ZEROS = 500
    }; /* a division digit by digit, with the zeros an exponent stands for */
    const uint32_t n = validate_node(v, node)->n;
    bool plain = n <= PLAIN_BYTES && !memchr(validate_node(v, node)->text, 'e', n) &&
                 !memchr(validate_node(v, node)->text, 'E', n);
    if (!validate_spend(v, plain ? 1 : DIGIT * (uint64_t)n + ZEROS))
        return false;
    return number_multiple_of(text_of(v, node), op->number) ||
           violation(v, node, "multipleOf", "must be a multiple of %.*s%s", cut_bytes(op->number), op->number.p,
                     cut_mark(op->number));
}

/* ---- strings ---- */

/* Code points: bytes that do not continue one. */
static uint32_t characters(struct span s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

bool validate_length(struct validator *v, const struct op *op, uint32_t node)
{
    struct span s = text_of(v, node);
    bool least = op->keyword == KEYWORD_MIN_LENGTH;
    if (least ? s.n / 4 >= op->count : s.n <= op->count)
        return true;
    if (!spend_bytes(v, node))
        return false;
    uint32_t n = characters(s);
    return (least ? n >= op->count : n <= op->count) ||
           violation(v, node, keyword_text(op->keyword), "is %u characters long, must be at %s %u", n,
                     least ? "least" : "most", op->count);
}

bool validate_pattern(struct validator *v, const struct op *op, uint32_t node)
{
    const struct pattern_rule *p = &v->s->patterns[op->index];
    enum err e = validate_match(v, p, text_of(v, node), "pattern");
    if (e != ERR_NOT_FOUND)
        return e == ERR_OK;
    return violation(v, node, "pattern", "does not match %.*s%s", cut_bytes(p->source), p->source.p,
                     cut_mark(p->source));
}

bool validate_format(struct validator *v, const struct op *op, uint32_t node)
{
    if (!spend_bytes(v, node))
        return false;
    return format_holds(op->format, text_of(v, node)) ||
           violation(v, node, "format", "is not %s (%s)", format_words(op->format), format_name(op->format));
}
