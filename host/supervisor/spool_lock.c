/* SPDX-License-Identifier: MIT
 * spool_lock: makes, checks and locks the spool directory. Owns the lock file and its content, the holder's pid, and nothing
 * else below the spool.
 */
#include "supervisor/spool_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

enum { LOCK_POLL_MS = 50 };

static bool is_empty(int dirfd)
{
    DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!d)
        return false;
    int others = 0;
    for (struct dirent *e; (e = readdir(d));)
        others += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, SPOOL_LOCK_NAME) != 0;
    closedir(d);
    return others == 0;
}

/* *give: it is empty, and somebody else's. */
static enum err look_at(int dirfd, const char *path, const struct identity *as, bool *give, struct why *w)
{
    struct stat st;
    *give = false;
    if (fstat(dirfd, &st) != 0)
        return why_errno(w, "%s", path);
    if (!as->change || st.st_uid == as->uid)
        return ERR_OK;
    if (!is_empty(dirfd))
        return why_set(w, ERR_DENIED,
                       "the spool %s belongs to uid %u but creeld is to run as uid %u: chown -R %u:%u %s, or change `user`",
                       path, (unsigned)st.st_uid, (unsigned)as->uid, (unsigned)as->uid, (unsigned)as->gid, path);
    *give = true;
    return ERR_OK;
}

static enum err give_to(int dirfd, const char *path, const struct identity *as, struct why *w)
{
    bool give;
    enum err e = look_at(dirfd, path, as, &give, w);
    if (!e && give && fchown(dirfd, as->uid, as->gid) != 0)
        return why_errno(w, "cannot give the spool %s to uid %u", path, (unsigned)as->uid);
    return e;
}

enum err spool_lock_fits(const char *path, const struct identity *as, struct why *w)
{
    bool give;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_OK; /* whether it can be made or opened was looked at with the settings */
    enum err e = look_at(fd, path, as, &give, w);
    close(fd);
    return e;
}

enum err spool_lock_open(const char *path, const struct identity *as, int *dirfd, struct why *w)
{
    bool made = mkdir(path, 0750) == 0;
    if (!made && errno != EEXIST)
        return why_errno(w, "cannot create the spool %s", path);
    if (made && fs_sync_parent(AT_FDCWD, path, w) != ERR_OK)
        return ERR_SYSTEM; /* a power cut could take the whole spool along */
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return why_errno(w, "cannot open the spool %s", path);
    enum err e = give_to(fd, path, as, w);
    if (e)
        close(fd);
    else
        *dirfd = fd;
    return e;
}

static enum err refuse(int fd, const char *path, struct why *w)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? strcspn(text, "\n") : 0] = 0;
    return why_set(w, ERR_DENIED,
                   "the spool %s is in use by another creeld (pid %s): stop that one first, or configure another spool", path,
                   *text ? text : "unknown");
}

enum err spool_lock_take(int dirfd, const char *path, int64_t wait_ms, int *fd, struct why *w)
{
    int lock = openat(dirfd, SPOOL_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (lock < 0)
        return why_errno(w, "%s/%s: cannot open the lock", path, SPOOL_LOCK_NAME);
    struct stat st;
    if (fstat(dirfd, &st) != 0 || (geteuid() == 0 && fchown(lock, st.st_uid, st.st_gid) != 0)) {
        why_errno(w, "%s/%s: cannot give it to the spool's owner", path, SPOOL_LOCK_NAME);
        close(lock);
        return ERR_SYSTEM;
    }
    int64_t end_ms = clock_mono_ms() + wait_ms;
    while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        enum err e = ERR_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            e = why_errno(w, "%s/%s: cannot lock", path, SPOOL_LOCK_NAME);
        else if (clock_mono_ms() >= end_ms)
            e = refuse(lock, path, w);
        if (e) {
            close(lock);
            return e;
        }
        (void)poll(NULL, 0, LOCK_POLL_MS);
    }
    if (ftruncate(lock, 0) == 0)
        (void)dprintf(lock, "%ld\n", (long)getpid());
    *fd = lock;
    return ERR_OK;
}
