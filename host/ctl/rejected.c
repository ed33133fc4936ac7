/* SPDX-License-Identifier: MIT
 * rejected: creel list --rejected: what the door refused, as a table or as the lines they are; creel verify --rejected: one of
 * them; and where the lines of request ids lie.
 */
#include "ctl/rejected.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/units.h"
#include "ctl/explain.h"

enum { FILE_BYTES = 1 << 30, TEXT_BYTES = 1024, WIDE = 28 };

typedef void (*take_line)(void *arg, const struct refusal_place *at, struct span line, const struct refusal *r);

static int folder(struct ctl *c)
{
    return openat(ctl_spool_fd(c), REFUSAL_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Each good line of a file. */
static void each_line(int fd, struct refusal_place at, take_line take, void *arg)
{
    struct buf file, room;
    struct refusal r;
    buf_init(&file, FILE_BYTES);
    buf_init(&room, (size_t)2 * FILE_BYTES);
    if (fs_read_fd(fd, &file, NULL) != ERR_OK)
        buf_clear(&file); /* taken away meanwhile */
    for (struct span rest = buf_span(&file); rest.n > 0;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        struct span line = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);
        at.offset = rest.p - file.p;
        buf_clear(&room);
        if (end && refusal_parse(line, &room, &r) == ERR_OK)
            take(arg, &at, line, &r);
        rest = span_skip(rest, end ? line.n + 1 : line.n);
    }
    buf_fini(&file);
    buf_fini(&room);
}

/* Each good line of all files, those of one cause together and oldest first. */
static void each(int dir_fd, take_line take, void *arg)
{
    struct dirent **names = NULL;
    if (dir_fd < 0)
        return; /* nothing was ever refused here */
    int n = scandirat(dir_fd, ".", &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        struct refusal_place at = {0};
        int fd = refusal_name_parse(span_str(names[i]->d_name), &at.cause, &at.number)
                     ? openat(dir_fd, names[i]->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                     : -1;
        if (fd >= 0) {
            each_line(fd, at, take, arg);
            close(fd);
        }
        free(names[i]);
    }
    free(names);
}

/* ---- the list ---- */

struct listed {
    int64_t at_ms;
    struct refusal_place place;
};

struct listing {
    const struct choice *which;
    struct listed *list;
    size_t n, cap;
};

static bool chosen(const struct choice *which, const struct refusal *r)
{
    if (which->source && !(r->source.p && span_eq_str(r->source, which->source)))
        return false;
    if (which->type && !(r->type.p && config_pattern_match(which->type, r->type)))
        return false;
    return r->at_ms >= which->since_ms;
}

static void list_line(void *arg, const struct refusal_place *at, struct span line, const struct refusal *r)
{
    struct listing *l = arg;
    (void)line;
    if (!chosen(l->which, r))
        return;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->list = reallocarray(l->list, l->cap, sizeof *l->list);
        if (!l->list)
            exit(ctl_fail(EXIT_SYSTEM, "out of memory"));
    }
    l->list[l->n++] = (struct listed){r->at_ms, *at};
}

static int by_time(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->place.cause != y->place.cause)
        return x->place.cause < y->place.cause ? -1 : 1;
    if (x->place.number != y->place.number)
        return x->place.number < y->place.number ? -1 : 1;
    return (x->place.offset > y->place.offset) - (x->place.offset < y->place.offset);
}

static void print_cell(struct span s, size_t width)
{
    s = s.p ? s : SPAN_LIT("-");
    past_print_text(stdout, s, WIDE);
    printf("%*s", (int)(s.n < width ? width - s.n : 0) + 2, "");
}

static void print_row(const struct refusal *r)
{
    char at[RFC3339_BYTES], status[16];
    int n = snprintf(status, sizeof status, "%d", r->status);
    rfc3339_format(r->at_ms, at);
    print_cell(span_of(at, sizeof at), 24);
    print_cell(r->source, 12);
    print_cell(span_of(status, (size_t)n), 6);
    print_cell(r->code, 26);
    print_cell(r->request, 26);
    past_print_text(stdout, r->detail.p ? r->detail : SPAN_LIT("-"), TEXT_BYTES);
    if (r->left_out)
        printf(" (and %" PRIu64 " more of this cause before it that were not kept)", r->left_out);
    putchar('\n');
}

int rejected_list(struct ctl *c, const struct choice *which)
{
    struct listing l = {.which = which};
    struct buf line, room;
    struct refusal r;
    int dir_fd = folder(c);
    each(dir_fd, list_line, &l);
    if (l.n)
        qsort(l.list, l.n, sizeof *l.list, by_time);
    for (size_t i = 0; i < l.n; i++) {
        buf_init(&line, REFUSAL_LINE_BYTES);
        buf_init(&room, (size_t)2 * REFUSAL_LINE_BYTES + 1);
        if (refusal_read(dir_fd, &l.list[i].place, &line, NULL) == ERR_OK) {
            if (c->json)
                printf("%.*s\n", (int)line.n, line.p);
            else if (refusal_parse(buf_span(&line), &room, &r) == ERR_OK)
                print_row(&r);
        }
        buf_fini(&line);
        buf_fini(&room);
    }
    free(l.list);
    if (dir_fd >= 0)
        close(dir_fd);
    return 0;
}

