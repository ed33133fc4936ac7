/* SPDX-License-Identifier: MIT
 * answer: what the sender is told (accepted, duplicate, or an RFC 9457 problem document), and the one line and the
 * counters that each request leaves. Never a secret, a body, or a path (tokens may be in it). Any thread that owns the
 * request.
 */
#include "intake/steps.h"

#include "base/clock.h"
#include "base/log.h"
#include "intake/batch.h"
#include "intake/refused.h"

enum { RETRY_AFTER_S = 30 };

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Answer";
}

static enum config_answer_kind kind_of(const struct request *q)
{
    return q->outcome == ERR_OK ? ANSWER_ACCEPTED : q->outcome == ERR_EXISTS ? ANSWER_DUPLICATE : ANSWER_REFUSED;
}

/* What a sender may be told of this outcome: rows without a status are ours alone. */
static enum err told(const struct request *q)
{
    return err_status(q->outcome) ? q->outcome : ERR_INTERNAL;
}

static int default_status(const struct request *q)
{
    switch (kind_of(q)) {
    case ANSWER_ACCEPTED:
        return 202;
    case ANSWER_DUPLICATE:
        return 200;
    default:
        return q->outcome == ERR_HANDSHAKE_REFUSED && q->reply.refused_status ? q->reply.refused_status
                                                                              : err_status(told(q));
    }
}

/* What the source says, else what its sender insists on. Of a refusal the recipe speaks only where the proof is at fault:
 * whoever should try again later, or repair the event, must learn so. */
static struct config_answer chosen(const struct request *q)
{
    if (!q->source || q->rerun.p) /* who asks for it to be run again must learn what became of it */
        return (struct config_answer){0};
    enum config_answer_kind kind = kind_of(q);
    struct config_answer a = q->source->config->answers[kind];
    if (kind == ANSWER_REFUSED && default_status(q) != 401)
        return a;
    const struct config_answer *theirs = recipe_answer(q->source->recipe, kind);
    a.status = a.status ? a.status : theirs->status;
    if (!a.body && !a.content_type) {
        a.body = theirs->body;
        a.content_type = theirs->content_type;
    }
    return a;
}

static void put_text_member(struct buf *b, const char *name, struct span s)
{
    buf_puts(b, name);
    buf_put_json_text(b, s);
}

static void put_problem(const struct request *q, int status, struct buf *b)
{
    enum err e = told(q);
    buf_puts(b, "{\"type\":\"urn:creel:error:");
    buf_puts(b, err_code(e));
    put_text_member(b, "\",\"title\":", span_str(err_title(e)));
    buf_puts(b, ",\"status\":");
    buf_put_i64(b, status);
    put_text_member(b, ",\"code\":", span_str(err_code(e)));
    put_text_member(b, ",\"detail\":", span_str(q->detail[0] ? q->detail : err_title(e)));
    if (q->errors.p) {
        buf_puts(b, ",\"errors\":");
        buf_put_span(b, q->errors);
    }
    buf_puts(b, "}\n");
}

static void put_event(const struct request *q, struct buf *b)
{
    char id[ID_TEXT_BYTES];
    if (q->batch) {
        batch_put(q, b);
        return;
    }
    id_format(&q->id, id);
    buf_puts(b, "{\"id\":\"");
    buf_put(b, id, sizeof id);
    if (q->outcome == ERR_EXISTS)
        buf_puts(b, "\",\"status\":\"duplicate\"}\n");
    else
        buf_puts(b, q->job.sync ? "\",\"status\":\"accepted\",\"durability\":\"synced\"}\n"
                                : "\",\"status\":\"accepted\",\"durability\":\"written\"}\n");
}

static void put_id_header(struct buf *b, const char *name, const struct id *id)
{
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    buf_puts(b, name);
    buf_put(b, text, sizeof text);
    buf_puts(b, "\r\n");
}

static void put_error_headers(const struct request *q, int status, struct buf *b)
{
    enum err e = told(q);
    long long after_s = e == ERR_RATE_LIMITED ? (long long)limits_retry_after_s(q) : err_retry_after_s(e);
    if (after_s == 0 && (status == 429 || status == 503)) /* the source has it so */
        after_s = RETRY_AFTER_S;
    if (after_s > 0)
        buf_printf(b, "Retry-After: %lld\r\n", after_s);
    if (status == 401 || (status == 403 && q->challenge))
        buf_printf(b, "WWW-Authenticate: %s\r\n", q->challenge ? q->challenge : "Signature");
    if ((e == ERR_METHOD_NOT_ALLOWED || status == 405) && q->source)
        buf_printf(b, "Allow: %s\r\n", q->source->methods);
}

static const char *content_type(const struct config_answer *o, bool event)
{
    if (o->content_type)
        return o->content_type;
    return o->body ? "text/plain; charset=utf-8" : event ? "application/json" : "application/problem+json";
}

/* RFC 9110, sections 15.3.5 and 15.3.6. */
static bool has_content(int status)
{
    return status != 204 && status != 205;
}

/* The status line and the fields about the content; n bytes of it follow. */
static void put_head(struct buf *b, int status, struct span type, size_t n)
{
    buf_puts(b, "Status: ");
    buf_put_i64(b, status);
    buf_putc(b, ' ');
    buf_puts(b, reason_phrase(status));
    if (has_content(status)) {
        buf_puts(b, "\r\nContent-Type: ");
        buf_put_span(b, type);
        buf_puts(b, "\r\nContent-Length: ");
        buf_put_u64(b, n);
    }
    buf_puts(b, "\r\n");
}

