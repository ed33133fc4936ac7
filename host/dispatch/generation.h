/* SPDX-License-Identifier: MIT
 * generation: one accepted version of a function, from its file to its last worker's end: the sealed copy, the settings, the
 * succession candidate → live → retired. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_GENERATION_H
#define CREEL_DISPATCH_GENERATION_H

#include "dispatch/core.h"

/* Read NAME.so and NAME.json, make f's candidate and start its first worker. ERR_AGAIN: the file is not what
 * f->judged_so says any more, nothing was made. Any other failure has been said and recorded. */
enum err generation_new(struct dispatch *d, struct function *f, int folder_fd);

/* What the first worker reports: its manifest (ERR_INVALID: it cannot be taken); that a run can be given; that it failed. */
enum err generation_described(struct generation *g, struct span manifest, struct why *w);
void generation_live(struct dispatch *d, struct generation *g);
void generation_failed(struct dispatch *d, struct generation *g, const char *why);

/* No new runs and workers; idle workers end now, busy ones after their run; the last one's end frees it. */
void generation_retire(struct dispatch *d, struct generation *g);
/* One of its workers has ended. */
void generation_settle(struct dispatch *d, struct generation *g);

#endif
