/* SPDX-License-Identifier: MIT
 * recipe_words: a recipe in words, for creel recipe. Owns nothing but the texts it was asked to read.
 */
#include "ctl/recipe_words.h"

#include <stdlib.h>

#include "base/json.h"

enum { TEXT_BYTES = 1 << 20 };

static bool check(struct buf *b)
{
    struct json_error bad;
    return json_check(buf_span(b), JSON_LIMITS_DEFAULT, &bad) == ERR_OK;
}

enum err recipe_text_read(struct recipe_text *t, struct ctl *c, const char *name, const char *variant, struct why *w)
{
    *t = (struct recipe_text){0};
    buf_init(&t->own, TEXT_BYTES);
    buf_init(&t->like, TEXT_BYTES);
    enum err e = ctl_recipe_text(c, name, &t->own, w);
    if (e == ERR_OK)
        e = ctl_like_text(c, buf_span(&t->own), &t->like, w);
    if (e == ERR_OK && (!check(&t->own) || (t->like.n && !check(&t->like))))
        e = why_set(w, ERR_INVALID, "recipe %s is not JSON", name);
    if (e == ERR_OK && variant)
        t->variant = json_member(json_member(buf_span(&t->own), "variants"), variant);
    if (e != ERR_OK)
        recipe_text_fini(t);
    return e;
}

void recipe_text_fini(struct recipe_text *t)
{
    buf_fini(&t->own);
    buf_fini(&t->like);
}

/* A member where the recipe says it: in the variant, itself, or the one it is like. */
static struct span said(const struct recipe_text *t, const char *name)
{
    struct span value = t->variant.p ? json_member(t->variant, name) : SPAN_NONE;
    if (!value.p)
        value = json_member(buf_span(&t->own), name);
    return value.p || t->like.n == 0 ? value : json_member(buf_span(&t->like), name);
}

size_t recipe_text_variants(const struct recipe_text *t, const char *names[RECIPE_VARIANTS])
{
    struct span all = said(t, "variants"), name, value;
    size_t n = 0;
    if (!all.p)
        return 0;
    for (struct json_iter it = json_iter(all); json_next_member(&it, &name, &value) && n < RECIPE_VARIANTS;)
        if ((names[n] = strndup(name.p, name.n)))
            n++;
    return n;
}

void recipe_text_free_words(const char **words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)words[i]);
}

size_t recipe_gap_words(const struct recipe *r, const char *words[RECIPE_GAPS])
{
    struct recipe_gaps gaps = recipe_gaps(r);
    size_t n = 0;
    if (gaps.nothing_signed) {
        words[n++] = "everything";
        return n;
    }
    if (gaps.body)
        words[n++] = "body";
    if (gaps.time)
        words[n++] = "replay";
    return n;
}

/* ---- in words ---- */

static void label(struct buf *b, const char *name)
{
    buf_printf(b, "  %-14s", name);
}

/* A text, or the JSON of anything else. */
static void put_value(struct buf *b, struct span value)
{
    if (json_type_of(value) != JSON_STRING || json_unescape(value, b) != ERR_OK)
        buf_put_span(b, value);
}

/* One text or a list of them, with `between` between them. */
static void put_list(struct buf *b, struct span value, const char *between)
{
    struct span one;
    size_t n = 0;
    if (json_type_of(value) != JSON_ARRAY) {
        put_value(b, value);
        return;
    }
    for (struct json_iter it = json_iter(value); json_next_element(&it, &one);) {
        buf_puts(b, n++ ? between : "");
        put_value(b, one);
    }
}

static void put_named(struct buf *b, struct span object, const char *name, const char *before, const char *after)
{
    struct span value = json_member(object, name);
    if (!value.p)
        return;
    buf_puts(b, before);
    put_list(b, value, ", ");
    buf_puts(b, after);
}

/* A list of contents keeps its JSON: line feeds and white space count. */
static void say_content(struct buf *b, struct span content)
{
    struct span one = content;
    struct json_iter it = json_iter(content);
    bool list = json_type_of(content) == JSON_ARRAY;
    for (size_t n = 0; list ? json_next_element(&it, &one) : n == 0; n++) {
        label(b, n == 0 ? "signed is" : "  or");
        buf_put_span(b, one);
        buf_putc(b, '\n');
    }
}

