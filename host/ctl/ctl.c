/* SPDX-License-Identifier: MIT
 * ctl: what the verbs share: options, messages, the configuration, the spool directory, recipes, the control socket.
 * Runs in creel only, one thread; the only state is which verb runs and which options were there, for messages.
 */
#include "ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/nearest.h"
#include "ctl/frame.h"
#include "recipe/recipe.h"

enum { RECIPE_BYTES_MAX = 1 << 20, RECIPES_SUGGESTED = 256, SOCKET_TIMEOUT_S = 60 };

enum { OPTIONS_MAX = 64 };

static const struct verb *running;
static const char *options_seen[OPTIONS_MAX];
static size_t n_options_seen;

void frame_begin(const struct verb *v)
{
    running = v;
}

static void say(const char *fmt, va_list ap)
{
    fprintf(stderr, "creel%s%s: ", running ? " " : "", running ? running->word : "");
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

int ctl_fail(int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    return status;
}

int ctl_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    if (running)
        fprintf(stderr, "usage: creel %s\n", running->usage);
    return EXIT_USAGE;
}

static void take_off(int *argc, char **argv, int at, int n)
{
    for (int i = at; i + n <= *argc; i++)
        argv[i] = argv[i + n]; /* argv[*argc] is NULL and moves along */
    *argc -= n;
}

/* Is text this option, with its value behind it or not? */
static bool is_option(const char *text, const char *name)
{
    size_t len = strlen(name);
    return strncmp(text, name, len) == 0 && (!text[len] || (name[1] == '-' && text[len] == '='));
}

bool ctl_option(int *argc, char **argv, const char *name, const char **value)
{
    size_t len = strlen(name);
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        bool whole = strcmp(argv[i], name) == 0;
        bool joined = value && name[1] == '-' && strncmp(argv[i], name, len) == 0 && argv[i][len] == '=';
        if (!whole && !joined)
            continue;
        if (whole && value && i + 1 == *argc)
            exit(ctl_usage("option %s needs a value", name));
        if (value)
            *value = joined ? argv[i] + len + 1 : argv[i + 1];
        take_off(argc, argv, i, whole && value ? 2 : 1);
        if (n_options_seen < OPTIONS_MAX)
            options_seen[n_options_seen++] = name;
        return true;
    }
    return false;
}

static void refuse_option(const char *text) __attribute__((noreturn));
static void refuse_option(const char *text)
{
    for (size_t i = 0; i < n_options_seen; i++)
        if (is_option(text, options_seen[i]))
            exit(ctl_usage("option %s is there more often than it may be", options_seen[i]));
    exit(ctl_usage("there is no option '%s'", text));
}

void ctl_words(int argc, char **argv, int min, int max)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (argv[i][0] == '-' && argv[i][1])
            refuse_option(argv[i]);
    if (argc - 1 < min)
        exit(ctl_usage("an argument is missing"));
    if (argc - 1 > max)
        exit(ctl_usage("'%s' is one too many", argv[max + 1]));
}

long ctl_number(const char *option, const char *text, long min, long max)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (errno || end == text || *end || v < min || v > max)
        exit(ctl_usage("%s must be a whole number from %ld to %ld", option, min, max));
    return v;
}

static void report(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

const struct config *ctl_config(struct ctl *c)
{
    if (!c->config && config_read(c->config_file, report, NULL, &c->config) != ERR_OK)
        exit(ctl_fail(EXIT_USAGE, "the configuration %s cannot be used (-c FILE names another)", c->config_file));
    return c->config;
}

const char *ctl_spool(struct ctl *c)
{
    return c->spool ? c->spool : ctl_config(c)->spool;
}

int ctl_spool_fd(struct ctl *c)
{
    const char *spool = ctl_spool(c);
    int fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        exit(ctl_fail(EXIT_SYSTEM, "the spool %s cannot be opened: %s (--spool DIR names another)", spool,
                      strerror(errno)));
    return fd;
}

enum err ctl_connect(const char *what, const char *path, int *fd, struct why *w)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t bytes = strlen(path) + 1;
    if (bytes > sizeof to.sun_path)
        return why_set(w, ERR_INVALID, "the %s socket's name %s is too long", what, path);
    memcpy(to.sun_path, path, bytes);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return why_errno(w, "socket");
    const struct timeval limit = {.tv_sec = SOCKET_TIMEOUT_S};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
        why_errno(w, "creeld does not answer at %s (is it running?)", path);
        close(s);
        return ERR_SYSTEM;
    }
    *fd = s;
    return ERR_OK;
}

