/* SPDX-License-Identifier: MIT
 * rejected: what the door refused, as intake keeps it (spool/refusal.h): read from the spool, with the daemon up or down. Never
 * writes. One thread.
 */
#ifndef CREEL_CTL_REJECTED_H
#define CREEL_CTL_REJECTED_H

#include "ctl/past.h"
#include "spool/refusal.h"

/* Print what was refused, oldest first: source, type and since of `which` choose. The exit code. */
int rejected_list(struct ctl *c, const struct choice *which);
/* Say what is kept of one refused request, by its request id, and, where its headers and body are, how its proof looks now. The
 * exit code: 1 when it is not kept, or still proves nothing. */
int rejected_explain(struct ctl *c, const char *id);

struct rejected_one {
    const char *id;
    bool found;
    struct refusal_place place;
};
/* Find these request ids, in one pass over what is kept. */
void rejected_find(struct ctl *c, struct rejected_one *list, size_t n);

#endif
