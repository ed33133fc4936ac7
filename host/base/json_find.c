/* SPDX-License-Identifier: MIT
 * json_find: a walk down a tree of reference tokens and a text at the same time. Recursion is as deep as the deepest
 * pointer, which operators write and JSON_FIND_NODES bounds.
 */
#include "base/json_find.h"

#include "base/json_escape.h"

static struct span take_token(struct span *pointer)
{
    struct span rest = span_skip(*pointer, 1);
    const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
    struct span token = span_of(rest.p, slash ? (size_t)(slash - rest.p) : rest.n);
    *pointer = span_skip(rest, token.n);
    return token;
}

static unsigned char child_of(const struct json_find *f, unsigned char at, struct span token)
{
    unsigned char i = f->nodes[at].child;
    while (i && !span_eq(f->nodes[i].token, token))
        i = f->nodes[i].next;
    return i;
}

static unsigned char tokens_of(struct span pointer)
{
    size_t n = 0;
    while (pointer.n && n < JSON_FIND_NODES) {
        take_token(&pointer);
        n++;
    }
    return (unsigned char)n;
}

enum err json_find_add(struct json_find *f, struct span pointer, int *slot)
{
    unsigned char at = 0;
    if (!json_pointer_valid(pointer))
        return ERR_INVALID;
    if (f->n_nodes == 0)
        f->n_nodes = 1;
    for (struct span rest = pointer; rest.n;) {
        struct span from = rest, token = take_token(&rest);
        unsigned char next = child_of(f, at, token);
        if (!next) {
            if (f->n_slots == JSON_FIND_SLOTS || f->n_nodes + tokens_of(from) > JSON_FIND_NODES)
                return ERR_NO_ROOM;
            for (; from.n; at = next) {
                next = f->n_nodes++;
                f->nodes[next] = (struct json_find_node){take_token(&from), 0, f->nodes[at].child, 0};
                f->nodes[at].child = next;
            }
            break;
        }
        at = next;
    }
    if (!f->nodes[at].slot) {
        if (f->n_slots == JSON_FIND_SLOTS)
            return ERR_NO_ROOM;
        f->nodes[at].slot = ++f->n_slots;
    }
    *slot = f->nodes[at].slot - 1;
    return ERR_OK;
}

static unsigned children(const struct json_find *f, unsigned char at)
{
    unsigned n = 0;
    for (unsigned char i = f->nodes[at].child; i; i = f->nodes[i].next)
        n++;
    return n;
}

static void walk(const struct json_find *f, unsigned char at, struct span value, struct span out[]);

static void walk_object(const struct json_find *f, unsigned char at, struct span object, struct span out[])
{
    struct span name, value;
    unsigned left = children(f, at);
    for (struct json_iter it = json_iter(object); left > 0 && json_next_member(&it, &name, &value);) {
        unsigned char i = f->nodes[at].child;
        while (i && !json_name_is_token(name, f->nodes[i].token))
            i = f->nodes[i].next;
        if (i) {
            walk(f, i, value, out);
            left--;
        }
    }
}

static void walk_array(const struct json_find *f, unsigned char at, struct span array, struct span out[])
{
    for (unsigned char i = f->nodes[at].child; i; i = f->nodes[i].next) {
        struct span value = json_element_by_token(array, f->nodes[i].token);
        if (value.p)
            walk(f, i, value, out);
    }
}

static void walk(const struct json_find *f, unsigned char at, struct span value, struct span out[])
{
    const struct json_find_node *node = &f->nodes[at];
    if (node->slot)
        out[node->slot - 1] = value;
    if (!node->child)
        return;
    if (json_type_of(value) == JSON_OBJECT)
        walk_object(f, at, value, out);
    else if (json_type_of(value) == JSON_ARRAY)
        walk_array(f, at, value, out);
}

void json_find(const struct json_find *f, struct span text, struct span out[JSON_FIND_SLOTS])
{
    for (unsigned i = 0; i < f->n_slots; i++)
        out[i] = SPAN_NONE;
    if (f->n_slots > 0)
        walk(f, 0, json_pointer(text, SPAN_LIT("")), out);
}
