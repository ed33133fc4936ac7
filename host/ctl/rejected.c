/* SPDX-License-Identifier: MIT
 * rejected: creel list --rejected: what the door refused, oldest first, from the files that intake keeps (rejected/
 * below the spool), as a table or as the lines they are; creel verify --rejected: one of them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/units.h"
#include "ctl/past.h"
#include "ctl/rejected.h"

enum { FILE_BYTES = 64 << 20, TEXT_BYTES = 1024, WIDE = 24 };

static struct span member(struct span line, const char *name, struct buf *b)
{
    struct span value = json_member(line, name);
    buf_clear(b);
    if (!value.p || json_type_of(value) == JSON_NULL || json_scalar_text(value, b) != ERR_OK)
        return SPAN_LIT("-");
    return buf_span(b);
}

static bool chosen(const struct choice *which, struct span line, struct buf *b)
{
    int64_t at = 0;
    if (which->source && !span_eq_str(member(line, "source", b), which->source))
        return false;
    if (which->type && !config_pattern_match(which->type, member(line, "type", b)))
        return false;
    return rfc3339_parse(member(line, "at", b), &at) == ERR_OK && at >= which->since_ms;
}

static void print_row(struct span line, struct buf *b)
{
    static const struct {
        const char *name;
        int width;
    } columns[] = {{"at", 24}, {"source", 12}, {"status", 6}, {"code", 26}, {"request", 26}};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct span s = member(line, columns[i].name, b);
        past_print_text(stdout, s, WIDE + 4);
        printf("%*s", s.n < (size_t)columns[i].width ? columns[i].width - (int)s.n + 2 : 2, "");
    }
    past_print_text(stdout, member(line, "detail", b), TEXT_BYTES);
    putchar('\n');
}

/* Each good line of a file. */
static void each_line(int dir_fd, const char *name, void (*take)(void *arg, struct span line, struct buf *text),
                      void *arg)
{
    struct buf file, text;
    struct json_error fault;
    buf_init(&file, FILE_BYTES);
    buf_init(&text, TEXT_BYTES);
    if (fs_read(dir_fd, name, &file, NULL) != ERR_OK)
        buf_clear(&file); /* taken away meanwhile */
    for (struct span rest = buf_span(&file); rest.n > 0;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct span line = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);
        rest = span_skip(rest, line.n + 1);
        if (json_check(line, JSON_LIMITS_DEFAULT, &fault) == ERR_OK)
            take(arg, line, &text);
    }
    buf_fini(&file);
    buf_fini(&text);
}

static int is_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 6 && strcmp(e->d_name + n - 6, ".jsonl") == 0;
}

/* Each good line of all files, oldest first. */
static void each(struct ctl *c, void (*take)(void *arg, struct span line, struct buf *text), void *arg)
{
    struct dirent **names = NULL;
    int dir_fd = openat(ctl_spool_fd(c), "rejected", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return; /* nothing was ever refused here */
    int n = scandirat(dir_fd, ".", &names, is_file, alphasort);
    for (int i = 0; i < n; i++) {
        each_line(dir_fd, names[i]->d_name, take, arg);
        free(names[i]);
    }
    free(names);
    close(dir_fd);
}

struct listing {
    const struct ctl *ctl;
    const struct choice *which;
};

static void list_line(void *arg, struct span line, struct buf *text)
{
    const struct listing *l = arg;
    if (!chosen(l->which, line, text))
        return;
    if (l->ctl->json)
        printf("%.*s\n", (int)line.n, line.p);
    else
        print_row(line, text);
}

int rejected_list(struct ctl *c, const struct choice *which)
{
    struct listing l = {c, which};
    each(c, list_line, &l);
    return 0;
}

/* ---- one of them ---- */

struct search {
    const struct ctl *ctl;
    const char *id;
    bool found;
};

static void print_fact(struct span line, const char *member_name, const char *label, struct buf *b)
{
    struct span s = member(line, member_name, b);
    if (span_eq_str(s, "-"))
        return;
    printf("%s: ", label);
    past_print_text(stdout, s, TEXT_BYTES);
    putchar('\n');
}

static void explain_line(void *arg, struct span line, struct buf *text)
{
    struct search *s = arg;
    if (s->found || !span_eq_str(member(line, "request", text), s->id))
        return;
    s->found = true;
    if (s->ctl->json) {
        printf("%.*s\n", (int)line.n, line.p);
        return;
    }
    printf("refused: ");
    past_print_text(stdout, member(line, "code", text), TEXT_BYTES);
    printf(": ");
    past_print_text(stdout, member(line, "detail", text), TEXT_BYTES);
    putchar('\n');
    static const char *const facts[][2] = {
        {"at", "at"},       {"source", "source"}, {"type", "type"},           {"method", "method"},
        {"remote", "from"}, {"step", "by step"},  {"status", "answered with"}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        print_fact(line, facts[i][0], facts[i][1], text);
    printf("Headers and body of refused requests are not kept, so more cannot be said from here. Write the request "
           "down as an\n"
           "object (creel(1), Request objects), with what the sender shows of it, and run: creel verify REQUEST.json "
           "--source ");
    past_print_text(stdout, member(line, "source", text), TEXT_BYTES);
    putchar('\n');
}

int rejected_explain(struct ctl *c, const char *id)
{
    struct search s = {c, id, false};
    each(c, explain_line, &s);
    return s.found ? 0
                   : ctl_fail(EXIT_REFUSED, "no refused request %s is kept here (the oldest are forgotten first)", id);
}
