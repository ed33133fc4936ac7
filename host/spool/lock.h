/* SPDX-License-Identifier: MIT
 * lock: one process per role and spool. The lock file stays; what counts is the lock on it, which ends with the process. Any
 * thread.
 */
#ifndef CREEL_SPOOL_LOCK_H
#define CREEL_SPOOL_LOCK_H

#include <stdint.h>
#include "base/err.h"

/* Take the lock on spool/<name>, asking again until wait_ms are over. *fd holds it until it is closed (close-on-exec).
 * ERR_DENIED when somebody else keeps it; ERR_SYSTEM. */
enum err lock_take(int spool_fd, const char *name, int64_t wait_ms, int *fd, struct why *w);

#endif
