/* SPDX-License-Identifier: MIT
 * check_hash: digests and MACs of texts in pieces, against published values.
 */
#include "suite.h"

#include "base/codec.h"
#include "recipe/hash.h"

/* RFC 2202 and RFC 4231, test cases 1 and 6 (for SHA-1 with the texts of RFC 4231): a short key, and one that is longer than a block. */
static const struct {
    enum hash_kind kind;
    unsigned char key_byte;
    size_t n_key;
    const char *text, *mac;
} macs[] = {
    {HASH_SHA1, 0x0b, 20, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
    {HASH_SHA1, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "90d0dace1c1bdc957339307803160335bde6df2b"},
    {HASH_SHA256, 0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {HASH_SHA256, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {HASH_SHA384, 0x0b, 20, "Hi There",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
    {HASH_SHA384, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
    {HASH_SHA512, 0x0b, 20, "Hi There",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702"
     "e696c203a126854"},
    {HASH_SHA512, 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8"
     "b915a985d786598"},
};

/* FIPS 180-4: "abc". */
static const struct {
    enum hash_kind kind;
    const char *digest;
} digests[] = {
    {HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d"
                  "4423643ce80e2a9ac94fa54ca49f"},
};

START_TEST(macs_are_as_published)
{
    unsigned char key[131], out[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX + 1];
    memset(key, macs[_i].key_byte, sizeof key);
    struct span text = span_str(macs[_i].text);
    for (size_t at = 0; at <= text.n; at++) {
        const struct span parts[] = {span_of(text.p, at), SPAN_NONE, span_skip(text, at)};
        hash_hmac(macs[_i].kind, span_of((const char *)key, macs[_i].n_key), parts, 3, out);
        hex_encode(out, hash_bytes(macs[_i].kind), hex);
        ck_assert_str_eq(hex, macs[_i].mac);
    }
}
END_TEST

START_TEST(digests_are_as_published)
{
    unsigned char out[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX + 1];
    const struct span parts[] = {SPAN_LIT("a"), SPAN_LIT(""), SPAN_LIT("bc")};
    hash_texts(digests[_i].kind, parts, 3, out);
    hex_encode(out, hash_bytes(digests[_i].kind), hex);
    ck_assert_str_eq(hex, digests[_i].digest);
}
END_TEST

START_TEST(names_are_openssls)
{
    for (enum hash_kind kind = 0; kind < HASH_KINDS; kind++)
        ck_assert_int_eq(hash_named(hash_name(kind)), kind);
    ck_assert_int_eq(hash_named("MD5"), HASH_KINDS);
    ck_assert_ptr_null(hash_name(HASH_KINDS));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hash");
    TCase *t = tcase_create("hash");
    tcase_add_loop_test(t, macs_are_as_published, 0, sizeof macs / sizeof *macs);
    tcase_add_loop_test(t, digests_are_as_published, 0, sizeof digests / sizeof *digests);
    tcase_add_test(t, names_are_openssls);
    suite_add_tcase(s, t);
    return suite_run(s);
}
