/* SPDX-License-Identifier: MIT
 * claims: which event types a function is routed, whether it can run them or not, and remembering that across a restart in
 * spool/functions.json, so that events of a function that is broken or missing are held and not ignored. The file is a
 * view for people too: every function, its state and why. Losing it costs only that: a missing function is then unknown.
 * Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_CLAIMS_H
#define CREEL_DISPATCH_CLAIMS_H

#include "dispatch/core.h"

#define CLAIMS_FILE "functions.json"

/* What a live generation says. */
void claims_take(struct function *f, const struct settings *s);
/* Nothing is live: what the sidecar says (may be NULL), else what was claimed before, else what the name stands for. */
void claims_fall_back(struct function *f, const struct settings *sidecar);
void claims_forget(struct function *f);

/* Make functions of what the file says (they are missing until their file is found). */
void claims_recall(struct dispatch *d);
/* Write the file in the next turn, before anything more is routed; now. */
void claims_changed(struct dispatch *d);
enum err claims_write(struct dispatch *d, struct why *w);
void claims_turn(struct dispatch *d);

/* "live", "describing", "held", "broken", "missing", "throttled" or "gone". */
const char *function_state(const struct dispatch *d, const struct function *f);

#endif
