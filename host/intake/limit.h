/* SPDX-License-Identifier: MIT
 * limit: how often something may happen, per key: the generic cell rate algorithm (ITU-T I.371, a bucket that is filled
 * evenly), in a table of fixed size. Of a key only one time is kept: until when it is in debt. Each event moves that by
 * per / rate; it may reach burst * per / rate into the future. A key whose time is over needs no place.
 *
 * When all places that a key could have are taken by keys in debt, the one least in debt loses its place, and who gets it
 * takes the debt over: so no key gets more by making another one, or itself, be forgotten, however many addresses it has;
 * but while more keys are in debt than there are places, one may be refused for another's debt. That is counted.
 *
 * Times are nanoseconds of a clock that never goes back, from 1 on. Any thread; each lock is held for a look at eight
 * places. Keys are hashed with a secret of the table's own, so that nobody can choose who shares places.
 */
#ifndef CREEL_INTAKE_LIMIT_H
#define CREEL_INTAKE_LIMIT_H

#include <stdint.h>
#include "base/config.h"
#include "base/err.h"
#include "base/span.h"

struct limit;

struct limit_rule {
    int64_t rate, per_ms; /* at least 1; rate events in per_ms on the long run */
    int64_t burst;        /* at least 1; so many at once; all of it is there again within LIMIT_FULL_MAX_MS */
    int64_t places;       /* keys kept at most, rounded up to a power of two, 8 at least */
};

/* How it stands with a key. */
struct limit_state {
    int64_t left;    /* events that could come right now */
    int64_t wait_ns; /* until one (of limit_take: n) may come; 0: now */
    int64_t more_ns; /* until one more than `left` may come; 0: all of the burst is there */
};

/* One owner at first; the last one that releases it frees it. ERR_NO_MEMORY. */
enum err limit_new(const struct limit_rule *rule, struct limit **out);
struct limit *limit_hold(struct limit *l);
void limit_release(struct limit *l); /* NULL is fine */
/* The size of its table; and how long it takes until a whole burst is there again after one. */
size_t limit_bytes(const struct limit *l);
int64_t limit_full_ns(const struct limit *l);

/* What a key is called in this table, and in no other: all that follows goes by it. */
uint64_t limit_name(const struct limit *l, struct span key);

/* n more events of this key, 1 at least: true, they are counted; false, there is no room for all of them and none is.
 * *s as it is afterwards; it waits until there is room for n, or, where n is more than a burst, for ever. */
bool limit_take(struct limit *l, uint64_t key, int64_t n, int64_t now_ns, struct limit_state *s);
/* n that were taken then have not happened after all. What time has given back since is not given again: so nobody has more by
 * taking and giving back. */
void limit_give_back(struct limit *l, uint64_t key, int64_t n, int64_t taken_ns, int64_t now_ns);
/* What limit_take would say, without counting; a key that has no place is not in debt. */
bool limit_would_take(struct limit *l, uint64_t key, int64_t n, int64_t now_ns, struct limit_state *s);
/* Count it, also beyond what is allowed; a key is never further in debt than a whole burst. */
void limit_charge(struct limit *l, uint64_t key, int64_t now_ns);

/* The same table as a memory of keys: marked until then (or until many others are marked; nobody takes a mark over). */
void limit_mark(struct limit *l, uint64_t key, int64_t now_ns, int64_t until_ns);
/* Until when; 0: it is not. */
int64_t limit_marked(struct limit *l, uint64_t key, int64_t now_ns);

#endif
