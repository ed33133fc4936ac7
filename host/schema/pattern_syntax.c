/* SPDX-License-Identifier: MIT
 * pattern_syntax: alternatives, groups, assertions, repetitions and back references. Groups lose their names, which
 * become numbers.
 */
#include "schema/pattern_syntax.h"

#include <ctype.h>

void syntax_put(struct syntax *s, const char *text)
{
    if (s->out)
        buf_puts(s->out, text);
}

enum err syntax_fault(const struct syntax *s, const char *at, const char *what)
{
    return why_set(s->why, ERR_INVALID, "byte %zu: %s", (size_t)(at - s->begin), what);
}

static bool starts(const struct syntax *s, const char *text)
{
    return span_starts(span_of(s->p, (size_t)(s->end - s->p)), span_str(text));
}

/* The name behind (?< or \k<, up to its '>'; ECMA-262 wants an identifier, of which every letter beyond ASCII is taken. */
static enum err take_name(struct syntax *s, struct span *name)
{
    const char *from = s->p;
    while (s->p < s->end &&
           (isalnum((unsigned char)*s->p) || *s->p == '_' || *s->p == '$' || (unsigned char)*s->p >= 0x80))
        s->p++;
    if (s->p == from || s->p == s->end || *s->p != '>' || isdigit((unsigned char)*from))
        return syntax_fault(s, from, "the name of a group is <letters and digits>, with a letter first");
    *name = span_of(from, (size_t)(s->p++ - from));
    return ERR_OK;
}

static unsigned find_name(const struct syntax *s, struct span name)
{
    for (unsigned i = 0; i < s->n_names; i++)
        if (span_eq(s->names[i].name, name))
            return s->names[i].group;
    return 0;
}

static enum err note_name(struct syntax *s)
{
    struct span name;
    const char *at = s->p;
    enum err e = take_name(s, &name);
    if (e != ERR_OK)
        return e;
    if (find_name(s, name))
        return syntax_fault(s, at, "two groups have this name");
    if (s->n_names == PATTERN_NAMES_MAX)
        return syntax_fault(s, at, "more than 32 groups have names");
    s->names[s->n_names].name = name;
    s->names[s->n_names++].group = s->groups;
    return ERR_OK;
}

static enum err count_group(struct syntax *s)
{
    bool named = starts(s, "(?<") && !starts(s, "(?<=") && !starts(s, "(?<!");
    if (!named) {
        s->groups += !starts(s, "(?");
        s->p++;
        return ERR_OK;
    }
    s->groups++;
    s->p += 3;
    return note_name(s);
}

/* Back references may come before their groups, so groups are counted first. */
static enum err count_groups(struct syntax *s)
{
    bool class = false;
    enum err e = ERR_OK;
    while (s->p < s->end && e == ERR_OK) {
        char c = *s->p;
        if (c == '(' && !class) {
            e = count_group(s);
            continue;
        }
        s->p += c == '\\' && s->p + 1 < s->end ? 2 : 1;
        class = class ? c != ']' : c == '[';
    }
    s->p = s->begin;
    return e;
}

static enum err open_group(struct syntax *s)
{
    static const struct {
        const char *ecma, *pcre;
        bool assertion;
    } kinds[] = {
        {"(?:", "(?:", false},  {"(?=", "(?=", true}, {"(?!", "(?!", true}, {"(?<=", "(?<=", true},
        {"(?<!", "(?<!", true}, {"(?<", "(", false},  {"(?", NULL, false},  {"(", "(", false},
    };
    size_t i = 0;
    const char *at = s->p;
    while (!starts(s, kinds[i].ecma))
        i++;
    if (!kinds[i].pcre)
        return syntax_fault(s, at, "what follows '(?' is one of : = ! <= <! <name>; modifiers are not supported");
    if (s->depth == PATTERN_DEPTH_MAX)
        return syntax_fault(s, at, "more than 100 groups within each other");
    s->assertion[s->depth++] = kinds[i].assertion;
    s->p += strlen(kinds[i].ecma);
    syntax_put(s, kinds[i].pcre);
    syntax_put(s, "(?C1)");
    bool captures = strcmp(kinds[i].pcre, "(") == 0;
    s->opened += captures;
    captures_open(&s->captures, captures ? s->opened : 0);
    struct span name;
    return strcmp(kinds[i].ecma, "(?<") == 0 ? take_name(s, &name) : ERR_OK;
}

/* The digits at s->p. What is larger than *n can be is PATTERN_REPEAT_MAX + 1. False: there are none. */
static bool take_number(struct syntax *s, unsigned *n)
{
    const char *from = s->p;
    for (*n = 0; s->p < s->end && isdigit((unsigned char)*s->p); s->p++)
        *n = *n > PATTERN_REPEAT_MAX ? *n : *n * 10 + (unsigned)(*s->p - '0');
    if (*n > PATTERN_REPEAT_MAX)
        *n = PATTERN_REPEAT_MAX + 1;
    return s->p > from;
}

enum { ENDLESS = PATTERN_REPEAT_MAX + 2 };

static enum err take_braces(struct syntax *s, unsigned *min, unsigned *max)
{
    const char *at = s->p++;
    bool good = take_number(s, min);
    *max = *min;
    if (good && s->p < s->end && *s->p == ',') {
        s->p++;
        if (!take_number(s, max))
            *max = ENDLESS;
    }
    if (!good || s->p == s->end || *s->p++ != '}')
        return syntax_fault(s, at, "a repetition is {n}, {n,} or {n,m}; a brace that stands for itself is \\{");
    if (*min > PATTERN_REPEAT_MAX || *max == PATTERN_REPEAT_MAX + 1)
        return syntax_fault(s, at, "a repetition goes up to 65535");
    return *min <= *max ? ERR_OK : syntax_fault(s, at, "the numbers of a repetition are out of order");
}

