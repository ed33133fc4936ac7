/* SPDX-License-Identifier: MIT
 * value_json: what the JSON of a body, of its elements and of a token says. All pointers of a recipe are found in one walk
 * when the first is asked for. Owns nothing.
 */
#include <stdio.h>

#include "base/json.h"
#include "recipe/value_look.h"

enum err value_json(struct view *v)
{
    struct json_error bad = {"not valid", 0};
    if (v->body_json == JSON_UNREAD) {
        const struct span body = v->q->body.p ? v->q->body : SPAN_LIT("");
        v->body_json = json_check(body, JSON_LIMITS_DEFAULT, &bad) == ERR_OK ? JSON_GOOD : JSON_BAD;
        if (v->body_json == JSON_BAD)
            snprintf(v->problem, sizeof v->problem, "the proof is in the body, which is not valid JSON: byte %zu: %s",
                     bad.offset, bad.what);
    }
    if (v->body_json == JSON_BAD && !v->problem[0])
        return value_fault(v, ERR_MALFORMED_BODY, "the proof is in the body, which is not valid JSON");
    return v->body_json == JSON_GOOD ? ERR_OK : ERR_MALFORMED_BODY;
}

/* A scalar; strings decoded; absent when null, an object or an array. */
static enum err scalar(struct view *v, struct span value, struct span *out)
{
    enum json_type type = value.p ? json_type_of(value) : JSON_NONE;
    if (type == JSON_NONE || type == JSON_NULL || type == JSON_OBJECT || type == JSON_ARRAY)
        return ERR_OK;
    struct span plain = type == JSON_STRING ? json_plain_string(value) : value;
    if (plain.p) {
        *out = plain;
        return ERR_OK;
    }
    size_t room = value.n + 1; /* decoding makes nothing longer */
    char *p = arena_alloc(v->a, room);
    struct buf text = {.p = p, .cap = room, .max_bytes = room};
    if (!p || json_unescape(value, &text) != ERR_OK)
        return value_no_room(v);
    *out = buf_span(&text);
    return ERR_OK;
}

/* All that the recipe refers to is found at once, when the first is asked for. */
enum err value_get_json(struct view *v, const struct ref *ref, struct span *out)
{
    enum err e = value_json(v);
    if (e != ERR_OK)
        return v->r ? e : ERR_OK;
    if (ref->slot == SLOT_BY_NAME)
        return scalar(v, json_pointer(v->q->body, ref->what), out);
    if (!v->body_found)
        json_find(&v->r->in_body, v->q->body, v->in_body);
    v->body_found = true;
    return scalar(v, v->in_body[ref->slot], out);
}

enum err value_get_item(struct view *v, const struct ref *ref, struct span *out)
{
    if (!v->item.p)
        return ERR_OK;
    if (ref->slot == SLOT_BY_NAME)
        return scalar(v, json_pointer(v->item, ref->what), out);
    if (!v->item_found)
        json_find(&v->r->in_item, v->item, v->in_item);
    v->item_found = true;
    return scalar(v, v->in_item[ref->slot], out);
}

/* An array of strings, as "aud" may be one (RFC 7519 section 4.1.3), is read as its members with blanks between them. */
static enum err strings(struct view *v, struct span array, struct span *out)
{
    struct span element;
    struct buf text = arena_open(v->a);
    for (struct json_iter it = json_iter(array); json_next_element(&it, &element);) {
        struct span plain = json_type_of(element) == JSON_STRING ? json_plain_string(element) : SPAN_NONE;
        if (!plain.p || memchr(plain.p, ' ', plain.n))
            return ERR_OK; /* absent */
        if (text.n > 0)
            buf_putc(&text, ' ');
        buf_put_span(&text, plain);
    }
    *out = arena_close(v->a, &text);
    return out->p ? ERR_OK : value_no_room(v);
}

enum err value_get_claim(struct view *v, const struct ref *ref, struct span *out)
{
    struct span value = v->claims.p ? json_pointer(v->claims, ref->what) : SPAN_NONE;
    if (value.p && json_type_of(value) == JSON_ARRAY)
        return strings(v, value, out);
    return scalar(v, value, out);
}

enum err value_get_jose(struct view *v, const struct ref *ref, struct span *out)
{
    return v->jose.p ? scalar(v, json_pointer(v->jose, ref->what), out) : ERR_OK;
}

/* POINTER!A,B: the name of the first member that is neither A nor B. */
enum err value_get_member_name(struct view *v, const struct ref *ref, struct span *out)
{
    const char *mark = memchr(ref->what.p, '!', ref->what.n);
    struct span pointer = mark ? span_of(ref->what.p, (size_t)(mark - ref->what.p)) : ref->what;
    struct span others = mark ? span_skip(ref->what, pointer.n + 1) : SPAN_NONE, name, value;
    if (value_json(v) != ERR_OK)
        return ERR_OK;
    struct span object = json_pointer(v->q->body, span_eq_str(pointer, "/") ? SPAN_LIT("") : pointer);
    if (!object.p || json_type_of(object) != JSON_OBJECT)
        return ERR_OK;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &name, &value);) {
        bool other = false;
        for (struct span rest = others; rest.n > 0;) {
            const char *comma = memchr(rest.p, ',', rest.n);
            size_t n = comma ? (size_t)(comma - rest.p) : rest.n;
            other = other || span_eq(span_of(rest.p, n), name);
            rest = span_skip(rest, comma ? n + 1 : n);
        }
        if (other)
            continue;
        *out = name;
        return ERR_OK;
    }
    return ERR_OK;
}
