/* SPDX-License-Identifier: MIT
 * places: what of the file system START keeps from a function (wire.h: "hide", "keys", "read_only", "fixed"), for the two
 * that see to it: mounts.c where there are namespaces, landlock.c where there are none.
 */
#ifndef CREEL_WORKER_PLACES_H
#define CREEL_WORKER_PLACES_H

#include "worker/worker.h"

enum place {
    PLACE_FIXED,     /* a folder: nothing directly in it can be changed; folders in it stay as they are */
    PLACE_READ_ONLY, /* a file, or a folder with all below it */
    PLACE_HIDDEN     /* a file or a folder: neither read nor listed */
};

typedef enum err (*place_fn)(void *arg, const char *path, enum place kind, struct why *why);

/* Call what for each place, in the order of enum place, so that what comes later may lie in what came before; stops at the first
 * error. Of a key: its folder, when that holds nothing but hidden files and plain ones that cannot be executed; so a key that
 * is added or replaced by a rename later is hidden too. A path may come twice, or not exist. */
enum err places_each(const struct worker *w, place_fn what, void *arg, struct why *why);

#endif