static enum err send_line(int fd, struct span line, struct why *w)
{
    while (line.n > 0) {
        ssize_t n = send(fd, line.p, line.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(w, "the control socket takes nothing");
        line = span_skip(line, (size_t)n);
    }
    return ERR_OK;
}

/* One line behind answer's content, without its line feed. */
static enum err read_line(int fd, struct buf *answer, struct why *w)
{
    for (;;) {
        char chunk[4096];
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_errno(w, "no answer from the control socket");
        const char *end = n > 0 ? memchr(chunk, '\n', (size_t)n) : NULL;
        buf_put(answer, chunk, end ? (size_t)(end - chunk) : (size_t)n);
        if (answer->failed)
            return why_set(w, ERR_NO_ROOM, "the control socket's answer is longer than %zu bytes", answer->max_bytes);
        if (end)
            return ERR_OK;
        if (n == 0)
            return why_set(w, ERR_CLOSED, "creeld closed the control socket without an answer");
    }
}

/* Does --spool name another spool than that of the creeld we would ask? */
static bool other_spool(struct ctl *c)
{
    struct stat ours, its;
    return c->spool && (stat(c->spool, &ours) != 0 || stat(ctl_config(c)->spool, &its) != 0 ||
                        ours.st_dev != its.st_dev || ours.st_ino != its.st_ino);
}

enum err ctl_control(struct ctl *c, struct span request, struct buf *answer, struct why *w)
{
    int fd = -1;
    if (other_spool(c))
        return why_set(w, ERR_INVALID,
                       "%s is not the spool of the configuration %s: -c FILE names the one whose creeld is meant",
                       c->spool, c->config_file);
    enum err e = ctl_connect("control", ctl_config(c)->control, &fd, w);
    if (e != ERR_OK)
        return e;
    e = send_line(fd, request, w);
    if (e == ERR_OK)
        e = send_line(fd, SPAN_LIT("\n"), w);
    if (e == ERR_OK)
        e = read_line(fd, answer, w);
    close(fd);
    return e;
}

/* The nearest recipe of a folder, copied into out. */
static bool suggest_recipe(const char *dir, const char *name, char out[64])
{
    static const char suffix[] = ".json";
    char *names[RECIPES_SUGGESTED];
    size_t n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && n < RECIPES_SUGGESTED && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        if (len > sizeof suffix && len < 64 && strcmp(e->d_name + len - (sizeof suffix - 1), suffix) == 0 &&
            (names[n] = strndup(e->d_name, len - (sizeof suffix - 1))))
            n++;
    }
    if (d)
        closedir(d);
    const char *near = nearest_word(span_str(name), (const char *const *)names, n);
    if (near)
        snprintf(out, 64, "%s", near);
    while (n > 0)
        free(names[--n]);
    return near != NULL;
}

static enum err text_from(const char *dir, const char *name, struct buf *text, struct why *w)
{
    char path[4096], near[64];
    if (snprintf(path, sizeof path, "%s/%s.json", dir, name) >= (int)sizeof path)
        return why_set(w, ERR_INVALID, "the folder's name is too long");
    enum err e = fs_read(AT_FDCWD, path, text, w);
    if (e == ERR_NOT_FOUND) {
        bool found = suggest_recipe(dir, name, near);
        why_set(w, e, "there is no recipe '%s' in %s%s%s", name, dir, found ? ", did you mean " : "",
                found ? near : "");
    }
    return e;
}

