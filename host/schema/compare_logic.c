/* SPDX-License-Identifier: MIT
 * compare_logic: references and combinations of schemas.
 */
#include "schema/compare_parts.h"

bool compare_ref(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    uint32_t target;
    (void)value;
    if (side_resolve(&c->new, at, &target))
        return compare_covers(c, old, target);
    return compare_undecided(c, at, k, "only references to JSON pointers of the same text are followed");
}

bool compare_all_of(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    const struct tape *t = &c->new.tape;
    const char *outer = c->keyword;
    bool all = true;
    (void)at;
    c->keyword = keyword_text(k);
    for (uint32_t i = value + 1; i < t->nodes[value].next && (all || !c->quiet); i = t->nodes[i].next)
        all &= compare_covers(c, old, i);
    c->keyword = outer;
    return all;
}

static bool one_is_same(struct comparison *c, const struct set *old, enum keyword k, uint32_t value)
{
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = side_keyword(&c->old, old->node[i], k);
        if (one && compare_same(c, one, value))
            return true;
    }
    return false;
}

static bool fits_one(struct comparison *c, const struct set *old, uint32_t branches)
{
    const struct tape *t = &c->new.tape;
    for (uint32_t i = branches + 1; i < t->nodes[branches].next; i = t->nodes[i].next)
        if (compare_covers_quietly(c, old, i))
            return true;
    return false;
}

/* All in one branch, or the values of each type in one. */
static bool fits_some(struct comparison *c, const struct set *old, uint32_t branches)
{
    if (fits_one(c, old, branches))
        return true;
    if ((old->types & (old->types - 1)) == 0)
        return false;
    for (unsigned type = 1; type < T_ALL; type <<= 1) {
        struct set one = *old;
        one.types &= type;
        if (one.types && !fits_one(c, &one, branches))
            return false;
    }
    return true;
}

bool compare_any_of(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    return one_is_same(c, old, k, value) || fits_some(c, old, value) ||
           compare_undecided(c, at, k, "whether every value fits one of these is not known");
}

static uint32_t resolved(const struct side *s, uint32_t schema)
{
    enum { STEPS = 8 };
    uint32_t target;
    for (int i = 0; i < STEPS && side_resolve(s, schema, &target); i++)
        schema = target;
    return schema;
}

static bool requires(const struct side *s, uint32_t schema, struct span name)
{
    uint32_t list = side_keyword(s, schema, KEYWORD_REQUIRED);
    for (uint32_t i = list + 1; list && i < s->tape.nodes[list].next; i = s->tape.nodes[i].next)
        if (span_eq(tape_text(&s->tape, i), name))
            return true;
    return false;
}

/* The values that a schema lists: *at is the first, *end behind the last. */
static bool listed(const struct side *s, uint32_t schema, uint32_t *at, uint32_t *end)
{
    uint32_t constant = side_keyword(s, schema, KEYWORD_CONST), list = side_keyword(s, schema, KEYWORD_ENUM);
    if (!constant && !list)
        return false;
    *at = constant ? constant : list + 1;
    *end = s->tape.nodes[constant ? constant : list].next;
    return true;
}

static bool list_nothing_in_common(struct comparison *c, uint32_t a, uint32_t b)
{
    const struct tape *t = &c->new.tape;
    uint32_t i, i_end, first, j_end;
    if (!listed(&c->new, a, &i, &i_end) || !listed(&c->new, b, &first, &j_end))
        return false;
    for (; i < i_end; i = t->nodes[i].next)
        for (uint32_t j = first; j < j_end; j = t->nodes[j].next)
            if (value_equal(t, i, t, j, &c->work))
                return false;
    return c->work > 0;
}

/* Nothing fits both: their types differ, or a member that both want has values that differ. */
static bool exclude_each_other(struct comparison *c, uint32_t a, uint32_t b)
{
    const struct side *s = &c->new;
    unsigned types = side_types(s, a, 0) & side_types(s, b, 0);
    a = resolved(s, a);
    b = resolved(s, b);
    if (types == 0 || list_nothing_in_common(c, a, b))
        return true;
    uint32_t x = side_keyword(s, a, KEYWORD_PROPERTIES), y = side_keyword(s, b, KEYWORD_PROPERTIES);
    for (uint32_t i = x + 1; types == T_OBJECT && x && y && i < s->tape.nodes[x].next; i = s->tape.nodes[i].next) {
        struct span name = tape_name(&s->tape, i);
        uint32_t other = tape_member(&s->tape, y, name, hash_name(name, 0));
        if (other && requires(s, a, name) && requires(s, b, name) &&
            ((side_types(s, i, 0) & side_types(s, other, 0)) == 0 ||
             list_nothing_in_common(c, resolved(s, i), resolved(s, other))))
            return true;
    }
    return false;
}

static bool all_exclude_each_other(struct comparison *c, uint32_t branches)
{
    const struct tape *t = &c->new.tape;
    for (uint32_t i = branches + 1; i < t->nodes[branches].next; i = t->nodes[i].next)
        for (uint32_t j = t->nodes[i].next; j < t->nodes[branches].next; j = t->nodes[j].next)
            if (--c->work <= 0 || !exclude_each_other(c, i, j))
                return false;
    return true;
}

bool compare_one_of(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    if (one_is_same(c, old, k, value) || (all_exclude_each_other(c, value) && fits_some(c, old, value)))
        return true;
    return compare_undecided(c, at, k, "whether every value fits exactly one of these is not known");
}

bool compare_not(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    if (one_is_same(c, old, k, value) || (old->types & side_types(&c->new, value, 0)) == 0)
        return true;
    return compare_undecided(c, at, k, "whether no value fits this is not known");
}

/* An empty branch is any value. */
static bool covers_branch(struct comparison *c, const struct set *old, uint32_t branch, const char *keyword)
{
    const char *outer = c->keyword;
    c->keyword = keyword;
    bool covered = !branch || compare_covers(c, old, branch);
    c->keyword = outer;
    return covered;
}

bool compare_if(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    uint32_t then = side_keyword(&c->new, at, KEYWORD_THEN), other = side_keyword(&c->new, at, KEYWORD_ELSE);
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t condition = side_keyword(&c->old, old->node[i], k);
        if (!condition || !compare_same(c, condition, value))
            continue;
        struct set yes = *old, no = *old;
        uint32_t old_then = side_keyword(&c->old, old->node[i], KEYWORD_THEN),
                 old_else = side_keyword(&c->old, old->node[i], KEYWORD_ELSE);
        set_add(c, &yes, condition);
        if (old_then)
            set_add(c, &yes, old_then);
        if (old_else)
            set_add(c, &no, old_else);
        bool good = covers_branch(c, &yes, then, keyword_text(KEYWORD_THEN));
        return covers_branch(c, &no, other, keyword_text(KEYWORD_ELSE)) && good;
    }
    if ((!then || compare_covers_quietly(c, old, then)) && (!other || compare_covers_quietly(c, old, other)))
        return true;
    return compare_undecided(c, at, k, "to which values this applies is not known");
}
