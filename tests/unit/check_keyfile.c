/* SPDX-License-Identifier: MIT
 * check_keyfile: what is stored in a folder of keys is whole, private and first come, first kept.
 */
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/keyfile.h"
#include "base/secrets.h"

static char dir[64];

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/check_keyfile.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Takes the folder's files away; how many there were. */
static int clear(void)
{
    char path[512];
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        remove(path);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

static void teardown(void)
{
    chmod(dir, 0700);
    clear();
    rmdir(dir);
}

static void holds(const char *name, const char *content, mode_t mode)
{
    char path[512];
    struct stat st;
    struct buf b;
    struct why w;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_init(&b, 65536);
    ck_assert_msg(fs_read(AT_FDCWD, path, &b, &w) == ERR_OK, "%s", w.text);
    ck_assert_span_eq(buf_span(&b), content);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, mode);
    buf_fini(&b);
}

START_TEST(a_secret_is_stored_once)
{
    struct why w;
    umask(0);
    ck_assert_msg(keyfile_store(dir, "2026-11", SPAN_LIT("first"), &w) == ERR_OK, "%s", w.text);
    holds("2026-11", "first\n", 0600);
    ck_assert_int_eq(keyfile_store(dir, "2026-11", SPAN_LIT("second"), &w), ERR_EXISTS);
    ck_assert_msg(strstr(w.text, "/2026-11 is there already") && !strstr(w.text, "second"), "%s", w.text);
    holds("2026-11", "first\n", 0600);
    ck_assert_int_eq(keyfile_store_public(dir, "2026-11", SPAN_LIT("public"), &w), ERR_EXISTS);
    ck_assert_int_eq(keyfile_store_public(dir, "p", SPAN_LIT("public\n"), &w), ERR_OK);
    holds("p.pub", "public\n", 0644);
    ck_assert_int_eq(keyfile_store(dir, "p", SPAN_LIT("secret"), &w), ERR_EXISTS);
    ck_assert_int_eq(keyfile_describe(dir, "p", SPAN_LIT("{}"), &w), ERR_OK);
    ck_assert_int_eq(keyfile_describe(dir, "p", SPAN_LIT("{\"not_after\":1}"), &w), ERR_OK);
    holds("p.json", "{\"not_after\":1}", 0644);
    ck_assert_int_eq(clear(), 3); /* nothing else is left */
}
END_TEST

/* What is read back is what was stored, line feeds at the end too. */
START_TEST(a_stored_secret_is_read_exactly)
{
    static const struct span texts[] = {SPAN_LIT("plain"), SPAN_LIT("line\n"), SPAN_LIT("\r\n"), SPAN_LIT("a\0b")};
    struct why w;
    char path[512];
    char *room = malloc(SECRET_BYTES_MAX + 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct secret got;
        ck_assert_msg(keyfile_store(dir, "k", texts[i], &w) == ERR_OK, "%s", w.text);
        snprintf(path, sizeof path, "%s/k", dir);
        const struct config_key key = {.id = "k", .secret_file = path};
        ck_assert_msg(secrets_one(&key, (uid_t)-1, NULL, room, &got, &w) == ERR_OK, "%s", w.text);
        ck_assert(span_eq(secret_expose(got), texts[i]));
        unlink(path);
    }
    free(room);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    struct why w;
    static const char *const ids[] = {
        "",   "a.b", "../x", ".x",
        "-x", "a/b", "a b",  "a2345678901234567890123456789012345678901234567890123456789012345"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        ck_assert_msg(keyfile_store(dir, ids[i], SPAN_LIT("secret"), &w) == ERR_INVALID, "'%s'", ids[i]);
    ck_assert_int_eq(keyfile_store(dir, "k", SPAN_LIT(""), &w), ERR_INVALID);
    ck_assert_int_eq(keyfile_store(dir, "k", SPAN_LIT("x\r"), &w), ERR_INVALID);
    ck_assert_int_eq(keyfile_store("/nonexistent/keys", "k", SPAN_LIT("x"), &w), ERR_NOT_FOUND);
    ck_assert_msg(strstr(w.text, "mkdir -m 0700 /nonexistent/keys") != NULL, "%s", w.text);
    chmod(dir, 0770);
    ck_assert_int_eq(keyfile_store(dir, "k", SPAN_LIT("x"), &w), ERR_DENIED);
    ck_assert_msg(strstr(w.text, "chmod go-w") != NULL, "%s", w.text);
    ck_assert_int_eq(clear(), 0);
}
END_TEST

enum { THREADS = 8 };
static enum err ends[THREADS];

static void *store_one(void *arg)
{
    struct why w;
    size_t i = (size_t)(uintptr_t)arg;
    char text[8];
    snprintf(text, sizeof text, "%zu", i);
    ends[i] = keyfile_store(dir, "k", span_str(text), &w);
    return NULL;
}

START_TEST(one_of_many_wins)
{
    for (int round = 0, rounds = suite_rounds(20); round < rounds; round++) {
        pthread_t threads[THREADS];
        char text[8];
        size_t won = 0;
        for (size_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, store_one, (void *)(uintptr_t)i), 0);
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        for (size_t i = 0; i < THREADS; i++) {
            ck_assert(ends[i] == ERR_OK || ends[i] == ERR_EXISTS);
            won += ends[i] == ERR_OK;
            if (ends[i] == ERR_OK)
                snprintf(text, sizeof text, "%zu\n", i);
        }
        ck_assert_uint_eq(won, 1);
        holds("k", text, 0600);
        ck_assert_int_eq(clear(), 1);
    }
}
END_TEST

