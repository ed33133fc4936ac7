/* SPDX-License-Identifier: MIT
 * fuzz number: "a b", two texts with a blank between, numbers or not. Numbers are ordered, equal ones have equal hashes, an
 * integer is a multiple of one, and writing a number another way changes nothing.
 */
#include "schema/number.h"

#include <stdio.h>

#include "fuzz.h"

const char fuzz_name[] = "number";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/number", NULL},
    {NULL, NULL},
};

static bool is_number(struct span text)
{
    struct json_error bad;
    return json_check(text, JSON_LIMITS_DEFAULT, &bad) == ERR_OK && json_type_of(text) == JSON_NUMBER &&
           text.p[0] > ' ' && text.p[text.n - 1] > ' ';
}

static void is_itself(struct span a)
{
    struct buf b;
    bool whole = !memchr(a.p, 'e', a.n) && !memchr(a.p, 'E', a.n);
    bug_if(number_compare(a, a) != 0);
    bug_if(number_is_integer(a) != number_multiple_of(a, SPAN_LIT("1")));
    bug_if(number_is_divisor(a) && !number_multiple_of(a, a));
    buf_init(&b, a.n + 16);
    buf_put_span(&b, a);
    buf_puts(&b, !whole ? "" : memchr(a.p, '.', a.n) ? "00e-0" : ".0E+00");
    bug_if(number_compare(a, buf_span(&b)) != 0 || number_hash(a) != number_hash(buf_span(&b)));
    buf_fini(&b);
}

static void compare(struct span a, struct span b)
{
    int is = number_compare(a, b);
    bug_if(is != -number_compare(b, a));
    bug_if(is == 0 && number_hash(a) != number_hash(b));
    bug_if(is == 0 && number_is_integer(a) != number_is_integer(b));
    bug_if(is == 0 && number_is_divisor(b) && !number_multiple_of(a, b));
    bug_if(number_multiple_of(a, b) && !number_is_divisor(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span input = span_of((const char *)p, n);
    const char *blank = n ? memchr(p, ' ', n) : NULL;
    struct span a = span_of(input.p, blank ? (size_t)(blank - input.p) : n), b = span_skip(input, a.n + 1);
    if (is_number(a))
        is_itself(a);
    if (is_number(a) && is_number(b))
        compare(a, b);
    (void)number_compare(a, b);
    (void)number_multiple_of(a, b);
    (void)number_is_integer(b);
    (void)number_hash(b);
    return 0;
}
