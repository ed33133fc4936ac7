/* SPDX-License-Identifier: MIT
 * check_key_text: the ways a shared secret may be written, and what is said of those that are not.
 */
#include "key_kit.h"

static void decodes(const char *encoding, const char *text, const char *bytes, size_t n)
{
    struct keyring *k = take(&hmac_sha256, encoding, false, text);
    ck_assert_msg(k->n == 1 && k->keys[0].n_secret == n && memcmp(k->keys[0].secret, bytes, n) == 0, "%s of %s",
                  encoding, text);
    ck_assert_int_eq(k->keys[0].kind, KEY_SECRET);
    keyring_free(k);
}
#define DECODES(encoding, text, bytes) decodes(encoding, text, bytes, sizeof(bytes) - 1)

START_TEST(texts_become_bytes)
{
    DECODES("utf8", " as it is \n", " as it is \n");
    DECODES("hex", " 00FFa0\n", "\x00\xff\xa0");
    DECODES("base64", "AP+g", "\x00\xff\xa0");
    DECODES("base64", "AP8=", "\x00\xff");
    DECODES("base64", "AP8", "\x00\xff");
    DECODES("base64", "AP9", "\x00\xff"); /* unused bits set */
    DECODES("whsec_base64", "whsec_AP+g", "\x00\xff\xa0");
    DECODES("whsec_base64", "AP+g\n", "\x00\xff\xa0");
}
END_TEST

START_TEST(sha1_of_the_text)
{
    /* FIPS 180: the SHA-1 of "abc" */
    DECODES("utf8-sha1", "abc", "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d");
}
END_TEST

/* UAX 15: compatibility decomposition, marks in canonical order. */
START_TEST(nfkd_decomposes)
{
    DECODES("utf8-nfkd", "plain", "plain");
    DECODES("utf8-nfkd", "\xc3\xa9", "e\xcc\x81");                                /* U+00E9 */
    DECODES("utf8-nfkd", "\xef\xac\x81", "fi");                                   /* U+FB01, a ligature */
    DECODES("utf8-nfkd", "\xe2\x91\xa0", "1");                                    /* U+2460, a digit in a circle */
    DECODES("utf8-nfkd", "\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"); /* U+AC01, Hangul */
    DECODES("utf8-nfkd", "a\xcc\x81\xcc\xa3", "a\xcc\xa3\xcc\x81");               /* U+0323 sorts before U+0301 */
}
END_TEST

/* U+FDFA takes 3 bytes and becomes 33: the longest there is. */
START_TEST(nfkd_of_the_longest)
{
    enum { TIMES = 2000 };
    char *text = malloc(TIMES * 3 + 1);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(text + 3 * i, "\xef\xb7\xba", 4);
    struct keyring *k = take(&hmac_sha256, "utf8-nfkd", false, text);
    ck_assert_uint_eq(k->keys[0].n_secret, 33 * TIMES);
    keyring_free(k);
    free(text);
}
END_TEST

START_TEST(others_are_refused)
{
    refused(&hmac_sha256, "hex", false, "0g0g0g0g0g0g0g0g", "its text is not hex");
    refused(&hmac_sha256, "base64", false, "AAAAA", "its text is not base64");
    refused(&hmac_sha256, "whsec_base64", false, "whsec_", "is empty");
    refused(&hmac_sha256, "utf8-nfkd", false, "\xc3\x28 is no UTF-8 text", "its text is not utf8-nfkd");
    refused(&hmac_sha256, "utf8-sha1", false, "", "is empty");
    refused(&hmac_sha256, "utf8", true, "correct horse battery", "give it as secret_file");
    refused(&rsa_sha256, "utf8", false, "correct horse battery", "does not go with rsa-sha256");
}
END_TEST

/* A MAC keyed with a text that everybody may know proves nothing: the classic confusion of HS256 and RS256. */
START_TEST(pem_is_no_shared_secret)
{
    static const char pem[] =
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----\n";
    refused(&jwt, "utf8", false, pem, "key_encoding spki-pem or x509-pem reads it");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("key_text");
    TCase *t = tcase_create("key_text");
    tcase_add_test(t, texts_become_bytes);
    tcase_add_test(t, sha1_of_the_text);
    tcase_add_test(t, nfkd_decomposes);
    tcase_add_test(t, nfkd_of_the_longest);
    tcase_add_test(t, others_are_refused);
    tcase_add_test(t, pem_is_no_shared_secret);
    suite_add_tcase(s, t);
    return suite_run(s);
}
