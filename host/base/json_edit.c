/* SPDX-License-Identifier: MIT
 * json_edit: finds the place and copies around it. Keeps nothing.
 */
#include "base/json_edit.h"

#include <stdio.h>

static struct span next_token(struct span *pointer)
{
    struct span rest = span_skip(*pointer, 1);
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    struct span token = span_of(rest.p, slash ? (size_t)(slash - rest.p) : rest.n);
    *pointer = span_skip(rest, token.n);
    return token;
}

/* A member's name, with ~1 and ~0 taken back. */
static void put_name(struct buf *out, struct span token)
{
    struct buf name;
    buf_init(&name, token.n + 1);
    for (size_t i = 0; i < token.n; i++) {
        bool escape = token.p[i] == '~' && i + 1 < token.n;
        i += escape;
        buf_putc(&name, !escape ? token.p[i] : token.p[i] == '1' ? '/' : '~');
    }
    out->failed = out->failed || name.failed;
    buf_put_json_string(out, buf_span(&name));
    buf_putc(out, ':');
    buf_fini(&name);
}

static bool is_first_index(struct span token)
{
    return span_eq_str(token, "0");
}

/* The value inside the containers that the rest of the pointer asks for. */
static void put_nested(struct buf *out, struct span pointer, struct span value)
{
    struct span rest = pointer;
    while (rest.n > 0) {
        struct span token = next_token(&rest);
        buf_putc(out, is_first_index(token) ? '[' : '{');
        if (!is_first_index(token))
            put_name(out, token);
    }
    buf_put_span(out, value);
    for (size_t end = pointer.n; end > 0;) {
        size_t begin = end;
        while (pointer.p[begin - 1] != '/')
            begin--;
        buf_putc(out, is_first_index(span_of(pointer.p + begin, end - begin)) ? ']' : '}');
        end = begin - 1;
    }
}

static size_t count(struct span container)
{
    struct span name, value;
    size_t n = 0;
    bool array = json_type_of(container) == JSON_ARRAY;
    for (struct json_iter it = json_iter(container);
         array ? json_next_element(&it, &value) : json_next_member(&it, &name, &value);)
        n++;
    return n;
}

static bool is_index(struct span token, size_t index)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    return span_eq_str(token, text);
}

/* A further member or element, as the last one. */
static enum err insert(struct span text, struct span container, struct span pointer, struct span value,
                       struct buf *out)
{
    enum json_type type = json_type_of(container);
    size_t n = type == JSON_OBJECT || type == JSON_ARRAY ? count(container) : 0;
    struct span token = next_token(&pointer);
    if (type != JSON_OBJECT && !(type == JSON_ARRAY && is_index(token, n)))
        return ERR_INVALID;
    const char *end = container.p + container.n - 1; /* the closing bracket */
    buf_put(out, text.p, (size_t)(end - text.p));
    if (n > 0)
        buf_putc(out, ',');
    if (type == JSON_OBJECT)
        put_name(out, token);
    put_nested(out, pointer, value);
    buf_put(out, end, (size_t)(text.p + text.n - end));
    return out->failed ? ERR_NO_ROOM : ERR_OK;
}

static enum err replace(struct span text, struct span old, struct span pointer, struct span value, struct buf *out)
{
    buf_put(out, text.p, (size_t)(old.p - text.p));
    put_nested(out, pointer, value);
    buf_put(out, old.p + old.n, (size_t)(text.p + text.n - old.p - old.n));
    return out->failed ? ERR_NO_ROOM : ERR_OK;
}

enum err json_set(struct span text, struct span pointer, struct span value, struct buf *out)
{
    if (pointer.n == 0 || !json_pointer_valid(pointer))
        return ERR_INVALID;
    struct span at = json_pointer(text, SPAN_LIT("")), rest = pointer;
    while (at.p && rest.n > 0) {
        struct span here = rest, token = next_token(&rest);
        struct span below = json_pointer(at, span_of(token.p - 1, token.n + 1));
        if (!below.p)
            return insert(text, at, here, value, out);
        at = below;
        if (json_type_of(at) == JSON_NULL)
            break;
    }
    return at.p ? replace(text, at, rest, value, out) : ERR_INVALID;
}
