/* SPDX-License-Identifier: MIT
 * mutate: a table of changes, chosen by a xorshift generator (Marsaglia 2003, with Vigna's multiplication).
 */
#include "mutate.h"

/* What means something in one of the languages that targets read. */
static const struct span words[] = {
    SPAN_LIT("\0"),
    SPAN_LIT("\xff"),
    SPAN_LIT("\xc3\xa9"),
    SPAN_LIT("\xed\xa0\x80"),
    SPAN_LIT("\r\n"),
    SPAN_LIT(" "),
    SPAN_LIT("\t"),
    SPAN_LIT(","),
    SPAN_LIT(";"),
    SPAN_LIT("="),
    SPAN_LIT("=="),
    SPAN_LIT("."),
    SPAN_LIT(":"),
    SPAN_LIT("/"),
    SPAN_LIT("|"),
    SPAN_LIT("&"),
    SPAN_LIT("?"),
    SPAN_LIT("#"),
    SPAN_LIT("@"),
    SPAN_LIT("%"),
    SPAN_LIT("%00"),
    SPAN_LIT("%2F"),
    SPAN_LIT("+"),
    SPAN_LIT("-"),
    SPAN_LIT("*"),
    SPAN_LIT("{"),
    SPAN_LIT("{{"),
    SPAN_LIT("}"),
    SPAN_LIT("[["),
    SPAN_LIT("]]"),
    SPAN_LIT("{body}"),
    SPAN_LIT("{header:A}"),
    SPAN_LIT("{json:/a}"),
    SPAN_LIT("|sha256"),
    SPAN_LIT("\""),
    SPAN_LIT("\\"),
    SPAN_LIT("\\u0000"),
    SPAN_LIT("\\ud800"),
    SPAN_LIT("null"),
    SPAN_LIT("true"),
    SPAN_LIT("[]"),
    SPAN_LIT("{}"),
    SPAN_LIT("0"),
    SPAN_LIT("-1"),
    SPAN_LIT("1e999"),
    SPAN_LIT("0.5"),
    SPAN_LIT("4294967296"),
    SPAN_LIT("2147483648"),
    SPAN_LIT("v1"),
    SPAN_LIT("t="),
    SPAN_LIT("sha256="),
    SPAN_LIT("none"),
    SPAN_LIT("HS256"),
    SPAN_LIT("https://"),
    SPAN_LIT("AAAA"),
    SPAN_LIT("Z"),
    SPAN_LIT("+24:00"),
    SPAN_LIT("1969-12-31T"),
    SPAN_LIT("GMT"),
    SPAN_LIT("-----BEGIN "),
    SPAN_LIT("9223372036854775808"),
    SPAN_LIT("253402300800"),
};

static uint64_t next(struct mutator *m)
{
    m->state ^= m->state >> 12;
    m->state ^= m->state << 25;
    m->state ^= m->state >> 27;
    return m->state * UINT64_C(2685821657736338717);
}

uint32_t mutate_random(struct mutator *m, uint32_t n)
{
    return (uint32_t)(next(m) >> 33) % n;
}

static size_t place(struct mutator *m, size_t n)
{
    return mutate_random(m, (uint32_t)n + 1);
}

/* Some bytes of s: mostly few. */
static struct span piece(struct mutator *m, struct span s)
{
    size_t at = place(m, s.n);
    size_t n = s.n - at;
    if (n > 16 && mutate_random(m, 4) > 0)
        n = 16;
    return span_of(s.p + at, place(m, n));
}

static size_t insert(struct mutator *m, char *p, size_t n, size_t at, struct span s)
{
    char kept[256];
    if (s.n > sizeof kept)
        s.n = sizeof kept;
    if (s.n > m->cap - n)
        return n;
    memcpy(kept, s.p, s.n); /* s may be a part of p */
    memmove(p + at + s.n, p + at, n - at);
    memcpy(p + at, kept, s.n);
    return n + s.n;
}

static size_t cut(char *p, size_t n, size_t at, size_t bytes)
{
    memmove(p + at, p + at + bytes, n - at - bytes);
    return n - bytes;
}

static size_t change(struct mutator *m, char *p, size_t n, struct span other)
{
    size_t at = place(m, n);
    struct span word = words[mutate_random(m, sizeof words / sizeof *words)];
    switch (mutate_random(m, 9)) {
    case 0: /* a bit */
        if (at < n)
            p[at] = (char)(p[at] ^ 1 << mutate_random(m, 8));
        return n;
    case 1: /* a byte */
        if (at < n)
            p[at] = (char)mutate_random(m, 256);
        return n;
    case 2: /* a digit or letter, by one */
        if (at < n)
            p[at] = (char)(p[at] + (mutate_random(m, 2) ? 1 : -1));
        return n;
    case 3:
        return insert(m, p, n, at, word);
    case 4: /* a word in the place of as many bytes */
        if (word.n <= n - at)
            memcpy(p + at, word.p, word.n);
        return n;
    case 5:
        return cut(p, n, at, piece(m, span_of(p + at, n - at)).n);
    case 6: /* the end is missing */
        return mutate_random(m, 4) ? n : at;
    case 7: /* twice, or in another place */
        return insert(m, p, n, at, piece(m, span_of(p, n)));
    default:
        return insert(m, p, n, at, piece(m, other));
    }
}

size_t mutate(struct mutator *m, char *p, size_t n, struct span other)
{
    for (uint32_t left = 1 + mutate_random(m, 8) * mutate_random(m, 2); left > 0; left--)
        n = change(m, p, n, other);
    return n;
}
