/* SPDX-License-Identifier: MIT
 * pen: a spool in a temporary folder with a journal that tests write to, and events that are known by a number. One thread.
 */
#ifndef CREEL_TESTS_PEN_H
#define CREEL_TESTS_PEN_H

#include "suite.h"

#include <limits.h>
#include <stdatomic.h>
#include "spool/journal.h"

enum { PEN_EVENTS = 4000, PEN_SEGMENT_BYTES = 32 * 1024 };
#define PEN_NOW_MS INT64_C(1764072000123)
enum { PEN_WINDOW_MS = 1000 }; /* in which an event's duplicates are known */

struct pen {
    char dir[PATH_MAX];
    int spool_fd;
    int64_t segment_bytes;
    _Atomic uint64_t *safe;  /* in memory that children share */
    struct journal *j;       /* NULL when closed */
    struct journal_recovery found;
    struct why why;
    bool keys_apart;            /* events are appended without the key that they hold */
    uint8_t keys[PEN_EVENTS];   /* how often opening handed out this event's duplicate key */
};

/* What reading the journal gave. */
struct pen_read {
    uint8_t events[PEN_EVENTS], attempts[PEN_EVENTS];
    size_t n_events, n_unreadable;
    uint64_t unreadable_bytes;
    struct pos at[PEN_EVENTS]; /* of the event's line */
    uint32_t bytes[PEN_EVENTS];
};

void pen_init(struct pen *p);                     /* a new folder */
void pen_init_at(struct pen *p, const char *dir); /* one that is there */
void pen_fini(struct pen *p);                     /* close and remove */
void pen_folder(char out[PATH_MAX]);              /* a new empty folder */
void pen_remove(const char *dir);

/* The journals' clock: so long after PEN_NOW_MS, where it stands from pen_init on. */
void pen_later(int64_t ms);

enum err pen_try_open(struct pen *p);
void pen_open(struct pen *p); /* must work */
void pen_close(struct pen *p);
/* Let the helper's filling finish, so that what happens next does not depend on its pace. */
void pen_settle(struct pen *p);

/* Event number n (from 1) with a body of so many bytes; or the record that its first attempt begins. */
enum err pen_event(struct pen *p, int n, size_t body_bytes);
enum err pen_attempt(struct pen *p, int n);
enum err pen_commit(struct pen *p);
struct id pen_id(int n);
/* Events from … to, each with a commit of its own. */
void pen_write(struct pen *p, int from, int to, size_t body_bytes);

/* Everything that is in the journal. */
void pen_read_all(const struct pen *p, struct pen_read *r);
/* Every event of the range is there once, and nothing that cannot be read. */
void pen_assert_events(const struct pen *p, int from, int to);
/* The helper works at its own pace: wait for something it does, at most some seconds. */
bool pen_comes_true(bool (*what)(void));
/* Bytes of file <name> below the spool; -1: absent. */
int64_t pen_size(const struct pen *p, const char *name);
/* Is this range of a segment in quarantine, byte by byte as `bytes`? */
bool pen_quarantined(const struct pen *p, struct pos at, struct span bytes);

#endif
