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

/* Both inside the same member: one object would have to be written twice. */
static bool clash(const char *a, const char *b)
{
    return a && b && head_bytes(a) == head_bytes(b) && strncmp(a, b, head_bytes(a) + 1) == 0;
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
    if (!plain(s->type_pointer) || !plain(s->id_pointer) || clash(s->type_pointer, s->id_pointer))
        return why_set(w, ERR_UNSUPPORTED, "no body can be made up for these references: give one by --body FILE");
    return ERR_OK;
}

/* "/a/b" and text become "a":{"b":"text"}, */
static void put_at(struct buf *b, const char *pointer, const char *text)
{
    size_t depth = 0;
    for (const char *p = pointer; *p; depth++) {
        size_t n = strcspn(p + 1, "/");
        if (depth > 0)
            buf_putc(b, '{');
        buf_put_json_text(b, span_of(p + 1, n));
        buf_putc(b, ':');
        p += n + 1;
    }
    buf_put_json_text(b, span_str(text));
    for (; depth > 1; depth--)
        buf_putc(b, '}');
    buf_putc(b, ',');
}

static bool is_data(const char *pointer)
{
    return pointer && head_bytes(pointer) == 4 && memcmp(pointer, "/data", 5) == 0;
}

void sample_body(const struct sample *s, const char *type, const char *id, uint64_t number, int64_t now_ms,
                 struct buf *b)
{
    buf_putc(b, '{');
    if (s->id_pointer)
        put_at(b, s->id_pointer, id);
    if (s->type_pointer)
        put_at(b, s->type_pointer, type);
    buf_puts(b,
             is_data(s->type_pointer) || is_data(s->id_pointer) ? "\"sample\":{\"number\":" : "\"data\":{\"number\":");
    buf_put_u64(b, number);
    buf_puts(b, ",\"sent\":");
    buf_put_time(b, now_ms);
    buf_puts(b, "}}");
}
