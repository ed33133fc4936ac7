/* SPDX-License-Identifier: MIT
 * identity: who the roles run as when creeld was started as root, and how a process becomes that. Supervisor, and the child
 * between fork and exec.
 */
#ifndef CREEL_SUPERVISOR_IDENTITY_H
#define CREEL_SUPERVISOR_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/err.h"

enum { IDENTITY_GROUPS = 64 };

struct identity {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid, groups[IDENTITY_GROUPS];
    int n_groups;
};

/* Look up the user by name ("" or not being root: stay). ERR_NOT_FOUND for an unknown name. */
enum err identity_find(const char *user, struct identity *out, struct why *w);
/* A group's number by name or digits. ERR_NOT_FOUND. */
enum err identity_group(const char *group, gid_t *out, struct why *w);

/* Become that for good. keep_slot_rights: keep, through exec, just what starting worker slots as another user takes
 * (CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_KILL). In a single-threaded child only. */
enum err identity_take(const struct identity *id, bool keep_slot_rights, struct why *w);

#endif
