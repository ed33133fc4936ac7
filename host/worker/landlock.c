/* SPDX-License-Identifier: MIT
 * landlock: by raw system calls, because the distribution's headers are older than its kernels; each right is asked for only
 * where the kernel's ABI has it. Landlock allows, it cannot deny: to keep a path out, everything beside it is let in; and
 * folders above such a path are neither listed nor changed, so that they cannot be renamed either.
 */
#include "worker/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/places.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { CREATE_VERSION = 1, RULE_PATH = 1 };
enum { ABI_REFER = 2, ABI_NET = 4, ABI_SCOPE = 6 };
enum {
    FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_MAKE_CHAR = 1 << 6, FS_MAKE_BLOCK = 1 << 11,
    FS_REFER = 1 << 13, FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15,
    FS_ALL_1 = (1 << 13) - 1, /* of ABI 1 */
    FS_ON_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
    FS_NEVER = FS_MAKE_CHAR | FS_MAKE_BLOCK,
    FS_NO_CHANGE = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR | FS_IOCTL_DEV
};
enum { SCOPE_ABSTRACT_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };
enum { PLACES_MAX = 128, ENTRIES_MAX = 4096, LEVELS_MAX = 32 };

struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct path_attr {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

static int abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
}

bool landlock_there(void)
{
    return abi() >= ABI_REFER;
}

static size_t attr_bytes(int version)
{
    if (version >= ABI_SCOPE)
        return sizeof(struct ruleset_attr);
    return version >= ABI_NET ? offsetof(struct ruleset_attr, scoped) : offsetof(struct ruleset_attr, net);
}

static uint64_t all_rights(int version)
{
    uint64_t rights = FS_ALL_1 | FS_REFER; /* ABI_REFER is the least we use */
    if (version >= 3)
        rights |= FS_TRUNCATE;
    if (version >= 5)
        rights |= FS_IOCTL_DEV;
    return rights;
}

static bool allow(int ruleset, int dirfd, const char *name, uint64_t rights)
{
    int fd = openat(dirfd, name, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rights &= FS_ON_FILES;
    struct path_attr rule = {rights, fd};
    bool ok = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) == 0;
    close(fd);
    return ok;
}

struct places {
    struct {
        dev_t dev;
        ino_t ino;
        enum place kind;
        char path[512]; /* with links resolved */
    } at[PLACES_MAX];
    size_t n;
};

static enum err resolve(void *arg, const char *path, enum place kind, struct why *why)
{
    struct places *h = arg;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? ERR_OK
                                                                       : why_errno(why, "%s: cannot be hidden", path);
    struct stat st;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = -1;
    if (h->n < PLACES_MAX && fstat(fd, &st) == 0)
        n = readlink(link, h->at[h->n].path, sizeof h->at[0].path);
    close(fd);
    if (n <= 0 || (size_t)n >= sizeof h->at[0].path)
        return why_set(why, ERR_NO_ROOM, "%s: cannot be hidden: its path is too long or there are too many", path);
    h->at[h->n].path[n] = 0;
    h->at[h->n].kind = kind;
    h->at[h->n].dev = st.st_dev;
    h->at[h->n].ino = st.st_ino;
    for (size_t i = 0; i < h->n; i++) /* keys that share a folder */
        if (h->at[i].kind == kind && strcmp(h->at[i].path, h->at[h->n].path) == 0)
            return ERR_OK;
    h->n++;
    return ERR_OK;
}

/* What `path` (ending in no slash) is to the places. A second name of a hidden file is hidden as well. */
struct relation {
    bool hidden, read_only, fixed, above;
};

static struct relation relate(const struct places *h, const char *path, const struct stat *st)
{
    struct relation r = {false, false, false, false};
    size_t n = strlen(path);
    for (size_t i = 0; i < h->n; i++) {
        bool same = h->at[i].dev == st->st_dev && h->at[i].ino == st->st_ino;
        r.hidden |= same && h->at[i].kind == PLACE_HIDDEN;
        r.read_only |= same && h->at[i].kind == PLACE_READ_ONLY;
        r.fixed |= same && h->at[i].kind == PLACE_FIXED;
        r.above |= strncmp(h->at[i].path, path, n) == 0 && h->at[i].path[n] == '/';
    }
    return r;
}

struct rights {
    uint64_t folders, files; /* for what lies in a folder */
};

static void allow_beside(int ruleset, const struct places *h, const char *path, struct rights rights, unsigned level);

static void allow_entry(int ruleset, const struct places *h, int dirfd, const char *path, const struct stat *st,
                        struct rights rights, unsigned level)
{
    struct relation r = relate(h, path, st);
    uint64_t mine = S_ISDIR(st->st_mode) ? rights.folders : rights.files;
    if (r.hidden)
        return;
    if (r.read_only)
        mine &= FS_NO_CHANGE;
    if (r.above || r.fixed)
        allow_beside(ruleset, h, path, (struct rights){mine, r.fixed ? mine & FS_NO_CHANGE : mine}, level + 1);
    else
        (void)allow(ruleset, dirfd, strrchr(path, '/') + 1, mine);
}

/* Let in everything below `path` as far as the places allow. What appears later beside an ancestor of one of them stays out. */
static void allow_beside(int ruleset, const struct places *h, const char *path, struct rights rights, unsigned level)
{
    DIR *d = level < LEVELS_MAX ? opendir(*path ? path : "/") : NULL;
    struct dirent *entry;
    for (unsigned i = 0; d && i < ENTRIES_MAX && (entry = readdir(d)); i++) {
        char name[4096];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISLNK(st.st_mode))
            continue;
        allow_entry(ruleset, h, dirfd(d), name, &st, rights, level);
    }
    if (d)
        closedir(d);
}

static enum err add_rules(const struct worker *w, int ruleset, int version, uint64_t handled, struct why *why)
{
    if (w->namespaces)
        return allow(ruleset, AT_FDCWD, "/", handled & ~(uint64_t)FS_NEVER) ? ERR_OK : why_errno(why, "landlock");
    struct places h = {.n = 0};
    enum err e = places_each(w, resolve, &h, why);
    uint64_t rights = all_rights(version) & ~(uint64_t)FS_NEVER;
    if (!e)
        allow_beside(ruleset, &h, "", (struct rights){rights, rights}, 0);
    return e;
}

enum err landlock_apply(const struct worker *w, struct why *why)
{
    int version = abi();
    if (version < ABI_REFER)
        return ERR_OK;
    struct ruleset_attr attr = {
        /* Any right that is handled locks the mounts. REFER must be handled to be allowed. */
        .fs = w->namespaces ? FS_NEVER | FS_REFER : all_rights(version),
        .scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL,
    };
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_bytes(version), 0);
    if (ruleset < 0)
        return why_errno(why, "landlock");
    enum err e = add_rules(w, ruleset, version, attr.fs, why);
    if (!e && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        e = why_errno(why, "landlock");
    close(ruleset);
    return e;
}
