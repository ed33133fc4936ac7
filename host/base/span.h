/* SPDX-License-Identifier: MIT
 * span: bytes that somebody else owns. Everything that comes from outside travels as (pointer, length), never as a C string.
 * Owns nothing, allocates nothing. Any thread.
 */
#ifndef CREEL_BASE_SPAN_H
#define CREEL_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *p; /* NULL means absent; an empty span has p != NULL and n == 0 */
    size_t n;
};

#define SPAN_NONE ((struct span){NULL, 0})
#define SPAN_LIT(s) ((struct span){("" s), sizeof(s) - 1})

static inline struct span span_of(const char *p, size_t n)
{
    return (struct span){p, n};
}

static inline struct span span_str(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_eq_str(struct span a, const char *s)
{
    return span_eq(a, span_str(s));
}

/* ASCII case-insensitive, for header names (RFC 9110 section 5.1). */
static inline bool span_eq_nocase(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool span_starts(struct span a, struct span prefix)
{
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

static inline struct span span_skip(struct span a, size_t n)
{
    size_t skipped = n > a.n ? a.n : n;
    return skipped ? (struct span){a.p + skipped, a.n - skipped} : a; /* a.p may be NULL */
}

/* Without the blanks and tabs around it (OWS, RFC 9110 section 5.6.3). */
static inline struct span span_trim(struct span a)
{
    while (a.n > 0 && (a.p[0] == ' ' || a.p[0] == '\t'))
        a = span_skip(a, 1);
    while (a.n > 0 && (a.p[a.n - 1] == ' ' || a.p[a.n - 1] == '\t'))
        a.n--;
    return a;
}

#endif
