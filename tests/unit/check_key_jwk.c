/* SPDX-License-Identifier: MIT
 * check_key_jwk: JSON Web Keys: the examples of RFC 7517 appendix A and RFC 8037 appendix A, sets, and keys that say
 * they are for something else.
 */
#include "key_kit.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "base/codec.h"

/* RFC 7517 appendix A.1 and A.2 */
#define EC_PUBLIC                                                                                                      \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","                          \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define EC_PRIVATE "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\""
#define RSA_PUBLIC                                                                                                     \
    "\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"  \
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"  \
    "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0"  \
    "Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\""
#define RSA_PRIVATE                                                                                                    \
    "\"d\":\"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSz" \
    "UvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3"  \
    "Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnO"  \
    "Ytqc0X4jfcKoAC8Q\",\"p\":\"83i-7IvMGXoMXCskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-60eTDmD2ujnMt5PoqMrm8Rf"  \
    "mNhVWDtjjMmCMjOpSXicFHj7XOuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs\","                       \
    "\"q\":\"3dfOR9cuYq-0S-mkFLzgItgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_NGEiovonizh" \
    "Kpo9VVS78TzFgxkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk\","                                           \
    "\"dp\":\"G4sPXkc6Ya9y8oJW9_ILj4xuppu0lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8akYh"  \
    "Fo5tAA77Qe_NmtuYZc3C3m3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0\","                                         \
    "\"dq\":\"s9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOAhvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0JUi"  \
    "raRNqUfLhcQb_d9GF4Dh7e74WbRsobRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk\","                                         \
    "\"qi\":\"GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQJBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7lI"  \
    "-puxk_mHZGJ11rxyR8O55XLSe3SPmRfKwZI6yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU\""
/* RFC 8037 appendix A.1 and A.2 */
#define OKP_PUBLIC "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define OKP_PRIVATE "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\""

START_TEST(rfc_8037_appendix_a)
{
    static const char input[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    unsigned char signature[64], ours[64];
    size_t n;
    ck_assert_int_eq(base64url_decode(SPAN_LIT("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
                                               "9g7sVvpAr_MuM0KAg"),
                                      signature, sizeof signature, &n),
                     ERR_OK);
    struct keyring *k = take(&jwt, "jwk", true, "{" OKP_PUBLIC "}");
    ck_assert_int_eq(k->keys[0].kind, KEY_ED25519);
    ck_assert_int_eq(
        crypto_sign_verify_detached(signature, (const unsigned char *)input, strlen(input), k->keys[0].public_key), 0);
    keyring_free(k);
    k = take(&ed25519, "jwk", false, "{" OKP_PUBLIC "," OKP_PRIVATE "}");
    ck_assert(facts_of(k, 0).can_sign);
    crypto_sign_detached(ours, NULL, (const unsigned char *)input, strlen(input), k->keys[0].secret);
    ck_assert_mem_eq(ours, signature, 64);
    keyring_free(k);
}
END_TEST

START_TEST(rfc_7517_appendix_a_1)
{
    /* The first is for encryption, by its own word. */
    struct keyring *k =
        take(&jwt, "jwks", true, "{\"keys\":[{" EC_PUBLIC ",\"use\":\"enc\",\"kid\":\"1\"},{" RSA_PUBLIC "}]}");
    struct key_facts f = facts_of(k, 0);
    ck_assert_uint_eq(k->n, 1);
    ck_assert_str_eq(f.kind, "rsa");
    ck_assert_uint_eq(f.bits, 2048);
    ck_assert_str_eq(f.kid, "2011-04-29");
    ck_assert_str_eq(k->keys[0].alg, "RS256");
    keyring_free(k);
    k = take(&ecdsa_sha256, "jwk", true, "{" EC_PUBLIC "}");
    ck_assert_str_eq(facts_of(k, 0).curve, "P-256");
    keyring_free(k);
}
END_TEST

START_TEST(rfc_7517_appendix_a_2)
{
    struct keyring *k =
        take(&jwt, "jwks", false, "{\"keys\":[{" EC_PUBLIC "," EC_PRIVATE "},{" RSA_PUBLIC "," RSA_PRIVATE "}]}");
    ck_assert_uint_eq(k->n, 2);
    ck_assert(facts_of(k, 0).can_sign && facts_of(k, 1).can_sign);
    struct keyring *open = take(&jwt, "jwk", true, "{" RSA_PUBLIC "}");
    ck_assert_str_eq(facts_of(k, 1).fingerprint, facts_of(open, 0).fingerprint);
    ck_assert(!facts_of(open, 0).can_sign);
    keyring_free(open);
    keyring_free(k);
}
END_TEST

START_TEST(rfc_7517_appendix_a_3)
{
    struct keyring *k =
        take(&hmac_sha256, "jwks", false,
             "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"A128KW\",\"k\":\"GawgguFyGrWKav7AX4VKUg\"},{\"kty\":\"oct\","
             "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\","
             "\"kid\":\"HMAC key used in JWS spec Appendix A.1 example\"}]}");
    ck_assert_uint_eq(k->n, 1);
    ck_assert_uint_eq(k->keys[0].n_secret, 64);
    ck_assert_uint_eq(k->secret_bytes, 64);
    ck_assert_str_eq(k->keys[0].kid, "HMAC key used in JWS spec Appendix A.1 example");
    keyring_free(k);
}
END_TEST

START_TEST(private_members_are_refused_in_public_files)
{
    refused(&jwt, "jwk", true, "{" OKP_PUBLIC "," OKP_PRIVATE "}", "it holds the private half (d)");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC "," EC_PRIVATE "}", "it holds the private half (d)");
    refused(&jwt, "jwks", true, "{\"keys\":[{" EC_PUBLIC "},{" RSA_PUBLIC "," RSA_PRIVATE "}]}",
            "it holds the private half (d)");
    refused(&jwt, "jwk", true, "{\"kty\":\"oct\",\"k\":\"GawgguFyGrWKav7AX4VKUg\"}", "give it as secret_file");
}
END_TEST

