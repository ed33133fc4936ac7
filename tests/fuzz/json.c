/* SPDX-License-Identifier: MIT
 * fuzz json: any bytes through the strict scanner, and through everything that walks, looks up and unescapes, passed or not.
 * What passes must also survive being taken apart and written again.
 * The scanner takes exactly what the grammar of RFC 8259 takes but for the exceptions it names; and what it takes, cJSON
 * reads as the same values.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "base/json_find.h"
#include "fuzz.h"
#include "json_grammar.h"

const char fuzz_name[] = "json";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/json", NULL},
    {"tests/vectors/json", NULL},
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

enum { CJSON_NUMBER_BYTES = 63 }; /* longer ones cJSON cuts */

static bool same_string(struct span value, const char *text)
{
    static struct buf b;
    if (!b.max_bytes)
        buf_init(&b, 1 << 20);
    buf_clear(&b);
    bug_if(json_unescape(value, &b) != ERR_OK);
    return span_eq_str(buf_span(&b), text);
}

/* The value of a whole text has the white space around it. */
static bool same_number(struct span value, double number)
{
    char text[CJSON_NUMBER_BYTES + 1];
    size_t n = 0;
    while (value.n && *value.p && strchr(" \t\n\r", *value.p))
        value = span_skip(value, 1);
    while (n < value.n && value.p[n] && strchr("+-.0123456789eE", value.p[n]))
        n++;
    bug_if(n > CJSON_NUMBER_BYTES);
    memcpy(text, value.p, n);
    text[n] = 0;
    double d = strtod(text, NULL);
    return d == number;
}

static bool same_scalar(struct span value, const cJSON *c)
{
    switch (json_type_of(value)) {
    case JSON_STRING:
        return cJSON_IsString(c) && same_string(value, c->valuestring);
    case JSON_NUMBER:
        return cJSON_IsNumber(c) && same_number(value, c->valuedouble);
    case JSON_TRUE:
        return cJSON_IsTrue(c);
    case JSON_FALSE:
        return cJSON_IsFalse(c);
    default:
        return json_type_of(value) == JSON_NULL && cJSON_IsNull(c);
    }
}

/* No deeper than the scanner lets pass. */
static bool same(struct span value, const cJSON *c)
{
    enum json_type type = json_type_of(value);
    if (type != JSON_ARRAY && type != JSON_OBJECT)
        return same_scalar(value, c);
    struct json_iter it = json_iter(value);
    struct span name, member;
    if (type == JSON_OBJECT ? !cJSON_IsObject(c) : !cJSON_IsArray(c))
        return false;
    bool object = type == JSON_OBJECT;
    c = c->child;
    while (object ? json_next_member(&it, &name, &member) : json_next_element(&it, &member)) {
        if (!c || !same(member, c))
            return false;
        if (object && !same_string(span_of(name.p - 1, name.n + 2), c->string))
            return false;
        c = c->next;
    }
    return !c;
}

/* Does a name come twice in one object? Asked of cJSON's tree, whose names are unescaped. */
static bool repeats(const cJSON *c)
{
    for (const cJSON *a = c->child; a; a = a->next) {
        if (repeats(a))
            return true;
        for (const cJSON *b = a->next; a->string && b; b = b->next)
            if (strcmp(a->string, b->string) == 0)
                return true;
    }
    return false;
}

/* A valid text is refused for one of the named reasons only, and only if that is so. */
static bool exception(const char *what, const struct json_grammar *g, const cJSON *tree)
{
    if (strcmp(what, "NUL in string") == 0)
        return g->nul;
    if (strcmp(what, "lone surrogate") == 0)
        return g->lone;
    if (strcmp(what, "too deep") == 0)
        return g->depth > JSON_DEPTH_DEFAULT;
    if (strcmp(what, "too many values") == 0)
        return g->nodes > JSON_NODES_DEFAULT;
    if (strcmp(what, "duplicate name") == 0) /* cJSON has no tree of what it cannot read itself */
        return !tree || repeats(tree);
    return false;
}

static void compare(struct span text, bool passed, const char *what)
{
    struct json_grammar g = json_grammar(text);
    cJSON *tree = NULL;
    const char *end;
    if (g.valid && g.depth < CJSON_NESTING_LIMIT && g.longest_number <= CJSON_NUMBER_BYTES && !g.nul && !g.lone)
        tree = cJSON_ParseWithLengthOpts(text.p, text.n, &end, false);
    if (passed) {
        bug_if(!g.valid || g.nul || g.lone || g.depth > JSON_DEPTH_DEFAULT || g.nodes > JSON_NODES_DEFAULT);
        bug_if(g.longest_number <= CJSON_NUMBER_BYTES && (!tree || !same(text, tree)));
        bug_if(tree && g.nodes < 1000 && repeats(tree));
    } else {
        bug_if(g.valid && !exception(what, &g, tree));
    }
    cJSON_Delete(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct json_error e;
    struct span text = span_of((const char *)p, n);
    bool passed = json_check(text, JSON_LIMITS_DEFAULT, &e) == ERR_OK;
    bug_if(!passed && e.offset > n);
    compare(text, passed, passed ? "" : e.what);
    look_around(text);
    if (passed) {
        rewrite(text);
        find_together(text);
    }
    return 0;
}
