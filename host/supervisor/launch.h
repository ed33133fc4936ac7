/* SPDX-License-Identifier: MIT
 * launch: fork and exec of one role with exactly the descriptors of enum role_fd, its user, its environment. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_LAUNCH_H
#define CREEL_SUPERVISOR_LAUNCH_H

#include <stdint.h>
#include <sys/types.h>
#include "base/channel.h"
#include "base/err.h"
#include "supervisor/identity.h"

struct launch {
    const char *program; /* /proc/self/exe, or what a test wants run instead */
    const char *role;    /* its first argument */
    const struct identity *identity;
    bool keep_slot_rights;
    bool clean_environment; /* only the variables of the whitelist */
    int64_t files;          /* descriptors it may need; the limit is raised as far as allowed */
    int fds[ROLE_FD_FIRST_FREE]; /* by role_fd, each at least ROLE_FD_FIRST_FREE itself; they stay the caller's */
};

/* Start it in a session of its own. What fails after the fork is logged by the child, which then exits with EXIT_SYSTEM. */
enum err launch_role(const struct launch *l, pid_t *pid, struct why *w);

/* Occupy every free descriptor below ROLE_FD_FIRST_FREE, so that whatever is opened later lies above. Once, at start. */
enum err launch_reserve(struct why *w);

/* The environment that dispatch, and with it every function, may see: a NULL-terminated array into env. Freed with free(). */
char **launch_clean_environment(char **env);

#endif
