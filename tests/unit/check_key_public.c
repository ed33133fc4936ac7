/* SPDX-License-Identifier: MIT
 * check_key_public: SPKI, PKCS#8 and X.509 of each kind, made here by OpenSSL, and what is said of all others.
 */
#include "key_kit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "base/codec.h"

static char *text_of(BIO *bio)
{
    char *p, *text;
    long n = BIO_get_mem_data(bio, &p);
    text = malloc((size_t)n + 1);
    memcpy(text, p, (size_t)n);
    text[n] = 0;
    BIO_free(bio);
    return text;
}

static char *public_pem(EVP_PKEY *k)
{
    BIO *b = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PUBKEY(b, k), 1);
    return text_of(b);
}

static char *private_pem(EVP_PKEY *k, const EVP_CIPHER *cipher)
{
    BIO *b = BIO_new(BIO_s_mem());
    char word[] = "word";
    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(b, k, cipher, cipher ? word : NULL, cipher ? 4 : 0, NULL, NULL), 1);
    return text_of(b);
}

static char *base64_of(unsigned char *der, int n)
{
    ck_assert_int_gt(n, 0);
    char *text = malloc(base64_size((size_t)n));
    base64_encode(der, (size_t)n, text);
    OPENSSL_free(der);
    return text;
}

static char *public_base64(EVP_PKEY *k)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k, &der);
    return base64_of(der, n);
}

static char *private_base64(EVP_PKEY *k)
{
    unsigned char *der = NULL;
    int n = i2d_PrivateKey(k, &der);
    return base64_of(der, n);
}

static char *certificate(EVP_PKEY *k, time_t from, time_t to)
{
    X509 *x = X509_new();
    BIO *b = BIO_new(BIO_s_mem());
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    ASN1_TIME_set(X509_getm_notBefore(x), from);
    ASN1_TIME_set(X509_getm_notAfter(x), to);
    X509_set_pubkey(x, k);
    ck_assert_int_gt(X509_sign(x, k, EVP_PKEY_is_a(k, "ED25519") ? NULL : EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_bio_X509(b, x), 1);
    X509_free(x);
    return text_of(b);
}

static EVP_PKEY *ed_key(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* One test for each kind: where it goes, what it is. */
static const struct kind {
    const char *name, *curve;
    enum key_kind kind;
    const struct algorithm *algorithm, *other;
} kinds[] = {
    {"ed25519", NULL, KEY_ED25519, &ed25519, &rsa_sha256},
    {"rsa", NULL, KEY_RSA, &rsa_sha256, &ecdsa_sha256},
    {"ec", "P-256", KEY_EC, &ecdsa_sha256, &rsa_sha256},
    {"ec", "P-384", KEY_EC, &ecdsa_sha256, &ed25519},
    {"ec", "P-521", KEY_EC, &jwt, &rsa_sha256},
};

static EVP_PKEY *made(const struct kind *k)
{
    return k->kind == KEY_EC ? EVP_EC_gen(k->curve) : k->kind == KEY_RSA ? EVP_RSA_gen(2048) : ed_key();
}

static void holds_key(const struct kind *k, const char *encoding, bool is_public, const char *text, EVP_PKEY *pkey,
                      bool can_sign)
{
    struct keyring *ring = take(k->algorithm, encoding, is_public, text);
    struct key_facts f = facts_of(ring, 0);
    ck_assert_uint_eq(ring->n, 1);
    ck_assert_int_eq(ring->keys[0].kind, k->kind);
    ck_assert_str_eq(f.kind, k->name);
    ck_assert_int_eq(f.can_sign, can_sign);
    if (k->curve)
        ck_assert_str_eq(f.curve, k->curve);
    if (k->kind == KEY_RSA)
        ck_assert_uint_eq(f.bits, 2048);
    if (k->kind == KEY_ED25519) {
        unsigned char raw[32];
        size_t n = sizeof raw;
        ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, raw, &n), 1);
        ck_assert_mem_eq(raw, ring->keys[0].public_key, 32);
    } else {
        ck_assert_int_eq(EVP_PKEY_eq(pkey, ring->keys[0].pkey), 1);
    }
    keyring_free(ring);
}

START_TEST(each_kind_in_each_form)
{
    const struct kind *k = &kinds[_i];
    EVP_PKEY *pkey = made(k);
    char *forms[] = {public_pem(pkey), public_base64(pkey), certificate(pkey, 1000, 4102444800),
                     private_pem(pkey, NULL), private_base64(pkey)};
    holds_key(k, "spki-pem", true, forms[0], pkey, false);
    holds_key(k, "spki-pem", false, forms[0], pkey, false);
    holds_key(k, "spki-base64", true, forms[1], pkey, false);
    holds_key(k, "x509-pem", true, forms[2], pkey, false);
    holds_key(k, "spki-pem", false, forms[3], pkey, true);
    holds_key(k, "spki-base64", false, forms[4], pkey, true);
    refused(k->algorithm, "spki-pem", true, forms[3], "it is a private key: give its public half");
    refused(k->algorithm, "spki-base64", true, forms[4], "it is a private key: give its public half");
    refused(k->other, "spki-pem", true, forms[0], "does not go with");
    refused(&hmac_sha256, "spki-pem", true, forms[0], "key encoding spki-pem does not go with hmac-sha256");
    forms[1][strlen(forms[1]) / 2] = '!';
    refused(k->algorithm, "spki-base64", true, forms[1], "its text is not spki-base64");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        free(forms[i]);
    EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_certificates_end_narrows_the_window)
{
    EVP_PKEY *pkey = ed_key();
    char *text = certificate(pkey, 1700000000, 1800000000);
    struct keyring *ring = NULL;
    struct why w;
    const struct recipe r = {.name = "t", .algorithm = &ed25519, .key_encoding = "x509-pem"};
    struct keyring_key in = {"k1", NULL, true, span_str(text), 0, INT64_MAX};
    ck_assert_int_eq(keyring_new(&r, &in, 1, &ring, &w), ERR_OK);
    ck_assert_int_eq(ring->keys[0].not_before_ms, 0);
    ck_assert_int_eq(ring->keys[0].not_after_ms, INT64_C(1800000000999));
    keyring_free(ring);
    in.not_before_ms = INT64_C(1750000000000);
    in.not_after_ms = INT64_C(1760000000000);
    ck_assert_int_eq(keyring_new(&r, &in, 1, &ring, &w), ERR_OK);
    ck_assert_int_eq(ring->keys[0].not_before_ms, in.not_before_ms);
    ck_assert_int_eq(ring->keys[0].not_after_ms, in.not_after_ms);
    keyring_free(ring);
    free(text);
    EVP_PKEY_free(pkey);
}
END_TEST

