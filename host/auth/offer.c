/* SPDX-License-Identifier: MIT
 * offer: what a caller with a source's keys would show. The other side of token.c, url.c and jwt.c, for creel send and the
 * tests; the door offers nothing. Keeps nothing.
 */
#include <stdlib.h>

#include "auth/auth_parts.h"
#include "base/codec.h"

/* One method being answered. */
struct answer {
    const struct method *m;
    struct recipe_context *c;
    int64_t now_ms;
    struct arena *a;
    struct auth_offer *o;
};

static enum err lack(struct answer *w, const char *words)
{
    w->o->lacks[w->m->config->kind] = words;
    return ERR_OK;
}

static const struct key *live(const struct answer *w)
{
    for (size_t i = 0; i < w->m->keys->n; i++)
        if (key_live(&w->m->keys->keys[i], w->now_ms))
            return &w->m->keys->keys[i];
    return NULL;
}

/* What was put behind b's beginning; ERR_NO_ROOM. */
static enum err put_header(struct answer *w, struct buf *b)
{
    struct span value = arena_close(w->a, b);
    if (!value.p)
        return ERR_NO_ROOM;
    w->o->headers[w->o->n_headers++] = (struct recipe_header){span_str(w->m->config->header), value};
    return ERR_OK;
}

static enum err offer_text(struct answer *w, const struct key *k)
{
    struct buf b = arena_open(w->a);
    if (w->m->config->kind == AUTH_BEARER)
        buf_puts(&b, "Bearer ");
    buf_put(&b, (const char *)k->secret, k->n_secret);
    return put_header(w, &b);
}

static enum err offer_basic(struct answer *w, const struct key *k)
{
    char *text = arena_alloc(w->a, base64_size(k->n_secret));
    if (!text)
        return ERR_NO_ROOM;
    size_t n = base64_encode(k->secret, k->n_secret, text);
    struct buf b = arena_open(w->a);
    buf_puts(&b, "Basic ");
    buf_put(&b, text, n);
    return put_header(w, &b);
}

static enum err offer_url(struct answer *w, const struct key *k)
{
    const char *from = w->m->config->from;
    struct span token = arena_copy(w->a, span_of((const char *)k->secret, k->n_secret));
    if (!token.p)
        return ERR_NO_ROOM;
    w->o->url_token = token;
    if (strncmp(from, "query:", 6) == 0)
        w->o->query_name = span_str(from + 6);
    else
        w->o->segment = atoi(from + 5);
    return ERR_OK;
}

/* ---- tokens ---- */

static struct span jose_of(struct arena *a, const struct key *k, unsigned algorithm)
{
    struct buf b = arena_open(a);
    buf_printf(&b, "{\"alg\":\"%s\",\"typ\":\"JWT\"", jwt_algorithm_name(algorithm));
    if (k->kid) {
        buf_puts(&b, ",\"kid\":");
        buf_put_json_string(&b, span_str(k->kid));
    }
    buf_putc(&b, '}');
    return arena_close(a, &b);
}

/* Of several the first will do, of scopes all are asked for. */
static struct span claims_of(const struct answer *w)
{
    const struct config_auth *c = w->m->config;
    struct buf b = arena_open(w->a);
    buf_puts(&b, "{\"iat\":");
    buf_put_i64(&b, w->now_ms / 1000);
    buf_puts(&b, ",\"exp\":");
    buf_put_i64(&b, w->now_ms / 1000 + AUTH_OFFER_LIVES_S);
    if (c->n_issuer) {
        buf_puts(&b, ",\"iss\":");
        buf_put_json_string(&b, span_str(c->issuer[0]));
    }
    if (c->n_audience) {
        buf_puts(&b, ",\"aud\":");
        buf_put_json_string(&b, span_str(c->audience[0]));
    }
    for (size_t i = 0; i < c->n_scopes; i++) /* which hold nothing that JSON escapes */
        buf_printf(&b, "%s%s", i ? " " : ",\"scope\":\"", c->scopes[i]);
    buf_puts(&b, c->n_scopes ? "\"}" : "}");
    return arena_close(w->a, &b);
}

/* ERR_UNSUPPORTED: it only verifies. */
static enum err sign(struct answer *w, const struct key *k, struct span *token)
{
    unsigned algorithm = jwt_algorithm_for(k, auth_algorithms(w->m, k));
    if (!algorithm || !key_live(k, w->now_ms))
        return ERR_UNSUPPORTED;
    struct span jose = jose_of(w->a, k, algorithm), claims = jose.p ? claims_of(w) : SPAN_NONE;
    return claims.p ? jwt_sign(w->c, k, algorithm, jose, claims, false, w->a, token) : ERR_NO_ROOM;
}

static enum err offer_jwt(struct answer *w)
{
    struct span token;
    enum err e = ERR_UNSUPPORTED;
    for (size_t i = 0; e == ERR_UNSUPPORTED && i < w->m->keys->n; i++)
        e = sign(w, &w->m->keys->keys[i], &token);
    if (e == ERR_UNSUPPORTED)
        return lack(w, "no key that is valid now can sign a token, only the issuer's can: give one by --header");
    if (e != ERR_OK)
        return e;
    struct buf b = arena_open(w->a);
    buf_puts(&b, "Bearer ");
    buf_put_span(&b, token);
    return put_header(w, &b);
}

/* ---- all of them ---- */

static enum err offer(struct answer *w)
{
    enum config_auth_kind kind = w->m->config->kind;
    if (kind == AUTH_CLIENT_CERT)
        return lack(w, "a certificate is shown by TLS, and none is shown here");
    if (kind == AUTH_JWT)
        return offer_jwt(w);
    const struct key *k = live(w);
    if (!k)
        return lack(w, "no key of it is valid now");
    return kind == AUTH_BASIC ? offer_basic(w, k) : kind == AUTH_URL_TOKEN ? offer_url(w, k) : offer_text(w, k);
}

enum err auth_offer(const struct auth *a, struct recipe_context *c, int64_t now_ms, struct arena *arena,
                    struct auth_offer *out)
{
    enum err e = ERR_OK;
    *out = (struct auth_offer){0};
    for (size_t i = 0; a && e == ERR_OK && i < a->n; i++)
        e = offer(&(struct answer){&a->methods[i], c, now_ms, arena, out});
    return e;
}
