/* SPDX-License-Identifier: MIT
 * check_key: keyrings: several keys, windows, what may be told of them, and every key of the published vectors.
 */
#include "key_kit.h"
#include "recipe_kit.h"

#include <openssl/evp.h>

#include "recipe/key_make.h"

START_TEST(several_keys_share_one_block)
{
    struct keyring *k = NULL;
    struct why w;
    const struct recipe r = {.name = "t", .algorithm = &hmac_sha256, .key_encoding = "utf8"};
    const struct keyring_key in[] = {
        {"a", NULL, false, SPAN_LIT("first secret"), 0, 100},
        {"b", "hex", false, SPAN_LIT("00ff"), 50, INT64_MAX},
        {"c", "jwks", false,
         SPAN_LIT("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQID\",\"kid\":\"x\"},{\"kty\":\"oct\",\"k\":\"BAU\"}]}"), 0,
         INT64_MAX},
    };
    ck_assert_msg(keyring_new(&r, in, 3, &k, &w) == ERR_OK, "%s", w.text);
    ck_assert_uint_eq(k->n, 4);
    ck_assert_uint_eq(k->secret_bytes, 12 + 2 + 3 + 2);
    ck_assert_mem_eq(k->keys[0].secret, "first secret", 12);
    ck_assert_mem_eq(k->keys[1].secret, "\x00\xff", 2);
    ck_assert_mem_eq(k->keys[2].secret, "\1\2\3", 3);
    ck_assert_mem_eq(k->keys[3].secret, "\4\5", 2);
    ck_assert_str_eq(k->keys[2].id, "c");
    ck_assert_str_eq(k->keys[3].id, "c");
    ck_assert_str_eq(k->keys[2].kid, "x");
    ck_assert_ptr_null(k->keys[3].kid);
    ck_assert(key_live(&k->keys[0], 100) && !key_live(&k->keys[0], 101) && !key_live(&k->keys[1], 49));
    keyring_free(k);
}
END_TEST

START_TEST(no_keys_is_an_empty_ring)
{
    struct keyring *k = NULL;
    struct why w;
    const struct recipe r = {.name = "t", .algorithm = &hmac_sha256, .key_encoding = "utf8"};
    ck_assert_int_eq(keyring_new(&r, NULL, 0, &k, &w), ERR_OK);
    ck_assert_uint_eq(keyring_count(k), 0);
    keyring_free(k);
}
END_TEST

START_TEST(one_bad_key_is_the_whole_ring)
{
    struct keyring *k = NULL;
    struct why w;
    const struct recipe r = {.name = "t", .algorithm = &hmac_sha256, .key_encoding = "hex"};
    const struct keyring_key in[] = {{"a", NULL, false, SPAN_LIT("00ff"), 0, 100},
                                     {"b", NULL, false, SPAN_LIT("xyzw"), 0, 100}};
    ck_assert_int_eq(keyring_new(&r, in, 2, &k, &w), ERR_INVALID);
    ck_assert_str_eq(w.text, "key b: its text is not hex");
    ck_assert_ptr_null(k);
}
END_TEST

START_TEST(windows_that_meet_cover)
{
    static const struct key_window meet[] = {{50, INT64_MAX}, {0, 60}}, gap[] = {{0, 60}, {62, 90}},
                                   next[] = {{61, 90}, {0, 60}};
    ck_assert_int_eq(key_windows_cover(meet, 2, 10), INT64_MAX);
    ck_assert_int_eq(key_windows_cover(gap, 2, 10), 60);
    ck_assert_int_eq(key_windows_cover(gap, 2, 61), -1);
    ck_assert_int_eq(key_windows_cover(gap, 2, 62), 90);
    ck_assert_int_eq(key_windows_cover(next, 2, 60), 90);
    ck_assert_int_eq(key_windows_cover(next, 2, 91), -1);
    ck_assert_int_eq(key_windows_cover(NULL, 0, 5), -1);
}
END_TEST

