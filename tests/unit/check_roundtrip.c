/* SPDX-License-Identifier: MIT
 * check_roundtrip: what every installed recipe signs, it verifies; of what is signed no byte can be changed, no header be
 * left out or come twice with another value, no time pass; and what a recipe says that it does not protect is true.
 */
#include "installed_kit.h"
#include "recipe/compiled.h"

static unsigned samples, changes;

static void taken(struct bench *b, const char *name, const char *variant)
{
    enum err e = verify(b);
    ck_assert_msg(e == ERR_OK, "%s %s: refused: %s", name, variant, b->verdict.detail);
}

static void refused(struct bench *b, const char *name, const char *variant, const char *what, struct span is)
{
    ck_assert_msg(verify(b) != ERR_OK, "%s %s takes another %s: '%.*s'", name, variant, what, (int)is.n, is.p);
    changes++;
}

/* Another byte that looks alike: not the same letter in the other case, which hexadecimal digits do not tell apart. */
static char other_byte(char c)
{
    static const char *const kinds[] = {"0123456789", "abcdef", "ABCDEF", "ghijklmnopqrstuvwxyz",
                                        "GHIJKLMNOPQRSTUVWXYZ"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *at = c ? strchr(kinds[i], c) : NULL;
        if (at)
            return at[1] ? at[1] : kinds[i][0];
    }
    return 'x';
}

/* Each byte of *what changed in turn; all of these must be refused. */
static void no_byte_changes(struct bench *b, struct span *what, const char *name, const char *variant,
                            const char *called)
{
    struct span was = *what;
    char *copy = malloc(was.n + 1);
    for (size_t i = 0; i < was.n; i++) {
        memcpy(copy, was.p, was.n);
        copy[i] = other_byte(copy[i]);
        *what = span_of(copy, was.n);
        refused(b, name, variant, called, *what);
    }
    *what = was;
    free(copy);
}

static void no_end_moves(struct bench *b, struct span *what, const char *name, const char *variant, const char *called)
{
    struct span was = *what;
    char *longer = malloc(was.n + 2);
    memcpy(longer, was.p, was.n);
    longer[was.n] = longer[was.n + 1] = 'x';
    *what = span_of(longer, was.n + 1);
    refused(b, name, variant, called, *what);
    *what = span_of(longer, was.n - 1);
    refused(b, name, variant, called, *what);
    *what = span_of(longer, 0);
    refused(b, name, variant, called, *what);
    *what = was;
    free(longer);
}

static bool holds(const struct recipe *r, enum ref_kind kind, int slot)
{
    for (size_t i = 0; i < r->signature.n_contents; i++)
        for (size_t k = 0; k < r->signature.contents[i].n; k++)
            if (r->signature.contents[i].pieces[k].kind == kind && r->signature.contents[i].pieces[k].slot == slot)
                return true;
    return false;
}

static bool in_content(const struct recipe *r, int slot)
{
    return holds(r, REF_HEADER, slot);
}

static int slot_of(const struct recipe *r, struct span name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (r->headers[i].family ? name.n > r->headers[i].name.n &&
                                       span_eq_nocase(span_of(name.p, r->headers[i].name.n), r->headers[i].name)
                                 : span_eq_nocase(name, r->headers[i].name))
            return (int)i;
    return -1;
}

static bool is_signature(const struct recipe *r, struct span name)
{
    int slot = slot_of(r, name);
    return slot >= 0 && r->headers[slot].signature;
}

static bool is_proof(const struct recipe *r, struct span name)
{
    int slot = slot_of(r, name);
    return slot >= 0 && (r->headers[slot].signature || in_content(r, slot));
}

static void headers_are_protected(struct bench *b, const char *name, const char *variant)
{
    for (size_t i = 0; i < b->q.n_headers; i++) {
        struct recipe_header was = b->headers[i];
        if (!is_proof(b->r, was.name))
            continue;
        no_byte_changes(b, &b->headers[i].value, name, variant, was.name.p);
        no_end_moves(b, &b->headers[i].value, name, variant, was.name.p);
        b->headers[i].name = SPAN_LIT("X-Unknown");
        refused(b, name, variant, was.name.p, SPAN_LIT("(none)"));
        b->headers[i] = was;
    }
}

