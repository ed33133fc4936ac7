/* SPDX-License-Identifier: MIT
 * compare_items: what holds for the elements of arrays: in draft-07 items (a schema or a list) and additionalItems, in 2020-12
 * prefixItems and items.
 */
#include <stdio.h>

#include "schema/compare_parts.h"
#include "schema/number.h"

enum { PLACES_MAX = 64 };

/* A list of schemas for the first elements, and one for the others; 0 where there is none. */
struct elements {
    uint32_t list, rest;
};

static struct elements elements_of(const struct side *s, uint32_t schema)
{
    uint32_t items = side_keyword(s, schema, KEYWORD_ITEMS);
    struct elements e = {side_keyword(s, schema, KEYWORD_PREFIX_ITEMS), items};
    if (items && s->tape.nodes[items].type == JSON_ARRAY)
        e = (struct elements){items, side_keyword(s, schema, KEYWORD_ADDITIONAL_ITEMS)};
    if (!e.rest && !side_applies_in_place(s, schema) && !side_keyword(s, schema, KEYWORD_CONTAINS))
        e.rest = side_keyword(s, schema, KEYWORD_UNEVALUATED_ITEMS);
    return e;
}

static uint32_t place_count(const struct tape *t, struct elements e)
{
    return e.list ? t->nodes[e.list].count : 0;
}

/* The schema of element `place`; 0: any value. */
static uint32_t element_at(const struct tape *t, struct elements e, uint32_t place)
{
    uint32_t i = e.list + 1;
    if (place >= place_count(t, e))
        return e.rest;
    while (place-- > 0)
        i = t->nodes[i].next;
    return i;
}

static struct set element_set(const struct comparison *c, const struct set *old, uint32_t place)
{
    struct set s = {.types = T_ALL};
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = element_at(&c->old.tape, elements_of(&c->old, old->node[i]), place),
                 most = side_keyword(&c->old, old->node[i], KEYWORD_MAX_ITEMS);
        char index[16];
        snprintf(index, sizeof index, "%u", (unsigned)place);
        if (one)
            set_add(c, &s, one);
        s.never |= most && number_compare(tape_text(&c->old.tape, most), span_str(index)) <= 0;
    }
    return s;
}

static uint32_t most_places(const struct comparison *c, const struct set *old, struct elements new)
{
    uint32_t most = place_count(&c->new.tape, new);
    for (unsigned i = 0; i < old->n; i++) {
        uint32_t one = place_count(&c->old.tape, elements_of(&c->old, old->node[i]));
        most = one > most ? one : most;
    }
    return most;
}

/* From place `from` on, one by one as long as some schema tells places apart, then the rest at once. */
static bool covers_places(struct comparison *c, const struct set *old, struct elements new, enum keyword k)
{
    uint32_t most = most_places(c, old, new);
    bool all = true;
    for (uint32_t place = 0; place <= most && (all || !c->quiet); place++) {
        uint32_t schema = element_at(&c->new.tape, new, place);
        struct set s = element_set(c, old, place);
        char index[16];
        struct span token = span_of(index, (size_t)snprintf(index, sizeof index, "%u", (unsigned)place));
        if (schema)
            all &= compare_below(c, &s, schema, keyword_text(k), place < most ? &token : NULL);
    }
    return all;
}

bool compare_items(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct elements new = elements_of(&c->new, at);
    bool first = (k == KEYWORD_ITEMS && !side_keyword(&c->new, at, KEYWORD_PREFIX_ITEMS)) || k == KEYWORD_PREFIX_ITEMS;
    (void)value;
    if (!first) /* all of them were looked at with the first */
        return true;
    if (most_places(c, old, new) > PLACES_MAX)
        return compare_undecided(c, at, k, "more than %d places of arrays are not compared", PLACES_MAX);
    return covers_places(c, old, new, k);
}

bool compare_unevaluated_items(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct elements new = elements_of(&c->new, at);
    if (is_boolean(&c->new.tape, value, true))
        return true;
    if (new.rest != value)
        return new.rest || compare_undecided(c, at, k, "what is evaluated by other schemas is not compared");
    if (new.list) /* looked at with the list */
        return true;
    return covers_places(c, old, new, k);
}

/* ---- contains ---- */

struct contains {
    uint32_t schema;
    struct span least, most; /* most: SPAN_NONE for any number */
};

static struct contains contains_of(const struct side *s, uint32_t schema)
{
    uint32_t least = side_keyword(s, schema, KEYWORD_MIN_CONTAINS),
             most = side_keyword(s, schema, KEYWORD_MAX_CONTAINS);
    return (struct contains){side_keyword(s, schema, KEYWORD_CONTAINS),
                             least ? tape_text(&s->tape, least) : SPAN_LIT("1"),
                             most ? tape_text(&s->tape, most) : SPAN_NONE};
}

static bool contains_implies(struct comparison *c, struct contains old, struct contains new)
{
    struct set one = {.types = T_ALL};
    bool most = !new.most.p || (old.most.p && number_compare(old.most, new.most) <= 0);
    if (!old.schema || number_compare(old.least, new.least) < 0)
        return false;
    if (compare_same(c, old.schema, new.schema))
        return most;
    set_add(c, &one, old.schema);
    return !new.most.p &&compare_covers_quietly(c, &one, new.schema);
}

bool compare_contains(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value)
{
    struct contains new = contains_of(&c->new, at);
    bool any = false;
    (void)value;
    if (number_compare(new.least, SPAN_LIT("0")) == 0 && !new.most.p)
        return true;
    for (unsigned i = 0; i < old->n; i++) {
        struct contains one = contains_of(&c->old, old->node[i]);
        any |= one.schema != 0;
        if (contains_implies(c, one, new))
            return true;
    }
    if (any || new.most.p)
        return compare_undecided(c, at, k, "whether the old schema wants as many such elements is not known");
    return compare_refused(c, at, k, "arrays without such an element");
}
