/* SPDX-License-Identifier: MIT
 * check_secrets: keys go from files and variables to the one who asks by source and key id, byte for byte; variables
 * are gone afterwards; files others can read or replace are refused; a damaged memfd is refused whole.
 */
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/secrets.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[8][256];
    static unsigned next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void write_file(const char *name, struct span content, mode_t mode)
{
    unlink(in_dir(name));
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_pwrite_all(fd, content, 0), ERR_OK);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/check_secrets.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    static const char *const names[] = {"a", "b", "c", "link", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(in_dir(names[i]));
}

static void expect(const struct secrets *s, const char *source, const char *id, struct span value)
{
    struct secret got = secrets_find(s, source, id);
    ck_assert_msg(got.secret && span_eq(secret_expose(got), value), "%s/%s", source, id);
}

START_TEST(keys_arrive_byte_for_byte)
{
    struct why w;
    struct secrets *s;
    write_file("a", SPAN_LIT("one\n"), 0640);
    write_file("b", SPAN_LIT("two\n\r\n"), 0400);
    write_file("c", SPAN_LIT("\0\xff\n\n"), 0644);
    setenv("CHECK_SECRET", "from the environment", 1);
    const char *in_place = getenv("CHECK_SECRET");
    struct config_key shop[] = {{.record = "1", .id = "1", .secret_file = in_dir("a")}, {.record = "2", .id = "2", .secret_file = in_dir("b")}};
    struct config_key bank[] = {{.record = "1", .id = "1", .public_key_file = in_dir("c")},
                                {.record = "env", .id = "env", .secret_env = "CHECK_SECRET"}};
    struct config_source sources[] = {{.name = "bank", .keys = bank, .n_keys = 2},
                                      {.name = "shop", .keys = shop, .n_keys = 2}};
    struct config c = {.sources = sources, .n_sources = 2};
    int fd, again;
    ck_assert_msg(secrets_gather(&c, -1, &fd, &w) == ERR_OK, "%s", w.text);
    ck_assert_ptr_null(getenv("CHECK_SECRET"));
    for (size_t i = 0; i < strlen("from the environment"); i++)
        ck_assert_int_eq(in_place[i], 0);
    ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    ck_assert_int_eq(secrets_read(fd, &s, &w), ERR_OK);
    expect(s, "shop", "1", SPAN_LIT("one"));
    expect(s, "shop", "2", SPAN_LIT("two\n"));
    expect(s, "bank", "1", SPAN_LIT("\0\xff\n"));
    expect(s, "bank", "env", SPAN_LIT("from the environment"));
    ck_assert_ptr_null(secrets_find(s, "shop", "env").secret);
    ck_assert_ptr_null(secrets_find(s, "sho", "1").secret);
    ck_assert_ptr_null(secrets_find(s, "shop", "").secret);
    secrets_free(s);
    /* A reload: the file is read anew, the variable's value comes from what was gathered before. */
    write_file("a", SPAN_LIT("rotated"), 0600);
    ck_assert_msg(secrets_gather(&c, fd, &again, &w) == ERR_OK, "%s", w.text);
    close(fd);
    ck_assert_int_eq(secrets_read(again, &s, &w), ERR_OK);
    expect(s, "shop", "1", SPAN_LIT("rotated"));
    expect(s, "bank", "env", SPAN_LIT("from the environment"));
    secrets_free(s);
    /* A reload without that key, and one with it again. */
    bank[1] = (struct config_key){.record = "file", .id = "file", .secret_file = in_dir("b")};
    ck_assert_int_eq(secrets_gather(&c, again, &fd, &w), ERR_OK);
    ck_assert_int_eq(secrets_read(fd, &s, &w), ERR_OK);
    ck_assert_ptr_null(secrets_find(s, "bank", "env").secret);
    secrets_free(s);
    close(again);
    bank[1] = (struct config_key){.record = "back", .id = "back", .secret_env = "CHECK_SECRET"};
    ck_assert_msg(secrets_gather(&c, fd, &again, &w) == ERR_OK, "%s", w.text);
    ck_assert_int_eq(secrets_read(again, &s, &w), ERR_OK);
    expect(s, "bank", "back", SPAN_LIT("from the environment"));
    secrets_free(s);
    close(fd);
    close(again);
}
END_TEST