static void body_is_protected(struct bench *b, const char *name, const char *variant)
{
    if (recipe_gaps(b->r).body) {
        struct span was = b->q.body;
        b->q.body = SPAN_LIT("{\"type\":\"b\",\"webhookTimestamp\":1700000000000}");
        taken(b, name, variant);
        b->q.body = was;
        return;
    }
    no_byte_changes(b, &b->q.body, name, variant, "body");
    no_end_moves(b, &b->q.body, name, variant, "body");
}

static void url_is_protected(struct bench *b, const char *name, const char *variant)
{
    struct span was = b->q.url;
    if (!recipe_needs_url(b->r))
        return;
    b->q.url = SPAN_LIT("https://hooks.example.test/io?bodySHA256=" BODY_SHA256);
    refused(b, name, variant, "url", b->q.url);
    b->q.url = SPAN_LIT("https://hooks.example.tesu/in?bodySHA256=" BODY_SHA256);
    if (holds(b->r, REF_URL, 0)) /* of the path alone the host is no part */
        refused(b, name, variant, "url", b->q.url);
    b->q.url = was;
}

/* A token without a recipe's limit lives as long as it says. */
enum { TOKEN_LIVES_MS = 60000, LEEWAY_MAX_MS = 30000 };

static void time_is_protected(struct bench *b, const char *name, const char *variant)
{
    int64_t was = b->q.now_ms, tolerance = recipe_tolerance_ms(b->r);
    int64_t last = tolerance < 0 ? TOKEN_LIVES_MS - 1 : tolerance;
    if (recipe_gaps(b->r).time) {
        b->q.now_ms += INT64_C(400) * 86400 * 1000;
        taken(b, name, variant);
    } else {
        b->q.now_ms += last + (tolerance < 0 ? LEEWAY_MAX_MS : 0) + 1000;
        refused(b, name, variant, "time", SPAN_LIT("later"));
        b->q.now_ms = was + last;
        taken(b, name, variant);
    }
    b->q.now_ms = was;
}

/* Other keys of the same kind. */
static void key_is_needed(struct bench *b, const char *name, const char *variant)
{
    static const char *const other_keys[] = {"another secret",
                                             "0123456789abcdef0123456789abcdef01234567",
                                             "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                             "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                                             "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
                                             "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="};
    struct keyring *was = b->k;
    bool tried = false;
    for (size_t i = 0; i < sizeof other_keys / sizeof *other_keys; i++) {
        const struct keyring_key in = {"k2", NULL,     recipe_takes_public_keys(b->r), span_str(other_keys[i]),
                                       0,    INT64_MAX};
        struct why w;
        if (keyring_new(b->r, &in, 1, &b->k, &w) != ERR_OK)
            continue;
        refused(b, name, variant, "key", span_str(other_keys[i]));
        keyring_free(b->k);
        tried = true;
    }
    b->k = was;
    ck_assert_msg(tried, "%s %s takes no other key", name, variant);
}

/* What the recipe has nothing to do with may be anything. */
static void the_rest_is_free(struct bench *b, const char *name, const char *variant)
{
    header(b, "X-Request-Start", "t=1");
    taken(b, name, variant);
    b->q.n_headers--;
    b->q.path_rest = SPAN_LIT("a/b");
    taken(b, name, variant);
    b->q.path_rest = SPAN_NONE;
}

/* A header that is signed says one thing. */
static void no_header_comes_twice(struct bench *b, const char *name, const char *variant)
{
    for (size_t i = 0, n = b->q.n_headers; i < n; i++) {
        if (!is_proof(b->r, b->headers[i].name) || recipe_may_repeat(b->r, b->headers[i].name))
            continue;
        header(b, b->headers[i].name.p, "x");
        if (!is_signature(
                b->r, b->headers[i].name)) /* of signatures one that is good is enough; at the door it is one header */
            refused(b, name, variant, b->headers[i].name.p, SPAN_LIT("two of them"));
        b->q.n_headers--;
    }
}

static void round_trip(const char *name, const char *variant, struct recipe *r)
{
    struct bench b;
    if (sample_init(&b, name, variant, r)) {
        samples++;
        taken(&b, name, variant);
        headers_are_protected(&b, name, variant);
        body_is_protected(&b, name, variant);
        url_is_protected(&b, name, variant);
        no_header_comes_twice(&b, name, variant);
        time_is_protected(&b, name, variant);
        key_is_needed(&b, name, variant);
        the_rest_is_free(&b, name, variant);
        taken(&b, name, variant);
    }
    sample_fini(&b);
}

