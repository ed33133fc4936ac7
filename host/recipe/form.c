/* SPDX-License-Identifier: MIT
 * form: owns nothing; what it makes lies in the caller's arena.
 */
#include "recipe/form.h"

struct form_iter form_iter(struct span text)
{
    return (struct form_iter){text};
}

/* Cut s at the first c; *rest is what is behind it, SPAN_NONE without one. */
static struct span cut(struct span s, char c, struct span *rest)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    size_t n = at ? (size_t)(at - s.p) : s.n;
    *rest = at ? span_skip(s, n + 1) : SPAN_NONE;
    return span_of(s.p, n);
}

bool form_next(struct form_iter *it, struct span *name, struct span *value)
{
    while (it->rest.n > 0) {
        struct span pair = cut(it->rest, '&', &it->rest);
        if (pair.n == 0)
            continue;
        *name = cut(pair, '=', value);
        if (!value->p)
            *value = span_of(name->p + name->n, 0);
        return true;
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int form_escape(struct span s, size_t at)
{
    if (s.p[at] != '%' || s.n - at < 3)
        return -1;
    int high = hex_digit(s.p[at + 1]), low = hex_digit(s.p[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The decoded byte at s.p[*at]; *at moves behind it. */
static char next_byte(struct span s, size_t *at)
{
    int byte = form_escape(s, *at);
    char c = s.p[*at];
    *at += byte < 0 ? 1 : 3;
    return byte >= 0 ? (char)byte : c == '+' ? ' ' : c;
}

static bool is_encoded(struct span s)
{
    return s.n && (memchr(s.p, '%', s.n) || memchr(s.p, '+', s.n));
}

enum err form_decode(struct span encoded, struct arena *a, struct span *out)
{
    if (!is_encoded(encoded)) {
        *out = encoded;
        return ERR_OK;
    }
    struct buf b = arena_open(a);
    for (size_t i = 0; i < encoded.n && !b.failed;)
        buf_putc(&b, next_byte(encoded, &i));
    struct span decoded = arena_close(a, &b);
    if (!decoded.p)
        return ERR_NO_ROOM;
    *out = decoded;
    return ERR_OK;
}

static bool decodes_to(struct span encoded, struct span text)
{
    size_t n = 0;
    for (size_t i = 0; i < encoded.n; n++)
        if (n == text.n || next_byte(encoded, &i) != text.p[n])
            return false;
    return n == text.n;
}

enum err form_find(struct span text, struct span name, struct arena *a, struct span *out)
{
    struct form_iter it = form_iter(text);
    struct span encoded, value;
    while (form_next(&it, &encoded, &value))
        if (decodes_to(encoded, name))
            return form_decode(value, a, out);
    *out = SPAN_NONE;
    return ERR_OK;
}

bool form_agrees(struct span text, struct span name, struct span value)
{
    struct form_iter it = form_iter(text);
    struct span encoded, other;
    while (form_next(&it, &encoded, &other))
        if (decodes_to(encoded, name) && !decodes_to(other, value))
            return false;
    return true;
}

static void put_encoded(struct buf *out, struct span s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._";
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] && strchr(plain, s.p[i]))
            buf_putc(out, s.p[i]);
        else if (s.p[i] == ' ')
            buf_putc(out, '+');
        else
            buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
    }
}

static void put_pair(struct buf *out, struct span name, struct span value)
{
    put_encoded(out, name);
    buf_putc(out, '=');
    put_encoded(out, value);
}

void form_set(struct span text, struct span name, struct span value, struct buf *out)
{
    struct form_iter it = form_iter(text);
    struct span found, old;
    while (form_next(&it, &found, &old)) {
        if (!decodes_to(found, name))
            continue;
        buf_put(out, text.p, (size_t)(found.p - text.p));
        put_pair(out, name, value);
        buf_put(out, old.p + old.n, (size_t)(text.p + text.n - old.p - old.n));
        return;
    }
    buf_put_span(out, text);
    if (text.n > 0)
        buf_putc(out, '&');
    put_pair(out, name, value);
}

static int compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool less(const struct form_pair *a, const struct form_pair *b)
{
    int order = compare(a->name, b->name);
    return order ? order < 0 : compare(a->value, b->value) < 0;
}

static void swap(struct form_pair *a, struct form_pair *b)
{
    struct form_pair kept = *a;
    *a = *b;
    *b = kept;
}

/* Put the root of the heap pairs[at..n) where it belongs. */
static void sift(struct form_pair *pairs, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && less(&pairs[child], &pairs[child + 1]))
            child++;
        if (!less(&pairs[at], &pairs[child]))
            return;
        swap(&pairs[at], &pairs[child]);
    }
}

/* Heap sort: no recursion and no bad case, whatever a sender makes up. Equal pairs are the same pair, so that it need not
 * be stable. */
static void sort(struct form_pair *pairs, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(pairs, i, n);
    for (size_t i = n; i-- > 1;) {
        swap(&pairs[0], &pairs[i]);
        sift(pairs, 0, i);
    }
}

enum err form_sorted(struct span text, struct arena *a, const struct form_pair **pairs, size_t *n)
{
    struct span name, value;
    size_t count = 0;
    for (struct form_iter it = form_iter(text); form_next(&it, &name, &value);)
        if (++count > FORM_PAIRS_MAX)
            return ERR_INVALID;
    struct form_pair *all = arena_alloc(a, (count + 1) * sizeof *all);
    if (!all)
        return ERR_NO_ROOM;
    size_t i = 0;
    for (struct form_iter it = form_iter(text); form_next(&it, &name, &value); i++)
        if (form_decode(name, a, &all[i].name) != ERR_OK || form_decode(value, a, &all[i].value) != ERR_OK)
            return ERR_NO_ROOM;
    sort(all, count);
    *pairs = all;
    *n = count;
    return ERR_OK;
}
