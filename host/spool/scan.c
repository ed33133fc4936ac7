/* SPDX-License-Identifier: MIT
 * scan: one segment read through by the reader that everybody uses, so that there is one opinion of what is readable.
 */
#include "spool/scan.h"

#include "spool/reader.h"

static void on_unreadable(void *arg, struct pos at, uint32_t n)
{
    const struct scan *s = arg;
    if (!s->unreadable || at.segment != s->segment || at.offset >= s->end)
        return;
    s->unreadable(s->arg, at, n);
}

enum err scan_segment(const struct scan *s, struct why *w)
{
    struct reader *r;
    struct scan mine = *s;
    struct pos limit = s->end == UINT32_MAX ? (struct pos){s->segment + 1, 0} : (struct pos){s->segment, s->end};
    enum err e = reader_open(s->spool_fd, (struct pos){s->segment, 0}, on_unreadable, &mine, &r, w);
    if (e)
        return e;
    for (;;) {
        struct line l;
        struct pos at;
        uint32_t n;
        e = reader_next(r, &limit, &l, &at, w);
        if (e == ERR_SYSTEM && s->refused && reader_pass_over(r, &limit, &at, &n)) {
            s->refused(s->arg, at, n);
            continue;
        }
        if (e)
            break;
        if (s->line && at.segment == s->segment)
            s->line(s->arg, &l, at);
    }
    reader_free(r);
    return e == ERR_AGAIN ? ERR_OK : e;
}

bool scan_key(const struct line *l, struct journal_dedupe *d)
{
    if (!l->has_dedupe || !l->has_id)
        return false;
    memcpy(d->key, l->dedupe, sizeof d->key);
    d->id = l->id;
    d->until_ms = l->dedupe_until_ms;
    return true;
}

static void on_line(void *arg, const struct line *l, struct pos at)
{
    struct journal_dedupe d;
    (void)at;
    if (scan_key(l, &d))
        index_add(arg, &d);
}

enum err scan_index(int spool_fd, uint32_t segment, uint32_t length, const uint8_t salt[INDEX_SALT_BYTES], struct index *x,
                    struct why *w)
{
    index_init(x);
    x->segment = segment;
    x->length = length;
    memcpy(x->salt, salt, INDEX_SALT_BYTES);
    enum err e = scan_segment(&(struct scan){spool_fd, segment, length, on_line, NULL, x, NULL}, w);
    if (e)
        index_fini(x);
    return e;
}
