/* SPDX-License-Identifier: MIT
 * survey: reading a journal before opening it. First the heads of all segments (a format we do not know stops everything
 * here), then where `safe` is, then indexes of closed segments and the lines of the others. Never writes.
 */
#include "spool/survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/line.h"
#include "spool/scan.h"
#include "spool/segment.h"
#include "spool/segments.h"

enum { HEAD_BYTES = 4096, MOST_BYTES = 1 << 30 };

/* One reading of segments: who is told, and what about. */
struct reading {
    struct survey *s;
    struct survey_segment *now;
    int64_t now_ms;
    journal_dedupe_cb cb;
    void *arg;
};

/* Every name in the folder: the largest number that was ever used, and the indexes. */
static enum err read_names(struct survey *s, struct why *w)
{
    int fd = openat(s->journal_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        why_errno(w, "journal/: cannot list the folder");
        if (fd >= 0)
            close(fd);
        return ERR_SYSTEM;
    }
    for (struct dirent *d; (d = readdir(dir));) {
        enum segment_form form;
        uint32_t number;
        if (!segment_form_parse(d->d_name, &form, &number))
            continue;
        if (number > s->largest)
            s->largest = number;
        if (form == SEGMENT_INDEX)
            buf_put(&s->indexes, &number, sizeof number);
    }
    closedir(dir);
    if (s->indexes.failed)
        return why_set(w, ERR_NO_MEMORY, "no memory to list the journal's indexes");
    /* Going on from there would begin at 1 again, over what is there. */
    if (s->largest > SEGMENT_LAST_TO_FOLLOW)
        return why_set(w, ERR_INVALID, "journal/: a file is numbered %" PRIu32 ", and no number is left for the segments to come: "
                       "if creeld did not make it, take it away", s->largest);
    return ERR_OK;
}

static enum err read_head(struct survey *s, struct survey_segment *k, struct why *w)
{
    char name[SEGMENT_FORM_BYTES], head[HEAD_BYTES];
    struct stat st;
    struct line l;
    segment_form_name(k->number, SEGMENT_LIVE, name);
    int fd = openat(s->journal_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return why_errno(w, "journal/%s: cannot open", name);
    ssize_t got = pread(fd, head, sizeof head, 0);
    enum err e = fstat(fd, &st) != 0 ? why_errno(w, "journal/%s: cannot look at it", name) : ERR_OK;
    close(fd);
    if (e)
        return e;
    k->size = st.st_size < UINT32_MAX ? (uint32_t)st.st_size : UINT32_MAX - 1;
    const char *lf = got > 0 ? memchr(head, '\n', (size_t)got) : NULL;
    if (!lf)
        return ERR_OK; /* if it cannot be read at all, whoever needs the rest of it will say so */
    e = line_parse(span_of(head, (size_t)(lf - head)), &l);
    if (e == ERR_UNSUPPORTED)
        return why_set(w, e, "journal/%s: written by a newer version of Creel; this one must not touch it", name);
    if (e || l.kind != KIND_SEGMENT)
        return ERR_OK;
    k->head_end = (uint32_t)(lf - head) + 1;
    k->has_salt = s->has_salt = true;
    memcpy(k->salt, l.salt, sizeof k->salt);
    memcpy(s->salt, l.salt, sizeof s->salt);
    return ERR_OK;
}

/* Numbers, sizes, first lines, void lines. */
static enum err read_heads(struct survey *s, struct why *w)
{
    struct segments list;
    enum err e = segments_init(&list, s->spool_fd, w);
    if (e)
        return e;
    e = segments_refresh(&list, w);
    if (!e && list.n && !(s->all = calloc(list.n, sizeof *s->all)))
        e = why_set(w, ERR_NO_MEMORY, "no memory to list the journal's segments");
    for (size_t i = 0; !e && i < list.n; i++) {
        s->all[i].number = list.numbers[i];
        e = read_head(s, &s->all[i], w);
    }
    if (!e && list.n)
        e = segments_read_voids(&list, list.numbers[list.n - 1], true, w);
    for (size_t i = 0; !e && i < list.n; i++)
        s->all[i].void_from = segments_void_from(&list, s->all[i].number);
    s->n = e ? 0 : list.n;
    segments_fini(&list);
    return e;
}

static struct survey_segment *find(struct survey *s, uint32_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].number == number)
            return &s->all[i];
    return NULL;
}

static void say_shorter(const struct survey_segment *k, uint32_t acknowledged)
{
    log_line(LOG_ERROR, "acknowledged bytes are missing: a journal segment is shorter than it was", LOG_N("segment", k->number),
             LOG_N("bytes", k->size), LOG_N("acknowledged", acknowledged));
}

