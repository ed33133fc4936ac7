/* SPDX-License-Identifier: MIT
 * compile: a recipe's JSON into struct recipe, every member by a row of a table, every fault with its JSON pointer.
 * Runs when a configuration is loaded, in any process; never on a request.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/units.h"
#include "recipe/compiler.h"
#include "recipe/grammar.h"
#include "recipe/key.h"
#include "recipe/template.h"

#define OBJECT(c, value, rows) compiler_object(c, value, rows, sizeof rows / sizeof *rows)

static enum err because(struct compiler *c, const struct why *w)
{
    return compiler_fault(c, "%s", w->text);
}

/* ---- signature ---- */

static enum err set_algorithm(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e != ERR_OK)
        return e;
    c->r->algorithm = grammar_algorithm(s);
    if (c->r->algorithm)
        return ERR_OK;
    size_t n;
    const char *const *names = grammar_algorithm_names(&n);
    return compiler_unknown(c, "algorithm", s, names, n);
}

static enum err set_encoding(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e != ERR_OK)
        return e;
    c->r->signature.encoding = grammar_encoding(s);
    if (c->r->signature.encoding)
        return ERR_OK;
    size_t n;
    const char *const *names = grammar_encoding_names(&n);
    return compiler_unknown(c, "encoding", s, names, n);
}

static enum err add_from(struct compiler *c, struct span s, void *arg)
{
    struct why w;
    struct ref ref;
    struct signature *sig = arg;
    if (template_ref(c->r, s, &ref, &w) != ERR_OK)
        return because(c, &w);
    if (ref.kind != REF_HEADER)
        return compiler_fault(c, "a signature is read from header:NAME");
    if (sig->n_from == RECIPE_HEADERS_MAX)
        return compiler_fault(c, "more than %d headers", RECIPE_HEADERS_MAX);
    sig->from[sig->n_from++] = ref.slot;
    return ERR_OK;
}

static enum err set_from(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_from, &c->r->signature);
}

static enum err set_list(struct compiler *c, struct span value)
{
    return compiler_character(c, value, &c->r->signature.list);
}

static enum err set_pair(struct compiler *c, struct span value)
{
    return compiler_character(c, value, &c->r->signature.pair);
}

static enum err set_key(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &c->r->signature.key);
}

static enum err set_prefix(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &c->r->signature.prefix);
}

static enum err set_content(struct compiler *c, struct span value)
{
    struct why w;
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    if (e == ERR_OK && template_parse(c->r, s, c->r->content, RECIPE_PIECES_MAX, &c->r->n_content, &w) != ERR_OK)
        return because(c, &w);
    return e;
}

static const struct compiler_member signature_members[] = {
    {"algorithm", set_algorithm, true}, {"from", set_from, true},       {"list", set_list, false},
    {"pair", set_pair, false},          {"key", set_key, false},        {"prefix", set_prefix, false},
    {"encoding", set_encoding, true},   {"content", set_content, true},
};

static enum err set_signature(struct compiler *c, struct span value)
{
    if (json_type_of(value) == JSON_STRING) {
        c->r->none = span_eq_str(json_plain_string(value), "none");
        return c->r->none ? ERR_OK : compiler_fault(c, "must be an object, or \"none\" for senders that prove nothing");
    }
    enum err e = OBJECT(c, value, signature_members);
    if (e == ERR_OK && !c->r->signature.pair != !c->r->signature.key.p)
        return compiler_fault(c, "'pair' and 'key' go together");
    return e;
}

/* ---- timestamp ---- */

static enum err set_time_from(struct compiler *c, struct span value)
{
    struct why w;
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    if (e == ERR_OK && template_ref(c->r, s, &c->r->timestamp.from, &w) != ERR_OK)
        return because(c, &w);
    if (e == ERR_OK && c->r->timestamp.from.kind != REF_HEADER && c->r->timestamp.from.kind != REF_FIELD)
        return compiler_fault(c, "a time is read from header:NAME or field:NAME");
    return e;
}

