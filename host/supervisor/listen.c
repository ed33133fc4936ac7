/* SPDX-License-Identifier: MIT
 * listen: parsing and opening listening sockets. Owns the descriptors it hands out until listen_close.
 */
#include "supervisor/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/config.h"

enum { SYSTEMD_FIRST_FD = 3 };

/* A descriptor the service manager opened. A copy goes to a number beyond those the roles get theirs at; the original stays, so
 * that its low number does not become free. */
static enum err open_inherited(int fd, struct listener *out, struct why *w)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid && count && atol(pid) == (long)getpid() && fd >= SYSTEMD_FIRST_FD + atol(count))
        return why_set(w, ERR_INVALID, "fd:%d: the service manager passed only %s sockets, from 3 on", fd, count);
    int listening = 0;
    socklen_t len = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0)
        return why_errno(w, "fd:%d: not a socket that was passed to creeld", fd);
    if (!listening)
        return why_set(w, ERR_INVALID, "fd:%d: a socket, but not a listening one", fd);
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, ROLE_FD_FIRST_FREE);
    if (kept < 0 || fcntl(kept, F_SETFL, O_NONBLOCK) != 0)
        return why_errno(w, "fd:%d", fd);
    out->fd = kept;
    return ERR_OK;
}

static enum err open_tcp(const char *text, const struct config_address *a, struct listener *out, struct why *w)
{
    int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return why_errno(w, "%s: cannot create a socket", text);
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->addr.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a->addr, a->addr_bytes) != 0 || listen(fd, SOMAXCONN) != 0) {
        why_errno(w, "%s: cannot listen there", text);
        close(fd);
        return ERR_SYSTEM;
    }
    out->fd = fd;
    return ERR_OK;
}

/* The folder of path, opened; made first when only its last part is missing. */
static enum err open_folder(const char *path, int *fd, struct why *w)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return why_errno(w, "%s: cannot create the folder of %s", dir, path);
    *fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? why_errno(w, "%s: cannot open the folder", dir) : ERR_OK;
}

static enum err refuse_other_files(int dir, const char *name, const char *path, struct why *w)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(st.st_mode))
        return why_set(w, ERR_EXISTS, "%s: is there already and is not a socket: move it away", path);
    return ERR_OK;
}

/* Bind under a temporary name in dir, set the rights, rename. The temporary name is reached through /proc/self/fd, so that it
 * may be longer than the address can hold. */
static enum err bind_and_rename(int fd, int dir, const char *path, const struct listen_rights *rights,
                                struct listener *out, struct why *w)
{
    const char *name = strrchr(path, '/') + 1;
    char temporary[64];
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    snprintf(temporary, sizeof temporary, ".creel.%ld.tmp", (long)getpid());
    snprintf(sun.sun_path, sizeof sun.sun_path, "/proc/self/fd/%d/%s", dir, temporary);
    (void)unlinkat(dir, temporary, 0);
    if (bind(fd, (struct sockaddr *)&sun, sizeof sun) != 0)
        return why_errno(w, "%s: cannot bind", path);
    enum err e = ERR_OK;
    struct stat st;
    if (fchmodat(dir, temporary, rights->mode, 0) != 0)
        e = why_errno(w, "%s: cannot set mode %04o", path, (unsigned)rights->mode);
    else if (fchownat(dir, temporary, rights->uid, rights->gid, AT_SYMLINK_NOFOLLOW) != 0)
        e = why_errno(w, "%s: cannot give it to uid %d, group %d", path, (int)rights->uid, (int)rights->gid);
    else if (fstatat(dir, temporary, &st, AT_SYMLINK_NOFOLLOW) != 0)
        e = why_errno(w, "%s", path);
    else if (listen(fd, SOMAXCONN) != 0)
        e = why_errno(w, "%s: cannot listen", path);
    else if ((e = refuse_other_files(dir, name, path, w)) == ERR_OK && renameat(dir, temporary, dir, name) != 0)
        e = why_errno(w, "%s: cannot rename the socket into place", path);
    if (e) {
        unlinkat(dir, temporary, 0);
        return e;
    }
    memcpy(out->path, path, strlen(path) + 1);
    out->dev = st.st_dev;
    out->ino = st.st_ino;
    return ERR_OK;
}

static enum err open_unix(const char *path, const struct listen_rights *rights, struct listener *out, struct why *w)
{
    int dir = -1;
    if (path[0] != '/' || path[strlen(path) - 1] == '/' || strlen(path) >= sizeof out->path)
        return why_set(w, ERR_INVALID, "%.120s: a socket's path must be absolute, name a file and be under %zu bytes", path,
                       sizeof out->path);
    enum err e = open_folder(path, &dir, w);
    if (e)
        return e;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    e = fd < 0 ? why_errno(w, "%s: cannot create a socket", path) : bind_and_rename(fd, dir, path, rights, out, w);
    close(dir);
    if (e && fd >= 0)
        close(fd);
    if (!e)
        out->fd = fd;
    return e;
}

enum err listen_open(const char *text, const struct listen_rights *rights, struct listener *out, struct why *w)
{
    struct listener l = {.fd = -1};
    struct config_address a;
    enum err e;
    if (text[0] == '/' || strncmp(text, "unix:", 5) == 0)
        e = open_unix(text + (text[0] == '/' ? 0 : 5), rights, &l, w);
    else if ((e = config_address(text, &a, w)) == ERR_OK)
        e = a.fd >= 0 ? open_inherited(a.fd, &l, w) : open_tcp(text, &a, &l, w);
    if (!e)
        *out = l;
    return e;
}

void listen_close(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    struct stat st;
    if (l->path[0] && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(l->path);
    *l = (struct listener){.fd = -1};
}
