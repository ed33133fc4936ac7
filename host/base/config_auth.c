/* SPDX-License-Identifier: MIT
 * config_auth: "auth" of one source: how its callers prove themselves besides by a signature, and what must hold between
 * that and its other settings. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>

#include "base/nearest.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define AUTHORIZATION "Authorization"
enum { SHA256_DIGITS = 64, LEEWAY_MAX_MS = 600000 };

static const char *const names[AUTH_KINDS] = {
    [AUTH_API_KEY] = "api_key", [AUTH_BASIC] = "basic",         [AUTH_BEARER] = "bearer",
    [AUTH_JWT] = "jwt",         [AUTH_URL_TOKEN] = "url_token", [AUTH_CLIENT_CERT] = "client_cert",
};

const char *config_auth_name(enum config_auth_kind kind)
{
    return names[kind];
}

bool config_has_auth(const struct config_source *s)
{
    for (size_t i = 0; i < AUTH_KINDS; i++)
        if (s->auth[i].used)
            return true;
    return false;
}

/* ---- values ---- */

static bool good_digest(struct loader *l, const struct place *at, const char *text)
{
    size_t digits = 0, i;
    for (i = 0; text[i] && (isxdigit((unsigned char)text[i]) || (text[i] == ':' && i % 3 == 2)); i++)
        digits += text[i] != ':';
    if (!text[i] && digits == SHA256_DIGITS && (i == digits || i == digits + digits / 2 - 1))
        return true;
    config_fault(l, at,
                 "must be the SHA-256 of a certificate: 64 hexadecimal digits, as openssl x509 -noout "
                 "-fingerprint -sha256 prints them%s",
                 digits == 40 ? " (40 are a SHA-1, which nobody should trust)" : "");
    return false;
}

static bool good_scope(struct loader *l, const struct place *at, const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\') {
            config_fault(l, at, "a scope is printable ASCII without blanks, quotes and backslashes (RFC 6749)");
            return false;
        }
    return config_not_empty(l, at, text);
}

static void texts(struct loader *l, const struct place *at, config_good good, const char ***list, size_t *n)
{
    struct span one;
    struct json_iter it = json_iter(at->value);
    if (json_type_of(at->value) == JSON_ARRAY && !json_next_element(&it, &one))
        config_fault(l, at, "must not be an empty list: leave it out to ask for nothing");
    config_strings(l, at, good, list, n);
}

static void set_algorithms(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base; /* which ones there are, another room knows (auth/auth.h) */
    texts(l, at, config_not_empty, &auth->algorithms, &auth->n_algorithms);
}

static void set_issuer(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base;
    texts(l, at, config_not_empty, &auth->issuer, &auth->n_issuer);
}

static void set_audience(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base;
    texts(l, at, config_not_empty, &auth->audience, &auth->n_audience);
}

static void set_scopes(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base;
    texts(l, at, good_scope, &auth->scopes, &auth->n_scopes);
}

static void set_subject(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base;
    texts(l, at, config_not_empty, &auth->subject, &auth->n_subject);
}

/* Without colons and in small letters. */
static void set_sha256(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base;
    texts(l, at, good_digest, &auth->sha256, &auth->n_sha256);
    for (size_t i = 0; i < auth->n_sha256; i++) {
        char digits[SHA256_DIGITS];
        size_t n = 0;
        for (const char *p = auth->sha256[i]; *p; p++)
            if (*p != ':')
                digits[n++] = (char)tolower((unsigned char)*p);
        auth->sha256[i] = config_copy(l, span_of(digits, n));
    }
}

/* ---- methods ---- */

#define ROW(type, member, json, def, min, max)                                                                         \
    {                                                                                                                  \
        SETTING_##type, json, def, offsetof(struct config_auth, member), min, max, true, ""                            \
    }
static const struct setting header_rows[] = {ROW(TEXT, header, "header", "X-API-Key", 0, 0)};
static const struct setting from_rows[] = {ROW(TEXT, from, "from", "query:token", 0, 0)};
static const struct setting jwt_rows[] = {
    ROW(TEXT, header, "header", AUTHORIZATION, 0, 0),
    ROW(BOOL, require_exp, "require_exp", "true", 0, 0),
    ROW(TIME, leeway_ms, "leeway", "30s", 0, LEEWAY_MAX_MS),
};

