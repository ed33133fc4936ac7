/* SPDX-License-Identifier: MIT
 * check_journal_damage: a journal cut at each byte of its last three records, and with single bits turned over, line feeds
 * included: each record that is still whole is there, once, and what was acknowledged and cannot be read is in quarantine.
 * A quick run turns over one bit of every few bytes and of every line feed; with ROUNDS, that many bits of each byte.
 */
#include "config.h"
#include "pen.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "disk.h"
#include "spool/segment.h"

enum { EVENTS = 6, BODY_BYTES = 20 };
/* A quick run looks at one of so many bytes, and cuts at one of so many. */
#ifdef CREEL_SANITIZED
enum { FLIP_STEP = 41, CUT_STEP = 13 };
#else
enum { FLIP_STEP = 7, CUT_STEP = 1 };
#endif

/* A journal as it was left: whole segments, and where its events lie. */
struct specimen {
    struct buf segment[3]; /* 000000000001, 2, … as they are */
    struct buf index;      /* of the first */
    size_t n;
    struct pos safe;
    struct pen_read events;
};

static struct specimen specimen;

static void keep_file(struct pen *p, const char *name, struct buf *b)
{
    buf_init(b, 1 << 20);
    ck_assert_int_eq(fs_read(p->spool_fd, name, b, NULL), ERR_OK);
}

/* Two segments: the first closed in order, the second as a killed process leaves it, filling and all. */
static void make_specimen(void)
{
    struct pen p;
    disk_reset();
    pen_init(&p);
    p.segment_bytes = SEGMENT_LEAST_BYTES;
    pen_open(&p);
    for (int n = 1; n <= EVENTS / 2; n++) {
        ck_assert_int_eq(pen_event(&p, n, BODY_BYTES), ERR_OK);
        ck_assert_int_eq(pen_commit(&p), ERR_OK);
    }
    pen_close(&p);
    pen_open(&p);
    for (int n = EVENTS / 2 + 1; n <= EVENTS; n++) {
        ck_assert_int_eq(pen_event(&p, n, BODY_BYTES), ERR_OK);
        ck_assert_int_eq(pen_commit(&p), ERR_OK);
    }
    specimen.safe = pos_unpack(atomic_load(p.safe));
    pen_read_all(&p, &specimen.events);
    keep_file(&p, "journal/000000000001.jsonl", &specimen.segment[1]);
    keep_file(&p, "journal/000000000001.idx", &specimen.index);
    keep_file(&p, "journal/000000000002.jsonl", &specimen.segment[2]);
    ck_assert_uint_eq(specimen.safe.segment, 2);
    pen_fini(&p);
}

static void free_specimen(void)
{
    buf_fini(&specimen.segment[1]);
    buf_fini(&specimen.segment[2]);
    buf_fini(&specimen.index);
}

/* A spool with the specimen in it. */
static void lay_out(struct pen *p, bool with_index)
{
    pen_init(p);
    p->segment_bytes = SEGMENT_LEAST_BYTES;
    ck_assert_int_eq(fs_mkdirs(p->spool_fd, "journal", 0750, NULL), ERR_OK);
    for (uint32_t i = 1; i <= 2; i++) {
        char path[64];
        snprintf(path, sizeof path, "journal/%012u.jsonl", i);
        ck_assert_int_eq(fs_replace(p->spool_fd, path, buf_span(&specimen.segment[i]), 0640, NULL), ERR_OK);
    }
    if (with_index)
        ck_assert_int_eq(fs_replace(p->spool_fd, "journal/000000000001.idx", buf_span(&specimen.index), 0640, NULL), ERR_OK);
    atomic_store(p->safe, pos_pack(specimen.safe));
}

/* Open, and see that every event but `damaged` (0: none) is there once. */
static void assert_all_but(struct pen *p, int damaged, const char *what, unsigned at)
{
    static struct pen_read r;
    for (int round = 0; round < 2; round++) {
        ck_assert_msg(pen_try_open(p) == ERR_OK, "%s %u: %s", what, at, p->why.text);
        pen_read_all(p, &r);
        for (int n = 1; n <= EVENTS; n++)
            ck_assert_msg(r.events[n] == (n != damaged), "%s %u: event %d is there %d times", what, at, n, r.events[n]);
        if (round == 1)
            ck_assert_msg(p->found.quarantined_ranges == 0, "%s %u: quarantined again", what, at);
        pen_close(p);
        atomic_store(p->safe, 0);
    }
}

/* Which event's line does this byte belong to? 0: none's. */
static int event_at(uint32_t segment, uint32_t offset)
{
    for (int n = 1; n <= EVENTS; n++) {
        struct pos at = specimen.events.at[n];
        if (at.segment == segment && offset >= at.offset && offset < at.offset + specimen.events.bytes[n])
            return n;
    }
    return 0;
}

/* Turn one bit over and look. known: whether `safe` is known at the start. */
static void flip(uint32_t segment, uint32_t offset, int bit, bool known)
{
    struct pen p;
    char path[64];
    struct buf *b = &specimen.segment[segment];
    int damaged = event_at(segment, offset);
    struct pos at = damaged ? specimen.events.at[damaged] : (struct pos){segment, offset};
    uint32_t n = damaged ? specimen.events.bytes[damaged] : 1;
    b->p[offset] ^= (char)(1 << bit);
    lay_out(&p, bit % 2);
    if (!known)
        atomic_store(p.safe, 0);
    snprintf(path, sizeof path, "segment %u, bit %d of byte", segment, bit);
    assert_all_but(&p, damaged, path, offset);
    bool torn = known && segment == specimen.safe.segment && at.offset >= specimen.safe.offset;
    ck_assert_msg(torn || pen_quarantined(&p, at, span_of(b->p + at.offset, n)), "%s %u: not in quarantine", path, offset);
    pen_fini(&p);
    b->p[offset] ^= (char)(1 << bit);
}

