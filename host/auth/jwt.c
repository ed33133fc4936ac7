/* SPDX-License-Identifier: MIT
 * jwt: JSON Web Tokens as bearer tokens. The algorithm is the key's: what the token says of it only has to agree. Keeps
 * nothing.
 */
#include <stdio.h>

#include "auth/auth_parts.h"
#include "base/json.h"

enum {
    /* What a key that does not say is for: one algorithm for each kind and curve. */
    ALGORITHMS_BY_KIND = JWT_HS256 | JWT_RS256 | JWT_ES256 | JWT_ES384 | JWT_ES512 | JWT_EdDSA | JWT_Ed25519
};

/* A string as text; the arena holds it where it has escapes. SPAN_NONE: it is none, or there is no room. */
static struct span text_of(struct span value, struct arena *a)
{
    if (!value.p || json_type_of(value) != JSON_STRING)
        return SPAN_NONE;
    struct span plain = json_plain_string(value);
    if (plain.p)
        return plain;
    struct buf b = arena_open(a);
    return json_unescape(value, &b) == ERR_OK ? arena_close(a, &b) : SPAN_NONE;
}

static bool listed(struct span text, const char *const *list, size_t n)
{
    for (size_t i = 0; text.p && i < n; i++)
        if (span_eq_str(text, list[i]))
            return true;
    return false;
}

/* RFC 7519 section 4.1.3: one text, or a list of which one has to be ours. */
static bool is_for_us(const struct trial *t, struct span claims)
{
    const struct config_auth *c = t->m->config;
    struct span aud = json_member(claims, "aud"), one;
    if (!aud.p || json_type_of(aud) != JSON_ARRAY)
        return listed(text_of(aud, t->scratch), c->audience, c->n_audience);
    for (struct json_iter it = json_iter(aud); json_next_element(&it, &one);)
        if (listed(text_of(one, t->scratch), c->audience, c->n_audience))
            return true;
    return false;
}

static bool has_word(struct span words, const char *word)
{
    size_t n = strlen(word);
    while (words.n > 0) {
        const char *blank = memchr(words.p, ' ', words.n);
        size_t len = blank ? (size_t)(blank - words.p) : words.n;
        if (len == n && memcmp(words.p, word, n) == 0)
            return true;
        words = span_skip(words, len + 1);
    }
    return false;
}

/* "scope" is words with blanks between (RFC 8693 section 4.2); others write a list, or call it "scp". */
static bool grants(const struct trial *t, struct span claim, const char *scope)
{
    struct span one;
    if (!claim.p || json_type_of(claim) != JSON_ARRAY)
        return has_word(text_of(claim, t->scratch), scope);
    for (struct json_iter it = json_iter(claim); json_next_element(&it, &one);)
        if (span_eq_str(text_of(one, t->scratch), scope))
            return true;
    return false;
}

static bool has_scopes(const struct trial *t, struct span claims)
{
    const struct config_auth *c = t->m->config;
    for (size_t i = 0; i < c->n_scopes; i++)
        if (!grants(t, json_member(claims, "scope"), c->scopes[i]) &&
            !grants(t, json_member(claims, "scp"), c->scopes[i]))
            return false;
    return true;
}

static enum err check_claims(struct trial *t, const struct jwt *token)
{
    const struct config_auth *c = t->m->config;
    const char *problem = "is not valid now";
    char detail[AUTH_DETAIL_BYTES];
    if (jwt_times(token, c->require_exp ? JWT_EXP : 0, c->leeway_ms, t->q->now_ms, &problem) != ERR_OK) {
        snprintf(detail, sizeof detail, "the token %s", problem);
        return auth_wrong(t, detail);
    }
    if (c->n_issuer && !listed(text_of(json_member(token->claims, "iss"), t->scratch), c->issuer, c->n_issuer))
        return auth_wrong(t, "the token is of another issuer (iss)");
    if (c->n_audience && !is_for_us(t, token->claims))
        return auth_wrong(t, "the token is for another audience (aud)");
    if (has_scopes(t, token->claims))
        return ERR_OK;
    (void)auth_wrong(t, "the token does not carry every scope that is asked for");
    t->v->challenge = t->m->challenges[CHALLENGE_SCOPE];
    return ERR_INSUFFICIENT_SCOPE;
}

unsigned auth_algorithms(const struct method *m, const struct key *k)
{
    if (m->algorithms)
        return m->algorithms;
    return k->alg ? jwt_algorithm(span_str(k->alg)) : ALGORITHMS_BY_KIND;
}

/* A key that has a name is for tokens that name it, or name none. */
static enum err find_key(struct trial *t, const struct jwt *token, const struct key **out)
{
    struct span kid = json_member(token->jose, "kid"), name = text_of(kid, t->scratch);
    enum err e = ERR_OK;
    *out = NULL;
    if (kid.p && !name.p)
        return auth_wrong(t, "the token names its key (kid) by something that is no text");
    for (size_t i = 0; e == ERR_OK && i < t->m->keys->n && !*out; i++) {
        const struct key *k = &t->m->keys->keys[i];
        bool match = false;
        if (!key_live(k, t->q->now_ms) || (name.p && k->kid && !span_eq_str(name, k->kid)))
            continue;
        e = jwt_verify(t->c, token, k, auth_algorithms(t->m, k), &match);
        *out = match ? k : NULL;
    }
    return e;
}

/* "Bearer TOKEN" in Authorization; in a field of its own with or without the scheme. */
static enum err find_token(struct trial *t, struct span *out)
{
    const char *header = t->m->config->header;
    if (strcasecmp(header, "Authorization") == 0)
        return auth_scheme(t, "Bearer", out);
    enum err e = auth_header(t, header, out);
    if (e == ERR_OK && out->n > 7 && strncasecmp(out->p, "Bearer ", 7) == 0)
        *out = span_trim(span_skip(*out, 7));
    return e;
}

enum err auth_jwt(struct trial *t, const char **id)
{
    struct span text;
    struct jwt token;
    const char *problem = "cannot be read";
    char detail[AUTH_DETAIL_BYTES];
    const struct key *k;
    enum err e = find_token(t, &text);
    if (e != ERR_OK)
        return e;
    e = jwt_open(text, SPAN_NONE, t->scratch, &token, &problem);
    if (e == ERR_INVALID) {
        snprintf(detail, sizeof detail, "the token %s", problem);
        return auth_wrong(t, detail);
    }
    if (e == ERR_OK)
        e = find_key(t, &token, &k);
    if (e != ERR_OK)
        return e == ERR_NO_ROOM ? ERR_BODY_TOO_LARGE : e;
    if (!k)
        return auth_wrong(t, "no key of this source made the token's signature");
    e = check_claims(t, &token);
    *id = k->id;
    return e;
}
