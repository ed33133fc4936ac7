/* SPDX-License-Identifier: MIT
 * seen: a queue of entries in blocks, so that it grows without copying and shrinks from the front, and an
 * open-addressed index of entry numbers. Entries are numbered from 1 in order of arrival; the index keeps the low 32
 * bits, which name an entry uniquely because fewer than 2^31 are alive. Number 0 means an empty place, so entries whose
 * low bits are 0 are holes.
 */
#include "intake/seen.h"

#include <stdlib.h>

enum { BLOCK_ENTRIES = 1024, INDEX_LEAST = 1024 };

struct entry {
    uint8_t key[SEEN_KEY_BYTES];
    uint8_t id[16];
    uint32_t until_s; /* 0: a hole, or replaced by a younger entry */
};

struct seen {
    struct entry **blocks; /* ring of n_blocks places; entry i lies in block i / BLOCK_ENTRIES */
    size_t n_blocks, used_blocks;
    uint64_t head, tail; /* alive: [head, tail) */
    uint32_t *index;     /* n_index places, a power of two */
    size_t n_index, indexed;
    size_t max;
};

static struct entry *entry_at(const struct seen *s, uint64_t number)
{
    return &s->blocks[number / BLOCK_ENTRIES % s->n_blocks][number % BLOCK_ENTRIES];
}

static uint64_t number_of(const struct seen *s, uint32_t low)
{
    return s->head + (uint32_t)(low - (uint32_t)s->head);
}

static size_t home_of(const struct seen *s, const uint8_t *key)
{
    uint64_t h; /* keys are keyed hashes already */
    memcpy(&h, key, sizeof h);
    return h & (s->n_index - 1);
}

/* The place in the index that names this key, or the empty one where it would go. */
static size_t place_of(const struct seen *s, const uint8_t *key)
{
    size_t at = home_of(s, key);
    while (s->index[at] && memcmp(entry_at(s, number_of(s, s->index[at]))->key, key, SEEN_KEY_BYTES) != 0)
        at = (at + 1) & (s->n_index - 1);
    return at;
}

struct seen *seen_new(size_t max)
{
    struct seen *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->head = s->tail = 1;
    s->max = max;
    s->n_index = INDEX_LEAST;
    s->index = calloc(s->n_index, sizeof *s->index);
    s->n_blocks = 4;
    s->blocks = calloc(s->n_blocks, sizeof(struct entry *));
    if (!s->index || !s->blocks) {
        seen_free(s);
        return NULL;
    }
    return s;
}

void seen_free(struct seen *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->blocks && i < s->n_blocks; i++)
        free(s->blocks[i]);
    free(s->blocks);
    free(s->index);
    free(s);
}

void seen_set_max(struct seen *s, size_t max)
{
    s->max = max;
}

size_t seen_count(const struct seen *s)
{
    return s->indexed;
}

size_t seen_bytes(const struct seen *s)
{
    return sizeof *s + s->n_blocks * sizeof(struct entry *) + s->used_blocks * BLOCK_ENTRIES * sizeof(struct entry) +
           s->n_index * sizeof *s->index;
}

bool seen_find(const struct seen *s, const uint8_t key[SEEN_KEY_BYTES], int64_t now_ms, struct id *id)
{
    uint32_t low = s->index[place_of(s, key)];
    if (!low)
        return false;
    const struct entry *e = entry_at(s, number_of(s, low));
    if ((int64_t)e->until_s * 1000 <= now_ms)
        return false;
    memcpy(id->b, e->id, sizeof id->b);
    return true;
}

/* Empty a place, moving later ones of the same run down (Knuth 6.4, algorithm R). */
static void index_remove(struct seen *s, size_t at)
{
    size_t mask = s->n_index - 1, next = at;
    for (;;) {
        next = (next + 1) & mask;
        if (!s->index[next])
            break;
        size_t home = home_of(s, entry_at(s, number_of(s, s->index[next]))->key);
        if (((next - home) & mask) >= ((next - at) & mask)) {
            s->index[at] = s->index[next];
            at = next;
        }
    }
    s->index[at] = 0;
    s->indexed--;
}

