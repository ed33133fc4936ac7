/* SPDX-License-Identifier: MIT
 * fuzz cloudevent: what begins with '{' is an event of structured mode, everything else lines "name: value" of binary
 * mode behind a line with the content type. Whatever is taken has what an event cannot be without, in good order.
 */
#include "base/codec.h"
#include "fuzz.h"
#include "intake/cloudevent.h"

const char fuzz_name[] = "cloudevent";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/cloudevent", NULL},
    {NULL, NULL},
};

enum { ROOM_BYTES = 1 << 20, HEADERS = 80 };

static struct span line(struct span *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct span out = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);
    *rest = span_skip(*rest, out.n + 1);
    return out;
}

static void hold(const struct cloudevent *e)
{
    static const char *const required[] = {"ce-id", "ce-source", "ce-type", "ce-specversion"};
    bug_if(e->n > CLOUDEVENT_ATTRIBUTES_MAX);
    for (size_t i = 0; i < 4; i++)
        bug_if(cloudevent_attribute(e, required[i]).n == 0);
    for (size_t i = 0; i < e->n; i++) {
        bug_if(!span_starts(e->attributes[i].name, SPAN_LIT("ce-")) || !utf8_valid(e->attributes[i].value));
        for (size_t k = 0; k < e->attributes[i].value.n; k++)
            bug_if((unsigned char)e->attributes[i].value.p[k] < 0x20);
    }
    bug_if(e->data.p && e->data_base64.p);
}

static enum err binary(struct span text, struct arena *a, struct cloudevent *e, struct why *w)
{
    static struct recipe_header headers[HEADERS];
    size_t n = 0;
    struct span type = line(&text);
    while (text.n > 0 && n < HEADERS) {
        struct span one = line(&text);
        const char *colon = one.n ? memchr(one.p, ':', one.n) : NULL;
        if (!colon)
            continue;
        headers[n++] = (struct recipe_header){span_of(one.p, (size_t)(colon - one.p)), span_skip(one, (size_t)(colon - one.p) + 1)};
    }
    (void)cloudevent_mode(type);
    (void)cloudevent_marked(headers, n);
    return cloudevent_binary(headers, n, type, a, e, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct arena a;
    static struct cloudevent event;
    struct why w = {""};
    struct json_error bad;
    struct span text = span_of((const char *)p, n);
    enum err e = ERR_INVALID;
    bug_if(!a.p && !arena_init(&a, ROOM_BYTES));
    arena_reset(&a);
    if (n == 0 || text.p[0] != '{')
        e = binary(text, &a, &event, &w);
    else if (json_check(text, JSON_LIMITS_DEFAULT, &bad) == ERR_OK)
        e = cloudevent_structured(text, &a, &event, &w);
    else
        return 0;
    bug_if(e != ERR_OK && e != ERR_INVALID && e != ERR_NO_ROOM);
    bug_if(e != ERR_OK && !w.text[0]);
    if (e == ERR_OK)
        hold(&event);
    return 0;
}
