/* SPDX-License-Identifier: MIT
 * fuzz json: any bytes through the strict scanner, and through everything that walks, looks up and unescapes, passed or not.
 * What passes must also survive being taken apart and written again.
 */

#include "base/json_find.h"
#include "fuzz.h"

const char fuzz_name[] = "json";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/json", NULL},
    {NULL, NULL},
};

/* All strings of what passed, unescaped, escaped again, and compared. */
static void rewrite(struct span text)
{
    struct json_iter it = json_iter(text);
    struct span name, value;
    struct buf plain, quoted, again;
    buf_init(&plain, text.n + 1);
    buf_init(&quoted, 6 * text.n + 2);
    buf_init(&again, text.n + 1);
    bool object = json_type_of(text) == JSON_OBJECT;
    while (object ? json_next_member(&it, &name, &value) : json_next_element(&it, &value)) {
        buf_clear(&plain);
        buf_clear(&quoted);
        buf_clear(&again);
        struct json_error e;
        bug_if(json_check(value, JSON_LIMITS_DEFAULT, &e) != ERR_OK);
        if (json_unescape(value, &plain) != ERR_OK)
            continue;
        buf_put_json_string(&quoted, buf_span(&plain));
        bug_if(json_check(buf_span(&quoted), JSON_LIMITS_DEFAULT, &e) != ERR_OK);
        bug_if(json_unescape(buf_span(&quoted), &again) != ERR_OK || !span_eq(buf_span(&plain), buf_span(&again)));
    }
    buf_fini(&plain);
    buf_fini(&quoted);
    buf_fini(&again);
}

static void look_around(struct span text)
{
    static const char *const pointers[] = {"", "/", "/0", "/a", "/a/0/b", "/~0~1"};
    struct buf b;
    int64_t v;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        struct span at = json_pointer(text, span_str(pointers[i]));
        if (at.p && json_scalar_text(at, &b) == ERR_OK)
            (void)json_int(at, &v);
        buf_clear(&b);
    }
    (void)json_unescape(text, &b);
    (void)json_pointer(SPAN_LIT("{\"a\":[1]}"), text);
    buf_fini(&b);
}

/* Together they are found where each is found alone. */
static void find_together(struct span text)
{
    static const char *const pointers[] = {"", "/", "/0", "/a", "/a/0/b", "/a/b", "/a/1", "/~0~1", "/data/object/id", "/x/0"};
    struct json_find f = {0};
    struct span found[JSON_FIND_SLOTS];
    int slot[sizeof pointers / sizeof pointers[0]];
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        bug_if(json_find_add(&f, span_str(pointers[i]), &slot[i]) != ERR_OK);
    json_find(&f, text, found);
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        struct span alone = json_pointer(text, span_str(pointers[i]));
        bug_if(found[slot[i]].p != alone.p || found[slot[i]].n != alone.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct json_error e;
    struct span text = span_of((const char *)p, n);
    bool passed = json_check(text, JSON_LIMITS_DEFAULT, &e) == ERR_OK;
    bug_if(!passed && e.offset > n);
    look_around(text);
    if (passed) {
        rewrite(text);
        find_together(text);
    }
    return 0;
}
