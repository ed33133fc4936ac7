/* SPDX-License-Identifier: MIT
 * compiler: the walk, the pointer, the words for faults. Owns nothing but the pointer's text.
 */
#include "recipe/compiler.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/nearest.h"

enum err compiler_fault(struct compiler *c, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return why_set(c->w, ERR_INVALID, "%s: %s", c->pointer[0] ? c->pointer : "/", text);
}

size_t compiler_enter(struct compiler *c, struct span name)
{
    size_t at = strlen(c->pointer);
    snprintf(c->pointer + at, sizeof c->pointer - at, "/%.*s", (int)name.n, name.p);
    return at;
}

void compiler_leave(struct compiler *c, size_t at)
{
    c->pointer[at] = 0;
}

enum err compiler_unknown(struct compiler *c, const char *what, struct span name, const char *const *known, size_t n)
{
    const char *near = nearest_word(name, known, n);
    return compiler_fault(c, "there is no %s '%.*s'%s%s%s", what, (int)name.n, name.p, near ? ", did you mean '" : "",
                          near ? near : "", near ? "'" : "");
}

static enum err unknown_member(struct compiler *c, struct span name, const struct compiler_member *rows, size_t n)
{
    const char *known[COMPILER_MEMBERS_MAX];
    bug_if(n > COMPILER_MEMBERS_MAX);
    for (size_t i = 0; i < n; i++)
        known[i] = rows[i].name;
    return compiler_unknown(c, "member", name, known, n);
}

enum err compiler_each(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n,
                       struct span skip)
{
    struct span name, v;
    if (json_type_of(value) != JSON_OBJECT)
        return compiler_fault(c, "must be an object");
    for (struct json_iter it = json_iter(value); json_next_member(&it, &name, &v);) {
        size_t row = 0;
        while (row < n && !span_eq_str(name, rows[row].name))
            row++;
        size_t at = compiler_enter(c, name);
        if (row == n)
            return unknown_member(c, name, rows, n);
        enum err e = skip.p && json_member(skip, rows[row].name).p ? ERR_OK : rows[row].set(c, v);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return ERR_OK;
}

enum err compiler_object(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n)
{
    enum err e = compiler_each(c, value, rows, n, SPAN_NONE);
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        if (rows[i].required && !json_member(value, rows[i].name).p)
            return compiler_fault(c, "member '%s' is missing", rows[i].name);
    return e;
}

enum err compiler_text(struct compiler *c, struct span value, struct span *out)
{
    struct buf b;
    if (json_type_of(value) != JSON_STRING)
        return compiler_fault(c, "must be a string");
    buf_init(&b, RECIPE_TEXT_MAX);
    enum err e = json_unescape(value, &b);
    struct span kept = e == ERR_OK ? arena_copy(&c->r->memory, buf_span(&b)) : SPAN_NONE;
    buf_fini(&b);
    if (!kept.p)
        return compiler_fault(c, "cannot be kept: %s", err_title(e == ERR_OK ? ERR_NO_ROOM : e));
    *out = kept;
    return ERR_OK;
}

enum err compiler_nonempty(struct compiler *c, struct span value, struct span *out)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && s.n == 0)
        return compiler_fault(c, "must not be empty");
    if (e == ERR_OK)
        *out = s;
    return e;
}

enum err compiler_texts(struct compiler *c, struct span value, enum err (*each)(struct compiler *, struct span, void *),
                        void *arg)
{
    struct span s, element;
    enum err e;
    if (json_type_of(value) != JSON_ARRAY) {
        e = compiler_nonempty(c, value, &s);
        return e == ERR_OK ? each(c, s, arg) : e;
    }
    unsigned i = 0;
    for (struct json_iter it = json_iter(value); json_next_element(&it, &element); i++) {
        char index[16];
        snprintf(index, sizeof index, "%u", i);
        size_t at = compiler_enter(c, span_str(index));
        e = compiler_nonempty(c, element, &s);
        if (e == ERR_OK)
            e = each(c, s, arg);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return i > 0 ? ERR_OK : compiler_fault(c, "must not be an empty list");
}

enum err compiler_character(struct compiler *c, struct span value, char *out)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && (s.n != 1 || (unsigned char)s.p[0] < 0x20 || (unsigned char)s.p[0] > 0x7e))
        return compiler_fault(c, "must be one printable ASCII character");
    if (e == ERR_OK)
        *out = s.p[0];
    return e;
}
