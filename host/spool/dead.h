/* SPDX-License-Identifier: MIT
 * dead: dead letters, a view of the journal: dead/<source>/<type>/<event>.<function>.json, one JSON object with the event as it
 * came (body or body_base64), every attempt and outcome line about that invocation, and why it is dead. Only dispatch
 * writes here; it can be rebuilt from the journal at any time.
 */
#ifndef CREEL_SPOOL_DEAD_H
#define CREEL_SPOOL_DEAD_H

#include "spool/ledger.h"
#include "spool/reader.h"

/* Path below the spool directory, terminated, behind b (the terminator is not counted). Names are made by fs_put_name; one that
 * would pass 200 bytes is cut and ends in ~ and a hash. */
void dead_path(struct buf *b, struct span source, struct span type, const struct id *id, struct span function);
/* Write the dead letter of one invocation from the journal: atomically, synced. Of e only id and at are used. lines: the attempt,
 * outcome and action lines about this invocation, in their order, as they stand in the journal; NULL: they are found by reading
 * the journal from the event's line on. ERR_NOT_FOUND or ERR_CORRUPT: the event itself cannot be read. */
enum err dead_write(int spool_fd, struct reader *r, const struct entry *e, struct span function, const struct span *lines,
                    size_t n_lines, struct why *w);
/* Take it away (replayed or its segment was retired), and folders that are empty then. Absent is fine. */
enum err dead_remove(int spool_fd, struct span source, struct span type, const struct id *id, struct span function, struct why *w);

#endif
