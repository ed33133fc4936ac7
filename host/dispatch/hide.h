/* SPDX-License-Identifier: MIT
 * hide: what no function may see: the spool, the configuration, key files, the sockets. Looks the files up, opens none.
 */
#ifndef CREEL_DISPATCH_HIDE_H
#define CREEL_DISPATCH_HIDE_H

#include "base/buf.h"
#include "base/config.h"

/* Append ,"hide":["/path",…] for START (worker/wire.h). Files are named one by one, never their folders: a program that a
 * function runs may lie beside them. */
void hide_put(struct buf *b, const struct config *c);
/* Append what tells whether the files themselves are still the same: a key file that was replaced under its name is another
 * file, which a worker that is already running has not hidden. */
void hide_put_identities(struct buf *b, const struct config *c);

#endif
