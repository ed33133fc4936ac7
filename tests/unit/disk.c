/* SPDX-License-Identifier: MIT
 * disk: see disk.h. The model of what a disk keeps: a file's bytes are kept once the file is synced, names once their folder is
 * synced. Of what is not synced any subset may be there: sectors of writes, truncations, names made, moved or removed, folders made.
 */
#include "disk.h"
#include "disk_wrap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SECTOR = 512, NAMES = 4096, FILES = 4096, KILLED = 99 };

enum kind { OP_WRITE, OP_CUT, OP_SYNC, OP_SYNC_FOLDER, OP_CREATE, OP_RENAME, OP_UNLINK, OP_FOLDER };
struct op {
    enum kind kind;
    int file;        /* which file, counted from 0 */
    off_t at;        /* write, cut */
    size_t n;
    char *bytes;     /* write */
    char *name, *to; /* below root */
};

static struct disk_plan disk = {.free_part = 1};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int calls, paused;
static char root[PATH_MAX];
static struct op *ops;
static size_t n_ops, cap_ops;
static ino_t inodes[FILES]; /* of each file, the newest last */
static int n_files;

int disk_calls(void)
{
    pthread_mutex_lock(&lock);
    int n = calls;
    pthread_mutex_unlock(&lock);
    return n;
}

static void forget(void)
{
    for (size_t i = 0; i < n_ops; i++) {
        free(ops[i].bytes);
        free(ops[i].name);
        free(ops[i].to);
    }
    free(ops);
    ops = NULL;
    n_ops = cap_ops = 0;
    n_files = 0;
    root[0] = 0;
}

/* A child may be forked while another thread is in the middle of a call. */
static void take_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void forks_hold_the_lock(void)
{
    pthread_atfork(take_lock, give_lock, give_lock);
}

void disk_obey(struct disk_plan plan)
{
    pthread_mutex_lock(&lock);
    disk = plan;
    pthread_mutex_unlock(&lock);
}

void disk_reset(void)
{
    pthread_mutex_lock(&lock);
    disk = DISK_HEALTHY;
    calls = paused = 0;
    forget();
    pthread_mutex_unlock(&lock);
}

void disk_pause(void)
{
    pthread_mutex_lock(&lock);
    paused++;
    pthread_mutex_unlock(&lock);
}

void disk_go_on(void)
{
    pthread_mutex_lock(&lock);
    paused--;
    pthread_mutex_unlock(&lock);
}

/* One more call; true when it has to fail. */
static bool fails(void)
{
    calls++;
    if (disk.kill_at && calls == disk.kill_at)
        _exit(KILLED);
    if (!disk.fail_at || calls < disk.fail_at || calls >= disk.fail_at + disk.fail_times)
        return false;
    errno = disk.error;
    return true;
}

/* ---- recording ---- */

static char *copy(const void *p, size_t n)
{
    char *c = malloc(n + 1);
    if (!c)
        abort();
    memcpy(c, p, n);
    c[n] = 0;
    return c;
}

static struct op *record(enum kind kind)
{
    if (n_ops == cap_ops) {
        cap_ops = cap_ops ? cap_ops * 2 : 1024;
        ops = realloc(ops, cap_ops * sizeof *ops);
        if (!ops)
            abort();
    }
    ops[n_ops] = (struct op){.kind = kind, .file = -1};
    return &ops[n_ops++];
}

/* The path below root, or NULL. */
static char *below(int dir_fd, const char *name)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir_fd);
    ssize_t n = root[0] ? readlink(link, path, sizeof path - 1) : -1;
    size_t r = strlen(root);
    if (n < (ssize_t)r || strncmp(path, root, r) != 0)
        return NULL;
    path[n] = 0;
    char full[PATH_MAX + 512];
    snprintf(full, sizeof full, "%s%s%s", path + r, name[0] ? "/" : "", name);
    const char *p = full;
    while (*p == '/' || (p[0] == '.' && (p[1] == '/' || p[1] == 0)))
        p++;
    return copy(p, strlen(p));
}

static int file_of(int fd)
{
    struct stat st;
    if (!root[0] || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return -1;
    for (int i = n_files - 1; i >= 0; i--)
        if (inodes[i] == st.st_ino)
            return i;
    return -1;
}

static int new_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || n_files == FILES)
        abort();
    inodes[n_files] = st.st_ino;
    return n_files++;
}