static void put_repeat(struct syntax *s, unsigned min, unsigned max, bool lazy)
{
    if (min > s->facts.longest_repeat)
        s->facts.longest_repeat = min;
    if (!s->out)
        return;
    buf_printf(s->out, max == ENDLESS ? "{%u,}" : "{%u,%u}", min, max);
    buf_puts(s->out, lazy ? "?" : "");
    buf_puts(s->out, min == max ? "" : "(?C1)");
}

/* What may follow an item: how often. */
static enum err take_repeat_of(struct syntax *s, unsigned *min, unsigned *max)
{
    *min = *max = 1;
    if (s->p == s->end || !memchr("*+?{", *s->p, 4))
        return ERR_OK;
    if (*s->p == '{') {
        enum err e = take_braces(s, min, max);
        if (e != ERR_OK)
            return e;
    } else {
        *min = *s->p == '+';
        *max = *s->p++ == '?' ? 1 : ENDLESS;
    }
    bool lazy = s->p < s->end && *s->p == '?';
    s->p += lazy;
    put_repeat(s, *min, *max, lazy);
    return ERR_OK;
}

static enum err take_repeat(struct syntax *s)
{
    unsigned min, max;
    return take_repeat_of(s, &min, &max);
}

static enum err close_group(struct syntax *s)
{
    if (s->depth == 0)
        return syntax_fault(s, s->p, "this ')' closes nothing; one that stands for itself is \\)");
    const size_t end = (size_t)(++s->p - s->begin);
    unsigned min = 1, max = 1;
    syntax_put(s, ")");
    enum err e = s->assertion[--s->depth] ? ERR_OK : take_repeat_of(s, &min, &max);
    captures_close(&s->captures, end, min, max);
    return e;
}

static enum err put_reference(struct syntax *s, const char *at, unsigned group)
{
    if (group == 0 || group > s->groups)
        return syntax_fault(s, at, "this refers to a group that is not there");
    s->facts.back_references = true;
    captures_refer(&s->captures, group, (size_t)(at - s->begin));
    if (s->out)
        buf_printf(s->out, "\\g{%u}", group);
    return ERR_OK;
}

static enum err take_reference(struct syntax *s)
{
    const char *at = s->p++;
    unsigned group = 0;
    struct span name;
    if (*s->p != 'k') {
        take_number(s, &group);
        return put_reference(s, at, group);
    }
    if (!starts(s, "k<"))
        return syntax_fault(s, at, "\\k is followed by <name>");
    s->p += 2;
    enum err e = take_name(s, &name);
    return e == ERR_OK ? put_reference(s, at, find_name(s, name)) : e;
}

static enum err take_escape(struct syntax *s)
{
    char c = s->p + 1 < s->end ? s->p[1] : 0;
    uint32_t character;
    bool taken;
    if (c == 'b' || c == 'B') {
        s->p += 2;
        syntax_put(s, c == 'b' ? "\\b" : "\\B");
        return ERR_OK; /* an assertion: nothing to repeat */
    }
    if (c == 'k' || (c >= '1' && c <= '9')) {
        enum err e = take_reference(s);
        return e == ERR_OK ? take_repeat(s) : e;
    }
    enum err e = syntax_class_escape(s, &taken);
    if (e == ERR_OK && !taken) {
        e = syntax_character_escape(s, &character);
        if (e == ERR_OK)
            syntax_put_character(s, character);
    }
    return e == ERR_OK ? take_repeat(s) : e;
}

static enum err take_item(struct syntax *s)
{
    enum err e = ERR_OK;
    if (*s->p == '[')
        e = syntax_class(s);
    else if (*s->p == '.') {
        s->p++;
        syntax_put(s, "[^\\x{a}\\x{d}\\x{2028}\\x{2029}]");
    } else
        syntax_put_character(s, syntax_character(s));
    return e == ERR_OK ? take_repeat(s) : e;
}

static enum err take_assertion(struct syntax *s, const char *pcre)
{
    s->p++;
    syntax_put(s, pcre);
    return ERR_OK;
}

static enum err take_one(struct syntax *s)
{
    switch (*s->p) {
    case '(':
        return open_group(s);
    case ')':
        return close_group(s);
    case '|':
        captures_bar(&s->captures);
        return take_assertion(s, "|");
    case '^':
        return take_assertion(s, "^");
    case '$':
        return take_assertion(s, "$");
    case '\\':
        return take_escape(s);
    case '*':
    case '+':
    case '?':
    case '{':
        return syntax_fault(s, s->p,
                            "there is nothing to repeat; a character that stands for itself has a \\ before it");
    case ']':
    case '}':
        return syntax_fault(s, s->p, "this closes nothing; one that stands for itself has a \\ before it");
    default:
        return take_item(s);
    }
}

enum err pattern_translate(struct span ecma, struct buf *out, struct pattern_facts *facts, struct why *w)
{
    struct syntax s = {.begin = ecma.p, .p = ecma.p, .end = ecma.p + ecma.n, .out = out, .why = w};
    enum err e = count_groups(&s);
    syntax_put(&s, "(?C1)");
    while (e == ERR_OK && s.p < s.end)
        e = take_one(&s);
    if (e == ERR_OK && s.depth > 0)
        return syntax_fault(&s, s.end, "a group is not closed: ')' is missing");
    size_t at;
    if (e == ERR_OK && out && !captures_agree(&s.captures, &at))
        return syntax_fault(
            &s, s.begin + at,
            "not supported here: this refers to a group that a repetition may have left out in its last turn");
    if (e == ERR_OK)
        *facts = s.facts;
    return e;
}