START_TEST(facts_tell_no_secret)
{
    struct keyring *k = take(&hmac_sha256, "utf8", false, "a secret that nobody may know");
    struct key_facts f = facts_of(k, 0);
    ck_assert_str_eq(f.kind, "secret");
    ck_assert_str_eq(f.fingerprint, "");
    ck_assert(f.bits == 0 && !f.curve && f.can_sign);
    keyring_free(k);
    /* openssl pkey -pubin -outform DER | sha256 of RFC 8032's first key */
    k = take(&ed25519, "whpk_base64", true, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    f = facts_of(k, 0);
    ck_assert_str_eq(f.kind, "ed25519");
    ck_assert(!f.can_sign);
    ck_assert_str_eq(f.fingerprint, "SHA256:BuP9j9opu2CrWVV95h7bCuzbIxE0vjDnW0Vfjht5L6k");
    keyring_free(k);
    k = take(&ed25519, "whpk_base64", false, "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
    ck_assert(facts_of(k, 0).can_sign);
    ck_assert_str_eq(facts_of(k, 0).fingerprint, "SHA256:BuP9j9opu2CrWVV95h7bCuzbIxE0vjDnW0Vfjht5L6k");
    keyring_free(k);
}
END_TEST

/* ---- new ones ---- */

static struct keyring *made(const struct algorithm *a, const char *encoding, bool open_half)
{
    struct key_made m;
    struct why w;
    const struct recipe r = {.name = "t", .algorithm = a, .key_encoding = encoding};
    ck_assert_msg(key_make(&r, NULL, &m, &w) == ERR_OK, "%s: %s", encoding, w.text);
    ck_assert_int_eq(m.public_text[0] != 0, a != &hmac_sha256);
    return take(a, encoding, open_half, open_half ? m.public_text : m.secret);
}

START_TEST(new_keys_are_random_and_load)
{
    static const char *const secrets[] = {"utf8", "hex", "base64", "whsec_base64", "utf8-sha1", "utf8-nfkd"},
                             *const pairs[] = {"whpk_base64", "ed25519-hex", "ed25519-base64", "spki-pem",
                                               "spki-base64"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        struct keyring *one = made(&hmac_sha256, secrets[i], false), *two = made(&hmac_sha256, secrets[i], false);
        size_t n = one->keys[0].n_secret;
        ck_assert(n >= 20 && (n != two->keys[0].n_secret || memcmp(one->keys[0].secret, two->keys[0].secret, n) != 0));
        keyring_free(one);
        keyring_free(two);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct keyring *one = made(&ed25519, pairs[i], false), *two = made(&ed25519, pairs[i], true);
        ck_assert(facts_of(one, 0).can_sign && !facts_of(two, 0).can_sign);
        ck_assert_str_ne(facts_of(one, 0).fingerprint, facts_of(two, 0).fingerprint);
        keyring_free(one);
        keyring_free(two);
    }
}
END_TEST

START_TEST(what_is_not_made_is_said)
{
    struct key_made m;
    struct why w;
    const struct recipe rsa = {.name = "t", .algorithm = &rsa_sha256, .key_encoding = "spki-pem"},
                        hmac = {.name = "t", .algorithm = &hmac_sha256, .key_encoding = "utf8"};
    ck_assert_int_eq(key_make(&rsa, NULL, &m, &w), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w.text, "openssl genpkey"));
    ck_assert_int_eq(key_make(&hmac, "jwk", &m, &w), ERR_UNSUPPORTED);
    ck_assert_int_eq(key_make(&hmac, "spki-pem", &m, &w), ERR_INVALID);
    ck_assert_int_eq(key_make(&hmac, "heks", &m, &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "did you mean hex"));
}
END_TEST

/* ---- the vectors ---- */

static const struct algorithm *algorithm_for(const char *encoding, struct span said)
{
    if (!key_encoding_known(span_str(encoding), FAMILY_PAIR & ~FAMILY_JWT))
        return &hmac_sha256;
    if (said.n >= 3 && memcmp(said.p, "jw", 2) == 0)
        return &jwt;
    return said.n >= 3 && memcmp(said.p, "rsa", 3) == 0     ? &rsa_sha256
           : said.n >= 5 && memcmp(said.p, "ecdsa", 5) == 0 ? &ecdsa_sha256
                                                            : &ed25519;
}

START_TEST(every_key_of_the_vectors_loads)
{
    struct buf text = read_source("tests/vectors/signatures.json");
    struct span one;
    size_t n = 0;
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &one);) {
        struct arena a;
        struct recipe_case c;
        struct why w;
        ck_assert(arena_init(&a, 1 << 20));
        ck_assert_int_eq(case_parse(one, 0, &a, &c, &w), ERR_OK);
        for (size_t i = 0; i < c.n_keys; i++) {
            if (c.keys[i].n == 0) /* a provider that signs nothing */
                continue;
            n++;
            struct keyring *k = NULL;
            const struct algorithm *alg =
                algorithm_for(c.key_encoding, json_plain_string(json_member(one, "algorithm")));
            bool is_public = alg != &hmac_sha256;
            ck_assert_msg(try_span(alg, c.key_encoding, is_public, c.keys[i], &k, &w) == ERR_OK, "%.*s, %.*s: %s",
                          (int)c.provider.n, c.provider.p, (int)c.name.n, c.name.p, w.text);
            ck_assert_uint_eq(k->n, 1);
            keyring_free(k);
        }
        arena_fini(&a);
    }
    ck_assert_uint_gt(n, 40);
    buf_fini(&text);
}
END_TEST