static void say_signature(struct buf *b, const struct recipe *r, const struct recipe_text *t)
{
    struct span s = said(t, "signature");
    label(b, "proof");
    if (recipe_is_none(r)) {
        buf_puts(b, "none: anybody may raise events, and a source needs \"allow_unsigned\": true\n");
        return;
    }
    buf_puts(b, recipe_algorithm(r));
    put_named(b, s, "from", " from ", "");
    put_named(b, s, "each", ", for each element of ", "");
    put_named(b, s, "list", ", items separated by '", "'");
    put_named(b, s, "key", ", of these those with the key ", "");
    put_named(b, s, "prefix", ", behind \"", "\"");
    put_named(b, s, "encoding", ", in ", "");
    put_named(b, json_member(s, "jwt"), "algorithms", " with ", "");
    buf_putc(b, '\n');
    if (json_member(s, "content").p)
        say_content(b, json_member(s, "content"));
    label(b, "key");
    buf_printf(b, "%s%s\n", recipe_key_encoding(r), recipe_takes_public_keys(r) ? " (a public key)" : "");
    if (json_member(s, "key_id").p) {
        label(b, "");
        put_named(b, s, "key_id", "the one whose id is that of ", "\n");
    }
    if (recipe_fetches_keys(r)) {
        struct span url = json_member(s, "keys_url");
        label(b, "");
        put_named(b, url, "from", "or fetched from the address in ", "");
        put_named(b, url, "hosts", ", on ", " only\n");
    }
}

static void say_time(struct buf *b, const struct recipe_text *t)
{
    struct span time = said(t, "timestamp");
    if (!time.p)
        return;
    label(b, "signed time");
    put_named(b, time, "from", "", "");
    put_named(b, time, "format", ", ", "");
    put_named(b, time, "tolerance", ", at most ", " old");
    put_named(b, time, "future", ", ahead at most: ", "");
    buf_putc(b, '\n');
}

/* {"equals": "a", "max_bytes": 3} as: equals "a", max_bytes 3. */
static void put_rule(struct buf *b, struct span rule)
{
    struct span name, value;
    size_t n = 0;
    for (struct json_iter it = json_iter(rule); json_next_member(&it, &name, &value);) {
        buf_puts(b, n++ ? ", " : " ");
        buf_put_span(b, name);
        buf_putc(b, ' ');
        buf_put_span(b, value);
    }
}

static void put_rules(struct buf *b, struct span rules, const char *between)
{
    struct span of, value, one;
    size_t n = 0;
    for (struct json_iter it = json_iter(rules); json_next_member(&it, &of, &value);) {
        bool list = json_type_of(value) == JSON_ARRAY;
        struct json_iter each = json_iter(value);
        one = value;
        for (size_t k = 0; list ? json_next_element(&each, &one) : k == 0; k++) {
            buf_puts(b, n++ ? between : "");
            buf_put_span(b, of);
            put_rule(b, one);
        }
    }
}

static void say_handshake(struct buf *b, struct span h)
{
    struct span name = json_member(h, "name"), answer = json_member(h, "answer"),
                status = json_member(answer, "status");
    label(b, "handshake");
    put_value(b, name);
    buf_puts(b, ": ");
    put_value(b, json_member(h, "method").p ? json_member(h, "method") : SPAN_LIT("\"POST\""));
    buf_puts(b, json_type_of(json_member(h, "signed")) == JSON_FALSE ? " (unsigned)" : " (signed)");
    if (json_member(h, "when").p) {
        buf_puts(b, " when ");
        put_rules(b, json_member(h, "when"), " and ");
    }
    buf_puts(b, "\n");
    if (json_member(h, "assert").p) {
        label(b, "");
        buf_puts(b, "refused unless ");
        put_rules(b, json_member(h, "assert"), " and ");
        buf_puts(b, "\n");
    }
    label(b, "");
    buf_puts(b, "answered ");
    put_value(b, status.p ? status : SPAN_LIT("200"));
    put_named(b, answer, "body", " with ", "");
    put_named(b, h, "store", "; becomes the secret of a source that has none: ", "");
    put_named(b, h, "fetch", "; then fetched: ", "");
    buf_puts(b, "\n");
}