START_TEST(what_a_key_says_of_its_use_is_obeyed)
{
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"use\":\"enc\"}", "its \"use\" is not \"sig\"");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"use\":7}", "its \"use\" is not \"sig\"");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"key_ops\":[\"deriveKey\"]}", "its \"key_ops\" lists neither");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"key_ops\":\"verify\"}", "its \"key_ops\" lists neither");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"alg\":\"ECDH-ES\"}", "no algorithm of signatures");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"alg\":\"ES384\"}", "does not go with its kind or curve");
    refused(&jwt, "jwk", true, "{" EC_PUBLIC ",\"alg\":\"RS256\"}", "does not go with its kind or curve");
    refused(&jwt, "jwk", true, "{" OKP_PUBLIC ",\"alg\":\"HS256\"}", "does not go with its kind or curve");
    refused(&hmac_sha256, "jwk", false, "{\"kty\":\"oct\",\"k\":\"GawgguFyGrWKav7AX4VKUg\",\"alg\":\"HS512\"}",
            "it is for HS512, and the recipe signs with hmac-sha256");
    refused(&rsa_sha256, "jwk", true, "{" EC_PUBLIC "}", "an elliptic-curve key, which does not go with rsa-sha256");
    keyring_free(
        take(&ecdsa_sha256, "jwk", true, "{" EC_PUBLIC ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\"}"));
}
END_TEST

START_TEST(faults_are_named)
{
    refused(&jwt, "jwk", true, "MCowBQYDK2VwAyEA11qYAYKxCrf", "its text is no JSON");
    refused(&jwt, "jwk", true, "[]", "no JSON object");
    refused(&jwt, "jwk", true, "{}", "its \"kty\" is none of oct, RSA, EC and OKP");
    refused(&jwt, "jwk", true, "{\"keys\":[]}", "key_encoding jwks reads it");
    refused(&jwt, "jwks", true, "{" OKP_PUBLIC "}", "it is one key, which key_encoding jwk reads");
    refused(&jwt, "jwks", true, "{\"keys\":[]}", "the set is empty");
    refused(&jwt, "jwks", true, "{\"keys\":[{\"kty\":\"PQ\"},7]}", "none of the set's 2 keys can be used");
    refused(&jwt, "jwk", true,
            "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
            "only crv Ed25519");
    refused(&jwt, "jwk", true, "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
            "P-256, P-384 and P-521");
    refused(&jwt, "jwk", true, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11\",\"y\":\"AA\"}",
            "its \"x\" is not 32 bytes long");
    refused(&jwt, "jwk", true,
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
            "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyA\"}",
            "its numbers are no EC key's");
    refused(&jwt, "jwk", true, "{\"kty\":\"RSA\",\"n\":\"not=url\",\"e\":\"AQAB\"}",
            "its \"n\" is missing or not base64url");
    refused(&jwt, "jwk", true, "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmb\",\"e\":\"AQAB\"}",
            "bits; 2048 to 8192");
    refused(&jwt, "jwk", false, "{" OKP_PUBLIC ",\"d\":\"AAAxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
            "do not belong together");
    refused(&jwt, "jwk", false, "{" EC_PUBLIC ",\"d\":\"AAAMB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}",
            "do not belong together");
    refused(&jwt, "jwk", true, "{" OKP_PUBLIC ",\"kid\":7}", "its \"kid\" is no text");
}
END_TEST

START_TEST(a_set_has_a_limit)
{
    struct buf b;
    buf_init(&b, 65536);
    buf_puts(&b, "{\"keys\":[");
    for (int i = 0; i < 101; i++)
        buf_puts(&b, i ? ",{" OKP_PUBLIC "}" : "{" OKP_PUBLIC "}");
    buf_put(&b, "]}", 3);
    refused(&jwt, "jwks", true, b.p, "the set holds 101 keys, more than 100");
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("key_jwk");
    TCase *t = tcase_create("key_jwk");
    tcase_add_test(t, rfc_8037_appendix_a);
    tcase_add_test(t, rfc_7517_appendix_a_1);
    tcase_add_test(t, rfc_7517_appendix_a_2);
    tcase_add_test(t, rfc_7517_appendix_a_3);
    tcase_add_test(t, private_members_are_refused_in_public_files);
    tcase_add_test(t, what_a_key_says_of_its_use_is_obeyed);
    tcase_add_test(t, faults_are_named);
    tcase_add_test(t, a_set_has_a_limit);
    suite_add_tcase(s, t);
    return suite_run(s);
}
