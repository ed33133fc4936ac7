/* SPDX-License-Identifier: MIT
 * violation: what is wrong, in words: where, which keyword, why. Says nothing of the value itself but its type and size, for these texts
 * go into logs.
 */
#include "schema/validator.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/codec.h"

static struct span pointer_of(struct validator *v, uint32_t node)
{
    struct buf b = arena_open(v->memory);
    tape_pointer(&v->tape, node, &b);
    return arena_close(v->memory, &b);
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
        return validate_limit(v, keyword, "the value takes too much memory");
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
