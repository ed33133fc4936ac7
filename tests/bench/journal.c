/* SPDX-License-Identifier: MIT
 * bench journal: events appended a second, 1 KiB bodies, 64 and 1 per commit, against a bare loop that writes the same bytes with
 * pwrite to a file of the same size, filled beforehand as a segment is, on the same disk, and calls fdatasync as often. The sides
 * take turns every SLICE_MS, so that whatever else the disk has to do meets both; a pair is SLICES of each. Before a slice begins
 * the journal's helper (filling, cutting, indexing, removing) is done with what the slice before gave it, so that it never works in a
 * slice of the bare loop, which has none; what it costs a journal that never pauses is the last row. Prints a JSON line for each row.
 *
 *   ROUNDS=9      pairs for each row
 *   BENCH_DIR=.   where on disk (a folder is made in it and removed again)
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "pairs.h"
#include "spool/journal.h"

enum { BODY_BYTES = 1024, SEGMENT_BYTES = 64 << 20, SETTLE_MS = 60000, TICK_MS = 1000, WARM_BATCHES = 2000, QUIET_MS = 20 };

static const struct row {
    const char *what;
    size_t records; /* a commit */
    int slices;
    long slice_ms;
    double goal;
} rows[] = {
    {"journal / bare group-commit loop, 64 records a commit", 64, 10, 100, 0.85},
    {"journal / bare group-commit loop, 1 record a commit", 1, 10, 100, 0.85},
    {"the same, 64 records, 2 s without a pause: filling, indexing included", 64, 1, 2000, 0},
};

struct bench {
    char dir[4096];
    int dir_fd, bare_fd;
    off_t bare_at;
    struct buf line, block; /* an unsealed line; the bytes of a bare commit */
    struct journal *j;
    _Atomic uint64_t safe;
    int64_t ticked_ms;
};

struct tally { /* of one side in one pair */
    double events, seconds;
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(EXIT_SYSTEM);
    }
}

static void make_line(struct buf *b)
{
    static char body[BODY_BYTES];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 26);
    struct line_event e = {
        .id = id_new(clock_wall_ms()), .received_ms = clock_wall_ms(), .source = SPAN_LIT("shop"), .type = SPAN_LIT("order.paid"),
        .event_id = SPAN_LIT("evt_000001"), .method = SPAN_LIT("POST"), .path = SPAN_LIT("/hooks/shop"), .synced = true,
        .has_dedupe = true, .dedupe_until_ms = clock_wall_ms() + 86400000, .headers = SPAN_LIT("[]"), .body = span_of(body, sizeof body),
    };
    buf_init(b, LINE_MAX_BYTES);
    line_put_event(b, &e);
}

