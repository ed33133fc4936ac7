/* SPDX-License-Identifier: MIT
 * names: two tables of one shape, functions and labels (sources, types). Owns the copies. One thread at a time.
 */
#include "spool/names.h"

#include <stdlib.h>

#include "base/err.h"

enum { TABLE_FIRST = 64, NOBODY = 0 };

/* Slot 0 of `all` is not used, so that 0 ends a chain. */
struct name {
    char *text; /* owned; NULL when the number is free */
    uint32_t n, hash, used;
    uint32_t next;         /* in its chain, or of the free numbers */
    uint32_t older, newer; /* among the unused */
};

struct table {
    struct name *all;
    uint32_t n, cap;
    uint32_t *chains, n_chains; /* a power of two */
    uint32_t free;
    uint32_t unused_oldest, unused_newest, n_unused;
};

struct names {
    struct table functions, labels;
};

static bool table_init(struct table *t)
{
    t->all = calloc(TABLE_FIRST, sizeof *t->all);
    t->chains = calloc(TABLE_FIRST, sizeof *t->chains);
    t->n = 1;
    t->cap = t->n_chains = TABLE_FIRST;
    return t->all && t->chains;
}

static void table_fini(struct table *t)
{
    for (uint32_t i = 1; t->all && i < t->n; i++)
        free(t->all[i].text);
    free(t->all);
    free(t->chains);
}

struct names *names_new(void)
{
    struct names *n = calloc(1, sizeof *n);
    if (n && table_init(&n->functions) && table_init(&n->labels))
        return n;
    names_free(n);
    return NULL;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    table_fini(&n->functions);
    table_fini(&n->labels);
    free(n);
}

/* FNV-1a. Chains that a sender makes long on purpose cost him one signed event for each link, and NAMES_UNUSED_KEPT
 * bounds them. */
static uint32_t hash_of(struct span s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

static uint32_t find(const struct table *t, struct span name, uint32_t hash)
{
    uint32_t i = t->chains[hash & (t->n_chains - 1)];
    while (i && (t->all[i].hash != hash || !span_eq(span_of(t->all[i].text, t->all[i].n), name)))
        i = t->all[i].next;
    return i;
}

/* Twice the room; false when memory is out. */
static bool grow(struct table *t)
{
    uint32_t cap = t->cap * 2;
    uint32_t *chains = calloc(cap, sizeof *chains);
    struct name *all = chains ? realloc(t->all, cap * sizeof *all) : NULL;
    if (!all) {
        free(chains);
        return false;
    }
    t->all = all;
    t->cap = cap;
    free(t->chains);
    t->chains = chains;
    t->n_chains = cap;
    for (uint32_t i = 1; i < t->n; i++) {
        if (!all[i].text)
            continue;
        uint32_t *chain = chains + (all[i].hash & (cap - 1));
        all[i].next = *chain;
        *chain = i;
    }
    return true;
}

static uint32_t add(struct table *t, struct span name, uint32_t hash)
{
    if (!t->free && t->n == t->cap && !grow(t))
        return 0;
    char *text = malloc(name.n + 1);
    if (!text)
        return 0;
    if (name.n)
        memcpy(text, name.p, name.n);
    text[name.n] = 0;
    uint32_t i = t->free;
    if (i)
        t->free = t->all[i].next;
    else
        i = t->n++;
    uint32_t *chain = t->chains + (hash & (t->n_chains - 1));
    t->all[i] = (struct name){.text = text, .n = (uint32_t)name.n, .hash = hash, .next = *chain};
    *chain = i;
    return i;
}

/* ---- labels nobody uses ---- */

static void unused_put(struct table *t, uint32_t i)
{
    t->all[i].older = t->unused_newest;
    t->all[i].newer = NOBODY;
    if (t->unused_newest)
        t->all[t->unused_newest].newer = i;
    else
        t->unused_oldest = i;
    t->unused_newest = i;
    t->n_unused++;
}

static void unused_take(struct table *t, uint32_t i)
{
    uint32_t older = t->all[i].older, newer = t->all[i].newer;
    if (older)
        t->all[older].newer = newer;
    else
        t->unused_oldest = newer;
    if (newer)
        t->all[newer].older = older;
    else
        t->unused_newest = older;
    t->n_unused--;
}

static void forget(struct table *t, uint32_t i)
{
    struct name *x = t->all + i;
    uint32_t *link = t->chains + (x->hash & (t->n_chains - 1));
    while (*link != i)
        link = &t->all[*link].next;
    *link = x->next;
    unused_take(t, i);
    free(x->text);
    *x = (struct name){.next = t->free};
    t->free = i;
}

/* ---- what the header says ---- */

uint32_t names_function(struct names *n, struct span name)
{
    uint32_t hash = hash_of(name), i = find(&n->functions, name, hash);
    if (!i && n->functions.n <= NAMES_FUNCTIONS)
        i = add(&n->functions, name, hash);
    return i ? i - 1 : NAMES_NONE;
}

uint32_t names_take(struct names *n, struct span name)
{
    struct table *t = &n->labels;
    uint32_t hash = hash_of(name), i = find(t, name, hash);
    if (i && t->all[i].used == 0)
        unused_take(t, i);
    if (!i)
        i = add(t, name, hash);
    if (!i)
        return NAMES_NONE;
    t->all[i].used++;
    return NAMES_FUNCTIONS + i - 1;
}

void names_release(struct names *n, uint32_t number)
{
    struct table *t = &n->labels;
    uint32_t i = number - NAMES_FUNCTIONS + 1;
    bug_if(number < NAMES_FUNCTIONS || i >= t->n || t->all[i].used == 0);
    if (--t->all[i].used)
        return;
    unused_put(t, i);
    if (t->n_unused > NAMES_UNUSED_KEPT)
        forget(t, t->unused_oldest);
}

struct span names_text(const struct names *n, uint32_t number)
{
    const struct table *t = number < NAMES_FUNCTIONS ? &n->functions : &n->labels;
    uint32_t i = (number < NAMES_FUNCTIONS ? number : number - NAMES_FUNCTIONS) + 1;
    return i < t->n && t->all[i].text ? span_of(t->all[i].text, t->all[i].n) : SPAN_NONE;
}