static void set_keys(struct loader *l, const struct place *at, void *base)
{
    struct config_auth *auth = base;
    config_auth_keys(l, at, names[auth->kind], auth);
}

static void set_jwks_file(struct loader *l, const struct place *at, void *base)
{
    const char *path = config_path(l, at);
    if (path)
        config_auth_key_file(l, at, names[AUTH_JWT],
                             (struct config_key){.id = "jwks", .public_key_file = path, .encoding = "jwks"}, base);
}

static const struct special keys_special[] = {{"keys", set_keys}};
static const struct special jwt_specials[] = {{"keys", set_keys},     {"jwks_file", set_jwks_file},
                                              {"issuer", set_issuer}, {"audience", set_audience},
                                              {"scopes", set_scopes}, {"algorithms", set_algorithms}};
static const struct special cert_specials[] = {{"sha256", set_sha256}, {"subject", set_subject}};

static const struct shape shapes[AUTH_KINDS] = {
    [AUTH_API_KEY] = {.rows = header_rows, .n_rows = 1, .specials = keys_special, .n_specials = 1},
    [AUTH_BASIC] = {.specials = keys_special, .n_specials = 1},
    [AUTH_BEARER] = {.specials = keys_special, .n_specials = 1},
    [AUTH_JWT] = {.rows = jwt_rows,
                  .n_rows = sizeof jwt_rows / sizeof *jwt_rows,
                  .specials = jwt_specials,
                  .n_specials = sizeof jwt_specials / sizeof *jwt_specials},
    [AUTH_URL_TOKEN] = {.rows = from_rows, .n_rows = 1, .specials = keys_special, .n_specials = 1},
    [AUTH_CLIENT_CERT] = {.specials = cert_specials, .n_specials = 2},
};

static bool good_header(const char *name)
{
    size_t n = strspn(name, LETTERS DIGITS "-");
    return n > 0 && n <= 64 && !name[n];
}

static bool good_place(const char *from)
{
    if (strncmp(from, "path:", 5) == 0)
        return from[5] >= '1' && from[5] <= '9' && !from[6];
    size_t n = strncmp(from, "query:", 6) == 0 ? strspn(from + 6, LETTERS DIGITS "_.-") : 0;
    return n > 0 && n <= 64 && !from[6 + n];
}

/* Where the credential is a text, it is one that both sides know. */
static void check_shared(struct loader *l, const struct place *at, const struct config_auth *auth)
{
    for (size_t i = 0; i < auth->n_keys; i++)
        if (auth->keys[i].public_key_file || auth->keys[i].encoding) {
            config_fault_member(l, at, "keys",
                                "a key of this method is the text itself: secret_file or secret_env, "
                                "without key_encoding");
            return;
        }
}

static void check_method(struct loader *l, const struct place *at, enum config_auth_kind kind,
                         const struct config_auth *auth)
{
    if (kind == AUTH_CLIENT_CERT && auth->n_sha256 + auth->n_subject == 0)
        config_fault(l, at, "needs sha256 or subject, or any certificate would do");
    if (kind != AUTH_CLIENT_CERT && auth->n_keys == 0)
        config_fault(l, at, "needs a key at least, in keys: nobody could prove himself");
    if (kind != AUTH_CLIENT_CERT && kind != AUTH_JWT)
        check_shared(l, at, auth);
    if (auth->header && !good_header(auth->header))
        config_fault_member(l, at, "header", "a header's name is 1 to 64 of A-Z a-z 0-9 -");
    if (auth->from && !good_place(auth->from))
        config_fault_member(l, at, "from", "must be query:NAME or path:N, N from 1 to 9 behind the source's own path");
}

