/* SPDX-License-Identifier: MIT
 * load: the configuration file as the supervisor gets and gives it: read, checked with all it names, secrets gathered,
 * sealed. Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_LOAD_H
#define CREEL_SUPERVISOR_LOAD_H

#include "base/config.h"
#include "supervisor/supervisor.h"

struct load {
    const char *file;
    /* What only a role understands (recipes, the form of keys): would it take this? The snapshot and the secrets as the role
     * would get them. ERR_OK, or the reason. */
    enum err (*verify)(int snapshot, int secrets, struct why *w);
};

/* For struct supervisor_options; arg is a struct load. Each fault is one line of the log. */
enum err load_settings(void *load, const struct loaded *now, struct loaded *out);

/* creeld -t: each fault as "FILE:LINE: /json/pointer: reason" on stderr. Returns the exit status. */
int load_check(const struct load *l);
/* creeld -T: the effective configuration on stdout. Returns the exit status. */
int load_print(const char *file);

#endif
