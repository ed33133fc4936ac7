/* SPDX-License-Identifier: MIT
 * load_schemas: are the schemas of a configuration ones that can be used? Supervisor only.
 */
#ifndef CREEL_SUPERVISOR_LOAD_SCHEMAS_H
#define CREEL_SUPERVISOR_LOAD_SCHEMAS_H

#include "base/config.h"

/* Compile and forget each; every fault is reported as "FILE:LINE: /pointer: reason". How many there were. What a source's versions
 * name and is not there becomes a warning. */
unsigned load_schemas_try(struct config *c, config_report report, void *arg);

#endif