START_TEST(no_signed_byte_can_be_changed)
{
    each_recipe(round_trip);
    printf("%u recipes and variants, %u changes refused\n", samples, changes);
    fflush(stdout);
    ck_assert_uint_ge(samples, 85);
}
END_TEST

/* ---- the published requests: also those that nobody here can sign ---- */

struct published {
    struct recipe *r;
    struct recipe_context *c;
    struct recipe_case t;
    struct arena a, scratch;
};

static enum err judge(struct published *p)
{
    struct recipe_verdict verdict;
    struct recipe_reply reply;
    arena_reset(&p->scratch);
    return case_judge(p->r, p->c, &p->t, &p->scratch, &verdict, &reply);
}

/* Long ones at both ends. */
static void no_published_byte_changes(struct published *p, struct span *what, const char *called)
{
    enum { ENDS = 150 };
    struct span was = *what;
    char *copy = malloc(was.n + 1);
    for (size_t i = 0; i<was.n; i += was.n> 2 * ENDS && i == ENDS ? was.n - 2 * ENDS : 1) {
        memcpy(copy, was.p, was.n);
        copy[i] = other_byte(copy[i]);
        *what = span_of(copy, was.n);
        enum err e = judge(p);
        ck_assert_msg(e != ERR_OK && e != ERR_ANSWERED, "%s/%s takes another %s, byte %zu of '%.*s'", p->t.provider.p,
                      p->t.name.p, called, i, (int)was.n, was.p);
        changes++;
    }
    *what = was;
    free(copy);
}

/* Signatures in lists may hold some that do not count; tokens and those of public keys come alone. */
static bool comes_alone(const struct recipe *r)
{
    return r->algorithm->family & (FAMILY_TOKEN | FAMILY_JWT | FAMILY_PUBLIC) && !r->signature.list;
}

static void published_request(struct published *p, struct span object)
{
    struct why w;
    arena_reset(&p->a);
    ck_assert_msg(case_parse(object, 0, &p->a, &p->t, &w) == ERR_OK, "%s", w.text);
    if (!span_eq_str(p->t.expect, "accept") || p->t.kind.p)
        return;
    struct buf text = text_of(p->t.provider.p);
    bool varies = p->t.scheme.p && recipe_has_variant(buf_span(&text), p->t.scheme.p);
    buf_fini(&text);
    p->r = installed_as(p->t.provider.p, varies ? p->t.scheme.p : NULL);
    if (!recipe_is_none(p->r)) {
        enum err e = judge(p);
        ck_assert_msg(e == ERR_OK || e == ERR_ANSWERED, "%s/%s is refused", p->t.provider.p, p->t.name.p);
        samples++;
        if (!recipe_gaps(p->r).body)
            no_published_byte_changes(p, &p->t.request.body, "body");
        for (size_t i = 0; comes_alone(p->r) && i < p->t.request.n_headers; i++)
            if (is_signature(p->r, p->t.headers[i].name))
                no_published_byte_changes(p, &p->t.headers[i].value, p->t.headers[i].name.p);
    }
    recipe_free(p->r);
}

START_TEST(no_byte_of_a_published_request_can_be_changed)
{
    struct buf text = read_source("tests/vectors/signatures.json");
    struct published *p = calloc(1, sizeof *p);
    struct span object;
    ck_assert(p && arena_init(&p->a, 1 << 20) && arena_init(&p->scratch, 1 << 20));
    ck_assert_int_eq(recipe_context_new(&p->c), ERR_OK);
    samples = changes = 0;
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &object);)
        published_request(p, object);
    printf("%u published requests, %u changes refused\n", samples, changes);
    fflush(stdout);
    ck_assert_uint_ge(samples, 120);
    recipe_context_free(p->c);
    arena_fini(&p->scratch);
    arena_fini(&p->a);
    free(p);
    buf_fini(&text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("roundtrip");
    TCase *t = tcase_create("roundtrip");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, read_names, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, no_signed_byte_can_be_changed);
    tcase_add_test(t, no_byte_of_a_published_request_can_be_changed);
    suite_add_tcase(s, t);
    return suite_run(s);
}
