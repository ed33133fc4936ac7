/* SPDX-License-Identifier: MIT
 * rejected: see rejected.c. One thread.
 */
#ifndef CREEL_CTL_REJECTED_H
#define CREEL_CTL_REJECTED_H

#include "ctl/past.h"

/* Print what was refused: source, type and since of `which` choose. The exit code. */
int rejected_list(struct ctl *c, const struct choice *which);

#endif
