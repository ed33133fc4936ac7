/* SPDX-License-Identifier: MIT
 * err: the rows of errors.tbl as arrays, and the ways to say them. Any process, any thread.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *code, *title;
    int status, retry_after_s;
} rows[ERR_COUNT] = {
    [ERR_OK] = {"ok", "ok", 0, 0},
#define X(name, code_, status_, retry_s, title_) [ERR_##name] = {code_, title_, status_, retry_s},
#include "base/errors.tbl"
#undef X
};

static enum err known(enum err e)
{
    bug_if((unsigned)e >= ERR_COUNT);
    return e;
}

const char *err_code(enum err e)
{
    return rows[known(e)].code;
}

const char *err_title(enum err e)
{
    return rows[known(e)].title;
}

int err_status(enum err e)
{
    return rows[known(e)].status;
}

int err_retry_after_s(enum err e)
{
    return rows[known(e)].retry_after_s;
}

enum err why_set(struct why *w, enum err e, const char *fmt, ...)
{
    if (w) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(w->text, sizeof w->text, fmt, ap);
        va_end(ap);
    }
    return e;
}

enum err why_errno(struct why *w, const char *fmt, ...)
{
    int saved = errno;
    if (w) {
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(w->text, sizeof w->text, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof w->text) {
            char text[128];
            snprintf(w->text + n, sizeof w->text - (size_t)n, ": %s", strerror_r(saved, text, sizeof text));
        }
    }
    errno = saved;
    return ERR_SYSTEM;
}

enum err err_of_socket(void)
{
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
        return ERR_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return ERR_CLOSED;
    default:
        return ERR_SYSTEM;
    }
}

void die(int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(status);
}

void bug_at(const char *file, int line, const char *what)
{
    fprintf(stderr, "bug: %s:%d: %s\n", file, line, what);
    abort();
}
