/* SPDX-License-Identifier: MIT
 * compile: a recipe's JSON into struct recipe, every member by a row of a table, every fault with its JSON pointer.
 * Runs when a configuration is loaded, in any process; never on a request.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "recipe/compiler.h"

enum { RULES_ROOM = 256 * 1024 }; /* of lists, which have room for their limit while they are filled */

static enum err set_name(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && !span_eq_str(s, c->r->name))
        return compiler_fault(c, "must be the file's name, '%s'", c->r->name);
    return e;
}

static enum err set_text(struct compiler *c, struct span value, const char **out)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK)
        *out = s.p;
    return e;
}

static enum err set_title(struct compiler *c, struct span value)
{
    return set_text(c, value, &c->r->title);
}

static enum err set_documentation(struct compiler *c, struct span value)
{
    return set_text(c, value, &c->r->documentation);
}

static enum err set_key_encoding(struct compiler *c, struct span value)
{
    return set_text(c, value, &c->r->key_encoding);
}

static enum err set_notes(struct compiler *c, struct span value)
{
    return compiler_words(c, value, &c->r->notes);
}

static enum err header_names(struct compiler *c, struct span value, struct words *out)
{
    enum err e = compiler_words(c, value, out);
    for (size_t i = 0; e == ERR_OK && i < out->n; i++)
        if (!value_token(span_str(out->list[i])))
            return compiler_fault(c, "'%s' is not a header name", out->list[i]);
    return e;
}

static enum err set_credentials(struct compiler *c, struct span value)
{
    return header_names(c, value, &c->r->credentials);
}

static enum err set_repeatable(struct compiler *c, struct span value)
{
    return header_names(c, value, &c->r->repeatable);
}

/* Whoever identifies events parses these again; here they are tried, so that a fault is found where it stands. */
static enum err add_default(struct compiler *c, struct span s, void *arg)
{
    struct refs *refs = arg;
    struct why w;
    const struct value_scope scope = {.r = c->r, .memory = &c->r->memory, .defaults = true};
    struct text text;
    if (value_fact(&scope, s, &text, &w) != ERR_OK)
        return compiler_fault(c, "%s", w.text);
    if (refs->n == RECIPE_REFS_MAX)
        return compiler_fault(c, "more than %d references", RECIPE_REFS_MAX);
    refs->text[refs->n++] = s.p;
    return ERR_OK;
}

static enum err set_default(struct compiler *c, struct span value, int which)
{
    return compiler_texts(c, value, add_default, &c->r->defaults[which]);
}

static enum err set_type(struct compiler *c, struct span value)
{
    return set_default(c, value, DEFAULT_TYPE);
}

static enum err set_event_id(struct compiler *c, struct span value)
{
    return set_default(c, value, DEFAULT_EVENT_ID);
}

static enum err set_order_key(struct compiler *c, struct span value)
{
    return set_default(c, value, DEFAULT_ORDER_KEY);
}

static enum err set_version(struct compiler *c, struct span value)
{
    return set_default(c, value, DEFAULT_VERSION);
}

static enum err set_time(struct compiler *c, struct span value)
{
    return set_default(c, value, DEFAULT_TIME);
}

static const struct compiler_member default_members[] = {
    {"type", set_type, false},       {"event_id", set_event_id, false}, {"order_key", set_order_key, false},
    {"version", set_version, false}, {"time", set_time, false},
};

static enum err set_defaults(struct compiler *c, struct span value)
{
    return COMPILER_OBJECT(c, value, default_members);
}

static enum err set_variants(struct compiler *c, struct span value)
{
    return json_type_of(value) == JSON_OBJECT ? ERR_OK : compiler_fault(c, "must be an object of variants");
}

static enum err set_like(struct compiler *c, struct span value)
{
    struct span s;
    return compiler_nonempty(c, value, &s);
}

/* In the order in which they are compiled. Which may a variant say, and which does a recipe take from the one it is
 * like? */
