/* SPDX-License-Identifier: MIT
 * bench journal: events appended a second, 1 KiB bodies, 64 and 1 per commit, against a bare loop that writes the same bytes to a
 * filled file on the same disk and calls fdatasync as often. Interleaved pairs; prints a table row and a JSON line for each.
 *
 *   PAIRS=9       pairs for each row
 *   PAIR_MS=300   how long each side of a pair runs
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
#include "spool/journal.h"

enum { BODY_BYTES = 1024, SEGMENT_BYTES = 64 << 20, PAIRS_MOST = 99, TICK_MS = 1000 };

struct bench {
    char dir[4096];
    int dir_fd, bare_fd;
    off_t bare_at;
    struct buf line, block; /* an unsealed line; the bytes of a bare commit */
    struct journal *j;
    _Atomic uint64_t safe;
    int64_t ticked_ms;
};

struct result {
    double rate, cpu; /* events a second; CPU seconds per 1,000 events */
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(EXIT_SYSTEM);
    }
}

static long number_from(const char *name, long usual)
{
    const char *text = getenv(name);
    long v = text ? atol(text) : 0;
    return v > 0 ? v : usual;
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
    (void)records;
    if (b->bare_at + (off_t)b->block.n > SEGMENT_BYTES)
        b->bare_at = 0;
    must(fs_pwrite_all(b->bare_fd, buf_span(&b->block), b->bare_at) == ERR_OK && fdatasync(b->bare_fd) == 0, "bare");
    b->bare_at += (off_t)b->block.n;
}

static void journal_batch(struct bench *b, size_t records)
{
    struct why w;
    for (size_t i = 0; i < records; i++)
        must(journal_append(b->j, buf_span(&b->line), false) == ERR_OK, "journal_append");
    must(journal_commit(b->j, true, &w) == ERR_OK, "journal_commit");
    int64_t now = clock_mono_ms();
    if (now - b->ticked_ms >= TICK_MS) {
        journal_tick(b->j);
        b->ticked_ms = now;
    }
}

/* One side of a pair. */
static struct result run(struct bench *b, void (*commit)(struct bench *, size_t), size_t records, long ms)
{
    int64_t begin = clock_mono_ns(), cpu = clock_cpu_ns(), now = begin;
    size_t n = 0;
    while (now - begin < ms * 1000000) {
        commit(b, records);
        n += records;
        now = clock_mono_ns();
    }
    double s = (double)(now - begin) / 1e9;
    return (struct result){(double)n / s, (double)(clock_cpu_ns() - cpu) / 1e9 / (double)n * 1000};
}

/* Old segments go between the pairs, so that the disk does not fill up, and the helper is done before the other side is measured. */
static void tidy(struct bench *b)
{
    uint32_t first, last;
    struct why w;
    journal_bounds(b->j, &first, &last);
    for (int i = 0; i < 10000 && last - first > 1; i++) {
        journal_retire(b->j, first, &w);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        journal_tick(b->j);
        journal_bounds(b->j, &first, &last);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, long n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void measure(struct bench *b, size_t records, long pairs, long ms)
{
    double ours[PAIRS_MOST], bare[PAIRS_MOST], ratio[PAIRS_MOST], cpu[PAIRS_MOST], bare_cpu[PAIRS_MOST];
    make_bare(b, records);
    run(b, journal_batch, records, ms); /* young segments are small: that is not what is measured */
    for (long i = 0; i < pairs; i++) {
        struct result r[2];
        tidy(b);
        for (long side = 0; side < 2; side++) {
            bool journal = (side + i) % 2 == 0;
            r[journal] = run(b, journal ? journal_batch : bare_commit, records, ms);
        }
        ours[i] = r[1].rate;
        bare[i] = r[0].rate;
        cpu[i] = r[1].cpu;
        bare_cpu[i] = r[0].cpu;
        ratio[i] = r[1].rate / r[0].rate;
    }
    double m = median(ratio, pairs);
    printf("%-22zu %12.0f %12.0f %7.2f   %.2f … %.2f %10.4f %10.4f\n", records, median(ours, pairs), median(bare, pairs), m, ratio[0],
           ratio[pairs - 1], median(cpu, pairs), median(bare_cpu, pairs));
    printf("{\"bench\":\"journal\",\"records_per_commit\":%zu,\"line_bytes\":%zu,\"pairs\":%ld,\"events_per_s\":%.0f,\"bare_per_s\":%.0f,"
           "\"ratio\":%.3f,\"ratio_min\":%.3f,\"ratio_max\":%.3f,\"cpu_s_per_1000\":%.5f,\"bare_cpu_s_per_1000\":%.5f,\"goal\":0.85}\n",
           records, b->block.n / records, pairs, median(ours, pairs), median(bare, pairs), m, ratio[0], ratio[pairs - 1],
           median(cpu, pairs), median(bare_cpu, pairs));
    fflush(stdout);
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
    static const size_t rows[] = {64, 1};
    long pairs = number_from("PAIRS", 9), ms = number_from("PAIR_MS", 300);
    const char *base = getenv("BENCH_DIR");
    struct bench b = {.bare_fd = -1};
    struct why w = {{0}};
    if (pairs > PAIRS_MOST)
        pairs = PAIRS_MOST;
    log_init("bench", LOG_TEXT, LOG_WARN);
    snprintf(b.dir, sizeof b.dir, "%s/bench-journal.XXXXXX", base ? base : ".");
    must(mkdtemp(b.dir) && (b.dir_fd = open(b.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0, b.dir);
    make_line(&b.line);
    printf("%-22s %12s %12s %7s %13s %10s %10s\n", "records per commit", "journal/s", "bare/s", "ratio", "spread", "CPU s/1000", "bare");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct journal_options o = {.spool_fd = b.dir_fd, .segment_bytes = SEGMENT_BYTES, .safe = &b.safe, .wall_ms = clock_wall_ms};
        if (journal_open(&o, 0, NULL, NULL, &b.j, NULL, &w) != ERR_OK)
            die(EXIT_SYSTEM, "%s", w.text);
        measure(&b, rows[i], pairs, ms);
        journal_close(b.j);
    }
    buf_fini(&b.line);
    close(b.dir_fd);
    remove_folder(AT_FDCWD, b.dir);
    return 0;
}