static void say_answers(struct buf *b, struct span answers)
{
    struct span kind, answer;
    if (!answers.p)
        return;
    for (struct json_iter it = json_iter(answers); json_next_member(&it, &kind, &answer);) {
        label(b, "answer");
        buf_put_span(b, kind);
        put_named(b, answer, "status", ": ", "");
        put_named(b, answer, "content_type", ", ", "");
        if (json_member(answer, "body").p) {
            buf_puts(b, ", ");
            buf_put_span(b, json_member(answer, "body"));
        }
        buf_putc(b, '\n');
    }
}

static void say_rest(struct buf *b, const struct recipe_text *t)
{
    static const char *const facts[] = {"type", "event_id", "order_key", "version", "time"};
    struct span rules = said(t, "assert"), all = said(t, "handshakes"), defaults = said(t, "defaults"), h;
    if (rules.p) {
        label(b, "must hold");
        put_rules(b, rules, "\n                ");
        buf_putc(b, '\n');
    }
    if (all.p)
        for (struct json_iter it = json_iter(all); json_next_element(&it, &h);)
            say_handshake(b, h);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (!json_member(defaults, facts[i]).p)
            continue;
        label(b, facts[i]);
        put_list(b, json_member(defaults, facts[i]), ", else ");
        buf_putc(b, '\n');
    }
    say_answers(b, said(t, "answers"));
}

static void say_gaps(struct buf *b, const struct recipe *r)
{
    struct recipe_gaps gaps = recipe_gaps(r);
    label(b, "not protected");
    if (gaps.nothing_signed)
        buf_puts(b, recipe_is_none(r)
                        ? "anything: nothing is proved\n"
                        : "anything: the secret itself is sent, and whoever has seen it can send anything\n");
    else if (gaps.body)
        buf_printf(b, "what is not named in \"signed is\": the rest of the body may be anything%s\n",
                   gaps.time ? "; old requests can be sent again" : "");
    else
        buf_puts(b, gaps.time ? "old requests can be sent again: nothing but the duplicate check keeps them out\n"
                              : "nothing\n");
}

/* A source of the configuration to begin with. */
static void say_source(struct buf *b, const struct recipe *r)
{
    size_t n;
    const char *name = recipe_name(r);
    const char *const *params = recipe_params(r, &n);
    buf_printf(b, "\n  \"%s\": { \"path\": \"/hooks/%s\", \"recipe\": \"%s\"", name, name, name);
    if (recipe_is_none(r))
        buf_puts(b, ", \"allow_unsigned\": true");
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s\"%s\": \"…\"%s", i ? ", " : ",\n    \"params\": { ", params[i], i + 1 == n ? " }" : "");
    if (recipe_needs_url(r))
        buf_printf(b, ",\n    \"public_url\": \"https://hooks.example.com/hooks/%s\"", name);
    if (!recipe_is_none(r) && recipe_stores_secret(r))
        buf_printf(b, ",\n    \"keys_folder\": \"/etc/creel/keys/%s\"", name);
    else if (!recipe_is_none(r) && !recipe_fetches_keys(r))
        buf_printf(b, ",\n    \"keys\": [ { \"id\": \"1\", \"%s\": \"/etc/creel/keys/%s\" } ]",
                   recipe_takes_public_keys(r) ? "public_key_file" : "secret_file", name);
    buf_puts(b, " }\n");
}

void recipe_say(struct buf *b, const struct recipe *r, const struct recipe_text *t)
{
    size_t n;
    const char *variants[RECIPE_VARIANTS];
    const char *const *notes = recipe_notes(r, &n);
    buf_printf(b, "%s: %s\n", recipe_name(r), recipe_title(r) ? recipe_title(r) : "");
    if (recipe_documentation(r))
        buf_printf(b, "  %s\n", recipe_documentation(r));
    buf_putc(b, '\n');
    say_signature(b, r, t);
    say_time(b, t);
    say_rest(b, t);
    say_gaps(b, r);
    size_t n_variants = recipe_text_variants(t, variants);
    for (size_t i = 0; i < n_variants; i++) {
        if (i == 0)
            label(b, "variants");
        buf_printf(b, "%s%s%s", i ? ", " : "", variants[i], i + 1 == n_variants ? "\n" : "");
    }
    recipe_text_free_words(variants, n_variants);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s  - %s\n", i ? "" : "\n", notes[i]);
    say_source(b, r);
}
