/* SPDX-License-Identifier: MIT
 * rule: does a value meet what a recipe asks of it? Comparisons with what an operator typed in take the same time wherever
 * they differ. Any thread.
 */
#include <sodium.h>

#include "base/config.h"
#include "recipe/proof.h"

static bool equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

static bool listed(const struct words *words, struct span value)
{
    for (size_t i = 0; i < words->n; i++)
        if (span_eq_str(value, words->list[i]))
            return true;
    return words->n == 0;
}

static bool matches(const struct words *patterns, struct span value)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (config_pattern_match(patterns->list[i], value))
            return true;
    return patterns->n == 0;
}

static bool characters_fit(const struct rule *rule, struct span value)
{
    static const uint64_t any[4];
    bool chosen = memcmp(rule->characters, any, sizeof any) != 0;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char b = (unsigned char)value.p[i];
        if (chosen && !(rule->characters[b / 64] >> b % 64 & 1))
            return false;
        if (rule->without.n > 0 && memchr(rule->without.p, b, rule->without.n))
            return false;
    }
    return true;
}

static const char *form_fault(const struct rule *rule, struct span value)
{
    if (rule->max_bytes && value.n > rule->max_bytes)
        return "is too long";
    if (value.n < rule->min_bytes)
        return "is too short";
    if (!characters_fit(rule, value))
        return "holds a character that it must not";
    if (!listed(&rule->one_of, value) || !matches(&rule->matches, value))
        return "is not one of the values that are allowed";
    return NULL;
}

/* Is word one of the value's, which blanks separate (RFC 6749 section 3.3)? */
static bool has_word(struct span value, struct span word)
{
    bool found = false;
    while (value.n > 0) {
        const char *blank = memchr(value.p, ' ', value.n);
        size_t n = blank ? (size_t)(blank - value.p) : value.n;
        found |= n > 0 && equal(span_of(value.p, n), word);
        value = span_skip(value, blank ? n + 1 : n);
    }
    return found;
}

static enum err compare(struct view *v, const struct rule *rule, struct span value, const char **why)
{
    const struct {
        const struct text *text;
        bool (*holds)(struct span value, struct span other);
    } rows[] = {{&rule->equals, equal}, {&rule->includes, has_word}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ref *missing;
        struct span other = SPAN_NONE;
        if (rows[i].text->n == 0)
            continue;
        enum err e = value_join(v, rows[i].text, &other, &missing);
        if (e != ERR_OK && e != ERR_NOT_FOUND)
            return e;
        if (e == ERR_NOT_FOUND || !rows[i].holds(value, other)) {
            *why = "is not what it must be";
            return ERR_OK;
        }
    }
    return ERR_OK;
}

static enum err asked(struct view *v, const struct rule *rule, bool *out)
{
    struct span value = SPAN_NONE;
    enum err e = rule->has_when ? value_get(v, &rule->when, &value) : ERR_OK;
    if (e == ERR_OK)
        *out = !rule->has_when || value.n > 0;
    return e;
}

enum err rule_holds(struct view *v, const struct rule *rule, bool *holds, const char **why)
{
    struct span value = SPAN_NONE;
    bool applies;
    enum err e = asked(v, rule, &applies);
    *holds = true;
    if (e != ERR_OK || !applies)
        return e;
    e = value_get(v, &rule->of, &value);
    if (e != ERR_OK)
        return e;
    *why = NULL;
    if (!value.p)
        *why = rule->optional || rule->absent ? NULL : "is missing";
    else if (rule->absent)
        *why = "must not be there";
    else
        *why = form_fault(rule, value);
    if (value.p && !*why && (e = compare(v, rule, value, why)) != ERR_OK)
        return e;
    *holds = !*why;
    return ERR_OK;
}

enum err rules_hold(struct view *v, const struct rules *rules, const struct rule **failed, const char **why)
{
    *failed = NULL;
    for (size_t i = 0; i < rules->n; i++) {
        bool holds;
        const struct view_mark mark = view_mark(v);
        enum err e = rule_holds(v, &rules->list[i], &holds, why);
        view_release(v, mark);
        if (e != ERR_OK)
            return e;
        if (!holds) {
            *failed = &rules->list[i];
            return ERR_OK;
        }
    }
    return ERR_OK;
}
