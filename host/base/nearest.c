/* SPDX-License-Identifier: MIT
 * nearest: edit distance over short words, one row at a time. Owns nothing.
 */
#include "base/nearest.h"

#include <ctype.h>

enum { WORD_MAX = 64 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein distance; both at most WORD_MAX bytes. */
static size_t distance(struct span a, struct span b)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = tolower((unsigned char)a.p[i - 1]) == tolower((unsigned char)b.p[j - 1]);
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + !same);
            diagonal = above;
        }
    }
    return row[b.n];
}

const char *nearest_word(struct span word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t best_distance = WORD_MAX;
    if (word.n == 0 || word.n > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct span w = span_str(words[i]);
        if (!w.p || w.n == 0 || w.n > WORD_MAX)
            continue;
        size_t d = distance(word, w);
        size_t longer = w.n > word.n ? w.n : word.n;
        if (d <= (longer + 2) / 3 && d < longer && d < best_distance) {
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}
