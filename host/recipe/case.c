/* SPDX-License-Identifier: MIT
 * case: reads request objects. Owns nothing but what it puts into the caller's arena.
 */
#include "recipe/case.h"

#include <stdio.h>

#include "base/codec.h"
#include "base/json.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

/* A string unescaped, any other scalar as it is written, null as SPAN_NONE. */
static enum err scalar(struct span value, struct arena *a, struct span *out)
{
    struct buf b;
    if (!value.p || json_type_of(value) == JSON_NULL) {
        *out = SPAN_NONE;
        return ERR_OK;
    }
    buf_init(&b, TEXT_MAX);
    enum err e = json_scalar_text(value, &b);
    if (e == ERR_OK) {
        *out = arena_copy(a, buf_span(&b));
        e = out->p ? ERR_OK : ERR_NO_ROOM;
    }
    buf_fini(&b);
    return e;
}

static enum err take_texts(struct span object, struct arena *a, struct recipe_case *out, struct why *w)
{
    struct span encoding = SPAN_NONE, method = SPAN_NONE;
    const struct {
        const char *name;
        struct span *to;
    } rows[] = {
        {"provider", &out->provider}, {"case", &out->name},     {"scheme", &out->scheme},
        {"kind", &out->kind},         {"expect", &out->expect}, {"why", &out->why},
        {"key_encoding", &encoding},  {"method", &method},      {"url", &out->request.url},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum err e = scalar(json_member(object, rows[i].name), a, rows[i].to);
        if (e != ERR_OK)
            return why_set(w, e, "member '%s': %s", rows[i].name, err_title(e));
    }
    out->key_encoding = encoding.p;
    out->request.method = method.p ? method : SPAN_LIT("POST");
    return ERR_OK;
}

static enum err take_keys(struct span value, struct arena *a, struct recipe_case *out)
{
    struct json_iter it = json_iter(value);
    bool list = value.p && json_type_of(value) == JSON_ARRAY;
    struct span one = value;
    while (list ? json_next_element(&it, &one) : out->n_keys == 0 && value.p && json_type_of(value) != JSON_NULL) {
        if (out->n_keys == CASE_KEYS_MAX)
            return ERR_NO_ROOM;
        enum err e = json_type_of(one) == JSON_STRING ? scalar(one, a, &out->keys[out->n_keys]) : ERR_INVALID;
        if (e != ERR_OK)
            return e;
        out->n_keys++;
    }
    return ERR_OK;
}

static enum err add_header(struct span name, struct span value, struct arena *a, struct recipe_case *out)
{
    if (out->request.n_headers == CASE_HEADERS_MAX)
        return ERR_NO_ROOM;
    struct recipe_header *h = &out->headers[out->request.n_headers++];
    h->name = name;
    return scalar(value, a, &h->value);
}

static enum err take_headers(struct span object, struct arena *a, struct recipe_case *out)
{
    struct span name, value, line;
    if (!object.p || json_type_of(object) == JSON_NULL)
        return ERR_OK;
    if (json_type_of(object) != JSON_OBJECT)
        return ERR_INVALID;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);) {
        if (json_type_of(value) != JSON_ARRAY) {
            enum err e = add_header(name, value, a, out);
            if (e != ERR_OK)
                return e;
            continue;
        }
        for (struct json_iter lines = json_iter(value); json_next_element(&lines, &line);) {
            enum err e = add_header(name, line, a, out);
            if (e != ERR_OK)
                return e;
        }
    }
    return ERR_OK;
}

static enum err take_params(struct span object, struct arena *a, struct recipe_case *out)
{
    struct span name, value, text;
    if (!object.p || json_type_of(object) == JSON_NULL)
        return ERR_OK;
    if (json_type_of(object) != JSON_OBJECT)
        return ERR_INVALID;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);) {
        struct span kept = arena_copy(a, name);
        enum err e = scalar(value, a, &text);
        if (e != ERR_OK || !kept.p || out->request.n_params == CASE_PARAMS_MAX)
            return e != ERR_OK ? e : ERR_NO_ROOM;
        out->params[out->request.n_params++] = (struct config_param){kept.p, text.p};
    }
    return ERR_OK;
}

