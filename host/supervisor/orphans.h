/* SPDX-License-Identifier: MIT
 * orphans: what a dead dispatch left behind. creeld is subreaper, so whatever loses its parent below it becomes its direct
 * child; killing direct children until none is left kills everything, however deep it was. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_ORPHANS_H
#define CREEL_SUPERVISOR_ORPHANS_H

#include <stddef.h>
#include <sys/types.h>

/* SIGKILL every living direct child but those in keep (0 entries are skipped). Returns how many there were: call again, after
 * reaping, until it says 0. */
size_t orphans_kill(const pid_t *keep, size_t n_keep);

#endif
