/* SPDX-License-Identifier: MIT
 * compare_members: what holds for the members of objects.
 */
#include "schema/compare_parts.h"
#include "schema/pattern.h"

enum { NAME_SHOWN = 60 };

bool side_applies_in_place(const struct side *s, uint32_t schema)
{
    static const enum keyword in_place[] = {KEYWORD_REF,          KEYWORD_ALL_OF, KEYWORD_ANY_OF,
                                            KEYWORD_ONE_OF,       KEYWORD_IF,     KEYWORD_DEPENDENT_SCHEMAS,
                                            KEYWORD_DEPENDENCIES, KEYWORD_NOT};
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++)
        if (side_keyword(s, schema, in_place[i]))
            return true;
    return false;
}

/* The schema of members that neither properties nor patternProperties names; 0: any value. */
static uint32_t rest_of(const struct side *s, uint32_t schema)
{
    uint32_t rest = side_keyword(s, schema, KEYWORD_ADDITIONAL_PROPERTIES);
    if (!rest && !side_applies_in_place(s, schema))
        rest = side_keyword(s, schema, KEYWORD_UNEVALUATED_PROPERTIES);
    return rest;
}

static uint32_t member_named(const struct tape *t, uint32_t object, struct span name)
{
    return object ? tape_member(t, object, name, hash_name(name, 0)) : 0;
}

/* Does the pattern match the name; *unknown where a bound was passed. */
static bool matches(struct comparison *c, struct span ecma, struct span name, bool *unknown)
{
    enum { COST = 50 };
    struct pattern *p;
    struct pattern_context *context;
    if ((c->work -= COST) <= 0 || pattern_compile(ecma, &p, NULL) != ERR_OK) {
        *unknown = true;
        return false;
    }
    enum err e = ERR_NO_ROOM;
    if (pattern_context_new(&context) == ERR_OK) {
        e = pattern_match(p, context, name);
        pattern_context_free(context);
    }
    pattern_free(p);
    *unknown |= e == ERR_NO_ROOM;
    return e == ERR_OK;
}

/* The patterns of an object of patterns that match a name: the first from `from` on, 0 if there is none. */
static uint32_t next_match(struct comparison *c, const struct tape *t, uint32_t patterns, uint32_t from,
                           struct span name, bool *unknown)
{
    for (uint32_t i = from ? t->nodes[from].next : patterns + 1; patterns && i < t->nodes[patterns].next;
         i = t->nodes[i].next)
        if (matches(c, tape_name(t, i), name, unknown))
            return i;
    return 0;
}

/* Add what one old schema says of a member with this name. */
static void add_member(struct comparison *c, struct set *s, uint32_t schema, struct span name)
{
    const struct tape *t = &c->old.tape;
    uint32_t patterns = side_keyword(&c->old, schema, KEYWORD_PATTERN_PROPERTIES), hit = 0;
    uint32_t own = member_named(t, side_keyword(&c->old, schema, KEYWORD_PROPERTIES), name);
    bool named = own != 0;
    if (own)
        set_add(c, s, own);
    while ((hit = next_match(c, t, patterns, hit, name, &named))) {
        named = true;
        set_add(c, s, hit);
    }
    uint32_t rest = named ? 0 : rest_of(&c->old, schema);
    if (rest)
        set_add(c, s, rest);
}

static struct set member_set(struct comparison *c, const struct set *old, struct span name)
{
    struct set s = {.types = T_ALL};
    for (unsigned i = 0; i < old->n; i++)
        add_member(c, &s, old->node[i], name);
    return s;
}

bool compare_properties(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    const struct tape *t = &c->new.tape;
    bool all = true;
    (void)at;
    for (uint32_t i = value + 1; i < t->nodes[value].next && (all || !c->quiet); i = t->nodes[i].next) {
        struct span name = tape_name(t, i);
        struct set s = member_set(c, old, name);
        all &= compare_below(c, &s, i, keyword_text(k), &name);
    }
    return all;
}

/* Has the new schema a pattern of this very text? */
static bool is_pattern_of(const struct tape *t, uint32_t patterns, struct span text)
{
    return member_named(t, patterns, text) != 0;
}