/* What root stores, whom the folder belongs to can read. */
START_TEST(as_root_the_folders_owner_gets_it)
{
    struct why w;
    struct stat st;
    char path[512];
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chown(dir, 12345, 12345), 0);
    ck_assert_msg(keyfile_store(dir, "k", SPAN_LIT("secret"), &w) == ERR_OK, "%s", w.text);
    snprintf(path, sizeof path, "%s/k", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, 12345);
}
END_TEST

START_TEST(a_folder_is_somebodys_own)
{
    struct why w;
    int fd;
    ck_assert_int_eq(keyfile_folder(dir, (uid_t)-1, &fd, &w), ERR_OK);
    close(fd);
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chown(dir, 12345, 12345), 0);
    ck_assert_int_eq(keyfile_folder(dir, (uid_t)-1, &fd, &w), ERR_DENIED);
    ck_assert_msg(strstr(w.text, "who could add keys") != NULL, "%s", w.text);
    ck_assert_int_eq(keyfile_folder(dir, 12345, &fd, &w), ERR_OK);
    close(fd);
}
END_TEST

START_TEST(a_file_is_made_once)
{
    struct why w;
    char path[512];
    snprintf(path, sizeof path, "%s/new", dir);
    ck_assert_msg(keyfile_create(path, SPAN_LIT("one"), 0600, &w) == ERR_OK, "%s", w.text);
    holds("new", "one", 0600);
    ck_assert_int_eq(keyfile_create(path, SPAN_LIT("two"), 0600, &w), ERR_EXISTS);
    ck_assert_msg(strstr(w.text, path) != NULL, "%s", w.text);
    holds("new", "one", 0600);
    ck_assert_int_ne(keyfile_create("/nonexistent/new", SPAN_LIT("x"), 0600, &w), ERR_OK);
    ck_assert_msg(strstr(w.text, "/nonexistent/: cannot open the folder") != NULL, "%s", w.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keyfile");
    TCase *t = tcase_create("keyfile");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_secret_is_stored_once);
    tcase_add_test(t, a_stored_secret_is_read_exactly);
    tcase_add_test(t, what_cannot_be_is_refused);
    tcase_add_test(t, one_of_many_wins);
    tcase_add_test(t, as_root_the_folders_owner_gets_it);
    tcase_add_test(t, a_folder_is_somebodys_own);
    tcase_add_test(t, a_file_is_made_once);
    suite_add_tcase(s, t);
    return suite_run(s);
}
