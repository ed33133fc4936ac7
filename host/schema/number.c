/* SPDX-License-Identifier: MIT
 * number: a number is taken apart where it lies: the sign, the significant digits (from the first that is not zero to the
 * last) and the power of ten. It is worth 0.DIGITS × 10^(X + shift), where X is the exponent as written, of any length, and shift
 * small. Nothing but differences of exponents matters, and those stop counting once they exceed what digits can make up for.
 */
#include "schema/number.h"

/* What most numbers are: no exponent, at most SMALL_BYTES. Worth n / 10^scale. */
struct small {
    int64_t n;
    int scale;
};
enum { SMALL_BYTES = 18 };

struct number {
    bool negative, exponent_negative;
    const char *digits,
        *end; /* from the first to behind the last significant one, perhaps with a point among them; empty: zero */
    struct span exponent; /* its digits without leading zeros */
    int64_t shift, n;     /* n: how many significant digits */
};

enum { FAR_BITS = 40 }; /* exponents that differ by 2^40 differ by more than any text has digits */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_small(struct span s, struct small *v)
{
    bool negative = s.n && s.p[0] == '-', point = false;
    int64_t n = 0;
    int scale = 0;
    if (s.n > SMALL_BYTES)
        return false;
    for (size_t i = negative; i < s.n; i++) {
        if (s.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(s.p[i]))
            return false;
        n = n * 10 + (s.p[i] - '0');
        scale += point;
    }
    *v = (struct small){negative ? -n : n, scale};
    return true;
}

static bool rescale(struct small *v, int scale)
{
    for (; v->scale < scale; v->scale++)
        if (__builtin_mul_overflow(v->n, 10, &v->n))
            return false;
    return true;
}

/* Both, with as many digits behind the point. */
static bool are_small(struct span a, struct span b, struct small *x, struct small *y)
{
    return is_small(a, x) && is_small(b, y) && rescale(x, y->scale) && rescale(y, x->scale);
}

static struct number take_exponent(struct number v, const char *p, const char *end)
{
    p++;
    v.exponent_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    while (p < end && *p == '0')
        p++;
    v.exponent = span_of(p, (size_t)(end - p));
    return v;
}

/* What stands before the exponent. The shift is the number of digits between the first significant one and the point. */
static struct number take_digits(struct number v, const char *p, const char *end)
{
    const char *point = memchr(p, '.', (size_t)(end - p));
    while (p < end && (*p == '0' || *p == '.'))
        p++;
    while (end > p && (end[-1] == '0' || end[-1] == '.'))
        end--;
    v.digits = p;
    v.end = end;
    v.n = end - p - (point && point > p && point < end);
    return v;
}

static struct number parse(struct span text)
{
    const char *p = text.p, *end = text.p + text.n, *e = p;
    struct number v = {.negative = p < end && *p == '-', .exponent = span_of(end, 0)};
    p += v.negative;
    while (e < end && *e != 'e' && *e != 'E')
        e++;
    if (e < end)
        v = take_exponent(v, e, end);
    const char *point = p < e ? memchr(p, '.', (size_t)(e - p)) : NULL;
    v = take_digits(v, p < e ? p : e, e);
    if (!point)
        point = e;
    v.shift = point >= v.digits ? point - v.digits : point - v.digits + 1;
    return v;
}

static bool is_zero(const struct number *v)
{
    return v->digits == v->end;
}

/* Sign of a's exponent times the digit that stands for 10^place. */
static int exponent_digit(const struct number *v, size_t place)
{
    if (place >= v->exponent.n)
        return 0;
    char c = v->exponent.p[v->exponent.n - 1 - place];
    int digit = is_digit(c) ? c - '0' : 0;
    return v->exponent_negative ? -digit : digit;
}

/* The difference of what is written as exponents, at most ±2^FAR_BITS or so: beyond that the digits that follow can no longer
 * bring it back. */
static int64_t exponent_difference(const struct number *a, const struct number *b)
{
    size_t place = a->exponent.n > b->exponent.n ? a->exponent.n : b->exponent.n;
    int64_t d = 0;
    while (place-- > 0 && d < INT64_C(1) << FAR_BITS && d > -(INT64_C(1) << FAR_BITS))
        d = d * 10 + exponent_digit(a, place) - exponent_digit(b, place);
    return d;
}

/* The next significant digit, 0 behind the last. */
static int next_digit(const struct number *v, const char **p)
{
    if (*p < v->end && **p == '.')
        ++*p;
    if (*p >= v->end)
        return 0;
    char c = *(*p)++;
    return is_digit(c) ? c - '0' : 0;
}

