/* SPDX-License-Identifier: MIT
 * compile_handshake: requests that are no events and what they are answered with, and the answers a sender insists on.
 * Runs when a configuration is loaded; never on a request.
 */
#include <stdio.h>

#include "base/json.h"
#include "recipe/compiler.h"

static enum err text_of(struct compiler *c, struct span value, const char **out)
{
    struct span s;
    enum err e = compiler_nonempty(c, value, &s);
    if (e == ERR_OK)
        *out = s.p;
    return e;
}

static enum err status_of(struct compiler *c, struct span value, int *out)
{
    int64_t n;
    enum err e = compiler_number(c, value, 200, 599, &n);
    if (e == ERR_OK && n >= 300 && n < 400)
        return compiler_fault(c, "must not be a redirection");
    if (e == ERR_OK)
        *out = (int)n;
    return e;
}

static enum err set_name(struct compiler *c, struct span value)
{
    return text_of(c, value, &c->handshake->name);
}

static enum err set_method(struct compiler *c, struct span value)
{
    static const char *const methods[] = {"POST", "GET", "HEAD", "OPTIONS", "PUT"};
    size_t i;
    enum err e = compiler_choice(c, value, methods, sizeof methods / sizeof *methods, &i);
    if (e == ERR_OK)
        c->handshake->method = methods[i];
    return e;
}

static enum err set_when(struct compiler *c, struct span value)
{
    return compile_rules(c, value, &c->handshake->when);
}

static enum err set_assert(struct compiler *c, struct span value)
{
    return compile_rules(c, value, &c->handshake->asserts);
}

static enum err set_refused_status(struct compiler *c, struct span value)
{
    return status_of(c, value, &c->handshake->refused_status);
}

static const struct compiler_member refused_members[] = {{"status", set_refused_status, true}};

static enum err set_refused(struct compiler *c, struct span value)
{
    return COMPILER_OBJECT(c, value, refused_members);
}

static enum err set_signed(struct compiler *c, struct span value)
{
    return compiler_bool(c, value, &c->handshake->is_signed);
}

static enum err set_store(struct compiler *c, struct span value)
{
    return compiler_template(c, value, &c->handshake->store);
}

static enum err set_fetch(struct compiler *c, struct span value)
{
    return compiler_template(c, value, &c->handshake->fetch);
}

static enum err set_hosts(struct compiler *c, struct span value)
{
    return compiler_words(c, value, &c->handshake->hosts);
}

static enum err set_status(struct compiler *c, struct span value)
{
    return status_of(c, value, &c->handshake->status);
}

static enum err set_content_type(struct compiler *c, struct span value)
{
    return compiler_nonempty(c, value, &c->handshake->content_type);
}

static enum err set_body(struct compiler *c, struct span value)
{
    return compiler_template(c, value, &c->handshake->body);
}

static enum err set_headers(struct compiler *c, struct span value)
{
    struct handshake *h = c->handshake;
    struct span name, v;
    if (json_type_of(value) != JSON_OBJECT)
        return compiler_fault(c, "must be an object of header names");
    for (struct json_iter it = json_iter(value); json_next_member(&it, &name, &v);) {
        size_t at = compiler_enter(c, name);
        if (!value_token(name))
            return compiler_fault(c, "is not a header name");
        if (h->n_headers == RECIPE_REPLY_HEADERS)
            return compiler_fault(c, "more than %d headers", RECIPE_REPLY_HEADERS);
        h->headers[h->n_headers].name = arena_copy(&c->r->memory, name);
        if (!h->headers[h->n_headers].name.p)
            return compiler_fault(c, "no room");
        enum err e = compiler_template(c, v, &h->headers[h->n_headers++].value);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return ERR_OK;
}

static const struct compiler_member reply_members[] = {
    {"status", set_status, false},
    {"content_type", set_content_type, false},
    {"body", set_body, false},
    {"headers", set_headers, false},
};

static enum err set_answer(struct compiler *c, struct span value)
{
    return COMPILER_OBJECT(c, value, reply_members);
}

static const struct compiler_member handshake_members[] = {
    {"name", set_name, true},       {"method", set_method, false},   {"when", set_when, false},
    {"assert", set_assert, false},  {"refused", set_refused, false}, {"signed", set_signed, false},
    {"answer", set_answer, false},  {"store", set_store, false},     {"fetch", set_fetch, false},
    {"hosts", set_hosts, false},
};

static enum err add_handshake(struct compiler *c, struct span value)
{
    if (c->r->n_handshakes == RECIPE_HANDSHAKES_MAX)
        return compiler_fault(c, "more than %d handshakes", RECIPE_HANDSHAKES_MAX);
    struct handshake *h = c->handshake = &c->r->handshakes[c->r->n_handshakes];
    *h = (struct handshake){.method = "POST", .is_signed = true, .status = 200, .content_type = SPAN_LIT("text/plain")};
    enum err e = COMPILER_OBJECT(c, value, handshake_members);
    if (e != ERR_OK)
        return e;
    if ((h->fetch.n > 0) != (h->hosts.n > 0))
        return compiler_fault(c, "'fetch' and 'hosts' go together: nothing is fetched from hosts that nobody listed");
    if (h->is_signed && c->r->none)
        return compiler_fault(c, "needs \"signed\": false, for this recipe has no signature");
    if (!h->is_signed && h->when.n == 0 && strcmp(h->method, "POST") == 0)
        return compiler_fault(c, "would take every request: 'when' is missing");
    c->r->n_handshakes++;
    return ERR_OK;
}

enum err compile_handshakes(struct compiler *c, struct span value)
{
    struct span one;
    unsigned i = 0;
    if (json_type_of(value) != JSON_ARRAY)
        return compiler_fault(c, "must be a list");
    for (struct json_iter it = json_iter(value); json_next_element(&it, &one); i++) {
        char index[16];
        snprintf(index, sizeof index, "%u", i);
        size_t at = compiler_enter(c, span_str(index));
        enum err e = add_handshake(c, one);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return ERR_OK;
}

/* ---- answers ---- */

static enum err set_answer_status(struct compiler *c, struct span value)
{
    return status_of(c, value, &c->answer->status);
}

static enum err set_answer_type(struct compiler *c, struct span value)
{
    return text_of(c, value, &c->answer->content_type);
}

static enum err set_answer_body(struct compiler *c, struct span value)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK)
        c->answer->body = s.p;
    return e;
}

static const struct compiler_member answer_members[] = {
    {"status", set_answer_status, false}, {"content_type", set_answer_type, false}, {"body", set_answer_body, false}};

static enum err set_kind(struct compiler *c, struct span value, enum config_answer_kind kind)
{
    c->answer = &c->r->answers[kind];
    return COMPILER_OBJECT(c, value, answer_members);
}

static enum err set_accepted(struct compiler *c, struct span value)
{
    return set_kind(c, value, ANSWER_ACCEPTED);
}

static enum err set_duplicate(struct compiler *c, struct span value)
{
    return set_kind(c, value, ANSWER_DUPLICATE);
}

static enum err set_answer_refused(struct compiler *c, struct span value)
{
    return set_kind(c, value, ANSWER_REFUSED);
}

static const struct compiler_member answers_members[] = {
    {"accepted", set_accepted, false}, {"duplicate", set_duplicate, false}, {"refused", set_answer_refused, false}};

enum err compile_answers(struct compiler *c, struct span value)
{
    return COMPILER_OBJECT(c, value, answers_members);
}
