/* SPDX-License-Identifier: MIT
 * config_kit: a folder with a configuration in it, for the suites that load some.
 */
#ifndef CREEL_TESTS_CONFIG_KIT_H
#define CREEL_TESTS_CONFIG_KIT_H

#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/config_parts.h"
#include "base/fs.h"

/* ---- a folder with a configuration in it ---- */

static char dir[64];

static inline const char *in_dir(const char *name)
{
    static char path[4][256];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static inline void write_file(const char *name, const char *text, mode_t mode)
{
    unlink(in_dir(name));
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_pwrite_all(fd, span_str(text), 0), ERR_OK);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static inline void setup(void)
{
    struct why w;
    snprintf(dir, sizeof dir, "/tmp/check_config.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, in_dir("recipes"), 0755, &w), ERR_OK);
    ck_assert_int_eq(fs_mkdirs(AT_FDCWD, in_dir("sources.d"), 0755, &w), ERR_OK);
    write_file("recipes/signed.json", "{\"recipe\":\"signed\"}", 0644);
    write_file("recipes/none.json", "{\"recipe\":\"none\"}", 0644);
    write_file("recipes/broken.json", "{\"recipe\":}", 0644);
    write_file("key", "a secret\n", 0640);
}

static inline void teardown(void)
{
    static const char *const names[] = {"keys.d/a",
                                        "keys.d/a.pub",
                                        "keys.d/a.json",
                                        "keys.d/b.pub",
                                        "keys.d/b.json",
                                        "keys.d/c.bak",
                                        "keys.d/.c.1234",
                                        "keys.d/d.json",
                                        "keys.d",
                                        "recipes/signed.json",
                                        "recipes/none.json",
                                        "recipes/broken.json",
                                        "recipes",
                                        "key",
                                        "creel.json",
                                        "sources.d/a.json",
                                        "sources.d/b.json",
                                        "sources.d",
                                        "open",
                                        "link",
                                        "empty",
                                        "printed.json",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(in_dir(names[i]));
}

/* ---- loading ---- */

struct heard {
    struct buf text; /* one fault a line */
    unsigned n;
};

static inline void hear(void *arg, const char *text)
{
    struct heard *h = arg;
    h->n++;
    buf_printf(&h->text, "%s\n", text);
}

static inline enum err load_file(const char *name, struct heard *h, struct config **c)
{
    buf_init(&h->text, 65536);
    h->n = 0;
    return config_load(in_dir(name), hear, h, c);
}

static inline struct config *load_good(const char *text)
{
    struct heard h;
    struct config *c = NULL;
    write_file("creel.json", text, 0644);
    enum err e = load_file("creel.json", &h, &c);
    ck_assert_msg(e == ERR_OK && h.n == 0, "%.*s", (int)h.text.n, h.text.p ? h.text.p : "");
    buf_fini(&h.text);
    return c;
}

#define SIGNED "\"path\":\"/a\",\"recipe\":\"signed\",\"keys\":[{\"id\":\"k\",\"secret_file\":\"key\"}]"
#define OPEN "\"path\":\"/a\",\"recipe\":\"none\",\"allow_unsigned\":true"
#define IN_SOURCE(members) "{\"recipes\":\"recipes\",\n\"sources\":{\n\"s\":{\n" members "}}}"
#define IN_TOP(members) "{\"recipes\":\"recipes\",\n" members "}"
#define WITH_KEY(members) IN_SOURCE("\"path\":\"/a\",\"recipe\":\"signed\",\"keys\":[\n{" members "}]")

#endif
