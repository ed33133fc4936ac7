/* SPDX-License-Identifier: MIT
 * compiler: the walk, the pointer, the words for faults. Owns nothing but the pointer's text.
 */
#include "recipe/compiler.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/nearest.h"
#include "base/units.h"

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

static size_t find_row(struct span name, const struct compiler_member *rows, size_t n)
{
    size_t row = 0;
    while (row < n && !span_eq_str(name, rows[row].name))
        row++;
    return row;
}

enum err compiler_known(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n)
{
    struct span name, v;
    if (json_type_of(value) != JSON_OBJECT)
        return compiler_fault(c, "must be an object");
    for (struct json_iter it = json_iter(value); json_next_member(&it, &name, &v);) {
        if (find_row(name, rows, n) < n)
            continue;
        compiler_enter(c, name);
        return unknown_member(c, name, rows, n);
    }
    return ERR_OK;
}

enum err compiler_each(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n)
{
    struct span name, v;
    if (json_type_of(value) != JSON_OBJECT)
        return compiler_fault(c, "must be an object");
    for (struct json_iter it = json_iter(value); json_next_member(&it, &name, &v);) {
        size_t row = find_row(name, rows, n), at = compiler_enter(c, name);
        enum err e = row == n ? unknown_member(c, name, rows, n) : rows[row].set(c, v);
        if (e != ERR_OK)
            return e;
        compiler_leave(c, at);
    }
    return ERR_OK;
}

enum err compiler_object(struct compiler *c, struct span value, const struct compiler_member *rows, size_t n)
{
    enum err e = compiler_each(c, value, rows, n);
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

enum err compiler_bool(struct compiler *c, struct span value, bool *out)
{
    enum json_type type = json_type_of(value);
    if (type != JSON_TRUE && type != JSON_FALSE)
        return compiler_fault(c, "must be true or false");
    *out = type == JSON_TRUE;
    return ERR_OK;
}

enum err compiler_number(struct compiler *c, struct span value, int64_t min, int64_t max, int64_t *out)
{
    int64_t n;
    if (json_int(value, &n) != ERR_OK || n < min || n > max)
        return compiler_fault(c, "must be a whole number from %lld to %lld", (long long)min, (long long)max);
    *out = n;
    return ERR_OK;
}

enum err compiler_choice(struct compiler *c, struct span value, const char *const *known, size_t n, size_t *out)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        if (span_eq_str(s, known[i])) {
            *out = i;
            return ERR_OK;
        }
    }
    return e == ERR_OK ? compiler_unknown(c, "choice", s, known, n) : e;
}

enum err compiler_duration(struct compiler *c, struct span value, int64_t *ms)
{
    struct span s;
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && duration_parse(s, ms) != ERR_OK)
        return compiler_fault(c, "must be a duration like \"5m\"");
    return e;
}

static enum err add_word(struct compiler *c, struct span s, void *arg)
{
    struct words *words = arg;
    if (words->n == RECIPE_WORDS_MAX)
        return compiler_fault(c, "more than %d", RECIPE_WORDS_MAX);
    words->list[words->n++] = s.p;
    return ERR_OK;
}

enum err compiler_words(struct compiler *c, struct span value, struct words *out)
{
    enum err e = out->list ? ERR_OK : compiler_room(c, RECIPE_WORDS_MAX, sizeof *out->list, &out->list);
    return e == ERR_OK ? compiler_texts(c, value, add_word, out) : e;
}

static struct value_scope scope_of(struct compiler *c)
{
    return (struct value_scope){.r = c->r, .memory = &c->r->memory};
}

enum err compiler_ref(struct compiler *c, struct span text, struct ref *out)
{
    struct why w;
    const struct value_scope scope = scope_of(c);
    return value_ref(&scope, text, out, &w) == ERR_OK ? ERR_OK : compiler_fault(c, "%s", w.text);
}

enum err compiler_template(struct compiler *c, struct span value, struct text *out)
{
    struct why w;
    struct span s;
    const struct value_scope scope = scope_of(c);
    enum err e = compiler_text(c, value, &s);
    if (e == ERR_OK && value_text(&scope, s, out, &w) != ERR_OK)
        return compiler_fault(c, "%s", w.text);
    return e;
}

enum err compiler_room(struct compiler *c, size_t n, size_t bytes, void *out)
{
    void *p = arena_alloc(&c->r->memory, n * bytes);
    if (!p)
        return compiler_fault(c, "no room for %zu of them", n);
    memset(p, 0, n * bytes);
    memcpy(out, &p, sizeof p);
    return ERR_OK;
}