static enum err set_time_format(struct compiler *c, struct span value)
{
    static const char *const names[] = {[TIME_SECONDS] = "s", [TIME_MILLISECONDS] = "ms", [TIME_RFC3339] = "rfc3339"};
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq_str(s, names[i])) {
            c->r->timestamp.format = (enum time_format)i;
            return ERR_OK;
        }
    }
    return compiler_fault(c, "must be \"s\", \"ms\" or \"rfc3339\"");
}

static enum err set_tolerance(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && (duration_parse(s, &c->r->timestamp.past_ms) != ERR_OK || c->r->timestamp.past_ms == 0))
        return compiler_fault(c, "must be a duration like \"5m\"");
    return e;
}

static enum err set_future(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e != ERR_OK)
        return e;
    if (span_eq_str(s, "any")) {
        c->r->timestamp.future_ms = FUTURE_ANY;
        return ERR_OK;
    }
    return duration_parse(s, &c->r->timestamp.future_ms) == ERR_OK
               ? ERR_OK
               : compiler_fault(c, "must be a duration like \"5m\", or \"any\"");
}

static const struct compiler_member timestamp_members[] = {
    {"from", set_time_from, true},
    {"format", set_time_format, true},
    {"tolerance", set_tolerance, true},
    {"future", set_future, false},
};

static enum err set_timestamp(struct compiler *c, struct span value)
{
    c->r->has_timestamp = true;
    c->r->timestamp.future_ms = FUTURE_SAME;
    return OBJECT(c, value, timestamp_members);
}

/* ---- assert ---- */

static struct assertion *last_assert(struct compiler *c)
{
    return &c->r->asserts[c->r->n_asserts];
}

static enum err set_without(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &last_assert(c)->without);
}

static enum err set_max_bytes(struct compiler *c, struct span value)
{
    int64_t n;
    if (json_int(value, &n) != ERR_OK || n < 1 || n > RECIPE_TEXT_MAX)
        return compiler_fault(c, "must be a whole number from 1 to %d", RECIPE_TEXT_MAX);
    last_assert(c)->max_bytes = (size_t)n;
    return ERR_OK;
}

static const struct compiler_member assert_members[] = {{"without", set_without, false},
                                                        {"max_bytes", set_max_bytes, false}};

/* The names of the members are references, so they are copied like strings are. */
static enum err set_assert(struct compiler *c, struct span value)
{
    struct span name, v;
    if (json_type_of(value) != JSON_OBJECT)
        return compiler_fault(c, "must be an object of references");
    for (struct json_iter it = json_iter(value); json_next_member(&it, &name, &v); c->r->n_asserts++) {
        struct why w;
        size_t at = compiler_enter(c, name);
        struct span kept = arena_copy(&c->r->memory, name);
        if (c->r->n_asserts == RECIPE_ASSERTS_MAX || !kept.p)
            return compiler_fault(c, "more than %d references", RECIPE_ASSERTS_MAX);
        if (template_ref(c->r, kept, &last_assert(c)->of, &w) != ERR_OK)
            return because(c, &w);
        enum err e = OBJECT(c, v, assert_members);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return ERR_OK;
}

/* ---- the rest ---- */

static enum err set_name(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && !span_eq_str(s, c->r->name))
        return compiler_fault(c, "must be the file's name, '%s'", c->r->name);
    return e;
}

static enum err set_prose(struct compiler *c, struct span value)
{
    struct span s;
    return compiler_text(c, value, &s);
}

static enum err set_key_encoding(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK)
        c->r->key_encoding = s.p;
    return e;
}

struct names {
    struct span *list;
    size_t *n;
};

static enum err add_name(struct compiler *c, struct span s, void *arg)
{
    struct names *names = arg;
    if (!template_token(s))
        return compiler_fault(c, "is not a header name");
    if (*names->n == RECIPE_NAMES_MAX)
        return compiler_fault(c, "more than %d names", RECIPE_NAMES_MAX);
    names->list[(*names->n)++] = s;
    return ERR_OK;
}

