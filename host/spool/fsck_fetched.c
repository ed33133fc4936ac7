/* SPDX-License-Identifier: MIT
 * fsck_fetched: fetched/ holds what fetched_write writes and nothing else: what lies there is believed when signatures are checked.
 * Never writes. One thread at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/fetched.h"
#include "spool/fsck_core.h"

enum { HASH_DIGITS = FETCHED_HASH_BYTES - 1 };

static void check_file(struct fsck *f, int folder_fd, const char *folder, const char *name)
{
    struct stat st;
    size_t n = strlen(name);
    if (name[0] == '.' && n > 4 && strcmp(name + n - 4, ".tmp") == 0)
        fsck_say(f, false, FETCHED_FOLDER "/%s/%s was being written when something stopped it", folder, name);
    else if (n != HASH_DIGITS || strspn(name, "0123456789abcdef") != n)
        fsck_say(f, true, FETCHED_FOLDER "/%s/%.100s is not the name of anything fetched", folder, name);
    else if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) || st.st_size > FETCHED_BYTES)
        fsck_say(f, true, FETCHED_FOLDER "/%s/%s is no file of at most %d bytes", folder, name, FETCHED_BYTES);
}

/* Each entry but the folder itself and the one above. NULL at the end. */
static const char *next_name(DIR *dir)
{
    const struct dirent *e;
    while ((e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            return e->d_name;
    return NULL;
}

static DIR *open_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

enum err fsck_fetched(struct fsck *f, struct why *w)
{
    DIR *sources = open_folder(f->spool_fd, FETCHED_FOLDER);
    if (!sources)
        return errno == ENOENT ? ERR_OK : why_errno(w, FETCHED_FOLDER ": cannot open");
    for (const char *source; (source = next_name(sources));) {
        DIR *files = open_folder(dirfd(sources), source);
        if (!files) {
            fsck_say(f, true, FETCHED_FOLDER "/%.200s is no folder of a source", source);
            continue;
        }
        for (const char *name; (name = next_name(files));)
            check_file(f, dirfd(files), source, name);
        closedir(files);
    }
    closedir(sources);
    return ERR_OK;
}
