/* SPDX-License-Identifier: MIT
 * json_find: many pointers (RFC 6901) looked up in one walk over a text, where json_pointer would walk it once for each.
 * The set of pointers is made once and then immutable: any thread. Allocates nothing.
 */
#ifndef CREEL_BASE_JSON_FIND_H
#define CREEL_BASE_JSON_FIND_H

#include "base/json.h"

enum { JSON_FIND_SLOTS = 24, JSON_FIND_NODES = 64 };

/* A tree of reference tokens; node 0 is the whole text. All zero: no pointers. */
struct json_find {
    struct json_find_node {
        struct span token;           /* as written in the pointer; the caller's bytes */
        unsigned char child, next;   /* the first below this one, the next beside it; 0: none */
        unsigned char slot;          /* from 1; 0: only on the way to others */
    } nodes[JSON_FIND_NODES];
    unsigned char n_nodes, n_slots;
};

/* The slot of this pointer, from 0; a new one if it is new. The pointer's bytes must outlive the set. ERR_INVALID: it is
 * not well formed; ERR_NO_ROOM: the set is full and stays as it was. */
enum err json_find_add(struct json_find *f, struct span pointer, int *slot);
/* out[slot] for every pointer of the set: what json_pointer would return. The text has passed json_check. Time linear in
 * the text times the depth of the pointers; it ends where all are found. */
void json_find(const struct json_find *f, struct span text, struct span out[JSON_FIND_SLOTS]);

#endif