/* A good index that fits the file, of which nothing was taken back since. */
static bool read_index(struct survey *s, const struct survey_segment *k, struct index *x)
{
    if (index_read(s->journal_fd, k->number, x, NULL) != ERR_OK)
        return false;
    if (x->length == k->size && k->void_from >= k->size && (!k->has_salt || memcmp(x->salt, k->salt, sizeof x->salt) == 0))
        return true;
    if (x->length > k->size)
        say_shorter(k, x->length);
    index_fini(x);
    return false;
}

static void check_indexes(struct survey *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct index x;
        s->all[i].indexed = read_index(s, &s->all[i], &x);
        if (s->all[i].indexed)
            index_fini(&x);
    }
}

static void raise_safe(struct survey *s, struct pos p)
{
    if (pos_cmp(p, s->safe) > 0)
        s->safe = p;
}

static void on_mark(void *arg, const struct line *l, struct pos at)
{
    /* A mark can only speak of what lies before it. */
    if (l->has_safe && pos_cmp(l->safe, at) <= 0)
        raise_safe(arg, l->safe);
}

struct marks {
    struct survey *s;
    bool refused;
};

static void on_mark_of(void *arg, const struct line *l, struct pos at)
{
    on_mark(((struct marks *)arg)->s, l, at);
}

static void on_mark_refused(void *arg, struct pos at, uint32_t n)
{
    struct marks *m = arg;
    (void)at;
    (void)n;
    m->refused = true;
}

/* What was acknowledged cannot be told from what was not, so all of this segment counts, where it is: nothing of it is copied or
 * cut. It must be on disk then. */
static enum err keep_whole(struct survey *s, const struct survey_segment *k, struct why *w)
{
    char name[SEGMENT_FORM_BYTES];
    segment_form_name(k->number, SEGMENT_LIVE, name);
    int fd = openat(s->journal_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fdatasync(fd) != 0) {
        enum err e = why_errno(w, "journal/%s: the disk reads a part of it no more and cannot sync the rest; see creeld(8)", name);
        if (fd >= 0)
            close(fd);
        return e;
    }
    close(fd);
    log_line(LOG_ERROR, "the disk refuses to read the end of the journal: all of that segment is taken for acknowledged",
             LOG_N("segment", k->number));
    raise_safe(s, (struct pos){k->number, k->void_from < k->size ? k->void_from : k->size});
    return ERR_OK;
}

/* Nobody told us: the last mark, or the end of a segment that was closed in order, whichever is later. Marks only rise, so the
 * newest segment that has one has the last. */
