/* SPDX-License-Identifier: MIT
 * segment: one file of the journal: its names, making one and filling it, letting it go live, cutting it. Knows
 * nothing of batches, threads or recovery. A struct segment has one owner at a time; any thread.
 */
#ifndef CREEL_SPOOL_SEGMENT_H
#define CREEL_SPOOL_SEGMENT_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

/* At least this much room in a segment, so that its first line and a few records fit. */
enum { SEGMENT_LEAST_BYTES = 16 * 1024, SEGMENT_MOST_BYTES = 1 << 30, SEGMENT_FORM_BYTES = 32 };

#define SEGMENT_LAST_TO_FOLLOW (UINT32_MAX - (1U << 20)) /* a journal does not begin behind a larger number: too few are left */

struct segment {
    int fd; /* owned; -1: none */
    uint32_t number;
    uint32_t size; /* filled up to here */
    uint32_t end;  /* where the next line goes */
};
#define SEGMENT_NONE ((struct segment){.fd = -1})

enum segment_form { SEGMENT_LIVE, SEGMENT_NEXT, SEGMENT_INDEX, SEGMENT_FORMS }; /* .jsonl, .jsonl.next, .idx */

void segment_form_name(uint32_t number, enum segment_form form, char out[SEGMENT_FORM_BYTES]);
/* False when it is no name of ours. */
bool segment_form_parse(const char *name, enum segment_form *form, uint32_t *number);

/* A new file under its .next name that holds head (sealed lines) and no filling yet; nothing is synced. An older file of that
 * name goes. On failure nothing is left. errno is kept, here and below. */
enum err segment_make(int journal_fd, uint32_t number, struct span head, struct segment *out, struct why *w);
/* Line feeds up to size, written through to the disk as it goes but not yet synced: that is segment_sync's. */
enum err segment_fill(struct segment *s, uint32_t size, struct why *w);
enum err segment_sync(const struct segment *s, struct why *w);
/* Fill it up to size, synced; on failure it is as it was. */
enum err segment_grow(struct segment *s, uint32_t size, struct why *w);
/* Give it its live name and sync the name. */
enum err segment_publish(int journal_fd, const struct segment *s, struct why *w);
/* Close it and take its file away, whichever name it has. True when neither name is left. */
bool segment_drop(int journal_fd, struct segment *s);
/* Cut the file to length and sync it. */
enum err segment_cut(int fd, uint32_t number, uint32_t length, struct why *w);

#endif
