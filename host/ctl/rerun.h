/* SPDX-License-Identifier: MIT
 * rerun: creel replay --rejected: have intake take refused requests through the door again (intake/rerun.h). One thread.
 */
#ifndef CREEL_CTL_RERUN_H
#define CREEL_CTL_RERUN_H

#include "ctl/ctl.h"

/* Each of these request ids, in order; prints what became of each. 0 when each became an event or was one already, else 1;
 * EXIT_SYSTEM when intake cannot be asked. */
int rerun_ids(struct ctl *c, char **ids, size_t n);

#endif
