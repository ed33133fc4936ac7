/* SPDX-License-Identifier: MIT
 * reader: from bytes to intact lines, in order. Owns a window of bytes read from the segment it is in. Never writes,
 * never reads past the limit it is given. One thread at a time.
 *
 * A line is looked for where the last one ended: filling is skipped, then there must be LINE_TOKEN. What is no intact
 * line is unreadable up to the next token, line feed or not: a damaged separator costs neither neighbour.
 */
#include "spool/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/segments.h"

enum {
    CHUNK_BYTES = 256 * 1024,
    WINDOW_KEPT_BYTES = 8 * CHUNK_BYTES,
    LINE_FIRST_READ_BYTES = 4096,
    TOKEN_BYTES = sizeof LINE_TOKEN - 1,
    CRC_TAIL_BYTES = 18
};
#define CRC_MEMBER ",\"crc\":\""

struct reader {
    struct segments segments;
    reader_unreadable cb;
    void *arg;
    struct pos at;     /* everything before is judged */
    struct buf window; /* bytes of segment at.segment, from window_at on */
    uint32_t window_at;
    uint32_t bad_from, bad_to; /* the unreadable range being collected; none when bad_to is 0 */
    uint32_t
        settled_to; /* in a segment that is being written: nothing below will change, for something was seen here */
    bool tail_seen; /* of such a segment: its blank tail was read to the end, and need not be again */
    bool at_rest;
    bool voids_read;     /* without a limit: what the segments listed last say is void */
    bool window_settled; /* the window was read when nothing in it could change any more */
    bool refused;        /* the disk would not read at refused_at */
    uint32_t refused_at, passed_to, pass_bytes;
};

/* How far a scan may go in the current segment. */
struct bounds {
    uint32_t end; /* offsets below it; UINT32_MAX: to the end of the file */
    bool settled; /* nothing below it will change any more */
};

/* Which segments there are now. */
static enum err list_segments(struct reader *r, struct why *w)
{
    r->voids_read = false;
    return segments_refresh(&r->segments, w);
}

