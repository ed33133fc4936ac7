/* SPDX-License-Identifier: MIT
 * run: going over the bytes of a text up to the next one that needs care, sixteen at a time where the processor can
 * (SSE2). Nearly all bytes of an event are passed by one of these. No state; any thread.
 */
#ifndef CREEL_BASE_RUN_H
#define CREEL_BASE_RUN_H

#include <stddef.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { RUN_SLACK = 16 }; /* what the copying ones may write (not keep) behind the bytes they copy */

/* Copy bytes that stand for themselves in a JSON string and are ASCII: from 0x20 on, neither quote nor backslash.
 * Returns how many; out has room for n + RUN_SLACK. */
static inline size_t run_plain(char *out, const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        _mm_storeu_si128((__m128i *)(void *)(out + i), v);
        /* Signed: bytes from 0x80 on are below 0x20, too. */
        __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        int mask = _mm_movemask_epi8(_mm_or_si128(low, marks));
        if (mask)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    for (; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
        out[i] = p[i];
    }
    return i;
}

/* How many bytes are printable ASCII that stands for itself in a JSON string: 0x20 to 0x7e without quote and backslash. */
static inline size_t run_ascii(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)); /* signed, as above */
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        marks = _mm_or_si128(marks, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
        int mask = _mm_movemask_epi8(_mm_or_si128(low, marks));
        if (mask)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

/* Copy bytes up to a backslash. Returns how many; out has room for n + RUN_SLACK. */
static inline size_t run_unescaped(char *out, const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        _mm_storeu_si128((__m128i *)(void *)(out + i), v);
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        if (mask)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    for (; i < n && p[i] != '\\'; i++)
        out[i] = p[i];
    return i;
}

/* How many bytes lie before a quote or a backslash. */
static inline size_t run_in_string(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        int mask = _mm_movemask_epi8(marks);
        if (mask)
            return i + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (i < n && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

#endif
