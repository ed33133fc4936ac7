/* SPDX-License-Identifier: MIT
 * registry: the functions/ folder. It looks at the folder at start, when inotify says so and every few seconds; a NAME.so
 * (or its sidecar NAME.json) that has become stable and is not what was judged last gets a new generation: sealed copy,
 * first worker. When that worker can take a run the generation goes live and the one before it is retired; when it fails the
 * function stays as it was and the reason is said once. Removed: retired; what it claimed stays claimed, so that its
 * events are held and not ignored, unless no version of it was ever live and nothing waits for it. Never loads a function itself.
 * Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_REGISTRY_H
#define CREEL_DISPATCH_REGISTRY_H

#include "dispatch/core.h"

/* Open the folder (cfg->functions; empty: there are no functions) and recall what was claimed when dispatch last ran
 * (spool/functions.json). */
enum err registry_open(struct dispatch *d, struct why *w);
void registry_close(struct dispatch *d);
/* Look again if it is time. */
void registry_turn(struct dispatch *d);
/* When registry_turn has something to do next, monotonic. */
int64_t registry_next_ms(const struct dispatch *d);
/* Has everything that the first look found been described or given up? Nothing is routed before. */
bool registry_settled(const struct dispatch *d);

/* Look at the folder's hints, and at the folder if they say so. */
void registry_look(struct dispatch *d);
/* Was there a file, new or changed, at the last look, of which it is not known yet what it wants? An event that no function wants is
 * not called ignored then: so whoever routes looks first, after the event was accepted. */
bool registry_unclear(const struct dispatch *d);

/* Look at the folder, and at what is built in, in the next turn. */
void registry_hint(struct dispatch *d);
/* The members that START has alike for all changed (a reload): describe every function anew. */
void registry_renew(struct dispatch *d);
/* A person said that this function will not come back: it claims nothing any more. ERR_INVALID while its file is there. */
enum err registry_forget(struct dispatch *d, struct function *f, struct why *w);

#endif