/* The method as it is before anything is said of it; NULL: it is there already. */
static struct config_auth *begin(struct loader *l, const struct place *at, enum config_auth_kind kind,
                                 struct config_source *src)
{
    struct config_auth *auth = &src->auth[kind];
    if (auth->used) {
        config_fault(l, at, "%s is there twice, as %s and as %s_file", names[kind], names[kind], names[kind]);
        return NULL;
    }
    *auth = (struct config_auth){.kind = kind,
                                 .used = true,
                                 .where = l->look == LOOK_EVERYWHERE ? config_where(l, at) : NULL,
                                 .header = kind == AUTH_BASIC || kind == AUTH_BEARER ? AUTHORIZATION : NULL};
    config_defaults(l, &shapes[kind], auth);
    return auth;
}

static void read_method(struct loader *l, const struct place *at, enum config_auth_kind kind, struct config_source *src)
{
    unsigned before = l->faults;
    struct config_auth *auth = begin(l, at, kind, src);
    if (auth && config_object(l, at, &shapes[kind], auth) && l->faults == before)
        check_method(l, at, kind, auth);
}

/* "bearer_file" is the method with one key, which is called as the method is. */
static void read_file(struct loader *l, const struct place *at, enum config_auth_kind kind, struct config_source *src)
{
    const char *path = config_path(l, at);
    struct config_auth *auth = path ? begin(l, at, kind, src) : NULL;
    if (auth)
        config_auth_key_file(l, at, names[kind], (struct config_key){.id = names[kind], .secret_file = path}, auth);
}

static bool has_short_form(enum config_auth_kind kind)
{
    return kind != AUTH_JWT && kind != AUTH_CLIENT_CERT;
}

static void read_member(struct loader *l, const struct place *at, struct config_source *src)
{
    for (enum config_auth_kind i = 0; i < AUTH_KINDS; i++) {
        size_t n = strlen(names[i]);
        if (!span_starts(at->name, span_str(names[i])))
            continue;
        if (at->name.n == n) {
            read_method(l, at, i, src);
            return;
        }
        if (has_short_form(i) && span_eq_str(span_skip(at->name, n), "_file")) {
            read_file(l, at, i, src);
            return;
        }
    }
    struct place on_name = place_member(at->up, at->name, at->name);
    const char *near = nearest_word(at->name, names, AUTH_KINDS);
    config_fault(l, &on_name, "unknown method%s%s%s",
                 near ? "; did you mean \"" : ": there are api_key, basic, bearer, jwt, ",
                 near ? near : "url_token and client_cert", near ? "\"?" : "");
}

void config_auth(struct loader *l, const struct place *at, void *source)
{
    struct span name, value;
    struct json_iter it = json_iter(at->value);
    if (json_type_of(at->value) != JSON_OBJECT) {
        config_fault(l, at, "must be an object of methods, such as { \"bearer_file\": \"…\" }");
        return;
    }
    size_t n = 0;
    for (; json_next_member(&it, &name, &value); n++) {
        struct place member = place_member(at, name, value);
        read_member(l, &member, source);
    }
    if (n == 0)
        config_fault(l, at, "names no method: leave it out, or nobody knows what it should ask for");
}

/* ---- with the other settings ---- */

static void doubt(struct loader *l, const struct place *source, const char *reason)
{
    struct place at = place_member(source, SPAN_LIT("auth"), json_member(source->value, "auth"));
    config_warn(l, &at, reason);
}

/* A request has one credential in one field. */
static void check_headers(struct loader *l, const struct place *source, const struct config_source *src)
{
    for (size_t i = 0; i < AUTH_KINDS; i++)
        for (size_t k = 0; k < i; k++) {
            const char *a = src->auth[i].header, *b = src->auth[k].header;
            if (src->auth[i].used && src->auth[k].used && a && b && strcasecmp(a, b) == 0)
                config_fault_member(l, source, "auth",
                                    "%s and %s both read %s, and all methods must hold: no request could", names[k],
                                    names[i], a);
        }
}

/* Does the reference, or a part of it, name this place? */
static bool names_place(const char *reference, const char *place)
{
    size_t n = strlen(place);
    for (const char *p = reference; (p = strcasestr(p, place)) != NULL; p++) {
        bool begins = p == reference || !strchr(LETTERS, p[-1]);
        if (begins && !strchr(LETTERS DIGITS "_.-", p[n] ? p[n] : ' '))
            return true;
    }
    return false;
}

