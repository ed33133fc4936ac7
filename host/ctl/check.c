/* SPDX-License-Identifier: MIT
 * check: creel check: is everything as creeld needs it? What creeld -t says, which is asked, and what dispatch would say of the functions.
 * Changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "ctl/check_functions.h"
#include "ctl/ctl.h"
#include "ctl/past.h"

enum { SAID_BYTES = 16 << 20, LINE_BYTES = 16384 };

static const char *const verdicts[] = {[FINDING_OK] = "ok", [FINDING_WARNING] = "warning", [FINDING_FAULT] = "fault"};

struct report {
    const struct ctl *c;
    unsigned faults;
    struct buf places; /* of the faults of the configuration, a line feed before and behind each */
};

static void put_member(struct buf *b, const char *name, const char *text)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_json_text_or_null(b, *text ? span_str(text) : SPAN_NONE);
}

static void print_json(enum finding f, const char *what, const char *name, const char *place, const char *text)
{
    struct buf b;
    buf_init(&b, (size_t)8 * LINE_BYTES);
    buf_printf(&b, "{\"verdict\":\"%s\"", verdicts[f]);
    put_member(&b, "what", what);
    put_member(&b, "name", name);
    put_member(&b, "place", place);
    put_member(&b, "text", text);
    buf_puts(&b, "}\n");
    fwrite(buf_span(&b).p, 1, b.n, stdout);
    buf_fini(&b);
}

static void told(void *arg, enum finding f, const char *what, const char *name, const char *place, const char *text)
{
    struct report *r = arg;
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
    r->faults += f == FINDING_FAULT;
    if (r->c->json) {
        print_json(f, what, name, place, text);
        return;
    }
    printf("%s%-7s%s  %s ", r->c->color ? colors[f] : "", verdicts[f], r->c->color ? "\033[0m" : "", what);
    past_print_text(stdout, span_str(*name ? name : place), SIZE_MAX);
    if (*name && f != FINDING_OK) {
        printf(" (");
        past_print_text(stdout, span_str(place), SIZE_MAX);
        putchar(')');
    }
    printf(": ");
    past_print_text(stdout, span_str(text), SIZE_MAX);
    putchar('\n');
}

/* ---- creeld -t ---- */

