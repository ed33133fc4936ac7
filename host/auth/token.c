/* SPDX-License-Identifier: MIT
 * token: credentials that are a text both sides know: API key, bearer token, user and password. Keeps nothing.
 */
#include <sodium.h>

#include "auth/auth_parts.h"
#include "base/codec.h"

enum err auth_header(struct trial *t, const char *name, struct span *out)
{
    const struct span want = span_str(name);
    struct span found = SPAN_NONE;
    for (size_t i = 0; i < t->q->n_headers; i++) {
        if (!span_eq_nocase(t->q->headers[i].name, want))
            continue;
        if (found.p)
            return auth_wrong(t, "its header field came twice");
        found = t->q->headers[i].value;
    }
    found = span_trim(found);
    if (found.n == 0)
        return auth_missing(t, "its header field is missing");
    if (found.n > AUTH_CREDENTIAL_MAX)
        return auth_wrong(t, "the credential is too long");
    *out = found;
    return ERR_OK;
}

enum err auth_scheme(struct trial *t, const char *scheme, struct span *out)
{
    size_t n = strlen(scheme);
    struct span value;
    enum err e = auth_header(t, t->m->config->header, &value);
    if (e != ERR_OK)
        return e;
    if (value.n <= n || strncasecmp(value.p, scheme, n) != 0 || value.p[n] != ' ')
        return auth_missing(t, "its header field holds a credential of another scheme");
    value = span_trim(span_skip(value, n));
    if (value.n == 0)
        return auth_missing(t, "its header field holds no credential");
    *out = value;
    return ERR_OK;
}

/* Texts have no fixed length: their hashes are compared, each of them, so that the time shows neither bytes nor lengths. */
const struct key *auth_same(const struct keyring *ring, struct span text, int64_t now_ms)
{
    unsigned char ours[crypto_generichash_BYTES], theirs[crypto_generichash_BYTES];
    const struct key *same = NULL;
    crypto_generichash(theirs, sizeof theirs, (const unsigned char *)text.p, text.n, NULL, 0);
    for (size_t i = 0; i < ring->n; i++) {
        const struct key *k = &ring->keys[i];
        crypto_generichash(ours, sizeof ours, k->secret, k->n_secret, NULL, 0);
        if (sodium_memcmp(ours, theirs, sizeof ours) == 0 && key_live(k, now_ms))
            same = k;
    }
    sodium_memzero(ours, sizeof ours);
    sodium_memzero(theirs, sizeof theirs);
    return same;
}

static enum err compare(struct trial *t, struct span credential, const char **id)
{
    const struct key *k = auth_same(t->m->keys, credential, t->q->now_ms);
    if (!k)
        return auth_wrong(t, "no key of this source is this credential");
    *id = k->id;
    return ERR_OK;
}

enum err auth_token(struct trial *t, const char **id)
{
    struct span credential;
    enum err e = t->m->config->kind == AUTH_BEARER ? auth_scheme(t, "Bearer", &credential)
                                                   : auth_header(t, t->m->config->header, &credential);
    return e == ERR_OK ? compare(t, credential, id) : e;
}

/* RFC 7617 section 2: base64 of user ":" password, which is what the key's file holds. */
enum err auth_basic(struct trial *t, const char **id)
{
    struct span credential;
    size_t n;
    enum err e = auth_scheme(t, "Basic", &credential);
    if (e != ERR_OK)
        return e;
    char *pair = arena_alloc(t->scratch, credential.n);
    if (!pair)
        return ERR_BODY_TOO_LARGE;
    e = base64_decode(credential, pair, credential.n, &n) == ERR_OK ? compare(t, span_of(pair, n), id)
                                                                    : auth_wrong(t, "the credential is not base64");
    sodium_memzero(pair, credential.n);
    return e;
}
