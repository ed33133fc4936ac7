/* SPDX-License-Identifier: MIT
 * explain_try: the usual mistakes, one after the other: does the signature become good with it? Texts of keys that are made
 * up here are wiped.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "recipe/explain_parts.h"
#include "recipe/jwt.h"
#include "recipe/timestamp.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, KEY_TEXT_MAX = 16 * 1024 };

/* ---- the signature is good, something else is not ---- */

static void found_key_window(struct explaining *g)
{
    const struct explanation *x = g->x;
    char from[RFC3339_BYTES + 1] = {0}, to[RFC3339_BYTES + 1] = {0};
    for (size_t i = 0; i < x->n_keys; i++) {
        const struct explain_tried *k = &x->keys[i];
        if (!k->id || strcmp(k->id, g->matched) != 0 || k->live)
            continue;
        bool early = x->now_ms < k->not_before_ms;
        rfc3339_format(k->not_before_ms, from);
        rfc3339_format(k->not_after_ms, to);
        explain_found(g, "key-not-valid-now", "The signature is good, made with key %s, which is valid only %s %s.",
                      k->id, early ? "from" : "until", early ? from : to);
        return;
    }
    if (x->e == ERR_TIMESTAMP_OUT_OF_TOLERANCE)
        explain_found(
            g, "time-only",
            "But for its time the signature is good (key %s): an old request was sent again, it waited on its way, "
            "or a clock is wrong.",
            g->matched);
    else
        explain_found(g, "assertion-only", "The signature itself is good (key %s); what does not hold is said above.",
                      g->matched);
}

static bool try_as_is(struct explaining *g)
{
    if (!explain_good(g, g->lenient, g->open, g->in->request))
        return false;
    found_key_window(g);
    return true;
}

static void try_any_key_id(struct explaining *g)
{
    struct recipe *r = g->lenient;
    if (!r->signature.has_key_id)
        return;
    r->signature.has_key_id = false;
    if (explain_good(g, r, g->open, g->in->request))
        explain_found(g, "key-id",
                      "Key %s made the signature, but the request names another id: give the key the id that the "
                      "sender uses.",
                      g->matched);
    r->signature.has_key_id = true;
}

/* ---- the time ---- */

static void try_time_units(struct explaining *g)
{
    const struct timestamp *t = &g->in->recipe->timestamp;
    int64_t now = g->x->now_ms, at;
    if (!g->in->recipe->has_timestamp || !g->time_text.p ||
        (g->x->time_read && llabs(now - g->x->signed_at_ms) < DAY_MS))
        return;
    for (int f = 0; f < TIME_FORMATS; f++) {
        if (f == (int)t->format || timestamp_read((enum time_format)f, g->time_text, &at) != ERR_OK ||
            llabs(now - at) > DAY_MS)
            continue;
        explain_found(g, "time-unit", "The time is written as %s, where the recipe says %s.",
                      timestamp_words((enum time_format)f), timestamp_words(t->format));
        return;
    }
}

/* ---- the key's text ---- */

static bool good_with(struct explaining *g, const struct keyring_key *keys, size_t n, const char *encoding)
{
    struct keyring *ring = explain_ring(g->lenient, keys, n, encoding);
    bool good = explain_good(g, g->lenient, ring, g->in->request);
    keyring_free(ring);
    return good;
}

static void try_key_encodings(struct explaining *g)
{
    const struct explain_input *in = g->in;
    size_t n;
    const char *const *names = key_encoding_names(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < in->n_keys; k++) {
            const char *given = in->keys[k].encoding ? in->keys[k].encoding : in->recipe->key_encoding;
            if (strcmp(names[i], given) == 0 || !good_with(g, &in->keys[k], 1, names[i]))
                continue;
            explain_found(g, "key-encoding",
                          "The signature is good when key %s is read as %s instead of %s: set "
                          "\"key_encoding\" to \"%s\".",
                          in->keys[k].id, names[i], given, names[i]);
            return;
        }
    }
}

/* What people do to a key's text: in front, behind, and what is cut off both. */
static const struct change {
    const char *before, *after, *cut_before, *cut_around;
    const char *code, *words;
} changes[] = {
    {"", "\n", "", "", "key-newline", "with a line feed behind it, which the sender takes as a part of it"},
    {"", "\r\n", "", "", "key-newline", "with CR and LF behind it, which the sender takes as a part of it"},
    {"", "", "", " \t\r\n", "key-space", "without the space around it"},
    {"", "", "", "\"'", "key-quotes", "without the quotes around it"},
    {"", "", "whsec_", "", "key-prefix", "without its whsec_"},
    {"", "", "whsk_", "", "key-prefix", "without its whsk_"},
    {"", "", "whpk_", "", "key-prefix", "without its whpk_"},
    {"whsec_", "", "", "", "key-prefix", "with whsec_ before it"},
    {"whsk_", "", "", "", "key-prefix", "with whsk_ before it"},
};
enum { N_CHANGES = sizeof changes / sizeof *changes };

