/* SPDX-License-Identifier: MIT
 * check_large: the published requests of every sender with a body, a query and headers as long and as awkward as they get: judged
 * within the room that recipe_scratch_bytes says, in time that grows with the size. What costs the square of a mebibyte does not
 * end before the test is given up.
 */
#include "recipe_kit.h"

enum { LARGE = 1 << 20, LONG_QUERY = 100 * 1024 };

static struct buf vectors;

static void read_vectors(void)
{
    struct json_error bad;
    vectors = read_source("tests/vectors/signatures.json");
    ck_assert_int_eq(json_check(buf_span(&vectors), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
}

static void forget_vectors(void)
{
    buf_fini(&vectors);
}

/* Whole texts until there are n bytes, doubled each time. */
static void repeat(struct buf *b, const char *text, size_t n)
{
    const size_t from = b->n, each = strlen(text);
    if (b->n >= n)
        return;
    size_t whole = (n - from + each - 1) / each * each;
    ck_assert(buf_reserve(b, whole));
    buf_puts(b, text);
    for (size_t have; (have = b->n - from) < whole;)
        buf_put(b, b->p + from, have < whole - have ? have : whole - have);
    ck_assert(!b->failed);
}

/* The body with a text that is decoded at the beginning of its i-th value; false: it has no so many. */
static bool inflate(struct span body, unsigned i, struct buf *out)
{
    bool json = body.n > 0 && (body.p[0] == '{' || body.p[0] == '[');
    for (size_t at = 1; at < body.n; at++) {
        bool begins = json ? body.p[at] == '"' && (body.p[at - 1] == ':' || body.p[at - 1] == ' ') : body.p[at] == '=';
        if (!begins || i-- > 0)
            continue;
        buf_put(out, body.p, at + 1);
        repeat(out, json ? "\\u0061" : "%61", LARGE);
        buf_put_span(out, span_skip(body, at + 1));
        return true;
    }
    return false;
}

static const char *const fillings[] = {"a",       "\x7f",      "\xc3\xa9",           "a&",     "%61=%62&", "\\",
                                       "{\"a\":", "[",         "\"",                 " ",      "\n",       "&&&=",
                                       "1",       "%",         "webhook_id=1&",      "v1=00,", "+"};
enum { FILLINGS = sizeof fillings / sizeof *fillings, INFLATED = 12, WAYS = FILLINGS + INFLATED + 3 };

/* JSON with many members, many elements, much of what is not asked for. */
static void many(struct span body, unsigned way, struct buf *out)
{
    static const char *const open[] = {"{\"x\":[0", "{\"value\":[{\"clientState\":\"a\"}", "{\"events\":[{}"};
    static const char *const each[] = {",0", ",{\"clientState\":\"a\"}", ",{\"type\":1}"};
    buf_puts(out, open[way]);
    for (unsigned i = 0; i < 30000; i++)
        buf_puts(out, each[way]);
    buf_putc(out, ']');
    if (body.n > 1 && body.p[0] == '{' && body.p[1] != '}') {
        buf_putc(out, ',');
        buf_put_span(out, span_skip(body, 1));
    } else {
        buf_putc(out, '}');
    }
}

static bool make_body(struct span body, unsigned way, struct buf *out)
{
    if (way < FILLINGS) {
        repeat(out, fillings[way], LARGE);
        return true;
    }
    if (way < FILLINGS + INFLATED)
        return inflate(body, way - FILLINGS, out);
    many(body, way - FILLINGS - INFLATED, out);
    return true;
}

static void judge(const struct recipe *r, struct recipe_context *c, const struct recipe_case *t, const char *what)
{
    struct recipe_verdict verdict;
    struct recipe_reply reply;
    struct arena a;
    ck_assert(arena_init(&a, recipe_scratch_bytes(r, &t->request)));
    enum err e = case_judge(r, c, t, &a, &verdict, &reply);
    ck_assert_msg(e != ERR_INTERNAL && e != ERR_BODY_TOO_LARGE && e != ERR_NO_ROOM, "%s %s: %s", t->provider.p, what,
                  verdict.detail);
    arena_fini(&a);
}

static void bodies(const struct recipe *r, struct recipe_context *c, struct recipe_case *t)
{
    const struct span body = t->request.body;
    struct buf b;
    buf_init(&b, 4 * LARGE);
    for (unsigned way = 0; way < WAYS; way++) {
        char what[32];
        b.n = 0;
        if (!make_body(body, way, &b))
            continue;
        snprintf(what, sizeof what, "body %u", way);
        t->request.body = buf_span(&b);
        judge(r, c, t, what);
    }
    t->request.body = body;
    buf_fini(&b);
}

static void queries(const struct recipe *r, struct recipe_context *c, struct recipe_case *t)
{
    static const char *const texts[] = {"a&", "%3A", "a=1&", "challenge=a&", "%", "crc_token=1&"};
    const struct span url = t->request.url, query = t->request.query;
    struct buf b;
    buf_init(&b, 4 * LARGE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        b.n = 0;
        repeat(&b, texts[i], LONG_QUERY);
        t->request.query = buf_span(&b);
        judge(r, c, t, "query");
        t->request.url = SPAN_LIT("https://hooks.example.test");
        judge(r, c, t, "query behind a short URL");
        t->request.url = url;
    }
    t->request.query = query;
    buf_fini(&b);
}

/* Each header in its turn. */
static void long_headers(const struct recipe *r, struct recipe_context *c, struct recipe_case *t)
{
    static const char *const texts[] = {"a", "v1=00,", "v1,AAAA ", "A.", "a,", "1", "=", " "};
    for (size_t h = 0; h < t->request.n_headers; h++) {
        const struct span value = t->headers[h].value;
        for (size_t i = 0; i < 2 * sizeof texts / sizeof *texts; i++) {
            struct buf b;
            buf_init(&b, 4 * LARGE);
            if (i % 2)
                buf_put_span(&b, value);
            repeat(&b, texts[i / 2], LONG_QUERY);
            t->headers[h].value = buf_span(&b);
            judge(r, c, t, "header");
            buf_fini(&b);
        }
        t->headers[h].value = value;
    }
}

static void each_sender(void (*job)(const struct recipe *r, struct recipe_context *c, struct recipe_case *t))
{
    char seen[160] = "";
    struct recipe_context *c;
    struct span object;
    unsigned n = 0;
    ck_assert_int_eq(recipe_context_new(&c), ERR_OK);
    for (struct json_iter it = json_iter(buf_span(&vectors)); json_next_element(&it, &object);) {
        struct recipe_case t;
        struct arena a;
        struct why w;
        char name[160];
        ck_assert(arena_init(&a, 1 << 20));
        ck_assert_int_eq(case_parse(object, 0, &a, &t, &w), ERR_OK);
        snprintf(name, sizeof name, "%s %s %s", t.provider.p, t.scheme.p ? t.scheme.p : "", t.kind.p ? t.kind.p : "");
        if (span_eq_str(t.expect, "accept") && strcmp(seen, name) != 0) {
            struct buf text;
            char path[128];
            snprintf(path, sizeof path, "host/recipe/recipes/%s.json", t.provider.p);
            text = read_source(path);
            struct recipe *r = installed_as(
                t.provider.p, t.scheme.p && recipe_has_variant(buf_span(&text), t.scheme.p) ? t.scheme.p : NULL);
            job(r, c, &t);
            recipe_free(r);
            buf_fini(&text);
            memcpy(seen, name, sizeof seen);
            n++;
        }
        arena_fini(&a);
    }
    recipe_context_free(c);
    ck_assert_uint_gt(n, 90);
}

START_TEST(large_bodies)
{
    each_sender(bodies);
}
END_TEST

START_TEST(long_queries)
{
    each_sender(queries);
}
END_TEST

START_TEST(headers_of_great_length)
{
    each_sender(long_headers);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("large");
    TCase *t = tcase_create("large");
    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, read_vectors, forget_vectors);
    tcase_add_test(t, large_bodies);
    tcase_add_test(t, long_queries);
    tcase_add_test(t, headers_of_great_length);
    suite_add_tcase(s, t);
    return suite_run(s);
}