static void flip_all(bool known)
{
    int bits = suite_rounds(1) < 8 ? suite_rounds(1) : 8;
    uint32_t step = bits == 1 ? FLIP_STEP : 1;
    make_specimen();
    for (uint32_t segment = 1; segment <= 2; segment++) {
        uint32_t end = (uint32_t)specimen.segment[segment].n;
        if (segment == specimen.safe.segment)
            end = specimen.safe.offset + 20; /* some of the filling too */
        for (uint32_t offset = 0; offset < end; offset++)
            for (int i = 0; i < bits && (offset % step == known || specimen.segment[segment].p[offset] == '\n'); i++)
                flip(segment, offset, (int)(offset + (uint32_t)i) % 8, known);
    }
    free_specimen();
}

START_TEST(any_bit_may_turn_over)
{
    flip_all(true);
}
END_TEST

START_TEST(any_bit_may_turn_over_and_the_machine_restarts)
{
    flip_all(false);
}
END_TEST

static void cut_everywhere(bool known)
{
    make_specimen();
    struct pos first = specimen.events.at[EVENTS - 2];
    struct buf *b = &specimen.segment[2];
    for (uint32_t end = first.offset; end <= specimen.safe.offset; end += CUT_STEP) {
        struct pen p;
        static struct pen_read r;
        size_t whole = b->n;
        b->n = end;
        lay_out(&p, true);
        if (!known)
            atomic_store(p.safe, 0);
        pen_open(&p);
        pen_read_all(&p, &r);
        for (int n = 1; n <= EVENTS; n++) {
            struct pos at = specimen.events.at[n];
            bool there = at.segment < 2 || at.offset + specimen.events.bytes[n] <= end;
            ck_assert_msg(r.events[n] == there, "cut at %u: event %d is there %d times", end, n, r.events[n]);
            if (!there && at.offset < end)
                ck_assert_msg(pen_quarantined(&p, at, span_of(b->p + at.offset, end - at.offset)), "cut at %u", end);
        }
        pen_fini(&p);
        b->n = whole;
    }
    free_specimen();
}

START_TEST(the_end_may_be_missing)
{
    cut_everywhere(true);
}
END_TEST

START_TEST(the_end_may_be_missing_and_the_machine_restarts)
{
    cut_everywhere(false);
}
END_TEST

/* Without the word of who held `safe`, the marks in the lines say that only the last batch is in doubt. */
START_TEST(only_the_last_batch_is_copied_when_the_machine_restarts)
{
    struct pen p;
    make_specimen();
    lay_out(&p, true);
    atomic_store(p.safe, 0);
    pen_open(&p);
    ck_assert_uint_eq(p.found.copied, 1);
    ck_assert_uint_eq(p.found.torn_bytes + p.found.quarantined_bytes, 0);
    pen_fini(&p);
    lay_out(&p, true);
    pen_open(&p);
    ck_assert_uint_eq(p.found.copied, 0);
    pen_fini(&p);
    free_specimen();
}
END_TEST

/* Torn bytes that nobody was told about are dropped, counted, and not kept. */
START_TEST(what_was_torn_behind_safe_is_dropped)
{
    struct pen p;
    make_specimen();
    memcpy(specimen.segment[2].p + specimen.safe.offset, "{\"creel\":\"event\",\"id\":\"torn", 27);
    lay_out(&p, true);
    pen_open(&p);
    ck_assert_uint_eq(p.found.torn_bytes, 27);
    ck_assert_uint_eq(p.found.quarantined_ranges, 0);
    pen_close(&p);
    pen_open(&p);
    ck_assert_uint_eq(p.found.torn_bytes, 0);
    pen_fini(&p);
    free_specimen();
}
END_TEST

/* Another range under a name that is taken does not overwrite it. */
START_TEST(quarantine_is_never_overwritten)
{
    struct pen p;
    char name[64];
    make_specimen();
    struct pos at = specimen.events.at[2];
    for (int round = 0; round < 2; round++) {
        specimen.segment[1].p[at.offset + 50] ^= 1 + round;
        if (round == 0) {
            lay_out(&p, false);
        } else {
            int fd = openat(p.spool_fd, "journal/000000000001.jsonl", O_WRONLY);
            ck_assert_int_eq(pwrite(fd, specimen.segment[1].p, specimen.segment[1].n, 0), (ssize_t)specimen.segment[1].n);
            close(fd);
        }
        pen_open(&p);
        ck_assert_uint_eq(p.found.quarantined_ranges, 1);
        pen_close(&p);
    }
    snprintf(name, sizeof name, "quarantine/%012u.%u", at.segment, at.offset);
    ck_assert_int_ge(pen_size(&p, name), specimen.events.bytes[2]);
    snprintf(name, sizeof name, "quarantine/%012u.%u.2", at.segment, at.offset);
    ck_assert_int_ge(pen_size(&p, name), specimen.events.bytes[2]);
    pen_fini(&p);
    free_specimen();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_damage");
    TCase *t = tcase_create("damage");
    tcase_set_timeout(t, 300 * suite_rounds(1));
    tcase_add_test(t, any_bit_may_turn_over);
    tcase_add_test(t, any_bit_may_turn_over_and_the_machine_restarts);
    tcase_add_test(t, the_end_may_be_missing);
    tcase_add_test(t, the_end_may_be_missing_and_the_machine_restarts);
    tcase_add_test(t, only_the_last_batch_is_copied_when_the_machine_restarts);
    tcase_add_test(t, what_was_torn_behind_safe_is_dropped);
    tcase_add_test(t, quarantine_is_never_overwritten);
    suite_add_tcase(s, t);
    return suite_run(s);
}
