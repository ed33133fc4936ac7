/* SPDX-License-Identifier: MIT
 * control: the control socket, creel-control(7): one JSON line per request, one JSON line per answer. Only root, our own user
 * and the configured user may speak. Lines, connections and their time are bounded; nobody is waited for. What the
 * operations do is in operate.c. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_CONTROL_H
#define CREEL_DISPATCH_CONTROL_H

#include "dispatch/core.h"

enum { CONTROL_LINE_BYTES = 1 << 20, CONTROL_ANSWER_BYTES = 4 << 20 };

/* Listen, on the descriptor that the supervisor handed over; ERR_OK too where it handed over none. ERR_NO_MEMORY, ERR_SYSTEM. */
enum err control_open(struct dispatch *d, struct why *w);
void control_close(struct dispatch *d);
/* Give up connections whose time is over. */
void control_turn(struct dispatch *d);

/* Answer one request (any bytes) into b, without line feed. who: "uid:0". */
void operate(struct dispatch *d, struct span request, const char *who, struct buf *b);

#endif