static enum err take_body(struct span object, struct arena *a, struct recipe_case *out)
{
    struct span coded = json_member(object, "body_base64"), text;
    enum err e = scalar(coded.p ? coded : json_member(object, "body"), a, &text);
    out->request.body = text.p ? text : span_of("", 0);
    if (e != ERR_OK || !coded.p || !text.p)
        return e;
    char *bytes = arena_alloc(a, text.n + 1);
    if (!bytes)
        return ERR_NO_ROOM;
    out->request.body.p = bytes;
    return base64_decode(text, bytes, text.n + 1, &out->request.body.n);
}

/* Seconds, with or without a fraction, as milliseconds. */
static enum err take_seconds(struct span value, int64_t none, int64_t *ms)
{
    int64_t whole;
    *ms = none;
    if (!value.p || json_type_of(value) == JSON_NULL)
        return ERR_OK;
    enum err e = json_int(value, &whole);
    if (e != ERR_OK || whole < 0 || whole > INT64_C(253402300799))
        return ERR_INVALID;
    *ms = whole * 1000;
    return ERR_OK;
}

static void split_url(struct recipe_request *q)
{
    struct span rest = q->url.p ? q->url : span_of("", 0);
    const char *scheme = memmem(rest.p, rest.n, "://", 3);
    if (scheme)
        rest = span_skip(rest, (size_t)(scheme - rest.p) + 3);
    const char *slash = memchr(rest.p, '/', rest.n);
    q->path = slash ? span_skip(rest, (size_t)(slash - rest.p)) : SPAN_LIT("/");
    const char *mark = memchr(q->path.p, '?', q->path.n);
    q->query = mark ? span_skip(q->path, (size_t)(mark - q->path.p) + 1) : span_of("", 0);
    if (mark)
        q->path.n = (size_t)(mark - q->path.p);
}

enum err case_parse(struct span object, int64_t now_ms, struct arena *a, struct recipe_case *out, struct why *w)
{
    memset(out, 0, sizeof *out);
    if (json_type_of(object) != JSON_OBJECT)
        return why_set(w, ERR_INVALID, "is no object");
    out->request.headers = out->headers;
    out->request.params = out->params;
    enum err e = take_texts(object, a, out, w);
    if (e != ERR_OK)
        return e;
    split_url(&out->request);
    out->answer = json_member(object, "expect_response");
    if ((e = take_keys(json_member(object, "secret_or_public_key"), a, out)) != ERR_OK)
        return why_set(w, e, "member 'secret_or_public_key': %s", err_title(e));
    if ((e = take_headers(json_member(object, "headers"), a, out)) != ERR_OK)
        return why_set(w, e, "member 'headers': %s", err_title(e));
    if ((e = take_params(json_member(object, "config"), a, out)) != ERR_OK)
        return why_set(w, e, "member 'config': %s", err_title(e));
    if ((e = take_body(object, a, out)) != ERR_OK)
        return why_set(w, e, "member 'body' or 'body_base64': %s", err_title(e));
    if ((e = take_seconds(json_member(object, "now"), now_ms, &out->request.now_ms)) != ERR_OK)
        return why_set(w, e, "member 'now' must be whole seconds");
    if ((e = take_seconds(json_member(object, "tolerance_s"), 0, &out->request.tolerance_ms)) != ERR_OK)
        return why_set(w, e, "member 'tolerance_s' must be whole seconds");
    return ERR_OK;
}

static bool comes_twice(const struct recipe *r, const struct recipe_request *q, size_t at)
{
    if (recipe_may_repeat(r, q->headers[at].name))
        return false;
    for (size_t i = 0; i < at; i++)
        if (span_eq_nocase(q->headers[i].name, q->headers[at].name))
            return true;
    return false;
}

enum err case_no_repeats(const struct recipe *r, const struct recipe_request *q, struct recipe_verdict *verdict)
{
    for (size_t i = 0; i < q->n_headers; i++) {
        struct span name = q->headers[i].name;
        if (!comes_twice(r, q, i))
            continue;
        *verdict = (struct recipe_verdict){0};
        snprintf(verdict->detail, sizeof verdict->detail, "header %.*s came twice", (int)name.n, name.p);
        return ERR_MALFORMED_REQUEST;
    }
    return ERR_OK;
}

