/* SPDX-License-Identifier: MIT
 * keyfile: writing and syncing. Owns nothing but descriptors while it runs.
 */
#include "base/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/secrets.h"

bool keyfile_id_valid(struct span id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:-";
    if (id.n == 0 || id.n > KEYFILE_ID_BYTES || id.p[0] == '-')
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (!id.p[i] || !strchr(allowed, id.p[i]))
            return false;
    return true;
}

static enum err check_owner(int fd, const char *folder, uid_t owner, struct why *w)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return why_errno(w, "%s", folder);
    if (st.st_uid != 0 && st.st_uid != geteuid() && (owner == (uid_t)-1 || st.st_uid != owner)) {
        const struct passwd *p = getpwuid(st.st_uid);
        return why_set(w, ERR_DENIED,
                       "%s belongs to user %s, who could add keys: chown it to root or to the user of creeld", folder,
                       p ? p->pw_name : "without a name");
    }
    return ERR_OK;
}

static enum err open_folder(const char *folder, int *fd, struct why *w)
{
    struct stat st;
    enum err e = ERR_OK;
    int made = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made < 0 && errno == ENOENT)
        return why_set(w, ERR_NOT_FOUND, "there is no folder %s: mkdir -m 0700 %s", folder, folder);
    if (made < 0 || fstat(made, &st) != 0)
        e = why_errno(w, "%s: cannot open the folder", folder);
    else if ((st.st_mode & 022) != 0)
        e = why_set(w, ERR_DENIED, "%s has mode %04o, others could add keys: chmod go-w", folder, st.st_mode & 07777);
    if (e == ERR_OK)
        *fd = made;
    else if (made >= 0)
        close(made);
    return e;
}

enum err keyfile_folder(const char *folder, uid_t owner, int *fd, struct why *w)
{
    int made;
    enum err e = open_folder(folder, &made, w);
    if (e != ERR_OK)
        return e;
    e = check_owner(made, folder, owner, w);
    if (e == ERR_OK)
        *fd = made;
    else
        close(made);
    return e;
}

/* ---- a file that is whole or not there ---- */

static struct iovec part_of(struct span s)
{
    return (struct iovec){(void *)(uintptr_t)s.p, s.n}; /* only read */
}

static enum err write_all(int fd, const struct iovec *parts, int n, const char *name, struct why *w)
{
    off_t at = 0;
    for (int i = 0; i < n; i++) {
        if (fs_pwrite_all(fd, span_of(parts[i].iov_base, parts[i].iov_len), at) != ERR_OK)
            return why_errno(w, "%s: cannot write", name);
        at += (off_t)parts[i].iov_len;
    }
    return fsync(fd) == 0 ? ERR_OK : why_errno(w, "%s: cannot sync", name);
}

/* Give it its name, unless there is a file of that name and it is to stay. A file system that knows no such rename knows links. */
static enum err give_name(int dir, const char *temporary, const char *name, bool replaces, struct why *w)
{
    int made = renameat2(dir, temporary, dir, name, replaces ? 0 : RENAME_NOREPLACE);
    if (made != 0 && (errno == EINVAL || errno == ENOSYS)) {
        made = linkat(dir, temporary, dir, name, 0);
        if (made == 0)
            unlinkat(dir, temporary, 0);
    }
    if (made == 0)
        return ERR_OK;
    return errno == EEXIST ? why_set(w, ERR_EXISTS, "%s is there already and is kept as it is", name)
                           : why_errno(w, "%s: cannot be named", name);
}

/* As root: whom the folder belongs to can read what is in it. */
static enum err give_owner(int dir, int fd, const char *name, struct why *w)
{
    struct stat st;
    if (geteuid() != 0 || fstat(dir, &st) != 0 || st.st_uid == 0)
        return ERR_OK;
    return fchown(fd, st.st_uid, st.st_gid) == 0 ? ERR_OK
                                                 : why_errno(w, "%s: cannot be given to the folder's owner", name);
}

struct content {
    struct iovec parts[2];
    int n;
    mode_t mode;
    bool replaces; /* another of its name, else there must be none */
};