static enum err set_credentials(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_name, &(struct names){c->r->credentials, &c->r->n_credentials});
}

static enum err set_repeatable(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_name, &(struct names){c->r->repeatable, &c->r->n_repeatable});
}

static bool default_valid(struct span s)
{
    static const struct span json = SPAN_LIT("json:"), header = SPAN_LIT("header:"), path = SPAN_LIT("path:"),
                             konst = SPAN_LIT("const:");
    if (span_starts(s, json))
        return json_pointer_valid(span_skip(s, json.n));
    if (span_starts(s, header))
        return template_token(span_skip(s, header.n));
    if (span_starts(s, path))
        return s.n > path.n && s.n < path.n + 3 && strspn(s.p + path.n, "0123456789") == s.n - path.n;
    return span_starts(s, konst) && s.n > konst.n;
}

static enum err add_default(struct compiler *c, struct span s, void *arg)
{
    struct refs *refs = arg;
    if (!default_valid(s))
        return compiler_fault(c, "must be json:/POINTER, header:NAME, path:N or const:TEXT");
    if (refs->n == RECIPE_REFS_MAX)
        return compiler_fault(c, "more than %d references", RECIPE_REFS_MAX);
    refs->text[refs->n++] = s.p;
    return ERR_OK;
}

static enum err set_type(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_default, &c->r->defaults[DEFAULT_TYPE]);
}

static enum err set_event_id(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_default, &c->r->defaults[DEFAULT_EVENT_ID]);
}

static enum err set_order_key(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_default, &c->r->defaults[DEFAULT_ORDER_KEY]);
}

static enum err set_version(struct compiler *c, struct span value)
{
    return compiler_texts(c, value, add_default, &c->r->defaults[DEFAULT_VERSION]);
}

static const struct compiler_member default_members[] = {
    {"type", set_type, false},
    {"event_id", set_event_id, false},
    {"order_key", set_order_key, false},
    {"version", set_version, false},
};

static enum err set_defaults(struct compiler *c, struct span value)
{
    return OBJECT(c, value, default_members);
}

static enum err set_variants(struct compiler *c, struct span value)
{
    return json_type_of(value) == JSON_OBJECT ? ERR_OK : compiler_fault(c, "must be an object of variants");
}

static const struct compiler_member recipe_members[] = {
    {"signature", set_signature, true},      {"timestamp", set_timestamp, false},
    {"assert", set_assert, false},           {"key_encoding", set_key_encoding, false},
    {"credentials", set_credentials, false}, {"repeatable", set_repeatable, false},
    {"defaults", set_defaults, false},       {"title", set_prose, false},
    {"documentation", set_prose, false},     {"recipe", set_name, true},
    {"variants", set_variants, false},
};
/* A variant may say everything but the last two. */
enum { N_MEMBERS = sizeof recipe_members / sizeof *recipe_members, N_VARIANT_MEMBERS = N_MEMBERS - 2 };

static enum err find_variant(struct compiler *c, const char *variant)
{
    struct span all = json_member(c->whole, "variants");
    size_t at = compiler_enter(c, SPAN_LIT("variants"));
    if (!variant) {
        compiler_leave(c, at);
        return ERR_OK;
    }
    if (json_type_of(all) != JSON_OBJECT)
        return compiler_fault(c, "this recipe has no variants, so none is called '%s'", variant);
    c->variant = json_member(all, variant);
    if (!c->variant.p)
        return compiler_fault(c, "no variant is called '%s'", variant);
    compiler_leave(c, at);
    return ERR_OK;
}

static enum err all_members(struct compiler *c, const char *variant)
{
    enum err e = find_variant(c, variant);
    if (e == ERR_OK)
        e = compiler_each(c, c->whole, recipe_members, N_MEMBERS, c->variant);
    if (e == ERR_OK && c->variant.p) {
        size_t at = strlen(c->pointer);
        snprintf(c->pointer, sizeof c->pointer, "/variants/%s", variant);
        e = compiler_each(c, c->variant, recipe_members, N_VARIANT_MEMBERS, SPAN_NONE);
        if (e == ERR_OK)
            compiler_leave(c, at);
    }
    for (size_t i = 0; e == ERR_OK && i < N_MEMBERS; i++)
        if (recipe_members[i].required && !json_member(c->whole, recipe_members[i].name).p &&
            !(c->variant.p && json_member(c->variant, recipe_members[i].name).p))
            return compiler_fault(c, "member '%s' is missing", recipe_members[i].name);
    return e;
}

