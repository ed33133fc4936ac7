/* SPDX-License-Identifier: MIT
 * fcgi: libfcgi reading from a piece of memory, which is thread-local and set only for the length of one call.
 */
#include "intake/fcgi.h"

#include <limits.h>
#include <signal.h>

/* A descriptor number no process can have: what the library closes or shuts down by it fails harmlessly. */
enum { NO_DESCRIPTOR = INT_MAX - 1 };

static _Thread_local struct span source;

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

/* What the library writes when a request is dropped are the closing records of an answer it was not asked for. */
int OS_Write(int fd, char *buf, size_t n)
{
    (void)fd;
    (void)buf;
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
    int status = FCGX_Accept_r(&f->r);
    *used = bytes.n - source.n;
    source = SPAN_NONE;
    if (status != 0)
        return ERR_INVALID;
    f->open = true;
    f->id = (uint16_t)f->r.requestId;
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

void fcgi_drop(struct fcgi *f)
{
    if (!f->open)
        return;
    FCGX_Finish_r(&f->r);
    f->open = false;
}

enum { RECORD_END = 3, RECORD_STDOUT = 6, RECORD_CONTENT_BYTES = 65528 };

/* One record (FastCGI 1.0 section 3.3), padded to eight bytes. */
static void put_record(struct buf *out, int type, uint16_t id, struct span content)
{
    static const char zeros[8];
    size_t padding = -content.n & 7;
    const char header[8] = {
        1, (char)type, (char)(id >> 8), (char)id, (char)(content.n >> 8), (char)content.n, (char)padding, 0};
    buf_put(out, header, sizeof header);
    buf_put_span(out, content);
    buf_put(out, zeros, padding);
}

void fcgi_answer(const struct fcgi *f, struct span text, struct buf *out)
{
    while (text.n > 0) {
        size_t n = text.n < RECORD_CONTENT_BYTES ? text.n : RECORD_CONTENT_BYTES;
        put_record(out, RECORD_STDOUT, f->id, span_of(text.p, n));
        text = span_skip(text, n);
    }
    put_record(out, RECORD_STDOUT, f->id, SPAN_LIT(""));
    put_record(out, RECORD_END, f->id, SPAN_LIT("\0\0\0\0\0\0\0\0")); /* status 0, request complete */
}
