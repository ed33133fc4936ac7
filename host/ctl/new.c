/* SPDX-License-Identifier: MIT
 * new: creel new: a folder with a function to begin with, made of the installed template. Overwrites nothing. One
 * thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "ctl/ctl.h"

enum { TEMPLATE_BYTES_MAX = 1 << 20, NAME_BYTES_MAX = 128 };

/* The files of the template; NAME stands for the function's name. */
static const struct {
    const char *from, *suffix; /* suffix: the name begins with the function's */
} files[] = {
    {"NAME.c", ".c"},
    {"NAME.json", ".json"},
    {"Makefile", NULL},
    {"event.json", NULL},
};

/* A name that is a file name, an event type and a make target alike. */
static bool usable(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = strlen(name);
    return n > 0 && n <= NAME_BYTES_MAX && strspn(name, allowed) == n && name[0] != '.' && name[0] != '-';
}

static void fill_in(struct span text, const char *name, struct buf *out)
{
    const struct span mark = SPAN_LIT("@NAME@");
    while (text.n > 0) {
        const char *at = memmem(text.p, text.n, mark.p, mark.n);
        size_t n = at ? (size_t)(at - text.p) : text.n;
        buf_put(out, text.p, n);
        if (at)
            buf_puts(out, name);
        text = span_skip(text, at ? n + mark.n : n);
    }
}

static enum err copy_file(int from_dir, int to_dir, const char *from, const char *to, const char *name, struct why *w)
{
    struct buf text, filled;
    buf_init(&text, TEMPLATE_BYTES_MAX);
    buf_init(&filled, 2 * TEMPLATE_BYTES_MAX);
    enum err e = fs_read(from_dir, from, &text, w);
    if (e == ERR_OK) {
        fill_in(buf_span(&text), name, &filled);
        e = filled.failed ? why_set(w, ERR_NO_ROOM, "%s is too long", from)
                          : fs_replace(to_dir, to, buf_span(&filled), 0644, w);
    }
    buf_fini(&text);
    buf_fini(&filled);
    return e;
}

static enum err copy_all(int from_dir, int to_dir, const char *name, struct why *w)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char to[NAME_BYTES_MAX + 16];
        snprintf(to, sizeof to, "%s%s", files[i].suffix ? name : files[i].from, files[i].suffix ? files[i].suffix : "");
        enum err e = copy_file(from_dir, to_dir, files[i].from, to, name, w);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static int make_folder(const char *template, const char *name)
{
    struct why w;
    int from_dir = open(template, O_RDONLY | O_DIRECTORY | O_CLOEXEC), to_dir = -1, status = EXIT_SYSTEM;
    if (from_dir < 0)
        return ctl_fail(EXIT_SYSTEM, "the template %s cannot be opened: %s (--template DIR names another)", template,
                        strerror(errno));
    if (mkdir(name, 0777) != 0) {
        status = errno == EEXIST
                     ? ctl_fail(EXIT_REFUSED, "%s is there already: remove it, or choose another name", name)
                     : ctl_fail(EXIT_SYSTEM, "%s: %s", name, strerror(errno));
        goto out;
    }
    to_dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to_dir < 0)
        status = ctl_fail(EXIT_SYSTEM, "%s: %s", name, strerror(errno));
    else if (copy_all(from_dir, to_dir, name, &w) != ERR_OK)
        status = ctl_fail(EXIT_SYSTEM, "%s", w.text);
    else
        status = 0;
out:
    if (to_dir >= 0)
        close(to_dir);
    close(from_dir);
    return status;
}

int verb_new(struct ctl *c, int argc, char **argv)
{
    const char *template = CREEL_DATADIR "/template";
    ctl_option(&argc, argv, "--template", &template);
    ctl_words(argc, argv, 1, 1);
    const char *name = argv[1];
    if (!usable(name))
        return ctl_usage("'%s' cannot name a function: letters, digits, '.', '_' and '-', at most %d", name,
                         NAME_BYTES_MAX);
    int status = make_folder(template, name);
    if (status == 0 && c->json)
        printf("{\"folder\":\"%s\"}\n", name);
    else if (status == 0)
        printf("%s/ is ready: cd %s && make && make try\n", name, name);
    return status;
}
