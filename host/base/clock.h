/* SPDX-License-Identifier: MIT
 * clock: what time it is. Code that decides by time takes the time as an argument; only loops call these. Any thread.
 */
#ifndef CREEL_BASE_CLOCK_H
#define CREEL_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* milliseconds since 1970-01-01T00:00:00Z */
int64_t clock_mono_ms(void); /* monotonic, for deadlines */
int64_t clock_mono_ns(void);
int64_t clock_cpu_ns(void); /* CPU time of the calling process */

#endif
