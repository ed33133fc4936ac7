/* SPDX-License-Identifier: MIT
 * audit: spool/audit.jsonl: who replayed, dropped, held, resumed, forgot. Append only; each line carries the SHA-256 of the one
 * before (64 hex digits, of the line without its line feed; zeros in the first), so that a line that is changed or taken out
 * shows. Only dispatch writes it. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_AUDIT_H
#define CREEL_DISPATCH_AUDIT_H

#include "dispatch/core.h"

#define AUDIT_FILE "audit.jsonl"

/* One line: the action, who asked ("uid:0"), and `what`: further members of the object, without a leading comma. Synced. */
enum err audit_put(struct dispatch *d, const char *action, const char *who, struct span what, struct why *w);

#endif
