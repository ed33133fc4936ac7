/* SPDX-License-Identifier: MIT
 * builtin: functions that come with the host and serve the types that are its own (spool/fetched.h): creel.fetch, which asks other
 * servers. Their files are those of the installation, never the functions folder's; what they are told is the configuration's; an
 * event of such a type goes to the function of its name and to no other. They begin to live with their first event. Dispatch's only
 * thread.
 */
#ifndef CREEL_DISPATCH_BUILTIN_H
#define CREEL_DISPATCH_BUILTIN_H

#include "dispatch/core.h"

/* Is there one of this name? */
bool builtin_is(struct span name);
/* Who serves an event of a type of our own: 1 and its name, or 0. */
size_t builtin_route(struct dispatch *d, struct span type, struct span *name);
/* The folder its file is in; -1 when it cannot be opened. The caller closes it. */
int builtin_folder(const struct dispatch *d);
/* What a sidecar would say. */
void builtin_put_sidecar(const struct config *c, struct buf *b);
/* A run of it is done: keep what it has brought. On failure the run is to be tried again. */
enum err builtin_done(struct dispatch *d, const struct entry *e, struct span reply, struct why *w);

#endif
