/* SPDX-License-Identifier: MIT
 * check_functions: the functions folder looked at as dispatch would, without dispatch: each file is read as the configured user,
 * loaded in a slot of its own, and given no run. One thread, single-threaded process (its identity changes for a while); blocks.
 */
#ifndef CREEL_CTL_CHECK_FUNCTIONS_H
#define CREEL_CTL_CHECK_FUNCTIONS_H

#include "base/config.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAULT };

/* One line: what it is about ("function"), its name, where it lies, and what was found. */
typedef void (*check_told)(void *arg, enum finding f, const char *what, const char *name, const char *place, const char *text);

/* Tell of each function, and of what else lies in the folder as if it were one; sorted by name. */
void check_functions(const struct config *c, check_told told, void *arg);

#endif