static enum err find_safe(struct survey *s, struct why *w)
{
    for (size_t i = s->n; i-- > 0 && s->all[i].number >= s->safe.segment;) {
        const struct survey_segment *k = &s->all[i];
        enum err e = ERR_OK;
        if (k->indexed)
            raise_safe(s, (struct pos){k->number, k->size});
        else if (!s->safe.segment) {
            struct marks m = {s, false};
            e = scan_segment(&(struct scan){s->spool_fd, k->number, k->void_from, on_mark_of, NULL, &m, on_mark_refused}, w);
            if (!e && m.refused)
                e = keep_whole(s, k, w);
        }
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err learn_safe(struct survey *s, uint64_t told, struct why *w)
{
    struct pos safe = pos_unpack(told);
    const struct survey_segment *k = told ? find(s, safe.segment) : NULL;
    if (!k)
        return find_safe(s, w);
    s->safe = safe;
    s->safe_told = true;
    if (safe.offset > k->size)
        say_shorter(k, safe.offset);
    return ERR_OK;
}

static void give_key(const struct reading *r, const struct journal_dedupe *d)
{
    if (d->until_ms > r->now_ms && r->cb)
        r->cb(r->arg, d);
}

/* Keys made with another salt can match nothing. */
static bool keys_count(const struct survey *s, const struct survey_segment *k)
{
    return !k->has_salt || memcmp(k->salt, s->salt, sizeof k->salt) == 0;
}

static void on_line(void *arg, const struct line *l, struct pos at)
{
    struct reading *r = arg;
    struct survey *s = r->s;
    struct journal_dedupe d;
    bool behind = pos_cmp(at, s->safe) >= 0;
    s->lines++;
    if (behind && (l->kind == KIND_SEGMENT || l->kind == KIND_VOID)) {
        r->now->beyond |= l->kind == KIND_VOID;
        return;
    }
    if (behind) {
        r->now->beyond = true;
        buf_put_span(&s->beyond, l->text);
        buf_putc(&s->beyond, '\n');
        s->copied++;
    }
    if (!r->now->indexed && keys_count(s, r->now) && scan_key(l, &d))
        give_key(r, &d);
}

static void on_unreadable(void *arg, struct pos at, uint32_t n)
{
    struct reading *r = arg;
    struct survey *s = r->s;
    uint64_t from = pos_pack(at), safe = pos_pack(s->safe);
    uint32_t before = from >= safe ? 0 : safe - from < n ? (uint32_t)(safe - from) : n;
    struct survey_range range = {at, s->safe_told ? before : n};
    if (before < n)
        r->now->beyond = true;
    if (s->safe_told)
        s->torn_bytes += n - before;
    if (range.n)
        buf_put(&s->ranges, &range, sizeof range);
}

/* The bytes stay where they are; what was acknowledged of them is there for whoever can read them. Behind a `safe` that we were told
 * nothing was. */
static void on_refused(void *arg, struct pos at, uint32_t n)
{
    struct reading *r = arg;
    uint64_t from = pos_pack(at), safe = pos_pack(r->s->safe);
    if (from + n > safe) {
        r->now->beyond = true;
        r->s->torn_bytes += from >= safe ? n : from + n - safe;
    }
    log_line(LOG_ERROR, "the disk refuses to read a part of the journal, which is left as it is; see creeld(8)",
             LOG_N("segment", at.segment), LOG_N("offset", at.offset), LOG_N("bytes", n));
}

static void give_all(const struct reading *r, const struct index *x)
{
    for (size_t i = 0; i < index_count(x); i++) {
        struct journal_dedupe d = index_at(x, i);
        give_key(r, &d);
    }
}

static void give_indexed(struct reading *r)
{
    struct index x;
    if (!keys_count(r->s, r->now) || !read_index(r->s, r->now, &x))
        return;
    give_all(r, &x);
    index_fini(&x);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* The keys of events whose segments are retired. */
static void give_retired(struct reading *r)
{
    struct survey *s = r->s;
    size_t n = s->indexes.n / sizeof(uint32_t);
    if (n == 0 || s->n == 0 || !s->has_salt)
        return;
    qsort(s->indexes.p, n, sizeof(uint32_t), by_number);
    for (size_t i = 0; i < n; i++) {
        struct index x;
        uint32_t number;
        memcpy(&number, s->indexes.p + i * sizeof number, sizeof number);
        if (number >= s->all[0].number || index_read(s->journal_fd, number, &x, NULL) != ERR_OK)
            continue;
        if (memcmp(x.salt, s->salt, sizeof x.salt) == 0)
            give_all(r, &x);
        index_fini(&x);
    }
}

/* How many of the oldest segments are left to their indexes. */
static size_t count_trusted(const struct survey *s)
{
    uint64_t bytes = 0;
    size_t i = s->n;
    while (i > 0 && (bytes += s->all[i - 1].size) <= SURVEY_BYTES)
        i--;
    return i;
}

static enum err read_segments(struct reading *r, struct why *w)
{
    struct survey *s = r->s;
    size_t trusted = count_trusted(s);
    give_retired(r);
    for (size_t i = 0; i < s->n; i++) {
        r->now = &s->all[i];
        if (r->now->indexed)
            give_indexed(r);
        if (r->now->indexed && i < trusted && r->now->number < s->safe.segment)
            continue;
        enum err e = scan_segment(&(struct scan){s->spool_fd, r->now->number, r->now->void_from, on_line, on_unreadable, r, on_refused}, w);
        if (e == ERR_SYSTEM && r->now->number < s->safe.segment) {
            /* The disk refuses to read it. Nothing in it has to be saved before we begin, and it is not retired unread. */
            log_line(LOG_ERROR, "a journal segment cannot be read and is left as it is", LOG_T("why", w->text));
            e = ERR_OK;
        }
        if (e)
            return e;
        if (s->beyond.failed || s->ranges.failed)
            return why_set(w, ERR_NO_MEMORY, "no memory for what lies beyond the last acknowledged line");
    }
    return ERR_OK;
}

enum err survey_read(struct survey *s, int spool_fd, int journal_fd, uint64_t told, int64_t now_ms, journal_dedupe_cb cb,
                     void *arg, struct why *w)
{
    struct reading r = {.s = s, .now_ms = now_ms, .cb = cb, .arg = arg};
    *s = (struct survey){.spool_fd = spool_fd, .journal_fd = journal_fd};
    buf_init(&s->ranges, MOST_BYTES);
    buf_init(&s->beyond, MOST_BYTES);
    buf_init(&s->indexes, MOST_BYTES);
    enum err e = read_names(s, w);
    if (!e)
        e = read_heads(s, w);
    if (e)
        return e;
    check_indexes(s);
    e = learn_safe(s, told, w);
    return e ? e : read_segments(&r, w);
}

void survey_free(struct survey *s)
{
    free(s->all);
    buf_fini(&s->ranges);
    buf_fini(&s->beyond);
    buf_fini(&s->indexes);
}
