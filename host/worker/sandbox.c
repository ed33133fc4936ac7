/* SPDX-License-Identifier: MIT
 * sandbox: user, capabilities, limits. Runs once in init and once in the zygote, before anything foreign. Mounts: mounts.c.
 */
#include "config.h"
#include "worker/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHARED_PROCESSES = 4096 }; /* added where this user's processes of all slots count together */

bool sandbox_put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

bool sandbox_map_user(uid_t uid, gid_t gid)
{
    char uid_map[48], gid_map[48];
    snprintf(uid_map, sizeof uid_map, "%u %u 1\n", uid, uid);
    snprintf(gid_map, sizeof gid_map, "%u %u 1\n", gid, gid);
    return sandbox_put_file("/proc/self/setgroups", "deny") && sandbox_put_file("/proc/self/uid_map", uid_map) &&
           sandbox_put_file("/proc/self/gid_map", gid_map);
}

/* What an exec could ever gain. Needs privilege: it comes before a change of user, and again in a new user namespace. */
static void drop_bounds(void)
{
    for (unsigned long c = 0; c < 64; c++)
        (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

/* Nothing is left. */
static void drop_capabilities(void)
{
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    drop_bounds();
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    (void)syscall(SYS_capset, &head, none);
}

void sandbox_drop(void)
{
    drop_capabilities();
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static enum err become_user(const struct worker *w, struct why *why)
{
    if (w->uid == (uid_t)-1 || w->uid == geteuid())
        return ERR_OK;
    gid_t gid = w->gid == (gid_t)-1 ? getegid() : w->gid;
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(w->uid, w->uid, w->uid) != 0)
        return why_errno(why, "cannot become user %u, group %u", w->uid, gid);
    return ERR_OK;
}

/* Processes are counted by user and user namespace: with one of its own, a slot's limit is its own. */
static bool own_user_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    return uid != 0 && unshare(CLONE_NEWUSER) == 0 && sandbox_map_user(uid, gid);
}

static enum err limit(int resource, int64_t value, const char *name, struct why *why)
{
    struct rlimit l;
    if (getrlimit(resource, &l) != 0)
        return why_errno(why, "limit %s", name);
    if (l.rlim_max == RLIM_INFINITY || l.rlim_max > (rlim_t)value)
        l.rlim_max = (rlim_t)value;
    l.rlim_cur = l.rlim_max;
    return setrlimit(resource, &l) == 0 ? ERR_OK : why_errno(why, "limit %s", name);
}

static enum err limit_all(const struct worker *w, bool own_count, struct why *why)
{
    int64_t processes = w->processes + SANDBOX_OWN_PROCESSES + (own_count ? 0 : SHARED_PROCESSES);
    const struct {
        int resource;
        int64_t value;
        const char *name;
    } limits[] = {
        {RLIMIT_CORE, 0, "core"},
        {RLIMIT_NOFILE, w->files, "files"},
        {RLIMIT_FSIZE, w->file_size_bytes, "file_size"},
        {RLIMIT_NPROC, processes, "processes"},
#ifndef CREEL_SANITIZED
        {RLIMIT_DATA, w->memory_bytes, "memory"},
        {RLIMIT_AS, w->memory_bytes < INT64_MAX / SANDBOX_SPACE_TIMES ? w->memory_bytes * SANDBOX_SPACE_TIMES : INT64_MAX, "memory"},
#endif
    };
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < sizeof limits / sizeof limits[0]; i++)
        e = limit(limits[i].resource, limits[i].value, limits[i].name, why);
    return e;
}

enum err sandbox_confine(const struct worker *w, struct why *why)
{
    drop_bounds();
    enum err e = become_user(w, why);
    if (e)
        return e;
    /* A change of user makes a process undumpable and its /proc/self root's; and it forgets the death signal. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    bool own_count = w->namespaces && own_user_namespace();
    drop_capabilities();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if ((e = limit_all(w, own_count, why)) != ERR_OK)
        return e;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return why_errno(why, "no_new_privs");
    return landlock_apply(w, why);
}
