/* SPDX-License-Identifier: MIT
 * sandbox: what a function is born into, in this order:
 *   init:    its user mapped, mounts (its own copy; covers over what is hidden; read-only what must not be changed; a /proc
 *            of its own), then no privilege
 *   zygote:  user and group, a user namespace of its own to count its processes in, no capability (bounding set too), rlimits,
 *            no_new_privs, landlock; then dlopen
 * Without namespaces: landlock lets in everything but what is hidden or must not be changed, and each runner gets a system call
 * filter that refuses to create processes or to signal others; threads are allowed. What the kernel lacks of landlock is left out.
 */
#ifndef CREEL_WORKER_SANDBOX_H
#define CREEL_WORKER_SANDBOX_H

#include "worker/worker.h"

/* Where START says nothing. Memory is what is private and writable (RLIMIT_DATA); the address space is bounded by
 * SANDBOX_SPACE_TIMES as much, because language runtimes reserve far more than they use. */
#define SANDBOX_MEMORY_BYTES (512LL << 20)
#define SANDBOX_FILE_SIZE_BYTES (1LL << 30)
enum {
    SANDBOX_FILES = 256,
    SANDBOX_PROCESSES = 64,
    SANDBOX_SPACE_TIMES = 32,
    SANDBOX_OWN_PROCESSES = 4 /* on top: init, zygote, runner, one that is being reaped */
};

/* mounts.c: as init of new mount and pid namespaces, still privileged in them. */
enum err sandbox_mounts(const struct worker *w, struct why *why);
/* init itself: no capability, not traceable by what it holds. */
void sandbox_drop(void);
/* The zygote, for itself and all it forks. */
enum err sandbox_confine(const struct worker *w, struct why *why);

/* landlock.c: rules cannot be taken back. With namespaces: no mounting, no device nodes, no signals or abstract sockets to
 * the outside. Without: also what places.h says. */
enum err landlock_apply(const struct worker *w, struct why *why);
/* True when this kernel has landlock in the form that landlock_apply uses. */
bool landlock_there(void);

/* filter.c: for a runner without namespaces, before the function is loaded. */
enum err filter_apply(struct why *why);

/* Write text into a file that is there. */
bool sandbox_put_file(const char *path, const char *text);
/* The user and group that this process has in the namespace above, as themselves. */
bool sandbox_map_user(uid_t uid, gid_t gid);

#endif
