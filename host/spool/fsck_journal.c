/* SPDX-License-Identifier: MIT
 * fsck_journal: what lies in journal/. An index says how long its closed segment was: so it is seen when that is gone, or shorter
 * than it was. Never writes. One thread at a time.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/fsck_core.h"
#include "spool/index.h"
#include "spool/segment.h"

/* A start cuts no closed segment, and of one that was removed a line says so. */
static void check_index(struct fsck *f, int folder_fd, uint32_t number)
{
    char name[SEGMENT_FORM_BYTES];
    struct index x;
    struct stat st;
    if (number <= f->retired || index_read(folder_fd, number, &x, NULL) != ERR_OK)
        return; /* indexes are disposable */
    segment_form_name(number, SEGMENT_LIVE, name);
    bool sure = !f->sum.live && !fsck_damaged(f);
    if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        fsck_say(f, sure, "journal/%s is missing: its index is there, and no line says that it was removed", name);
    else if (st.st_size < (off_t)x.length)
        fsck_say(f, !f->sum.live, "journal/%s: the end is missing: it has %" PRIi64 " bytes of %" PRIu32, name, (int64_t)st.st_size, x.length);
    index_fini(&x);
}

static void check_name(struct fsck *f, int folder_fd, const char *name)
{
    enum segment_form form;
    uint32_t number;
    struct stat st;
    size_t n = strlen(name);
    if (name[0] == '.' && n > 4 && strcmp(name + n - 4, ".tmp") == 0) {
        if (!f->sum.live)
            fsck_say(f, false, "journal/%.200s was being written when something stopped it", name);
    } else if (!segment_form_parse(name, &form, &number)) {
        fsck_say(f, true, "journal/%.200s does not belong there", name);
    } else if (number > SEGMENT_LAST_TO_FOLLOW) {
        fsck_say(f, true, "journal/%s has a number that leaves none for the segments to come: creeld does not start", name);
    } else if (form == SEGMENT_INDEX) {
        check_index(f, folder_fd, number);
    } else if (form == SEGMENT_LIVE && fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == 0) {
        fsck_say(f, true, "journal/%s is empty: not even its first line is there", name);
    }
}

enum err fsck_journal(struct fsck *f, struct why *w)
{
    int fd = openat(f->spool_fd, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        why_errno(w, "journal: cannot list");
        if (fd >= 0)
            close(fd);
        return ERR_SYSTEM;
    }
    for (struct dirent *d; (d = readdir(dir));)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            check_name(f, dirfd(dir), d->d_name);
    closedir(dir);
    return ERR_OK;
}
