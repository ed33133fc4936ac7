/* SPDX-License-Identifier: MIT
 * explain: creel verify REQUEST.json: why a request is taken or refused. Needs neither the daemon nor the spool; the
 * configuration only with --source. One thread.
 */
#ifndef CREEL_CTL_EXPLAIN_H
#define CREEL_CTL_EXPLAIN_H

#include "ctl/ctl.h"

/* The verb's words and options, without --vectors and --rejected. 0 when every request is taken, else 1. */
int explain_requests(struct ctl *c, int argc, char **argv);
/* The same for a request of this source, whose object passed json_check. */
int explain_kept(struct ctl *c, struct span object, const char *source);

#endif
