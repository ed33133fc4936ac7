/* SPDX-License-Identifier: MIT
 * check_explain: each of the usual mistakes is recognised by its name, and nothing that is secret is ever said, whatever the
 * request.
 */
#include "recipe_kit.h"

#include <sodium.h>

#include "base/codec.h"
#include "recipe/compiled.h"
#include "recipe/explain.h"
#include "recipe/rewrite.h"

#define SECRET "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct recipe_context *context;
static struct arena arena;

static void begin(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(recipe_context_new(&context), ERR_OK);
    ck_assert(arena_init(&arena, 8 << 20));
}

static void end(void)
{
    recipe_context_free(context);
    arena_fini(&arena);
}

/* ---- one request, signed well and then explained with a mistake ---- */

struct story {
    struct bench sender;
    struct keyring_key key;
    struct recipe_request q;
    struct explain_input in;
    struct explanation *x;
};

static void tell(struct story *s, const char *recipe_json, const char *key, const char *encoding, const char *body)
{
    *s = (struct story){0};
    struct recipe *r = compiled(recipe_json);
    bench_init(&s->sender, r, ring_of(r, key, encoding, false));
    s->sender.q.body = span_str(body);
    sign(&s->sender, "msg_1");
    s->key = (struct keyring_key){"k1", encoding, false, span_str(key), 0, INT64_MAX};
    s->q = s->sender.q;
    s->in = (struct explain_input){.recipe = r, .keys = &s->key, .n_keys = 1, .request = &s->q};
}

/* explained: the code of the first finding, or of the verdict where nothing is found. */
static const char *explained(struct story *s)
{
    explain_free(s->x);
    ck_assert_int_eq(explain_new(&s->in, context, &s->x), ERR_OK);
    return s->x->n_findings > 0 ? s->x->findings[0].code : err_code(s->x->e);
}

static void over(struct story *s)
{
    explain_free(s->x);
    forget(&s->sender);
    bench_fini(&s->sender);
}

static bool says(const struct story *s, const char *words)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    explain_print(s->x, &b);
    buf_putc(&b, 0);
    bool is = !b.failed && strstr(b.p, words) != NULL;
    buf_fini(&b);
    return is;
}

#define RECIPE(rest) "{\"recipe\":\"t\",\"signature\":{" rest "},\"key_encoding\":\"utf8\"}"
static const char hex[] = RECIPE(
    "\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\",\"prefix\":\"sha256=\",\"content\":"
    "\"{body}\"");
static const char bare[] =
    RECIPE("\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\",\"content\":\"{body}\"");
static const char sha1[] =
    RECIPE("\"algorithm\":\"hmac-sha1\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\",\"content\":\"{body}\"");
static const char base64[] =
    RECIPE("\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"base64\",\"content\":\"{body}\"");
static const char of_url[] =
    RECIPE("\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\",\"content\":\"{url}{body}\"");
static const char timed[] =
    "{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\","
    "\"content\":"
    "\"{header:X-Time}.{body}\"},\"key_encoding\":\"utf8\",\"timestamp\":{\"from\":\"header:X-Time\",\"format\":\"s\","
    "\"tolerance\":\"5m\"}}";
static const char timed_ms[] =
    "{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\","
    "\"content\":"
    "\"{header:X-Time}.{body}\"},\"key_encoding\":\"utf8\",\"timestamp\":{\"from\":\"header:X-Time\",\"format\":\"ms\","
    "\"tolerance\":\"5m\"}}";

