/* SPDX-License-Identifier: MIT
 * compile_parts: what must be where and when: timestamp and assert. Runs when a configuration is loaded; never on a
 * request.
 */
#include "base/json.h"
#include "recipe/compiler.h"

static enum err set_time_from(struct compiler *c, struct span value)
{
    struct span s;
    struct ref *from = &c->r->timestamp.from;
    enum err e = compiler_nonempty(c, value, &s);
    if (e == ERR_OK)
        e = compiler_ref(c, s, from);
    if (e == ERR_OK && (from->kind == REF_BODY || from->kind == REF_METHOD || from->kind == REF_SECRET ||
                        from->kind == REF_NOW || from->kind == REF_SIGNED_HEADERS))
        return compiler_fault(c, "a time is read from header:NAME, field:NAME, json:/POINTER, claim:/POINTER, …");
    return e;
}

static enum err set_time_format(struct compiler *c, struct span value)
{
    static const char *const names[TIME_FORMATS] = {[TIME_SECONDS] = "s",
                                                    [TIME_MILLISECONDS] = "ms",
                                                    [TIME_RFC3339] = "rfc3339",
                                                    [TIME_ISO8601_UTC] = "iso8601-utc",
                                                    [TIME_HTTP_DATE] = "http-date"};
    size_t i;
    enum err e = compiler_choice(c, value, names, TIME_FORMATS, &i);
    if (e == ERR_OK)
        c->r->timestamp.format = (enum time_format)i;
    return e;
}

static enum err set_tolerance(struct compiler *c, struct span value)
{
    enum err e = compiler_duration(c, value, &c->r->timestamp.past_ms);
    return e == ERR_OK && c->r->timestamp.past_ms == 0 ? compiler_fault(c, "must be a duration like \"5m\"") : e;
}

static enum err set_future(struct compiler *c, struct span value)
{
    if (json_type_of(value) == JSON_STRING && span_eq_str(json_plain_string(value), "any")) {
        c->r->timestamp.future_ms = FUTURE_ANY;
        return ERR_OK;
    }
    return compiler_duration(c, value, &c->r->timestamp.future_ms);
}

static enum err set_time_signed(struct compiler *c, struct span value)
{
    bool is_signed;
    enum err e = compiler_bool(c, value, &is_signed);
    if (e == ERR_OK)
        c->r->timestamp.unsigned_time = !is_signed;
    return e;
}

static const struct compiler_member timestamp_members[] = {
    {"from", set_time_from, true},    {"format", set_time_format, true},  {"tolerance", set_tolerance, true},
    {"future", set_future, false},    {"signed", set_time_signed, false},
};

enum err compile_timestamp(struct compiler *c, struct span value)
{
    c->r->has_timestamp = true;
    c->r->timestamp.future_ms = FUTURE_SAME;
    return COMPILER_OBJECT(c, value, timestamp_members);
}

/* ---- what must hold ---- */

static enum err set_equals(struct compiler *c, struct span value)
{
    return compiler_template(c, value, &c->rule->equals);
}

static enum err set_includes(struct compiler *c, struct span value)
{
    return compiler_template(c, value, &c->rule->includes);
}

static enum err set_one_of(struct compiler *c, struct span value)
{
    return compiler_words(c, value, &c->rule->one_of);
}

static enum err set_matches(struct compiler *c, struct span value)
{
    return compiler_words(c, value, &c->rule->matches);
}

static enum err set_without(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &c->rule->without);
}

/* "0-9a-f": bytes and ranges of them; a '-' that stands for itself comes first or last. */
static enum err set_characters(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    for (size_t i = 0; e == ERR_OK && i < s.n; i++) {
        unsigned first = (unsigned char)s.p[i], last = first;
        if (i + 2 < s.n && s.p[i + 1] == '-') {
            last = (unsigned char)s.p[i + 2];
            i += 2;
        }
        if (last < first)
            return compiler_fault(c, "'%c-%c' is a range that runs backwards", (int)first, (int)last);
        for (unsigned b = first; b <= last; b++)
            c->rule->characters[b / 64] |= UINT64_C(1) << b % 64;
    }
    return e;
}

static enum err set_size(struct compiler *c, struct span value, size_t *out)
{
    int64_t n;
    enum err e = compiler_number(c, value, 1, RECIPE_TEXT_MAX, &n);
    if (e == ERR_OK)
        *out = (size_t)n;
    return e;
}

static enum err set_min_bytes(struct compiler *c, struct span value)
{
    return set_size(c, value, &c->rule->min_bytes);
}

static enum err set_max_bytes(struct compiler *c, struct span value)
{
    return set_size(c, value, &c->rule->max_bytes);
}

static enum err set_present(struct compiler *c, struct span value)
{
    bool present;
    enum err e = compiler_bool(c, value, &present);
    if (e == ERR_OK)
        c->rule->absent = !present;
    return e;
}

static enum err set_optional(struct compiler *c, struct span value)
{
    return compiler_bool(c, value, &c->rule->optional);
}

static enum err set_when(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    c->rule->has_when = true;
    return e == ERR_OK ? compiler_ref(c, s, &c->rule->when) : e;
}

static const struct compiler_member rule_members[] = {
    {"equals", set_equals, false},         {"one_of", set_one_of, false},       {"matches", set_matches, false},
    {"without", set_without, false},       {"characters", set_characters, false}, {"min_bytes", set_min_bytes, false},
    {"max_bytes", set_max_bytes, false},   {"present", set_present, false},     {"optional", set_optional, false},
    {"when", set_when, false},             {"includes", set_includes, false},
};

static enum err add_rule(struct compiler *c, struct span reference, struct span value, struct rules *out)
{
    if (out->n == RECIPE_RULES_MAX)
        return compiler_fault(c, "more than %d conditions", RECIPE_RULES_MAX);
    c->rule = &out->list[out->n++];
    enum err e = compiler_ref(c, reference, &c->rule->of);
    return e == ERR_OK ? COMPILER_OBJECT(c, value, rule_members) : e;
}

enum err compile_rules(struct compiler *c, struct span value, struct rules *out)
{
    struct span name, v, one;
    struct rules rules = {0};
    if (json_type_of(value) != JSON_OBJECT)
        return compiler_fault(c, "must be an object of references");
    enum err e = compiler_room(c, RECIPE_RULES_MAX, sizeof *rules.list, &rules.list);
    for (struct json_iter it = json_iter(value); e == ERR_OK && json_next_member(&it, &name, &v);) {
        size_t at = compiler_enter(c, name);
        if (json_type_of(v) != JSON_ARRAY)
            e = add_rule(c, name, v, &rules);
        else
            for (struct json_iter list = json_iter(v); e == ERR_OK && json_next_element(&list, &one);)
                e = add_rule(c, name, one, &rules);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    *out = rules;
    return e;
}

enum err compile_assert(struct compiler *c, struct span value)
{
    return compile_rules(c, value, &c->r->asserts);
}
