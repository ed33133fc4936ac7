/* SPDX-License-Identifier: MIT
 * recipe_names: which recipes there are. One thread.
 */
#ifndef CREEL_CTL_RECIPE_NAMES_H
#define CREEL_CTL_RECIPE_NAMES_H

#include "ctl/ctl.h"

enum { RECIPE_NAMES = 1024 };

struct recipe_names {
    char *list[RECIPE_NAMES]; /* owned */
    size_t n;
};

/* Those of --recipes, else of the configuration's folder and the installed ones: sorted, each once, for one that is in both is
 * the configured one. Into a struct that is all zero. */
void recipe_names_find(struct ctl *c, struct recipe_names *names);
void recipe_names_free(struct recipe_names *names);

#endif
