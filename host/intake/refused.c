/* SPDX-License-Identifier: MIT
 * refused: putting a refused request together for rejected/.
 */
#include "intake/refused.h"

#include "base/clock.h"
#include "base/codec.h"
#include "intake/rejected.h"
#include "intake/steps.h"

static const struct span redacted = {"\xe2\x80\xa6", 3}; /* … */

/* RFC 9110, section 5.1, in small letters. Others no web server passes on, and nothing here asks for them. */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c))))
            return false;
    }
    return s.n > 0;
}

static bool came_before(const struct request *q, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_eq(q->headers[i].name, q->headers[at].name))
            return true;
    return false;
}

/* Is one of these references this header? */
static bool refers(const char *const *texts, size_t n, struct span header)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(texts[i], "header:", 7) == 0 && span_eq_nocase(span_str(texts[i] + 7), header))
            return true;
    return false;
}

/* What nobody here asks for, of a sender that was told the wrong place or means another recipe, and is called like a secret, or is a
 * URL that may hold one. */
static bool sounds_secret(const struct request *q, struct span name)
{
    static const struct span words[] = {SPAN_LIT("token"),  SPAN_LIT("secret"), SPAN_LIT("passw"),  SPAN_LIT("apikey"), SPAN_LIT("api-key"),
                                        SPAN_LIT("access-key"), SPAN_LIT("auth"),   SPAN_LIT("cookie"), SPAN_LIT("credential"), SPAN_LIT("referer"),
                                        SPAN_LIT("original-ur"), SPAN_LIT("forwarded-uri"), SPAN_LIT("rewrite-url"), SPAN_LIT("client-cert")};
    static const char *const facts[] = {"type", "event_id", "order_key", "version", "time"};
    const struct config_source *c = q->source->config;
    size_t i = 0, n;
    while (i < sizeof words / sizeof *words && !(name.n >= words[i].n && memmem(name.p, name.n, words[i].p, words[i].n)))
        i++;
    if (i == sizeof words / sizeof *words || recipe_reads_header(q->source->recipe, name))
        return false;
    for (i = 0; i < sizeof facts / sizeof *facts; i++) {
        const char *const *texts = recipe_default(q->source->recipe, facts[i], &n);
        if (refers(texts, n, name))
            return false;
    }
    return !refers(c->type, c->n_type, name) && !refers(c->event_id, c->n_event_id, name) && !refers(c->order_key, c->n_order_key, name) &&
           !refers(c->version, c->n_version, name) && !refers(c->time, c->n_time, name) && !refers(c->dedupe_by, c->n_dedupe_by, name) &&
           !refers(c->tenant, c->n_tenant, name);
}

static void put_value(const struct request *q, const struct recipe_header *h, struct refusal *r, struct buf *b)
{
    bool secret = house_is_credential(q->source, h->name) || sounds_secret(q, h->name);
    r->altered |= secret || !utf8_valid(h->value);
    buf_put_json_text(b, secret ? redacted : h->value);
}

/* "name":"value", or "name":["value",…] with all values of this name. */
static void put_header(const struct request *q, size_t at, struct refusal *r, struct buf *b)
{
    struct span name = q->headers[at].name;
    size_t n = 0;
    for (size_t i = at; i < q->n_headers; i++)
        n += span_eq(q->headers[i].name, name);
    buf_put_json_text(b, name);
    buf_puts(b, n > 1 ? ":[" : ":");
    for (size_t i = at, k = 0; i < q->n_headers; i++) {
        if (!span_eq(q->headers[i].name, name))
            continue;
        if (k++)
            buf_putc(b, ',');
        put_value(q, &q->headers[i], r, b);
    }
    if (n > 1)
        buf_putc(b, ']');
}

static struct span headers(const struct request *q, struct refusal *r, struct buf *b)
{
    size_t from = b->n;
    bool first = true;
    buf_putc(b, '{');
    for (size_t i = 0; i < q->n_headers; i++) {
        if (!is_token(q->headers[i].name) || came_before(q, i))
            continue;
        if (!first)
            buf_putc(b, ',');
        first = false;
        put_header(q, i, r, b);
    }
    buf_putc(b, '}');
    return span_of(b->p + from, b->n - from);
}