static const struct {
    struct compiler_member member;
    bool of_variant, taken;
} members[] = {
    {{"recipe", set_name, true}, false, false},
    {{"like", set_like, false}, false, false},
    {{"title", set_title, false}, true, false},
    {{"documentation", set_documentation, false}, true, true},
    {{"notes", set_notes, false}, true, true},
    {{"variants", set_variants, false}, false, false},
    {{"repeatable", set_repeatable, false}, true, true},
    {{"credentials", set_credentials, false}, true, true},
    {{"signature", compile_signature, true}, true, true},
    {{"key_encoding", set_key_encoding, false}, true, true},
    {{"timestamp", compile_timestamp, false}, true, true},
    {{"assert", compile_assert, false}, true, true},
    {{"answers", compile_answers, false}, true, true},
    {{"handshakes", compile_handshakes, false}, true, true},
    {{"defaults", set_defaults, false}, true, true},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

/* Where members are looked for, in this order. */
struct layer {
    struct span object;
    char place[COMPILER_POINTER_MAX];
};
enum { LAYER_VARIANT, LAYER_OWN, LAYER_LIKE, LAYERS };

static enum err find_variant(struct compiler *c, const char *variant, struct layer layers[LAYERS])
{
    struct span all = json_member(layers[LAYER_OWN].object, "variants");
    if (!variant)
        return ERR_OK;
    size_t at = compiler_enter(c, SPAN_LIT("variants"));
    if (!all.p || json_type_of(all) != JSON_OBJECT)
        return compiler_fault(c, "this recipe has no variants, so none is called '%s'", variant);
    layers[LAYER_VARIANT].object = json_member(all, variant);
    if (!layers[LAYER_VARIANT].object.p)
        return compiler_fault(c, "no variant is called '%s'", variant);
    snprintf(layers[LAYER_VARIANT].place, COMPILER_POINTER_MAX, "/variants/%s", variant);
    compiler_leave(c, at);
    return ERR_OK;
}

static enum err all_known(struct compiler *c, const struct layer *layer, bool variant)
{
    struct compiler_member rows[N_MEMBERS];
    size_t n = 0;
    for (size_t i = 0; i < N_MEMBERS; i++)
        if (!variant || members[i].of_variant)
            rows[n++] = members[i].member;
    snprintf(c->pointer, sizeof c->pointer, "%s", layer->place);
    enum err e = layer->object.p ? compiler_known(c, layer->object, rows, n) : ERR_OK;
    if (e == ERR_OK)
        c->pointer[0] = 0;
    return e;
}

static enum err set_member(struct compiler *c, size_t i, const struct layer layers[LAYERS])
{
    for (size_t l = 0; l < LAYERS; l++) {
        struct span object = l == LAYER_LIKE && !members[i].taken ? SPAN_NONE : layers[l].object;
        struct span value = object.p ? json_member(object, members[i].member.name) : SPAN_NONE;
        if (!value.p)
            continue;
        snprintf(c->pointer, sizeof c->pointer, "%s", layers[l].place);
        compiler_enter(c, span_str(members[i].member.name));
        enum err e = members[i].member.set(c, value);
        if (e == ERR_OK)
            c->pointer[0] = 0;
        return e;
    }
    return members[i].member.required ? compiler_fault(c, "member '%s' is missing", members[i].member.name) : ERR_OK;
}

static enum err all_members(struct compiler *c, struct span own, struct span like, const char *variant)
{
    struct layer layers[LAYERS] = {[LAYER_OWN] = {.object = own}, [LAYER_LIKE] = {.object = like}};
    char name[RECIPE_NAME_BYTES];
    recipe_like(own, name);
    snprintf(layers[LAYER_LIKE].place, COMPILER_POINTER_MAX, "%s: ", name);
    if (json_type_of(own) != JSON_OBJECT)
        return compiler_fault(c, "must be an object");
    if (name[0] && !like.p)
        return compiler_fault(c, "it is like '%s', which cannot be read", name);
    if (like.p && json_member(like, "like").p)
        return compiler_fault(c, "it is like '%s', which is like another one itself", name);
    enum err e = find_variant(c, variant, layers);
    if (e == ERR_OK)
        e = all_known(c, &layers[LAYER_OWN], false);
    if (e == ERR_OK)
        e = all_known(c, &layers[LAYER_VARIANT], true);
    for (size_t i = 0; e == ERR_OK && i < N_MEMBERS; i++)
        e = set_member(c, i, layers);
    return e;
}

static enum err check_text(struct span json, struct why *w)
{
    struct json_error bad;
    if (json.n > RECIPE_TEXT_MAX)
        return why_set(w, ERR_INVALID, "/: a recipe has at most %d bytes", RECIPE_TEXT_MAX);
    if (json_check(json, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        return why_set(w, ERR_INVALID, "/: byte %zu: %s", bad.offset, bad.what);
    return ERR_OK;
}

enum err recipe_compile_like(const char *name, struct span json, struct span like, const char *variant,
                             struct recipe **out, struct why *w)
{
    enum err e = check_text(json, w);
    if (e == ERR_OK && like.p)
        e = check_text(like, w);
    if (e != ERR_OK)
        return e;
    struct recipe *r = calloc(1, sizeof *r);
    /* A reference takes three bytes of JSON at least. */
    if (!r || !arena_init(&r->memory, (json.n + like.n) * sizeof(struct ref) + strlen(name) + RULES_ROOM)) {
        free(r);
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    }
    r->name = arena_copy(&r->memory, span_str(name)).p;
    struct compiler c = {.r = r, .w = w};
    e = all_members(&c, json, like, variant);
    if (e == ERR_OK)
        e = compile_whole(&c);
    if (e != ERR_OK) {
        recipe_free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

enum err recipe_compile(const char *name, struct span json, const char *variant, struct recipe **out, struct why *w)
{
    return recipe_compile_like(name, json, SPAN_NONE, variant, out, w);
}

enum err recipe_load(const struct config *c, const char *name, const char *variant, struct recipe **out, struct why *w)
{
    char like[RECIPE_NAME_BYTES];
    const char *text = config_recipe_text(c, name);
    if (!text)
        return why_set(w, ERR_NOT_FOUND, "recipe %s was not loaded", name);
    recipe_like(span_str(text), like);
    const char *other = like[0] ? config_recipe_text(c, like) : NULL;
    return recipe_compile_like(name, span_str(text), span_str(other), variant, out, w);
}

void recipe_like(struct span json, char name[RECIPE_NAME_BYTES])
{
    struct json_error bad;
    name[0] = 0;
    if (json_check(json, JSON_LIMITS_DEFAULT, &bad) != ERR_OK || json_type_of(json) != JSON_OBJECT)
        return;
    struct span like = json_member(json, "like");
    struct span text = like.p && json_type_of(like) == JSON_STRING ? json_plain_string(like) : SPAN_NONE;
    if (text.p && text.n < RECIPE_NAME_BYTES)
        snprintf(name, RECIPE_NAME_BYTES, "%.*s", (int)text.n, text.p);
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
