/* SPDX-License-Identifier: MIT
 * stored: the secrets that handshakes bring (Asana, Notion): one for a source that has no key, kept as the file HANDSHAKE in
 * its keys_folder, in use from the moment it is on disk, never replaced by a later handshake. Any IO thread.
 */
#ifndef CREEL_INTAKE_STORED_H
#define CREEL_INTAKE_STORED_H

#include "intake/steps.h"

#define STORED_KEY_ID "handshake" /* also the file's name */

/* The place of one source for what a handshake brings. */
enum err stored_new(struct stored **out);
void stored_free(struct stored *s); /* wipes; NULL is fine */

/* The keys that a request to this source is judged by: the configured ones, or the one that a handshake has brought. */
const struct keyring *stored_keys(struct intake *in, const struct house_source *s);
/* A handshake has brought q->reply.store: keep it. ERR_ANSWERED: it is on disk and in use. ERR_HANDSHAKE_REFUSED: the source
 * has a key already. ERR_NOT_DURABLE: it cannot be kept, the log says why, and the sender may try again. */
enum err stored_take(struct request *q);

#endif
