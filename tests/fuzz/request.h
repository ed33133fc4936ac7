/* SPDX-License-Identifier: MIT
 * request: a request as it is sent, in text: how the targets that read one begin with something readable.
 *     POST https://hooks.example.test/in?a=b
 *     X-Signature: 00
 *
 *     {"body":1}
 */
#ifndef CREEL_TESTS_REQUEST_H
#define CREEL_TESTS_REQUEST_H

#include "recipe/case.h"

static inline struct span cut_at(struct span *rest, char mark)
{
    const char *at = rest->n ? memchr(rest->p, mark, rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    struct span first = span_of(rest->p, n);
    *rest = span_skip(*rest, at ? n + 1 : n);
    return first;
}

static inline void read_url(struct recipe_request *q)
{
    struct span rest = q->url, scheme = cut_at(&rest, ':');
    if (rest.n >= 2 && scheme.n < q->url.n)
        rest = span_skip(rest, 2);
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    q->query = slash ? span_of(slash, rest.n - (size_t)(slash - rest.p)) : SPAN_LIT("/");
    q->path = cut_at(&q->query, '?');
}

/* Fills method, url, path, query, headers and body. Everything is a part of text. */
static inline void read_request(struct span text, struct recipe_header headers[CASE_HEADERS_MAX],
                                struct recipe_request *q)
{
    struct span first = cut_at(&text, '\n');
    q->method = cut_at(&first, ' ');
    q->url = first;
    read_url(q);
    q->headers = headers;
    while (text.n > 0 && text.p[0] != '\n' && q->n_headers < CASE_HEADERS_MAX) {
        struct span value = cut_at(&text, '\n'), name = cut_at(&value, ':');
        headers[q->n_headers++] = (struct recipe_header){name, span_skip(value, value.n > 0 && value.p[0] == ' ')};
    }
    q->body = span_skip(text, 1);
}

static inline void write_line(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\n')
            buf_putc(out, s.p[i]);
    buf_putc(out, '\n');
}

static inline void write_request(struct buf *out, const struct recipe_request *q)
{
    buf_put_span(out, q->method);
    buf_putc(out, ' ');
    write_line(out, q->url.p ? q->url : SPAN_LIT("/"));
    for (size_t i = 0; i < q->n_headers; i++) {
        buf_put_span(out, q->headers[i].name);
        buf_puts(out, ": ");
        write_line(out, q->headers[i].value);
    }
    buf_putc(out, '\n');
    buf_put_span(out, q->body);
}

#endif
