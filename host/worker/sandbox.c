/* SPDX-License-Identifier: MIT
 * sandbox: mounts, user, capabilities, limits. Runs once in init and once in the zygote, before anything foreign.
 */
#include "config.h"
#include "worker/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"

enum {
    OWN_PROCESSES = 4,          /* init, zygote, runner, one that is being reaped */
    SHARED_PROCESSES = 4096,    /* added where this user's processes of all slots count together */
    RESERVED_PIDS = 300         /* the kernel's: numbers below are given out once only */
};

enum err sandbox_each_hidden(const struct worker *w, enum err (*what)(void *arg, const char *path, struct why *why), void *arg,
                             struct why *why)
{
    if (json_type_of(w->hide) != JSON_ARRAY)
        return ERR_OK;
    struct json_iter it = json_iter(w->hide);
    struct span value;
    enum err e = ERR_OK;
    while (!e && json_next_element(&it, &value)) {
        struct buf path;
        buf_init(&path, 4096);
        if (json_unescape(value, &path) == ERR_OK)
            buf_putc(&path, 0);
        if (path.failed || path.n < 2 || path.p[0] != '/')
            e = why_set(why, ERR_INVALID, "a path to be hidden is not absolute or too long");
        else
            e = what(arg, path.p, why);
        buf_fini(&path);
    }
    return e;
}

static enum err same_path(void *arg, const char *path, struct why *why)
{
    (void)why;
    return strcmp(arg, path) == 0 ? ERR_EXISTS : ERR_OK;
}

/* Is everything in the folder of this file hidden? Then the folder can be: a cover over a single file is gone as soon as
 * somebody outside renames another file over it, as is done when a key is rotated. */
static bool folder_is_hidden(const struct worker *w, const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    bool all = d;
    while (all && (entry = readdir(d))) {
        char path[4096];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        all = n > 0 && (size_t)n < sizeof path && sandbox_each_hidden(w, same_path, path, NULL) == ERR_EXISTS;
    }
    if (d)
        closedir(d);
    return all;
}

static bool cover_folder(const char *path)
{
    return mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC, "size=4k,nr_inodes=2,mode=0000") == 0;
}

static bool cover_file(const struct worker *w, const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int n = snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (n > 0 && (size_t)n < sizeof folder && folder_is_hidden(w, folder) && cover_folder(folder))
        return true;
    return mount("/dev/null", path, NULL, MS_BIND, NULL) == 0;
}

static enum err cover(void *arg, const char *path, struct why *why)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        /* What is not there, or not to be reached from here, needs no cover: the function has fewer rights than this. */
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
            return ERR_OK;
        return why_errno(why, "%s: cannot be hidden", path);
    }
    bool covered = S_ISDIR(st.st_mode) ? cover_folder(path) : cover_file(arg, path);
    return covered ? ERR_OK : why_errno(why, "%s: cannot be hidden", path);
}

static bool put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

/* The user and group that this process has in the namespace above, as themselves. */
static bool map_user(uid_t uid, gid_t gid)
{
    char uid_map[48], gid_map[48];
    snprintf(uid_map, sizeof uid_map, "%u %u 1\n", uid, uid);
    snprintf(gid_map, sizeof gid_map, "%u %u 1\n", gid, gid);
    return put_file("/proc/self/setgroups", "deny") && put_file("/proc/self/uid_map", uid_map) &&
           put_file("/proc/self/gid_map", gid_map);
}

/* Root is exempt from RLIMIT_NPROC; since Linux 6.14 a pid namespace has its own pid_max. Before, the setting is the whole
 * machine's and must not be touched. */
static void limit_pids(int64_t processes)
{
    struct utsname u;
    unsigned major = 0, minor = 0;
    if (uname(&u) != 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2 || major < 6 || (major == 6 && minor < 14))
        return;
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, RESERVED_PIDS + OWN_PROCESSES + processes);
    (void)put_file("/proc/sys/kernel/pid_max", text);
}

enum err sandbox_mounts(const struct worker *w, struct why *why)
{
    if (w->user_namespace && !map_user(w->owner_uid, w->owner_gid))
        return why_errno(why, "the user cannot be mapped in a user namespace");
    /* What the host mounts and unmounts is still followed (beneath the covers); nothing goes the other way. */
    if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return why_errno(why, "the mounts cannot be made our own");
    enum err e = sandbox_each_hidden(w, cover, (void *)(uintptr_t)w, why);
    if (e)
        return e;
    /* A /proc of its own hides the host's processes. Containers may refuse it; then landlock keeps us from looking into
     * other processes through the one that is there, and where there is no landlock either, it is covered. */
    if (mount("proc", "/proc", "proc", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL) == 0)
        limit_pids(w->processes);
    else if (!landlock_there())
        return cover_folder("/proc") ? ERR_OK : why_errno(why, "/proc: cannot be hidden");
    return ERR_OK;
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
    return uid != 0 && unshare(CLONE_NEWUSER) == 0 && map_user(uid, gid);
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
    int64_t processes = w->processes + OWN_PROCESSES + (own_count ? 0 : SHARED_PROCESSES);
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
