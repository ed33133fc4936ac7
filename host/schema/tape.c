/* SPDX-License-Identifier: MIT
 * tape: one pass over the bytes lays out the nodes, a second one over the nodes takes out escapes, so that the nodes can grow
 * into what is left of the arena first.
 */
#include "schema/tape.h"

#include <stdalign.h>

#include "base/run.h"

/* What tape_node.mark says while a tape is built. */
enum { TEXT_ESCAPED = 1, NAME_ESCAPED = 2 };

struct builder {
    const char *p, *end;
    struct tape_node *nodes; /* NULL: only count */
    uint32_t n, max;
    uint32_t open[JSON_DEPTH_MAX]; /* nodes whose end has not been seen */
    bool object[JSON_DEPTH_MAX];
    unsigned depth;
    uint64_t seed;
    size_t escaped_bytes; /* of strings and names with escapes, as written */
};

__extension__ typedef unsigned __int128 wide;

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    wide m = (wide)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t word_at(const char *p, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, p, n);
    return word;
}

uint64_t tape_hash(struct span s, uint64_t seed)
{
    const uint64_t other = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    uint64_t h = fold(seed ^ s.n, other);
    while (s.n >= 16) {
        h = fold(word_at(s.p, 8) ^ seed, word_at(s.p + 8, 8) ^ other ^ h);
        s = span_skip(s, 16);
    }
    if (s.n > 8)
        return fold(fold(word_at(s.p, 8) ^ seed, word_at(s.p + 8, s.n - 8) ^ other ^ h), other);
    return s.n ? fold(fold(word_at(s.p, s.n) ^ seed, other ^ h), other) : fold(h, other);
}

static void skip_space(struct builder *b)
{
    while (b->p < b->end && (*b->p == ' ' || *b->p == '\n' || *b->p == '\r' || *b->p == '\t'))
        b->p++;
}

/* At an opening quote: the text between it and the closing one; p stands behind. */
static bool take_string(struct builder *b, struct span *inside, bool *escaped)
{
    const char *from = ++b->p;
    *escaped = false;
    for (;;) {
        b->p += run_in_string(b->p, (size_t)(b->end - b->p));
        if (b->p >= b->end)
            return false;
        if (*b->p == '"')
            break;
        *escaped = true;
        if (b->end - b->p < 2)
            return false;
        b->p += 2;
    }
    *inside = span_of(from, (size_t)(b->p - from));
    b->p++;
    return true;
}

static bool take_name(struct builder *b, struct tape_node *node)
{
    struct span name;
    bool escaped;
    if (b->p >= b->end || *b->p != '"' || !take_string(b, &name, &escaped))
        return false;
    node->name = name.p;
    node->name_n = (uint32_t)name.n;
    node->mark = escaped ? NAME_ESCAPED : 0;
    b->escaped_bytes += escaped ? name.n + alignof(max_align_t) : 0;
    if (b->nodes && !escaped)
        node->name_hash = hash_name(name, b->seed);
    skip_space(b);
    if (b->p >= b->end || *b->p != ':')
        return false;
    b->p++;
    skip_space(b);
    return b->p < b->end;
}

static bool take_text(struct builder *b, struct tape_node *node)
{
    struct span text;
    bool escaped;
    if (!take_string(b, &text, &escaped))
        return false;
    node->text = text.p;
    node->n = (uint32_t)text.n;
    node->mark |= escaped ? TEXT_ESCAPED : 0;
    b->escaped_bytes += escaped ? text.n + alignof(max_align_t) : 0;
    return true;
}

static inline bool is_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

static bool take_value(struct builder *b, struct tape_node *node)
{
    node->type = (uint8_t)json_type_of(span_of(b->p, 1));
    node->text = b->p;
    node->next = b->n + 1;
    switch (node->type) {
    case JSON_NONE:
        return false;
    case JSON_STRING:
        return take_text(b, node);
    case JSON_OBJECT:
    case JSON_ARRAY:
        if (b->depth == JSON_DEPTH_MAX)
            return false;
        b->object[b->depth] = node->type == JSON_OBJECT;
        b->open[b->depth++] = b->n;
        b->p++;
        return true;
    default:
        while (b->p < b->end && is_scalar(*b->p))
            b->p++;
        node->n = (uint32_t)(b->p - node->text);
        return true;
    }
}

static bool close_container(struct builder *b)
{
    if (b->depth == 0)
        return false;
    b->p++;
    b->depth--;
    if (b->nodes) {
        struct tape_node *node = &b->nodes[b->open[b->depth]];
        node->n = (uint32_t)(b->p - node->text);
        node->next = b->n;
    }
    return true;
}

static bool take_node(struct builder *b)
{
    struct tape_node node = {0};
    if (b->n == b->max)
        return false;
    if (b->depth) {
        if (b->object[b->depth - 1] && !take_name(b, &node))
            return false;
        if (b->nodes)
            b->nodes[b->open[b->depth - 1]].count++;
    }
    if (!take_value(b, &node))
        return false;
    if (b->nodes)
        b->nodes[b->n] = node;
    b->n++;
    return true;
}

