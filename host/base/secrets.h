/* SPDX-License-Identifier: MIT
 * secrets: the keys of the sources. creeld gathers them once per configuration into a sealed memfd that only intake
 * gets; intake reads them into locked memory. A secret is a type of its own, so that no log line and no buffer takes it
 * by accident. Nothing here keeps state; a struct secrets is immutable after reading, so any thread may look into it.
 */
#ifndef CREEL_BASE_SECRETS_H
#define CREEL_BASE_SECRETS_H

#include <sys/types.h>

#include "base/config.h"
#include "base/err.h"
#include "base/span.h"

enum { SECRET_BYTES_MAX = 65536 };

struct secret {
    const void *secret; /* in locked memory; NULL: there is none */
    size_t n_secret;
};
struct secrets; /* all of them, by source and key id */

/* Open the file of a key and check it: a regular file (no symbolic link), owned by root, the caller's user or `owner`
 * ((uid_t)-1: nobody else), not empty, at most SECRET_BYTES_MAX; a secret one no wider than 0640, a public one writable
 * by its owner alone. w says what to do. */
enum err secrets_open(const char *path, bool is_public, uid_t owner, int *fd, struct why *w);
/* Who else may own key files: the user of the setting `user` when creeld is started as root, else (uid_t)-1. */
uid_t secrets_owner(const char *user);
/* Read one key as secrets_gather does, for trying it. A file's content goes to room, SECRET_BYTES_MAX + 1 bytes of locked
 * memory; *out points there, into `earlier` (may be NULL) or into the environment. */
enum err secrets_one(const struct config_key *k, uid_t owner, const struct secrets *earlier, char *room, struct secret *out,
                     struct why *w);

/* Read every key of c into a new sealed memfd. One final newline (LF or CR LF) of a file is not part of the key.
 * Variables named by secret_env are overwritten in place and taken out of the environment once all keys are there; a
 * later gathering finds their values in `previous`, an earlier such memfd or -1. On failure the environment is as
 * before and w names the source, the key and the way out. Call before threads start. */
enum err secrets_gather(const struct config *c, int previous, int *fd, struct why *w);

/* Read a gathered memfd into locked, read-only memory. ERR_CORRUPT if it is none. */
enum err secrets_read(int fd, struct secrets **out, struct why *w);
/* Wipes. NULL is fine. */
void secrets_free(struct secrets *s);
/* The bytes of this key (its record, config_key) of this source, as long as s lives; .secret is NULL when there is none. */
struct secret secrets_find(const struct secrets *s, const char *source, const char *record);

/* The bytes as a span, for the keyring that copies them into its own locked memory; never for a log or an answer. */
static inline struct span secret_expose(struct secret s)
{
    return span_of(s.secret, s.n_secret);
}

#endif
