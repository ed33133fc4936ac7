/* SPDX-License-Identifier: MIT
 * spool_dir: a spool directory made by hand for tests: a temporary folder with journal segments written byte by byte.
 */
#ifndef CREEL_TESTS_SPOOL_DIR_H
#define CREEL_TESTS_SPOOL_DIR_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "spool/line.h"
#include "suite.h"

struct spool_dir {
    char path[64];
    int fd;
};

static inline struct spool_dir spool_dir_make(void)
{
    struct spool_dir d = {.path = "/tmp/creel-check.XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(d.path));
    d.fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(d.fd, 0);
    ck_assert_int_eq(mkdirat(d.fd, "journal", 0700), 0);
    return d;
}

static inline void spool_dir_remove(struct spool_dir *d)
{
    char command[128];
    close(d->fd);
    snprintf(command, sizeof command, "rm -rf '%s'", d->path);
    ck_assert_int_eq(system(command), 0);
}

/* Write bytes of a segment at an offset, creating it; the file grows as needed and is never cut. */
static inline void spool_dir_write(struct spool_dir *d, uint32_t segment, uint32_t offset, struct span bytes)
{
    char name[64];
    snprintf(name, sizeof name, "journal/%012u.jsonl", segment);
    int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_pwrite_all(fd, bytes, offset), ERR_OK);
    close(fd);
}

static inline void spool_dir_cut(struct spool_dir *d, uint32_t segment, uint32_t length)
{
    char name[128];
    snprintf(name, sizeof name, "%s/journal/%012u.jsonl", d->path, segment);
    ck_assert_int_eq(truncate(name, length), 0);
}

static inline void spool_dir_unlink(struct spool_dir *d, uint32_t segment)
{
    char name[64];
    snprintf(name, sizeof name, "journal/%012u.jsonl", segment);
    ck_assert_int_eq(unlinkat(d->fd, name, 0), 0);
}

/* An id that is told by a small number. */
static inline struct id small_id(uint32_t n)
{
    struct id id = {{0x01, 0x93, 0, 0, 0, 0}};
    for (int i = 0; i < 4; i++)
        id.b[15 - i] = (uint8_t)(n >> (8 * i));
    return id;
}

static inline uint32_t small_id_number(const struct id *id)
{
    return (uint32_t)id->b[12] << 24 | (uint32_t)id->b[13] << 16 | (uint32_t)id->b[14] << 8 | id->b[15];
}

static inline void put_segment_line(struct buf *b, uint32_t segment)
{
    size_t from = b->n;
    line_put_segment(b, segment, 1764072000000, (const uint8_t[16]){1});
    line_seal(b, from, NULL);
}

static inline void put_event_line(struct buf *b, uint32_t n, struct span body)
{
    size_t from = b->n;
    struct line_event e = {.id = small_id(n),
                           .received_ms = 1764072000000 + n,
                           .source = SPAN_LIT("shop"),
                           .type = SPAN_LIT("order.paid"),
                           .headers = SPAN_LIT("[[\"content-type\",\"text/plain\"]]"),
                           .body = body};
    line_put_event(b, &e);
    line_seal(b, from, NULL);
}

#endif
