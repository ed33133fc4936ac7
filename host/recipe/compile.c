/* SPDX-License-Identifier: MIT
 * compile: a recipe's JSON into struct recipe, every member by a row of a table, every fault with its JSON pointer.
 * Runs when a configuration is loaded, in any process; never on a request.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "recipe/compiler.h"
#include "recipe/key.h"
#include "recipe/template.h"

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
    return COMPILER_OBJECT(c, value, default_members);
}

static enum err set_variants(struct compiler *c, struct span value)
{
    return json_type_of(value) == JSON_OBJECT ? ERR_OK : compiler_fault(c, "must be an object of variants");
}

static const struct compiler_member recipe_members[] = {
    {"signature", compile_signature, true},  {"timestamp", compile_timestamp, false},
    {"assert", compile_assert, false},       {"key_encoding", set_key_encoding, false},
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
        if (key_encoding_known(s, ~0U))
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
