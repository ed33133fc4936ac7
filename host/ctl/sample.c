/* SPDX-License-Identifier: MIT
 * sample: places type and id by reference and writes the rest of a small JSON object around them.
 */
#include "ctl/sample.h"

#include "base/units.h"

/* The first reference that a text can be put at: a header or a place in the body, as it is. */
static void place(const char *const *refs, size_t n, const char **header, const char **pointer)
{
    const struct span h = SPAN_LIT("header:"), j = SPAN_LIT("json:");
    for (size_t i = 0; i < n && !*header && !*pointer; i++) {
        if (strchr(refs[i], '|'))
            continue;
        if (span_starts(span_str(refs[i]), h))
            *header = refs[i] + h.n;
        else if (span_starts(span_str(refs[i]), j))
            *pointer = refs[i] + j.n;
    }
}

/* The source's own references, or the recipe's. */
static void place_of(const char *const *own, size_t n_own, const struct recipe *r, const char *what,
                     const char **header, const char **pointer)
{
    size_t n = n_own;
    const char *const *refs = n_own > 0 ? own : recipe_default(r, what, &n);
    place(refs, n, header, pointer);
}

/* "/a/b": names without escapes, at least one. */
static bool plain(const char *pointer)
{
    return !pointer || (pointer[0] == '/' && pointer[1] && !strchr(pointer, '~') && !strstr(pointer, "//"));
}

static size_t head_bytes(const char *pointer)
{
    return strcspn(pointer + 1, "/");
}

/* Is one the other, or inside it? Then one place would need two values. */
static bool clash(const char *a, const char *b)
{
    size_t n = a && b ? (strlen(a) < strlen(b) ? strlen(a) : strlen(b)) : 0;
    return a && b && strncmp(a, b, n) == 0 && strchr("/", a[n]) && strchr("/", b[n]);
}

/* Does any of them stand in a list? All have to. */
static bool in_list(const char *pointer)
{
    return pointer && head_bytes(pointer) == 1 && pointer[1] == '0';
}

enum err sample_init(struct sample *s, const struct recipe *r, const struct config_source *source, bool own_body,
                     struct why *w)
{
    *s = (struct sample){0};
    place_of(source ? source->type : NULL, source ? source->n_type : 0, r, "type", &s->type_header, &s->type_pointer);
    place_of(source ? source->event_id : NULL, source ? source->n_event_id : 0, r, "event_id", &s->id_header,
             &s->id_pointer);
    if (own_body)
        return ERR_OK;
    if (!s->type_pointer)
        s->type_pointer = "/type"; /* of no use to the host, but to people */
    bool lists_differ = s->id_pointer && in_list(s->type_pointer) != in_list(s->id_pointer);
    if (!plain(s->type_pointer) || !plain(s->id_pointer) || clash(s->type_pointer, s->id_pointer) || lists_differ)
        return why_set(w, ERR_UNSUPPORTED, "no body can be made up for these references: give one by --body FILE");
    return ERR_OK;
}

/* What has to stand where; text as it is, or JSON. */
struct item {
    const char *pointer; /* what is left of it */
    const char *text, *json;
};
enum { ITEMS_MAX = 3 };

static bool same_head(const struct item *a, const struct item *b)
{
    size_t n = head_bytes(a->pointer);
    return head_bytes(b->pointer) == n && strncmp(a->pointer, b->pointer, n + 1) == 0;
}

static bool first_of_its_head(const struct item *items, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same_head(&items[k], &items[i]))
            return false;
    return true;
}

/* The value that holds all of them: themselves, a list with one element ("/0/…"), or an object. As deep as the pointers,
 * which are the operator's. */
static void put_value(struct buf *b, const struct item *items, size_t n)
{
    if (!items[0].pointer[0]) {
        if (items[0].text)
            buf_put_json_text(b, span_str(items[0].text));
        else
            buf_puts(b, items[0].json);
        return;
    }
    bool list = in_list(items[0].pointer), more = false;
    buf_putc(b, list ? '[' : '{');
    for (size_t i = 0; i < n; i++) {
        struct item inside[ITEMS_MAX];
        size_t n_inside = 0;
        if (!first_of_its_head(items, i))
            continue;
        for (size_t k = i; k < n; k++) {
            if (same_head(&items[i], &items[k])) {
                inside[n_inside] = items[k];
                inside[n_inside++].pointer += head_bytes(items[k].pointer) + 1;
            }
        }
        if (more)
            buf_putc(b, ',');
        if (!list) {
            buf_put_json_text(b, span_of(items[i].pointer + 1, head_bytes(items[i].pointer)));
            buf_putc(b, ':');
        }
        put_value(b, inside, n_inside);
        more = true;
    }
    buf_putc(b, list ? ']' : '}');
}

static bool begins(const char *pointer, const char *with)
{
    size_t n = strlen(with);
    return pointer && strncmp(pointer, with, n) == 0 && strchr("/", pointer[n]);
}

/* Where the rest goes: beside what is there already, and nowhere inside of it. */
static const char *place_of_data(const struct sample *s)
{
    static const char *const places[2][2] = {{"/data", "/sample"}, {"/0/data", "/0/sample"}};
    const char *const *of = places[in_list(s->type_pointer)];
    return begins(s->type_pointer, of[0]) || begins(s->id_pointer, of[0]) ? of[1] : of[0];
}

void sample_body(const struct sample *s, const char *type, const char *id, uint64_t number, int64_t now_ms,
                 struct buf *b)
{
    struct item items[ITEMS_MAX];
    struct buf data;
    size_t n = 0;
    buf_init(&data, 256);
    buf_puts(&data, "{\"number\":");
    buf_put_u64(&data, number);
    buf_puts(&data, ",\"sent\":");
    buf_put_time(&data, now_ms);
    buf_puts(&data, "}");
    buf_putc(&data, 0);
    if (s->id_pointer)
        items[n++] = (struct item){s->id_pointer, id, NULL};
    if (s->type_pointer)
        items[n++] = (struct item){s->type_pointer, type, NULL};
    items[n++] = (struct item){place_of_data(s), NULL, data.p};
    put_value(b, items, n);
    buf_fini(&data);
}
