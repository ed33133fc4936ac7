/* SPDX-License-Identifier: MIT
 * rerun: a FastCGI client (FastCGI 1.0) just large enough for one request without a body and an answer.
 */
#include "ctl/rerun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "ctl/past.h"
#include "ctl/rejected.h"

enum { ANSWER_BYTES = 1 << 20, PARAM_BYTES = 127, RECORD_BEGIN = 1, RECORD_END = 3, RECORD_PARAMS = 4, RECORD_STDIN = 5, RECORD_STDOUT = 6 };

/* ---- the records ---- */

static void put_record(struct buf *b, int type, struct span content)
{
    const char header[8] = {1, (char)type, 0, 1, (char)(content.n >> 8), (char)content.n, 0, 0};
    buf_put(b, header, sizeof header);
    buf_put_span(b, content);
}

/* Both shorter than 128 bytes. */
static void put_pair(struct buf *b, const char *name, struct span value)
{
    buf_putc(b, (char)strlen(name));
    buf_putc(b, (char)value.n);
    buf_puts(b, name);
    buf_put_span(b, value);
}

/* What intake/rerun.h asks for; the method and the URI are there for servers that know nothing of it. */
static void put_request(struct buf *b, const struct rejected_one *one)
{
    struct buf params;
    char place[REFUSAL_PLACE_BYTES], value[PARAM_BYTES];
    refusal_place_put(place, &one->place);
    int n = snprintf(value, sizeof value, "%.26s %s", one->id, place);
    buf_init(&params, 1024);
    put_pair(&params, "REQUEST_METHOD", SPAN_LIT("POST"));
    put_pair(&params, "REQUEST_URI", SPAN_LIT("/"));
    put_pair(&params, "CREEL_RERUN", span_of(value, n > 0 && n < PARAM_BYTES ? (size_t)n : 0));
    put_record(b, RECORD_BEGIN, SPAN_LIT("\0\1\0\0\0\0\0\0")); /* responder; closes after it */
    put_record(b, RECORD_PARAMS, buf_span(&params));
    put_record(b, RECORD_PARAMS, SPAN_LIT(""));
    put_record(b, RECORD_STDIN, SPAN_LIT(""));
    buf_fini(&params);
}

static bool read_bytes(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* The CGI text of the answer behind out. */
static enum err read_answer(int fd, struct buf *out, struct why *w)
{
    unsigned char h[8];
    char padding[255];
    for (;;) {
        errno = 0;
        if (!read_bytes(fd, (char *)h, sizeof h))
            return errno ? why_errno(w, "no answer from the FastCGI socket")
                         : why_set(w, ERR_CLOSED, "the FastCGI socket was closed without an answer (creeld's log says why)");
        size_t n = (size_t)h[4] << 8 | h[5];
        if (!buf_reserve(out, n + 1))
            return why_set(w, ERR_NO_ROOM, "the answer is too long");
        if (!read_bytes(fd, out->p + out->n, n) || !read_bytes(fd, padding, h[6]))
            return why_set(w, ERR_CLOSED, "the answer ends in its middle");
        if (h[1] == RECORD_STDOUT)
            out->n += n;
        if (h[1] == RECORD_END)
            return ERR_OK;
    }
}

/* ---- the socket ---- */

/* The first of the two that is a unix socket: who asks is known by nothing else. NULL: neither is. */
static const char *socket_path(const struct config *c)
{
    const char *const places[] = {c->listen, c->admin_listen};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(places[i], "unix:", 5) == 0)
            return places[i] + 5;
    return NULL;
}

static enum err ask(const char *path, const struct rejected_one *one, struct buf *answer, struct why *w)
{
    struct buf b;
    int fd = -1;
    enum err e = ctl_connect("FastCGI", path, &fd, w);
    if (e != ERR_OK)
        return e;
    buf_init(&b, 4096);
    put_request(&b, one);
    ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL); /* less than any socket's buffer */
    e = n == (ssize_t)b.n ? read_answer(fd, answer, w) : why_errno(w, "the FastCGI socket takes nothing");
    buf_fini(&b);
    close(fd);
    return e;
}

/* ---- what became of it ---- */

