/* SPDX-License-Identifier: MIT
 * fsck_rejected: rejected/ holds the files of causes and nothing else: what lies there may be run again. Nothing in it is synced, so a
 * line that cannot be read is a note. Never writes. One thread at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "spool/fsck_core.h"
#include "spool/refusal.h"

enum { FILE_BYTES = 1 << 30 };

static uint64_t bad_lines(struct span file)
{
    struct buf room;
    struct refusal r;
    uint64_t bad = 0;
    buf_init(&room, (size_t)2 * FILE_BYTES);
    while (file.n > 0) {
        const char *end = memchr(file.p, '\n', file.n);
        size_t n = end ? (size_t)(end - file.p) : file.n;
        buf_clear(&room);
        bad += !end || refusal_parse(span_of(file.p, n), &room, &r) != ERR_OK;
        file = span_skip(file, end ? n + 1 : n);
    }
    buf_fini(&room);
    return bad;
}

static void check_lines(struct fsck *f, int fd, const char *name)
{
    struct buf file;
    buf_init(&file, FILE_BYTES);
    uint64_t bad = fs_read_fd(fd, &file, NULL) == ERR_OK ? bad_lines(buf_span(&file)) : 0;
    if (file.failed)
        fsck_say(f, true, REFUSAL_FOLDER "/%s is larger than anything that is written there", name);
    else if (bad && !f->sum.live) /* else the last one is being written */
        fsck_say(f, false, REFUSAL_FOLDER "/%s: %" PRIu64 " lines cannot be read, and are passed over", name, bad);
    buf_fini(&file);
}

static void check_name(struct fsck *f, int folder_fd, const char *name)
{
    enum err cause;
    uint64_t number;
    struct stat st;
    if (!refusal_name_parse(span_str(name), &cause, &number)) {
        fsck_say(f, true, REFUSAL_FOLDER "/%.200s is not the name of a file of refused requests", name);
        return;
    }
    int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return; /* the oldest go meanwhile */
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        fsck_say(f, true, REFUSAL_FOLDER "/%s is no file that can be read", name);
    else
        check_lines(f, fd, name);
    if (fd >= 0)
        close(fd);
}

enum err fsck_rejected(struct fsck *f, struct why *w)
{
    struct dirent *e;
    int fd = openat(f->spool_fd, REFUSAL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return ERR_OK;
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
        fsck_say(f, true, REFUSAL_FOLDER " is no folder: refused requests are not kept");
        return ERR_OK;
    }
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        why_errno(w, REFUSAL_FOLDER ": cannot open");
        if (fd >= 0)
            close(fd);
        return ERR_SYSTEM;
    }
    while ((e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            check_name(f, dirfd(dir), e->d_name);
    closedir(dir);
    return ERR_OK;
}
