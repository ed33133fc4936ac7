/* SPDX-License-Identifier: MIT
 * stored: a place is filled once and then stays as long as the configuration it belongs to. A configuration that was loaded
 * while a handshake came may have missed its file: whoever finds its place empty looks again once for every secret that
 * this process has stored.
 */
#include "intake/stored.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Use this secret. Somebody else may have been faster, with the same file's content. */
static enum err use(const struct house_source *s, struct span secret, struct why *w)
{
    struct keyring *made, *none = NULL;
    const struct keyring_key key = {.id = STORED_KEY_ID, .raw = secret, .not_after_ms = INT64_MAX};
    enum err e = keyring_new(s->recipe, &key, 1, &made, w);
    if (e == ERR_OK && !atomic_compare_exchange_strong(&s->stored->keys, &none, made))
        keyring_free(made);
    return e;
}

static enum err load(const struct house_source *s, struct why *w)
{
    char path[4096];
    struct secret value;
    const struct config_key key = {.id = STORED_KEY_ID, .secret_file = path};
    if (snprintf(path, sizeof path, "%s/" STORED_KEY_ID, s->config->keys_folder) >= (int)sizeof path)
        return why_set(w, ERR_INVALID, "the folder's name is too long");
    char *room = sodium_malloc(SECRET_BYTES_MAX + 1);
    if (!room)
        return why_set(w, ERR_NO_MEMORY, "no locked memory for the key");
    enum err e = secrets_one(&key, (uid_t)-1, NULL, room, &value, w);
    if (e == ERR_OK)
        e = use(s, secret_expose(value), w);
    sodium_free(room);
    return e;
}

const struct keyring *stored_keys(struct intake *in, const struct house_source *s)
{
    struct why w;
    if (!s->stored)
        return s->keys;
    unsigned now = atomic_load(&in->stored);
    if (!atomic_load(&s->stored->keys) && atomic_exchange(&s->stored->looked, now) != now && load(s, &w) == ERR_OK)
        log_line(LOG_INFO, "key of a handshake found", LOG_T("source", s->config->name));
    const struct keyring *brought = atomic_load(&s->stored->keys);
    return brought ? brought : s->keys;
}

/* Would this recipe take it as a key? Nothing that it could not verify with is kept for ever. */
static enum err check(const struct house_source *s, struct span secret, struct why *w)
{
    struct keyring *ring;
    const struct keyring_key key = {.id = STORED_KEY_ID, .raw = secret, .not_after_ms = INT64_MAX};
    enum err e = keyring_new(s->recipe, &key, 1, &ring, w);
    if (e == ERR_OK)
        keyring_free(ring);
    return e;
}

static enum err not_kept(struct request *q, enum err e, const struct why *w)
{
    const struct config_source *c = q->source->config;
    if (e == ERR_EXISTS)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "this source has its secret already");
    log_line(LOG_ERROR, "the secret of a handshake cannot be stored", LOG_T("source", c->name), LOG_T("why", w->text));
    return refuse(q, ERR_NOT_DURABLE, "the secret could not be stored");
}

enum err stored_take(struct request *q)
{
    const struct house_source *s = q->source;
    struct why w = {""};
    if (!s->stored || stored_keys(q->intake, s) != s->keys)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "this source has its secret already");
    if (check(s, q->reply.store, &w) != ERR_OK)
        return refuse(q, ERR_HANDSHAKE_REFUSED, "what the handshake brought cannot be a key");
    enum err e = keyfile_store(s->config->keys_folder, STORED_KEY_ID, q->reply.store, &w);
    if (e == ERR_OK) {
        atomic_fetch_add(&q->intake->stored, 1);
        e = use(s, q->reply.store, &w);
    }
    if (e != ERR_OK)
        return not_kept(q, e, &w);
    log_line(LOG_WARN, "secret of a source stored: whoever sent this handshake may raise its events",
             LOG_T("source", s->config->name), LOG_T("folder", s->config->keys_folder));
    return ERR_ANSWERED;
}
