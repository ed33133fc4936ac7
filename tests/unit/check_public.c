/* SPDX-License-Identifier: MIT
 * check_public: RSA and ECDSA signatures: what is made is taken, anything else is not, and one key's operation leaves
 * nothing behind for the next.
 */
#include "token_kit.h"

#include <openssl/err.h>

static const struct span text = SPAN_LIT("what was signed");

static bool verified(const struct key *k, const char *digest, struct span content, const unsigned char *p, size_t n)
{
    bool match = true;
    ck_assert_int_eq(public_verify(context, k, digest, content, span_of((const char *)p, n), &match), ERR_OK);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return match;
}

static void round_trip(struct key k, const char *digest)
{
    unsigned char signature[PUBLIC_SIGNATURE_MAX];
    size_t n = 0;
    ck_assert_int_eq(public_sign(context, &k, digest, text, signature, &n), ERR_OK);
    ck_assert(verified(&k, digest, text, signature, n));
    ck_assert(!verified(&k, digest, SPAN_LIT("what was not"), signature, n));
    ck_assert(!verified(&k, digest, SPAN_LIT(""), signature, n));
    for (size_t cut = 0; cut < n; cut++)
        ck_assert(!verified(&k, digest, text, signature, cut));
    for (size_t i = 0; i < n; i++) {
        signature[i] ^= 0x10;
        ck_assert(!verified(&k, digest, text, signature, n));
        signature[i] ^= 0x10;
    }
    signature[n] = 0;
    ck_assert(!verified(&k, digest, text, signature, n + 1));
    ck_assert(verified(&k, digest, text, signature, n));
    EVP_PKEY_free(k.pkey);
}

START_TEST(what_is_made_is_taken_and_nothing_else)
{
    static const char *const digests[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
    round_trip(rsa_key(), digests[_i]);
    round_trip(ec_key("P-256"), digests[_i]);
    round_trip(ec_key("P-384"), digests[_i]);
    round_trip(ec_key("P-521"), digests[_i]);
}
END_TEST

/* OpenSSL's context keeps the key of the operation before unless it is told otherwise. */
START_TEST(each_key_verifies_its_own)
{
    struct key keys[] = {rsa_key(), ec_key("P-256"), rsa_key(), ec_key("P-256")};
    unsigned char signature[4][PUBLIC_SIGNATURE_MAX];
    size_t n[4];
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(public_sign(context, &keys[i], "SHA256", text, signature[i], &n[i]), ERR_OK);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            ck_assert_msg(verified(&keys[k], "SHA256", text, signature[i], n[i]) == (i == k), "%zu by %zu", i, k);
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(keys[i].pkey);
}
END_TEST

START_TEST(other_kinds_never_match)
{
    unsigned char private[KEY_PRIVATE_BYTES], signature[PUBLIC_SIGNATURE_MAX] = {0};
    size_t n;
    bool match = true;
    struct key secret = secret_key("secret", 6), ed = ed25519_key(private), rsa = rsa_key(), ec = ec_key("P-256");
    ck_assert(!verified(&secret, "SHA256", text, signature, 256));
    ck_assert(!verified(&ed, "SHA256", text, signature, 64));
    ck_assert_int_eq(public_sign(context, &secret, "SHA256", text, signature, &n), ERR_UNSUPPORTED);
    ck_assert_int_eq(public_sign(context, &ed, "SHA256", text, signature, &n), ERR_UNSUPPORTED);
    ck_assert_int_eq(public_verify_pss(context, &ec, "SHA256", text, SPAN_LIT("x"), &match), ERR_OK);
    ck_assert(!match);
    /* PKCS #1 v1.5 is not PSS. */
    ck_assert_int_eq(public_sign(context, &rsa, "SHA256", text, signature, &n), ERR_OK);
    match = true;
    ck_assert_int_eq(public_verify_pss(context, &rsa, "SHA256", text, span_of((char *)signature, n), &match), ERR_OK);
    ck_assert(!match);
    n = sign_pss(&rsa, EVP_sha256(), text, RSA_PSS_SALTLEN_DIGEST, signature);
    ck_assert(!verified(&rsa, "SHA256", text, signature, n));
    ck_assert_int_eq(public_verify_pss(context, &rsa, "SHA256", text, span_of((char *)signature, n), &match), ERR_OK);
    ck_assert(match);
    EVP_PKEY_free(rsa.pkey);
    EVP_PKEY_free(ec.pkey);
}
END_TEST

START_TEST(a_public_key_signs_nothing)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                              "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                              "-----END PUBLIC KEY-----\n";
    unsigned char signature[PUBLIC_SIGNATURE_MAX];
    size_t n = 7;
    struct key k = pem_key(pem);
    ck_assert_int_eq(public_sign(context, &k, "SHA256", text, signature, &n), ERR_UNSUPPORTED);
    ck_assert_uint_eq(n, 7);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    EVP_PKEY_free(k.pkey);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("public");
    TCase *t = tcase_create("public");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, kit_begin, kit_end);
    tcase_add_loop_test(t, what_is_made_is_taken_and_nothing_else, 0, 4);
    tcase_add_test(t, each_key_verifies_its_own);
    tcase_add_test(t, other_kinds_never_match);
    tcase_add_test(t, a_public_key_signs_nothing);
    suite_add_tcase(s, t);
    return suite_run(s);
}
