/* SPDX-License-Identifier: MIT
 * arena: a bump allocator over one block. Owns the block; frees nothing singly.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

bool arena_init(struct arena *a, size_t cap_bytes)
{
    *a = (struct arena){.p = malloc(cap_bytes), .cap = cap_bytes};
    return a->p != NULL;
}

void arena_fini(struct arena *a)
{
    free(a->p);
    *a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
    a->n = 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t at = (a->n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (at > a->cap || n > a->cap - at)
        return NULL;
    a->n = at + n;
    return a->p + at;
}

struct span arena_copy(struct arena *a, struct span s)
{
    char *p = s.n == (size_t)-1 ? NULL : arena_alloc(a, s.n + 1);
    if (!p)
        return SPAN_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return span_of(p, s.n);
}

struct buf arena_open(struct arena *a)
{
    size_t left = a->cap - a->n, room = left ? left - 1 : 0; /* the NUL */
    return (struct buf){.p = left ? a->p + a->n : NULL, .cap = room, .max_bytes = room};
}

struct span arena_close(struct arena *a, const struct buf *b)
{
    if (b->failed || !b->p)
        return SPAN_NONE;
    b->p[b->n] = 0;
    a->n = (size_t)(b->p - a->p) + b->n + 1;
    return span_of(b->p, b->n);
}
