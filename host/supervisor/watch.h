/* SPDX-License-Identifier: MIT
 * watch: has a file changed that the configuration was made of (config_watched)? inotify(7) only says that it is time to look,
 * and every few seconds it is time anyway, for what inotify does not see: links that lead elsewhere, network filesystems, folders
 * that are not there yet. What counts is what a look finds: names, inodes, sizes and times, never a content. A change is told once,
 * when two looks in a row have found the same, so that what is still being written is waited for. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_WATCH_H
#define CREEL_SUPERVISOR_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/err.h"

enum {
    WATCH_QUIET_MS = 250, /* from a hint to the look, and from one look to the next while things change */
    WATCH_LOOK_MS = 5000, /* without any hint */
};

struct watched; /* one path */
struct watch {
    int fd; /* inotify, becomes readable; -1: there is none */
    int64_t look_ms; /* when to look next, monotonic */
    struct watched *list; /* sorted by path, each once; owned */
    size_t n;
};

/* Watches nothing yet. Without inotify it is looked every few seconds. */
void watch_init(struct watch *w);
void watch_fini(struct watch *w);

/* What is there now is known. Before the configuration is read, so that what changes meanwhile is not missed. */
void watch_note(struct watch *w);
/* From now on watch what c names. Of a path that was watched already what is known stays; of others, what is there now. */
enum err watch_use(struct watch *w, const struct config *c, int64_t now_ms);
/* fd is readable. */
void watch_hint(struct watch *w, int64_t now_ms);
/* Look if it is time. The path that has changed and settled (what is there now is known then), or NULL. Lives until watch_use. */
const char *watch_turn(struct watch *w, int64_t now_ms);

#endif
