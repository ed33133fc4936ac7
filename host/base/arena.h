/* SPDX-License-Identifier: MIT
 * arena: the memory of one request: one block of fixed size, given out in pieces, given back all at once. Full is an
 * answer (NULL, then 413), never a crash. One thread at a time.
 */
#ifndef CREEL_BASE_ARENA_H
#define CREEL_BASE_ARENA_H

#include "base/buf.h"

struct arena {
    char *p; /* owned */
    size_t n, cap;
};

/* Allocate the block. False when memory is out. */
bool arena_init(struct arena *a, size_t cap_bytes);
void arena_fini(struct arena *a);
/* Everything given out so far is gone. */
void arena_reset(struct arena *a);
/* n bytes aligned for any object, not cleared; NULL when the block is full. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of s with a NUL behind it; SPAN_NONE when the block is full. */
struct span arena_copy(struct arena *a, struct span s);
/* What is left of the block as a buffer that never grows; until it is closed nothing else may be taken from the arena. */
struct buf arena_open(struct arena *a);
/* Keep what was written into it, with a NUL behind; SPAN_NONE, and nothing is kept, when it did not fit. A buffer that is
 * never closed has taken nothing. */
struct span arena_close(struct arena *a, const struct buf *b);

#endif