START_TEST(a_failure_changes_nothing)
{
    struct why w;
    int fd = -7;
    setenv("CHECK_SECRET", "x", 1);
    struct config_key keys[] = {{.record = "env", .id = "env", .secret_env = "CHECK_SECRET"},
                                {.record = "gone", .id = "gone", .secret_env = "CHECK_NO_SECRET"}};
    struct config_source source = {.name = "shop", .keys = keys, .n_keys = 2};
    struct config c = {.sources = &source, .n_sources = 1};
    ck_assert_int_eq(secrets_gather(&c, -1, &fd, &w), ERR_NOT_FOUND);
    ck_assert_str_eq(w.text, "source shop, key gone: the environment variable CHECK_NO_SECRET is not set");
    ck_assert_str_eq(getenv("CHECK_SECRET"), "x");
    ck_assert_int_eq(fd, -7);
    write_file("a", SPAN_LIT("\n"), 0600);
    keys[1] = (struct config_key){.record = "only a newline", .id = "only a newline", .secret_file = in_dir("a")};
    ck_assert_int_eq(secrets_gather(&c, -1, &fd, &w), ERR_INVALID);
    setenv("CHECK_SECRET", "", 1);
    ck_assert_int_eq(secrets_gather(&c, -1, &fd, &w), ERR_INVALID);
}
END_TEST

START_TEST(open_files_are_refused)
{
    static const struct {
        mode_t mode;
        bool secret_ok, public_ok;
    } modes[] = {{0600, true, true},  {0640, true, true},   {0440, true, true},  {0400, true, true},
                 {0644, false, true}, {0660, false, false}, {0604, false, true}, {0602, false, false},
                 {0650, false, true}, {0666, false, false}, {0641, false, true}, {0700, false, true}, {0620, false, false}};
    struct why w;
    int fd;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        for (int is_public = 0; is_public < 2; is_public++) {
            write_file("a", SPAN_LIT("k"), modes[i].mode);
            enum err e = secrets_open(in_dir("a"), is_public, (uid_t)-1, &fd, &w);
            ck_assert_msg((e == ERR_OK) == (is_public ? modes[i].public_ok : modes[i].secret_ok), "%04o",
                          modes[i].mode);
            if (!e)
                close(fd);
        }
    ck_assert_int_eq(symlink("a", in_dir("link")), 0);
    ck_assert_int_eq(secrets_open(in_dir("link"), false, (uid_t)-1, &fd, &w), ERR_DENIED);
    ck_assert_int_eq(secrets_open(dir, false, (uid_t)-1, &fd, &w), ERR_INVALID);
    ck_assert_int_eq(secrets_open(in_dir("none"), false, (uid_t)-1, &fd, &w), ERR_NOT_FOUND);
    write_file("a", SPAN_LIT(""), 0600);
    ck_assert_int_eq(secrets_open(in_dir("a"), false, (uid_t)-1, &fd, &w), ERR_INVALID);
    write_file("a", SPAN_LIT("k"), 0600);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(in_dir("a"), 12345, 0), 0);
        ck_assert_int_eq(secrets_open(in_dir("a"), false, (uid_t)-1, &fd, &w), ERR_DENIED);
    }
    ck_assert_int_eq(truncate(in_dir("a"), SECRET_BYTES_MAX + 1), 0);
    ck_assert_int_eq(chown(in_dir("a"), geteuid(), (gid_t)-1), 0);
    ck_assert_int_eq(secrets_open(in_dir("a"), false, (uid_t)-1, &fd, &w), ERR_INVALID);
}
END_TEST

/* Cut at each byte: what is before the cut is never handed out as if it were all. */
START_TEST(a_damaged_memfd_is_refused)
{
    struct why w;
    struct secrets *s;
    int fd, part;
    write_file("a", SPAN_LIT("secret"), 0600);
    struct config_key key = {.record = "1", .id = "1", .secret_file = in_dir("a")};
    struct config_source source = {.name = "shop", .keys = &key, .n_keys = 1};
    struct config c = {.sources = &source, .n_sources = 1};
    ck_assert_int_eq(secrets_gather(&c, -1, &fd, &w), ERR_OK);
    struct buf b;
    buf_init(&b, 4096);
    ck_assert_int_eq(fs_read_fd(fd, &b, &w), ERR_OK);
    close(fd);
    for (size_t n = 0; n < b.n; n++) {
        ck_assert_int_eq(fs_sealed("check", span_of(b.p, n), &part, &w), ERR_OK);
        ck_assert_msg(secrets_read(part, &s, &w) == ERR_CORRUPT, "%zu bytes", n);
        close(part);
    }
    for (int i = 0; i < 16; i++) /* the head of a record without anything */
        buf_putc(&b, 0);
    ck_assert_int_eq(fs_sealed("check", buf_span(&b), &part, &w), ERR_OK);
    ck_assert_int_eq(secrets_read(part, &s, &w), ERR_CORRUPT);
    close(part);
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(secrets_read(pipes[0], &s, &w), ERR_CORRUPT);
    close(pipes[0]);
    close(pipes[1]);
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("secrets");
    TCase *t = tcase_create("secrets");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, keys_arrive_byte_for_byte);
    tcase_add_test(t, a_failure_changes_nothing);
    tcase_add_test(t, open_files_are_refused);
    tcase_add_test(t, a_damaged_memfd_is_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
