/* SPDX-License-Identifier: MIT
 * program: a compiled schema: flat arrays that refer to each other by index. Written by compile*.c, then immutable and read by
 * validate*.c on any thread.
 */
#ifndef CREEL_SCHEMA_PROGRAM_H
#define CREEL_SCHEMA_PROGRAM_H

#include "schema/format.h"
#include "schema/keyword.h"
#include "schema/pattern.h"
#include "schema/tape.h"

#define RULE_NONE UINT32_MAX /* no schema there */

/* One keyword, or several that are looked at together: `required`, `properties`, `patternProperties` and `additionalProperties` are one
 * KEYWORD_PROPERTIES, all of items one KEYWORD_ITEMS, `if` holds then and else, and all dependencies are one. */
struct op {
    enum keyword keyword;
    union {
        uint32_t types; /* bits of enum json_type, and TYPE_INTEGER */
        uint32_t count; /* at least, at most */
        uint32_t rule;
        uint32_t index; /* of objects, patterns */
        struct {
            uint32_t at, n; /* of lists, values, dependencies */
            uint32_t rest;  /* of items: the rule for those behind the list */
        } list;
        struct {
            uint32_t rule, min, max;
        } contains;
        struct {
            uint32_t test, then, otherwise;
        } branch;
        struct span number; /* as written */
        const struct format *format;
    };
};
#define TYPE_INTEGER (1u << (JSON_OBJECT + 1))

/* A schema: operations [first, first + n), those with unevaluated* last. */
struct rule {
    enum { RULE_OPS, RULE_ALWAYS, RULE_NEVER } kind;
    uint32_t first, n;
};

struct name {
    struct span text;
    uint32_t hash;
};

struct member {
    struct name name;
    uint32_t rule;
    bool required;
};

/* What is said of an object's members. Slots [slots, slots + mask + 1) are a hash table of members, 0 or 1 + index behind `at`. */
struct object_rule {
    uint32_t at, n, slots, mask;
    uint32_t n_required;
    uint32_t patterns, n_patterns;
    uint32_t rest; /* additionalProperties */
};

struct pattern_rule {
    struct pattern *pattern; /* owned */
    struct span source;
    uint32_t rule; /* of patternProperties */
};

/* A JSON value of const or enum. */
struct value {
    uint64_t hash;
    const struct tape *tape;
    uint32_t node;
};

/* With the member `name`, names [names, names + n_names) must be there, and rule hold. */
struct dependency {
    struct name name;
    enum keyword keyword; /* that says it */
    uint32_t names, n_names;
    uint32_t rule;
};

struct source {
    char *text; /* owned: what all spans of this document point into */
    struct arena memory;
    struct tape tape;
};

struct schema {
    uint64_t seed; /* of all hashes */
    uint32_t root;
    bool tracks;   /* somewhere is unevaluated*: what was evaluated has to be remembered */
    bool compares; /* somewhere is uniqueItems */
    struct rule *rules;
    struct op *ops;
    uint32_t *lists; /* indices of rules */
    struct object_rule *objects;
    struct member *members;
    uint32_t *slots;
    struct pattern_rule *patterns;
    struct value *values;
    struct dependency *dependencies;
    struct name *names;
    struct source **sources; /* each owned; never moves */
    uint32_t n_rules, n_ops, n_lists, n_objects, n_members, n_slots, n_patterns, n_values, n_dependencies, n_names,
        n_sources;
};

/* Every array is there, if only empty: nothing is added to NULL. False when memory is out. */
bool program_init(struct schema *s);
/* Room for n more behind *count elements of an array that grows by doubling; the first of them, cleared, or NULL. */
void *program_grow(void *array, uint32_t *count, size_t n, size_t size);

#endif
