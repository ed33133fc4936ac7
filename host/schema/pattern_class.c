/* SPDX-License-Identifier: MIT
 * pattern_class: what stands for one character: escapes, \d and its like, \p{…}, classes. Characters are written as \x{…}
 * and classes as their ranges, so that nothing depends on what PCRE2 takes for special. Surrogates, which no UTF-8 has, are left
 * out of ranges, and match nothing.
 */
#include "schema/pattern_syntax.h"

#include <ctype.h>

#include "base/codec.h"

enum { LAST = 0x10ffff, SURROGATES = 0xd800, SURROGATES_END = 0xe000 };

struct range {
    uint32_t from, to;
};

static const struct range digits[] = {{'0', '9'}, {LAST + 1, 0}};
static const struct range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}, {LAST + 1, 0}};
/* WhiteSpace and LineTerminator, ECMA-262 sections 12.2 and 12.3. */
static const struct range space[] = {{9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                                     {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                                     {0x3000, 0x3000}, {0xfeff, 0xfeff}, {LAST + 1, 0}};

static const struct property {
    const char *name, *pcre;
    bool category; /* may stand behind General_Category= */
} properties[] = {
#define CATEGORY(name, pcre) {name, pcre, true},
#define BINARY(name, pcre) {name, pcre, false},
#include "schema/pattern_properties.tbl"
#undef CATEGORY
#undef BINARY
};

uint32_t syntax_character(struct syntax *s)
{
    const unsigned char *p = (const unsigned char *)s->p;
    size_t n = utf8_sequence(span_of(s->p, (size_t)(s->end - s->p)));
    uint32_t c = n < 2 ? *p : *p & (0x7fU >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    s->p += n ? n : 1;
    return c;
}

static bool is_surrogate(uint32_t c)
{
    return c >= SURROGATES && c < SURROGATES_END;
}

void syntax_put_character(struct syntax *s, uint32_t c)
{
    if (s->out && is_surrogate(c))
        buf_puts(s->out, "(?:(?!))");
    else if (s->out)
        buf_printf(s->out, "\\x{%x}", c);
}

static void put_range(struct syntax *s, uint32_t from, uint32_t to)
{
    if (is_surrogate(from))
        from = SURROGATES_END;
    if (is_surrogate(to))
        to = SURROGATES - 1;
    if (s->out && from <= to)
        buf_printf(s->out, "\\x{%x}-\\x{%x}", from, to);
}

static void put_set(struct syntax *s, const struct range *set, bool negated)
{
    uint32_t next = 0;
    for (; set->from <= LAST; set++) {
        if (!negated)
            put_range(s, set->from, set->to);
        else if (set->from > next)
            put_range(s, next, set->from - 1);
        next = set->to + 1;
    }
    if (negated)
        put_range(s, next, LAST);
}

static bool take_hex(struct syntax *s, size_t n, uint32_t *c)
{
    *c = 0;
    if ((size_t)(s->end - s->p) < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char digit = (unsigned char)s->p[i];
        if (!isxdigit(digit))
            return false;
        *c = *c << 4 | (uint32_t)(isdigit(digit) ? digit - '0' : tolower(digit) - 'a' + 10);
    }
    s->p += n;
    return true;
}

/* Behind \u: four digits, of which two surrogates make one character, or {digits}. */
static bool take_unicode(struct syntax *s, uint32_t *c)
{
    uint32_t low;
    if (s->p < s->end && *s->p == '{') {
        const char *from = ++s->p;
        for (*c = 0; s->p < s->end && *c <= LAST && take_hex(s, 1, &low);)
            *c = *c << 4 | low;
        return s->p > from && *c <= LAST && s->p < s->end && *s->p++ == '}';
    }
    if (!take_hex(s, 4, c))
        return false;
    const char *after = s->p;
    if (*c < 0xdc00 && is_surrogate(*c) && s->end - s->p >= 2 && s->p[0] == '\\' && s->p[1] == 'u') {
        s->p += 2;
        if (take_hex(s, 4, &low) && low >= 0xdc00 && is_surrogate(low))
            *c = 0x10000 + ((*c - SURROGATES) << 10) + (low - 0xdc00);
        else
            s->p = after;
    }
    return true;
}

static bool take_control(struct syntax *s, char letter, uint32_t *c)
{
    static const char letters[] = "tnvfr";
    const char *found = memchr(letters, letter, 5);
    if (found) {
        *c = (uint32_t)(9 + (found - letters));
        return true;
    }
    if (letter == 'c' && s->p < s->end && isalpha((unsigned char)*s->p)) {
        *c = (uint32_t)*s->p++ & 31;
        return true;
    }
    *c = 0;
    return letter == '0' && !(s->p < s->end && isdigit((unsigned char)*s->p));
}

enum err syntax_character_escape(struct syntax *s, uint32_t *c)
{
    const char *at = s->p++;
    if (s->p == s->end)
        return syntax_fault(s, at, "a \\ at the end escapes nothing");
    char letter = *s->p++;
    if (letter == 'x' ? take_hex(s, 2, c) : letter == 'u' ? take_unicode(s, c) : take_control(s, letter, c))
        return ERR_OK;
    *c = (unsigned char)letter;
    if (ispunct((unsigned char)letter))
        return ERR_OK;
    return syntax_fault(
        s, at,
        "this escape means nothing in ECMA-262 (\\d \\w \\s \\b \\t \\n \\v \\f \\r \\0 \\cA \\x41 \\u0041 "
        "\\u{1F432} \\p{…} \\1 \\k<name> do, and a \\ before punctuation)");
}

static const char *find_property(struct span name, bool category)
{
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (span_eq_str(name, properties[i].name) && (properties[i].category || !category))
            return properties[i].pcre;
    return NULL;
}

static bool is_word(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_')
            return false;
    return s.n > 0;
}

/* What stands between the braces of \p{…}, written for PCRE2. False when it is nothing that is known. */
static bool put_property(struct syntax *s, struct span text, bool negated)
{
    const char *equals = memchr(text.p, '=', text.n), *pcre, *script = NULL;
    struct span key = span_of(text.p, equals ? (size_t)(equals - text.p) : 0),
                value = span_skip(text, equals ? key.n + 1 : 0);
    if (span_eq_str(key, "Script") || span_eq_str(key, "sc"))
        script = "sc";
    else if (span_eq_str(key, "Script_Extensions") || span_eq_str(key, "scx"))
        script = "scx";
    else if (equals && !span_eq_str(key, "General_Category") && !span_eq_str(key, "gc"))
        return false;
    if (script) {
        if (is_word(value) && s->out)
            buf_printf(s->out, "\\%c{%s:%.*s}", negated ? 'P' : 'p', script, (int)value.n, value.p);
        return is_word(value);
    }
    if (!(pcre = find_property(value, equals != NULL)))
        return false;
    negated ^= *pcre == '^';
    if (s->out)
        buf_printf(s->out, "\\%c{%s}", negated ? 'P' : 'p', pcre + (*pcre == '^'));
    return true;
}

static enum err take_property(struct syntax *s)
{
    const char *at = s->p;
    bool negated = s->p[1] == 'P';
    s->p += 2;
    const char *end = memchr(s->p, '}', (size_t)(s->end - s->p));
    if (s->p == s->end || *s->p != '{' || !end || !put_property(s, span_of(s->p + 1, (size_t)(end - s->p - 1)), negated))
        return syntax_fault(
            s, at,
            "\\p{…} and \\P{…} name a general category (L, Letter), a property (Alphabetic) or a script "
            "(Script=Greek), in their letter case");
    s->p = end + 1;
    return ERR_OK;
}

/* The set of \d, \w or \s, or NULL. */
static const struct range *find_set(char letter)
{
    switch (letter) {
    case 'd':
    case 'D':
        return digits;
    case 'w':
    case 'W':
        return word;
    case 's':
    case 'S':
        return space;
    default:
        return NULL;
    }
}

/* The same without the brackets, for inside of a class. */
static enum err class_escape_items(struct syntax *s, bool *taken)
{
    char letter = s->end - s->p >= 2 && *s->p == '\\' ? s->p[1] : 0;
    const struct range *set = find_set(letter);
    *taken = set || letter == 'p' || letter == 'P';
    if (!set)
        return *taken ? take_property(s) : ERR_OK;
    s->p += 2;
    put_set(s, set, isupper((unsigned char)letter));
    return ERR_OK;
}

enum err syntax_class_escape(struct syntax *s, bool *taken)
{
    size_t mark = s->out ? s->out->n : 0;
    syntax_put(s, "[");
    enum err e = class_escape_items(s, taken);
    if (*taken)
        syntax_put(s, "]");
    else if (s->out)
        s->out->n = mark;
    return e;
}

static enum err class_character(struct syntax *s, uint32_t *c)
{
    if (*s->p != '\\') {
        *c = syntax_character(s);
        return ERR_OK;
    }
    if (s->end - s->p >= 2 && s->p[1] == 'b') {
        *c = 8;
        s->p += 2;
        return ERR_OK;
    }
    return syntax_character_escape(s, c);
}

static bool at_range(const struct syntax *s)
{
    return s->end - s->p >= 2 && s->p[0] == '-' && s->p[1] != ']';
}

static enum err class_item(struct syntax *s)
{
    bool set;
    uint32_t from, to;
    const char *at = s->p;
    enum err e = class_escape_items(s, &set);
    if (e != ERR_OK || (set && !at_range(s)))
        return e;
    if (!set && (e = class_character(s, &from)) != ERR_OK)
        return e;
    if (!at_range(s)) {
        put_range(s, from, from);
        return ERR_OK;
    }
    s->p++;
    bool set_behind = s->end - s->p >= 2 && *s->p == '\\' && (find_set(s->p[1]) || s->p[1] == 'p' || s->p[1] == 'P');
    if (set || set_behind)
        return syntax_fault(s, at, "a range in a class goes from one character to another");
    if ((e = class_character(s, &to)) != ERR_OK)
        return e;
    if (from > to)
        return syntax_fault(s, at, "this range is out of order");
    put_range(s, from, to);
    return ERR_OK;
}

enum err syntax_class(struct syntax *s)
{
    const char *at = s->p++;
    enum err e = ERR_OK;
    bool negated = s->p < s->end && *s->p == '^';
    s->p += negated;
    size_t mark = s->out ? s->out->n : 0;
    syntax_put(s, negated ? "[^" : "[");
    size_t items = s->out ? s->out->n : 0;
    while (e == ERR_OK && s->p < s->end && *s->p != ']')
        e = class_item(s);
    if (e != ERR_OK)
        return e;
    if (s->p == s->end)
        return syntax_fault(s, at, "a class is not closed: ']' is missing");
    s->p++;
    if (s->out && s->out->n == items && !s->out->failed) { /* of nothing, or of surrogates only */
        s->out->n = mark;
        buf_puts(s->out, negated ? "[\\x{0}-\\x{10ffff}]" : "(?:(?!))");
    } else
        syntax_put(s, "]");
    return ERR_OK;
}