static int compare_magnitudes(const struct number *a, const struct number *b)
{
    int64_t d = exponent_difference(a, b) + a->shift - b->shift;
    const char *p = a->digits, *q = b->digits;
    if (d != 0)
        return d < 0 ? -1 : 1;
    while (p < a->end || q < b->end) {
        int difference = next_digit(a, &p) - next_digit(b, &q);
        if (difference != 0)
            return difference < 0 ? -1 : 1;
    }
    return 0;
}

static int sign(const struct number *v)
{
    return is_zero(v) ? 0 : v->negative ? -1 : 1;
}

int number_compare(struct span a, struct span b)
{
    struct small x, y;
    if (are_small(a, b, &x, &y))
        return (x.n > y.n) - (x.n < y.n);
    struct number p = parse(a), q = parse(b);
    if (sign(&p) != sign(&q))
        return sign(&p) < sign(&q) ? -1 : 1;
    return sign(&p) * (sign(&p) ? compare_magnitudes(&p, &q) : 0);
}

uint64_t number_hash(struct span a)
{
    const uint64_t prime = UINT64_C(0x100000001b3);
    struct number v = parse(a);
    uint64_t h = UINT64_C(0xcbf29ce484222325) + (uint64_t)sign(&v), exponent = 0;
    if (is_zero(&v))
        return h;
    for (size_t place = v.exponent.n; place-- > 0;)
        exponent = exponent * 10 + (uint64_t)(int64_t)exponent_digit(&v, place);
    h = (h ^ (exponent + (uint64_t)v.shift)) * prime;
    for (const char *p = v.digits; p < v.end;)
        h = (h ^ (uint64_t)next_digit(&v, &p)) * prime;
    return h;
}

static const struct number none; /* an exponent of nothing, for the difference to zero */

/* The power of ten of the last significant digit: value = INTEGER × 10^this. */
static int64_t last_place(const struct number *v)
{
    return exponent_difference(v, &none) + v->shift - v->n;
}

bool number_is_integer(struct span a)
{
    struct small s;
    if (is_small(a, &s)) {
        for (; s.scale && s.n % 10 == 0; s.scale--)
            s.n /= 10;
        return s.scale == 0;
    }
    struct number v = parse(a);
    return is_zero(&v) || last_place(&v) >= 0;
}

/* A natural number below 2^256, in words from the lowest: enough for ten times a divisor. */
enum { WORDS = 4 };
struct natural {
    uint64_t w[WORDS];
};

static void push_digit(struct natural *v, int digit)
{
    unsigned __int128 carry = (unsigned)digit;
    for (size_t i = 0; i < WORDS; i++) {
        carry += (unsigned __int128)v->w[i] * 10;
        v->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static bool is_nothing(const struct natural *v)
{
    return memcmp(v, &(struct natural){{0}}, sizeof *v) == 0;
}

static bool less(const struct natural *a, const struct natural *b)
{
    for (size_t i = WORDS; i-- > 0;)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i];
    return false;
}

static void subtract(struct natural *a, const struct natural *b)
{
    bool borrow = false;
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t minuend = a->w[i], subtrahend = b->w[i];
        a->w[i] = minuend - subtrahend - borrow;
        borrow = minuend < subtrahend || (minuend == subtrahend && borrow);
    }
}

static void push_modulo(struct natural *rest, int digit, const struct natural *of)
{
    push_digit(rest, digit);
    while (!less(rest, of))
        subtract(rest, of);
}

bool number_is_divisor(struct span of)
{
    struct number n = parse(of);
    return sign(&n) > 0 && n.n <= NUMBER_DIVISOR_DIGITS;
}

/* value = m × 10^p and of = n × 10^q, where neither m nor n ends with a zero. For p < q the quotient is none, as m would
 * have to be a multiple of ten; else n has to divide m × 10^(p − q). Each zero adds a factor of 2 and of 5, and n, below 10^64 < 2^213,
 * has fewer than 213 of either: more zeros decide nothing. */
bool number_multiple_of(struct span value, struct span of)
{
    enum { ZEROS = 213 };
    struct small x, y;
    if (are_small(value, of, &x, &y))
        return y.n > 0 && x.n % y.n == 0;
    struct number m = parse(value), n = parse(of);
    struct natural divisor = {{0}}, rest = {{0}};
    if (sign(&n) <= 0 || n.n > NUMBER_DIVISOR_DIGITS)
        return false;
    if (is_zero(&m))
        return true;
    int64_t zeros = exponent_difference(&m, &n) + (m.shift - m.n) - (n.shift - n.n);
    if (zeros < 0)
        return false;
    for (const char *p = n.digits; p < n.end;)
        push_digit(&divisor, next_digit(&n, &p));
    if (is_nothing(&divisor))
        return false; /* no number */
    for (const char *p = m.digits; p < m.end;)
        push_modulo(&rest, next_digit(&m, &p), &divisor);
    for (int64_t i = 0; i < zeros && i < ZEROS; i++)
        push_modulo(&rest, 0, &divisor);
    return is_nothing(&rest);
}
