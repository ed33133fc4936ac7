/* SPDX-License-Identifier: MIT
 * pen: see pen.h.
 */
#include "pen.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "disk.h"
#include "spool/journal_in.h"
#include "spool/reader.h"

void pen_folder(char out[PATH_MAX])
{
    struct stat st;
    const char *base = getenv("TMPDIR");
    if (!base)
        base = stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(out, PATH_MAX, "%s/creel-pen-XXXXXX", base);
    ck_assert_ptr_nonnull(mkdtemp(out));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

void pen_remove(const char *dir)
{
    disk_pause();
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    disk_go_on();
}

static _Atomic int64_t clock_ms;

static int64_t now_ms(void)
{
    return atomic_load(&clock_ms);
}

void pen_later(int64_t ms)
{
    atomic_store(&clock_ms, PEN_NOW_MS + ms);
}

void pen_init_at(struct pen *p, const char *dir)
{
    memset(p, 0, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "%s", dir);
    p->segment_bytes = PEN_SEGMENT_BYTES;
    p->spool_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(p->spool_fd, 0);
    p->safe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(p->safe != MAP_FAILED);
    pen_later(0);
    log_init("test", LOG_TEXT, getenv("PEN_LOG") ? LOG_DEBUG : LOG_LEVELS);
}

void pen_init(struct pen *p)
{
    char dir[PATH_MAX];
    pen_folder(dir);
    pen_init_at(p, dir);
}

void pen_fini(struct pen *p)
{
    pen_close(p);
    close(p->spool_fd);
    munmap(p->safe, 4096);
    pen_remove(p->dir);
}

static int number_of(const struct id *id)
{
    int n = id->b[14] << 8 | id->b[15];
    ck_assert_int_gt(n, 0);
    ck_assert_int_lt(n, PEN_EVENTS);
    return n;
}

struct id pen_id(int n)
{
    struct id id = {{1, 0x99, (uint8_t)(n >> 8), (uint8_t)n}};
    id.b[14] = (uint8_t)(n >> 8);
    id.b[15] = (uint8_t)n;
    return id;
}

static void on_key(void *arg, const struct journal_dedupe *d)
{
    struct pen *p = arg;
    int n = number_of(&d->id);
    ck_assert_int_eq(d->key[0] << 8 | d->key[1], n);
    p->keys[n]++;
}

enum err pen_try_open(struct pen *p)
{
    struct journal_options o = {.spool_fd = p->spool_fd, .segment_bytes = p->segment_bytes, .min_free_percent = 5,
                                .safe = p->safe, .wall_ms = now_ms};
    memset(p->keys, 0, sizeof p->keys);
    return journal_open(&o, 0, on_key, p, &p->j, &p->found, &p->why);
}

void pen_open(struct pen *p)
{
    ck_assert_msg(pen_try_open(p) == ERR_OK, "%s", p->why.text);
}

void pen_close(struct pen *p)
{
    if (p->j)
        journal_close(p->j);
    p->j = NULL;
}

void pen_settle(struct pen *p)
{
    journal_get_spare(p->j, true);
}

enum err pen_event(struct pen *p, int n, size_t body_bytes)
{
    struct buf b;
    char *body = malloc(body_bytes + 1), event_id[32];
    ck_assert_ptr_nonnull(body);
    memset(body, 'a' + n % 26, body_bytes);
    snprintf(event_id, sizeof event_id, "evt_%d", n);
    struct line_event e = {
        .id = pen_id(n), .received_ms = PEN_NOW_MS, .source = SPAN_LIT("shop"), .type = SPAN_LIT("order.paid"),
        .event_id = span_str(event_id), .method = SPAN_LIT("POST"), .path = SPAN_LIT("/hooks/shop"), .synced = true,
        .dedupe = {(uint8_t)(n >> 8), (uint8_t)n}, .has_dedupe = true, .dedupe_until_ms = PEN_NOW_MS + PEN_WINDOW_MS,
        .headers = SPAN_LIT("[[\"content-type\",\"text/plain\"]]"), .body = span_of(body, body_bytes),
    };
    buf_init(&b, LINE_MAX_BYTES);
    line_put_event(&b, &e);
    struct journal_dedupe key = {.id = e.id, .until_ms = e.dedupe_until_ms};
    memcpy(key.key, e.dedupe, sizeof key.key);
    enum err err = journal_append(p->j, buf_span(&b), p->keys_apart ? NULL : &key, false);
    buf_fini(&b);
    free(body);
    return err;
}

enum err pen_attempt(struct pen *p, int n)
{
    struct buf b;
    struct id id = pen_id(n);
    buf_init(&b, LINE_MAX_BYTES);
    line_put_attempt(&b, &id, SPAN_LIT("mail"), 1, PEN_NOW_MS, SPAN_LIT("g1"));
    enum err err = journal_append(p->j, buf_span(&b), NULL, true);
    buf_fini(&b);
    return err;
}

enum err pen_commit(struct pen *p)
{
    return journal_commit(p->j, true, &p->why);
}

static void on_unreadable(void *arg, struct pos from, uint32_t n)
{
    struct pen_read *r = arg;
    (void)from;
    r->n_unreadable++;
    r->unreadable_bytes += n;
}

void pen_read_all(const struct pen *p, struct pen_read *out)
{
    struct reader *r;
    struct why w;
    struct line l;
    struct pos at, safe = pos_unpack(atomic_load(p->safe));
    memset(out, 0, sizeof *out);
    ck_assert_msg(reader_open(p->spool_fd, (struct pos){0, 0}, on_unreadable, out, &r, &w) == ERR_OK, "%s", w.text);
    enum err e;
    while ((e = reader_next(r, &safe, &l, &at, &w)) == ERR_OK) {
        ck_assert_msg(l.kind != KIND_SEGMENT || at.offset == 0, "a segment's first line at %u.%u", at.segment, at.offset);
        if (l.kind == KIND_EVENT) {
            int n = number_of(&l.id);
            out->n_events++;
            out->events[n]++;
            out->at[n] = at;
            out->bytes[n] = (uint32_t)l.text.n;
        } else if (l.kind == KIND_ATTEMPT) {
            out->attempts[number_of(&l.id)]++;
        }
    }
    ck_assert_msg(e == ERR_AGAIN, "%s", w.text);
    reader_free(r);
}

int64_t pen_size(const struct pen *p, const char *name)
{
    struct stat st;
    return fstatat(p->spool_fd, name, &st, 0) == 0 ? st.st_size : -1;
}

/* One file of quarantine: which part of [at, at + bytes.n) does it hold as it should? */
static void mark_held(const struct pen *p, const char *name, struct pos at, struct span bytes, bool *held)
{
    struct buf b;
    unsigned segment, offset;
    char path[PATH_MAX];
    if (sscanf(name, "%12u.%u", &segment, &offset) != 2 || segment != at.segment)
        return;
    snprintf(path, sizeof path, "quarantine/%s", name);
    buf_init(&b, 1 << 30);
    ck_assert_int_eq(fs_read(p->spool_fd, path, &b, NULL), ERR_OK);
    for (size_t i = 0; i < b.n; i++)
        if (offset + i >= at.offset && offset + i < at.offset + bytes.n && b.p[i] == bytes.p[offset + i - at.offset])
            held[offset + i - at.offset] = true;
    buf_fini(&b);
}

bool pen_quarantined(const struct pen *p, struct pos at, struct span bytes)
{
    bool *held = calloc(bytes.n + 1, 1), all = true;
    int fd = openat(p->spool_fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir));)
        mark_held(p, d->d_name, at, bytes, held);
    closedir(dir);
    for (size_t i = 0; i < bytes.n; i++)
        all &= held[i] || bytes.p[i] == '\n';
    free(held);
    return all;
}

void pen_write(struct pen *p, int from, int to, size_t body_bytes)
{
    for (int n = from; n <= to; n++) {
        ck_assert_int_eq(pen_event(p, n, body_bytes), ERR_OK);
        ck_assert_msg(pen_commit(p) == ERR_OK, "%s", p->why.text);
        pen_settle(p);
    }
}

void pen_assert_events(const struct pen *p, int from, int to)
{
    struct pen_read r;
    pen_read_all(p, &r);
    for (int n = from; n <= to; n++)
        ck_assert_msg(r.events[n] == 1, "event %d is there %d times", n, r.events[n]);
    ck_assert_uint_eq(r.n_events, (size_t)(to - from + 1));
    ck_assert_uint_eq(r.n_unreadable, 0);
}

bool pen_comes_true(bool (*what)(void))
{
    for (int64_t until = clock_mono_ms() + 10000; clock_mono_ms() < until;) {
        if (what())
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}
