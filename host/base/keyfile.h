/* SPDX-License-Identifier: MIT
 * keyfile: the files of a folder of keys (keys_folder in creel.json): ID is a secret, ID.pub a public key, ID.json says
 * how and from when to when (key_encoding, not_before, not_after). What is written is whole or not there, also after a
 * power cut. creel changes them, intake stores what a handshake brought; any thread.
 */
#ifndef CREEL_BASE_KEYFILE_H
#define CREEL_BASE_KEYFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"

enum { KEYFILE_ID_BYTES = 64 };

/* 1 to 64 of A-Z a-z 0-9 _ : - and no dash first. No dot, so that what editors and packages leave behind (.bak, .orig)
 * is never a key. */
bool keyfile_id_valid(struct span id);

/* May keys be taken from this folder: is it one, owned by root, the caller or `owner` ((uid_t)-1: nobody else), and
 * may nobody else write to it? Opens it. w says what to do. */
enum err keyfile_folder(const char *folder, uid_t owner, int *fd, struct why *w);

/* Store FOLDER/ID with mode 0600: a temporary file, synced, gets its name only if there is none yet, and the folder is
 * synced. As root, it belongs to whom the folder belongs to. A reader gets back exactly these bytes. ERR_EXISTS when
 * there is a key of this id, secret or public; ERR_INVALID for an id or a secret that cannot be; ERR_SYSTEM. No message
 * holds a byte of the secret. */
enum err keyfile_store(const char *folder, const char *id, struct span secret, struct why *w);
/* The same for a public key, FOLDER/ID.pub with mode 0644. */
enum err keyfile_store_public(const char *folder, const char *id, struct span text, struct why *w);
/* Replace FOLDER/ID.json, or make it. */
enum err keyfile_describe(const char *folder, const char *id, struct span json, struct why *w);

/* Make the file PATH with exactly this content, synced as above, never in place of another. */
enum err keyfile_create(const char *path, struct span content, mode_t mode, struct why *w);

#endif
