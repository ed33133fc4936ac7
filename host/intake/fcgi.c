/* SPDX-License-Identifier: MIT
 * fcgi: libfcgi between two pieces of memory. The pieces are thread-local and set only for the length of one call.
 */
#include "intake/fcgi.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

/* A descriptor number no process can have: what the library closes or shuts down by it fails harmlessly. */
enum { NO_DESCRIPTOR = INT_MAX - 1 };

static _Thread_local struct span source;
static _Thread_local struct buf *sink;

/* Interposed: libfcgi's reads and writes (declared in fcgios.h, which defines macros we do not want). */
int OS_Read(int fd, char *buf, size_t n);
int OS_Write(int fd, char *buf, size_t n);

int OS_Read(int fd, char *buf, size_t n)
{
    (void)fd;
    size_t step = n < source.n ? n : source.n;
    if (step > 0)
        memcpy(buf, source.p, step);
    source = span_skip(source, step);
    return (int)step;
}

int OS_Write(int fd, char *buf, size_t n)
{
    (void)fd;
    if (!sink) /* a request that is given up: its closing records go nowhere */
        return (int)n;
    buf_put(sink, buf, n);
    if (sink->failed) {
        errno = ENOMEM;
        return -1;
    }
    return (int)n;
}

enum err fcgi_init(struct why *w)
{
    /* The library takes over signals that are at their default; this program blocks and handles its own. */
    static const int signals[] = {SIGTERM, SIGUSR1, SIGPIPE};
    struct sigaction before[sizeof signals / sizeof signals[0]];

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], NULL, &before[i]);
    int failed = FCGX_Init();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &before[i], NULL);
    return failed ? why_set(w, ERR_SYSTEM, "libfcgi cannot be initialised (%d)", failed) : ERR_OK;
}

enum err fcgi_begin(struct fcgi *f, struct span bytes, size_t *used)
{
    bug_if(f->open);
    if (FCGX_InitRequest(&f->r, -1, 0) != 0)
        return ERR_INVALID;
    f->r.ipcFd = NO_DESCRIPTOR;
    f->r.keepConnection = 1;
    source = bytes;
    sink = NULL;
    int status = FCGX_Accept_r(&f->r);
    *used = bytes.n - source.n;
    source = SPAN_NONE;
    if (status != 0)
        return ERR_INVALID;
    f->open = true;
    f->r.keepConnection = 1; /* the web server's flag: the connection is the transport's affair */
    if (FCGX_GetError(f->r.in) != 0) {
        fcgi_drop(f);
        return ERR_INVALID;
    }
    return ERR_OK;
}

char **fcgi_params(const struct fcgi *f)
{
    return f->r.envp;
}

enum err fcgi_read(struct fcgi *f, struct span bytes, char *out, size_t n, size_t *used)
{
    source = bytes;
    while (n > 0) {
        int want = n < INT_MAX ? (int)n : INT_MAX;
        int got = FCGX_GetStr(out, want, f->r.in);
        if (got <= 0)
            break;
        out += got;
        n -= (size_t)got;
    }
    *used = bytes.n - source.n;
    source = SPAN_NONE;
    return n == 0 && FCGX_GetError(f->r.in) == 0 ? ERR_OK : ERR_INVALID;
}

enum err fcgi_read_end(struct fcgi *f, struct span bytes, size_t *used)
{
    char more;
    source = bytes;
    int got = FCGX_GetStr(&more, 1, f->r.in);
    *used = bytes.n - source.n;
    source = SPAN_NONE;
    return got == 0 && FCGX_GetError(f->r.in) == 0 ? ERR_OK : ERR_INVALID;
}

enum err fcgi_end(struct fcgi *f, struct span text, struct buf *out)
{
    bug_if(!f->open || text.n > INT_MAX);
    sink = out;
    int put = FCGX_PutStr(text.p, (int)text.n, f->r.out);
    FCGX_Finish_r(&f->r);
    sink = NULL;
    f->open = false;
    return put == (int)text.n && !out->failed ? ERR_OK : ERR_NO_MEMORY;
}

void fcgi_drop(struct fcgi *f)
{
    if (!f->open)
        return;
    sink = NULL;
    FCGX_Finish_r(&f->r);
    f->open = false;
}
