/* SPDX-License-Identifier: MIT
 * seen: remembered duplicate keys, compactly: key, first event's id and when it may be forgotten, oldest first, with an
 * index by key. At most 48 bytes for each remembered key once there are a few thousand. Pure: the time comes in. One
 * thread at a time (dedupe holds its lock).
 */
#ifndef CREEL_INTAKE_SEEN_H
#define CREEL_INTAKE_SEEN_H

#include <stdint.h>
#include "base/err.h"
#include "base/id.h"

enum { SEEN_KEY_BYTES = 16 };

struct seen;

/* Remembers at most max keys (1 to 2^30). NULL: out of memory. */
struct seen *seen_new(size_t max);
void seen_free(struct seen *s);
void seen_set_max(struct seen *s, size_t max);

/* Is this key remembered and its time not over? *id is then the first event's. */
bool seen_find(const struct seen *s, const uint8_t key[SEEN_KEY_BYTES], int64_t now_ms, struct id *id);
/* Remember key until until_ms. A key that is there already is replaced. Forgets what is over, then the oldest while
 * there are more than max; *early counts those whose time was not over. ERR_NO_MEMORY: the key is not remembered. */
enum err seen_put(struct seen *s, const uint8_t key[SEEN_KEY_BYTES], const struct id *id, int64_t until_ms,
                  int64_t now_ms, uint64_t *early);

size_t seen_count(const struct seen *s);
size_t seen_bytes(const struct seen *s); /* memory held */

#endif
