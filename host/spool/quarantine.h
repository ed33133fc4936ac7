/* SPDX-License-Identifier: MIT
 * quarantine: bytes of the journal that cannot be read are kept, untouched, as quarantine/<segment>.<offset>, and said loudly.
 * Only intake writes here (committer and helper, never at once about the same segment).
 */
#ifndef CREEL_SPOOL_QUARANTINE_H
#define CREEL_SPOOL_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "spool/pos.h"

/* Copy n bytes of a segment, synced, logged and counted. Bytes that are there already are not copied again (*copied false);
 * other bytes under the same name are left alone, the new ones get a number behind theirs. */
enum err quarantine_copy(int spool_fd, struct pos at, uint32_t n, bool *copied, struct why *w);

#endif