/* A file like a filled segment, which the bare loop writes over again and again. */
static void make_bare(struct bench *b, size_t records)
{
    char *fill = malloc(SEGMENT_BYTES);
    must(fill, "malloc");
    memset(fill, '\n', SEGMENT_BYTES);
    b->bare_fd = openat(b->dir_fd, "bare", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    must(b->bare_fd >= 0 && fs_pwrite_all(b->bare_fd, span_of(fill, SEGMENT_BYTES), 0) == ERR_OK && fsync(b->bare_fd) == 0, "bare");
    free(fill);
    buf_init(&b->block, LINE_MAX_BYTES);
    for (size_t i = 0; i < records; i++) {
        size_t from = b->block.n;
        buf_put_span(&b->block, buf_span(&b->line));
        line_seal(&b->block, from, NULL);
    }
    must(!b->block.failed, "memory");
}

static void bare_commit(struct bench *b, size_t records)
{
    (void)records; /* they are in the block */
    if (b->bare_at + (off_t)b->block.n > SEGMENT_BYTES)
        b->bare_at = 0;
    must(fs_pwrite_all(b->bare_fd, buf_span(&b->block), b->bare_at) == ERR_OK && fdatasync(b->bare_fd) == 0, "bare");
    b->bare_at += (off_t)b->block.n;
}

static void journal_batch(struct bench *b, size_t records)
{
    struct why w;
    for (size_t i = 0; i < records; i++)
        must(journal_append(b->j, buf_span(&b->line), NULL, false) == ERR_OK, "journal_append");
    must(journal_commit(b->j, true, &w) == ERR_OK, "journal_commit");
    int64_t now = clock_mono_ms();
    if (now - b->ticked_ms >= TICK_MS) {
        journal_tick(b->j);
        b->ticked_ms = now;
    }
}

static void run(struct bench *b, void (*commit)(struct bench *, size_t), size_t records, long ms, struct tally *t)
{
    int64_t begin = clock_mono_ns(), now = begin;
    while (now - begin < ms * 1000000) {
        commit(b, records);
        t->events += (double)records;
        now = clock_mono_ns();
    }
    t->seconds += (double)(now - begin) / 1e9;
}

/* Let the helper finish and old segments go: its jobs are done in order of urgency and a retirement comes last, so once that is
 * over so is the rest. */
static void settle(struct bench *b)
{
    uint32_t first, last;
    struct why w;
    journal_bounds(b->j, &first, &last);
    if (last - first < 2)
        return;
    for (int i = 0; last - first > 1; i++) {
        must(i < SETTLE_MS, "the journal's helper does not finish");
        (void)journal_retire(b->j, first, &w);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        journal_tick(b->j);
        journal_bounds(b->j, &first, &last);
    }
    nanosleep(&(struct timespec){.tv_nsec = QUIET_MS * 1000000L}, NULL); /* the disk gives the removed blocks back */
}

static void warm_up(struct bench *b)
{
    uint32_t first, last = 0;
    for (int i = 0; i < WARM_BATCHES || last < 8; i++) { /* young segments are small: that is not what is measured */
        journal_batch(b, rows[0].records);
        journal_bounds(b->j, &first, &last);
    }
}

static void measure(struct bench *b, const struct row *row)
{
    struct pairs p = {.part = "journal", .what = row->what, .unit = "events/s", .goal = row->goal, .at_least = true};
    make_bare(b, row->records);
    warm_up(b);
    for (int i = 0; i < pairs_rounds(); i++) {
        struct tally ours = {0}, bare = {0};
        for (int slice = 0; slice < row->slices * 2; slice++) {
            settle(b);
            if (pairs_ours_first(i + slice))
                run(b, journal_batch, row->records, row->slice_ms, &ours);
            else
                run(b, bare_commit, row->records, row->slice_ms, &bare);
        }
        pairs_add(&p, ours.events / ours.seconds, bare.events / bare.seconds);
    }
    pairs_print(&p);
    settle(b);
    close(b->bare_fd);
    buf_fini(&b->block);
}

static void remove_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *d; dir && (d = readdir(dir));)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && unlinkat(fd, d->d_name, 0) != 0)
            remove_folder(fd, d->d_name);
    if (dir)
        closedir(dir);
    unlinkat(at, name, AT_REMOVEDIR);
}

int main(void)
{
    const char *base = getenv("BENCH_DIR");
    struct bench b = {.bare_fd = -1};
    struct why w = {{0}};
    log_init("bench", LOG_TEXT, LOG_WARN);
    snprintf(b.dir, sizeof b.dir, "%s/bench-journal.XXXXXX", base ? base : ".");
    must(mkdtemp(b.dir) && (b.dir_fd = open(b.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0, b.dir);
    make_line(&b.line);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct journal_options o = {.spool_fd = b.dir_fd, .segment_bytes = SEGMENT_BYTES, .safe = &b.safe, .wall_ms = clock_wall_ms};
        if (journal_open(&o, 0, NULL, NULL, &b.j, NULL, &w) != ERR_OK)
            die(EXIT_SYSTEM, "%s", w.text);
        measure(&b, &rows[i]);
        journal_close(b.j);
    }
    buf_fini(&b.line);
    close(b.dir_fd);
    remove_folder(AT_FDCWD, b.dir);
    return 0;
}
