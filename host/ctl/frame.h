/* SPDX-License-Identifier: MIT
 * frame: what main.c and ctl.c share: the rows of verbs.tbl and which of them runs.
 */
#ifndef CREEL_CTL_FRAME_H
#define CREEL_CTL_FRAME_H

#include "ctl/ctl.h"

struct verb {
    const char *word;
    int (*run)(struct ctl *c, int argc, char **argv);
    const char *usage, *help;
};

/* From now on messages begin with this verb's name. */
void frame_begin(const struct verb *v);

#endif