static bool in_content(const struct recipe *r, const struct ref *ref)
{
    for (size_t i = 0; i < r->n_content; i++)
        if (r->content[i].kind == ref->kind && r->content[i].slot == ref->slot)
            return true;
    return false;
}

static enum err check_key_encoding(struct compiler *c)
{
    struct span s = span_str(c->r->key_encoding);
    size_t at = compiler_enter(c, SPAN_LIT("key_encoding"));
    if (!s.p)
        return compiler_fault(c, "is missing");
    if (!key_encoding_known(s, c->r->algorithm->family)) {
        size_t n;
        const char *const *names = key_encoding_names(&n);
        if (key_encoding_known(s, FAMILY_HMAC) || key_encoding_known(s, FAMILY_ED25519))
            return compiler_fault(c, "%s does not go with %s", s.p, c->r->algorithm->name);
        return compiler_unknown(c, "key encoding", s, names, n);
    }
    compiler_leave(c, at);
    return ERR_OK;
}

/* What must hold between members. */
static enum err check_whole(struct compiler *c)
{
    struct recipe *r = c->r;
    const struct ref body = {.kind = REF_BODY};
    if (r->none)
        return r->has_timestamp || r->n_asserts || r->key_encoding
                   ? compiler_fault(
                         c, "\"signature\": \"none\" leaves nothing for 'timestamp', 'assert' or 'key_encoding'")
                   : ERR_OK;
    if (!in_content(r, &body))
        return compiler_fault(c, "the signed content must hold {body}");
    if (r->n_fields > 0 && (!r->signature.pair || !r->signature.list))
        return compiler_fault(c, "field:NAME needs 'list' and 'pair' in the signature");
    if (r->has_timestamp && !in_content(r, &r->timestamp.from))
        return compiler_fault(c, "the timestamp is not part of the signed content, so it proves nothing");
    for (size_t i = 0; i < r->signature.n_from; i++) {
        struct header_slot *h = &r->headers[r->signature.from[i]];
        h->repeats = recipe_may_repeat(r, h->name);
    }
    return check_key_encoding(c);
}

enum err recipe_compile(const char *name, struct span json, const char *variant, struct recipe **out, struct why *w)
{
    struct json_error bad;
    if (json.n > RECIPE_TEXT_MAX)
        return why_set(w, ERR_INVALID, "/: a recipe has at most %d bytes", RECIPE_TEXT_MAX);
    if (json_check(json, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        return why_set(w, ERR_INVALID, "/: byte %zu: %s", bad.offset, bad.what);
    struct recipe *r = calloc(1, sizeof *r);
    /* Each text takes at least three bytes of JSON and at most 16 more than it has. */
    if (!r || !arena_init(&r->memory, json.n * 8 + strlen(name) + 256)) {
        free(r);
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    }
    r->name = arena_copy(&r->memory, span_str(name)).p;
    struct compiler c = {.r = r, .whole = json, .w = w};
    enum err e = all_members(&c, variant);
    if (e == ERR_OK)
        e = check_whole(&c);
    if (e != ERR_OK) {
        recipe_free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

bool recipe_has_variant(struct span json, const char *variant)
{
    struct json_error bad;
    if (json_check(json, JSON_LIMITS_DEFAULT, &bad) != ERR_OK || json_type_of(json) != JSON_OBJECT)
        return false;
    struct span all = json_member(json, "variants");
    return all.p && json_type_of(all) == JSON_OBJECT && json_member(all, variant).p;
}

void recipe_free(struct recipe *r)
{
    if (!r)
        return;
    arena_fini(&r->memory);
    free(r);
}