/* Forget the oldest entry. */
static void drop_head(struct seen *s)
{
    struct entry *e = entry_at(s, s->head);
    if (e->until_s) {
        size_t at = place_of(s, e->key);
        if (s->index[at] == (uint32_t)s->head)
            index_remove(s, at);
    }
    s->head++;
    if (s->head % BLOCK_ENTRIES == 0) {
        struct entry **block = &s->blocks[(s->head - 1) / BLOCK_ENTRIES % s->n_blocks];
        free(*block);
        *block = NULL;
        s->used_blocks--;
    }
}

static void forget(struct seen *s, int64_t now_ms, uint64_t *early)
{
    while (s->head < s->tail) {
        const struct entry *e = entry_at(s, s->head);
        bool over = (int64_t)e->until_s * 1000 <= now_ms;
        if (!over && s->indexed < s->max)
            break;
        if (!over)
            ++*early;
        drop_head(s);
    }
}

static enum err grow_index(struct seen *s)
{
    if (s->indexed + 1 <= s->n_index / 4 * 3)
        return ERR_OK;
    uint32_t *before = s->index, *now = calloc(s->n_index * 2, sizeof *now);
    size_t n = s->n_index;
    if (!now)
        return ERR_NO_MEMORY;
    s->index = now;
    s->n_index = n * 2;
    for (size_t i = 0; i < n; i++)
        if (before[i])
            s->index[place_of(s, entry_at(s, number_of(s, before[i]))->key)] = before[i];
    free(before);
    return ERR_OK;
}

/* Give the ring of blocks twice the places. */
static enum err grow_ring(struct seen *s)
{
    struct entry **now = calloc(s->n_blocks * 2, sizeof(struct entry *));
    if (!now)
        return ERR_NO_MEMORY;
    for (uint64_t b = s->head / BLOCK_ENTRIES; b <= (s->tail - 1) / BLOCK_ENTRIES; b++)
        now[b % (s->n_blocks * 2)] = s->blocks[b % s->n_blocks];
    free(s->blocks);
    s->blocks = now;
    s->n_blocks *= 2;
    return ERR_OK;
}

/* Room for the entry numbered tail. */
static enum err grow_queue(struct seen *s)
{
    struct entry **block = &s->blocks[s->tail / BLOCK_ENTRIES % s->n_blocks];
    if (s->head < s->tail && s->tail / BLOCK_ENTRIES - s->head / BLOCK_ENTRIES >= s->n_blocks) {
        if (grow_ring(s) != ERR_OK)
            return ERR_NO_MEMORY;
        block = &s->blocks[s->tail / BLOCK_ENTRIES % s->n_blocks];
    }
    if (*block)
        return ERR_OK;
    *block = malloc(BLOCK_ENTRIES * sizeof **block);
    if (!*block)
        return ERR_NO_MEMORY;
    s->used_blocks++;
    return ERR_OK;
}

static enum err push_hole(struct seen *s)
{
    if (grow_queue(s) != ERR_OK)
        return ERR_NO_MEMORY;
    entry_at(s, s->tail++)->until_s = 0;
    return ERR_OK;
}

enum err seen_put(struct seen *s, const uint8_t key[SEEN_KEY_BYTES], const struct id *id, int64_t until_ms,
                  int64_t now_ms, uint64_t *early)
{
    forget(s, now_ms, early);
    if ((uint32_t)s->tail == 0 && push_hole(s) != ERR_OK)
        return ERR_NO_MEMORY;
    if (grow_index(s) != ERR_OK || grow_queue(s) != ERR_OK)
        return ERR_NO_MEMORY;
    size_t at = place_of(s, key);
    if (s->index[at])
        entry_at(s, number_of(s, s->index[at]))->until_s = 0;
    else
        s->indexed++;
    struct entry *e = entry_at(s, s->tail);
    int64_t until_s = (until_ms + 999) / 1000;
    memcpy(e->key, key, sizeof e->key);
    memcpy(e->id, id->b, sizeof e->id);
    e->until_s = until_s <= 0 ? 1 : until_s >= UINT32_MAX ? UINT32_MAX : (uint32_t)until_s;
    s->index[at] = (uint32_t)s->tail++;
    return ERR_OK;
}
