/* SPDX-License-Identifier: MIT
 * spool_lock: the spool directory as creeld finds or makes it, and the lock that keeps a second creeld off it. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_SPOOL_LOCK_H
#define CREEL_SUPERVISOR_SPOOL_LOCK_H

#include <stdint.h>
#include "base/err.h"
#include "supervisor/identity.h"

#define SPOOL_LOCK_NAME ".creeld.lock"

/* Open the spool directory; made (0750, owned by `as`) when its parent exists. One that is empty is given to `as`; one that
 * belongs to somebody else and holds files is refused with what to do. */
enum err spool_lock_open(const char *path, const struct identity *as, int *dirfd, struct why *w);

/* Would spool_lock_open refuse it for its owner? ERR_DENIED with what to do; also ERR_OK when it is not there. Changes nothing. */
enum err spool_lock_fits(const char *path, const struct identity *as, struct why *w);

/* Take the lock, waiting up to wait_ms for a creeld that is stopping. *fd keeps it until closed. ERR_DENIED names who has it. */
enum err spool_lock_take(int dirfd, const char *path, int64_t wait_ms, int *fd, struct why *w);

#endif
