/* SPDX-License-Identifier: MIT
 * quarantine: bytes of the journal that cannot be read are kept, untouched, as quarantine/<segment>.<offset>, and said loudly.
 * Only intake writes here (committer and helper, never at once about the same segment).
 */
#ifndef CREEL_SPOOL_QUARANTINE_H
#define CREEL_SPOOL_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "spool/pos.h"

enum { QUARANTINE_NAME_BYTES = 64, QUARANTINE_GUESS_BYTES = 80 };

/* Copy n bytes of a segment, synced, logged and counted. Bytes that are there already are not copied again (*copied false);
 * other bytes under the same name are left alone, the new ones get a number behind theirs. */
enum err quarantine_copy(int spool_fd, struct pos at, uint32_t n, bool *copied, struct why *w);

/* Copied byte by byte under any name? Then its name is in `name`. False also when the segment itself cannot be read. */
bool quarantine_holds(int spool_fd, struct pos at, uint32_t n, char name[QUARANTINE_NAME_BYTES]);

/* What the bytes seem to have been, for a person: "an outcome line about event 01…", "part of a line". */
void quarantine_guess(struct span bytes, char out[QUARANTINE_GUESS_BYTES]);

/* What the folder holds. */
struct quarantine_look {
    uint32_t fingerprint; /* of all names; 0: none */
    struct pos lowest;    /* of those of segments from `oldest` on; {0,0}: none */
};
/* Any process may look. A folder that is not there is empty. ERR_SYSTEM. */
enum err quarantine_look(int spool_fd, uint32_t oldest, struct quarantine_look *out, struct why *w);

#endif
