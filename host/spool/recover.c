/* SPDX-License-Identifier: MIT
 * recover: making good what the survey found, before anything new is admitted. In this order, so that a crash anywhere leaves
 * a journal from which the same can be done again: unreadable bytes are copied to quarantine; then a fresh segment gets void
 * lines for everything behind `safe` and, behind them, the intact lines from there, is synced, and only then gets its name; only
 * then are the old segments cut.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stats.h"
#include "spool/journal_in.h"
#include "spool/quarantine.h"
#include "spool/survey.h"

/* Filled segments that never went live, indexes that nobody needs, and what was being written when the power went. */
static void remove_leftovers(struct journal *j, const struct survey *s)
{
    int fd = openat(j->journal_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        enum segment_form form;
        uint32_t number;
        size_t n = strlen(d->d_name);
        bool ours = segment_form_parse(d->d_name, &form, &number);
        bool half = d->d_name[0] == '.' && n > 4 && strcmp(d->d_name + n - 4, ".tmp") == 0;
        if (half || (ours && form == SEGMENT_NEXT))
            unlinkat(j->journal_fd, d->d_name, 0);
    }
    if (dir)
        closedir(dir);
    if (s->n)
        index_sweep(j->journal_fd, s->all[0].number, j->o.wall_ms());
    else
        index_sweep(j->journal_fd, UINT32_MAX, INT64_MAX); /* no segment says the salt of their keys */
}

/* Bytes before safe stay where they are as well, so that failing to copy them loses nothing yet; bytes behind it would be cut. */
static enum err quarantine_all(struct journal *j, const struct survey *s, struct journal_recovery *found, struct why *w)
{
    for (size_t i = 0; i < s->ranges.n; i += sizeof(struct survey_range)) {
        struct survey_range r;
        bool copied = false;
        memcpy(&r, s->ranges.p + i, sizeof r);
        enum err e = quarantine_copy(j->o.spool_fd, r.at, r.n, &copied, w);
        if (e && pos_pack(r.at) + r.n > pos_pack(s->safe))
            return e;
        if (e)
            log_line(LOG_ERROR, "unreadable journal bytes cannot be copied to quarantine", LOG_T("why", w->text),
                     LOG_N("segment", r.at.segment), LOG_N("offset", r.at.offset), LOG_N("bytes", r.n));
        found->quarantined_ranges += copied;
        found->quarantined_bytes += copied ? r.n : 0;
    }
    return ERR_OK;
}

/* How much of a segment counts. */
static uint32_t counts_to(const struct survey *s, const struct survey_segment *k)
{
    uint32_t end = k->number < s->safe.segment ? k->size : k->number == s->safe.segment ? s->safe.offset : k->head_end;
    if (k->void_from < end)
        end = k->void_from;
    return end < k->size ? end : k->size;
}

/* Lists what the fresh segment takes back. A void line that lies itself behind safe is written anew. */
static void list_voids(struct journal *j, const struct survey *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_segment *k = &s->all[i];
        struct pos from = {k->number, counts_to(s, k)};
        if (k->number >= s->safe.segment && (k->beyond || k->void_from < k->size))
            buf_put(&j->voids, &from, sizeof from);
    }
}

/* Cut and index the segments that are not closed in order and need no void line (close_voided sees to those). */
static void close_others(struct journal *j, const struct survey *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct survey_segment *k = &s->all[i];
        bool voided = k->number >= s->safe.segment && (k->beyond || k->void_from < k->size);
        if (!voided && !k->indexed)
            helper_close(&j->helper, k->number, counts_to(s, k), NULL);
    }
}

static void take_salt(struct journal *j, const struct survey *s, struct journal_recovery *found)
{
    found->salt_new = !s->has_salt;
    if (s->has_salt)
        memcpy(j->salt, s->salt, sizeof j->salt);
    else
        randombytes_buf(j->salt, sizeof j->salt);
}

/* From here on the disk is changed. */
static enum err make_good(struct journal *j, struct survey *s, struct journal_recovery *found, struct why *w)
{
    enum err e = quarantine_all(j, s, found, w);
    if (e)
        return e;
    remove_leftovers(j, s);
    take_salt(j, s, found);
    for (size_t i = 0; i < s->n; i++)
        if (!journal_add_number(j, s->all[i].number))
            return why_set(w, ERR_NO_MEMORY, "no memory to list the journal's segments");
    stat_add(STAT_torn_bytes_total, (int64_t)s->torn_bytes);
    if (s->torn_bytes)
        log_line(LOG_WARN, "bytes behind the last acknowledged line were torn and are dropped", LOG_N("bytes", s->torn_bytes));
    if (s->copied)
        log_line(LOG_INFO, "intact lines behind the last acknowledged one are kept; events among them were answered 503 or not at all",
                 LOG_N("lines", s->copied));
    list_voids(j, s);
    j->rescued = s->beyond;
    buf_init(&s->beyond, 1);
    j->next_number = s->largest + 1;
    j->safe = s->safe;
    helper_init(&j->helper, j->o.spool_fd, j->journal_fd, j->salt, j->o.wall_ms);
    e = helper_start(&j->helper, w);
    if (e) {
        helper_stop(&j->helper);
        return e;
    }
    journal_want_spare(j);
    if (journal_fresh(j, w) != ERR_OK) {
        log_line(LOG_ERROR, "the journal is open but cannot be written yet; tried again every second", LOG_T("why", w->text));
        journal_set_safe(j, s->safe);
    }
    close_others(j, s);
    return ERR_OK;
}

enum err journal_recover(struct journal *j, journal_dedupe_cb cb, void *arg, struct journal_recovery *found, struct why *w)
{
    struct survey s;
    struct journal_recovery f = {0};
    uint64_t told = atomic_load_explicit(j->o.safe, memory_order_acquire);
    enum err e = survey_read(&s, j->o.spool_fd, j->journal_fd, told, j->o.wall_ms(), cb, arg, w);
    f.lines = s.lines;
    f.copied = s.copied;
    f.torn_bytes = s.torn_bytes;
    if (!e)
        e = make_good(j, &s, &f, w);
    if (!e && found)
        *found = f;
    survey_free(&s);
    return e;
}
