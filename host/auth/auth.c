/* SPDX-License-Identifier: MIT
 * auth: building a source's methods, and asking all of them. Building runs where a configuration is loaded, one thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth_parts.h"

enum { CHALLENGE_BYTES = 512, SECRET_WEAK_BYTES = 16, HMAC_KEY_BYTES = 32 };

/* ---- one key ---- */

static const char *text_fault(enum config_auth_kind kind, const struct key *k)
{
    const unsigned char *text = k->secret, *colon = memchr(text, ':', k->n_secret);
    for (size_t i = 0; i < k->n_secret; i++)
        if (text[i] < ' ' || text[i] == 0x7f || (kind != AUTH_BASIC && (text[i] == ' ' || text[i] > '~')))
            return kind == AUTH_BASIC ? "it holds a control character, which no request can" /* RFC 7617 section 2 */
                                      : "it holds a byte that is not printable ASCII, or a blank, which no request can";
    if (kind != AUTH_BASIC)
        return NULL;
    if (!colon || colon == text)
        return "it must be USER:PASSWORD on one line";
    return colon == text + k->n_secret - 1 ? "its password is empty" : NULL;
}

/* RFC 7518 section 3.2: no shorter than the digest. */
static const char *secret_fault(const struct key *k)
{
    return k->kind == KEY_SECRET && k->n_secret < HMAC_KEY_BYTES
               ? "a shared secret of tokens has 32 bytes at least: a shorter one can be found from one token"
               : NULL;
}

static enum err check_ring(enum config_auth_kind kind, const struct keyring *ring, struct why *w)
{
    for (size_t i = 0; i < ring->n; i++) {
        const struct key *k = &ring->keys[i];
        const char *fault = kind == AUTH_JWT ? secret_fault(k) : text_fault(kind, k);
        if (fault)
            return why_set(w, ERR_INVALID, "key %s: %s", k->id, fault);
    }
    return ERR_OK;
}

/* Texts, but a public one of tokens is a set. */
static const char *encoding_of(enum config_auth_kind kind, bool is_public)
{
    return kind == AUTH_JWT && is_public ? "jwks" : "utf8";
}

const char *auth_key_encoding(const struct config_auth *method, const struct config_key *key)
{
    return encoding_of(method->kind, key->public_key_file != NULL);
}

static enum err make_ring(enum config_auth_kind kind, struct keyring_key *keys, size_t n, struct keyring **out,
                          struct why *w)
{
    struct keyring *ring;
    for (size_t i = 0; i < n; i++)
        if (!keys[i].encoding)
            keys[i].encoding = encoding_of(kind, keys[i].is_public);
    enum err e = keyring_for(kind == AUTH_JWT ? "jwt" : "token", "utf8", keys, n, &ring, w);
    if (e != ERR_OK)
        return e;
    e = check_ring(kind, ring, w);
    if (e == ERR_OK)
        *out = ring;
    else
        keyring_free(ring);
    return e;
}

enum err auth_try_key(const struct config_auth *method, const struct keyring_key *key, struct keyring **out,
                      struct why *w)
{
    struct keyring_key one = *key;
    return make_ring(method->kind, &one, 1, out, w);
}

/* Does any of them go with an algorithm of this method? */
static bool any_serves(const struct config_auth *method, const struct keyring *ring)
{
    unsigned allowed = 0;
    for (size_t i = 0; i < method->n_algorithms; i++)
        allowed |= jwt_algorithm(span_str(method->algorithms[i]));
    for (size_t i = 0; i < ring->n; i++)
        if (jwt_algorithm_for(&ring->keys[i], allowed))
            return true;
    return false;
}

const char *auth_key_doubt(const struct config_auth *method, const struct keyring *ring)
{
    if (method->kind == AUTH_JWT)
        return method->n_algorithms == 0 || any_serves(method, ring)
                   ? NULL
                   : "it goes with none of \"algorithms\": no token is ever taken by it";
    for (size_t i = 0; i < ring->n; i++) {
        const struct key *k = &ring->keys[i];
        const unsigned char *colon = method->kind == AUTH_BASIC ? memchr(k->secret, ':', k->n_secret) : NULL;
        size_t n = k->n_secret - (colon ? (size_t)(colon - k->secret) + 1 : 0);
        if (n < SECRET_WEAK_BYTES)
            return "it is shorter than 16 bytes and might be guessed: make one with openssl rand -hex 32";
    }
    return NULL;
}

const char *auth_method_fault(const struct config_auth *method)
{
    for (size_t i = 0; i < method->n_algorithms; i++)
        if (!jwt_algorithm(span_str(method->algorithms[i])))
            return "algorithms are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, "
                   "EdDSA and Ed25519";
    return NULL;
}

/* ---- all of a source ---- */

static enum err load_keys(const struct config_source *s, struct method *m, const struct secrets *secrets, struct why *w)
{
    const struct config_auth *c = m->config;
    struct keyring_key *keys;
    enum err e = keyring_keys_of(c->keys, c->n_keys, s->name, secrets, &keys, w);
    if (e != ERR_OK)
        return e;
    e = make_ring(c->kind, keys, c->n_keys, &m->keys, w);
    free(keys);
    return e;
}

static const char *const schemes[AUTH_KINDS] = {
    [AUTH_API_KEY] = "ApiKey", [AUTH_BASIC] = "Basic",        [AUTH_BEARER] = "Bearer",
    [AUTH_JWT] = "Bearer",     [AUTH_URL_TOKEN] = "UrlToken", [AUTH_CLIENT_CERT] = "ClientCertificate",
};

