/* SPDX-License-Identifier: MIT
 * validator: one value against one program: what validate*.c share. Recursion is bounded by VALIDATE_DEPTH_MAX, work by a budget that
 * grows with the instance; both end in ERR_NO_ROOM. Everything lives on the stack and in the caller's arena.
 */
#ifndef CREEL_SCHEMA_VALIDATOR_H
#define CREEL_SCHEMA_VALIDATOR_H

#include "schema/program.h"

enum {
    VALIDATE_DEPTH_MAX = 1000,
    VALIDATE_WORK = 1000000, /* steps, about 10 ns each, and more for the value's nodes and bytes */
    VALIDATE_WORK_PER_NODE = 100,
    VALIDATE_WORK_PER_BYTE = 8,
    VALIDATE_BYTES_PER_WORK = 16, /* what going over them once costs */
};

/* Children [from, to) of one value that were evaluated: nodes of the tape. */
struct evaluated {
    uint32_t from, to;
};

struct validator {
    const struct schema *s;
    struct tape tape; /* the instance; the spare node behind it is a member's name */
    struct tape_node *spare;
    uint32_t named; /* the object whose member's name that is */
    struct pattern_context *patterns;
    struct arena *memory;
    struct schema_errors *errors; /* NULL: nobody asks why */
    unsigned quiet;               /* > 0: within what may fail without being wrong (anyOf, not, if) */
    unsigned depth;
    bool trying;       /* which of several schemas is the nearest: nobody else tries meanwhile */
    int64_t work;      /* what may still be done */
    const char *limit; /* the limit that was passed: from then on nothing fits */
    const char *limit_keyword;
    struct evaluated *evaluated; /* a stack; each rule sees what was put on it since it began */
    uint32_t n_evaluated, max_evaluated;
    uint32_t own_evaluated; /* where that of the rule at hand begins */
};

/* Does the value fit? `via` is the keyword that asks. A failure is noted, once for each cause, unless it is quiet. */
bool validate(struct validator *v, uint32_t rule, uint32_t node, enum keyword via);
/* The same for a member or element: what is evaluated within it stays there. */
bool validate_child(struct validator *v, uint32_t rule, uint32_t node, enum keyword via);
/* The same, and a failure is noted by nobody. */
bool validate_quietly(struct validator *v, uint32_t rule, uint32_t node, enum keyword via);
/* Children [from, to) are evaluated. */
void validate_note(struct validator *v, uint32_t from, uint32_t to);
/* Is it enough to know that something is wrong? */
static inline bool validate_is_brief(const struct validator *v)
{
    return !v->errors || v->quiet || v->errors->more || v->limit;
}
static inline const struct tape_node *validate_node(const struct validator *v, uint32_t node)
{
    return &v->tape.nodes[node];
}
/* pattern_match, paid for by its steps. `keyword` is named when it passes its own bounds; then ERR_NO_ROOM. */
enum err validate_match(struct validator *v, const struct pattern_rule *p, struct span text, const char *keyword);
/* Work is done; false when there was too much of it. */
bool validate_spend(struct validator *v, uint64_t work);
/* Is the value `node` equal to one of this tape? False where that took too much work, which is then the limit that was passed. */
bool validate_equal(struct validator *v, const struct tape *t, uint32_t there, uint32_t node);
bool validate_limit(struct validator *v, const char *keyword, const char *what);

/* One violation: always false. */
bool violation(struct validator *v, uint32_t node, const char *keyword, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* At most so many bytes of a text that is to be shown, cut between characters; "…" stands for the rest (cut_mark). */
enum { CUT_BYTES = 80 };
int cut_bytes(struct span text);
const char *cut_mark(struct span text);

/* Each keyword: does the value (of a type that it speaks about) fit? */
typedef bool validate_fn(struct validator *v, const struct op *op, uint32_t node);
validate_fn validate_type, validate_const, validate_enum, validate_bound, validate_multiple, validate_length,
    validate_pattern, validate_format, validate_size, validate_unique, validate_properties, validate_names,
    validate_dependencies, validate_items, validate_contains, validate_ref, validate_all, validate_any, validate_one,
    validate_not, validate_if, validate_unevaluated;

#endif
