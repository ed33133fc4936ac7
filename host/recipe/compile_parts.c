/* SPDX-License-Identifier: MIT
 * compile_parts: the members of a recipe that are objects with a meaning of their own: signature, timestamp, assert.
 * Runs when a configuration is loaded; never on a request.
 */
#include "base/json.h"
#include "base/units.h"
#include "recipe/compiler.h"
#include "recipe/grammar.h"
#include "recipe/template.h"

static enum err because(struct compiler *c, const struct why *w)
{
    return compiler_fault(c, "%s", w->text);
}

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

enum err compile_signature(struct compiler *c, struct span value)
{
    if (json_type_of(value) == JSON_STRING) {
        c->r->none = span_eq_str(json_plain_string(value), "none");
        return c->r->none ? ERR_OK : compiler_fault(c, "must be an object, or \"none\" for senders that prove nothing");
    }
    enum err e = COMPILER_OBJECT(c, value, signature_members);
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

enum err compile_timestamp(struct compiler *c, struct span value)
{
    c->r->has_timestamp = true;
    c->r->timestamp.future_ms = FUTURE_SAME;
    return COMPILER_OBJECT(c, value, timestamp_members);
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
enum err compile_assert(struct compiler *c, struct span value)
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
        enum err e = COMPILER_OBJECT(c, v, assert_members);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return ERR_OK;
}