static void record_bytes(enum kind kind, int fd, const void *p, size_t n, off_t at)
{
    int file = file_of(fd);
    if (file < 0)
        return;
    struct op *o = record(kind);
    o->file = file;
    o->at = at;
    o->n = n;
    o->bytes = p ? copy(p, n) : NULL;
}

static void record_sync(int fd)
{
    struct stat st;
    if (!root[0] || fstat(fd, &st) != 0)
        return;
    if (S_ISREG(st.st_mode)) {
        record_bytes(OP_SYNC, fd, NULL, 0, 0);
        return;
    }
    char *path = below(fd, "");
    if (path)
        record(OP_SYNC_FOLDER)->name = path;
}

/* ---- the layer ---- */

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    struct stat st;
    pthread_mutex_lock(&lock);
    ssize_t got = (ssize_t)n;
    if (!paused) {
        if (fails()) {
            got = disk.halfway && n > 1 ? -2 : -1;
            n /= 2;
        } else if (disk.full && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && at + (off_t)n > st.st_size) {
            errno = ENOSPC;
            got = -1;
        } else if (disk.short_writes && n > 16) {
            n /= 2;
            got = (ssize_t)n;
        }
    }
    if (got != -1) {
        int saved = errno;
        record_bytes(OP_WRITE, fd, p, n, at);
        ssize_t wrote = __real_pwrite(fd, p, n, at);
        errno = saved;
        if (got != -2)
            got = wrote;
    }
    pthread_mutex_unlock(&lock);
    return got < 0 ? -1 : got;
}

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at)
{
    struct stat st;
    pthread_mutex_lock(&lock);
    bool bad = disk.bad_inode && fstat(fd, &st) == 0 && st.st_ino == disk.bad_inode && at < st.st_size;
    off_t from = disk.bad_bytes ? disk.bad_from : 0, to = disk.bad_bytes ? from + disk.bad_bytes : INT64_MAX;
    pthread_mutex_unlock(&lock);
    if (bad && at < from && at + (off_t)n > from)
        n = (size_t)(from - at);
    if (!bad || at < from || at >= to)
        return __real_pread(fd, p, n, at);
    errno = EIO;
    return -1;
}

int __wrap_ftruncate(int fd, off_t n)
{
    pthread_mutex_lock(&lock);
    int e = !paused && fails() ? -1 : 0;
    if (!e) {
        record_bytes(OP_CUT, fd, NULL, 0, n);
        e = __real_ftruncate(fd, n);
    }
    pthread_mutex_unlock(&lock);
    return e;
}

/* Nothing is really synced: what a sync means is the model's business, and tests are to be fast. */
static int sync_call(int fd)
{
    pthread_mutex_lock(&lock);
    int e = !paused && fails() ? -1 : 0;
    if (!e)
        record_sync(fd);
    pthread_mutex_unlock(&lock);
    return e;
}

int __wrap_fdatasync(int fd)
{
    return sync_call(fd);
}

int __wrap_fsync(int fd)
{
    return sync_call(fd);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    pthread_mutex_lock(&lock);
    int e = !paused && fails() ? -1 : 0;
    if (!e) {
        int fd = __real_openat(from_fd, from, O_RDONLY | O_CLOEXEC);
        char *a = below(from_fd, from), *b = below(to_fd, to);
        if (a && b && file_of(fd) >= 0) {
            struct op *o = record(OP_RENAME);
            *o = (struct op){.kind = OP_RENAME, .file = file_of(fd), .name = a, .to = b};
        } else {
            free(a);
            free(b);
        }
        if (fd >= 0)
            close(fd);
        e = __real_renameat(from_fd, from, to_fd, to);
    }
    pthread_mutex_unlock(&lock);
    return e;
}

int __wrap_unlinkat(int dir_fd, const char *name, int flags)
{
    pthread_mutex_lock(&lock);
    int e = !paused && fails() ? -1 : 0;
    if (!e) {
        char *path = below(dir_fd, name);
        e = __real_unlinkat(dir_fd, name, flags);
        if (!e && path)
            record(OP_UNLINK)->name = path;
        else
            free(path);
    }
    pthread_mutex_unlock(&lock);
    return e;
}

