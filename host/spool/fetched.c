/* SPDX-License-Identifier: MIT
 * fetched: the body of a request to fetch, and the files of what was fetched.
 */
#include "spool/fetched.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"

enum { FOLDER_MODE = 0750, FILE_MODE = 0640, PATH_BYTES = 512 };

static const char *const purposes[FETCH_PURPOSES] = {[FETCH_CONFIRM] = "confirm", [FETCH_KEYS] = "keys"};

const char *fetch_purpose_name(enum fetch_purpose p)
{
    return (unsigned)p < FETCH_PURPOSES ? purposes[p] : "unknown";
}

void fetch_put(struct buf *b, const struct fetch *f)
{
    buf_puts(b, "{\"url\":");
    buf_put_json_text(b, f->url);
    buf_printf(b, ",\"purpose\":\"%s\",\"format\":", fetch_purpose_name(f->purpose));
    buf_put_json_text_or_null(b, span_str(f->format));
    buf_puts(b, ",\"hosts\":[");
    for (size_t i = 0; i < f->n_hosts; i++) {
        if (i)
            buf_putc(b, ',');
        buf_put_json_text(b, span_str(f->hosts[i]));
    }
    buf_puts(b, "]}");
}

enum err fetch_get(struct span body, struct buf *b, struct span *url, enum fetch_purpose *purpose)
{
    struct json_error ignored;
    if (json_check(body, JSON_LIMITS_DEFAULT, &ignored) != ERR_OK || json_type_of(body) != JSON_OBJECT)
        return ERR_INVALID;
    struct span name = json_plain_string(json_member(body, "purpose"));
    size_t p = 0, from = b->n;
    while (p < FETCH_PURPOSES && !span_eq_str(name, purposes[p]))
        p++;
    if (p == FETCH_PURPOSES || json_unescape(json_member(body, "url"), b) != ERR_OK || b->n == from)
        return ERR_INVALID;
    *url = span_of(b->p + from, b->n - from);
    *purpose = (enum fetch_purpose)p;
    return ERR_OK;
}

void fetched_hash(struct span url, char out[FETCHED_HASH_BYTES])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)url.p, url.n);
    (void)hex_encode(digest, sizeof digest, out);
}

static void put_folder(struct buf *b, struct span source)
{
    buf_puts(b, FETCHED_FOLDER "/");
    fs_put_name(b, source);
}

void fetched_path(struct buf *b, struct span source, struct span url)
{
    char hash[FETCHED_HASH_BYTES];
    fetched_hash(url, hash);
    put_folder(b, source);
    buf_putc(b, '/');
    buf_put(b, hash, sizeof hash);
}

/* The oldest file of the folder, in name; how many there are. What a kill left half written goes at once. */
static size_t oldest(DIR *dir, char *name, size_t cap)
{
    size_t n = 0;
    struct timespec least = {0};
    rewinddir(dir);
    for (const struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (e->d_name[0] == '.') {
            (void)unlinkat(dirfd(dir), e->d_name, 0);
            continue;
        }
        if (n++ && (st.st_mtim.tv_sec > least.tv_sec || (st.st_mtim.tv_sec == least.tv_sec && st.st_mtim.tv_nsec >= least.tv_nsec)))
            continue;
        least = st.st_mtim;
        snprintf(name, cap, "%s", e->d_name);
    }
    return n;
}

/* Names that come back after a power cut do no harm: no sync. */
static void prune(int spool_fd, const char *folder)
{
    char name[FS_NAME_BYTES + 56];
    int fd = openat(spool_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (oldest(dir, name, sizeof name) > FETCHED_FILES && unlinkat(fd, name, 0) == 0)
        continue;
    closedir(dir);
}

enum err fetched_write(int spool_fd, struct span source, struct span url, struct span content, struct why *w)
{
    struct buf folder, path;
    buf_init(&folder, PATH_BYTES);
    buf_init(&path, PATH_BYTES);
    put_folder(&folder, source);
    buf_putc(&folder, 0);
    fetched_path(&path, source, url);
    enum err e = folder.failed || path.failed ? why_set(w, ERR_NO_MEMORY, "out of memory") : ERR_OK;
    if (e == ERR_OK && faccessat(spool_fd, folder.p, F_OK, 0) != 0 &&
        (e = fs_mkdirs(spool_fd, folder.p, FOLDER_MODE, w)) == ERR_OK && (e = fs_sync_parent(spool_fd, FETCHED_FOLDER, w)) == ERR_OK)
        e = fs_sync_parent(spool_fd, folder.p, w);
    if (e == ERR_OK)
        e = fs_replace(spool_fd, path.p, content, FILE_MODE, w);
    if (e == ERR_OK)
        prune(spool_fd, folder.p);
    buf_fini(&folder);
    buf_fini(&path);
    return e;
}