START_TEST(what_is_good_is_said_to_be)
{
    struct story s;
    tell(&s, hex, SECRET, NULL, "{\"a\":1}");
    ck_assert_str_eq(explained(&s), "ok");
    ck_assert_uint_eq(s.x->n_contents, 1);
    ck_assert_uint_eq(s.x->contents[0].bytes, 7);
    ck_assert_str_eq(s.x->contents[0].sha256, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
    ck_assert(says(&s, "accepted: key k1 made the signature"));
    ck_assert(says(&s, "header X-Sig: 71 bytes, begins \"sha2\" (signature)"));
    ck_assert(says(&s, "\"{\\\"a\\\":1}\""));
    ck_assert(says(&s, "key k1: valid, tried"));
    over(&s);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
    struct story s;
    tell(&s, timed, SECRET, NULL, "{}");
    s.q.n_headers = 0;
    ck_assert_str_eq(explained(&s), "signature-missing");
    ck_assert(says(&s, "header X-Sig: not there (signature)"));
    ck_assert(says(&s, "header X-Time: not there"));
    ck_assert(says(&s, "is not where this recipe looks"));
    over(&s);
}
END_TEST

START_TEST(a_header_that_comes_twice_is_refused_as_at_the_door)
{
    struct story s;
    tell(&s, hex, SECRET, NULL, "{}");
    header(&s.sender, strdup("X-Other"), strdup("1"));
    header(&s.sender, strdup("x-other"), strdup("1"));
    s.q = s.sender.q;
    ck_assert_str_eq(err_code((explained(&s), s.x->e)), "malformed-request");
    ck_assert(says(&s, "came twice"));
    over(&s);
}
END_TEST

/* ---- bodies ---- */

static void body_mistake(const char *was, const char *is, const char *code, const char *words)
{
    struct story s;
    tell(&s, hex, SECRET, NULL, was);
    s.q.body = span_str(is);
    ck_assert_msg(strcmp(explained(&s), code) == 0, "'%s' for '%s' is %s, not %s", is, was, explained(&s), code);
    ck_assert_msg(says(&s, words), "%s", s.x->findings[0].text);
    over(&s);
}

START_TEST(bodies_that_were_changed)
{
    body_mistake("{\"a\":1}\n", "{\"a\":1}", "body-newline", "with a line feed");
    body_mistake("{\"a\":1}\r\n", "{\"a\":1}", "body-newline", "with CR LF");
    body_mistake("{\"a\":1}", "{\"a\":1}\n", "body-newline", "without the line end");
    body_mistake("{\"a\":1}", "{\"a\":1}\r\n", "body-newline", "without the line end");
    body_mistake("a", " \n a\n", "body-space", "without the space");
    body_mistake("a\nb\n", "a\r\nb\r\n", "body-line-ends", "with LF");
    body_mistake("a\r\nb\r\n", "a\nb\n", "body-line-ends", "with CR LF");
    body_mistake("\xef\xbb\xbf{}", "{}", "body-mark", "with a byte order mark");
    body_mistake("{}", "\xef\xbb\xbf{}", "body-mark", "without the byte order mark");
    body_mistake("{\"n\":\"J\xc3\xb8rn\"}", "{\"n\":\"J\xf8rn\"}", "body-charset", "as UTF-8");
    body_mistake("{\"n\":\"J\xc3\xb8rn\"}", "{\"n\":\"J\xc3\x83\xc2\xb8rn\"}", "body-charset", "once more");
    body_mistake("", "{\"a\":1}", "body-empty", "signed no body");
    body_mistake("{\"b\":[1,{}],\"a\":\"x/y\"}", "{\n  \"b\": [1, {}],\n  \"a\": \"x/y\"\n}", "body-rewritten",
                 "without spaces");
    body_mistake("{\"b\": [1, {}, []], \"a\": 2}", "{\"b\":[1,{},[]],\"a\":2}", "body-rewritten", "behind each comma");
    body_mistake("{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": 2\n}", "{\"b\":[1,{}],\"a\":2}", "body-rewritten",
                 "two spaces");
    body_mistake("{\n    \"b\": 1,\n    \"a\": 2\n}\n", "{\"b\":1,\"a\":2}", "body-rewritten", "four spaces");
    body_mistake("{\n\t\"b\": 1\n}", "{\"b\":1}", "body-rewritten", "by tabs");
    body_mistake("{\"a\":2,\"b\":1,\"ba\":0}", "{\"b\":1,\"ba\":0,\"a\":2}", "body-rewritten", "sorted by name");
    body_mistake("{\"u\":\"http:\\/\\/x\"}", "{\"u\":\"http://x\"}", "body-rewritten", "with / written as \\/");
    body_mistake("{\"u\":\"http://x\"}", "{\"u\":\"http:\\/\\/x\"}", "body-rewritten", "with \\/ written as /");
    body_mistake("{\"n\":\"J\\u00f8rn \\ud83d\\ude00\"}", "{\"n\":\"J\xc3\xb8rn \xf0\x9f\x98\x80\"}", "body-rewritten",
                 "not ASCII written as \\uXXXX");
    body_mistake("{\"n\":\"J\xc3\xb8rn\"}", "{\"n\": \"J\\u00f8rn\"}", "body-rewritten", "without \\/ and \\uXXXX");
    body_mistake("{\"n\":\"\\u003ca\\u003e\"}", "{\"n\":\"<a>\"}", "body-rewritten", "with <, > and &");
    body_mistake("{\"a\":1}", "{\"a\":2}", "signature-invalid", "None of");
}
END_TEST

/* ---- keys ---- */

static void key_mistake(const char *theirs, const char *their_encoding, const char *ours, const char *encoding,
                        const char *code, const char *words)
{
    struct story s;
    tell(&s, hex, theirs, their_encoding, "{\"a\":1}");
    s.key.raw = span_str(ours);
    s.key.encoding = encoding;
    ck_assert_msg(strcmp(explained(&s), code) == 0, "%s, not %s: %s", explained(&s), code, s.x->findings[0].text);
    ck_assert_msg(says(&s, words), "%s", s.x->findings[0].text);
    over(&s);
}

START_TEST(keys_that_are_read_otherwise)
{
    static const char digits[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    key_mistake(SECRET, NULL, SECRET, "base64", "key-encoding", "read as utf8 instead of base64");
    key_mistake(SECRET, "base64", SECRET, NULL, "key-encoding", "read as base64 instead of utf8");
    key_mistake(digits, "hex", digits, NULL, "key-encoding", "read as hex instead of utf8");
    key_mistake(digits, NULL, digits, "hex", "key-encoding", "read as utf8 instead of hex");
    key_mistake("whsec_" SECRET, "whsec_base64", "whsec_" SECRET, NULL, "key-encoding", "read as whsec_base64");
    key_mistake("whsec_" SECRET, NULL, "whsec_" SECRET, "whsec_base64", "key-encoding", "read as utf8");
    key_mistake(SECRET, NULL, "whsec_" SECRET, NULL, "key-prefix", "without its whsec_");
    key_mistake("whsec_" SECRET, NULL, SECRET, NULL, "key-prefix", "with whsec_ before it");
    key_mistake(SECRET "\n", NULL, SECRET, NULL, "key-newline", "a line feed behind it");
    key_mistake(SECRET, NULL, " " SECRET "\n", NULL, "key-space", "without the space around it");
    key_mistake(SECRET, NULL, "\"" SECRET "\"", NULL, "key-quotes", "without the quotes");
    key_mistake(SECRET, NULL, "not hex at all", "hex", "invalid", "None of");
    key_mistake(SECRET, NULL, "another secret", NULL, "signature-invalid", "None of");
}
END_TEST

START_TEST(keys_of_others_and_of_other_times)
{
    struct story s;
    tell(&s, hex, SECRET, NULL, "{}");
    struct explain_key other = {"shop", {"2026-11", NULL, false, SPAN_LIT(SECRET), 0, INT64_MAX}};
    s.key.raw = SPAN_LIT("what we hold ourselves");
    s.in.others = &other;
    s.in.n_others = 1;
    ck_assert_str_eq(explained(&s), "key-of-another-source");
    ck_assert(says(&s, "Key 2026-11 of source shop"));
    s.in.n_others = 0;
    s.key.raw = SPAN_LIT(SECRET);
    s.key.not_after_ms = NOW_MS - 1;
    ck_assert_str_eq(explained(&s), "key-not-valid-now");
    ck_assert(says(&s, "valid only until 2023-11-14T22:13:19.999Z"));
    ck_assert(says(&s, "key k1: not valid any more"));
    s.key.not_after_ms = INT64_MAX;
    s.key.not_before_ms = NOW_MS + 1000;
    ck_assert_str_eq(explained(&s), "key-not-valid-now");
    ck_assert(says(&s, "valid only from 2023-11-14T22:13:21.000Z"));
    over(&s);
}
END_TEST

/* ---- signatures, recipes, times, addresses ---- */

static void form_mistake(const char *theirs, const char *ours, const char *code, const char *words)
{
    struct story s;
    tell(&s, theirs, SECRET, NULL, "{}");
    struct recipe *r = compiled(ours);
    s.in.recipe = r;
    ck_assert_msg(strcmp(explained(&s), code) == 0, "%s, not %s: %s", explained(&s), code, s.x->findings[0].text);
    ck_assert_msg(says(&s, words), "%s", s.x->findings[0].text);
    over(&s);
    recipe_free(r);
}

START_TEST(signatures_that_are_written_otherwise)
{
    form_mistake(bare, base64, "signature-encoding", "in hex, where the recipe says base64");
    form_mistake(base64, bare, "signature-encoding", "in base64, where the recipe says hex");
    form_mistake(hex, bare, "signature-prefix", "behind 'sha256=', where the recipe says ''");
    form_mistake(bare, hex, "signature-prefix", "behind '', where the recipe says 'sha256='");
    form_mistake(sha1, bare, "algorithm", "by hmac-sha1, where the recipe says hmac-sha256");
    form_mistake(sha1, hex, "algorithm", "behind ''");
    form_mistake(bare, sha1, "algorithm", "by hmac-sha256, where the recipe says hmac-sha1");
}
END_TEST

/* What was signed by HS512 must not be taken for HS256, and that is what is said. */
START_TEST(tokens)
{
    static const char of_jwt[] = "{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"jwt\",\"from\":\"header:X-Sig\","
                                 "\"jwt\":{\"algorithms\":[\"HS%d\"]}},\"key_encoding\":\"utf8\"}";
    struct story s;
    char theirs[256], ours[256];
    snprintf(theirs, sizeof theirs, of_jwt, 512);
    snprintf(ours, sizeof ours, of_jwt, 256);
    tell(&s, theirs, SECRET, NULL, "{}");
    ck_assert_str_eq(explained(&s), "ok");
    ck_assert(says(&s, "token header parameter /alg: 5 bytes: \"HS512\""));
    over(&s);
    form_mistake(theirs, ours, "algorithm", "by HS512, which the recipe does not allow");
}
END_TEST

START_TEST(signatures_of_other_recipes)
{
    struct story s;
    struct recipe *ours = installed("github"), *none = installed("none");
    tell(&s, timed, SECRET, NULL, "{}");
    const struct explain_recipe all[] = {{"none", none}, {"github", ours}, {"acme", s.in.recipe}};
    s.in.recipe = ours;
    s.in.recipes = all;
    s.in.n_recipes = 3;
    ck_assert_str_eq(explained(&s), "another-recipe");
    ck_assert(says(&s, "good by recipe acme"));
    over(&s);
    recipe_free(ours);
    recipe_free(none);
}
END_TEST

START_TEST(times_that_are_off)
{
    struct story s;
    tell(&s, timed, SECRET, NULL, "{}");
    s.q.now_ms += 3600 * 1000;
    ck_assert_str_eq(explained(&s), "time-only");
    ck_assert(says(&s, "3600.000 seconds before this clock"));
    s.q.now_ms -= 2 * 3600 * 1000;
    ck_assert_str_eq(explained(&s), "time-only");
    ck_assert(says(&s, "3600.000 seconds after this clock"));
    over(&s);
    form_mistake(timed_ms, timed, "time-unit", "milliseconds");
    form_mistake(timed, timed_ms, "time-unit", "seconds");
}
END_TEST

START_TEST(addresses_that_are_others)
{
    static const char *const rows[][3] = {
        {"http://h.test/in", "https://h.test/in", ", with http "},
        {"https://h.test/in", "http://h.test/in", ", with https "},
        {"https://h.test/in/", "https://h.test/in", ", with a slash at the end"},
        {"https://h.test/in", "https://h.test/in/", ", without the slash at the end"},
        {"https://h.test:443/in", "https://h.test/in", ", with the port"},
        {"https://h.test/in", "https://h.test:8443/in", ", without the port"},
        {"https://h.test/in", "https://h.test/in?a=1", ", without the query"},
        {"http://h.test/in/", "https://h.test/in", ", with http, with a slash"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct story s;
        *(&s) = (struct story){0};
        struct recipe *r = compiled(of_url);
        bench_init(&s.sender, r, ring_of(r, SECRET, NULL, false));
        s.sender.q.url = span_str(rows[i][0]);
        sign(&s.sender, "m");
        s.key = (struct keyring_key){"k1", NULL, false, SPAN_LIT(SECRET), 0, INT64_MAX};
        s.q = s.sender.q;
        s.q.url = span_str(rows[i][1]);
        s.in = (struct explain_input){.recipe = r, .keys = &s.key, .n_keys = 1, .request = &s.q};
        ck_assert_msg(strcmp(explained(&s), "url") == 0, "%s: %s", rows[i][1], explained(&s));
        ck_assert_msg(says(&s, rows[i][2]), "%s", s.x->findings[0].text);
        over(&s);
    }
}
END_TEST

/* ---- nothing secret is said ---- */

static bool contains(const struct buf *b, const char *p, size_t n)
{
    return n >= 8 && b->n >= n && memmem(b->p, b->n, p, n);
}

/* In any form it could be written in. */
static void never_says(const struct buf *b, struct span bytes, const char *what, const struct recipe_case *t)
{
    char text[8192];
    if (bytes.n < 8 || /* "secret" is one of ours */ bytes.n > sizeof text / 3)
        return;
    ck_assert_msg(!contains(b, bytes.p, bytes.n), "%s/%s: says %s:\n%.*s", t->provider.p, t->name.p, what, (int)b->n,
                  b->p);
    size_t n = hex_encode(bytes.p, bytes.n, text);
    ck_assert_msg(!contains(b, text, n), "%s/%s: says %s in hex", t->provider.p, t->name.p, what);
    n = base64_encode(bytes.p, bytes.n, text);
    while (n > 0 && text[n - 1] == '=')
        n--;
    ck_assert_msg(!contains(b, text, n - n % 4), "%s/%s: says %s in base64", t->provider.p, t->name.p, what);
}

static void never_says_value(const struct buf *b, struct span value, const struct recipe_case *t)
{
    unsigned char bytes[4096];
    size_t n;
    never_says(b, value, "a signature", t);
    for (size_t at = 0; at < value.n; at++) { /* behind each sign that a signature may stand behind */
        if (at > 0 && !strchr("=,: ;|.", value.p[at - 1]))
            continue;
        struct span rest = span_skip(value, at), part = rest;
        for (part.n = 0; part.n < rest.n && !strchr(",;: |", rest.p[part.n]); part.n++)
            ;
        if (part.n < 24 || part.n > sizeof bytes)
            continue;
        never_says(b, part, "a part of a signature", t);
        if (hex_decode(part, bytes, sizeof bytes, &n) == ERR_OK ||
            base64_decode(part, bytes, sizeof bytes, &n) == ERR_OK)
            never_says(b, span_of((char *)bytes, n), "the bytes of a signature", t);
    }
}

static bool is_signature(const struct explanation *x, struct span header)
{
    char name[80];
    snprintf(name, sizeof name, "header %.*s", (int)header.n, header.p);
    for (size_t i = 0; i < x->n_places; i++)
        if (x->places[i].is_signature && strcasecmp(x->places[i].name, name) == 0)
            return true;
    return false;
}

static const struct span no_secrets[] = {SPAN_LIT("spki"), SPAN_LIT("x509"), SPAN_LIT("jwk"), SPAN_LIT("ed25519"),
                                         SPAN_LIT("whpk")};

static bool is_public(const char *encoding)
{
    for (size_t i = 0; encoding && i < sizeof no_secrets / sizeof *no_secrets; i++)
        if (span_starts(span_str(encoding), no_secrets[i]))
            return true;
    return false;
}

static struct recipe *known(const struct recipe_case *t)
{
    char path[160];
    struct buf text;
    struct recipe *r = NULL;
    snprintf(path, sizeof path, TESTS_SRCDIR "/host/recipe/recipes/%s.json", t->provider.p);
    buf_init(&text, 1 << 20);
    if (fs_read(AT_FDCWD, path, &text, NULL) == ERR_OK) {
        const char *variant = t->scheme.p && recipe_has_variant(buf_span(&text), t->scheme.p) ? t->scheme.p : NULL;
        (void)recipe_compile(t->provider.p, buf_span(&text), variant, &r, NULL);
    }
    buf_fini(&text);
    return r;
}

static void search(const struct recipe_case *t, const struct recipe *r, const struct explanation *x, struct buf *b)
{
    unsigned char bytes[4096];
    size_t n;
    const char *encoding = t->key_encoding ? t->key_encoding : recipe_key_encoding(r);
    for (size_t i = 0; i < t->n_keys && !is_public(encoding); i++) {
        struct span text = t->keys[i];
        never_says(b, text, "the secret", t);
        if (span_starts(text, SPAN_LIT("whsec_")))
            text = span_skip(text, 6);
        never_says(b, text, "the secret", t);
        if (hex_decode(text, bytes, sizeof bytes, &n) == ERR_OK ||
            base64_decode(text, bytes, sizeof bytes, &n) == ERR_OK)
            never_says(b, span_of((char *)bytes, n), "the secret's bytes", t);
    }
    for (size_t i = 0; i < t->request.n_headers; i++)
        if (is_signature(x, t->request.headers[i].name))
            never_says_value(b, t->request.headers[i].value, t);
}

static unsigned n_signed;

/* What would have been right is not said either. */
static void search_right(const struct recipe_case *t, const struct recipe *r, const struct explain_input *in,
                         const struct explanation *x, struct buf *b)
{
    struct recipe_signed made;
    struct keyring *ring;
    if (keyring_new(r, in->keys, recipe_is_none(r) ? 0 : in->n_keys, &ring, NULL) != ERR_OK)
        return;
    if (recipe_sign(r, ring, context, in->request, "msg_1", &arena, &made, NULL) == ERR_OK) {
        for (size_t i = 0; i < made.n_headers; i++)
            if (is_signature(x, made.headers[i].name))
                never_says_value(b, made.headers[i].value, t);
        n_signed++;
    }
    keyring_free(ring);
}

static bool explain_case(struct span object, unsigned *refused)
{
    struct recipe_case *t = malloc(sizeof *t);
    struct why w;
    struct explanation *x;
    struct keyring_key keys[CASE_KEYS_MAX];
    struct buf b;
    arena_reset(&arena);
    ck_assert_msg(case_parse(object, 0, &arena, t, &w) == ERR_OK, "%s", w.text);
    struct recipe *r = known(t);
    if (!r) {
        free(t);
        return false;
    }
    for (size_t i = 0; i < t->n_keys; i++)
        keys[i] = (struct keyring_key){"k", t->key_encoding, recipe_takes_public_keys(r), t->keys[i], 0, INT64_MAX};
    const struct explain_input in = {.recipe = r, .keys = keys, .n_keys = t->n_keys, .request = &t->request};
    ck_assert_int_eq(explain_new(&in, context, &x), ERR_OK);
    *refused += x->e != ERR_OK && x->e != ERR_ANSWERED;
    buf_init(&b, 1 << 20);
    explain_print(x, &b);
    search(t, r, x, &b);
    search_right(t, r, &in, x, &b);
    buf_clear(&b);
    explain_json(x, &b);
    struct json_error bad;
    ck_assert_msg(json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad) == ERR_OK, "%s: %.*s", bad.what, (int)b.n, b.p);
    search(t, r, x, &b);
    buf_fini(&b);
    explain_free(x);
    recipe_free(r);
    free(t);
    return true;
}

START_TEST(nothing_secret_is_said_of_any_case)
{
    struct buf text = read_source("tests/vectors/signatures.json");
    struct span object;
    unsigned explained_cases = 0, refused = 0;
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &object);)
        explained_cases += explain_case(object, &refused);
    ck_assert_uint_ge(explained_cases, 50);
    ck_assert_uint_ge(refused, 10);
    ck_assert_uint_ge(n_signed, 50);
    buf_fini(&text);
}
END_TEST

