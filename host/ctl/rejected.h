/* SPDX-License-Identifier: MIT
 * rejected: see rejected.c. One thread.
 */
#ifndef CREEL_CTL_REJECTED_H
#define CREEL_CTL_REJECTED_H

#include "ctl/past.h"

/* Print what was refused: source, type and since of `which` choose. The exit code. */
int rejected_list(struct ctl *c, const struct choice *which);
/* Say what is kept of one refused request, by its request id, and how to learn more. The exit code. */
int rejected_explain(struct ctl *c, const char *id);

#endif