int __wrap_mkdirat(int dir_fd, const char *name, mode_t mode)
{
    struct stat st;
    pthread_mutex_lock(&lock);
    bool old = fstatat(dir_fd, name, &st, 0) == 0;
    int e = !paused && !old && fails() ? -1 : __real_mkdirat(dir_fd, name, mode);
    char *path = e == 0 ? below(dir_fd, name) : NULL;
    if (path)
        record(OP_FOLDER)->name = path;
    pthread_mutex_unlock(&lock);
    return e;
}

static int create(int dir_fd, const char *name, int flags, mode_t mode)
{
    struct stat st;
    bool old = fstatat(dir_fd, name, &st, 0) == 0;
    if (!paused && fails())
        return -1;
    if (!paused && disk.full && !old) {
        errno = ENOSPC;
        return -1;
    }
    int fd = __real_openat(dir_fd, name, flags, mode);
    char *path = fd >= 0 ? below(dir_fd, name) : NULL;
    if (path && !old) {
        int file = new_file(fd);
        *record(OP_CREATE) = (struct op){.kind = OP_CREATE, .file = file, .name = path};
        return fd;
    }
    free(path);
    if (fd >= 0 && (flags & O_TRUNC))
        record_bytes(OP_CUT, fd, NULL, 0, 0);
    return fd;
}

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
    va_list ap;
    if (!(flags & O_CREAT))
        return __real_openat(dir_fd, name, flags);
    va_start(ap, flags);
    mode_t mode = va_arg(ap, mode_t);
    va_end(ap);
    pthread_mutex_lock(&lock);
    int fd = create(dir_fd, name, flags, mode);
    pthread_mutex_unlock(&lock);
    return fd;
}

int __wrap_fstatvfs(int fd, struct statvfs *f)
{
    int e = __real_fstatvfs(fd, f);
    f->f_frsize = 4096;
    f->f_blocks = 1 << 20;
    pthread_mutex_lock(&lock);
    f->f_bavail = (fsblkcnt_t)(disk.free_part * (1 << 20));
    pthread_mutex_unlock(&lock);
    return e;
}

/* ---- the power cut ---- */

struct kept { /* a file as the disk has it */
    char *p;
    size_t n, cap;
};
struct model {
    struct kept files[FILES];
    struct name {
        char path[160];
        int file;
    } names[NAMES];
    int n_names;
    bool done[1 << 16]; /* ops that are synced */
};

static void take_as_it_is(const char *folder)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        struct stat st;
        char name[PATH_MAX];
        int fd = __real_openat(dirfd(dir), d->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
            if (fd >= 0)
                close(fd);
            continue;
        }
        snprintf(name, sizeof name, "%s%s%s", folder, folder[0] ? "/" : "", d->d_name);
        int file = new_file(fd);
        *record(OP_CREATE) = (struct op){.kind = OP_CREATE, .file = file, .name = copy(name, strlen(name))};
        char *bytes = malloc((size_t)st.st_size + 1);
        if (!bytes || __real_pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
            abort();
        record_bytes(OP_WRITE, fd, bytes, (size_t)st.st_size, 0);
        record_bytes(OP_SYNC, fd, NULL, 0, 0);
        free(bytes);
        close(fd);
    }
    if (dir)
        closedir(dir);
    record(OP_SYNC_FOLDER)->name = copy(folder, strlen(folder));
}

void disk_record(const char *path)
{
    pthread_mutex_lock(&lock);
    forget();
    if (!realpath(path, root))
        abort();
    take_as_it_is("");
    take_as_it_is("journal");
    take_as_it_is("quarantine");
    pthread_mutex_unlock(&lock);
}

size_t disk_moment(void)
{
    pthread_mutex_lock(&lock);
    size_t n = n_ops;
    pthread_mutex_unlock(&lock);
    return n;
}

static void make_room(struct kept *k, size_t n)
{
    if (n > k->cap) {
        k->cap = n * 2;
        k->p = realloc(k->p, k->cap);
        if (!k->p)
            abort();
    }
    if (n > k->n) {
        memset(k->p + k->n, 0, n - k->n);
        k->n = n;
    }
}

/* Is this kept? One in `of` is; 0: all, 1: none. */
static bool chance(unsigned *seed, int of)
{
    return of == 0 || (of > 1 && rand_r(seed) % of == 0);
}