/* The changed text in out; SPAN_NONE when it would be the same, or has no room. */
static struct span changed_text(const struct change *c, struct span text, char *out)
{
    struct span before = span_str(c->before), after = span_str(c->after), cut = span_str(c->cut_before), inner = text;
    if (cut.n > 0 && span_starts(inner, cut))
        inner = span_skip(inner, cut.n);
    while (inner.n > 0 && *c->cut_around && strchr(c->cut_around, inner.p[0]))
        inner = span_skip(inner, 1);
    while (inner.n > 0 && *c->cut_around && strchr(c->cut_around, inner.p[inner.n - 1]))
        inner.n--;
    if (before.n + after.n + inner.n > KEY_TEXT_MAX || (inner.n == text.n && before.n + after.n == 0))
        return SPAN_NONE;
    memcpy(out, before.p, before.n);
    memcpy(out + before.n, inner.p, inner.n);
    memcpy(out + before.n + inner.n, after.p, after.n);
    return span_of(out, before.n + inner.n + after.n);
}

static bool is_prefix(const struct change *c)
{
    return strcmp(c->code, "key-prefix") == 0;
}

/* The change as it is, and read as text, as senders do that know nothing of encodings; prefixes hide what is behind. */
static bool try_key_change(struct explaining *g, const struct change *c, const struct keyring_key *given, char *room)
{
    static const char *const encodings[] = {NULL, "utf8", "base64", "hex"};
    struct keyring_key k = *given;
    k.raw = changed_text(c, given->raw, room);
    for (size_t i = 0; k.raw.p && i < (is_prefix(c) ? 4 : 2); i++) {
        const char *as = encodings[i] ? encodings[i] : k.encoding ? k.encoding : g->in->recipe->key_encoding;
        if (!good_with(g, &k, 1, encodings[i]))
            continue;
        explain_found(g, c->code, "The signature is good when key %s is taken %s and read as %s.", k.id, c->words, as);
        return true;
    }
    return false;
}

static void try_key_changes(struct explaining *g, bool prefixes)
{
    char *room = malloc(KEY_TEXT_MAX);
    bool found = !room;
    for (size_t k = 0; k < g->in->n_keys && !found; k++)
        for (size_t i = 0; i < N_CHANGES && !found; i++)
            found = is_prefix(&changes[i]) == prefixes && try_key_change(g, &changes[i], &g->in->keys[k], room);
    if (room)
        sodium_memzero(room, KEY_TEXT_MAX);
    free(room);
}

static void try_other_keys(struct explaining *g)
{
    const struct explain_input *in = g->in;
    for (size_t i = 0; i < in->n_others; i++) {
        if (!good_with(g, &in->others[i].key, 1, NULL))
            continue;
        explain_found(g, "key-of-another-source",
                      "Key %s of source %s made the signature: the sender uses that source's "
                      "secret, or posts to the wrong address.",
                      in->others[i].key.id, in->others[i].source);
        return;
    }
}

/* ---- how the signature is written ---- */

static const char *const prefixes[] = {"",    "sha1=", "sha256=", "sha384=",      "sha512=",      "sha256:", "v0=",
                                       "v1=", "v1,",   "Bearer ", "hmac-sha256=", "HMAC-SHA256 ", "HMAC "};
enum { N_PREFIXES = sizeof prefixes / sizeof *prefixes };

static void found_form(struct explaining *g, const struct recipe *r, bool bare)
{
    const struct signature *is = &r->signature, *says = &g->in->recipe->signature;
    const struct algorithm *a = g->in->recipe->algorithm;
    char text[300];
    int n = 0;
    if (r->algorithm != a)
        n += snprintf(text + n, sizeof text - (size_t)n, " by %s, where the recipe says %s;", r->algorithm->name,
                      a->name);
    if (is->encoding != says->encoding)
        n += snprintf(text + n, sizeof text - (size_t)n, " in %s, where the recipe says %s;", is->encoding->name,
                      says->encoding->name);
    if (!span_eq(is->prefix, says->prefix))
        n += snprintf(text + n, sizeof text - (size_t)n, " behind '%.*s', where the recipe says '%.*s';",
                      (int)is->prefix.n, is->prefix.p, (int)says->prefix.n, says->prefix.p ? says->prefix.p : "");
    if (bare)
        n += snprintf(text + n, sizeof text - (size_t)n, " alone, where the recipe expects named elements;");
    const char *code = r->algorithm != a                ? "algorithm"
                       : is->encoding != says->encoding ? "signature-encoding"
                                                        : "signature-prefix";
    explain_found(g, code, "Key %s made the signature, but it is written%.*s.", g->matched, n > 0 ? n - 1 : 0, text);
}

