/* SPDX-License-Identifier: MIT
 * request: birth, recycling, and reading the web server's parameters (RFC 3875 section 4.1).
 */
#include "intake/request.h"
#include "base/stats.h"
#include "intake/batch.h"
#include "intake/keycache.h"
#include "intake/rerun.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX_BYTES = 1 << 30, KEEP_BYTES = 64 * 1024 };

struct request *request_new(void)
{
    struct request *q = calloc(1, sizeof *q);
    if (!q || !arena_init(&q->arena, REQUEST_ARENA_BYTES)) {
        free(q);
        return NULL;
    }
    buf_init(&q->body, BODY_MAX_BYTES);
    buf_init(&q->data_text, BODY_MAX_BYTES);
    buf_init(&q->headers_text, REQUEST_ARENA_BYTES * 6);
    buf_init(&q->line, LINE_MAX_BYTES);
    return q;
}

void request_free(struct request *q)
{
    if (!q)
        return;
    request_recycle(q);
    buf_fini(&q->body);
    buf_fini(&q->data_text);
    buf_fini(&q->headers_text);
    buf_fini(&q->line);
    arena_fini(&q->arena);
    free(q);
}

static void keep_small(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_fini(b);
    else
        buf_clear(b);
}

void request_recycle(struct request *q)
{
    fcgi_drop(&q->fcgi);
    batch_free(q->batch);
    cached_release(q->keys);
    house_release(q->house);
    keep_small(&q->body);
    keep_small(&q->headers_text);
    keep_small(&q->line);
    buf_fini(&q->data_text);
    arena_reset(&q->arena);
    arena_fini(&q->block);
    *q = (struct request){
        .arena = q->arena, .body = q->body, .headers_text = q->headers_text, .line = q->line,
                           .data_text = q->data_text, .content_length = -1};
}

struct recipe_request request_to_judge(const struct request *q)
{
    const struct config_source *c = q->source->config;
    return (struct recipe_request){
        .method = q->method,
        .url = span_str(c->public_url),
        .path = q->path,
        .query = q->query,
        .path_rest = q->path_rest,
        .headers = q->headers,
        .n_headers = q->n_headers,
        .body = buf_span(&q->body),
        .params = c->params,
        .n_params = c->n_params,
        .now_ms = q->received_ms,
        .tolerance_ms = c->tolerance,
    };
}

struct recipe_request request_event(const struct request *q)
{
    struct recipe_request r = request_to_judge(q);
    r.headers = q->event_headers;
    r.n_headers = q->n_event_headers;
    r.body = q->data;
    return r;
}

enum err refuse(struct request *q, enum err e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(q->detail, sizeof q->detail, fmt, args);
    va_end(args);
    return e;
}

enum err refuse_or_bury(struct request *q, enum err e, struct span reason)
{
    const char *code = err_code(e);
    stat_add(STAT_violations_total, 1);
    if (strcmp(q->source->config->on_violation, "dead") != 0)
        return e;
    struct buf b = arena_open(&q->arena);
    buf_printf(&b, "%s: ", code);
    buf_put_span(&b, reason.p ? reason : span_str(q->detail));
    struct span text = arena_close(&q->arena, &b);
    q->violation = text.p ? text : span_str(code);
    q->errors = SPAN_NONE;
    q->detail[0] = 0;
    return ERR_OK;
}

/* The parameters with a place of their own. */
static const struct {
    struct span name;
    size_t offset;
} places[] = {
    {{"REQUEST_METHOD", 14}, offsetof(struct request, method)},
    {{"REQUEST_URI", 11}, offsetof(struct request, uri)},
    {{"REMOTE_ADDR", 11}, offsetof(struct request, remote)},
    {{"SERVER_SOFTWARE", 15}, offsetof(struct request, server_software)},
    {{"CONTENT_TYPE", 12}, offsetof(struct request, content_type)},
    {{"CONTENT_LENGTH", 14}, offsetof(struct request, length_text)},
    {{RERUN_PARAM, sizeof RERUN_PARAM - 1}, offsetof(struct request, rerun)},
    {{"SSL_CLIENT_VERIFY", 17}, offsetof(struct request, client_verify)},
    {{"SSL_CLIENT_CERT", 15}, offsetof(struct request, client_cert)},
    {{"SSL_CLIENT_FINGERPRINT", 22}, offsetof(struct request, client_fingerprint)},
};

/* HTTP_X_EXAMPLE is x-example. Length and type of the body have parameters of their own, which the web server vouches
 * for. */
static enum err add_header(struct request *q, struct span name, struct span value)
{
    name = span_skip(name, strlen("HTTP_"));
    if (name.n == 0 || span_eq_str(name, "CONTENT_TYPE") || span_eq_str(name, "CONTENT_LENGTH"))
        return ERR_OK;
    if (q->n_headers == REQUEST_HEADERS_MAX)
        return refuse(q, ERR_MALFORMED_REQUEST, "more than %d header fields", REQUEST_HEADERS_MAX);
    char *text = arena_alloc(&q->arena, name.n);
    if (!text)
        return refuse(q, ERR_BODY_TOO_LARGE, "the header fields are larger than this server takes");
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        text[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    q->headers[q->n_headers++] = (struct recipe_header){span_of(text, name.n), value};
    return ERR_OK;
}

static enum err take_param(struct request *q, struct span name, struct span value)
{
    if (span_starts(name, SPAN_LIT("HTTP_")))
        return add_header(q, name, value);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!span_eq(name, places[i].name))
            continue;
        struct span *place = (struct span *)(void *)((char *)q + places[i].offset);
        if (place->p)
            return refuse(q, ERR_MALFORMED_REQUEST, "the web server sent %s twice", places[i].name.p);
        *place = value;
    }
    return ERR_OK;
}

static size_t count_params(char **params)
{
    size_t n = 0;
    while (params[n])
        n++;
    return n;
}

enum err request_read_params(struct request *q)
{
    char **params = fcgi_params(&q->fcgi);
    q->headers = arena_alloc(&q->arena, (count_params(params) + 1) * sizeof *q->headers);
    if (!q->headers)
        return refuse(q, ERR_BODY_TOO_LARGE, "the header fields are larger than this server takes");
    for (; *params; params++) {
        const char *equals = strchr(*params, '=');
        if (!equals)
            continue; /* a NUL byte in its name, which q->nul says */
        struct span name = span_of(*params, (size_t)(equals - *params));
        enum err e = take_param(q, name, span_str(equals + 1));
        if (e != ERR_OK)
            return e;
    }
    if (q->content_type.n > 0)
        q->headers[q->n_headers++] = (struct recipe_header){SPAN_LIT("content-type"), q->content_type};
    return ERR_OK;
}

struct span request_header(const struct request *q, const char *name)
{
    for (size_t i = 0; i < q->n_headers; i++)
        if (span_eq_nocase(q->headers[i].name, span_str(name)))
            return q->headers[i].value;
    return SPAN_NONE;
}
