/* SPDX-License-Identifier: MIT
 * fs: whole reads, whole writes, atomic replacement, safe names. Owns nothing; any thread.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"

/* From *at on, which moves; NULL: whatever is still to come. */
static enum err read_to_end(int fd, off_t *at, struct buf *b, struct why *w)
{
    for (;;) {
        char chunk[16384];
        ssize_t n = at ? pread(fd, chunk, sizeof chunk, *at) : read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(w, "cannot read");
        if (n == 0)
            return ERR_OK;
        buf_put(b, chunk, (size_t)n);
        if (b->failed)
            return why_set(w, ERR_NO_ROOM, "larger than %zu bytes", b->max_bytes);
        if (at)
            *at += n;
    }
}

enum err fs_read_fd(int fd, struct buf *b, struct why *w)
{
    off_t at = 0;
    return read_to_end(fd, &at, b, w);
}

enum err fs_read_stream(int fd, struct buf *b, struct why *w)
{
    return read_to_end(fd, NULL, b, w);
}

enum err fs_read(int dirfd, const char *path, struct buf *b, struct why *w)
{
    int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
        why_errno(w, "%s: cannot open", path);
        return e;
    }
    struct stat st;
    enum err e;
    if (fstat(fd, &st) != 0)
        e = why_errno(w, "%s", path);
    else if (!S_ISREG(st.st_mode))
        e = why_set(w, ERR_INVALID, "%s: not a regular file", path);
    else {
        struct why inner = {{0}};
        e = fs_read_fd(fd, b, &inner);
        if (e)
            why_set(w, e, "%.200s: %.280s", path, inner.text);
    }
    close(fd);
    return e;
}

enum err fs_pwrite_all(int fd, struct span s, off_t offset)
{
    while (s.n) {
        ssize_t n = pwrite(fd, s.p, s.n, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_SYSTEM;
        if (n == 0) {
            errno = ENOSPC;
            return ERR_SYSTEM;
        }
        s = span_skip(s, (size_t)n);
        offset += n;
    }
    return ERR_OK;
}

void fs_program(const char *name, const char *folder, char path[FS_PROGRAM_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", path, FS_PROGRAM_BYTES - 1);
    path[n < 0 ? 0 : n] = 0;
    char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    snprintf(path + dir, FS_PROGRAM_BYTES - dir, "%s", name);
    if (!slash || access(path, X_OK) != 0)
        snprintf(path, FS_PROGRAM_BYTES, "%s/%s", folder, name);
}

void fs_keep_standard(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest free number: this one */
}

/* fsync the folder that holds path. */
enum err fs_sync_parent(int dirfd, const char *path, struct why *w)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(dir, sizeof dir, ".");
    else if (slash == path)
        snprintf(dir, sizeof dir, "/");
    else
        snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    int fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return why_errno(w, "%s: cannot open", dir);
    enum err e = fsync(fd) == 0 ? ERR_OK : why_errno(w, "%s: cannot sync", dir);
    close(fd);
    return e;
}

enum err fs_replace(int dirfd, const char *path, struct span content, mode_t mode, struct why *w)
{
    char temporary[4096];
    const char *slash = strrchr(path, '/');
    int dir_bytes = slash ? (int)(slash - path + 1) : 0;
    int n = snprintf(temporary, sizeof temporary, "%.*s.%s.tmp", dir_bytes, path, path + dir_bytes);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return why_set(w, ERR_INVALID, "%.200s…: name too long", path);
    /* One left over from a crash may have another mode, or be a link somebody laid. */
    if (unlinkat(dirfd, temporary, 0) != 0 && errno != ENOENT)
        return why_errno(w, "%s: cannot remove", temporary);
    int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return why_errno(w, "%s: cannot create", temporary);
    enum err e = ERR_OK;
    if (fs_pwrite_all(fd, content, 0) != ERR_OK || fsync(fd) != 0)
        e = why_errno(w, "%s: cannot write", temporary);
    close(fd);
    if (!e && renameat(dirfd, temporary, dirfd, path) != 0)
        e = why_errno(w, "%s: cannot rename", path);
    if (e) {
        unlinkat(dirfd, temporary, 0);
        return e;
    }
    return fs_sync_parent(dirfd, path, w);
}

enum err fs_mkdirs(int dirfd, const char *path, mode_t mode, struct why *w)
{
    char part[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return why_set(w, ERR_INVALID, "%.200s: bad folder name", path);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != 0)
            continue;
        char kept = part[i];
        part[i] = 0;
        if (mkdirat(dirfd, part, mode) != 0 && errno != EEXIST)
            return why_errno(w, "%s: cannot create the folder", part);
        part[i] = kept;
    }
    return ERR_OK;
}

/* Cut the name that begins at `from` and tell it from others alike by a hash; '~' stands in no other name. */
static void shorten(struct buf *b, size_t from, struct span s)
{
    enum { HASH_BYTES = 16, HEX_BYTES = 2 * HASH_BYTES };
    unsigned char hash[HASH_BYTES];
    char text[HEX_BYTES + 1];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)s.p, s.n, NULL, 0);
    hex_encode(hash, sizeof hash, text);
    b->n = from + FS_NAME_BYTES - HEX_BYTES - 1;
    buf_putc(b, '~');
    buf_put(b, text, HEX_BYTES);
}

void fs_put_name(struct buf *b, struct span s)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t from = b->n;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool keep = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == ':' || c == '-' || (c == '.' && i > 0);
        if (keep) {
            buf_putc(b, (char)c);
        } else {
            char quoted[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_put(b, quoted, sizeof quoted);
        }
    }
    if (!b->failed && b->n - from > FS_NAME_BYTES)
        shorten(b, from, s);
}

enum err fs_sealed(const char *name, struct span content, int *fd, struct why *w)
{
    return fs_sealed_two(name, content, SPAN_NONE, fd, w);
}

enum err fs_sealed_two(const char *name, struct span first, struct span rest, int *fd, struct why *w)
{
    int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return why_errno(w, "%s: cannot create a memory file", name);
    if (fs_pwrite_all(made, first, 0) != ERR_OK || fs_pwrite_all(made, rest, (off_t)first.n) != ERR_OK ||
        fcntl(made, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
        why_errno(w, "%s: cannot write or seal a memory file", name);
        close(made);
        return ERR_SYSTEM;
    }
    *fd = made;
    return ERR_OK;
}