static bool scan(struct builder *b)
{
    for (;;) {
        skip_space(b);
        if (b->p >= b->end)
            return false;
        if (*b->p == ',' && b->depth)
            b->p++;
        else if (*b->p == ']' || *b->p == '}' ? !close_container(b) : !take_node(b))
            return false;
        if (b->depth == 0)
            return true;
    }
}

size_t tape_bytes(struct span text)
{
    struct builder b = {.p = text.p, .end = text.p + text.n, .max = UINT32_MAX - 1};
    if (text.n == 0 || !scan(&b))
        return 0;
    return (b.n + 1) * sizeof(struct tape_node) + b.escaped_bytes + 4 * alignof(max_align_t);
}

static struct span without_escapes(struct span inside, struct arena *memory)
{
    struct buf b = arena_open(memory);
    if (json_unescape(span_of(inside.p - 1, inside.n + 2), &b) != ERR_OK)
        return SPAN_NONE;
    return arena_close(memory, &b);
}

static bool take_out_escapes(struct builder *b, struct arena *memory)
{
    for (uint32_t i = 0; b->escaped_bytes && i < b->n; i++) {
        struct tape_node *node = &b->nodes[i];
        if (node->mark & TEXT_ESCAPED) {
            struct span text = without_escapes(span_of(node->text, node->n), memory);
            if (!text.p)
                return false;
            node->text = text.p;
            node->n = (uint32_t)text.n;
        }
        if (node->mark & NAME_ESCAPED) {
            struct span name = without_escapes(span_of(node->name, node->name_n), memory);
            if (!name.p)
                return false;
            node->name = name.p;
            node->name_n = (uint32_t)name.n;
            node->name_hash = hash_name(name, b->seed);
        }
        node->mark = 0;
    }
    return true;
}

enum err tape_build(struct span text, uint64_t seed, struct arena *memory, struct tape *out)
{
    const size_t before = memory->n;
    struct tape_node *nodes = arena_alloc(memory, 0);
    size_t room = nodes ? (memory->cap - memory->n) / sizeof *nodes : 0;
    struct builder b = {.p = text.p, .end = text.p + text.n, .nodes = nodes, .seed = seed};
    if (room < 2) {
        memory->n = before;
        return ERR_NO_ROOM;
    }
    b.max = room - 1 < UINT32_MAX - 1 ? (uint32_t)room - 1 : UINT32_MAX - 1;
    if (!scan(&b)) {
        memory->n = before;
        return b.n == b.max ? ERR_NO_ROOM : ERR_INVALID;
    }
    memory->n += (b.n + 1) * sizeof *nodes;
    if (!take_out_escapes(&b, memory)) {
        memory->n = before;
        return ERR_NO_ROOM;
    }
    *out = (struct tape){nodes, b.n};
    return ERR_OK;
}

uint32_t tape_member(const struct tape *t, uint32_t object, struct span name, uint32_t hash)
{
    const struct tape_node *nodes = t->nodes;
    if (nodes[object].type != JSON_OBJECT)
        return 0;
    for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i].next)
        if (nodes[i].name_hash == hash && span_eq(tape_name(t, i), name))
            return i;
    return 0;
}

static void put_token(struct buf *b, struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '~')
            buf_puts(b, "~0");
        else if (name.p[i] == '/')
            buf_puts(b, "~1");
        else
            buf_putc(b, name.p[i]);
    }
}

void tape_pointer(const struct tape *t, uint32_t node, struct buf *b)
{
    const struct tape_node *nodes = t->nodes;
    for (uint32_t at = 0; at != node && at < t->n;) {
        uint32_t i = at + 1;
        uint64_t index = 0;
        for (; nodes[i].next <= node; i = nodes[i].next)
            index++;
        buf_putc(b, '/');
        if (nodes[at].type == JSON_OBJECT)
            put_token(b, tape_name(t, i));
        else
            buf_put_u64(b, index);
        at = i;
    }
}

static bool token_is(struct span token, struct span name)
{
    size_t n = 0;
    for (size_t i = 0; i < token.n; i++, n++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n && (token.p[i + 1] == '0' || token.p[i + 1] == '1'))
            c = token.p[++i] == '0' ? '~' : '/';
        if (n == name.n || name.p[n] != c)
            return false;
    }
    return n == name.n;
}

static uint32_t step_index(const struct tape *t, uint32_t array, struct span token)
{
    uint32_t index = 0;
    if (token.n == 0 || token.n > 9 || (token.n > 1 && token.p[0] == '0'))
        return 0;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9')
            return 0;
        index = index * 10 + (uint32_t)(token.p[i] - '0');
    }
    if (index >= t->nodes[array].count)
        return 0;
    uint32_t at = array + 1;
    while (index--)
        at = t->nodes[at].next;
    return at;
}

uint32_t tape_step(const struct tape *t, uint32_t node, struct span token)
{
    const struct tape_node *nodes = t->nodes;
    if (nodes[node].type == JSON_ARRAY)
        return step_index(t, node, token);
    if (nodes[node].type != JSON_OBJECT)
        return 0;
    for (uint32_t i = node + 1; i < nodes[node].next; i = nodes[i].next)
        if (token_is(token, tape_name(t, i)))
            return i;
    return 0;
}
