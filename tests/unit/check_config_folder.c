/* SPDX-License-Identifier: MIT
 * check_config_folder: keys that lie in a folder: which files are keys, what is wrong with them, what is none.
 */
#include "config_kit.h"

#define FOLDER "\"path\":\"/a\",\"recipe\":\"signed\",\n\"keys_folder\":\"keys.d\""

static void make_folder_of_keys(void)
{
    ck_assert_int_eq(mkdir(in_dir("keys.d"), 0700), 0);
    write_file("keys.d/b.pub", "public\n", 0644);
    write_file("keys.d/b.json", "{ // a comment\n\"key_encoding\":\"hex\",\"not_after\":\"2027-01-01T00:00:00Z\"}",
               0644);
    write_file("keys.d/a", "secret\n", 0600);
    write_file("keys.d/.c.1234", "half", 0600);
}

static void check_folder(const struct config *c)
{
    const struct config_source *s = config_source_by_name(c, SPAN_LIT("s"));
    ck_assert_uint_eq(s->n_keys, 2);
    ck_assert_str_eq(s->keys_folder, in_dir("keys.d"));
    ck_assert_str_eq(s->keys[0].id, "a");
    ck_assert_str_eq(s->keys[0].secret_file, in_dir("keys.d/a"));
    ck_assert(!s->keys[0].public_key_file && !s->keys[0].encoding && s->keys[0].not_after_ms == INT64_MAX);
    ck_assert_str_eq(s->keys[1].id, "b");
    ck_assert_str_eq(s->keys[1].public_key_file, in_dir("keys.d/b.pub"));
    ck_assert_str_eq(s->keys[1].encoding, "hex");
    ck_assert(!s->keys[1].secret_file && s->keys[1].not_after_ms == INT64_C(1798761600000));
    ck_assert(config_key_in_folder(s, &s->keys[0]) && config_key_in_folder(s, &s->keys[1]));
}

START_TEST(a_folder_brings_its_keys)
{
    struct why w;
    struct config *back = NULL;
    struct buf b;
    int fd;
    make_folder_of_keys();
    struct config *c = load_good(IN_SOURCE(FOLDER));
    check_folder(c);
    ck_assert_ptr_null(c->warnings);
    ck_assert_int_eq(config_snapshot(c, &fd, &w), ERR_OK);
    unlink(in_dir("keys.d/a")); /* a snapshot is what was */
    ck_assert_msg(config_from_snapshot(fd, &back, &w) == ERR_OK, "%s", w.text);
    close(fd);
    check_folder(back);
    buf_init(&b, 65536);
    config_print(c, &b);
    buf_putc(&b, 0);
    ck_assert(strstr(b.p, "\"keys_folder\": \"") && !strstr(b.p, "b.pub"));
    buf_fini(&b);
    config_free(back);
    config_free(c);
}
END_TEST

static void folder_fault(const char *text, const char *reason)
{
    struct heard h;
    struct config *c = NULL;
    write_file("creel.json", text, 0644);
    ck_assert_int_eq(load_file("creel.json", &h, &c), ERR_INVALID);
    buf_putc(&h.text, 0);
    ck_assert_msg(h.n == 1 && strstr(h.text.p, reason), "'%s' does not say '%s'", h.text.p, reason);
    buf_fini(&h.text);
}

START_TEST(faults_of_a_folder_are_named)
{
    make_folder_of_keys();
    folder_fault(IN_SOURCE("\"path\":\"/a\",\"recipe\":\"signed\",\n\"keys_folder\":\"nowhere\""),
                 "creel.json:5: /sources/s/keys_folder: there is no folder ");
    folder_fault(IN_SOURCE(OPEN ",\n\"keys_folder\":\"keys.d\""),
                 "/sources/s/keys_folder: recipe \"none\" uses no keys");
    folder_fault(IN_SOURCE(FOLDER ",\"keys\":[{\"id\":\"a\",\"secret_file\":\"key\"}]"),
                 "a key listed in keys has the same id");
    folder_fault(IN_SOURCE(FOLDER ",\"keys\":[{\"id\":\"x\",\"secret_file\":\"keys.d/a\"}]"),
                 "which brings it already");
    write_file("keys.d/b.json", "{\"not_after\":\n\"soon\"}", 0644);
    folder_fault(IN_SOURCE(FOLDER), "keys.d/b.json:2: /not_after: ");
    write_file("keys.d/b.json", "{\"id\":\"c\"}", 0644);
    folder_fault(IN_SOURCE(FOLDER), "keys.d/b.json:1: /id: unknown setting");
    write_file("keys.d/b.json", "{}", 0666);
    folder_fault(IN_SOURCE(FOLDER), "b.json has mode 0666");
    unlink(in_dir("keys.d/b.json"));
    write_file("keys.d/a.pub", "public", 0644);
    folder_fault(IN_SOURCE(FOLDER), "a key is secret or public");
    unlink(in_dir("keys.d/a.pub"));
    write_file("keys.d/a", "secret", 0644);
    folder_fault(IN_SOURCE(FOLDER), "/sources/s/keys_folder: ");
    chmod(in_dir("keys.d/a"), 0600);
    chmod(in_dir("keys.d"), 0770);
    folder_fault(IN_SOURCE(FOLDER), "others could add keys: chmod go-w");
}
END_TEST

START_TEST(what_is_no_key_in_a_folder_is_a_warning)
{
    make_folder_of_keys();
    write_file("keys.d/c.bak", "an old secret", 0600);
    write_file("keys.d/d.json", "{}", 0644);
    struct config *c = load_good(IN_SOURCE(FOLDER));
    check_folder(c);
    ck_assert(c->warnings && c->warnings->next && !c->warnings->next->next);
    const char *one = c->warnings->text, *two = c->warnings->next->text;
    ck_assert_msg(strstr(one, "keys.d/c.bak is left out") || strstr(two, "keys.d/c.bak is left out"), "%s", one);
    ck_assert_msg(strstr(one, "keys.d/d has an ID.json") || strstr(two, "keys.d/d has an ID.json"), "%s", two);
    ck_assert(!strstr(one, "old secret") && !strstr(two, "old secret"));
    config_free(c);
}
END_TEST

START_TEST(an_empty_folder_will_do)
{
    ck_assert_int_eq(mkdir(in_dir("keys.d"), 0700), 0);
    struct config *c = load_good(IN_SOURCE(FOLDER));
    ck_assert_uint_eq(c->sources[0].n_keys, 0);
    config_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config_folder");
    TCase *t = tcase_create("config_folder");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_folder_brings_its_keys);
    tcase_add_test(t, faults_of_a_folder_are_named);
    tcase_add_test(t, what_is_no_key_in_a_folder_is_a_warning);
    tcase_add_test(t, an_empty_folder_will_do);
    suite_add_tcase(s, t);
    return suite_run(s);
}