/* ---- mutations: whatever the text, an answer with a reason ---- */

START_TEST(mutated_keys_are_answered)
{
    enum { CAP = 8192 };
    static const struct {
        const char *encoding, *text;
    } seeds[] = {
        {"jwk",
         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"hVpBPvJJMu1ukE0cHIUFB9eMXFG4zp1ChXOjq31buSM\",\"y\":"
         "\"DXoiWAJVUDdE2MLHFFZTstZrWKcXJNsqk0TUv_yEsK4\",\"alg\":\"ES256\",\"kid\":\"a\",\"key_ops\":[\"verify\"]}"},
        {"jwks",
         "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\",\"x\":"
         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qz\"}]}"},
        {"spki-pem",
         "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC "
         "KEY-----\n"},
        {"spki-base64", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/"
                        "7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="},
        {"x509-pem", "-----BEGIN CERTIFICATE-----\nMCowBQYDK2VwAyEA\n-----END CERTIFICATE-----\n"},
        {"whpk_base64", "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"utf8-nfkd", "p\xc3\xa4ssw\xef\xb7\xba\xe2\x84\xab"},
    };
    uint32_t seed = 11;
    for (int round = 0, rounds = suite_rounds(5000); round < rounds; round++) {
        size_t at = (size_t)round % (sizeof seeds / sizeof *seeds), n = strlen(seeds[at].text);
        char *bytes = malloc(CAP);
        struct keyring *k = NULL;
        struct why w;
        memcpy(bytes, seeds[at].text, n);
        mutate(bytes, &n, CAP, &seed);
        char *exact = malloc(n ? n : 1);
        memcpy(exact, bytes, n);
        enum err e = try_span(&jwt, seeds[at].encoding, round & 1 && at != 6, span_of(exact, n), &k, &w);
        ck_assert_msg(e == ERR_OK || (e == ERR_INVALID && w.text[0]), "%s: %s", seeds[at].encoding, w.text);
        if (e == ERR_OK)
            keyring_free(k);
        free(exact);
        free(bytes);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("key");
    TCase *t = tcase_create("key");
    tcase_add_test(t, several_keys_share_one_block);
    tcase_add_test(t, no_keys_is_an_empty_ring);
    tcase_add_test(t, one_bad_key_is_the_whole_ring);
    tcase_add_test(t, windows_that_meet_cover);
    tcase_add_test(t, facts_tell_no_secret);
    tcase_add_test(t, new_keys_are_random_and_load);
    tcase_add_test(t, what_is_not_made_is_said);
    tcase_add_test(t, every_key_of_the_vectors_loads);
    tcase_add_test(t, mutated_keys_are_answered);
    suite_add_tcase(s, t);
    return suite_run(s);
}
