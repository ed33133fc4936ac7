/* SPDX-License-Identifier: MIT
 * index: the duplicate keys of one closed segment in a small file beside it (000000000012.idx), so that a start need not read
 * a week of bodies. While its segment is there it is disposable: whatever is wrong with one, it is made anew by reading the
 * segment. Because it is written after the segment was synced and cut, a good one also proves that the segment was closed at
 * that length. It stays when its segment is retired, until no event in it can have a duplicate any more.
 * Any thread; one writer per file.
 */
#ifndef CREEL_SPOOL_INDEX_H
#define CREEL_SPOOL_INDEX_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "spool/journal.h"

enum { INDEX_SALT_BYTES = 16 };

struct index {
    uint32_t segment, length; /* of the closed segment */
    uint8_t salt[INDEX_SALT_BYTES];
    struct buf keys; /* owned; packed entries, see index_at */
};

void index_init(struct index *x);
void index_fini(struct index *x);
void index_add(struct index *x, const struct journal_dedupe *d);
size_t index_count(const struct index *x);
struct journal_dedupe index_at(const struct index *x, size_t i);

/* Write it, synced, replacing what is there. ERR_NO_ROOM when keys were lost for want of memory: nothing is written. */
enum err index_write(int journal_fd, const struct index *x, struct why *w);
/* ERR_NOT_FOUND; ERR_CORRUPT when it is damaged, of another format or names another segment. x is initialised anew. */
enum err index_read(int journal_fd, uint32_t segment, struct index *x, struct why *w);
/* Remove the indexes of segments below `first` of whose keys none lasts longer than now_ms. */
void index_sweep(int journal_fd, uint32_t first, int64_t now_ms);

#endif
