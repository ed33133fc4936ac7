/* SPDX-License-Identifier: MIT
 * check_verify: requests against recipes: header grammar, times, live keys, signing, and what mutated requests do to
 * all of it.
 */
#include "recipe_kit.h"

#include <pthread.h>

/* The seed is that of RFC 8032 section 7.1, TEST 1. */
static const struct {
    const char *recipe, *key;
} signers[] = {
    {"standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    {"standard-webhooks-v1a", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="},
    {"github", "It's a Secret to Everybody"},
    {"stripe", "whsec_test_secret"},
};

START_TEST(what_is_signed_verifies)
{
    struct bench b;
    struct recipe *r = installed(signers[_i].recipe);
    bench_init(&b, r, ring_of(r, signers[_i].key, NULL, false));
    sign(&b, "msg_1");
    ck_assert_msg(verify(&b) == ERR_OK, "%s: %s", signers[_i].recipe, b.verdict.detail);
    ck_assert_str_eq(b.verdict.key_id, "k1");
    ck_assert_int_eq(b.verdict.signed_at_ms, recipe_tolerance_ms(r) < 0 ? 0 : NOW_MS);
    b.q.body = SPAN_LIT("{\"type\":\"b\"}");
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    ck_assert_str_eq(b.verdict.detail, "no key of this source made this signature");
    b.q.n_headers--;
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_MISSING);
    b.q.n_headers++;
    forget(&b);
    bench_fini(&b);
}
END_TEST

START_TEST(ed25519_keys_in_all_forms)
{
    /* RFC 8032 section 7.1, TEST 1 */
    static const struct {
        const char *encoding, *text;
    } keys[] = {
        {NULL, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"whpk_base64", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"ed25519-hex", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\r\n"},
        {"ed25519-base64", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"spki-base64", "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"spki-pem",
         "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC "
         "KEY-----\n"},
    };
    struct bench signer, b;
    struct recipe *r = installed("standard-webhooks-v1a");
    bench_init(&signer, r,
               ring_of(r, "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==",
                       NULL, false));
    sign(&signer, "msg_1");
    r = installed("standard-webhooks-v1a");
    bench_init(&b, r, ring_of(r, keys[_i].text, keys[_i].encoding, true));
    signer.k = (keyring_free(signer.k), NULL);
    b.q = signer.q;
    ck_assert_msg(verify(&b) == ERR_OK, "%s: %s", keys[_i].text, b.verdict.detail);
    forget(&signer);
    bench_fini(&b);
    bench_fini(&signer);
}
END_TEST

START_TEST(keys_live_between_their_dates)
{
    struct bench b;
    struct why w;
    struct recipe *r = installed("github");
    const struct keyring_key keys[] = {
        {"old", NULL, false, SPAN_LIT("old secret"), 0, NOW_MS - 1},
        {"next", NULL, false, SPAN_LIT("next secret"), NOW_MS, NOW_MS + 1000},
        {"last", NULL, false, SPAN_LIT("last secret"), NOW_MS + 1000, INT64_MAX},
    };
    struct keyring *k;
    ck_assert_int_eq(keyring_new(r, keys, 3, &k, &w), ERR_OK);
    bench_init(&b, r, k);
    sign(&b, "1");
    ck_assert_int_eq(verify(&b), ERR_OK);
    ck_assert_str_eq(b.verdict.key_id, "next");
    b.q.now_ms = NOW_MS + 1000;
    ck_assert_int_eq(verify(&b), ERR_OK);
    b.q.now_ms = NOW_MS + 1001;
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    b.q.now_ms = NOW_MS - 1;
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    forget(&b);
    bench_fini(&b);
}
END_TEST

START_TEST(a_full_context_goes_on)
{
    enum { RINGS = 1500 };
    struct bench b;
    struct recipe *r = installed("github");
    struct keyring **rings = calloc(RINGS, sizeof *rings);
    bench_init(&b, r, ring_of(r, "the secret", NULL, false));
    sign(&b, "1");
    for (size_t i = 0; i < RINGS; i++) {
        struct recipe_verdict verdict;
        const struct keyring_key key = {"x", NULL, false, SPAN_LIT("other"), 0, INT64_MAX};
        struct why w;
        ck_assert_int_eq(keyring_new(r, &key, 1, &rings[i], &w), ERR_OK);
        ck_assert_int_eq(recipe_verify(r, rings[i], b.c, &b.q, &b.a, &verdict), ERR_SIGNATURE_INVALID);
        keyring_free(rings[i]);
    }
    ck_assert_int_eq(verify(&b), ERR_OK);
    free(rings);
    forget(&b);
    bench_fini(&b);
}
END_TEST

static void *verify_often(void *arg)
{
    const struct bench *shared = arg;
    struct bench mine = *shared;
    bool good = recipe_context_new(&mine.c) == ERR_OK && arena_init(&mine.a, 65536);
    mine.q.headers = mine.headers;
    for (int i = 0; good && i < 200; i++)
        good = verify(&mine) == ERR_OK;
    recipe_context_free(mine.c);
    arena_fini(&mine.a);
    return good ? arg : NULL;
}

START_TEST(threads_share_keys)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct bench b;
    struct recipe *r = installed(signers[_i].recipe);
    bench_init(&b, r, ring_of(r, signers[_i].key, NULL, false));
    sign(&b, "msg_1");
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, verify_often, &b), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *good;
        ck_assert_int_eq(pthread_join(threads[i], &good), 0);
        ck_assert_ptr_nonnull(good);
    }
    forget(&b);
    bench_fini(&b);
}
END_TEST