enum err reader_open(int spool_fd, struct pos from, reader_unreadable cb, void *arg, struct reader **out, struct why *w)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return why_set(w, ERR_NO_MEMORY, "no memory to read the journal");
    enum err e = segments_init(&r->segments, spool_fd, w);
    if (e) {
        free(r);
        return e;
    }
    r->cb = cb;
    r->arg = arg;
    r->at = from;
    r->segments.heads_read = from.segment; /* void lines speak of older segments only */
    buf_init(&r->window, (size_t)LINE_MAX_BYTES + 2 * CHUNK_BYTES);
    e = list_segments(r, w);
    if (e) {
        reader_free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

void reader_free(struct reader *r)
{
    if (!r)
        return;
    segments_fini(&r->segments);
    buf_fini(&r->window);
    free(r);
}

struct pos reader_pos(const struct reader *r)
{
    return r->at;
}

void reader_at_rest(struct reader *r)
{
    r->at_rest = true;
}

/* ---- the window ---- */

static void forget_window(struct reader *r)
{
    if (r->window.cap > WINDOW_KEPT_BYTES)
        buf_fini(&r->window); /* a long line is the exception */
    buf_clear(&r->window);
    r->window_at = r->at.offset;
}

/* What the window holds from `offset` on, within the bounds. */
static struct span view(const struct reader *r, uint32_t offset, const struct bounds *b)
{
    struct span s = span_skip(buf_span(&r->window), offset - r->window_at);
    return s.n > b->end - offset ? span_of(s.p, b->end - offset) : s;
}

/* Read on behind the window, keeping what begins at `keep`. *n is 0 at the end (of the bounds or the file). */
static enum err fill(struct reader *r, uint32_t keep, const struct bounds *b, size_t *n, struct why *w)
{
    int fd;
    enum err e = segments_open(&r->segments, r->at.segment, &fd, w);
    if (e)
        return e;
    buf_consume(&r->window, keep - r->window_at);
    r->window_at = keep;
    uint32_t at = r->window_at + (uint32_t)r->window.n;
    size_t want = r->window.n > CHUNK_BYTES ? r->window.n : CHUNK_BYTES; /* long lines grow by doubling */
    if (r->window.n + want > (size_t)LINE_MAX_BYTES + CHUNK_BYTES)
        want = (size_t)LINE_MAX_BYTES + CHUNK_BYTES - r->window.n;
    if (at >= b->end)
        want = 0;
    else if (want > b->end - at)
        want = b->end - at;
    if (!buf_reserve(&r->window, want)) {
        r->window.failed = false;
        return why_set(w, ERR_NO_MEMORY, "no memory for a journal line of more than %zu bytes", r->window.n);
    }
    ssize_t got;
    do
        got = want ? pread(fd, r->window.p + r->window.n, want, (off_t)at) : 0;
    while (got < 0 && errno == EINTR);
    r->refused = got < 0;
    r->refused_at = at;
    if (got < 0)
        return why_errno(w, "journal/%012" PRIu32 ".jsonl: cannot read at %" PRIu32, r->at.segment, at);
    r->window.n += (size_t)got;
    *n = (size_t)got;
    return ERR_OK;
}

/* ---- unreadable bytes ---- */

static void mark_bad(struct reader *r, uint32_t from, uint32_t to)
{
    if (from == to)
        return;
    if (r->bad_to == 0)
        r->bad_from = from;
    r->bad_to = to;
}

static void report_bad(struct reader *r)
{
    if (r->bad_to && r->cb)
        r->cb(r->arg, (struct pos){r->at.segment, r->bad_from}, r->bad_to - r->bad_from);
    r->bad_to = 0;
}

/* ---- one line ---- */

/* Bytes of line feeds at the beginning of s. Filling is long: it is compared with itself, one byte apart. */
static size_t blank_bytes(struct span s)
{
    enum { STEP = 4096 };
    size_t n = 0;
    if (s.n == 0 || s.p[0] != '\n')
        return 0;
    while (s.n - n > STEP && memcmp(s.p + n, s.p + n + 1, STEP) == 0)
        n += STEP;
    while (n < s.n && s.p[n] == '\n')
        n++;
    return n;
}

static const char *find_token(struct span s)
{
    return s.n ? memmem(s.p, s.n, LINE_TOKEN, TOKEN_BYTES) : NULL;
}

/* An intact line at the beginning of text, which begins with the token and ends before the next line feed (or the end).
 * A line has one checksum member, and it is its end: so a line whose separator is damaged is found by that. */
static enum err judge(struct span text, struct line *out)
{
    enum err e = line_parse(text, out);
    if (e != ERR_CORRUPT)
        return e;
    const char *crc = memmem(text.p, text.n, CRC_MEMBER, sizeof CRC_MEMBER - 1);
    if (!crc || (size_t)(text.p + text.n - crc) <= CRC_TAIL_BYTES)
        return e;
    return line_parse(span_of(text.p, (size_t)(crc - text.p) + CRC_TAIL_BYTES), out);
}

/* Where the text that begins at `from` (with the token) ends: before a line feed, a NUL (never in a line) or the end of
 * what there is. The window then holds it whole. */
static enum err find_end(struct reader *r, uint32_t from, const struct bounds *b, struct span *text, struct why *w)
{
    size_t seen = 0, got = 1;
    for (;;) {
        struct span s = view(r, from, b), fresh = span_skip(s, seen);
        const char *end = fresh.n ? memchr(fresh.p, '\n', fresh.n) : NULL;
        if (!end && fresh.n)
            end = memchr(fresh.p, 0, fresh.n);
        if (!end && (got == 0 || s.n > LINE_MAX_BYTES))
            end = s.p + s.n;
        if (end) {
            *text = span_of(s.p, (size_t)(end - s.p));
            return ERR_OK;
        }
        seen = s.n;
        enum err e = fill(r, from, b, &got, w);
        if (e)
            return e;
    }
}

/* Bytes at the beginning of s, which is no filling and does not begin with the token, that can belong to no line. */
static size_t garbage_bytes(struct span s)
{
    const char *lf = memchr(s.p, '\n', s.n);
    size_t n = lf ? (size_t)(lf - s.p) : s.n;
    const char *token = find_token(span_of(s.p, n));
    if (token)
        return (size_t)(token - s.p);
    /* A token may begin at the end of what was read so far. */
    return lf || n < TOKEN_BYTES ? n : n - (TOKEN_BYTES - 1);
}

/* ---- a segment ---- */

/* A scan in progress. */
struct scan {
    uint32_t at;
    uint32_t broken_to; /* up to here is what looked like one line and is none: each further token begins a line of its
                           own */
    bool doubtful;      /* filling or garbage was passed that may be a line by now: the segment is being written */
};

/* Everything before `to` is judged: filling or unreadable. One byte is a separator and no reason for doubt. */
static void judged(struct reader *r, const struct bounds *b, struct scan *s, uint32_t to)
{
    if (b->settled || to <= r->settled_to)
        r->at.offset = to;
    else if (to - s->at > 1)
        s->doubtful = true;
    s->at = to;
}

/* What was marked unreadable but is not judged yet will be looked at again. */
static void unmark_unjudged(struct reader *r)
{
    if (r->bad_to > r->at.offset)
        r->bad_to = r->bad_from < r->at.offset ? r->at.offset : 0;
}

/* Behind a doubtful place there is something: writing goes forward, so by now all before it is as it will stay. Look
 * again. */
static void look_again(struct reader *r, struct scan *s)
{
    struct span seen = buf_span(&r->window);
    while (seen.n && seen.p[seen.n - 1] == '\n')
        seen.n--;
    r->settled_to = r->window_at + (uint32_t)seen.n;
    unmark_unjudged(r);
    forget_window(r);
    *s = (struct scan){.at = r->at.offset};
}

/* The end of what there is: a settled segment is through; one that is being written is looked at again next time. */
static enum err at_end(struct reader *r, const struct bounds *b)
{
    if (b->settled) {
        report_bad(r);
    } else {
        unmark_unjudged(r);
        r->tail_seen = true;
    }
    forget_window(r);
    return ERR_AGAIN;
}

/* The line that the token at s->at begins. ERR_CORRUPT: there is none, and it was passed. */
static enum err take_line(struct reader *r, const struct bounds *b, struct scan *s, struct line *out, struct pos *at,
                          struct why *w)
{
    struct span text;
    struct line l;
    enum err e = ERR_OK;
    if (s->at < s->broken_to)
        text = span_of(view(r, s->at, b).p, s->broken_to - s->at);
    else
        e = find_end(r, s->at, b, &text, w);
    if (e)
        return e;
    const char *next = s->at < s->broken_to ? find_token(span_skip(text, 1)) : NULL;
    e = judge(next ? span_of(text.p, (size_t)(next - text.p)) : text, &l);
    if (e == ERR_UNSUPPORTED)
        return why_set(w, e,
                       "journal/%012" PRIu32 ".jsonl: the line at %" PRIu32
                       " is intact but of a format or kind that this version does "
                       "not know: a newer one wrote it, and it is needed to read it",
                       r->at.segment, s->at);
    if (e) {
        s->broken_to = s->at + (uint32_t)text.n;
        next = next ? next : find_token(span_skip(text, 1));
        uint32_t to = s->at + (uint32_t)(next ? (size_t)(next - text.p) : text.n);
        mark_bad(r, s->at, to);
        judged(r, b, s, to);
        return e;
    }
    report_bad(r);
    *at = (struct pos){r->at.segment, s->at};
    r->at.offset = s->at + (uint32_t)l.text.n;
    *out = l;
    return ERR_OK;
}

/* The next intact line of this segment. ERR_AGAIN at its end, ERR_NOT_FOUND when it is gone. */
static enum err scan_segment(struct reader *r, const struct bounds *b, struct line *out, struct pos *at, struct why *w)
{
    enum { TAIL_STEP = 4096 };
    bool outside = r->at.offset < r->window_at || r->at.offset - r->window_at > r->window.n;
    if (outside || (b->settled && !r->window_settled))
        forget_window(r);
    r->window_settled = b->settled;
    struct scan s = {.at = r->at.offset};
    enum err e = ERR_CORRUPT;
    while (e == ERR_CORRUPT) {
        if (s.at >= b->end)
            return at_end(r, b);
        if (view(r, s.at, b).n < TOKEN_BYTES) {
            size_t got;
            enum err failed = fill(r, s.at, b, &got, w);
            if (failed)
                return failed;
            if (got == 0 && view(r, s.at, b).n == 0)
                return at_end(r, b);
            if (got)
                continue;
        }
        struct span v = view(r, s.at, b);
        size_t blank = blank_bytes(v);
        if (blank == v.n && blank >= TAIL_STEP && r->tail_seen && !b->settled)
            return at_end(r, b);
        if (blank) {
            judged(r, b, &s, s.at + (uint32_t)blank);
        } else if (s.doubtful) {
            look_again(r, &s);
        } else if (v.n < TOKEN_BYTES || memcmp(v.p, LINE_TOKEN, TOKEN_BYTES) != 0) {
            uint32_t to = s.at + (uint32_t)garbage_bytes(v);
            mark_bad(r, s.at, to);
            judged(r, b, &s, to);
        } else {
            e = take_line(r, b, &s, out, at, w);
        }
    }
    return e;
}

/* ---- from segment to segment ---- */

/* Know what is void before it is read: with a limit, what the segments up to it say; else what any of them says. */
static enum err read_voids(struct reader *r, const struct pos *limit, struct why *w)
{
    struct segments *all = &r->segments;
    uint32_t last = limit ? limit->segment - (limit->offset == 0) : 0;
    if (last > all->heads_read) {
        enum err e = list_segments(r, w);
        return e ? e : segments_read_voids(all, last, true, w);
    }
    if (limit || r->voids_read)
        return ERR_OK;
    r->voids_read = true;
    return segments_read_voids(all, all->n ? all->numbers[all->n - 1] : 0, r->at_rest, w);
}

static enum err find_bounds(struct reader *r, const struct pos *limit, struct bounds *b, struct why *w)
{
    struct segments *all = &r->segments;
    enum err e = read_voids(r, limit, w);
    if (e)
        return e;
    uint32_t last = all->n ? all->numbers[all->n - 1] : 0;
    *b = (struct bounds){.end = UINT32_MAX, .settled = limit || r->at_rest || last > r->at.segment};
    if (limit && limit->segment == r->at.segment)
        b->end = limit->offset;
    uint32_t void_from = segments_void_from(all, r->at.segment);
    if (void_from < b->end)
        b->end = void_from;
    return ERR_OK;
}

/* On to the next segment that exists; ERR_AGAIN when there is none within the limit. */
static enum err enter_next(struct reader *r, const struct pos *limit)
{
    uint32_t next = r->at.segment == UINT32_MAX ? 0 : segments_from(&r->segments, r->at.segment + 1);
    if (next == 0 || (limit && next > limit->segment))
        return ERR_AGAIN;
    r->at = (struct pos){next, 0};
    r->settled_to = r->passed_to = 0;
    r->tail_seen = false;
    forget_window(r);
    return ERR_OK;
}

/* What the disk refuses is refused in blocks, and on a dying disk each try takes its time: few steps, each twice the last. */
bool reader_pass_over(struct reader *r, const struct pos *limit, struct pos *at, uint32_t *n)
{
    enum { BLOCK_BYTES = 4096 };
    int fd;
    struct stat st;
    struct why w;
    if (!r->refused || segments_open(&r->segments, r->at.segment, &fd, &w) != ERR_OK || fstat(fd, &st) != 0 ||
        st.st_size <= (off_t)r->refused_at)
        return false;
    r->pass_bytes = r->passed_to && r->refused_at == r->passed_to ? r->pass_bytes * 2 : BLOCK_BYTES;
    uint64_t to = (uint64_t)r->refused_at / BLOCK_BYTES * BLOCK_BYTES + r->pass_bytes;
    if (to > (uint64_t)st.st_size)
        to = (uint64_t)st.st_size;
    if (limit && limit->segment == r->at.segment && to > limit->offset)
        to = limit->offset;
    report_bad(r);
    *at = r->at;
    *n = (uint32_t)to - r->at.offset;
    r->at.offset = r->passed_to = (uint32_t)to;
    r->refused = false;
    forget_window(r);
    return true;
}

enum err reader_next(struct reader *r, const struct pos *limit, struct line *out, struct pos *at, struct why *w)
{
    for (bool looked = false;;) {
        struct bounds b;
        if (limit && pos_cmp(*limit, r->at) <= 0)
            return ERR_AGAIN;
        enum err e = find_bounds(r, limit, &b, w);
        if (e)
            return e;
        e = r->at.segment ? scan_segment(r, &b, out, at, w) : ERR_AGAIN;
        if (e == ERR_NOT_FOUND)
            report_bad(r);
        else if (e != ERR_AGAIN)
            return e;
        if (limit && limit->segment == r->at.segment)
            return ERR_AGAIN;
        bool moved = (b.settled || e == ERR_NOT_FOUND) && enter_next(r, limit) == ERR_OK;
        if (!moved && looked)
            return ERR_AGAIN;
        if (!moved) {
            /* Something may have come since the segments were listed. With that known, what is here has to be finished
             * first. */
            e = list_segments(r, w);
            if (e)
                return e;
            looked = true;
        }
    }
}

/* ---- by position ---- */

enum err reader_at(struct reader *r, struct pos at, struct buf *b, struct line *out, struct why *w)
{
    int fd;
    enum err e = segments_open(&r->segments, at.segment, &fd, w);
    buf_clear(b);
    if (e)
        return e;
    const char *lf = NULL;
    ssize_t got = 1;
    for (size_t want = LINE_FIRST_READ_BYTES; !lf && got > 0 && b->n <= LINE_MAX_BYTES; want = b->n) {
        if (!buf_reserve(b, want))
            return why_set(w, ERR_NO_ROOM, "the journal line at %" PRIu32 ".%" PRIu32 " is longer than %zu bytes",
                           at.segment, at.offset, b->n);
        got = pread(fd, b->p + b->n, want, (off_t)at.offset + (off_t)b->n);
        if (got < 0 && errno != EINTR)
            return why_errno(w, "journal/%012" PRIu32 ".jsonl: cannot read at %" PRIu32, at.segment, at.offset);
        if (got > 0) {
            lf = memchr(b->p + b->n, '\n', (size_t)got);
            b->n += (size_t)got;
        }
        if (got < 0)
            got = 1;
    }
    struct span text = span_of(b->p, lf ? (size_t)(lf - b->p) : b->n);
    struct line l;
    e = span_starts(text, SPAN_LIT(LINE_TOKEN)) ? judge(text, &l) : ERR_CORRUPT;
    if (e)
        return why_set(w, e, "no intact line at %" PRIu32 ".%" PRIu32 " of the journal", at.segment, at.offset);
    *out = l;
    return ERR_OK;
}
