/* SPDX-License-Identifier: MIT
 * fsck_dead: dead/ against the journal: a letter for each dead invocation and no other. Never writes. One thread at a
 * time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool/dead.h"
#include "spool/fsck_core.h"

enum { DEPTH = 3 }; /* dead/<source>/<type>/file */

/* The path of invocation i's letter, in f->room. NULL when memory is out. */
static const char *path_of(struct fsck *f, const struct entry *e, const struct invocation *i)
{
    buf_clear(&f->room);
    dead_path(&f->room, ledger_name(f->all, e->source), ledger_name(f->all, e->type), &e->id,
              ledger_name(f->all, i->function));
    return f->room.failed ? NULL : f->room.p;
}

static void find_missing(struct fsck *f)
{
    for (struct entry *e = ledger_oldest(f->all); e; e = e->newer)
        for (uint16_t k = 0; k < e->n; k++) {
            const char *path = e->inv[k].state == STATE_DEAD ? path_of(f, e, e->inv + k) : NULL;
            if (path && faccessat(f->spool_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
                fsck_say(f, !f->sum.live && !fsck_damaged(f), "%s is missing%s", path,
                         f->sum.live        ? " (the daemon is running and may be about to write it)"
                         : fsck_damaged(f) ? " (bytes of the journal cannot be read)"
                                           : "");
        }
}

/* Is there a dead invocation whose letter has this path? */
static bool is_wanted(struct fsck *f, const struct entry *e, const char *path)
{
    for (uint16_t k = 0; e && k < e->n; k++) {
        const char *wanted = e->inv[k].state == STATE_DEAD ? path_of(f, e, e->inv + k) : NULL;
        if (wanted && strcmp(wanted, path) == 0)
            return true;
    }
    return false;
}

static void check_letter(struct fsck *f, const char *path, const char *name)
{
    struct id id;
    struct span text = span_str(name);
    size_t n = text.n;
    if (n < ID_TEXT_BYTES || id_parse(span_of(name, ID_TEXT_BYTES), &id) != ERR_OK) {
        bool temporary = n > 4 && name[0] == '.' && strcmp(name + n - 4, ".tmp") == 0;
        fsck_say(f, !temporary,
                 temporary ? "%s was being written when something stopped it" : "%s is no dead letter's name", path);
        return;
    }
    f->sum.letters++;
    struct entry *e = ledger_find(f->all, &id);
    if (is_wanted(f, e, path))
        return;
    if (!e && f->first_segment > 1)
        return; /* its segment was retired */
    fsck_say(f, !f->sum.live && !fsck_damaged(f), "%s is there, but the journal knows of no such dead invocation%s", path,
             f->sum.live ? " (the daemon is running: it may be newer than what was read)" : "");
}

static bool join(char *to, size_t size, const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na + nb + 2 > size)
        return false;
    memcpy(to, a, na);
    to[na] = '/';
    memcpy(to + na + 1, b, nb + 1);
    return true;
}

/* Every file below path, which is `depth` folders deep. */
static enum err walk(struct fsck *f, const char *path, int depth, struct why *w)
{
    int fd = openat(f->spool_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        enum err e = errno == ENOENT ? ERR_OK : why_errno(w, "%s: cannot list", path);
        if (fd >= 0)
            close(fd);
        return e;
    }
    enum err e = ERR_OK;
    char below[4096];
    for (struct dirent *d; !e && (d = readdir(dir));) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (!join(below, sizeof below, path, d->d_name))
            e = why_set(w, ERR_NO_ROOM, "%.200s: name too long", path);
        else if (depth + 1 < DEPTH && d->d_type == DT_DIR)
            e = walk(f, below, depth + 1, w);
        else if (depth + 1 == DEPTH)
            check_letter(f, below, d->d_name);
        else
            fsck_say(f, true, "%s does not belong there", below);
    }
    closedir(dir);
    return e;
}

enum err fsck_dead(struct fsck *f, struct why *w)
{
    find_missing(f);
    return walk(f, "dead", 0, w);
}