/* A Standard Webhooks request whose signature is published. */
static struct bench standard(void)
{
    struct bench b;
    struct recipe *r = installed("standard-webhooks");
    bench_init(&b, r, ring_of(r, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL, false));
    b.q.body = SPAN_LIT("{\"test\": 2432232314}");
    b.q.now_ms = INT64_C(1614265330000);
    return b;
}
#define SW_ID "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SW_TIME "webhook-timestamp", "1614265330"
#define SW_GOOD "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define SW_BAD "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const struct {
    const char *signature, *second;
    enum err verdict;
} signature_headers[] = {
    {SW_GOOD, NULL, ERR_OK},
    {"  " SW_GOOD "\t", NULL, ERR_OK},
    {SW_BAD " " SW_GOOD, NULL, ERR_OK},
    {"v1, v1a,x  v2,y nonsense , ,, " SW_GOOD, NULL, ERR_OK},
    {SW_BAD, SW_GOOD, ERR_OK},
    {SW_BAD ", " SW_GOOD, NULL, ERR_OK}, /* as a web server joins two lines */
    {SW_GOOD ", " SW_BAD, NULL, ERR_OK},
    {SW_GOOD ",", NULL, ERR_SIGNATURE_INVALID},
    {"V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", NULL, ERR_SIGNATURE_INVALID},
    {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", NULL, ERR_SIGNATURE_INVALID},  /* padding cut */
    {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", NULL, ERR_SIGNATURE_INVALID}, /* other unused bits */
    {"v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=", NULL, ERR_SIGNATURE_INVALID}, /* the other alphabet */
    {SW_BAD, NULL, ERR_SIGNATURE_INVALID},
    {"", NULL, ERR_SIGNATURE_MISSING},
    {"", SW_GOOD, ERR_OK},
    {SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_GOOD, NULL, ERR_OK},
    {SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_BAD " " SW_GOOD, NULL, ERR_OK},
};

START_TEST(signature_headers_are_taken_apart)
{
    struct bench b = standard();
    b.q.headers = b.headers;
    header(&b, SW_ID);
    header(&b, SW_TIME);
    header(&b, "webhook-signature", signature_headers[_i].signature);
    if (signature_headers[_i].second)
        header(&b, "Webhook-Signature", signature_headers[_i].second);
    enum err e = verify(&b);
    ck_assert_msg(e == signature_headers[_i].verdict, "'%s': %s %s", signature_headers[_i].signature, err_code(e),
                  b.verdict.detail);
    ck_assert_int_eq(e == ERR_OK, b.verdict.detail[0] == 0);
    bench_fini(&b);
}
END_TEST

START_TEST(ambiguous_headers_are_refused)
{
    struct bench b = standard();
    b.q.headers = b.headers;
    header(&b, SW_ID);
    header(&b, SW_TIME);
    header(&b, "webhook-signature", SW_GOOD);
    header(&b, SW_TIME);
    ck_assert_int_eq(verify(&b), ERR_OK);
    header(&b, "Webhook-Timestamp", "1614265331");
    ck_assert_int_eq(verify(&b), ERR_MALFORMED_REQUEST);
    ck_assert_ptr_nonnull(strstr(b.verdict.detail, "webhook-timestamp"));
    bench_fini(&b);
}
END_TEST

static const struct {
    const char *text;
    int64_t now_s;
    enum err verdict;
} standard_times[] = {
    {"1614265330", 1614265330, ERR_SIGNATURE_INVALID}, /* near, but signed by nobody: the times below fail before */
    {"1614265330", 1614265630, ERR_SIGNATURE_INVALID},
    {"1614265330", 1614265631, ERR_TIMESTAMP_OUT_OF_TOLERANCE},
    {"1614265330", 1614265030, ERR_SIGNATURE_INVALID},
    {"1614265330", 1614265029, ERR_TIMESTAMP_OUT_OF_TOLERANCE},
    {"0", 1614265330, ERR_TIMESTAMP_OUT_OF_TOLERANCE},
    {"253402300799", 1614265330, ERR_TIMESTAMP_OUT_OF_TOLERANCE},
    {"253402300800", 1614265330, ERR_SIGNATURE_INVALID},
    {"18446744073709551616", 1614265330, ERR_SIGNATURE_INVALID},
    {"99999999999999999999999999999999999999999999999999", 1614265330, ERR_SIGNATURE_INVALID},
    {"-1614265330", 1614265330, ERR_SIGNATURE_INVALID},
    {"1614265330.0", 1614265330, ERR_SIGNATURE_INVALID},
    {"1614265330 ", 1614265330, ERR_SIGNATURE_INVALID},
    {"1614265330, 1614265330", 1614265330, ERR_SIGNATURE_INVALID},
    {"1e9", 1614265330, ERR_SIGNATURE_INVALID},
    {"\xd9\xa1", 1614265330, ERR_SIGNATURE_INVALID},
    {"", 1614265330, ERR_SIGNATURE_INVALID},
};

START_TEST(times_are_digits_and_near)
{
    struct bench b = standard();
    b.q.headers = b.headers;
    b.q.now_ms = standard_times[_i].now_s * 1000 + 999; /* parts of a second do not count */
    header(&b, SW_ID);
    header(&b, "webhook-timestamp", standard_times[_i].text);
    header(&b, "webhook-signature", SW_BAD);
    enum err e = verify(&b);
    ck_assert_msg(e == standard_times[_i].verdict, "'%s': %s %s", standard_times[_i].text, err_code(e),
                  b.verdict.detail);
    if (e == ERR_TIMESTAMP_OUT_OF_TOLERANCE) { /* the difference that was looked at */
        char told[80];
        long long age = standard_times[_i].now_s - atoll(standard_times[_i].text);
        snprintf(told, sizeof told, "signed %lld seconds %s this receiver's clock", llabs(age), age > 0 ? "before" : "after");
        ck_assert_str_eq(b.verdict.detail, told);
    } else {
        ck_assert_ptr_null(strstr(b.verdict.detail, "this receiver's clock"));
    }
    bench_fini(&b);
}
END_TEST

START_TEST(a_source_sets_its_own_tolerance)
{
    struct bench b = standard();
    b.q.headers = b.headers;
    header(&b, SW_ID);
    header(&b, SW_TIME);
    header(&b, "webhook-signature", SW_GOOD);
    b.q.now_ms += 3600 * 1000;
    ck_assert_int_eq(verify(&b), ERR_TIMESTAMP_OUT_OF_TOLERANCE);
    b.q.tolerance_ms = 3600 * 1000;
    ck_assert_int_eq(verify(&b), ERR_OK);
    b.q.now_ms -= 7200 * 1000;
    ck_assert_int_eq(verify(&b), ERR_OK);
    bench_fini(&b);
}
END_TEST

static const struct {
    const char *header;
    int64_t later_s;
    enum err verdict;
} stripe_headers[] = {
#define GOOD "v1=3bfab77baf5f7b6991a46c9b53b6547d7afc56148b10468fcad9f35c1992ffbd"
    {"t=1700000000," GOOD, 0, ERR_OK},
    {"t=1700000000, " GOOD ", t=1700000000", 0, ERR_OK},
    {GOOD ",t=1700000000", 0, ERR_OK},
    {"t=1700000000," GOOD, 300, ERR_OK},
    {"t=1700000000," GOOD, -100000, ERR_OK}, /* a time ahead of ours is signed all the same */
    {"t=1700000000," GOOD, 301, ERR_TIMESTAMP_OUT_OF_TOLERANCE},
    {"t=1700000000,t=1700000001," GOOD, 0, ERR_SIGNATURE_INVALID},
    {"t=1700000001,t=1700000000," GOOD, 0, ERR_SIGNATURE_INVALID},
    {"t=,t=1700000000," GOOD, 0, ERR_SIGNATURE_INVALID},
    {"t=01700000000," GOOD, 0, ERR_SIGNATURE_INVALID}, /* signed as it is written */
    {"T=1700000000," GOOD, 0, ERR_SIGNATURE_INVALID},
    {GOOD, 0, ERR_SIGNATURE_INVALID},
    {"t=1700000000", 0, ERR_SIGNATURE_INVALID},
    {",,=,==,t=1700000000,," GOOD "=", 0, ERR_SIGNATURE_INVALID},
    {",,=,==,t=1700000000,," GOOD, 0, ERR_OK},
};

START_TEST(stripe_headers_are_taken_apart)
{
    struct bench b;
    struct recipe *r = installed("stripe");
    bench_init(&b, r, ring_of(r, "whsec_test_secret", NULL, false));
    b.q.body = SPAN_LIT("{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\",\n  \"data\": { \"object\": { "
                        "\"id\": \"rdr_123\", \"object\": "
                        "\"terminal.reader\" } }\n}");
    b.q.now_ms = NOW_MS + stripe_headers[_i].later_s * 1000;
    header(&b, "Stripe-Signature", stripe_headers[_i].header);
    enum err e = verify(&b);
    ck_assert_msg(e == stripe_headers[_i].verdict, "'%s': %s %s", stripe_headers[_i].header, err_code(e),
                  b.verdict.detail);
    bench_fini(&b);
}
END_TEST

#define DIGEST "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e"
static const struct {
    const char *header, *reason; /* NULL: good */
} github_headers[] = {
    {"sha256=" DIGEST "17", NULL},
    {" sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17 ", NULL},
    {"SHA256=" DIGEST "17", "no usable signature"},
    {"sha512=" DIGEST "17", "no usable signature"},
    {DIGEST "17", "no usable signature"},
    {"sha256=" DIGEST, "no usable signature"},
    {"sha256=" DIGEST "1", "no usable signature"},
    {"sha256=" DIGEST "1700", "no usable signature"},
    {"sha256=", "no usable signature"},
    {"sha256= " DIGEST "17", "no usable signature"},
    {"sha256=" DIGEST "17, sha256=" DIGEST "17", "no usable signature"},
    {"sha256=" DIGEST "18", "no key of this source"},
};

START_TEST(github_headers_are_exact)
{
    struct bench b;
    struct recipe *r = installed("github");
    bench_init(&b, r, ring_of(r, "It's a Secret to Everybody", NULL, false));
    b.q.body = SPAN_LIT("Hello, World!");
    header(&b, "x-hub-signature-256", github_headers[_i].header);
    const char *reason = github_headers[_i].reason;
    enum err e = verify(&b);
    ck_assert_msg(e == (reason ? ERR_SIGNATURE_INVALID : ERR_OK), "'%s': %s", github_headers[_i].header,
                  b.verdict.detail);
    ck_assert_msg(!reason || strstr(b.verdict.detail, reason), "'%s': %s", github_headers[_i].header, b.verdict.detail);
    bench_fini(&b);
}
END_TEST

START_TEST(ids_have_a_greatest_length)
{
    struct bench b = standard();
    char id[258];
    memset(id, 'i', sizeof id);
    id[256] = 0;
    b.q.headers = b.headers;
    sign(&b, id);
    ck_assert_int_eq(verify(&b), ERR_OK);
    id[256] = 'i';
    id[257] = 0;
    struct span was = b.headers[0].value;
    b.headers[0].value = span_str(id);
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    ck_assert_str_eq(b.verdict.detail, "header webhook-id is too long");
    b.headers[0].value = was;
    forget(&b);
    bench_fini(&b);
}
END_TEST

START_TEST(every_knob_round_trips)
{
    static const char *const recipes[] = {
        "{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha1\",\"from\":[\"header:A\",\"header:B\"],"
        "\"encoding\":\"base64url\",\"content\":"
        "\"{{{method} "
        "{url}\\n{header:X-Time}|{body}\"},\"key_encoding\":\"base64\",\"timestamp\":{\"from\":\"header:X-Time\","
        "\"format\":"
        "\"rfc3339\",\"tolerance\":\"5s\"}}",
        "{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha512\",\"from\":\"header:A\",\"list\":\";\",\"pair\":"
        "\"=\",\"key\":\"h1\",\"prefix\":"
        "\"p:\",\"encoding\":\"base64\",\"content\":\"{field:ts}:{body}:{field:ts}\"},\"key_encoding\":\"base64\","
        "\"timestamp\":{\"from\":"
        "\"field:ts\",\"format\":\"ms\",\"tolerance\":\"5s\",\"future\":\"0\"}}",
        "{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"ed25519\",\"from\":\"header:A\",\"encoding\":\"hex\","
        "\"content\":\"{body}\"},"
        "\"key_encoding\":\"ed25519-base64\",\"defaults\":{\"event_id\":[\"json:/id\",\"header:X-Id\"]}}",
    };
    struct bench b;
    struct recipe *r = compiled(recipes[_i]);
    bench_init(&b, r, ring_of(r, "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", NULL, false));
    sign(&b, "1");
    ck_assert_msg(verify(&b) == ERR_OK, "%d: %s", _i, b.verdict.detail);
    b.q.now_ms -= 1;
    ck_assert_int_eq(verify(&b), _i == 1 ? ERR_TIMESTAMP_OUT_OF_TOLERANCE : ERR_OK);
    b.q.now_ms += 5002;
    ck_assert_int_eq(verify(&b), _i == 2 ? ERR_OK : ERR_TIMESTAMP_OUT_OF_TOLERANCE);
    forget(&b);
    bench_fini(&b);
}
END_TEST

START_TEST(signing_says_what_it_cannot)
{
    struct why w;
    struct bench b = standard();
    b.q.headers = b.headers;
    ck_assert_int_eq(try_sign(&b, "a.b", &w), ERR_INVALID);
    ck_assert_int_eq(try_sign(&b, NULL, &w), ERR_UNSUPPORTED);
    size_t cap = b.made.cap;
    b.made.cap = b.made.n + 64;
    ck_assert_int_eq(try_sign(&b, "a", &w), ERR_NO_ROOM);
    b.made.cap = cap;
    header(&b, strdup("Webhook-Id"), strdup("given"));
    ck_assert_int_eq(try_sign(&b, "a", &w), ERR_OK);
    ck_assert_uint_eq(b.q.n_headers, 3);
    forget(&b);
    bench_fini(&b);
    struct recipe *r = installed("standard-webhooks-v1a");
    bench_init(&b, r, ring_of(r, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", NULL, true));
    ck_assert_int_eq(try_sign(&b, "a", &w), ERR_UNSUPPORTED);
    bench_fini(&b);
}
END_TEST

START_TEST(a_full_arena_is_an_answer)
{
    struct bench b;
    struct recipe *r = installed("standard-webhooks-v1a");
    bench_init(&b, r, ring_of(r, "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", NULL, false));
    sign(&b, "1");
    arena_fini(&b.a);
    ck_assert(arena_init(&b.a, 16));
    ck_assert_int_eq(verify(&b), ERR_BODY_TOO_LARGE);
    forget(&b);
    bench_fini(&b);
}
END_TEST

START_TEST(mutated_requests_are_answered)
{
    enum { CAP = 4096 };
    uint32_t seed = 42;
    struct bench b;
    struct recipe *r = installed(signers[_i].recipe);
    bench_init(&b, r, ring_of(r, signers[_i].key, NULL, false));
    sign(&b, "msg_1");
    for (int round = 0, rounds = suite_rounds(recipe_takes_public_keys(r) ? 500 : 5000); round < rounds; round++) {
        size_t which = next_random(&seed) % b.q.n_headers;
        struct span was = b.headers[which].value;
        char *text = malloc(CAP);
        size_t n = was.n;
        memcpy(text, was.p, n);
        mutate(text, &n, CAP, &seed);
        char *exact = malloc(n ? n : 1); /* so that the sanitizer sees every byte too many */
        memcpy(exact, text, n);
        b.headers[which].value = span_of(exact, n);
        enum err e = verify(&b);
        bool same_id = span_eq(b.headers[which].value, was);
        ck_assert(e == ERR_OK || b.verdict.detail[0]);
        if (e == ERR_OK && !same_id)
            ck_assert_msg(which == b.q.n_headers - 1 || strcmp(signers[_i].recipe, "github") == 0, "took %.*s", (int)n,
                          exact);
        b.headers[which].value = was;
        free(exact);
        free(text);
    }
    forget(&b);
    bench_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("verify");
    TCase *t = tcase_create("verify");
#define EACH(test, table) tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table))
    EACH(what_is_signed_verifies, signers);
    tcase_add_loop_test(t, ed25519_keys_in_all_forms, 0, 6);
    EACH(threads_share_keys, signers);
    tcase_add_test(t, keys_live_between_their_dates);
    tcase_add_test(t, a_full_context_goes_on);
    EACH(signature_headers_are_taken_apart, signature_headers);
    tcase_add_test(t, ambiguous_headers_are_refused);
    EACH(times_are_digits_and_near, standard_times);
    tcase_add_test(t, a_source_sets_its_own_tolerance);
    EACH(stripe_headers_are_taken_apart, stripe_headers);
    EACH(github_headers_are_exact, github_headers);
    tcase_add_test(t, ids_have_a_greatest_length);
    tcase_add_loop_test(t, every_knob_round_trips, 0, 3);
    tcase_add_test(t, signing_says_what_it_cannot);
    tcase_add_test(t, a_full_arena_is_an_answer);
    EACH(mutated_requests_are_answered, signers);
    suite_add_tcase(s, t);
    return suite_run(s);
}
