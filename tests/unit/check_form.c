/* SPDX-License-Identifier: MIT
 * check_form: application/x-www-form-urlencoded, against what Python's urllib.parse makes of the same text.
 */
#include "suite.h"

#include <stdio.h>

#include "recipe/form.h"

static struct arena a;

static void setup(void)
{
    ck_assert(arena_init(&a, 1 << 20));
}

static void teardown(void)
{
    arena_fini(&a);
}

START_TEST(test_pairs_as_they_came)
{
    struct form_iter it = form_iter(SPAN_LIT("&a=1&&b&=c&d=e=f&"));
    const char *const want[][2] = {{"a", "1"}, {"b", ""}, {"", "c"}, {"d", "e=f"}};
    struct span name, value;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        ck_assert(form_next(&it, &name, &value));
        ck_assert_span_eq(name, want[i][0]);
        ck_assert_span_eq(value, want[i][1]);
        ck_assert_ptr_nonnull(value.p);
    }
    ck_assert(!form_next(&it, &name, &value));
    ck_assert(!form_next(&it, &name, &value));
    it = form_iter(SPAN_NONE);
    ck_assert(!form_next(&it, &name, &value));
}
END_TEST

static const struct {
    struct span in, out;
} decoded[] = {
    {SPAN_LIT("a+b%20c%2B"), SPAN_LIT("a b c+")},
    {SPAN_LIT("%zz%4%%34%"), SPAN_LIT("%zz%4%4%")},
    {SPAN_LIT("%C5%BE%c5%be%ff%00x"), SPAN_LIT("\xc5\xbe\xc5\xbe\xff\0x")},
    {SPAN_LIT("%2525"), SPAN_LIT("%25")},
    {SPAN_LIT("%e2%82%ac=1"), SPAN_LIT("\xe2\x82\xac=1")},
};

START_TEST(test_decoding)
{
    struct span out;
    ck_assert_int_eq(form_decode(decoded[_i].in, &a, &out), ERR_OK);
    ck_assert_msg(span_eq(out, decoded[_i].out), "'%.*s'", (int)out.n, out.p);
}
END_TEST

START_TEST(test_nothing_encoded_is_not_copied)
{
    struct span in = SPAN_LIT("plain-text_0"), out;
    ck_assert_int_eq(form_decode(in, &a, &out), ERR_OK);
    ck_assert_ptr_eq(out.p, in.p);
    ck_assert_uint_eq(a.n, 0);
}
END_TEST

START_TEST(test_finding)
{
    struct span form = SPAN_LIT("x=1&na+me=first%21&na%20me=second&%6B=&e"), out;
    ck_assert_int_eq(form_find(form, SPAN_LIT("na me"), &a, &out), ERR_OK);
    ck_assert_span_eq(out, "first!");
    ck_assert_int_eq(form_find(form, SPAN_LIT("k"), &a, &out), ERR_OK);
    ck_assert_span_eq(out, "");
    ck_assert_ptr_nonnull(out.p);
    ck_assert_int_eq(form_find(form, SPAN_LIT("e"), &a, &out), ERR_OK);
    ck_assert_ptr_nonnull(out.p);
    ck_assert(form_agrees(SPAN_LIT("a=x+y&b=2&%61=x%20y"), SPAN_LIT("a"), SPAN_LIT("x y")));
    ck_assert(!form_agrees(SPAN_LIT("a=1&b=2&%61=2"), SPAN_LIT("a"), SPAN_LIT("1")));
    ck_assert(!form_agrees(SPAN_LIT("a=1&a"), SPAN_LIT("a"), SPAN_LIT("1")));
    ck_assert_int_eq(form_find(form, SPAN_LIT("na"), &a, &out), ERR_OK);
    ck_assert_ptr_null(out.p);
    ck_assert_int_eq(form_find(form, SPAN_LIT("na me and more"), &a, &out), ERR_OK);
    ck_assert_ptr_null(out.p);
}
END_TEST

START_TEST(test_full_arena)
{
    struct arena small;
    struct span out = SPAN_LIT("untouched"), long_value = SPAN_LIT("k=%41bcdefgh");
    const struct form_pair *pairs;
    size_t n;
    ck_assert(arena_init(&small, 8));
    ck_assert_int_eq(form_decode(SPAN_LIT("%41bcdefgh"), &small, &out), ERR_NO_ROOM);
    ck_assert_span_eq(out, "untouched");
    ck_assert_int_eq(form_find(long_value, SPAN_LIT("k"), &small, &out), ERR_NO_ROOM);
    ck_assert_int_eq(form_sorted(long_value, &small, &pairs, &n), ERR_NO_ROOM);
    ck_assert_int_eq(form_decode(SPAN_LIT("%41bcdef"), &small, &out), ERR_OK);
    ck_assert_span_eq(out, "Abcdef");
    arena_fini(&small);
}
END_TEST

static bool in_order(const struct form_pair *x, const struct form_pair *y)
{
    struct span all[2][2] = {{x->name, y->name}, {x->value, y->value}};
    for (size_t i = 0; i < 2; i++) {
        size_t n = all[i][0].n < all[i][1].n ? all[i][0].n : all[i][1].n;
        int order = n ? memcmp(all[i][0].p, all[i][1].p, n) : 0;
        if (order == 0)
            order = (int)all[i][0].n - (int)all[i][1].n;
        if (order)
            return order < 0;
    }
    return true;
}

/* Every order of equal, rising, falling and random names comes out sorted, and none is lost. */
START_TEST(test_sorting)
{
    static char text[FORM_PAIRS_MAX * 10];
    uint32_t seed = (uint32_t)_i + 1;
    size_t n = 0, count = 1 + (size_t)_i * 29, found;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned key = _i % 4 == 0 ? 7 : _i % 4 == 1 ? (unsigned)i : _i % 4 == 2 ? (unsigned)(count - i) : seed >> 22;
        n += (size_t)snprintf(text + n, sizeof text - n, "%%%02x%u=%u&", 'a' + key % 26, key % 1000, (seed >> 9) % 10);
    }
    const struct form_pair *pairs;
    arena_reset(&a);
    ck_assert_int_eq(form_sorted(span_of(text, n), &a, &pairs, &found), ERR_OK);
    ck_assert_uint_eq(found, count);
    for (size_t i = 1; i < count; i++)
        ck_assert_msg(in_order(&pairs[i - 1], &pairs[i]), "pairs %zu and %zu of %zu", i - 1, i, count);
}
END_TEST

START_TEST(test_too_many_pairs)
{
    static char text[(FORM_PAIRS_MAX + 1) * 2];
    const struct form_pair *pairs;
    size_t n;
    for (size_t i = 0; i <= FORM_PAIRS_MAX; i++)
        memcpy(text + 2 * i, "a&", 2);
    ck_assert_int_eq(form_sorted(span_of(text, sizeof text - 2), &a, &pairs, &n), ERR_OK);
    ck_assert_uint_eq(n, FORM_PAIRS_MAX);
    ck_assert_int_eq(form_sorted(span_of(text, sizeof text), &a, &pairs, &n), ERR_INVALID);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("form");
    TCase *t = tcase_create("form");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_pairs_as_they_came);
    tcase_add_loop_test(t, test_decoding, 0, sizeof decoded / sizeof *decoded);
    tcase_add_test(t, test_nothing_encoded_is_not_copied);
    tcase_add_test(t, test_finding);
    tcase_add_test(t, test_full_arena);
    tcase_add_loop_test(t, test_sorting, 0, 40);
    tcase_add_test(t, test_too_many_pairs);
    suite_add_tcase(s, t);
    return suite_run(s);
}
