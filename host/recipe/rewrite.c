/* SPDX-License-Identifier: MIT
 * rewrite: walks a checked JSON text and writes it in another way. Goes as deep as the scanner let the text go.
 */
#include "recipe/rewrite.h"

#include <stdlib.h>

#include "base/json.h"

struct writer {
    enum rewrite_layout layout;
    enum rewrite_escapes escapes;
    bool sorted;
    struct buf *out;
    struct buf text; /* of one string */
};

struct member {
    struct span name, value;
};

static const char *const layouts[LAYOUTS] = {
    [LAYOUT_COMPACT] = "written without spaces",  [LAYOUT_SPACED] = "written with a space behind each comma and colon",
    [LAYOUT_INDENT_2] = "indented by two spaces", [LAYOUT_INDENT_4] = "indented by four spaces",
    [LAYOUT_INDENT_TAB] = "indented by tabs",
};
static const char *const escapes_words[ESCAPES] = {
    [ESCAPES_KEPT] = "",
    [ESCAPES_FEWEST] = "without \\/ and \\uXXXX",
    [ESCAPES_SLASH] = "with / written as \\/",
    [ESCAPES_ASCII] = "with what is not ASCII written as \\uXXXX",
    [ESCAPES_ASCII_SLASH] = "with / written as \\/ and what is not ASCII as \\uXXXX",
    [ESCAPES_HTML] = "with <, > and & written as \\uXXXX",
};

const char *rewrite_layout_words(enum rewrite_layout layout)
{
    return layouts[layout];
}

const char *rewrite_escapes_words(enum rewrite_escapes escapes)
{
    return escapes_words[escapes];
}

static void put_unit(struct buf *b, unsigned unit)
{
    buf_printf(b, "\\u%04x", unit);
}

/* The character that begins at p, of valid UTF-8; *n bytes. */
static unsigned character(const unsigned char *p, size_t *n)
{
    *n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    unsigned c = *n == 1 ? p[0] : p[0] & (0x7fu >> *n);
    for (size_t i = 1; i < *n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

static void put_character(struct writer *w, unsigned c, const char *p, size_t n)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    bool ascii = w->escapes == ESCAPES_ASCII || w->escapes == ESCAPES_ASCII_SLASH;
    bool slash = w->escapes == ESCAPES_SLASH || w->escapes == ESCAPES_ASCII_SLASH;
    bool html = w->escapes == ESCAPES_HTML && (c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029);
    for (size_t i = 0; i + 1 < sizeof shorts; i += 2) {
        if (c == (unsigned char)shorts[i]) {
            buf_putc(w->out, '\\');
            buf_putc(w->out, shorts[i + 1]);
            return;
        }
    }
    if (slash && c == '/') {
        buf_puts(w->out, "\\/");
    } else if (c > 0xffff && ascii) {
        put_unit(w->out, 0xd800 + ((c - 0x10000) >> 10));
        put_unit(w->out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    } else if (c < 0x20 || html || (ascii && c > 0x7e)) {
        put_unit(w->out, c);
    } else {
        buf_put(w->out, p, n);
    }
}

/* inside: without its quotes. */
static void put_string(struct writer *w, struct span inside)
{
    buf_putc(w->out, '"');
    if (w->escapes == ESCAPES_KEPT) {
        buf_put_span(w->out, inside);
    } else {
        buf_clear(&w->text);
        w->out->failed |= json_unescape(span_of(inside.p - 1, inside.n + 2), &w->text) != ERR_OK;
        for (size_t i = 0, n; i < w->text.n; i += n) {
            unsigned c = character((const unsigned char *)w->text.p + i, &n);
            put_character(w, c, w->text.p + i, n);
        }
    }
    buf_putc(w->out, '"');
}

static void new_line(struct writer *w, unsigned depth)
{
    static const char *const steps[LAYOUTS] = {
        [LAYOUT_INDENT_2] = "  ", [LAYOUT_INDENT_4] = "    ", [LAYOUT_INDENT_TAB] = "\t"};
    if (!steps[w->layout])
        return;
    buf_putc(w->out, '\n');
    for (unsigned i = 0; i < depth; i++)
        buf_puts(w->out, steps[w->layout]);
}

static void separate(struct writer *w, size_t before, unsigned depth)
{
    if (before > 0)
        buf_puts(w->out, w->layout == LAYOUT_SPACED ? ", " : ",");
    new_line(w, depth);
}

static int by_name(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);
    return order ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static struct member *members_of(struct span object, size_t *n)
{
    struct member m, *list;
    *n = 0;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &m.name, &m.value);)
        ++*n;
    list = calloc(*n + 1, sizeof *list);
    if (!list)
        return NULL;
    size_t i = 0;
    for (struct json_iter it = json_iter(object); json_next_member(&it, &m.name, &m.value);)
        list[i++] = m;
    return list;
}

static void put_value(struct writer *w, struct span value, unsigned depth);

static void put_object(struct writer *w, struct span object, unsigned depth)
{
    size_t n;
    struct member *list = members_of(object, &n);
    if (!list) {
        w->out->failed = true;
        return;
    }
    if (w->sorted)
        qsort(list, n, sizeof *list, by_name);
    buf_putc(w->out, '{');
    for (size_t i = 0; i < n; i++) {
        separate(w, i, depth + 1);
        put_string(w, list[i].name);
        buf_puts(w->out, w->layout == LAYOUT_COMPACT ? ":" : ": ");
        put_value(w, list[i].value, depth + 1);
    }
    if (n > 0)
        new_line(w, depth);
    buf_putc(w->out, '}');
    free(list);
}

static void put_array(struct writer *w, struct span array, unsigned depth)
{
    struct span element;
    size_t n = 0;
    buf_putc(w->out, '[');
    for (struct json_iter it = json_iter(array); json_next_element(&it, &element); n++) {
        separate(w, n, depth + 1);
        put_value(w, element, depth + 1);
    }
    if (n > 0)
        new_line(w, depth);
    buf_putc(w->out, ']');
}

static void put_value(struct writer *w, struct span value, unsigned depth)
{
    if (depth > JSON_DEPTH_MAX) {
        w->out->failed = true;
        return;
    }
    switch (json_type_of(value)) {
    case JSON_OBJECT:
        put_object(w, value, depth);
        break;
    case JSON_ARRAY:
        put_array(w, value, depth);
        break;
    case JSON_STRING:
        put_string(w, span_of(value.p + 1, value.n - 2));
        break;
    default:
        buf_put_span(w->out, value);
    }
}

static struct span trim(struct span s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]))
        s = span_skip(s, 1);
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]))
        s.n--;
    return s;
}

enum err rewrite_json(struct span json, enum rewrite_layout layout, enum rewrite_escapes escapes, bool sorted,
                      struct buf *out)
{
    struct writer w = {.layout = layout, .escapes = escapes, .sorted = sorted, .out = out};
    buf_init(&w.text, json.n + 1);
    put_value(&w, trim(json), 0);
    buf_fini(&w.text);
    return out->failed ? ERR_NO_ROOM : ERR_OK;
}