/* ---- by request id ---- */

struct search {
    struct rejected_one *list;
    size_t n;
};

static void find_line(void *arg, const struct refusal_place *at, struct span line, const struct refusal *r)
{
    const struct search *s = arg;
    (void)line;
    for (size_t i = 0; i < s->n; i++)
        if (!s->list[i].found && span_eq_str(r->request, s->list[i].id)) {
            s->list[i].found = true;
            s->list[i].place = *at;
        }
}

void rejected_find(struct ctl *c, struct rejected_one *list, size_t n)
{
    struct search s = {list, n};
    int dir_fd = folder(c);
    each(dir_fd, find_line, &s);
    if (dir_fd >= 0)
        close(dir_fd);
}

static void print_fact(const char *label, struct span s)
{
    if (!s.p)
        return;
    printf("%s: ", label);
    past_print_text(stdout, s, TEXT_BYTES);
    putchar('\n');
}

static void print_kept(const struct refusal *r)
{
    char at[RFC3339_BYTES], status[16];
    int n = snprintf(status, sizeof status, "%d", r->status);
    rfc3339_format(r->at_ms, at);
    printf("refused: ");
    past_print_text(stdout, r->code, TEXT_BYTES);
    printf(": ");
    past_print_text(stdout, r->detail.p ? r->detail : SPAN_LIT("-"), TEXT_BYTES);
    putchar('\n');
    print_fact("at", span_of(at, sizeof at));
    print_fact("source", r->source);
    print_fact("type", r->type);
    print_fact("method", r->method);
    print_fact("from", r->remote);
    print_fact("by step", r->step);
    print_fact("answered with", span_of(status, (size_t)n));
    print_fact("errors", r->errors);
    print_fact("url", r->url);
}

/* The line as a request object with the clock of its arrival; then what step 2 of a proof would say of it now. */
static int explain_proof(struct ctl *c, const struct refusal *r, struct span line)
{
    struct buf object, source;
    buf_init(&object, REFUSAL_LINE_BYTES);
    buf_init(&source, TEXT_BYTES);
    buf_printf(&object, "{\"now\":%" PRId64 ",", r->at_ms / 1000);
    buf_put_span(&object, span_skip(line, 1));
    buf_put_span(&source, r->source);
    buf_putc(&source, 0);
    if (!c->json)
        printf("\nIts proof, by the configuration and the keys there are now and the clock of its arrival:\n");
    int status = object.failed || source.failed ? ctl_fail(EXIT_SYSTEM, "it is too large to be looked at")
                                                : explain_kept(c, buf_span(&object), source.p);
    buf_fini(&object);
    buf_fini(&source);
    return status;
}

static void print_missing(const struct refusal *r)
{
    printf("%s of this request %s not kept, so more cannot be said from here%s. Write the request down as an\n"
           "object (creel(1), Request objects), with what the sender shows of it, and run: creel verify REQUEST.json "
           "--source ",
           r->headers.p ? "The body" : "Headers and body", r->headers.p ? "was" : "were",
           r->headers.p ? " (\"rejected\": {\"body\": true} keeps it)" : "");
    past_print_text(stdout, r->source.p ? r->source : SPAN_LIT("-"), TEXT_BYTES);
    putchar('\n');
}

static int explain_line(struct ctl *c, const struct refusal *r, struct span line)
{
    if (c->json)
        printf("%.*s\n", (int)line.n, line.p);
    else
        print_kept(r);
    if (r->source.p && r->headers.p && r->body.p)
        return explain_proof(c, r, line);
    if (!c->json)
        print_missing(r);
    return 0;
}

int rejected_explain(struct ctl *c, const char *id)
{
    struct rejected_one one = {.id = id};
    struct buf line, room;
    struct refusal r;
    int status = -1, dir_fd = folder(c);
    struct search s = {&one, 1};
    each(dir_fd, find_line, &s);
    buf_init(&line, REFUSAL_LINE_BYTES);
    buf_init(&room, (size_t)2 * REFUSAL_LINE_BYTES + 1);
    if (one.found && refusal_read(dir_fd, &one.place, &line, NULL) == ERR_OK &&
        refusal_parse(buf_span(&line), &room, &r) == ERR_OK)
        status = explain_line(c, &r, buf_span(&line));
    buf_fini(&line);
    buf_fini(&room);
    if (dir_fd >= 0)
        close(dir_fd);
    return status >= 0 ? status
                       : ctl_fail(EXIT_REFUSED, "no refused request %s is kept here (the oldest are forgotten first)", id);
}
