/* SPDX-License-Identifier: MIT
 * ask: what the verbs that change something share: a request to the daemon and its verdict. One thread.
 */
#ifndef CREEL_CTL_ASK_H
#define CREEL_CTL_ASK_H

#include "base/buf.h"
#include "ctl/ctl.h"

/* Send the request; print what was refused on stderr (or the whole answer with --json). *done (may be NULL) rises by what was
 * done. 0, EXIT_REFUSED when anything was refused, EXIT_SYSTEM when the daemon cannot be asked. */
int ask(struct ctl *c, const struct buf *request, size_t *done);

#endif