/* A token may be in the URL; then nothing else is known to be none. */
static bool has_url_token(const struct request *q)
{
    return q->source->config->auth[AUTH_URL_TOKEN].used;
}

/* The query as it came where it is signed as a whole; else its names alone, for it may hold secrets. */
static void put_query(const struct request *q, struct refusal *r, struct buf *b)
{
    struct span rest = q->query;
    if (recipe_signs_query(q->source->recipe, q->source->config->public_url) && !has_url_token(q)) {
        buf_put_span(b, rest);
        return;
    }
    while (rest.n) {
        const char *amp = memchr(rest.p, '&', rest.n);
        struct span one = span_of(rest.p, amp ? (size_t)(amp - rest.p) : rest.n);
        const char *equals = memchr(one.p, '=', one.n);
        if (equals) /* what has no name may be a secret as a whole */
            buf_put(b, one.p, (size_t)(equals - one.p) + 1);
        if (one.n)
            buf_put_span(b, redacted);
        if (amp)
            buf_putc(b, '&');
        rest = span_skip(rest, one.n + (amp != NULL));
    }
    r->altered = true;
}

static struct span url(const struct request *q, struct refusal *r, struct buf *b)
{
    size_t from = b->n;
    const char *mark = memchr(q->uri.p, '?', q->uri.n);
    struct span path = span_of(q->uri.p, mark ? (size_t)(mark - q->uri.p) : q->uri.n);
    if (!q->kept_path.p || !span_eq(q->kept_path, q->path)) {
        path = q->kept_path; /* decoded, for people: it cannot be run again */
        r->altered = true;
    }
    buf_put_span(b, path);
    if (mark)
        buf_putc(b, '?');
    if (mark && q->query.n)
        put_query(q, r, b);
    return span_of(b->p + from, b->n - from);
}

/* A request that is told to try again comes again by itself. */
static bool keeps_request(const struct request *q, enum err told)
{
    return q->source && q->fcgi.open && err_retry_after_s(told) == 0;
}

/* URL and headers into b, where they fit the limits and could be given back. */
static void keep_request(const struct request *q, struct refusal *r, struct buf *b)
{
    size_t bytes = 0;
    for (size_t i = 0; i < q->n_headers; i++)
        bytes += q->headers[i].name.n + q->headers[i].value.n;
    if (q->n_headers > REFUSAL_HEADERS_MAX || bytes > REFUSAL_HEADERS_BYTES || q->uri.n > REFUSAL_URL_BYTES ||
        !utf8_valid(q->uri))
        return;
    /* All that is put at once, for it must not move: six bytes for one, and eight more for each header and value. */
    if (!buf_reserve(b, 6 * (bytes + q->uri.n) + q->kept_path.n + 8 * (q->n_headers + 1)))
        return;
    r->url = url(q, r, b);
    r->headers = headers(q, r, b);
    r->altered |= q->source->config->auth[AUTH_CLIENT_CERT].used; /* that is no header, and is not kept */
}

void refused_keep(const struct request *q, enum err told, int status)
{
    const char *source = q->source ? q->source->config->name : "";
    bool proven = steps_proven(q) && !house_takes_anybody(q->source);
    struct buf b;
    char id[ID_TEXT_BYTES];
    if (q->rerun.p || !rejected_wants(q->intake->rejected, told, source, proven, clock_mono_ms()))
        return;
    id_format(&q->request_id, id);
    struct refusal r = {
        .at_ms = q->received_ms,
        .request = span_of(id, sizeof id),
        .source = q->source ? span_str(source) : SPAN_NONE,
        .type = q->type,
        .method = q->fcgi.open ? q->method : SPAN_NONE,
        .remote = q->fcgi.open ? q->remote : SPAN_NONE,
        .step = span_str(steps_name(q)),
        .code = span_str(err_code(told)),
        .status = status,
        .detail = span_str(q->detail[0] ? q->detail : err_title(told)),
        .errors = q->errors,
    };
    buf_init(&b, REQUEST_ARENA_BYTES * 6);
    if (keeps_request(q, told))
        keep_request(q, &r, &b);
    if (r.headers.p && q->body_complete && (q->source->config->rejected_body || q->body.n == 0))
        r.body = buf_span(&q->body);
    rejected_put(q->intake->rejected, told, source, proven, &r);
    buf_fini(&b);
}
