/* SPDX-License-Identifier: MIT
 * mutate: changes inputs the way a careless or a hostile sender would, the same way every time. One thread.
 */
#ifndef CREEL_TESTS_MUTATE_H
#define CREEL_TESTS_MUTATE_H

#include <stdint.h>
#include "base/span.h"

struct mutator {
    uint64_t state; /* any value but 0 */
    size_t cap;     /* bytes an input may grow to */
};

/* 0 to n - 1; n > 0. */
uint32_t mutate_random(struct mutator *m, uint32_t n);
/* One to eight changes of p[0..n), whose room is m->cap bytes; other: an input to take pieces from. Returns the new
 * length. */
size_t mutate(struct mutator *m, char *p, size_t n, struct span other);

#endif
