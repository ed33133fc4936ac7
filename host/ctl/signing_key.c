/* SPDX-License-Identifier: MIT
 * signing_key: reads a key, hands it to its keyring and wipes its own copy.
 */
#include "ctl/signing_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"

enum { SECRET_MAX = 65536 };

static struct span without_newline(struct span s)
{
    if (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    if (s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

/* What a recipe names is how its receivers write keys: a certificate, say, which signs nothing. */
static const char *encoding_of(struct span text, const char *encoding)
{
    static const struct span private_key = SPAN_LIT("-----BEGIN PRIVATE KEY-----");
    return !encoding && span_starts(text, private_key) ? "spki-pem" : encoding;
}

static enum err ring_of(const struct recipe *r, struct span text, const char *id, const char *encoding,
                        struct keyring **out, struct why *w)
{
    const struct keyring_key key = {
        .id = id, .encoding = encoding_of(text, encoding), .raw = without_newline(text), .not_after_ms = INT64_MAX};
    return keyring_new(r, &key, 1, out, w);
}

static enum err from_file(const struct recipe *r, const char *path, const char *id, const char *encoding,
                          struct keyring **out, struct why *w)
{
    struct buf text;
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & 07))
        fprintf(stderr, "creel send: warning: other users can read %s (chmod 0640)\n", path);
    buf_init(&text, SECRET_MAX);
    enum err e = fs_read(AT_FDCWD, path, &text, w);
    if (e == ERR_OK)
        e = ring_of(r, buf_span(&text), id, encoding, out, w);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    buf_fini(&text);
    return e;
}

static enum err from_source(const struct recipe *r, const struct config_source *source, const char *encoding,
                            struct keyring **out, struct why *w)
{
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < source->n_keys; i++) {
        const struct config_key *k = &source->keys[i];
        if (now < k->not_before_ms || now > k->not_after_ms || k->public_key_file)
            continue;
        if (!encoding)
            encoding = k->encoding;
        if (k->secret_file)
            return from_file(r, k->secret_file, k->id, encoding, out, w);
        const char *value = getenv(k->secret_env);
        return value ? ring_of(r, span_str(value), k->id, encoding, out, w)
                     : why_set(w, ERR_NOT_FOUND, "key %s is in the variable %s, which is not set here", k->id,
                               k->secret_env);
    }
    return why_set(w, ERR_NOT_FOUND, "source %s has no secret that is valid now: give what signs by --secret-file",
                   source->name);
}

enum err signing_key_load(const struct recipe *r, const char *file, const char *encoding,
                          const struct config_source *source, struct keyring **out, struct why *w)
{
    if (recipe_is_none(r))
        return keyring_new(r, NULL, 0, out, w);
    if (file)
        return from_file(r, file, "send", encoding, out, w);
    if (source)
        return from_source(r, source, encoding, out, w);
    return why_set(w, ERR_INVALID, "recipe %s signs: --secret-file F is missing", recipe_name(r));
}
