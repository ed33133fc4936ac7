/* SPDX-License-Identifier: MIT
 * reading: what the suites about the reader share: segments made of small events, and what a reading of them finds.
 */
#ifndef CREEL_TESTS_READING_H
#define CREEL_TESTS_READING_H

#include "spool/reader.h"
#include "spool_dir.h"
#include "suite.h"

/* What a reading found: which events, and how many bytes could not be read. */
struct found {
    uint32_t events[4096];
    size_t n, others, ranges;
    uint64_t bad_bytes;
    struct pos bad_from;
    enum err end;
};

static inline void bad(void *arg, struct pos from, uint32_t n)
{
    struct found *f = arg;
    f->ranges++;
    f->bad_bytes += n;
    f->bad_from = from;
}

static inline void read_on(struct reader *r, const struct pos *limit, struct found *f)
{
    struct line l;
    struct pos at;
    struct why w = {{0}};
    while ((f->end = reader_next(r, limit, &l, &at, &w)) == ERR_OK) {
        if (l.kind != KIND_EVENT) {
            f->others++;
            continue;
        }
        ck_assert_uint_lt(f->n, 4096);
        f->events[f->n++] = small_id_number(&l.id);
    }
}

static inline struct reader *open_reader(struct spool_dir *d, struct found *f)
{
    struct reader *r;
    struct why w = {{0}};
    *f = (struct found){.n = 0};
    ck_assert_msg(reader_open(d->fd, (struct pos){0, 0}, bad, f, &r, &w) == ERR_OK, "%s", w.text);
    return r;
}

static inline struct found read_all(struct spool_dir *d, const struct pos *limit, bool at_rest)
{
    struct found f;
    struct reader *r = open_reader(d, &f);
    if (at_rest)
        reader_at_rest(r);
    read_on(r, limit, &f);
    reader_free(r);
    return f;
}

static inline void expect_events(const struct found *f, size_t n, const uint32_t *events)
{
    ck_assert_uint_eq(f->n, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(f->events[i], events[i]);
}

/* A segment with its first line and events first … last; ends[] gets where each line ends (before its LF). */
static inline void put_segment(struct buf *b, uint32_t segment, uint32_t first, uint32_t last, size_t *ends)
{
    put_segment_line(b, segment);
    if (ends)
        *ends++ = b->n - 1;
    for (uint32_t n = first; n <= last; n++) {
        put_event_line(b, n, SPAN_LIT("{\"a\":\"{\\\"creel\\\":\\\"event\"}"));
        if (ends)
            *ends++ = b->n - 1;
    }
}

static inline void put_blank(struct buf *b, size_t n)
{
    ck_assert(buf_reserve(b, n));
    memset(b->p + b->n, '\n', n);
    b->n += n;
}

static inline struct buf a_buf(void)
{
    struct buf b;
    buf_init(&b, 1 << 26);
    return b;
}

#endif