/* What the old schemas say of a member that none of them names, when no pattern of the new schema but `pattern` (SPAN_NONE: none at
 * all) is known to match it. */
static struct set other_set(struct comparison *c, const struct set *old, uint32_t new_patterns, struct span pattern)
{
    const struct tape *t = &c->old.tape;
    struct set s = {.types = T_ALL};
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t patterns = side_keyword(&c->old, old->node[i], KEYWORD_PATTERN_PROPERTIES),
                 rest = rest_of(&c->old, old->node[i]);
        bool may_match = false;
        for (uint32_t j = patterns + 1; patterns && j < t->nodes[patterns].next; j = t->nodes[j].next)
            if (pattern.p && span_eq(tape_name(t, j), pattern)) {
                set_add(c, &s, j);
                may_match = true;
            } else
                may_match |= pattern.p || !is_pattern_of(&c->new.tape, new_patterns, tape_name(t, j));
        if (rest && !may_match)
            set_add(c, &s, rest);
    }
    return s;
}

/* Is it the first old schema of the set that names this member? */
static bool is_first(const struct comparison *c, const struct set *old, unsigned i, struct span name)
{
    for (unsigned j = 0; j < i; j++)
        if (member_named(&c->old.tape, side_keyword(&c->old, old->node[j], KEYWORD_PROPERTIES), name))
            return false;
    return true;
}

/* The members that old schemas name and to which `applies`; then the others. */
struct rest {
    uint32_t schema, properties, patterns; /* of the new text; the schema whose members these are */
    struct span pattern; /* the members that match it, or SPAN_NONE: those that nothing in the new schema names */
};

static bool concerns(struct comparison *c, const struct rest *r, struct span name)
{
    bool unknown = false;
    const struct tape *t = &c->new.tape;
    if (r->pattern.p)
        return matches(c, r->pattern, name, &unknown) || unknown;
    return !member_named(t, r->properties, name) && !next_match(c, t, r->patterns, 0, name, &unknown);
}

static bool covers_rest(struct comparison *c, const struct set *old, const struct rest *r, enum keyword k)
{
    const struct tape *t = &c->old.tape;
    bool all = true;
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t named = side_keyword(&c->old, old->node[i], KEYWORD_PROPERTIES);
        for (uint32_t j = named + 1; named && j < t->nodes[named].next && (all || !c->quiet); j = t->nodes[j].next) {
            struct span name = tape_name(t, j);
            if (!is_first(c, old, i, name) || !concerns(c, r, name))
                continue;
            struct set s = member_set(c, old, name);
            all &= compare_below(c, &s, r->schema, keyword_text(k), &name);
        }
    }
    if (!all && c->quiet)
        return false;
    struct set s = other_set(c, old, r->patterns, r->pattern);
    return compare_below(c, &s, r->schema, keyword_text(k), NULL) && all;
}

bool compare_pattern_properties(struct comparison *c, const struct set *old, uint32_t at, enum keyword k,
                                uint32_t value)
{
    const struct tape *t = &c->new.tape;
    bool all = true;
    (void)at;
    for (uint32_t i = value + 1; i < t->nodes[value].next && (all || !c->quiet); i = t->nodes[i].next) {
        struct rest r = {.schema = i, .patterns = value, .pattern = tape_name(t, i)};
        all &= covers_rest(c, old, &r, k);
    }
    return all;
}

bool compare_additional(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct rest r = {.schema = value,
                     .properties = side_keyword(&c->new, at, KEYWORD_PROPERTIES),
                     .patterns = side_keyword(&c->new, at, KEYWORD_PATTERN_PROPERTIES)};
    return covers_rest(c, old, &r, k);
}

bool compare_unevaluated_properties(struct comparison *c, const struct set *old, uint32_t at, enum keyword k,
                                    uint32_t value)
{
    if (is_boolean(&c->new.tape, value, true) || side_keyword(&c->new, at, KEYWORD_ADDITIONAL_PROPERTIES))
        return true;
    if (!side_applies_in_place(&c->new, at))
        return compare_additional(c, old, at, k, value);
    return compare_undecided(c, at, k, "what is evaluated by other schemas is not compared");
}

/* ---- names ---- */

