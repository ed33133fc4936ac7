/* SPDX-License-Identifier: MIT
 * number: what JSON numbers (RFC 8259 section 6) are worth, exactly: decimal texts of any length with any exponent, never
 * turned into a double. Work is linear in the texts, whatever the exponents say. Allocates nothing. Any thread. Every text has
 * passed json_check; of other texts results are unspecified but memory-safe.
 */
#ifndef CREEL_SCHEMA_NUMBER_H
#define CREEL_SCHEMA_NUMBER_H

#include <stdint.h>
#include "base/span.h"

enum { NUMBER_DIVISOR_DIGITS = 64 }; /* significant ones, of what may be passed as `of` */

/* Less than, equal to or greater than zero, as a is to b: 1, 1.0, 10e-1 and 0.1e1 are equal, and so are 0, -0 and 0e9. */
int number_compare(struct span a, struct span b);
/* Equal numbers have equal hashes. */
uint64_t number_hash(struct span a);
/* No fraction: 1.0 and 1e400 are integers, 1.5 and 1e-400 are not. */
bool number_is_integer(struct span a);
/* May it be asked for multiples: greater than zero, of at most NUMBER_DIVISOR_DIGITS significant digits? */
bool number_is_divisor(struct span of);
/* Is value = k * of for an integer k? False when `of` is no divisor. */
bool number_multiple_of(struct span value, struct span of);

#endif
