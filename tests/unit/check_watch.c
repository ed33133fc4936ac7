/* SPDX-License-Identifier: MIT
 * check_watch: which changes of files are told, when, and once. Time is handed in.
 */
#include "suite.h"

#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/watch.h"

static char dir[64], schemas[128], keys[128], key_file[128];
static struct watch w;
static struct config config;
static struct config_source source;
static struct config_key key;
static int64_t now_ms;

static const char *at(const char *name)
{
    static char path[4][256];
    static unsigned i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", dir, name);
    return path[i];
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(at("new"), "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(rename(at("new"), at(name)), 0);
}

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/creel-watch.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(mkdir(at("schemas"), 0755), 0);
    ck_assert_int_eq(mkdir(at("keys"), 0755), 0);
    put("schemas/a.json", "{}");
    put("key", "one");
    snprintf(schemas, sizeof schemas, "%s/schemas", dir);
    snprintf(keys, sizeof keys, "%s/keys", dir);
    snprintf(key_file, sizeof key_file, "%s/key", dir);
    config = (struct config){.schemas = schemas, .recipes = "", .sources = &source, .n_sources = 1};
    source = (struct config_source){.keys_folder = keys, .keys = &key, .n_keys = 1};
    key = (struct config_key){.id = "k", .secret_file = key_file};
    now_ms = 1000;
    watch_init(&w);
    ck_assert_int_ge(w.fd, 0);
    ck_assert_int_eq(watch_use(&w, &config, now_ms), ERR_OK);
}

static void tear_down(void)
{
    char command[128];
    watch_fini(&w);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

static bool hinted(void)
{
    struct pollfd p = {.fd = w.fd, .events = POLLIN};
    bool yes = poll(&p, 1, 0) > 0;
    if (yes)
        watch_hint(&w, now_ms);
    return yes;
}

/* What is told when the next look is due, and the one after it. */
static const char *told(void)
{
    now_ms = w.look_ms;
    const char *first = watch_turn(&w, now_ms);
    ck_assert_ptr_null(first); /* it may still be changing */
    now_ms = w.look_ms;
    return watch_turn(&w, now_ms);
}

static void ck_told(const char *path)
{
    ck_assert(hinted());
    ck_assert_int_eq(w.look_ms, now_ms + WATCH_QUIET_MS);
    const char *what = told();
    ck_assert_ptr_nonnull(what);
    ck_assert_str_eq(what, path);
    ck_assert_ptr_null(told()); /* once */
}

START_TEST(test_files)
{
    put("key", "another");
    ck_told(key.secret_file);
    ck_assert_int_eq(chmod(key.secret_file, 0640), 0); /* what was too open before may be read now */
    ck_told(key.secret_file);
    ck_assert_int_eq(unlink(key.secret_file), 0);
    ck_told(key.secret_file);
    put("key", "back");
    ck_told(key.secret_file);
}
END_TEST

START_TEST(test_folders)
{
    put("schemas/b.v2.json", "{}");
    ck_told(config.schemas);
    put("schemas/a.json", "{ }");
    ck_told(config.schemas);
    ck_assert_int_eq(rename(at("schemas/a.json"), at("schemas/c.json")), 0);
    ck_told(config.schemas);
    ck_assert_int_eq(unlink(at("schemas/c.json")), 0);
    ck_told(config.schemas);
    put("keys/2026-12", "secret");
    ck_told(source.keys_folder);
}
END_TEST

START_TEST(test_what_does_not_count)
{
    put("schemas/.a.json.swp", "");
    put("schemas/.new.json", "{");
    put("schemas/README", "");
    put("neighbour", "of the key");
    ck_assert(hinted());
    ck_assert_ptr_null(told());
    ck_assert_ptr_null(told());
    ck_assert(!hinted()); /* looking is no hint */
}
END_TEST

START_TEST(test_waits_for_the_end)
{
    put("key", "1");
    ck_assert(hinted());
    for (int i = 0; i < 5; i++) {
        now_ms = w.look_ms;
        ck_assert_ptr_null(watch_turn(&w, now_ms));
        put("key", i % 2 ? "12" : "123");
    }
    ck_assert_str_eq(told(), key.secret_file);
}
END_TEST

START_TEST(test_without_hints)
{
    close(w.fd);
    w.fd = -1;
    put("schemas/b.json", "{}");
    ck_assert_int_eq(w.look_ms, now_ms + WATCH_LOOK_MS);
    ck_assert_str_eq(told(), config.schemas);
    put("elsewhere", "x");
    ck_assert_int_eq(unlink(key.secret_file), 0);
    ck_assert_int_eq(symlink(at("elsewhere"), key.secret_file), 0);
    ck_assert_str_eq(told(), key.secret_file);
    put("elsewhere", "yy");
    ck_assert_str_eq(told(), key.secret_file);
}
END_TEST

START_TEST(test_a_folder_that_comes_later)
{
    ck_assert_int_eq(unlink(at("schemas/a.json")), 0);
    ck_assert_int_eq(rmdir(config.schemas), 0);
    ck_told(config.schemas);
    ck_assert_int_eq(mkdir(config.schemas, 0755), 0);
    put("schemas/a.json", "{}");
    ck_assert_str_eq(told(), config.schemas);
    put("schemas/b.json", "{}"); /* and from now on there are hints again */
    ck_told(config.schemas);
}
END_TEST

START_TEST(test_while_it_is_read)
{
    /* A reload notes, reads, and then watches what it has read: what changed in between is told. */
    put("key", "before");
    watch_note(&w);
    put("schemas/a.json", "{\"changed\": 1}");
    ck_assert_int_eq(watch_use(&w, &config, now_ms), ERR_OK);
    ck_told(config.schemas);
    /* What was noted is not. */
    put("key", "again");
    watch_note(&w);
    ck_assert_int_eq(watch_use(&w, &config, now_ms), ERR_OK);
    ck_assert(hinted());
    ck_assert_ptr_null(told());
    ck_assert_ptr_null(told());
    /* Nor what is named no more. */
    source.n_keys = 0;
    ck_assert_int_eq(watch_use(&w, &config, now_ms), ERR_OK);
    put("key", "nobody's");
    (void)hinted();
    ck_assert_ptr_null(told());
    ck_assert_ptr_null(told());
}
END_TEST

int main(void)
{
    Suite *s = suite_create("watch");
    TCase *t = tcase_create("watch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_files);
    tcase_add_test(t, test_folders);
    tcase_add_test(t, test_what_does_not_count);
    tcase_add_test(t, test_waits_for_the_end);
    tcase_add_test(t, test_without_hints);
    tcase_add_test(t, test_a_folder_that_comes_later);
    tcase_add_test(t, test_while_it_is_read);
    suite_add_tcase(s, t);
    return suite_run(s);
}
