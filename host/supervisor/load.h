/* SPDX-License-Identifier: MIT
 * load: the configuration file as the supervisor gets and gives it: read, checked with all it names, secrets gathered,
 * sealed. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_LOAD_H
#define CREEL_SUPERVISOR_LOAD_H

#include "base/config.h"
#include "supervisor/supervisor.h"

/* For struct supervisor_options: arg is the file's name. Each fault is one line of the log. */
enum err load_settings(void *file, const struct loaded *now, struct loaded *out);

/* creeld -t: each fault as "FILE:LINE: /json/pointer: reason" on stderr. Returns the exit status. */
int load_check(const char *file);
/* creeld -T: the effective configuration on stdout. Returns the exit status. */
int load_print(const char *file);

#endif
