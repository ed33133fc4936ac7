/* SPDX-License-Identifier: MIT
 * letter: see letter.h.
 */
#include "ctl/letter.h"

#include "base/clock.h"
#include "base/json.h"
#include "ctl/ctl.h"

enum { FILE_BYTES = 512 << 20, ARENA_BYTES = 256 * 1024 };

static bool is_left_out(const struct recipe *r, struct span name, struct span value)
{
    static const char *const own[] = {"connection", "content-length",    "content-type", "expect",
                                      "host",       "transfer-encoding", "user-agent"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (span_eq_nocase(name, span_str(own[i])))
            return true;
    return recipe_makes_header(r, name) || span_eq(value, SPAN_LIT("\xe2\x80\xa6"));
}

static struct span text_of(struct letter *l, struct span json)
{
    struct buf text;
    buf_init(&text, ARENA_BYTES);
    struct span kept = json_unescape(json, &text) == ERR_OK ? arena_copy(&l->arena, buf_span(&text)) : SPAN_NONE;
    buf_fini(&text);
    return kept;
}

static enum err take_headers(struct letter *l, const struct recipe *r, struct why *w)
{
    struct json_iter it = json_iter(l->occasion.event.headers);
    struct span pair, name, value;
    while (json_next_element(&it, &pair)) {
        struct json_iter two = json_iter(pair);
        if (!json_next_element(&two, &name) || !json_next_element(&two, &value))
            continue;
        struct recipe_header h = {text_of(l, name), text_of(l, value)};
        if (!h.name.p || !h.value.p || memchr(h.value.p, '\n', h.value.n) || memchr(h.value.p, 0, h.value.n))
            return why_set(w, ERR_INVALID, "/headers: a name or value that no header can have, or too many bytes");
        if (is_left_out(r, h.name, h.value))
            continue;
        if (l->n == LETTER_HEADERS_MAX)
            return why_set(w, ERR_INVALID, "/headers: more than %d", LETTER_HEADERS_MAX);
        l->headers[l->n++] = h;
    }
    return ERR_OK;
}

enum err letter_read(struct letter *l, const char *file, const struct recipe *r, struct why *w)
{
    struct buf text;
    struct why inner = {""};
    *l = (struct letter){.n = 0};
    buf_init(&text, FILE_BYTES);
    enum err e = ctl_read_json(file, &text, w);
    if (!e && !arena_init(&l->arena, ARENA_BYTES))
        e = why_set(w, ERR_NO_MEMORY, "out of memory");
    else if (!e && ((e = occasion_read(&l->occasion, buf_span(&text), "test.event", clock_wall_ms(), &inner)) != ERR_OK ||
                    (e = take_headers(l, r, &inner)) != ERR_OK))
        why_set(w, e, "%s: %s", file, inner.text);
    buf_fini(&text);
    return e;
}

void letter_fini(struct letter *l)
{
    if (l->occasion.text.max_bytes)
        occasion_fini(&l->occasion);
    arena_fini(&l->arena);
}
