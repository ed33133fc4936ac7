/* SPDX-License-Identifier: MIT
 * lines: one fixed buffer, filled from the pipe, emptied line by line.
 */
#include "worker/lines.h"

#include <errno.h>
#include <unistd.h>

void lines_init(struct lines *l, int fd)
{
    l->fd = fd;
    l->at = l->n = 0;
}

void lines_fini(struct lines *l)
{
    close(l->fd);
}

bool lines_take(struct lines *l, bool flush, struct span *line)
{
    const char *from = l->bytes + l->at;
    size_t n = l->n - l->at;
    const char *end = n ? memchr(from, '\n', n) : NULL;
    if (end && (size_t)(end - from) <= LINES_MAX_BYTES) {
        *line = span_of(from, (size_t)(end - from));
        l->at += line->n + 1;
        return true;
    }
    if (n >= LINES_MAX_BYTES || (flush && n)) {
        *line = span_of(from, n < LINES_MAX_BYTES ? n : LINES_MAX_BYTES);
        l->at += line->n;
        return true;
    }
    return false;
}

size_t lines_read(struct lines *l)
{
    memmove(l->bytes, l->bytes + l->at, l->n - l->at);
    l->n -= l->at;
    l->at = 0;
    ssize_t n;
    do
        n = read(l->fd, l->bytes + l->n, sizeof l->bytes - l->n);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return 0;
    l->n += (size_t)n;
    return (size_t)n;
}
