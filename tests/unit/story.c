/* SPDX-License-Identifier: MIT
 * story: see story.h.
 */
#include "story.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "disk.h"
#include "spool/journal_in.h"

enum { STEPS = 18, RESTART_STEP = 6, SWITCH_STEP = 9, RETIRE_STEP = 14, LARGE_BYTES = 40000 };

struct story *story_new(void)
{
    struct story *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(s != MAP_FAILED);
    pen_init(&s->pen);
    s->pen.segment_bytes = SEGMENT_LEAST_BYTES;
    return s;
}

void story_free(struct story *s)
{
    pen_fini(&s->pen);
    munmap(s, sizeof *s);
}

static void open_anyhow(struct story *s)
{
    if (pen_try_open(&s->pen) == ERR_OK)
        return;
    disk_obey(DISK_HEALTHY);
    pen_open(&s->pen);
}

static void note_synced(struct story *s)
{
    for (int n = 1; n <= s->events; n++) {
        if (s->written[n]) {
            s->written[n] = false;
            s->synced[n] = true;
            s->synced_at[n] = disk_moment();
        }
    }
}

static void batch(struct story *s, int events, size_t least_bytes, bool sync)
{
    int first = s->events + 1;
    for (int n = first; n < first + events; n++) {
        s->events = n;
        s->refused[n] = pen_event(&s->pen, n, least_bytes + (size_t)(n * 137 % 900)) != ERR_OK;
    }
    bool failed = journal_commit(s->pen.j, sync, &s->pen.why) != ERR_OK;
    for (int n = first; n < first + events; n++) {
        s->refused[n] |= failed;
        s->written[n] = !s->refused[n];
    }
    if (!failed && sync)
        note_synced(s);
    pen_settle(&s->pen);
}

void story_batch(struct story *s, int events, bool sync)
{
    batch(s, events, 0, sync);
}

static void tick(struct story *s)
{
    uint64_t before = atomic_load(s->pen.safe);
    journal_tick(s->pen.j);
    if (atomic_load(s->pen.safe) != before)
        note_synced(s);
    pen_settle(&s->pen);
}

static void retire(struct story *s)
{
    struct pen_read r;
    struct why w;
    uint32_t first, last;
    journal_bounds(s->pen.j, &first, &last);
    disk_pause();
    pen_read_all(&s->pen, &r);
    disk_go_on();
    if (journal_retire(s->pen.j, first, &w) != ERR_OK)
        return;
    for (int n = 1; n <= s->events; n++) {
        if (r.at[n].segment == first) {
            s->may_be_gone[n] = true;
            s->gone_at[n] = disk_moment();
        }
    }
}

/* A journal that ends before it could begin a fresh segment cannot say what it refused, and the next start takes it for written but
 * unanswered. That is allowed (at least once), but it is not what these tests are to show. */
static void restart(struct story *s)
{
    if (s->pen.j->live.fd < 0) {
        disk_obey(DISK_HEALTHY);
        tick(s);
    }
    pen_close(&s->pen);
    note_synced(s);
    open_anyhow(s);
}

void story_tell(struct story *s)
{
    open_anyhow(s);
    for (int step = 1; step <= STEPS; step++) {
        story_batch(s, 1 + step % 3, step % 5 != 2);
        if (step == SWITCH_STEP) { /* into a new segment while the old one holds lines that are only written */
            batch(s, 1, 0, false);
            batch(s, 1, LARGE_BYTES, true);
        }
        if (step % 4 == 3)
            tick(s);
        if (step == RETIRE_STEP)
            retire(s);
        if (step == RESTART_STEP)
            restart(s);
    }
    disk_obey(DISK_HEALTHY);
    tick(s);
    tick(s);
    story_batch(s, 1, true);
    pen_close(&s->pen);
}

/* What reading gave for one event. */
static void check_event(const struct story *s, const struct pen_read *r, int n, size_t moment, const char *what, unsigned k)
{
    bool cut = moment != SIZE_MAX;
    bool gone = s->may_be_gone[n] && (!cut || s->gone_at[n] <= moment);
    bool owed = cut ? s->synced[n] && s->synced_at[n] <= moment : s->synced[n] || s->written[n];
    ck_assert_msg(r->events[n] <= 1, "%s %u: event %d is there %d times", what, k, n, r->events[n]);
    ck_assert_msg(!owed || gone || r->events[n] == 1, "%s %u: event %d was acknowledged and is lost", what, k, n);
    if (gone && r->events[n] == 0 && s->pen.keys[n] == 1)
        return; /* its segment went, and left its index */
    ck_assert_msg(s->pen.keys[n] == r->events[n], "%s %u: event %d is there %d times, its key %d times", what, k, n, r->events[n],
                  s->pen.keys[n]);
}

void story_check(struct story *s, size_t moment, const char *what, unsigned n)
{
    static struct pen_read r;
    ck_assert_msg(pen_try_open(&s->pen) == ERR_OK, "%s %u: %s", what, n, s->pen.why.text);
    pen_read_all(&s->pen, &r);
    ck_assert_msg(r.n_unreadable == 0, "%s %u: %zu unreadable ranges", what, n, r.n_unreadable);
    for (int i = 1; i <= s->events; i++)
        check_event(s, &r, i, moment, what, n);
    pen_settle(&s->pen);
    ck_assert_msg(journal_accepts(s->pen.j), "%s %u: no events are taken", what, n);
    pen_close(&s->pen);
}
