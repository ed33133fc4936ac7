/* SPDX-License-Identifier: MIT
 * index: a head, the entries, a CRC32C over both. Numbers in the machine's own order: a spool moved to another kind of machine
 * fails the magic number and its indexes are made anew. Any thread.
 */
#include "spool/index.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "spool/segment.h"

enum { INDEX_MODE = 0640, INDEX_MAX_BYTES = 1 << 30, CRC_BYTES = 4, INDEX_MAGIC = 0x32786469 };

struct head {
    uint32_t magic, segment, length, count;
    int64_t until_ms; /* the latest of all rows; 0: none */
    uint8_t salt[INDEX_SALT_BYTES];
};
struct row {
    uint8_t key[16], id[16];
    int64_t until_ms;
};
_Static_assert(sizeof(struct head) == 40 && sizeof(struct row) == 40, "written as they are");

void index_init(struct index *x)
{
    *x = (struct index){0};
    buf_init(&x->keys, INDEX_MAX_BYTES);
}

void index_fini(struct index *x)
{
    buf_fini(&x->keys);
}

void index_add(struct index *x, const struct journal_dedupe *d)
{
    struct row r = {.until_ms = d->until_ms};
    memcpy(r.key, d->key, sizeof r.key);
    memcpy(r.id, d->id.b, sizeof r.id);
    buf_put(&x->keys, &r, sizeof r);
}

size_t index_count(const struct index *x)
{
    return x->keys.n / sizeof(struct row);
}

struct journal_dedupe index_at(const struct index *x, size_t i)
{
    struct row r;
    struct journal_dedupe d;
    memcpy(&r, x->keys.p + i * sizeof r, sizeof r);
    memcpy(d.key, r.key, sizeof d.key);
    memcpy(d.id.b, r.id, sizeof d.id.b);
    d.until_ms = r.until_ms;
    return d;
}

enum err index_write(int journal_fd, const struct index *x, struct why *w)
{
    struct head h = {.magic = INDEX_MAGIC, .segment = x->segment, .length = x->length, .count = (uint32_t)index_count(x)};
    char name[SEGMENT_FORM_BYTES];
    struct buf b;
    memcpy(h.salt, x->salt, sizeof h.salt);
    for (size_t i = 0; i < index_count(x); i++) {
        int64_t until_ms = index_at(x, i).until_ms;
        h.until_ms = until_ms > h.until_ms ? until_ms : h.until_ms;
    }
    segment_form_name(x->segment, SEGMENT_INDEX, name);
    buf_init(&b, INDEX_MAX_BYTES);
    buf_put(&b, &h, sizeof h);
    buf_put_span(&b, buf_span(&x->keys));
    uint32_t crc = crc32c(0, b.p, b.n);
    buf_put(&b, &crc, sizeof crc);
    enum err e = b.failed || x->keys.failed ? why_set(w, ERR_NO_ROOM, "journal/%s: too many keys for memory", name)
                                            : fs_replace(journal_fd, name, buf_span(&b), INDEX_MODE, w);
    buf_fini(&b);
    return e;
}

static bool take(struct buf *b, uint32_t segment, struct index *x)
{
    struct head h;
    uint32_t crc;
    if (b->n < sizeof h + CRC_BYTES)
        return false;
    memcpy(&h, b->p, sizeof h);
    memcpy(&crc, b->p + b->n - CRC_BYTES, sizeof crc);
    if (h.magic != INDEX_MAGIC || h.segment != segment || crc != crc32c(0, b->p, b->n - CRC_BYTES) ||
        b->n != sizeof h + h.count * sizeof(struct row) + CRC_BYTES)
        return false;
    index_init(x);
    x->segment = h.segment;
    x->length = h.length;
    memcpy(x->salt, h.salt, sizeof x->salt);
    buf_put(&x->keys, b->p + sizeof h, h.count * sizeof(struct row));
    return true;
}

enum err index_read(int journal_fd, uint32_t segment, struct index *x, struct why *w)
{
    char name[SEGMENT_FORM_BYTES];
    struct buf b;
    segment_form_name(segment, SEGMENT_INDEX, name);
    buf_init(&b, INDEX_MAX_BYTES);
    enum err e = fs_read(journal_fd, name, &b, w);
    if (!e && !take(&b, segment, x))
        e = why_set(w, ERR_CORRUPT, "journal/%s: damaged; it is made anew", name);
    buf_fini(&b);
    return e;
}

static bool is_over(int journal_fd, const char *name, int64_t now_ms)
{
    struct head h;
    int fd = openat(journal_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool good = pread(fd, &h, sizeof h, 0) == (ssize_t)sizeof h && h.magic == INDEX_MAGIC;
    close(fd);
    return !good || h.until_ms <= now_ms;
}

void index_sweep(int journal_fd, uint32_t first, int64_t now_ms)
{
    int fd = openat(journal_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        enum segment_form form;
        uint32_t number;
        if (segment_form_parse(d->d_name, &form, &number) && form == SEGMENT_INDEX && number < first && is_over(journal_fd, d->d_name, now_ms))
            unlinkat(journal_fd, d->d_name, 0);
    }
    if (dir)
        closedir(dir);
}