static bool try_form(struct explaining *g, struct recipe *r, bool bare)
{
    const struct signature own = r->signature;
    static const char *const encodings[] = {NULL, "hex", "base64", "base64url"};
    for (size_t e = 0; e < sizeof encodings / sizeof *encodings; e++) {
        for (size_t p = 0; p <= N_PREFIXES; p++) {
            r->signature.encoding = encodings[e] ? grammar_encoding(span_str(encodings[e])) : own.encoding;
            r->signature.prefix = p == 0 ? own.prefix : span_str(prefixes[p - 1]);
            if (bare)
                r->signature.list = r->signature.pair = 0;
            bool good = explain_good(g, r, g->open, g->in->request);
            if (good)
                found_form(g, r, bare);
            r->signature = own;
            if (good)
                return true;
        }
    }
    return false;
}

static void try_token_algorithms(struct explaining *g)
{
    struct recipe *r = g->lenient;
    const unsigned own = r->signature.jwt.algorithms;
    for (unsigned i = 0; i < JWT_ROWS; i++) {
        r->signature.jwt.algorithms = 1u << i;
        if (own & 1u << i || !explain_good(g, r, g->open, g->in->request))
            continue;
        explain_found(g, "algorithm", "Key %s made the signature, by %s, which the recipe does not allow.", g->matched,
                      jwt_algorithm_name(1u << i));
        break;
    }
    r->signature.jwt.algorithms = own;
}

static void try_forms(struct explaining *g)
{
    static const char *const algorithms[] = {NULL,          "hmac-sha256", "hmac-sha1", "hmac-sha512",
                                             "hmac-sha384", "rsa-sha256",  "rsa-sha1"};
    struct recipe *r = g->lenient;
    const struct algorithm *own = r->algorithm;
    bool found = own->family == FAMILY_JWT;
    if (found)
        try_token_algorithms(g);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms && !found; i++) {
        const struct algorithm *a = algorithms[i] ? grammar_algorithm(span_str(algorithms[i])) : own;
        if (!a || a->family != own->family || (i > 0 && a == own))
            continue;
        r->algorithm = a;
        found = try_form(g, r, false) || (r->signature.pair && try_form(g, r, true));
    }
    r->algorithm = own;
}

/* ---- another sender's way ---- */

static bool good_by(struct explaining *g, const struct recipe *other)
{
    const struct explain_input *in = g->in;
    struct recipe *r = recipe_is_none(other) ? NULL : explain_lenient(other);
    bool good = false;
    for (int own = 0; r && own < 2 && !good; own++) {
        const char *encoding = own ? NULL : other->key_encoding;
        struct keyring *ring = explain_ring(other, in->keys, in->n_keys, encoding);
        good = explain_good(g, r, ring, in->request);
        keyring_free(ring);
    }
    free(r);
    return good;
}

static void try_recipes(struct explaining *g)
{
    unsigned found = 0;
    for (size_t i = 0; i < g->in->n_recipes && found < 2; i++) {
        const struct explain_recipe *other = &g->in->recipes[i];
        if (other->recipe == g->in->recipe || !good_by(g, other->recipe))
            continue;
        found++;
        explain_found(g, "another-recipe", "The signature is good by recipe %s (key %s).", other->name, g->matched);
    }
}

static void try_space(struct explaining *g)
{
    try_key_changes(g, false);
}

static void try_prefixes(struct explaining *g)
{
    try_key_changes(g, true);
}

/* The simple ones first: what makes the signature good is said, and what else would is not looked for. */
void explain_try(struct explaining *g)
{
    static void (*const tries[])(struct explaining *) = {
        try_any_key_id,   try_space,       try_key_encodings, try_prefixes, try_forms,
        explain_try_body, explain_try_url, try_other_keys,    try_recipes,
    };
    try_time_units(g);
    size_t before = g->x->n_findings;
    if (try_as_is(g))
        return;
    for (size_t i = 0; i < sizeof tries / sizeof *tries && g->x->n_findings == before; i++)
        tries[i](g);
}
