/* SPDX-License-Identifier: MIT
 * compare_parts: what compare*.c share. The old schema is a set of schemas that all hold (itself, what it refers to, its allOf); each
 * keyword of the new one is asked whether the set implies it. Sets may lose members, which only makes them imply less.
 */
#ifndef CREEL_SCHEMA_COMPARE_PARTS_H
#define CREEL_SCHEMA_COMPARE_PARTS_H

#include "schema/compare.h"
#include "schema/keyword.h"
#include "schema/value.h"

enum { SET_MAX = 32, SPLITS_MAX = 4, COMPARE_DEPTH = 64, COMPARE_WORK = 1 << 20 };

/* Types as bits. A number is an integer or has a fraction. */
enum {
    T_NULL = 1,
    T_BOOLEAN = 2,
    T_INTEGER = 4,
    T_FRACTION = 8,
    T_STRING = 16,
    T_ARRAY = 32,
    T_OBJECT = 64,
    T_NUMBER = T_INTEGER | T_FRACTION,
    T_ALL = 127
};

struct side {
    struct span text;
    struct tape tape;
    enum schema_draft draft;
    bool plain; /* no $id and no $schema but the root's: "#/…" means what it says, and one draft holds */
};

/* Schemas of the old text that all hold. */
struct set {
    uint32_t node[SET_MAX];
    uint32_t split[SPLITS_MAX]; /* anyOf and oneOf of which one branch was put into the set */
    unsigned n, n_splits;
    unsigned types; /* what they all allow */
    bool never;     /* nothing can hold */
};

struct comparison {
    struct side old, new;
    struct schema_changes *out;
    struct buf where;    /* now */
    const char *keyword; /* that has the schema which is looked at */
    bool quiet;          /* only whether it holds */
    bool same_definitions;
    int64_t work;
    unsigned depth;
    struct {
        struct set old;
        uint32_t new;
    } stack[COMPARE_DEPTH]; /* what is being shown: a schema that comes back to it may rely on it */
};

/* What the set implies: every value that fits all of it fits the schema `new`. Tells what does not unless quiet. */
bool compare_covers(struct comparison *c, const struct set *old, uint32_t new);
/* The same, telling nothing. */
bool compare_covers_quietly(struct comparison *c, const struct set *old, uint32_t new);
/* The same one step deeper: `token` is a member's name, or NULL for *. */
bool compare_below(struct comparison *c, const struct set *old, uint32_t new, const char *keyword,
                   const struct span *token);

/* A finding about the keyword of schema `at` in the new text, unless quiet. Returns false. */
bool compare_refused(struct comparison *c, uint32_t at, enum keyword k, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool compare_undecided(struct comparison *c, uint32_t at, enum keyword k, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Add a schema with all that holds with it: what it refers to, its allOf. 0 and true add nothing. */
void set_add(const struct comparison *c, struct set *s, uint32_t node);
/* Of a side: the value of a keyword of a schema's draft, 0 if it has none. */
uint32_t side_keyword(const struct side *s, uint32_t schema, enum keyword k);
/* What $ref in this schema leads to; false: nothing that is known here. */
bool side_resolve(const struct side *s, uint32_t schema, uint32_t *target);
/* The types that a schema allows at most. */
unsigned side_types(const struct side *s, uint32_t schema, unsigned depth);
/* Do both mean the same? */
bool compare_same(struct comparison *c, uint32_t old, uint32_t new);
bool is_boolean(const struct tape *t, uint32_t node, bool which);

/* The parts: schema `at` of the new text has keyword k with the value `value`. */
typedef bool compare_fn(struct comparison *c, const struct set *old, uint32_t at, enum keyword k, uint32_t value);
compare_fn compare_type, compare_enum, compare_bound, compare_multiple, compare_size, compare_pattern, compare_format,
    compare_unique, compare_required, compare_properties, compare_pattern_properties, compare_additional,
    compare_unevaluated_properties, compare_names, compare_dependencies, compare_items, compare_unevaluated_items,
    compare_contains, compare_all_of, compare_any_of, compare_one_of, compare_not, compare_if, compare_ref;

/* Schemas that are evaluated in place may be what evaluates a member: then unevaluated… is not additional…. */
bool side_applies_in_place(const struct side *s, uint32_t schema);

#endif
