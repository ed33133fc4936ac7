/* SPDX-License-Identifier: MIT
 * id: our ids: 26 characters [0-9A-Z] (Crockford base32 without I, L, O, U), 48 bits of milliseconds then 80 random bits,
 * so that sorting by text sorts by time. In memory 16 bytes, big endian, so memcmp sorts alike. Any process, any thread.
 */
#ifndef CREEL_BASE_ID_H
#define CREEL_BASE_ID_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

enum { ID_TEXT_BYTES = 26 };

struct id {
    uint8_t b[16];
};

/* A new id for wall_ms. Ids made by one process within one millisecond rise strictly (the random part is counted up). Any
 * thread; the only state is behind a lock. */
struct id id_new(int64_t wall_ms);
/* Exactly 26 characters of the alphabet (upper case), first at most '7'. */
enum err id_parse(struct span s, struct id *out);
/* 26 characters, no terminator. */
void id_format(const struct id *id, char out[ID_TEXT_BYTES]);
int64_t id_time_ms(const struct id *id);
/* For tables of a power of two: its low bits are spread well, also of ids that were made one after the other. */
uint32_t id_hash(const struct id *id);
static inline int id_cmp(const struct id *a, const struct id *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

#endif