static void put_challenge(struct buf *b, const char *source, const struct config_auth *c, int which)
{
    bool bearer = c->kind == AUTH_BEARER || c->kind == AUTH_JWT;
    buf_printf(b, "%s realm=\"%s\"", schemes[c->kind], source);
    if (c->kind == AUTH_BASIC)
        buf_puts(b, ", charset=\"UTF-8\"");
    if (c->kind == AUTH_API_KEY)
        buf_printf(b, ", header=\"%s\"", c->header);
    if (bearer && which == CHALLENGE_WRONG)
        buf_puts(b, ", error=\"invalid_token\"");
    if (which != CHALLENGE_SCOPE)
        return;
    buf_puts(b, ", error=\"insufficient_scope\", scope=\"");
    for (size_t i = 0; i < c->n_scopes; i++)
        buf_printf(b, "%s%s", i ? " " : "", c->scopes[i]);
    buf_putc(b, '"');
}

static size_t challenge_bytes(const struct config_auth *c)
{
    size_t n = CHALLENGE_BYTES;
    for (size_t i = 0; i < c->n_scopes; i++)
        n += strlen(c->scopes[i]) + 1;
    return n;
}

static enum err make_challenges(struct arena *a, const char *source, struct method *m, struct why *w)
{
    for (int i = 0; i < CHALLENGES; i++) {
        struct buf b = arena_open(a);
        put_challenge(&b, source, m->config, i);
        m->challenges[i] = arena_close(a, &b).p;
        if (!m->challenges[i])
            return why_set(w, ERR_NO_MEMORY, "out of memory for auth");
    }
    return ERR_OK;
}

static enum err add_method(struct auth *a, const struct config_source *s, const struct config_auth *c,
                           const struct secrets *secrets, struct why *w)
{
    struct method *m = &a->methods[a->n++];
    m->config = c;
    for (size_t i = 0; i < c->n_algorithms; i++)
        m->algorithms |= jwt_algorithm(span_str(c->algorithms[i]));
    const char *fault = auth_method_fault(c);
    if (fault)
        return why_set(w, ERR_INVALID, "%s", fault);
    enum err e = make_challenges(&a->memory, s->name, m, w);
    return e == ERR_OK && c->kind != AUTH_CLIENT_CERT ? load_keys(s, m, secrets, w) : e;
}

enum err auth_new(const struct config_source *s, const struct secrets *secrets, struct auth **out, struct why *w)
{
    size_t bytes = 0;
    for (size_t i = 0; i < AUTH_KINDS; i++)
        bytes += s->auth[i].used ? CHALLENGES * challenge_bytes(&s->auth[i]) : 0;
    *out = NULL;
    if (bytes == 0)
        return ERR_OK;
    struct auth *a = calloc(1, sizeof *a);
    enum err e = a && arena_init(&a->memory, bytes) ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory for auth");
    for (size_t i = 0; e == ERR_OK && i < AUTH_KINDS; i++) {
        struct why inner = {{0}};
        if (!s->auth[i].used)
            continue;
        e = add_method(a, s, &s->auth[i], secrets, &inner);
        if (e != ERR_OK)
            (void)why_set(w, e, "auth.%s: %.400s", config_auth_name((enum config_auth_kind)i), inner.text);
    }
    if (e == ERR_OK)
        *out = a;
    else
        auth_free(a);
    return e;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        keyring_free(a->methods[i].keys);
    arena_fini(&a->memory);
    free(a);
}

/* ---- judging ---- */

static enum err refused(struct trial *t, const char *detail, int challenge)
{
    snprintf(t->v->detail, sizeof t->v->detail, "%s: %s", config_auth_name(t->m->config->kind), detail);
    t->v->challenge = t->m->challenges[challenge];
    return ERR_UNAUTHENTICATED;
}

enum err auth_missing(struct trial *t, const char *detail)
{
    return refused(t, detail, CHALLENGE_MISSING);
}

enum err auth_wrong(struct trial *t, const char *detail)
{
    return refused(t, detail, CHALLENGE_WRONG);
}

static enum err (*const judges[AUTH_KINDS])(struct trial *t, const char **id) = {
    [AUTH_API_KEY] = auth_token, [AUTH_BASIC] = auth_basic,   [AUTH_BEARER] = auth_token,
    [AUTH_JWT] = auth_jwt,       [AUTH_URL_TOKEN] = auth_url, [AUTH_CLIENT_CERT] = auth_certificate,
};

enum err auth_judge(const struct auth *a, struct recipe_context *c, const struct auth_request *q, struct arena *scratch,
                    struct auth_verdict *v)
{
    enum err e = ERR_OK;
    *v = (struct auth_verdict){0};
    for (size_t i = 0; a && e == ERR_OK && i < a->n; i++) {
        struct trial t = {.m = &a->methods[i], .c = c, .q = q, .scratch = scratch, .v = v};
        const char *id = NULL;
        e = judges[t.m->config->kind](&t, &id);
        v->key_id = v->key_id ? v->key_id : id;
    }
    if (e != ERR_OK)
        v->key_id = NULL;
    return e;
}

bool auth_is_credential(const struct auth *a, struct span header)
{
    for (size_t i = 0; a && i < a->n; i++) {
        const char *name = a->methods[i].config->header;
        if (name && span_eq_nocase(header, span_str(name)))
            return true;
    }
    return false;
}