bool compare_names(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct set names = {.types = T_STRING};
    bool closed = false;
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = side_keyword(&c->old, old->node[i], k), rest = rest_of(&c->old, old->node[i]);
        closed |= rest && is_boolean(&c->old.tape, rest, false);
        if (one)
            set_add(c, &names, one);
    }
    names.types &= T_STRING;
    if (!closed || compare_covers_quietly(c, &names, value))
        return compare_below(c, &names, value, keyword_text(k), NULL);
    return compare_undecided(c, at, k, "whether all names that the old schema takes are allowed is not looked at");
}

static bool is_in(const struct tape *t, uint32_t list, struct span name)
{
    for (uint32_t i = list + 1; list && i < t->nodes[list].next; i = t->nodes[i].next)
        if (t->nodes[i].type == JSON_STRING && span_eq(tape_text(t, i), name))
            return true;
    return false;
}

/* Does the old text want this member, at least of objects that have the member `beside`? */
static bool is_required(const struct comparison *c, const struct set *old, struct span name, struct span beside)
{
    static const enum keyword dependent[] = {KEYWORD_DEPENDENT_REQUIRED, KEYWORD_DEPENDENCIES};
    const struct tape *t = &c->old.tape;
    for (unsigned i = 0; i < old->n; i++) {
        if (is_in(t, side_keyword(&c->old, old->node[i], KEYWORD_REQUIRED), name))
            return true;
        for (size_t j = 0; beside.p && j < 2; j++) {
            uint32_t list = member_named(t, side_keyword(&c->old, old->node[i], dependent[j]), beside);
            if (list && t->nodes[list].type == JSON_ARRAY && is_in(t, list, name))
                return true;
        }
    }
    return beside.p && span_eq(name, beside);
}

bool compare_required(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    const struct tape *t = &c->new.tape;
    bool all = true;
    for (uint32_t i = value + 1; i < t->nodes[value].next; i = t->nodes[i].next) {
        struct span name = tape_text(t, i);
        if (!is_required(c, old, name, SPAN_NONE))
            all = compare_refused(c, at, k, "objects without \"%.*s\"", name.n > NAME_SHOWN ? NAME_SHOWN : (int)name.n,
                                  name.p);
    }
    return all;
}

static bool covers_dependent_names(struct comparison *c, const struct set *old, uint32_t at, enum keyword k,
                                   uint32_t list)
{
    const struct tape *t = &c->new.tape;
    struct span beside = tape_name(t, list);
    bool all = true;
    for (uint32_t i = list + 1; i < t->nodes[list].next; i = t->nodes[i].next) {
        struct span name = tape_text(t, i);
        if (!is_required(c, old, name, beside))
            all = compare_refused(c, at, k, "objects with \"%.*s\" and without \"%.*s\"",
                                  beside.n > NAME_SHOWN ? NAME_SHOWN : (int)beside.n, beside.p,
                                  name.n > NAME_SHOWN ? NAME_SHOWN : (int)name.n, name.p);
    }
    return all;
}

static bool covers_dependent_schema(struct comparison *c, const struct set *old, uint32_t schema)
{
    static const enum keyword dependent[] = {KEYWORD_DEPENDENT_SCHEMAS, KEYWORD_DEPENDENCIES};
    struct set s = *old;
    for (unsigned i = 0; i < old->n; i++)
        for (size_t j = 0; j < 2; j++) {
            uint32_t one = member_named(&c->old.tape, side_keyword(&c->old, old->node[i], dependent[j]),
                                        tape_name(&c->new.tape, schema));
            if (one && c->old.tape.nodes[one].type != JSON_ARRAY)
                set_add(c, &s, one);
        }
    return compare_covers(c, &s, schema);
}

bool compare_dependencies(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    const struct tape *t = &c->new.tape;
    const char *outer = c->keyword;
    bool all = true;
    c->keyword = keyword_text(k);
    for (uint32_t i = value + 1; i < t->nodes[value].next && (all || !c->quiet); i = t->nodes[i].next) {
        if (member_set(c, old, tape_name(t, i)).never)
            continue; /* no object has it */
        all &= t->nodes[i].type == JSON_ARRAY ? covers_dependent_names(c, old, at, k, i)
                                              : covers_dependent_schema(c, old, i);
    }
    c->keyword = outer;
    return all;
}
