/* SPDX-License-Identifier: MIT
 * pattern_captures: a reference may find what an earlier turn has captured where a repetition can come to it, or can end, without
 * passing its group in that same turn.
 */
#include "schema/pattern_captures.h"

void captures_open(struct captures *c, unsigned capture)
{
    if (++c->n_groups >= CAPTURES_GROUPS_MAX)
        return;
    c->groups[c->n_groups] = (struct captures_group){
        .end = SIZE_MAX, .capture = capture, .parent = c->inside, .alternative = c->groups[c->inside].bars};
    c->inside = (uint16_t)c->n_groups;
}

void captures_bar(struct captures *c)
{
    if (c->n_groups < CAPTURES_GROUPS_MAX)
        c->groups[c->inside].bars++;
}

void captures_close(struct captures *c, size_t end, unsigned min, unsigned max)
{
    struct captures_group *g = &c->groups[c->inside];
    if (c->n_groups >= CAPTURES_GROUPS_MAX)
        return;
    g->end = end;
    g->optional = min == 0;
    g->repeated = max > 1;
    c->inside = g->parent;
}

void captures_refer(struct captures *c, unsigned capture, size_t at)
{
    if (c->n_references < CAPTURES_REFERENCES_MAX && c->n_groups < CAPTURES_GROUPS_MAX)
        c->references[c->n_references] = (struct captures_reference){at, capture, c->inside, c->groups[c->inside].bars};
    c->n_references++;
}

/* Does the reference lie in the group? In which of its alternatives? */
static bool lies_in(const struct captures *c, const struct captures_reference *r, uint16_t group, uint16_t *alternative)
{
    uint16_t at = r->parent;
    *alternative = r->alternative;
    while (at != group && at) {
        *alternative = c->groups[at].alternative;
        at = c->groups[at].parent;
    }
    return at == group;
}

static bool is_repeated(const struct captures *c, uint16_t group)
{
    for (; group; group = c->groups[group].parent)
        if (c->groups[group].repeated)
            return true;
    return false;
}

static uint16_t group_of(const struct captures *c, unsigned capture)
{
    uint16_t i = 1;
    while (i < c->n_groups && c->groups[i].capture != capture)
        i++;
    return i;
}

static bool agrees(const struct captures *c, const struct captures_reference *r)
{
    const uint16_t own = group_of(c, r->capture);
    uint16_t at = own, from = c->groups[own].alternative, alternative;
    bool may_be_left_out = false; /* by what of `at` lies around the group */
    if (lies_in(c, r, own, &alternative))
        return !is_repeated(c, own);
    for (; !lies_in(c, r, at, &alternative); at = c->groups[at].parent) {
        const struct captures_group *g = &c->groups[at];
        may_be_left_out |= at != own && g->bars;
        if (g->repeated && may_be_left_out)
            return false;
        may_be_left_out |= g->optional;
        from = g->alternative;
    }
    may_be_left_out |= from != alternative || r->at < c->groups[own].end;
    return !may_be_left_out || !is_repeated(c, at);
}

bool captures_agree(const struct captures *c, size_t *at)
{
    *at = 0;
    if (c->n_references && (c->n_groups >= CAPTURES_GROUPS_MAX || c->n_references > CAPTURES_REFERENCES_MAX))
        return false;
    for (unsigned i = 0; i < c->n_references; i++) {
        *at = c->references[i].at;
        if (!agrees(c, &c->references[i]))
            return false;
    }
    return true;
}
