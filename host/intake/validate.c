/* SPDX-License-Identifier: MIT
 * validate: does the body meet the schema of its type and version? What is wrong is told by pointer, keyword and reason, and never
 * with a value out of the body.
 */
#include "intake/steps.h"

#include <stdio.h>

#include "base/json.h"
#include "intake/contracts.h"
#include "intake/versions.h"

enum { ERRORS_BYTES = 16 * 1024, SHOWN_BYTES = 40 };

/* What the schema is asked for as: by the source's own map, else by the version itself. p NULL: no file has such a name. */
static struct span version_wanted(struct request *q)
{
    const struct version *v = q->source->config->n_versions ? versions_find(q->source->versions, q->version) : NULL;
    struct span wanted = SPAN_NONE;
    if (v && v->config->schema)
        return span_str(v->config->schema);
    return contracts_version(q->version, &q->arena, &wanted) ? wanted : SPAN_NONE;
}

static enum err unknown(struct request *q, struct span stem)
{
    char text[REQUEST_DETAIL_BYTES];
    struct buf names;
    stat_add(STAT_unknown_versions_total, 1);
    if (strcmp(q->source->config->unknown_version, "pass") == 0)
        return ERR_OK;
    buf_init(&names, sizeof text);
    contracts_put_versions(q->house->contracts, stem, &names);
    buf_putc(&names, 0);
    int shown = q->version.n < SHOWN_BYTES ? (int)q->version.n : SHOWN_BYTES;
    if (q->version.p)
        snprintf(text, sizeof text, "there is no schema of version %.*s of this type; there are: %s", shown, q->version.p,
                 names.failed ? "others" : names.p);
    else
        snprintf(text, sizeof text, "the event carries no version; there are: %s", names.failed ? "others" : names.p);
    buf_fini(&names);
    return refuse_or_bury(q, refuse(q, ERR_UNKNOWN_VERSION, "%s", text), SPAN_NONE);
}

/* ---- what is wrong ---- */

static const char *keyword_of(const struct schema_error *e)
{
    return *e->keyword ? e->keyword : "limit";
}

static void put_member(struct buf *b, const struct schema_error *e)
{
    buf_puts(b, b->n > 1 ? ",{\"pointer\":" : "{\"pointer\":");
    buf_put_json_text(b, e->pointer);
    buf_puts(b, ",\"keyword\":");
    buf_put_json_text(b, span_str(keyword_of(e)));
    buf_puts(b, ",\"message\":");
    buf_put_json_text(b, e->message);
    buf_putc(b, '}');
}

static void put_words(struct buf *b, const struct schema_error *e)
{
    buf_puts(b, b->n ? "; " : "");
    buf_put_span(b, e->pointer);
    buf_printf(b, ": %s: ", keyword_of(e));
    buf_put_span(b, e->message);
}

/* All of them by put, as many as there is room for; in the request's arena. */
static struct span told(struct request *q, const struct schema_errors *errors, const char *open, const char *close,
                        void (*put)(struct buf *b, const struct schema_error *e))
{
    struct buf b;
    buf_init(&b, ERRORS_BYTES);
    buf_puts(&b, open);
    for (size_t i = 0; i < errors->n; i++) {
        size_t before = b.n;
        put(&b, &errors->list[i]);
        if (!b.failed && b.n + strlen(close) <= ERRORS_BYTES)
            continue;
        b.failed = false;
        b.n = before;
        break;
    }
    buf_puts(&b, close);
    struct span kept = b.failed ? SPAN_NONE : arena_copy(&q->arena, buf_span(&b));
    buf_fini(&b);
    return kept;
}

static enum err violated(struct request *q, const struct schema_errors *errors)
{
    const struct schema_error *first = &errors->list[0];
    char more[48] = "";
    if (errors->n > 1)
        snprintf(more, sizeof more, " (and %zu more%s)", errors->n - 1, errors->more ? " at least" : "");
    q->errors = told(q, errors, "[", "]", put_member);
    return refuse_or_bury(q, refuse(q, ERR_SCHEMA_VIOLATION, "%.*s: %s: %.100s%s", (int)(first->pointer.n < 60 ? first->pointer.n : 60),
                                    first->pointer.p, keyword_of(first), first->message.p, more),
                          told(q, errors, "", "", put_words));
}

/* ---- the look ---- */

/* In the request's memory, or in a block where that does not suffice. What is taken is given back when all is well. */
static enum err look(struct request *q, const struct schema *s)
{
    struct schema_errors errors;
    struct arena block = {0};
    size_t mark = q->arena.n, need = schema_scratch_bytes(s, q->data);
    bool fits = need + 2 * ERRORS_BYTES <= q->arena.cap - mark;
    if (!fits && !arena_init(&block, need))
        return refuse(q, ERR_SPOOL_FULL, "out of memory for the check of the body");
    enum err e = schema_validate(s, q->schema_context, q->data, fits ? &q->arena : &block, &errors);
    if (e == ERR_OK)
        q->arena.n = mark;
    else
        e = violated(q, &errors);
    arena_fini(&block);
    return e;
}

static enum err check(struct request *q, const struct schema *s)
{
    static const struct schema_errors no_json = {
        .list = {{SPAN_LIT(""), "type", SPAN_LIT("the body is no JSON, and events of this type have a schema")}}, .n = 1};
    struct json_error bad;
    if (!q->json && json_check(q->data, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        return violated(q, &no_json);
    return look(q, s);
}

enum err step_validate(struct request *q)
{
    const struct schema *s = NULL;
    if (!contracts_any(q->house->contracts) || q->violation.p)
        return ERR_OK;
    struct span stem = contracts_stem(q->type, &q->arena);
    if (!stem.p)
        return refuse(q, ERR_BODY_TOO_LARGE, "the header fields are larger than this server takes");
    switch (contracts_find(q->house->contracts, stem, version_wanted(q), &s)) {
    case CONTRACT_UNKNOWN:
        return unknown(q, stem);
    case CONTRACT_SCHEMA:
        return check(q, s);
    default:
        return ERR_OK;
    }
}
