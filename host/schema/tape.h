/* SPDX-License-Identifier: MIT
 * tape: a JSON text laid out once as a flat array, each value in front of what it holds, in the order of the text, so that going over
 * an element is one addition and no byte is looked at twice. Owns nothing: nodes, and strings whose escapes had to be taken out, lie in
 * the caller's arena, all other bytes stay where they are. A finished tape is immutable: any thread.
 */
#ifndef CREEL_SCHEMA_TAPE_H
#define CREEL_SCHEMA_TAPE_H

#include "base/arena.h"
#include "base/json.h"

struct tape_node {
    const char *text; /* of a string what it means, of all else the bytes as they were written */
    const char *name; /* of a member, without escapes; NULL elsewhere */
    uint32_t n, name_n;
    uint32_t name_hash; /* hash_name(name, seed) */
    uint32_t next;      /* index of the first node behind this one and all it holds */
    uint32_t count;     /* members or elements */
    uint8_t type;       /* enum json_type */
    uint8_t mark;       /* for who walks over a tape of his own; 0 when it is built */
};

/* The value of node i is followed by what it holds: i + 1, then nodes[i + 1].next, …, up to nodes[i].next. */
struct tape {
    struct tape_node *nodes; /* nodes[0] is the whole text */
    uint32_t n;
};

/* Bytes of arena that a text needs at most; 0 when it is none that json_check passes. O(n). */
size_t tape_bytes(struct span text);
/* Lay out a text that json_check has passed (on others the result is unspecified but memory-safe). seed: of the hashes. One spare
 * node lies behind the last one, for the caller. ERR_OK; ERR_NO_ROOM, and nothing is taken from the arena; ERR_INVALID: no such text. */
enum err tape_build(struct span text, uint64_t seed, struct arena *memory, struct tape *out);

static inline struct span tape_text(const struct tape *t, uint32_t node)
{
    return span_of(t->nodes[node].text, t->nodes[node].n);
}

static inline struct span tape_name(const struct tape *t, uint32_t node)
{
    return t->nodes[node].name ? span_of(t->nodes[node].name, t->nodes[node].name_n) : SPAN_NONE;
}

/* The member of an object; 0 (which is never a member) if there is none. O(members). */
uint32_t tape_member(const struct tape *t, uint32_t object, struct span name, uint32_t hash);
/* Where a node is, behind b: RFC 6901. O(what lies before it beside its ancestors). */
void tape_pointer(const struct tape *t, uint32_t node, struct buf *b);
/* Follow an unescaped reference token of RFC 6901; 0 if it leads nowhere. */
uint32_t tape_step(const struct tape *t, uint32_t node, struct span token);

/* A keyed hash of bytes; who does not know the seed makes no collisions. */
uint64_t tape_hash(struct span s, uint64_t seed);
static inline uint32_t hash_name(struct span s, uint64_t seed)
{
    return (uint32_t)(tape_hash(s, seed) >> 32);
}

#endif
