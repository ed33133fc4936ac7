/* SPDX-License-Identifier: MIT
 * violation: what is wrong, in words: where, which keyword, why. Says nothing of the value itself but its type and size, for these texts
 * go into logs.
 */
#include "schema/validator.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/codec.h"

enum { POINTER_BYTES = 1000 };

/* A longer one is that of what holds the value: names are as long as a sender likes. */
static struct span pointer_of(struct validator *v, uint32_t node)
{
    struct buf b = arena_open(v->memory);
    tape_pointer(&v->tape, node, &b);
    while (b.n > POINTER_BYTES)
        while (b.p[--b.n] != '/')
            ;
    return arena_close(v->memory, &b);
}

static bool same_error(const struct schema_error *a, const struct schema_error *b)
{
    return span_eq(a->pointer, b->pointer) && strcmp(a->keyword, b->keyword) == 0 && span_eq(a->message, b->message);
}

/* Was it said already, by another way to the same schema? */
static bool is_said(const struct schema_errors *errors, const struct schema_error *e)
{
    for (size_t i = 0; i < errors->n; i++)
        if (same_error(&errors->list[i], e))
            return true;
    return false;
}

/* Something must be said, even where there is no room for saying it well. */
static void no_room(struct validator *v, struct schema_error *e)
{
    v->errors->more = true;
    if (v->errors->n)
        return;
    e->pointer = SPAN_LIT("");
    e->message = SPAN_LIT("is wrong in a place for whose name there is no room");
    v->errors->n = 1;
}

bool violation(struct validator *v, uint32_t node, const char *keyword, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    if (v->limit || !v->errors || v->quiet)
        return false;
    if (v->errors->n == SCHEMA_ERRORS_MAX) {
        v->errors->more = true;
        return false;
    }
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bool name = node == v->tape.n;
    struct schema_error *e = &v->errors->list[v->errors->n];
    e->pointer = pointer_of(v, name ? v->named : node);
    e->keyword = name ? keyword_text(KEYWORD_PROPERTY_NAMES) : keyword;
    if (name) {
        char inner[700];
        struct span s = tape_text(&v->tape, node);
        snprintf(inner, sizeof inner, "the name \"%.*s%s\": %s", cut_bytes(s), s.p, cut_mark(s), text);
        e->message = arena_copy(v->memory, span_str(inner));
    } else {
        e->message = arena_copy(v->memory, span_str(text));
    }
    if (!e->pointer.p || !e->message.p)
        no_room(v, e);
    else if (!is_said(v->errors, e))
        v->errors->n++;
    return false;
}

int cut_bytes(struct span text)
{
    size_t n = 0;
    while (n < text.n) {
        size_t len = utf8_sequence(span_skip(text, n));
        if (len == 0 || n + len > CUT_BYTES)
            break;
        n += len;
    }
    return (int)n;
}

const char *cut_mark(struct span text)
{
    return (size_t)cut_bytes(text) < text.n ? "…" : "";
}