static enum err create_in(int dir, const char *name, const struct content *c, struct why *w)
{
    char temporary[NAME_MAX + 1];
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 100; tries++) {
        if (snprintf(temporary, sizeof temporary, ".%s.%08x", name, randombytes_random()) >= (int)sizeof temporary)
            return why_set(w, ERR_INVALID, "%.100s…: name too long", name);
        fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, c->mode);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        return why_errno(w, "%s: cannot be made", name);
    enum err e = fchmod(fd, c->mode) == 0 ? ERR_OK : why_errno(w, "%s: cannot set its mode", name);
    if (e == ERR_OK)
        e = give_owner(dir, fd, name, w);
    if (e == ERR_OK)
        e = write_all(fd, c->parts, c->n, name, w);
    if (e == ERR_OK)
        e = give_name(dir, temporary, name, c->replaces, w);
    close(fd);
    if (e != ERR_OK)
        unlinkat(dir, temporary, 0);
    else if (fsync(dir) != 0)
        e = why_errno(w, "%s: its folder cannot be synced", name);
    return e;
}

enum err keyfile_create(const char *path, struct span content, mode_t mode, struct why *w)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const struct content c = {{part_of(content)}, 1, mode, false};
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    struct why inner;
    if (!folder)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = dir < 0 ? why_errno(&inner, "%s: cannot open the folder", folder)
                 : *name ? create_in(dir, name, &c, &inner)
                         : why_set(&inner, ERR_INVALID, "%s is no file's name", path);
    if (e != ERR_OK)
        why_set(w, e, "%s%.400s", dir < 0 || !slash ? "" : folder, inner.text);
    if (dir >= 0)
        close(dir);
    free(folder);
    return e;
}

/* ---- a folder of keys ---- */

static bool there(int dir, const char *id, const char *suffix)
{
    char name[NAME_MAX + 1];
    struct stat st;
    snprintf(name, sizeof name, "%.64s%s", id, suffix);
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum err store(const char *folder, const char *id, struct span text, bool is_public, struct why *w)
{
    char name[NAME_MAX + 1];
    int dir;
    bool newline = text.n > 0 && text.p[text.n - 1] == '\n';
    if (!keyfile_id_valid(span_str(id)))
        return why_set(w, ERR_INVALID, "a key's id is 1 to %d of A-Z a-z 0-9 _ : - and does not begin with a dash",
                       KEYFILE_ID_BYTES);
    if (text.n == 0 || text.n >= SECRET_BYTES_MAX || (!is_public && text.p[text.n - 1] == '\r'))
        return why_set(w, ERR_INVALID, "key %s: it is empty, too long, or ends in a carriage return: it is not stored",
                       id);
    enum err e = open_folder(folder, &dir, w);
    if (e != ERR_OK)
        return e;
    snprintf(name, sizeof name, "%s%s", id, is_public ? ".pub" : "");
    /* A reader takes one line feed off the end. */
    const struct content c = {
        {part_of(text), part_of(SPAN_LIT("\n"))}, is_public && newline ? 1 : 2, is_public ? 0644 : 0600, false};
    struct why inner;
    e = there(dir, id, is_public ? "" : ".pub")
            ? why_set(&inner, ERR_EXISTS, "%s%s is there already, a key of this id", id, is_public ? "" : ".pub")
            : create_in(dir, name, &c, &inner);
    if (e != ERR_OK)
        why_set(w, e, "%s/%.400s", folder, inner.text);
    close(dir);
    return e;
}

enum err keyfile_store(const char *folder, const char *id, struct span secret, struct why *w)
{
    return store(folder, id, secret, false, w);
}

enum err keyfile_store_public(const char *folder, const char *id, struct span text, struct why *w)
{
    return store(folder, id, text, true, w);
}

enum err keyfile_describe(const char *folder, const char *id, struct span json, struct why *w)
{
    char name[NAME_MAX + 1];
    const struct content c = {{part_of(json)}, 1, 0644, true};
    struct why inner;
    int dir;
    enum err e = open_folder(folder, &dir, w);
    if (e != ERR_OK)
        return e;
    snprintf(name, sizeof name, "%.64s.json", id);
    e = create_in(dir, name, &c, &inner);
    if (e != ERR_OK)
        why_set(w, e, "%s/%.400s", folder, inner.text);
    close(dir);
    return e;
}