static enum err start(char *program, char *file, int stderr_fd, pid_t *pid, struct why *w)
{
    char check[] = "-t", which[] = "-c";
    char *argv[] = {program, check, which, file, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, stderr_fd, STDERR_FILENO);
    errno = posix_spawn(pid, program, &actions, NULL, argv, environ);
    enum err e = errno ? why_errno(w, "%s cannot be started", program) : ERR_OK;
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

/* Run it on this configuration: what it says, and how it ended. */
static enum err ask_creeld(char *program, const char *file, struct buf *said, int *status, struct why *w)
{
    int ends[2];
    pid_t pid;
    char *copy = strdup(file);
    if (!copy || pipe2(ends, O_CLOEXEC) != 0) {
        free(copy);
        return why_errno(w, "creeld cannot be asked");
    }
    enum err e = start(program, copy, ends[1], &pid, w);
    free(copy);
    close(ends[1]);
    if (!e) {
        struct why inner;
        e = fs_read_stream(ends[0], said, &inner);
        if (e)
            why_set(w, e, "what creeld -t says: %.400s", inner.text);
        while (waitpid(pid, status, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return e;
}

/* "FILE:LINE: /pointer: [warning: ]reason", or any other text. Cuts line into its parts. */
static void tell_line(struct report *r, char *line)
{
    char *end = strstr(line, ": /"), *reason = end ? strstr(end + 2, ": ") : NULL;
    const char *place = reason ? line : "", *text = reason ? reason + 2 : line;
    if (reason)
        *reason = 0;
    bool warning = strncmp(text, "warning: ", 9) == 0;
    told(r, warning ? FINDING_WARNING : FINDING_FAULT, "configuration", "", *place ? place : r->c->config_file, text + (warning ? 9 : 0));
    if (!warning)
        buf_printf(&r->places, "\n%s", place);
}

static void tell_lines(struct report *r, struct buf *said)
{
    buf_putc(said, 0);
    for (char *line = said->p, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        if (*line)
            tell_line(r, line);
    }
}

/* The configuration and what it names. 0, or the exit status when nothing can be said. */
static int check_configuration(struct report *r)
{
    char program[FS_PROGRAM_BYTES];
    struct buf said;
    struct why w;
    int ended = 0;
    buf_init(&said, SAID_BYTES);
    fs_program("creeld", CREEL_SBINDIR, program);
    enum err e = ask_creeld(program, r->c->config_file, &said, &ended, &w);
    int status = e ? ctl_fail(EXIT_SYSTEM, "%s", w.text) : 0;
    if (!e && (!WIFEXITED(ended) || (WEXITSTATUS(ended) != 0 && WEXITSTATUS(ended) != EXIT_USAGE)))
        status = ctl_fail(EXIT_SYSTEM, "%s -t ended unexpectedly: %.*s", program, (int)said.n, said.n ? said.p : "");
    else if (!e)
        tell_lines(r, &said);
    if (!status && ended && !r->faults) /* it said nothing of what it refuses */
        status = ctl_fail(EXIT_USAGE, "%s -t refuses the configuration without a word", program);
    buf_fini(&said);
    return status;
}

/* ---- what is well ---- */

/* Is one of the faults where this text is, whole or with more behind it? */
static bool has_fault(const struct report *r, const char *before, const char *name, const char *behind)
{
    char text[PATH_MAX + 32];
    int n = snprintf(text, sizeof text, "%s%s%s", before, name, behind);
    return n < 0 || (size_t)n >= sizeof text || (r->places.n && memmem(r->places.p, r->places.n, text, (size_t)n));
}

static void tell_sources(struct report *r, const struct config *c)
{
    char text[512];
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct config_source *s = &c->sources[i];
        if (has_fault(r, ": /sources/", s->name, "/") || has_fault(r, ": /sources/", s->name, "\n"))
            continue;
        snprintf(text, sizeof text, "recipe %.64s, at %.300s", s->recipe, s->path);
        told(r, FINDING_OK, "source", s->name, c->file, text);
    }
}

static int is_schema(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 5 && e->d_name[0] != '.' && strcmp(e->d_name + n - 5, ".json") == 0;
}

static void tell_schemas(struct report *r, const struct config *c)
{
    struct dirent **names = NULL;
    char place[PATH_MAX], name[256];
    int n = *c->schemas ? scandir(c->schemas, &names, is_schema, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%.*s", (int)strlen(names[i]->d_name) - 5, names[i]->d_name);
        snprintf(place, sizeof place, "%s/%s", c->schemas, names[i]->d_name);
        if (!has_fault(r, "\n", place, ":"))
            told(r, FINDING_OK, "schema", name, place, "can be used");
        free(names[i]);
    }
    free(names);
}

static void tell_whole(struct report *r, const struct config *c)
{
    char text[256];
    snprintf(text, sizeof text, "creeld takes it and all it names; it would listen at %.128s", c->listen);
    told(r, FINDING_OK, "configuration", "", r->c->config_file, text);
}

static void ignore(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static int check_all(struct report *r, struct ctl *c)
{
    int status = check_configuration(r);
    if (status)
        return status;
    buf_putc(&r->places, '\n');
    bool refused = r->faults > 0;
    if (config_read(c->config_file, ignore, NULL, &c->config) != ERR_OK) {
        told(r, FINDING_WARNING, "functions", "", c->config_file, "not looked at until the configuration can be read");
        return EXIT_USAGE;
    }
    if (!refused)
        tell_whole(r, c->config);
    tell_sources(r, c->config);
    tell_schemas(r, c->config);
    check_functions(c->config, told, r);
    return refused ? EXIT_USAGE : r->faults ? EXIT_REFUSED : 0;
}

int verb_check(struct ctl *c, int argc, char **argv)
{
    struct report r = {.c = c};
    ctl_words(argc, argv, 0, 0);
    buf_init(&r.places, SAID_BYTES);
    int status = check_all(&r, c);
    buf_fini(&r.places);
    return status;
}
