/* SPDX-License-Identifier: MIT
 * route: which source a request is for, by the path of REQUEST_URI alone: what SCRIPT_NAME and PATH_INFO hold differs
 * from web server to web server. The path is decoded once (RFC 3986 section 2.1) and must be plain: no %00, no %2F, no
 * "..", no "//".
 */
#include "intake/steps.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decode into the arena. ERR_MALFORMED_REQUEST with the reason. */
static enum err decode(struct request *q, struct span raw, struct span *out)
{
    char *p = arena_alloc(&q->arena, raw.n + 1);
    size_t n = 0;
    if (!p)
        return refuse(q, ERR_BODY_TOO_LARGE, "the path is longer than this server takes");
    for (size_t i = 0; i < raw.n; i++) {
        int c = (unsigned char)raw.p[i];
        if (c == '%') {
            int high = raw.n - i > 2 ? hex_digit(raw.p[i + 1]) : -1, low = high < 0 ? -1 : hex_digit(raw.p[i + 2]);
            if (low < 0)
                return refuse(q, ERR_MALFORMED_REQUEST, "a %% in the path is not followed by two hexadecimal digits");
            c = high << 4 | low;
            i += 2;
            if (c == '/')
                return refuse(q, ERR_MALFORMED_REQUEST, "the path holds an encoded slash");
        }
        if (c < 0x20 || c == 0x7f)
            return refuse(q, ERR_MALFORMED_REQUEST, "the path holds a control character");
        p[n++] = (char)c;
    }
    p[n] = 0;
    *out = span_of(p, n);
    return ERR_OK;
}

static enum err check_segments(struct request *q, struct span path)
{
    struct span rest = span_skip(path, 1);
    for (;;) {
        const char *slash = memchr(rest.p, '/', rest.n);
        size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
        if ((n == 1 && rest.p[0] == '.') || (n == 2 && rest.p[0] == '.' && rest.p[1] == '.'))
            return refuse(q, ERR_MALFORMED_REQUEST, "the path holds a dot segment");
        if (!slash)
            return ERR_OK;
        if (n == 0)
            return refuse(q, ERR_MALFORMED_REQUEST, "the path holds an empty segment");
        rest = span_skip(rest, n + 1);
    }
}

/* A client of a proxy names the server too, "http://host/path", and whoever is asked has to take that (RFC 9112 section
 * 3.2.2). Whether it is the server named is for the web server to see. */
static struct span origin_form(struct span uri)
{
    static const struct span schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = schemes[i].n;
        if (uri.n < n || !span_eq_nocase(span_of(uri.p, n), schemes[i]))
            continue;
        const char *slash = memchr(uri.p + n, '/', uri.n - n);
        return slash ? span_skip(uri, (size_t)(slash - uri.p)) : uri;
    }
    return uri;
}

enum err step_route(struct request *q)
{
    if (q->nul)
        return refuse(q, ERR_MALFORMED_REQUEST, "a NUL byte in the request line or a header field");
    q->uri = origin_form(q->uri);
    if (!q->method.n || !q->uri.n || q->uri.p[0] != '/')
        return refuse(q, ERR_MALFORMED_REQUEST,
                      "the web server must pass REQUEST_METHOD and a REQUEST_URI that begins with /");
    const char *mark = memchr(q->uri.p, '?', q->uri.n);
    size_t n = mark ? (size_t)(mark - q->uri.p) : q->uri.n;
    q->query = mark ? span_skip(q->uri, n + 1) : SPAN_LIT("");
    enum err e = decode(q, span_of(q->uri.p, n), &q->path);
    if (e == ERR_OK)
        e = check_segments(q, q->path);
    if (e != ERR_OK)
        return e;
    q->source = house_route(q->house, q->path, &q->path_rest);
    q->kept_path = q->source ? auth_hide_path(q->source->auth, q->path, q->path_rest, &q->arena) : SPAN_NONE;
    return q->source ? ERR_OK : refuse(q, ERR_NO_SUCH_SOURCE, "no source has this path");
}
