/* SPDX-License-Identifier: MIT
 * value: when two JSON values are the same: numbers by value however they are written, strings by what they mean, objects whatever
 * the order of their members (JSON Schema core, section 4.2.2). Owns nothing; any thread.
 */
#ifndef CREEL_SCHEMA_VALUE_H
#define CREEL_SCHEMA_VALUE_H

#include "schema/tape.h"

/* Equal values have equal hashes under one seed. O(bytes); recursion as deep as the value, at most JSON_DEPTH_MAX. */
uint64_t value_hash(const struct tape *t, uint32_t node, uint64_t seed);
/* Both tapes were built with one seed. Time: O(bytes) when members come in a similar order; *work is counted down for each step, and at 0
 * the answer is false. */
bool value_equal(const struct tape *a, uint32_t node_a, const struct tape *b, uint32_t node_b, int64_t *work);

#endif