/* Values that anybody may have sent go back as what they are declared to be, and as nothing else. */
static void put_reply(const struct request *q, struct buf *b)
{
    const struct recipe_reply *r = &q->reply;
    put_head(b, r->status, r->content_type, r->body.n);
    put_id_header(b, "Creel-Request-Id: ", &q->request_id);
    buf_puts(b, "X-Content-Type-Options: nosniff\r\n");
    for (size_t i = 0; i < r->n_headers; i++) {
        buf_put_span(b, r->headers[i].name);
        buf_puts(b, ": ");
        buf_put_span(b, r->headers[i].value);
        buf_puts(b, "\r\n");
    }
    buf_puts(b, "\r\n");
    bool head = q->fcgi.open && span_eq_str(q->method, "HEAD"); /* closed: it waited for the disk */
    if (has_content(r->status) && !head)
        buf_put_span(b, r->body);
}

static void put_body(const struct request *q, const struct config_answer *o, int status, bool event, struct buf *body)
{
    if (!has_content(status))
        return;
    if (o->body)
        buf_puts(body, o->body);
    else if (event)
        put_event(q, body);
    else
        put_problem(q, status, body);
}

void answer_put(const struct request *q, struct buf *b)
{
    if (q->outcome == ERR_ANSWERED) {
        put_reply(q, b);
        return;
    }
    const struct config_answer o = chosen(q);
    bool event = kind_of(q) != ANSWER_REFUSED;
    int status = o.status ? o.status : default_status(q);
    struct buf body;

    buf_init(&body, 64 * 1024);
    put_body(q, &o, status, event, &body);
    put_head(b, status, span_str(content_type(&o, event)), body.n);
    put_id_header(b, "Creel-Request-Id: ", &q->request_id);
    if (event && !q->batch)
        put_id_header(b, "Creel-Event-Id: ", &q->id);
    else if (!event)
        put_error_headers(q, status, b);
    buf_put_span(b, q->warning);
    if (event || q->outcome == ERR_RATE_LIMITED)
        limits_put(q, b);
    buf_puts(b, "\r\n");
    buf_put_span(b, buf_span(&body));
    buf_fini(&body);
}

static void log_outcome(const struct request *q, enum log_level level, const char *msg, bool event)
{
    char id[ID_TEXT_BYTES], request[ID_TEXT_BYTES];
    struct log_field f[9];
    size_t n = 0;

    if (!log_wants(level))
        return;
    id_format(&q->id, id);
    id_format(&q->request_id, request);
    if (event)
        f[n++] = LOG_S("event", span_of(id, sizeof id));
    if (q->source)
        f[n++] = LOG_T("source", q->source->config->name);
    if (q->type.p)
        f[n++] = LOG_S("type", q->type);
    f[n++] = LOG_S("request", span_of(request, sizeof request));
    f[n++] = LOG_N("ms", (clock_mono_ns() - q->began_ns) / 1000000);
    if (event && q->violation.p)
        f[n++] = LOG_S("why", q->violation);
    if (!event) {
        if (q->fcgi.open && q->remote.p)
            f[n++] = LOG_S("remote", q->remote);
        f[n++] = LOG_T("step", steps_name(q));
        f[n++] = LOG_T("code", err_code(q->outcome));
        f[n++] = LOG_T("why", q->detail[0] ? q->detail : err_title(q->outcome));
    }
    log_fields(level, msg, f, n);
}

static void write_down(const struct request *q)
{
    int status = chosen(q).status;
    refused_keep(q, told(q), status ? status : default_status(q));
}

static void log_handshake(const struct request *q)
{
    char request[ID_TEXT_BYTES];
    id_format(&q->request_id, request);
    log_line(LOG_INFO, "handshake answered", LOG_T("source", q->source->config->name), LOG_T("handshake", q->reply.name),
             LOG_S("request", span_of(request, sizeof request)), LOG_N("status", q->reply.status),
             LOG_N("ms", (clock_mono_ns() - q->began_ns) / 1000000));
}

static bool proved_nothing(enum err e)
{
    return e == ERR_UNAUTHENTICATED || e == ERR_SIGNATURE_MISSING || e == ERR_SIGNATURE_INVALID ||
           e == ERR_TIMESTAMP_OUT_OF_TOLERANCE || e == ERR_HANDSHAKE_REFUSED;
}

void answer_record(const struct request *q)
{
    if (q->outcome == ERR_ANSWERED) {
        stat_add(STAT_handshakes_total, 1);
        log_handshake(q);
        return;
    }
    if (q->batch && kind_of(q) != ANSWER_REFUSED) {
        batch_record(q);
        return;
    }
    switch (kind_of(q)) {
    case ANSWER_ACCEPTED:
        stat_add(STAT_accepted_total, 1);
        stat_add(STAT_bytes_total, (int64_t)q->body.n);
        if (q->violation.p)
            log_outcome(q, LOG_WARN, "accepted, dead: it does not meet its contract", true);
        else
            log_outcome(q, LOG_INFO, "accepted", true);
        break;
    case ANSWER_DUPLICATE:
        stat_add(STAT_duplicates_total, 1);
        log_outcome(q, LOG_INFO, "duplicate", true);
        break;
    default:
        stat_add(STAT_refused_total, 1);
        if (proved_nothing(q->outcome) && !q->rerun.p) /* its sender has not asked again */
            limits_failed(q);
        write_down(q);
        /* One message for each code, so that a flood of one kind does not hold back the lines of another. */
        log_outcome(q, default_status(q) >= 500 ? LOG_WARN : LOG_INFO, err_title(told(q)), false);
    }
}
