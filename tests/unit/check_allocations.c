/* SPDX-License-Identifier: MIT
 * check_allocations: judging a request takes no memory but the scratch it is given. The published requests are judged
 * twice each; in the second time nobody of ours asks for memory, and OpenSSL only where it verifies RSA and ECDSA. Linked so that calls
 * of ours come here first (see proof.mk); OpenSSL's come by its own hook.
 */
#include "installed_kit.h"

#include <openssl/crypto.h>

#include "recipe/compiled.h"

static _Thread_local unsigned long ours, theirs;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
char *__real_strdup(const char *s);
void *__real_sodium_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
void *__wrap_sodium_malloc(size_t n);

void *__wrap_malloc(size_t n)
{
    ours++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    ours++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    ours++;
    return __real_realloc(p, n);
}

void __wrap_free(void *p)
{
    ours += p != NULL;
    __real_free(p);
}

char *__wrap_strdup(const char *s)
{
    ours++;
    return __real_strdup(s);
}

void *__wrap_sodium_malloc(size_t n)
{
    ours++;
    return __real_sodium_malloc(n);
}

static void *openssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    theirs++;
    return __real_malloc(n);
}

static void *openssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    theirs++;
    return __real_realloc(p, n);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    __real_free(p);
}

struct family_sum {
    enum family family;
    const char *name;
    bool openssl_may; /* allocate */
    unsigned requests;
    unsigned long most;
};

static struct family_sum sums[] = {
    {FAMILY_HMAC, "HMAC", false, 0, 0},       {FAMILY_DIGEST, "digest", false, 0, 0},
    {FAMILY_ED25519, "Ed25519", false, 0, 0}, {FAMILY_TOKEN, "token", false, 0, 0},
    {FAMILY_JWT, "JWT", true, 0, 0},          {FAMILY_PUBLIC, "RSA, ECDSA", true, 0, 0},
};

static struct family_sum *sum_of(const struct recipe *r)
{
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        if (r->algorithm && sums[i].family == r->algorithm->family)
            return &sums[i];
    return NULL; /* a recipe that proves nothing */
}

static struct keyring *ring_of_case(const struct recipe *r, const struct recipe_case *t)
{
    struct keyring_key keys[CASE_KEYS_MAX];
    struct keyring *ring;
    struct why w;
    for (size_t i = 0; i < t->n_keys; i++)
        keys[i] = (struct keyring_key){"k", t->key_encoding, recipe_takes_public_keys(r), t->keys[i], 0, INT64_MAX};
    bool none = recipe_is_none(r) || (t->answer.p && recipe_stores_secret(r));
    ck_assert_msg(keyring_new(r, keys, none ? 0 : t->n_keys, &ring, &w) == ERR_OK, "%s", w.text);
    return ring;
}

/* Twice: what the first request of a kind prepares is kept. */
static void judge_twice(const struct recipe *r, struct recipe_context *c, const struct recipe_case *t, struct arena *a)
{
    struct keyring *ring = ring_of_case(r, t);
    struct recipe_verdict verdict;
    struct recipe_reply reply;
    struct family_sum *sum = sum_of(r);
    enum err first = recipe_judge(r, ring, c, &t->request, true, a, &verdict, &reply);
    ck_assert_msg(first == ERR_OK || first == ERR_ANSWERED, "%s/%s: %s", t->provider.p, t->name.p, verdict.detail);
    arena_reset(a);
    unsigned long ours_before = ours, theirs_before = theirs;
    enum err again = recipe_judge(r, ring, c, &t->request, true, a, &verdict, &reply);
    unsigned long asked = ours - ours_before, openssl = theirs - theirs_before;
    ck_assert_int_eq(first, again);
    ck_assert_msg(asked == 0, "%s/%s: memory is asked for %lu times", t->provider.p, t->name.p, asked);
    if (sum) {
        sum->requests++;
        sum->most = openssl > sum->most ? openssl : sum->most;
        ck_assert_msg(openssl == 0 || sum->openssl_may, "%s/%s: OpenSSL asks for memory %lu times", t->provider.p,
                      t->name.p, openssl);
    }
    keyring_free(ring);
}

static void judge_case(struct span object, struct recipe_context *c, struct arena *a, struct arena *scratch)
{
    static struct recipe_case t;
    struct why w;
    arena_reset(a);
    arena_reset(scratch);
    ck_assert_msg(case_parse(object, 0, a, &t, &w) == ERR_OK, "%s", w.text);
    if (!span_eq_str(t.expect, "accept"))
        return;
    struct buf text = text_of(t.provider.p);
    bool varies = t.scheme.p && recipe_has_variant(buf_span(&text), t.scheme.p);
    buf_fini(&text);
    struct recipe *r = installed_as(t.provider.p, varies ? t.scheme.p : NULL);
    judge_twice(r, c, &t, scratch);
    recipe_free(r);
}

START_TEST(judging_takes_no_memory)
{
    struct buf text = read_source("tests/vectors/signatures.json");
    struct recipe_context *c;
    struct arena a, scratch;
    struct span object;
    ck_assert(arena_init(&a, 1 << 20) && arena_init(&scratch, 1 << 20));
    ck_assert_int_eq(recipe_context_new(&c), ERR_OK);
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &object);)
        judge_case(object, c, &a, &scratch);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        printf("%-10s %4u requests: ours asks 0 times, OpenSSL at most %lu times\n", sums[i].name, sums[i].requests,
               sums[i].most);
        ck_assert_uint_gt(sums[i].requests, 0);
    }
    fflush(stdout);
    recipe_context_free(c);
    arena_fini(&scratch);
    arena_fini(&a);
    buf_fini(&text);
}
END_TEST

START_TEST(memory_that_is_asked_for_is_seen)
{
    unsigned long before = ours;
    struct recipe *r = installed("github");
    recipe_free(r);
    ck_assert_uint_gt(ours, before);
    before = theirs;
    struct recipe_context *c;
    ck_assert_int_eq(recipe_context_new(&c), ERR_OK);
    recipe_context_free(c);
    ck_assert_uint_gt(theirs, before);
}
END_TEST

int main(void)
{
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return EXIT_FAILURE;
    Suite *s = suite_create("allocations");
    TCase *t = tcase_create("allocations");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, memory_that_is_asked_for_is_seen);
    tcase_add_test(t, judging_takes_no_memory);
    suite_add_tcase(s, t);
    return suite_run(s);
}
