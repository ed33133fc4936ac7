/* SPDX-License-Identifier: MIT
 * supervisor: creeld itself: starts intake and dispatch, restarts them, hands both the same configuration, stops them in
 * order. One thread, one loop. Holds what must outlive the roles: the listening sockets, the shared segment, both ends of the
 * channel between the roles, the last good configuration. Never touches a request or an event.
 *
 *   STARTING ──both roles serve──▶ RUNNING
 *      │ a role refuses to start      │ SIGTERM, SIGINT
 *      ▼                              ▼
 *   STOPPING: dispatch finishes ──▶ what it left is killed ──▶ intake writes the last records ──▶ end
 */
#ifndef CREEL_SUPERVISOR_SUPERVISOR_H
#define CREEL_SUPERVISOR_SUPERVISOR_H

#include <stdint.h>
#include "base/config.h"
#include "base/err.h"

/* One configuration, as the roles get it. */
struct loaded {
    struct config *config;
    int snapshot; /* sealed memfd */
    int secrets;  /* sealed memfd, for intake only */
};

struct supervisor_options {
    const char *program; /* what to run as the roles: /proc/self/exe, or a test's stand-in */
    /* Read and check the configuration; every fault is reported there. now: what is in use, without a config at start.
     * ERR_INVALID if there is any fault. */
    enum err (*load)(void *arg, const struct loaded *now, struct loaded *out);
    void *arg;
    int64_t lock_wait_ms; /* how long to wait for another creeld to let go of the spool */
};

/* Run until SIGTERM or SIGINT: 0. EXIT_USAGE for a configuration that cannot be used, EXIT_SYSTEM (or a role's own status) when
 * starting fails. */
int supervisor_run(const struct supervisor_options *o);

/* Close and free what `load` made. */
void loaded_free(struct loaded *s);

#endif