/* A write, or those of its sectors that chance leaves. */
static void apply_write(struct kept *k, const struct op *o, unsigned *seed, int of)
{
    for (size_t i = 0; i < o->n;) {
        size_t at = (size_t)o->at + i, n = SECTOR - at % SECTOR;
        if (n > o->n - i)
            n = o->n - i;
        if (chance(seed, of)) {
            make_room(k, at + n);
            memcpy(k->p + at, o->bytes + i, n);
        }
        i += n;
    }
}

static int name_index(struct model *m, const char *path, bool make)
{
    for (int i = 0; i < m->n_names; i++)
        if (strcmp(m->names[i].path, path) == 0)
            return i;
    if (!make)
        return -1;
    if (m->n_names == NAMES)
        abort();
    snprintf(m->names[m->n_names].path, sizeof m->names[0].path, "%s", path);
    m->names[m->n_names].file = -1;
    return m->n_names++;
}

static void apply(struct model *m, const struct op *o, unsigned *seed, int of)
{
    int i;
    switch (o->kind) {
    case OP_WRITE:
        apply_write(&m->files[o->file], o, seed, of);
        break;
    case OP_CUT:
        make_room(&m->files[o->file], (size_t)o->at);
        m->files[o->file].n = (size_t)o->at;
        break;
    case OP_CREATE:
        m->names[name_index(m, o->name, true)].file = o->file;
        break;
    case OP_RENAME:
        if ((i = name_index(m, o->name, false)) >= 0 && m->names[i].file == o->file)
            m->names[i].file = -1;
        m->names[name_index(m, o->to, true)].file = o->file;
        break;
    case OP_UNLINK:
        if ((i = name_index(m, o->name, false)) >= 0)
            m->names[i].file = -1;
        break;
    case OP_FOLDER: /* see lost_folder */
    case OP_SYNC:
    case OP_SYNC_FOLDER:
        break;
    }
}

static bool in_folder(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return n ? strncmp(path, folder, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/') : !strchr(path, '/');
}

static bool synced_by(const struct op *o, const struct op *sync)
{
    if (sync->kind == OP_SYNC)
        return (o->kind == OP_WRITE || o->kind == OP_CUT) && o->file == sync->file;
    return sync->kind == OP_SYNC_FOLDER && (o->kind == OP_CREATE || o->kind == OP_RENAME || o->kind == OP_UNLINK || o->kind == OP_FOLDER) &&
           in_folder(o->name, sync->name);
}

static void write_out(const struct model *m, const char *to)
{
    char path[PATH_MAX + 200];
    for (int i = 0; i < m->n_names; i++) {
        if (m->names[i].file < 0)
            continue;
        const struct kept *k = &m->files[m->names[i].file];
        snprintf(path, sizeof path, "%s/%s", to, m->names[i].path);
        int fd = __real_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        if (fd < 0 || __real_pwrite(fd, k->p ? k->p : "", k->n, 0) != (ssize_t)k->n)
            abort();
        close(fd);
    }
}

/* A folder that was made, is not kept, and takes all that is in it along. */
static void lose_folder(struct model *m, const char *folder)
{
    for (int i = 0; i < m->n_names; i++)
        if (in_folder(m->names[i].path, folder))
            m->names[i].file = -1;
}

void disk_cut(size_t moment, unsigned seed, const char *to)
{
    static const char *const folders[] = {"", "journal", "dead", "rejected", "quarantine"};
    struct model *m = calloc(1, sizeof *m);
    if (!m || moment > n_ops || moment > sizeof m->done)
        abort();
    pthread_mutex_lock(&lock);
    for (size_t s = 0; s < moment; s++)
        for (size_t i = 0; (ops[s].kind == OP_SYNC || ops[s].kind == OP_SYNC_FOLDER) && i < s; i++)
            m->done[i] |= synced_by(&ops[i], &ops[s]);
    int of = rand_r(&seed) % 4;
    for (size_t i = 0; i < moment; i++)
        if (m->done[i] || ops[i].kind == OP_WRITE || chance(&seed, of))
            apply(m, &ops[i], &seed, m->done[i] ? 0 : of);
    for (size_t i = 0; i < moment; i++)
        if (ops[i].kind == OP_FOLDER && !m->done[i] && !chance(&seed, of))
            lose_folder(m, ops[i].name);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", to, folders[i]);
        if (mkdir(path, 0750) != 0 && errno != EEXIST)
            abort();
    }
    write_out(m, to);
    for (int i = 0; i < FILES; i++)
        free(m->files[i].p);
    free(m);
    pthread_mutex_unlock(&lock);
}
