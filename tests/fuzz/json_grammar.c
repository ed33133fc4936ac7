/* SPDX-License-Identifier: MIT
 * json_grammar: see json_grammar.h. Instead of recursion a list of the brackets that are open.
 */
#include "json_grammar.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"

struct reader {
    const uint8_t *p, *end;
    struct json_grammar *g;
    char *open; /* one byte for each bracket */
    size_t n_open;
};

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != (uint8_t)c)
        return false;
    r->p++;
    return true;
}

static bool take_word(struct reader *r, const char *word)
{
    while (*word)
        if (!take(r, *word++))
            return false;
    return true;
}

/* Section 2: ws. */
static void space(struct reader *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\n') || take(r, '\r'))
        continue;
}

static size_t digits(struct reader *r)
{
    size_t n = 0;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++)
        n++;
    return n;
}

/* Section 6: [ minus ] int [ frac ] [ exp ] */
static bool number(struct reader *r)
{
    const uint8_t *from = r->p;
    (void)take(r, '-');
    if (!take(r, '0') && digits(r) == 0)
        return false;
    if (take(r, '.') && digits(r) == 0)
        return false;
    if (take(r, 'e') || take(r, 'E')) {
        (void)(take(r, '+') || take(r, '-'));
        if (digits(r) == 0)
            return false;
    }
    size_t n = (size_t)(r->p - from);
    if (n > r->g->longest_number)
        r->g->longest_number = n;
    return true;
}

/* RFC 3629 section 4: the code point is what counts; too many bytes for it, a surrogate or more than 10FFFF is none. */
static bool utf8(struct reader *r)
{
    uint32_t c = *r->p++;
    unsigned more = c < 0x80 ? 0 : c < 0xc0 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : 9;
    if (more == 9)
        return false;
    c &= more == 0 ? 0x7f : 0x3fu >> more;
    for (unsigned i = 0; i < more; i++) {
        if (r->p == r->end || *r->p < 0x80 || *r->p >= 0xc0)
            return false;
        c = c * 64 + (*r->p++ - 0x80u);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    return c >= least[more] && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

/* 4HEXDIG; -1: it is not. */
static int32_t four_digits(struct reader *r)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++, r->p++) {
        if (r->p == r->end)
            return -1;
        int c = *r->p;
        if (c >= '0' && c <= '9')
            v = v * 16 + c - '0';
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + c - 'A' + 10;
        else
            return -1;
    }
    return v;
}

/* Section 7, behind the backslash. *high: a first half stood directly before, or is this one. */
static bool escape(struct reader *r, bool *high)
{
    static const char others[] = "\"\\/bfnrt";
    bool second_due = *high;
    *high = false;
    for (const char *c = others; *c; c++) {
        if (take(r, *c)) {
            r->g->lone = r->g->lone || second_due;
            return true;
        }
    }
    int32_t v = take(r, 'u') ? four_digits(r) : -1;
    if (v < 0)
        return false;
    bool first = v >= 0xd800 && v <= 0xdbff, second = v >= 0xdc00 && v <= 0xdfff;
    r->g->nul = r->g->nul || v == 0;
    r->g->lone = r->g->lone || second != second_due;
    *high = first;
    return true;
}

static bool string(struct reader *r)
{
    bool high = false;
    if (!take(r, '"'))
        return false;
    while (r->p < r->end && *r->p != '"') {
        if (*r->p < 0x20)
            return false;
        if (take(r, '\\')) {
            if (!escape(r, &high))
                return false;
            continue;
        }
        r->g->lone = r->g->lone || high;
        high = false;
        if (!utf8(r))
            return false;
    }
    r->g->lone = r->g->lone || high;
    return take(r, '"');
}

static bool scalar(struct reader *r)
{
    if (r->p == r->end)
        return false;
    switch (*r->p) {
    case '"':
        return string(r);
    case 't':
        return take_word(r, "true");
    case 'f':
        return take_word(r, "false");
    case 'n':
        return take_word(r, "null");
    default:
        return number(r);
    }
}

/* Section 4: string name-separator, up to the value. */
static bool name(struct reader *r)
{
    r->g->nodes++;
    if (!string(r))
        return false;
    space(r);
    if (!take(r, ':'))
        return false;
    space(r);
    return true;
}

static void open_bracket(struct reader *r, char which)
{
    r->open[r->n_open++] = which;
    if (r->n_open > r->g->depth)
        r->g->depth = r->n_open;
    space(r);
}

/* A value, or as much of it as its first scalar or empty array or object. */
static bool descend(struct reader *r)
{
    for (;;) {
        r->g->nodes++;
        if (take(r, '[')) {
            open_bracket(r, ']');
            if (r->p < r->end && *r->p == ']')
                return true;
        } else if (take(r, '{')) {
            open_bracket(r, '}');
            if (r->p < r->end && *r->p == '}')
                return true;
            if (!name(r))
                return false;
        } else {
            return scalar(r);
        }
    }
}

static bool text(struct reader *r)
{
    space(r);
    if (!descend(r))
        return false;
    for (space(r); r->n_open > 0; space(r)) {
        char closing = r->open[r->n_open - 1];
        if (take(r, closing)) {
            r->n_open--;
            continue;
        }
        if (!take(r, ','))
            return false;
        space(r);
        if ((closing == '}' && !name(r)) || !descend(r))
            return false;
    }
    return r->p == r->end;
}

struct json_grammar json_grammar(struct span t)
{
    struct json_grammar g = {0};
    struct reader r = {.p = (const uint8_t *)t.p, .end = (const uint8_t *)t.p + t.n, .g = &g};
    r.open = malloc(t.n + 1);
    bug_if(!r.open);
    g.valid = t.n > 0 && text(&r);
    free(r.open);
    return g;
}
