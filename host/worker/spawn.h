/* SPDX-License-Identifier: MIT
 * spawn: starting creel-worker as the init of its own namespaces, by clone and exec without copying the owner's memory.
 * Part of slot; nobody else uses it.
 */
#ifndef CREEL_WORKER_SPAWN_H
#define CREEL_WORKER_SPAWN_H

#include "worker/slot.h"

/* What a worker finds at which descriptor. 0 is /dev/null; 1 and 2 are one pipe. */
enum { WORKER_FD_SOCKET = 3 };

struct spawned {
    pid_t pid;
    int pidfd; /* close-on-exec, the caller's */
    bool user_namespace; /* which the worker is to map */
};

/* Start program with worker_end as its socket and output_end as stdout and stderr (they stay the caller's). */
enum err spawn_worker(const struct slot_options *o, int worker_end, int output_end, struct spawned *out, struct why *w);

#endif