static int status_of(struct span answer)
{
    static const struct span begin = SPAN_LIT("Status: ");
    return span_starts(answer, begin) ? atoi(answer.p + begin.n) : 0; /* terminated by the caller */
}

static struct span body_of(struct span answer)
{
    const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);
    return end ? span_skip(answer, (size_t)(end - answer.p) + 4) : SPAN_NONE;
}

static void print_json(const char *id, int status, struct span body)
{
    struct buf b;
    while (body.n && body.p[body.n - 1] == '\n')
        body.n--;
    buf_init(&b, ANSWER_BYTES);
    buf_puts(&b, "{\"request\":");
    buf_put_json_text(&b, span_str(id));
    buf_printf(&b, ",\"status\":%d,\"answer\":%.*s}\n", status, (int)body.n, body.p);
    fwrite(buf_span(&b).p, 1, b.n, stdout);
    buf_fini(&b);
}

static void print_refused(const char *id, struct span body)
{
    struct span code = json_plain_string(json_member(body, "code")), errors = json_member(body, "errors");
    struct buf detail;
    buf_init(&detail, ANSWER_BYTES);
    if (json_scalar_text(json_member(body, "detail"), &detail) != ERR_OK)
        buf_clear(&detail);
    printf("%s  refused again: ", id);
    past_print_text(stdout, code, SIZE_MAX);
    printf(": ");
    past_print_text(stdout, buf_span(&detail), SIZE_MAX);
    putchar('\n');
    if (errors.p) {
        printf("  errors: ");
        past_print_text(stdout, errors, SIZE_MAX);
        putchar('\n');
    }
    buf_fini(&detail);
}

/* One event, or those of a batch. */
static void print_taken(const char *id, int status, struct span body)
{
    struct span events = json_member(body, "events"), one;
    printf("%s  %s", id, status == 202 ? "accepted, it is event" : "there already, it is event");
    if (!events.p) {
        putchar(' ');
        past_print_text(stdout, json_plain_string(json_member(body, "id")), SIZE_MAX);
    } else {
        for (struct json_iter it = json_iter(events); json_next_element(&it, &one);) {
            putchar(' ');
            past_print_text(stdout, json_plain_string(json_member(one, "id")), SIZE_MAX);
        }
    }
    putchar('\n');
}

/* 0, or EXIT_REFUSED. */
static int judge(const struct ctl *c, const char *id, struct buf *answer)
{
    struct json_error bad;
    buf_putc(answer, 0);
    struct span text = span_of(answer->p, answer->n - 1), body = body_of(text);
    int status = status_of(text);
    if (!body.p || json_check(body, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        return ctl_fail(EXIT_SYSTEM, "%s: the answer is none of creeld's: is another program at the FastCGI socket?", id);
    bool good = status >= 200 && status < 300;
    if (c->json) {
        print_json(id, status, body);
    } else if (good) {
        print_taken(id, status, body);
    } else {
        print_refused(id, body);
    }
    return good ? 0 : EXIT_REFUSED;
}

static int run_one(const struct ctl *c, const char *path, const struct rejected_one *one)
{
    struct buf answer;
    struct why w;
    if (!one->found)
        return ctl_fail(EXIT_REFUSED, "no refused request %s is kept here (the oldest are forgotten first)", one->id);
    buf_init(&answer, ANSWER_BYTES);
    enum err e = ask(path, one, &answer, &w);
    int status = e == ERR_OK ? judge(c, one->id, &answer) : ctl_fail(EXIT_SYSTEM, "%s: %s", one->id, w.text);
    buf_fini(&answer);
    return status;
}

int rerun_ids(struct ctl *c, char **ids, size_t n)
{
    const char *path = socket_path(ctl_config(c));
    int status = 0;
    if (!path)
        return ctl_fail(EXIT_USAGE, "neither listen nor admin_listen is a unix socket, and only there is known who asks");
    struct rejected_one *list = calloc(n ? n : 1, sizeof *list);
    if (!list)
        return ctl_fail(EXIT_SYSTEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        (void)past_id(ids[i]);
        list[i].id = ids[i];
    }
    rejected_find(c, list, n);
    for (size_t i = 0; i < n && status != EXIT_SYSTEM; i++) {
        int one = run_one(c, path, &list[i]);
        status = one ? one : status;
    }
    free(list);
    return status;
}
