/* SPDX-License-Identifier: MIT
 * stored: a place is filled once and then stays as long as the configuration it belongs to. A configuration that was loaded
 * while a handshake came may have missed its file: whoever finds its place empty looks again once for every secret that
 * this process has stored.
 */
#include "intake/stored.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/keyfile.h"
#include "base/log.h"

struct stored {
    _Atomic(struct keyring *) keys; /* owned */
    atomic_uint looked;             /* intake's count when the file was looked for last */
};

enum err stored_new(struct stored **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? ERR_OK : ERR_NO_MEMORY;
}

void stored_free(struct stored *s)
{
    if (s)
        keyring_free(atomic_load(&s->keys));
    free(s);
}

static enum err ring_of(const struct house_source *s, struct span secret, struct keyring **out, struct why *w)
{
    const struct keyring_key key = {.id = STORED_KEY_ID, .raw = secret, .not_after_ms = INT64_MAX};
    return keyring_new(s->recipe, &key, 1, out, w);
}

/* Read the file into the place; another thread may have been faster, with the same file. ERR_NOT_FOUND: there is none. */
static enum err load(const struct house_source *s, struct why *w)
{
    char path[4096];
    struct secret value;
    struct keyring *made, *none = NULL;
    const struct config_key key = {.id = STORED_KEY_ID, .secret_file = path};
    if (snprintf(path, sizeof path, "%s/" STORED_KEY_ID, s->config->keys_folder) >= (int)sizeof path)
        return why_set(w, ERR_INVALID, "the folder's name is too long");
    if (access(path, F_OK) != 0)
        return ERR_NOT_FOUND;
    char *room = sodium_malloc(SECRET_BYTES_MAX + 1);
    if (!room)
        return why_set(w, ERR_NO_MEMORY, "no locked memory for the key");
    enum err e = secrets_one(&key, (uid_t)-1, NULL, room, &value, w);
    if (e == ERR_OK)
        e = ring_of(s, secret_expose(value), &made, w);
    if (e == ERR_OK && !atomic_compare_exchange_strong(&s->stored->keys, &none, made))
        keyring_free(made);
    sodium_free(room);
    return e;
}

static void look(const struct house_source *s)
{
    struct why w = {""};
    enum err e = load(s, &w);
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        log_line(LOG_ERROR, "the secret of a handshake cannot be used", LOG_T("source", s->config->name),
                 LOG_T("why", w.text));
}

const struct keyring *stored_keys(struct intake *in, const struct house_source *s)
{
    if (!s->stored)
        return s->keys;
    unsigned now = atomic_load(&in->stored);
    if (!atomic_load(&s->stored->keys) && atomic_load(&s->stored->looked) != now) {
        look(s);
        atomic_store(&s->stored->looked, now); /* not before: whoever comes meanwhile must not find the place empty */
    }
    const struct keyring *brought = atomic_load(&s->stored->keys);
    return brought ? brought : s->keys;
}

/* Would this recipe take it as a key? Nothing that it could not verify with is kept for ever. */
static bool could_be_a_key(const struct house_source *s, struct span secret)
{
    struct keyring *ring;
    bool good = ring_of(s, secret, &ring, NULL) == ERR_OK;
    if (good)
        keyring_free(ring);
    return good;
}

enum err stored_take(struct request *q)
{
    const struct house_source *s = q->source;
    struct why w = {""};
    if (!s->stored || stored_keys(q->intake, s) != s->keys)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "this source has its secret already");
    if (!could_be_a_key(s, q->reply.store))
        return refuse(q, ERR_HANDSHAKE_REFUSED, "what the handshake brought cannot be a key");
    enum err e = keyfile_store(s->config->keys_folder, STORED_KEY_ID, q->reply.store, &w);
    if (e == ERR_EXISTS)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "this source has its secret already");
    if (e == ERR_OK) {
        atomic_fetch_add(&q->intake->stored, 1);
        look(s);
        if (atomic_load(&s->stored->keys)) {
            log_line(LOG_WARN, "secret of a source stored: whoever sent this handshake may raise its events",
                     LOG_T("source", s->config->name), LOG_T("folder", s->config->keys_folder));
            return ERR_ANSWERED;
        }
    } else {
        log_line(LOG_ERROR, "the secret of a handshake cannot be stored", LOG_T("source", s->config->name),
                 LOG_T("why", w.text));
    }
    return refuse(q, ERR_NOT_DURABLE, "the secret could not be stored");
}
