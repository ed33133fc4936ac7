/* SPDX-License-Identifier: MIT
 * hide: what no function may see (the spool, the configuration, keys, the sockets) or change (the functions, recipes, schemas, the
 * configuration's folder). Looks the files up, opens none. Dispatch and creel check; one thread
 * at a time.
 */
#ifndef CREEL_DISPATCH_HIDE_H
#define CREEL_DISPATCH_HIDE_H

#include "base/buf.h"
#include "base/config.h"

/* Append the lists of START (worker/wire.h): ,"hide":["/path",…],"keys":[…],"fixed":[…],"read_only":[…]. */
void hide_put(struct buf *b, const struct config *c);
/* Append what tells whether the files themselves are still the same: a file that was replaced under its name is another one,
 * which a worker that is already running has not hidden. */
void hide_put_identities(struct buf *b, const struct config *c);

#endif