/* Is the reference, or a part of it, this word alone: all of the path, the query or the URL? */
static bool names_word(const char *reference, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = reference; (p = strstr(p, word)) != NULL; p++) {
        bool begins = p == reference || p[-1] == '{';
        if (begins && (!p[n] || p[n] == '|' || p[n] == '}'))
            return true;
    }
    return false;
}

static bool any_names(const char *const *list, size_t n, const char *place)
{
    bool in_path = strncmp(place, "path:", 5) == 0, in_query = strncmp(place, "query:", 6) == 0;
    for (size_t i = 0; i < n; i++) {
        if (names_place(list[i], place) || ((in_path || in_query) && names_word(list[i], "url")))
            return true;
        if ((in_path && names_word(list[i], "path")) || (in_query && names_word(list[i], "query")))
            return true;
    }
    return false;
}

/* What references find is written into the journal. */
static void check_references(struct loader *l, const struct place *source, const struct config_source *src,
                             const char *place)
{
    const struct {
        const char *name, *const *list;
        size_t n;
    } facts[] = {{"type", src->type, src->n_type},
                 {"event_id", src->event_id, src->n_event_id},
                 {"order_key", src->order_key, src->n_order_key},
                 {"time", src->time, src->n_time},
                 {"version", src->version, src->n_version}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (any_names(facts[i].list, facts[i].n, place))
            config_fault_member(l, source, facts[i].name, "would write the credential of auth into the journal (%s)",
                                place);
}

static void check_places(struct loader *l, const struct place *source, const struct config_source *src)
{
    for (size_t i = 0; i < AUTH_KINDS; i++) {
        const struct config_auth *auth = &src->auth[i];
        char place[160];
        if (!auth->used || i == AUTH_CLIENT_CERT)
            continue;
        snprintf(place, sizeof place, "%s%.128s", auth->from ? "" : "header:", auth->from ? auth->from : auth->header);
        check_references(l, source, src, place);
    }
}

/* Whoever can connect to the socket can say anything of a certificate. */
static void check_certificates(struct loader *l, const struct place *source)
{
    const struct config *c = l->c;
    if (strncmp(c->listen, "unix:", 5) != 0 && strncmp(c->listen, "fd:", 3) != 0)
        config_fault_member(l, source, "auth",
                            "client_cert needs listen to be a unix socket: over %s anybody could claim a certificate",
                            c->listen);
    else if (c->listen_mode & 06 && c->n_peer_users == 0 && *c->listen == 'u')
        doubt(l, source,
              "listen_mode lets every user of this machine connect, who can claim any client certificate: "
              "use 0660, or name the web server's user in peer_users");
}

static void doubt_tokens(struct loader *l, const struct place *source, const struct config_auth *jwt)
{
    if (jwt->n_issuer == 0 && jwt->n_audience == 0)
        doubt(l, source, "jwt asks for no issuer and no audience: tokens that were made for somebody else are taken");
    else if (jwt->n_audience == 0)
        doubt(l, source, "jwt asks for no audience: tokens that this issuer made for somebody else are taken");
    if (!jwt->require_exp)
        doubt(l, source, "jwt takes tokens that never expire (require_exp)");
}

void config_auth_check(struct loader *l, const struct place *source, const struct config_source *src)
{
    size_t used = 0;
    for (size_t i = 0; i < AUTH_KINDS; i++)
        used += src->auth[i].used;
    if (used == 0)
        return;
    check_headers(l, source, src);
    check_places(l, source, src);
    if (src->auth[AUTH_CLIENT_CERT].used)
        check_certificates(l, source);
    if (l->look != LOOK_EVERYWHERE)
        return;
    if (src->auth[AUTH_JWT].used)
        doubt_tokens(l, source, &src->auth[AUTH_JWT]);
    if (strncmp(src->public_url, "http://", 7) == 0)
        doubt(l, source, "public_url is not https: the credentials can be read on their way");
    if (used == 1 && src->auth[AUTH_URL_TOKEN].used && strcmp(src->recipe, "none") == 0)
        doubt(l, source,
              "a url_token alone stands in the logs of web servers and proxies: keep it out of them, or ask for "
              "another proof beside it");
}
