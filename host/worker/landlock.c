/* SPDX-License-Identifier: MIT
 * landlock: by raw system calls, because the distribution's headers are older than its kernels; each right is asked for only
 * where the kernel's ABI has it. Landlock allows, it cannot deny: to keep a path out, everything beside it is let in.
 */
#include "worker/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { CREATE_VERSION = 1, RULE_PATH = 1 };
enum { ABI_REFER = 2, ABI_NET = 4, ABI_SCOPE = 6 };
enum {
    FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_MAKE_CHAR = 1 << 6, FS_MAKE_BLOCK = 1 << 11,
    FS_REFER = 1 << 13, FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15,
    FS_ALL_1 = (1 << 13) - 1, /* of ABI 1 */
    FS_ON_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
    FS_NEVER = FS_MAKE_CHAR | FS_MAKE_BLOCK
};
enum { SCOPE_ABSTRACT_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };
enum { HIDDEN_MAX = 64, ENTRIES_MAX = 4096, LEVELS_MAX = 32 };

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

struct hidden {
    struct {
        dev_t dev;
        ino_t ino;
        char path[512]; /* with links resolved */
    } at[HIDDEN_MAX];
    size_t n;
};

static enum err resolve(void *arg, const char *path, struct why *why)
{
    struct hidden *h = arg;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? ERR_OK
                                                                       : why_errno(why, "%s: cannot be hidden", path);
    struct stat st;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = -1;
    if (h->n < HIDDEN_MAX && fstat(fd, &st) == 0)
        n = readlink(link, h->at[h->n].path, sizeof h->at[0].path);
    close(fd);
    if (n <= 0 || (size_t)n >= sizeof h->at[0].path)
        return why_set(why, ERR_NO_ROOM, "%s: cannot be hidden: its path is too long or there are too many", path);
    h->at[h->n].path[n] = 0;
    h->at[h->n].dev = st.st_dev;
    h->at[h->n].ino = st.st_ino;
    h->n++;
    return ERR_OK;
}

enum relation { APART, HIDDEN, ABOVE };

/* What `path` (a folder's, ending in no slash) is to what is hidden. A second name of a hidden file is hidden as well. */
static enum relation relate(const struct hidden *h, const char *path, const struct stat *st)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < h->n; i++) {
        if (h->at[i].dev == st->st_dev && h->at[i].ino == st->st_ino)
            return HIDDEN;
        if (strncmp(h->at[i].path, path, n) == 0 && h->at[i].path[n] == '/')
            return ABOVE;
    }
    return APART;
}

/* Let in everything below `path` but what is hidden. What appears later beside an ancestor of something hidden stays out. */
static void allow_beside(int ruleset, const struct hidden *h, const char *path, uint64_t rights, unsigned level)
{
    DIR *d = opendir(*path ? path : "/");
    struct dirent *entry;
    for (unsigned i = 0; d && level < LEVELS_MAX && i < ENTRIES_MAX && (entry = readdir(d)); i++) {
        char name[4096];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISLNK(st.st_mode))
            continue;
        switch (relate(h, name, &st)) {
        case APART:
            (void)allow(ruleset, dirfd(d), entry->d_name, rights);
            break;
        case ABOVE:
            allow_beside(ruleset, h, name, rights, level + 1);
            break;
        case HIDDEN:
            break;
        }
    }
    if (d)
        closedir(d);
}

static enum err add_rules(const struct worker *w, int ruleset, int version, uint64_t handled, struct why *why)
{
    if (w->namespaces)
        return allow(ruleset, AT_FDCWD, "/", handled & ~(uint64_t)FS_NEVER) ? ERR_OK : why_errno(why, "landlock");
    struct hidden h = {.n = 0};
    enum err e = sandbox_each_hidden(w, resolve, &h, why);
    if (!e)
        allow_beside(ruleset, &h, "", all_rights(version) & ~(uint64_t)FS_NEVER, 0);
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
