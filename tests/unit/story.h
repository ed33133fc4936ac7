/* SPDX-License-Identifier: MIT
 * story: one fixed course of a journal's life (batches small and large, written and synced, ticks, a restart, a retirement) that
 * fault tests interrupt, and what must be true afterwards. Lives in memory that a forked child shares. One thread.
 */
#ifndef CREEL_TESTS_STORY_H
#define CREEL_TESTS_STORY_H

#include "pen.h"

struct story {
    struct pen pen;
    int events;                      /* told so far */
    bool synced[PEN_EVENTS];         /* acknowledged after a sync */
    bool written[PEN_EVENTS];        /* acknowledged after a write, not synced yet */
    bool refused[PEN_EVENTS];
    bool may_be_gone[PEN_EVENTS];    /* its segment may be retired */
    size_t synced_at[PEN_EVENTS], gone_at[PEN_EVENTS]; /* disk_moment */
};

struct story *story_new(void); /* in a new folder */
void story_free(struct story *s);
/* Tell it. Whatever fails is noted; with a journal that cannot be opened the faults are switched off and it is opened again. */
void story_tell(struct story *s);
/* One more batch of so many events. */
void story_batch(struct story *s, int events, bool sync);
/* Open the journal (with safe as it is in s->pen) and check: what was acknowledged is there, nothing is there twice, everything
 * can be read, keys are handed out for what is there and for nothing else. power_cut at `moment`: only what was synced by then
 * must be there; SIZE_MAX: no power cut. Closes it again. */
void story_check(struct story *s, size_t moment, const char *what, unsigned n);

#endif