enum err ctl_recipe_text(struct ctl *c, const char *name, struct buf *text, struct why *w)
{
    if (!*name || strchr(name, '/') || *name == '.')
        return why_set(w, ERR_INVALID, "'%s' is not the name of a recipe", name);
    if (c->recipes)
        return text_from(c->recipes, name, text, w);
    if (c->config_given)
        ctl_config(c);
    if (c->config && c->config->recipes[0]) {
        enum err e = text_from(c->config->recipes, name, text, w);
        if (e != ERR_NOT_FOUND)
            return e;
    }
    return text_from(CREEL_DATADIR "/recipes", name, text, w);
}

enum err ctl_like_text(struct ctl *c, struct span text, struct buf *out, struct why *w)
{
    char like[RECIPE_NAME_BYTES];
    recipe_like(text, like);
    if (!like[0])
        return ERR_OK;
    enum err e = ctl_recipe_text(c, like, out, w);
    return e == ERR_NOT_FOUND && c->recipes ? text_from(CREEL_DATADIR "/recipes", like, out, w) : e;
}

static enum err compile(struct ctl *c, const char *name, const char *variant, bool may_lack, struct recipe **out,
                        struct why *w)
{
    struct buf text, like;
    struct why inner;
    buf_init(&text, RECIPE_BYTES_MAX);
    buf_init(&like, RECIPE_BYTES_MAX);
    enum err e = ctl_recipe_text(c, name, &text, w);
    if (e == ERR_OK)
        e = ctl_like_text(c, buf_span(&text), &like, w);
    if (e == ERR_OK) {
        if (may_lack && variant && !recipe_has_variant(buf_span(&text), variant))
            variant = NULL;
        e = recipe_compile_like(name, buf_span(&text), like.p ? buf_span(&like) : SPAN_NONE, variant, out, &inner);
        if (e != ERR_OK)
            why_set(w, e, "recipe %s: %.400s", name, inner.text);
    }
    buf_fini(&text);
    buf_fini(&like);
    return e;
}

enum err ctl_recipe(struct ctl *c, const char *name, const char *variant, struct recipe **out, struct why *w)
{
    return compile(c, name, variant, false, out, w);
}

enum err ctl_recipe_scheme(struct ctl *c, const char *name, const char *scheme, struct recipe **out, struct why *w)
{
    return compile(c, name, scheme, true, out, w);
}

enum { JSON_NODES_MAX = 10 * 1000 * 1000 };

static const char *name_of(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

enum err ctl_read(const char *path, struct buf *b, struct why *w)
{
    bool standard = strcmp(path, "-") == 0;
    struct why inner = {{0}};
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err missing = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
        why_errno(w, "%s: cannot open", path);
        return missing;
    }
    enum err e = fs_read_stream(fd, b, &inner);
    if (e)
        why_set(w, e, "%.200s: %.280s", name_of(path), inner.text);
    if (!standard)
        close(fd);
    return e;
}

static enum err read_json(const char *path, bool comments, struct buf *b, struct why *w)
{
    struct json_error error;
    size_t at;
    enum err e = ctl_read(path, b, w);
    if (!e && comments && !config_blank_comments(b->p, b->n, &at))
        return why_set(w, ERR_INVALID, "%s: the comment at byte %zu is not closed", name_of(path), at);
    if (!e && json_check(buf_span(b), (struct json_limits){JSON_DEPTH_MAX, JSON_NODES_MAX}, &error) != ERR_OK)
        e = why_set(w, ERR_INVALID, "%s: not JSON: %s at byte %zu", name_of(path), error.what, error.offset);
    return e;
}

enum err ctl_read_json(const char *path, struct buf *b, struct why *w)
{
    return read_json(path, false, b, w);
}

enum err ctl_read_commented_json(const char *path, struct buf *b, struct why *w)
{
    return read_json(path, true, b, w);
}
