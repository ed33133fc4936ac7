/* SPDX-License-Identifier: MIT
 * identity: users, groups, and the capabilities dispatch keeps. The kernel's own calls are used where libcap would be the only
 * reason to need libcap.
 */
#include "supervisor/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int slot_rights[] = {CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_KILL};
enum { N_SLOT_RIGHTS = sizeof slot_rights / sizeof slot_rights[0] };

enum err identity_find(const char *user, struct identity *out, struct why *w)
{
    struct identity id = {0};
    if (user && *user && geteuid() == 0) {
        errno = 0;
        const struct passwd *p = getpwnam(user);
        if (!p)
            return why_set(w, ERR_NOT_FOUND, "user '%s' does not exist: create it (adduser --system %s) or change the setting",
                           user, user);
        id.change = true;
        id.uid = p->pw_uid;
        id.gid = p->pw_gid;
        id.n_groups = IDENTITY_GROUPS;
        if (getgrouplist(user, p->pw_gid, id.groups, &id.n_groups) < 0)
            return why_set(w, ERR_INVALID, "user '%s' is in more than %d groups", user, IDENTITY_GROUPS);
    }
    *out = id;
    return ERR_OK;
}

enum err identity_group(const char *group, gid_t *out, struct why *w)
{
    const struct group *g = getgrnam(group);
    char *end;
    unsigned long n = strtoul(group, &end, 10);
    if (!g && (*group < '0' || *group > '9' || *end || n >= (gid_t)-1))
        return why_set(w, ERR_NOT_FOUND, "group '%s' does not exist", group);
    *out = g ? g->gr_gid : (gid_t)n;
    return ERR_OK;
}

/* Only the slot rights stay: permitted, effective, and (so that they pass through exec) inheritable and ambient. */
static enum err keep_rights(struct why *w)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    for (int i = 0; i < N_SLOT_RIGHTS; i++) {
        struct __user_cap_data_struct *d = &data[CAP_TO_INDEX(slot_rights[i])];
        d->permitted |= CAP_TO_MASK(slot_rights[i]);
        d->effective = d->inheritable = d->permitted;
    }
    if (syscall(SYS_capset, &head, data) != 0)
        return why_errno(w, "cannot keep the capabilities that starting functions takes");
    for (int i = 0; i < N_SLOT_RIGHTS; i++)
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, slot_rights[i], 0, 0) != 0)
            return why_errno(w, "cannot hand on capability %d", slot_rights[i]);
    return ERR_OK;
}

enum err identity_take(const struct identity *id, bool keep_slot_rights, struct why *w)
{
    if (!id->change)
        return ERR_OK;
    if (keep_slot_rights && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return why_errno(w, "cannot keep capabilities");
    if (setgroups((size_t)id->n_groups, id->groups) != 0 || setresgid(id->gid, id->gid, id->gid) != 0 ||
        setresuid(id->uid, id->uid, id->uid) != 0)
        return why_errno(w, "cannot become uid %u", (unsigned)id->uid);
    return keep_slot_rights ? keep_rights(w) : ERR_OK;
}