static void refused_key(EVP_PKEY *pkey, const struct algorithm *a, const char *reason)
{
    char *text = public_pem(pkey);
    refused(a, "spki-pem", true, text, reason);
    free(text);
    EVP_PKEY_free(pkey);
}

START_TEST(weak_and_foreign_keys_are_refused)
{
    refused_key(EVP_RSA_gen(1024), &rsa_sha256, "an RSA key of 1024 bits; 2048 to 8192 are taken");
    refused_key(EVP_EC_gen("secp256k1"), &ecdsa_sha256, "P-256, P-384 and P-521 are taken");
    refused_key(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), &jwt, "it is no Ed25519, RSA or elliptic-curve key");
    refused_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), &jwt, "it is no Ed25519, RSA or elliptic-curve key");
}
END_TEST

static char *joined(const char *a, const char *b)
{
    char *text = malloc(strlen(a) + strlen(b) + 1);
    memcpy(text, a, strlen(a));
    memcpy(text + strlen(a), b, strlen(b) + 1);
    return text;
}

START_TEST(other_files_are_named)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    char *pub = public_pem(pkey), *cert = certificate(pkey, 1000, 2000), *locked = private_pem(pkey, EVP_aes_128_cbc()),
         *twice = joined(pub, pub), *chain = joined(cert, cert), *both = joined(cert, locked);
    refused(&ecdsa_sha256, "spki-pem", true, cert, "it is a certificate: key_encoding x509-pem reads it");
    refused(&ecdsa_sha256, "spki-pem", false, locked, "it is encrypted");
    refused(&ecdsa_sha256, "spki-pem", true, twice, "more than one key");
    refused(&ecdsa_sha256, "x509-pem", true, pub, "its text is not x509-pem");
    refused(&ecdsa_sha256, "x509-pem", true, both, "there is a private key in this file");
    refused(&ecdsa_sha256, "spki-pem", true, "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n",
            "openssl rsa -RSAPublicKey_in");
    refused(&ecdsa_sha256, "spki-pem", true, "MCowBQYDK2VwAyEA11qYAYKxCrf", "there is no line -----BEGIN");
    refused(&ecdsa_sha256, "spki-pem", true, "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n",
            "its text is not spki-pem");
    struct keyring *ring = take(&ecdsa_sha256, "x509-pem", true, chain);
    ck_assert_uint_eq(ring->n, 1);
    keyring_free(ring);
    char *all[] = {pub, cert, locked, twice, chain, both};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    EVP_PKEY_free(pkey);
}
END_TEST

/* The largest file there may be: a chain, or a key with much said about it. */
START_TEST(large_files_are_read)
{
    enum { LARGE = 65536 };
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    char *pub = public_pem(pkey), *cert = certificate(pkey, 1000, 4102444800), *large = malloc(LARGE + 1);
    size_t n = strlen(cert), at = 0;
    for (; at + n <= LARGE; at += n)
        memcpy(large + at, cert, n);
    memset(large + at, '\n', LARGE - at);
    large[LARGE] = 0;
    keyring_free(take(&ecdsa_sha256, "x509-pem", true, large));
    memset(large, '#', LARGE - strlen(pub) - 1);
    large[LARGE - strlen(pub) - 1] = '\n';
    memcpy(large + LARGE - strlen(pub), pub, strlen(pub));
    keyring_free(take(&ecdsa_sha256, "spki-pem", true, large));
    free(large);
    free(cert);
    free(pub);
    EVP_PKEY_free(pkey);
}
END_TEST

/* What follows the key in the DER is not ignored. */
START_TEST(trailing_bytes_are_refused)
{
    unsigned char der[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0xd7, 0x5a, 0x98,
                           0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
                           0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a, 0x00};
    char text[64 + sizeof der];
    base64_encode(der, sizeof der - 1, text);
    keyring_free(take(&ed25519, "spki-base64", true, text));
    base64_encode(der, sizeof der, text);
    refused(&ed25519, "spki-base64", true, text, "its text is not spki-base64");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("key_public");
    TCase *t = tcase_create("key_public");
    tcase_add_loop_test(t, each_kind_in_each_form, 0, sizeof kinds / sizeof *kinds);
    tcase_add_test(t, a_certificates_end_narrows_the_window);
    tcase_add_test(t, weak_and_foreign_keys_are_refused);
    tcase_add_test(t, other_files_are_named);
    tcase_add_test(t, large_files_are_read);
    tcase_add_test(t, trailing_bytes_are_refused);
    suite_add_tcase(s, t);
    return suite_run(s);
}
