/* SPDX-License-Identifier: MIT
 * pos: a place in the journal. Positions are hints for finding a line again; what names an event is its id. Plain values:
 * any thread.
 */
#ifndef CREEL_SPOOL_POS_H
#define CREEL_SPOOL_POS_H

#include <stdint.h>

/* Segments count from 1 and numbers are never reused; offsets are below 4 GiB. {0, 0} is before everything. */
struct pos {
    uint32_t segment, offset;
};

static inline uint64_t pos_pack(struct pos p)
{
    return (uint64_t)p.segment << 32 | p.offset;
}

static inline struct pos pos_unpack(uint64_t v)
{
    return (struct pos){(uint32_t)(v >> 32), (uint32_t)v};
}

static inline int pos_cmp(struct pos a, struct pos b)
{
    uint64_t x = pos_pack(a), y = pos_pack(b);
    return x < y ? -1 : x > y;
}

#endif