enum err case_judge(const struct recipe *r, struct recipe_context *c, const struct recipe_case *t,
                    struct arena *scratch, struct recipe_verdict *verdict, struct recipe_reply *reply)
{
    struct keyring_key keys[CASE_KEYS_MAX];
    char ids[CASE_KEYS_MAX][24];
    struct keyring *ring;
    struct why w;
    const char *named = NULL; /* keys that the scheme chooses by an id have the one that the operator typed in */
    for (size_t i = 0; i < t->request.n_params; i++)
        if (strcmp(t->params[i].name, "key_id") == 0)
            named = t->params[i].value;
    for (size_t i = 0; i < t->n_keys; i++) {
        snprintf(ids[i], sizeof ids[i], "%zu", i + 1);
        keys[i] = (struct keyring_key){.id = named ? named : ids[i],
                                       .encoding = t->key_encoding,
                                       .is_public = recipe_takes_public_keys(r),
                                       .raw = t->keys[i],
                                       .not_before_ms = 0,
                                       .not_after_ms = INT64_MAX};
    }
    bool brings = t->answer.p && json_type_of(t->answer) == JSON_OBJECT && json_member(t->answer, "store").p;
    enum err e = keyring_new(r, keys, recipe_is_none(r) || brings ? 0 : t->n_keys, &ring, &w);
    if (e != ERR_OK) {
        *verdict = (struct recipe_verdict){0};
        snprintf(verdict->detail, sizeof verdict->detail, "%.*s", (int)sizeof verdict->detail - 1, w.text);
        return e;
    }
    e = case_no_repeats(r, &t->request, verdict);
    if (e == ERR_OK)
        e = recipe_judge(r, ring, c, &t->request, true, scratch, verdict, reply);
    verdict->key_id = NULL; /* it would not outlive the keyring */
    keyring_free(ring);
    return e;
}

static bool same_text(struct span wanted, struct span is, const char *what, struct arena *a, struct why *w)
{
    struct span text;
    if (!wanted.p)
        return true;
    if (scalar(wanted, a, &text) == ERR_OK && text.p && is.p && span_eq(text, is))
        return true;
    why_set(w, ERR_INVALID, "%s is '%.*s'", what, (int)(is.n < 200 ? is.n : 200), is.p ? is.p : "");
    return false;
}

/* Without its parameters. */
static struct span media_type(struct span s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != ';' && s.p[n] != ' ')
        n++;
    return span_of(s.p, n);
}

static struct span reply_header(const struct recipe_reply *reply, struct span name)
{
    for (size_t i = 0; i < reply->n_headers; i++)
        if (span_eq_nocase(reply->headers[i].name, name))
            return reply->headers[i].value;
    return SPAN_NONE;
}

bool case_answered(const struct recipe_case *t, const struct recipe_reply *reply, struct arena *scratch, struct why *why)
{
    char status[16];
    struct span object = t->answer, name, value;
    int n = snprintf(status, sizeof status, "%d", reply->status);
    if (!object.p || json_type_of(object) != JSON_OBJECT)
        return true;
    bool same = same_text(json_member(object, "status"), span_of(status, (size_t)n), "the status", scratch, why) &&
                same_text(json_member(object, "content_type"), media_type(reply->content_type), "the content type",
                          scratch, why) &&
                same_text(json_member(object, "body"), reply->body, "the body", scratch, why) &&
                same_text(json_member(object, "store"), reply->store, "what is stored", scratch, why) &&
                same_text(json_member(object, "outbound_get"), reply->fetch, "what is fetched", scratch, why);
    struct span headers = json_member(object, "headers");
    if (!same || !headers.p || json_type_of(headers) != JSON_OBJECT)
        return same;
    for (struct json_iter it = json_iter(headers); json_next_member(&it, &name, &value);)
        if (!same_text(value, reply_header(reply, name), "a header", scratch, why))
            return false;
    return true;
}
