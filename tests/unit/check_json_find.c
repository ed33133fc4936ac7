/* SPDX-License-Identifier: MIT
 * check_json_find: many pointers at once give what each gives alone, and a full set refuses more and stays as it was.
 */
#include "suite.h"

#include <stdio.h>

#include "base/json_find.h"

static void agrees(const char *const *pointers, size_t n, struct span text)
{
    struct json_find f = {0};
    struct span found[JSON_FIND_SLOTS];
    int slot[JSON_FIND_SLOTS];
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(json_find_add(&f, span_str(pointers[i]), &slot[i]), ERR_OK);
    json_find(&f, text, found);
    for (size_t i = 0; i < n; i++) {
        struct span alone = json_pointer(text, span_str(pointers[i])), got = found[slot[i]];
        ck_assert_msg(alone.p == got.p && alone.n == got.n, "%s in %.*s: %.*s", pointers[i], (int)text.n, text.p,
                      (int)got.n, got.p ? got.p : "");
    }
}

START_TEST(finds_what_pointers_find)
{
    static const char *const pointers[] = {"",      "/foo",    "/foo/0", "/foo/1", "/foo/2", "/foo/01", "/",    "/a~1b", "/m~0n",
                                           "/o/p/q", "/o/p",   "/o",     "/o/x",   "/z",     "/z/0/a",  "/z/1", "/nope/x", "/foo/0/x"};
    static const char *const texts[] = {
        " {\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"m~n\": 8, \"o\": {\"x\": null, \"p\": {\"q\": 9}}, "
        "\"z\": [{\"a\": 1}, [2]]} ",
        "{\"z\":[{\"\\u0061\":\"x\"}],\"f\\u006fo\":{\"0\":1,\"1\":{}},\"o\":[]}",
        "[1,2]", "\"foo\"", "{}", "[]", "null", "{\"o\":{\"p\":1}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        agrees(pointers, sizeof pointers / sizeof *pointers, span_str(texts[i]));
    agrees(NULL, 0, SPAN_LIT("{}"));
}
END_TEST

START_TEST(the_same_pointer_has_one_slot)
{
    struct json_find f = {0};
    int a = -1, b = -1, c = -1;
    ck_assert_int_eq(json_find_add(&f, SPAN_LIT("/a/b"), &a), ERR_OK);
    ck_assert_int_eq(json_find_add(&f, SPAN_LIT("/a"), &b), ERR_OK);
    ck_assert_int_eq(json_find_add(&f, SPAN_LIT("/a/b"), &c), ERR_OK);
    ck_assert(a == 0 && b == 1 && c == 0 && f.n_slots == 2);
    ck_assert_int_eq(json_find_add(&f, SPAN_LIT("a"), &c), ERR_INVALID);
}
END_TEST

START_TEST(a_full_set_stays_as_it_was)
{
    struct json_find f = {0};
    char name[JSON_FIND_SLOTS + 1][16], deep[2 * JSON_FIND_NODES + 1] = "";
    int slot;
    for (size_t i = 0; i + 1 < sizeof deep; i += 2)
        memcpy(deep + i, "/x", 3);
    ck_assert_int_eq(json_find_add(&f, span_str(deep), &slot), ERR_NO_ROOM);
    ck_assert_int_eq(f.n_slots, 0);
    for (int i = 0; i <= JSON_FIND_SLOTS; i++) {
        snprintf(name[i], sizeof name[i], "/a/%d", i);
        ck_assert_int_eq(json_find_add(&f, span_str(name[i]), &slot), i < JSON_FIND_SLOTS ? ERR_OK : ERR_NO_ROOM);
    }
    ck_assert_int_eq(json_find_add(&f, SPAN_LIT("/a"), &slot), ERR_NO_ROOM);
    ck_assert_int_eq(json_find_add(&f, span_str(name[3]), &slot), ERR_OK);
    ck_assert_int_eq(slot, 3);
    ck_assert_int_eq(f.n_slots, JSON_FIND_SLOTS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json_find");
    TCase *t = tcase_create("json_find");
    tcase_add_test(t, finds_what_pointers_find);
    tcase_add_test(t, the_same_pointer_has_one_slot);
    tcase_add_test(t, a_full_set_stays_as_it_was);
    suite_add_tcase(s, t);
    return suite_run(s);
}
