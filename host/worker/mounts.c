/* SPDX-License-Identifier: MIT
 * mounts: what a function sees of the file system where it has a mount namespace of its own. Runs once, in init, while it still
 * has privilege there; nothing of it reaches the host.
 */
#include "config.h"
#include "worker/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "worker/places.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

enum {
    FIXED_FOLDERS = 256, /* in a fixed folder; further ones cannot be written to either */
    RESERVED_PIDS = 300, /* the kernel's: numbers below are given out once only */
    ATTR_RDONLY = 1      /* MOUNT_ATTR_RDONLY */
};

/* As struct mount_attr of the kernel; the C library's comes with a version later than the oldest we build with. */
struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

static bool make_read_only(const char *path, bool with_all_below)
{
    struct attributes a = {.set = ATTR_RDONLY};
    return syscall(SYS_mount_setattr, AT_FDCWD, path, with_all_below ? AT_RECURSIVE : 0, &a, sizeof a) == 0;
}

/* Make path a mount of its own, with what is mounted below it, unless it is one. */
static bool pin(const char *path)
{
    struct statx sx;
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, 0, &sx) == 0 && (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return true;
    return mount(path, path, NULL, MS_BIND | MS_REC, NULL) == 0;
}

/* A mount cannot be renamed or removed, but a folder above it can: with a fake in its place the host would find that. */
static bool pin_above(const char *path)
{
    char folder[4096];
    bool ok = strlen(path) < sizeof folder;
    for (const char *slash = path; ok && (slash = strchr(slash + 1, '/'));) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        ok = pin(folder);
    }
    return ok;
}

static bool cover_folder(const char *path)
{
    return mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC, "size=4k,nr_inodes=2,mode=0000") == 0;
}

/* The folders in it become mounts of their own first, so that they stay as they are. */
static bool fix_folder(const char *path)
{
    DIR *d = pin(path) ? opendir(path) : NULL;
    struct dirent *entry;
    bool ok = d;
    for (int i = 0; ok && i < FIXED_FOLDERS && (entry = readdir(d));) {
        char name[4096];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
            continue;
        ok = snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name && pin(name);
        i++;
    }
    if (d)
        closedir(d);
    return ok && make_read_only(path, false);
}

static bool hide(const char *path, bool folder)
{
    return folder ? cover_folder(path) : mount("/dev/null", path, NULL, MS_BIND, NULL) == 0;
}

static enum err keep(void *arg, const char *path, enum place kind, struct why *why)
{
    struct stat st;
    (void)arg;
    if (stat(path, &st) != 0) {
        /* What is not there, or not to be reached from here, needs nothing: the function has fewer rights than this. */
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
            return ERR_OK;
        return why_errno(why, "%s: cannot be hidden", path);
    }
    bool ok = pin_above(path);
    switch (kind) {
    case PLACE_HIDDEN:
        return ok && hide(path, S_ISDIR(st.st_mode)) ? ERR_OK : why_errno(why, "%s: cannot be hidden", path);
    case PLACE_READ_ONLY:
        ok = ok && pin(path) && make_read_only(path, true);
        break;
    case PLACE_FIXED:
        ok = ok && fix_folder(path);
        break;
    }
    return ok ? ERR_OK : why_errno(why, "%s: cannot be made read-only", path);
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
    int64_t most = RESERVED_PIDS + SANDBOX_OWN_PROCESSES + processes;
    snprintf(text, sizeof text, "%lld", (long long)most);
    (void)sandbox_put_file("/proc/sys/kernel/pid_max", text);
}

enum err sandbox_mounts(const struct worker *w, struct why *why)
{
    if (w->user_namespace && !sandbox_map_user(w->owner_uid, w->owner_gid))
        return why_errno(why, "the user cannot be mapped in a user namespace");
    /* What the host mounts and unmounts is still followed (beneath the covers); nothing goes the other way. */
    if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return why_errno(why, "the mounts cannot be made our own");
    enum err e = places_each(w, keep, NULL, why);
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