/* A key that stands in the request itself, where it is signed: {secret} and everything around it is left out. */
START_TEST(a_text_that_holds_the_secret_is_not_shown)
{
    struct story s;
    struct buf b;
    tell(&s, hex, SECRET, NULL, "{\"token\":\"" SECRET "\"}");
    ck_assert_str_eq(explained(&s), "ok");
    ck_assert(says(&s, "it holds the secret"));
    buf_init(&b, 1 << 20);
    explain_print(s.x, &b);
    ck_assert(!contains(&b, SECRET, sizeof SECRET - 1));
    buf_fini(&b);
    over(&s);
}
END_TEST

/* ---- writing JSON again ---- */

START_TEST(json_is_the_same_when_it_is_written_twice)
{
    static const char text[] =
        " {\"b\":[1,-2.50e3,true,null,\"a\\u0041\\/\\n\xf0\x9f\x98\x80<&>\\u2028\"],\"a\":{\"\":{},\"z\":[]}} ";
    struct buf once, twice;
    buf_init(&once, 4096);
    buf_init(&twice, 4096);
    for (int layout = 0; layout < LAYOUTS; layout++) {
        for (int escapes = 0; escapes < ESCAPES; escapes++) {
            for (int sorted = 0; sorted < 2; sorted++) {
                struct json_error bad;
                buf_clear(&once);
                buf_clear(&twice);
                ck_assert_int_eq(rewrite_json(span_str(text), (enum rewrite_layout)layout,
                                              (enum rewrite_escapes)escapes, sorted, &once),
                                 ERR_OK);
                ck_assert_int_eq(json_check(buf_span(&once), JSON_LIMITS_DEFAULT, &bad), ERR_OK);
                ck_assert_int_eq(rewrite_json(buf_span(&once), (enum rewrite_layout)layout,
                                              (enum rewrite_escapes)escapes, sorted, &twice),
                                 ERR_OK);
                ck_assert_msg(span_eq(buf_span(&once), buf_span(&twice)), "%.*s", (int)once.n, once.p);
            }
        }
    }
    buf_fini(&once);
    buf_init(&once, 10);
    ck_assert_int_eq(rewrite_json(span_str(text), LAYOUT_COMPACT, ESCAPES_KEPT, false, &once), ERR_NO_ROOM);
    buf_fini(&once);
    buf_fini(&twice);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("explain");
    TCase *t = tcase_create("explain");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, what_is_good_is_said_to_be);
    tcase_add_test(t, what_is_missing_is_said);
    tcase_add_test(t, a_header_that_comes_twice_is_refused_as_at_the_door);
    tcase_add_test(t, bodies_that_were_changed);
    tcase_add_test(t, keys_that_are_read_otherwise);
    tcase_add_test(t, keys_of_others_and_of_other_times);
    tcase_add_test(t, signatures_that_are_written_otherwise);
    tcase_add_test(t, tokens);
    tcase_add_test(t, signatures_of_other_recipes);
    tcase_add_test(t, times_that_are_off);
    tcase_add_test(t, addresses_that_are_others);
    tcase_add_test(t, nothing_secret_is_said_of_any_case);
    tcase_add_test(t, a_text_that_holds_the_secret_is_not_shown);
    tcase_add_test(t, json_is_the_same_when_it_is_written_twice);
    suite_add_tcase(s, t);
    return suite_run(s);
}
