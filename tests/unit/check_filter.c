/* SPDX-License-Identifier: MIT
 * check_filter: every filter against what Python's hashlib, hmac, zlib, urllib and re make of the same bytes, and against
 * published signatures of the senders that need it.
 */
#include "suite.h"

#include <openssl/hmac.h>
#include <stdio.h>

#include "base/codec.h"
#include "recipe/filter.h"
#include "recipe/form.h"

static struct arena a;
static char all_bytes[256];

static void setup(void)
{
    ck_assert(arena_init(&a, 1 << 20));
    for (int i = 0; i < 256; i++)
        all_bytes[i] = (char)i;
}

static void teardown(void)
{
    arena_fini(&a);
}

static enum err apply(const char *name, struct span in, struct span *out)
{
    static const struct filter_key key = {(const unsigned char *)"key", 3};
    struct filter_use use;
    struct why w = {""};
    ck_assert_msg(filter_parse(span_str(name), &use, &w) == ERR_OK, "%s", w.text);
    return filter_apply(&use, &key, in, &a, out);
}

static void gives(const char *name, struct span in, struct span want)
{
    struct span out = SPAN_NONE;
    ck_assert_int_eq(apply(name, in, &out), ERR_OK);
    ck_assert_ptr_nonnull(out.p);
    ck_assert_msg(span_eq(out, want), "%s of '%.*s': '%.*s', not '%.*s'", name, (int)in.n, in.p, (int)out.n, out.p,
                  (int)want.n, want.p);
}

#define ALL                                                                                                            \
    {                                                                                                                  \
        NULL, 256                                                                                                      \
    }
static const struct {
    const char *name;
    struct span in, out;
} table[] = {
    {"sha256", SPAN_LIT(""), SPAN_LIT("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")},
    {"sha1", SPAN_LIT(""), SPAN_LIT("da39a3ee5e6b4b0d3255bfef95601890afd80709")},
    {"sha512", SPAN_LIT(""),
     SPAN_LIT("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd"
              "47417a81a538327af927da3e")},
    {"sha256-base64", SPAN_LIT(""), SPAN_LIT("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")},
    {"crc32", SPAN_LIT(""), SPAN_LIT("0")},
    {"sha256", SPAN_LIT("a"), SPAN_LIT("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")},
    {"sha1", SPAN_LIT("a"), SPAN_LIT("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8")},
    {"sha512", SPAN_LIT("a"),
     SPAN_LIT("1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbb"
              "ce8c12cfc7957b2652fe9a75")},
    {"sha256-base64", SPAN_LIT("a"), SPAN_LIT("ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=")},
    {"crc32", SPAN_LIT("a"), SPAN_LIT("3904355907")},
    {"sha256", SPAN_LIT("{\"type\":\"a\"}"),
     SPAN_LIT("a5baa7761ae99615d716345ab2258d232cd85ae5ca71cf2ba4cab24fb3985185")},
    {"sha1", SPAN_LIT("{\"type\":\"a\"}"), SPAN_LIT("872d57e8f205a1efbe3fcf2baa4fbaaba576b0f2")},
    {"sha512", SPAN_LIT("{\"type\":\"a\"}"),
     SPAN_LIT("478141cc518fb679342c9858ad18b096f5e44143747aa80eceda8ff5747f70e524e3766a71079e7e5fd282b163dabfede8fe293c"
              "7bc83a60cddbb4da01d6cad8")},
    {"sha256-base64", SPAN_LIT("{\"type\":\"a\"}"), SPAN_LIT("pbqndhrplhXXFjRasiWNIyzYWuXKcc8rpMqyT7OYUYU=")},
    {"crc32", SPAN_LIT("{\"type\":\"a\"}"), SPAN_LIT("1297940004")},
    {"sha256", ALL, SPAN_LIT("40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880")},
    {"sha1", ALL, SPAN_LIT("4916d6bdb7f78e6803698cab32d1586ea457dfc8")},
    {"sha512", ALL,
     SPAN_LIT("1e7b80bc8edc552c8feeb2780e111477e5bc70465fac1a77b29b35980c3f0ce4a036a6c9462036824bd56801e62af7e9feba5c22"
              "ed8a5af877bf7de117dcac6d")},
    {"sha256-base64", ALL, SPAN_LIT("QK/y6dLYki5Hr9RkjmlnSXFYeF+9Hahw5xECZr+USIA=")},
    {"crc32", ALL, SPAN_LIT("688229491")},
    {"sha256", SPAN_LIT("123456789"), SPAN_LIT("15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")},
    {"sha1", SPAN_LIT("123456789"), SPAN_LIT("f7c3bc1d808e04732adf679965ccc34ca7ae3441")},
    {"sha512", SPAN_LIT("123456789"),
     SPAN_LIT("d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455"
              "b6b5bb503acf574fba8ffe85")},
    {"sha256-base64", SPAN_LIT("123456789"), SPAN_LIT("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=")},
    {"crc32", SPAN_LIT("123456789"), SPAN_LIT("3421780262")},
    {"sha256", SPAN_LIT("\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd \xf0\x9f\x98\x80"),
     SPAN_LIT("5f6b85d36de1c6e764cca71b3927ac879d6410a45be8bb7ffa5b3f55c5332924")},
    {"sha1", SPAN_LIT("\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd \xf0\x9f\x98\x80"),
     SPAN_LIT("7a7624ae7ad50ad0e210a0b14a6eaaf864a3c9f4")},
    {"sha512", SPAN_LIT("\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd \xf0\x9f\x98\x80"),
     SPAN_LIT("f775ea9cb876e4cef19d42635742b394eb83df87f5c2909d39f9265d24b0881d209db7b134902c429e36b318b9400105b5cfabf0"
              "f6c675937f532068709f7850")},
    {"sha256-base64", SPAN_LIT("\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd \xf0\x9f\x98\x80"),
     SPAN_LIT("X2uF023hxudkzKcbOSesh51kEKRb6Lt/+ls/VcUzKSQ=")},
    {"crc32", SPAN_LIT("\xc5\xbelu\xc5\xa5ou\xc4\x8dk\xc3\xbd \xf0\x9f\x98\x80"), SPAN_LIT("3064072530")},
    {"form-sorted", SPAN_LIT(""), SPAN_LIT("")},
    {"plivo-v3-form:.", SPAN_LIT(""), SPAN_LIT("")},
    {"form-sorted", SPAN_LIT("a=1"), SPAN_LIT("a1")},
    {"plivo-v3-form:.", SPAN_LIT("a=1"), SPAN_LIT(".a1")},
    {"form-sorted", SPAN_LIT("b=2&a=1&b=1&a=1"), SPAN_LIT("a1b1b2")},
    {"plivo-v3-form:.", SPAN_LIT("b=2&a=1&b=1&a=1"), SPAN_LIT(".a1a1b1b2")},
    {"form-sorted", SPAN_LIT("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"),
     SPAN_LIT("Digits1234Digits5678SidCA123SidAccountAC123")},
    {"plivo-v3-form:.", SPAN_LIT("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"),
     SPAN_LIT(".Digits1234Digits1234Digits5678SidCA123SidAccountAC123")},
    {"form-sorted", SPAN_LIT("&&x&y=&=z&x=1=2&"), SPAN_LIT("zxx1=2y")},
    {"plivo-v3-form:.", SPAN_LIT("&&x&y=&=z&x=1=2&"), SPAN_LIT(".zxx1=2y")},
    {"form-sorted", SPAN_LIT("a+b=c%20d%2B%zz%4&%61=%C5%BE%ff%00"),
     SPAN_LIT("a\xc5\xbe\xff\x00"
              "a bc d+%zz%4")},
    {"plivo-v3-form:.", SPAN_LIT("a+b=c%20d%2B%zz%4&%61=%C5%BE%ff%00"),
     SPAN_LIT(".a\xc5\xbe\xff\x00"
              "a bc d+%zz%4")},
    {"form-sorted", SPAN_LIT("a=b&a%3Db=&ab=&a=%62"), SPAN_LIT("aba=bab")},
    {"plivo-v3-form:.", SPAN_LIT("a=b&a%3Db=&ab=&a=%62"), SPAN_LIT(".ababa=bab")},
    {"form-sorted", SPAN_LIT("\xc5\xbe=1&z=2&%F0%9F%98%80=3"),
     SPAN_LIT("z2\xc5\xbe"
              "1\xf0\x9f\x98\x80"
              "3")},
    {"plivo-v3-form:.", SPAN_LIT("\xc5\xbe=1&z=2&%F0%9F%98%80=3"),
     SPAN_LIT(".z2\xc5\xbe"
              "1\xf0\x9f\x98\x80"
              "3")},
    {"form-sorted", SPAN_LIT("k=%e2%82%ac&k=%E2%82%AC"), SPAN_LIT("k\xe2\x82\xac")},
    {"plivo-v3-form:.", SPAN_LIT("k=%e2%82%ac&k=%E2%82%AC"), SPAN_LIT(".k\xe2\x82\xack\xe2\x82\xac")},
    {"plivo-v3-url", SPAN_LIT("https://answer.url"), SPAN_LIT("https://answer.url")},
    {"plivo-v3-url", SPAN_LIT("https://h.test/p?b=2&a=1&b=1"), SPAN_LIT("https://h.test/p?a=1&b=1&b=2")},
    {"plivo-v3-url", SPAN_LIT("http://h.test:8080/a;b?x=%20y+z&e=&q#frag"),
     SPAN_LIT("http://h.test:8080/a;b?e=&q=&x= y z")},
    {"plivo-v3-url", SPAN_LIT("https://h.test/?"), SPAN_LIT("https://h.test/")},
    {"plivo-v3-url", SPAN_LIT("https://h.test?a=%C5%BE"), SPAN_LIT("https://h.test?a=\xc5\xbe")},
    {"box-escaped", SPAN_LIT(""), SPAN_LIT("")},
    {"box-escaped", SPAN_LIT("plain"), SPAN_LIT("plain")},
    {"box-escaped", SPAN_LIT("a\\b\\/c\\\\/d\\"), SPAN_LIT("a\\\\b\\/c\\\\\\/d\\\\")},
    {"box-escaped", SPAN_LIT("\x0d\x0a\x09\x00\x1f\x7f\xc2\x80"), SPAN_LIT("\\r\\n\\t\\u0000\\u001f\\u007f\\u0080")},
    {"box-escaped", SPAN_LIT("\xe3\x82\xb9\xe3\x82\xaf\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xef\xbf\xbf"),
     SPAN_LIT("\\u30b9\\u30af\\ud83d\\ude00\\udbff\\udfff\\uffff")},
    {"percent-decode", SPAN_LIT("a%40b%3ay%2C%2c%zz%"), SPAN_LIT("a@b:y,,%zz%")},
    {"percent-decode", SPAN_LIT("%2525"), SPAN_LIT("%25")},
    {"percent-decode", SPAN_LIT("+%20%ff%00x"), SPAN_LIT("+ \xff\x00x")},
    {"percent-decode:3A,2F,3F,40,21,24,27,28,29,2A,2C,3B",
     SPAN_LIT("https://e.test/%3a%2F%3F%40%21%24%27%28%29%2a%2C%3B%20%26%23%25%3A"),
     SPAN_LIT("https://e.test/:/?@!$'()*,;%20%26%23%25:")},
    {"percent-decode:3a", SPAN_LIT("%3A%3a%3B%3"), SPAN_LIT("::%3B%3")},
    {"plivo-v3-form", SPAN_LIT("b=1&a=2"), SPAN_LIT("a2b1")},
    {"plivo-v3-form:?", SPAN_LIT("b=1&a=2"), SPAN_LIT("?a2b1")},
    {"hmac-sha256-hex", SPAN_LIT("token"),
     SPAN_LIT("646b8eac0c4ae4178299c9bd924e2bf073dfb07e024901a8c864f65b9462bf0d")},
    {"hmac-sha256-base64", SPAN_LIT("token"), SPAN_LIT("ZGuOrAxK5BeCmcm9kk4r8HPfsH4CSQGoyGT2W5Rivw0=")},
    {"hmac-sha1-hex", SPAN_LIT("token"), SPAN_LIT("819630202032120269c926b9d28d617c5d497db2")},
    {"lower", SPAN_LIT("aZ[@\xc5\xbd\0Y"), SPAN_LIT("az[@\xc5\xbd\0y")},
    {"lower", SPAN_LIT(""), SPAN_LIT("")},
    {"trim", SPAN_LIT("\r\n \ta b\t \n"), SPAN_LIT("a b")},
    {"trim", SPAN_LIT(" \n"), SPAN_LIT("")},
    {"trim", SPAN_LIT("\0 x"), SPAN_LIT("\0 x")},
    {"json", SPAN_LIT("a\"b\\c/\n\x01\x7f\xc5\xbe"), SPAN_LIT("\"a\\\"b\\\\c/\\n\\u0001\\u007f\xc5\xbe\"")},
    {"json", SPAN_LIT("\xff\0<"), SPAN_LIT("\"\xef\xbf\xbd\\u0000<\"")},
    {"json", SPAN_LIT(""), SPAN_LIT("\"\"")},
    {"json-text", SPAN_LIT("a\"b\\"), SPAN_LIT("a\\\"b\\\\")},
    {"json-text", SPAN_LIT(""), SPAN_LIT("")},
    {"without-query", SPAN_LIT("https://h/p?a?b#c"), SPAN_LIT("https://h/p")},
    {"without-query", SPAN_LIT("https://h/p"), SPAN_LIT("https://h/p")},
    {"with-port", SPAN_LIT("https://h.test/p?x"), SPAN_LIT("https://h.test:443/p?x")},
    {"with-port", SPAN_LIT("http://h.test"), SPAN_LIT("http://h.test:80")},
    {"with-port", SPAN_LIT("HTTP://u:p@[::1]?x=:1"), SPAN_LIT("HTTP://u:p@[::1]:80?x=:1")},
    {"with-port", SPAN_LIT("https://h.test:1234/p"), SPAN_LIT("https://h.test:1234/p")},
    {"with-port", SPAN_LIT("https://h.test:/p"), SPAN_LIT("https://h.test:443/p")},
    {"without-port", SPAN_LIT("https://h.test:1234/p:1?x=:2"), SPAN_LIT("https://h.test/p:1?x=:2")},
    {"without-port", SPAN_LIT("https://h.test/p:1"), SPAN_LIT("https://h.test/p:1")},
    {"without-port", SPAN_LIT("https://u:1@[::1]:99"), SPAN_LIT("https://u:1@[::1]")},
    {"as-type", SPAN_LIT("order.Created_v2:a/b-c"), SPAN_LIT("order.Created_v2:a/b-c")},
    {"as-type", SPAN_LIT("transfers#state-change"), SPAN_LIT("transfers-state-change")},
    {"as-type", SPAN_LIT("Push Hook;\0\xc3\xa9"), SPAN_LIT("Push-Hook----")},
    {"as-type", SPAN_LIT(""), SPAN_LIT("")},
    {"basic-user", SPAN_LIT("Basic dXNlcjpwYTpzcw=="), SPAN_LIT("user")},
    {"basic-user", SPAN_LIT("basic OnB3"), SPAN_LIT("")},
    {"basic-user", SPAN_LIT("us\xc3\xa9r:pass"), SPAN_LIT("us\xc3\xa9r")},
};

START_TEST(test_values)
{
    struct span in = table[_i].in.p ? table[_i].in : span_of(all_bytes, sizeof all_bytes);
    gives(table[_i].name, in, table[_i].out);
}
END_TEST

static const struct {
    const char *name;
    struct span in;
} refused[] = {
    {"with-port", SPAN_LIT("ftp://h.test/")},
    {"with-port", SPAN_LIT("/path")},
    {"without-port", SPAN_LIT("h.test:80")},
    {"without-port", SPAN_LIT("")},
    {"plivo-v3-url", SPAN_LIT("https:h")},
    {"box-escaped", SPAN_LIT("a\xff")},
    {"box-escaped", SPAN_LIT("\xed\xa0\x80")},
    {"basic-user", SPAN_LIT("Basic dXNlcg==")},
    {"basic-user", SPAN_LIT("Basic dXNlcjpwYXNz=")},
    {"basic-user", SPAN_LIT("Bearer x")},
    {"basic-user", SPAN_LIT("Basic ")},
};

START_TEST(test_what_a_filter_does_not_take)
{
    struct span out = SPAN_LIT("untouched");
    ck_assert_int_eq(apply(refused[_i].name, refused[_i].in, &out), ERR_INVALID);
    ck_assert_span_eq(out, "untouched");
}
END_TEST

START_TEST(test_too_many_pairs)
{
    static char text[(FORM_PAIRS_MAX + 1) * 2];
    const char *const names[] = {"form-sorted", "plivo-v3-form"};
    struct span out;
    for (size_t i = 0; i <= FORM_PAIRS_MAX; i++)
        memcpy(text + 2 * i, "a&", 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(apply(names[i], span_of(text, sizeof text), &out), ERR_INVALID);
        ck_assert_int_eq(apply(names[i], span_of(text, sizeof text - 2), &out), ERR_OK);
    }
}
END_TEST

START_TEST(test_macs_need_a_key)
{
    static const unsigned char longer[200] = "";
    const char *const macs[] = {"hmac-sha256-hex", "hmac-sha256-base64", "hmac-sha1-hex"};
    struct filter_use use;
    struct span out;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(filter_parse(span_str(macs[i]), &use, NULL), ERR_OK);
        ck_assert(filter_needs_key(&use));
        ck_assert_int_eq(filter_apply(&use, NULL, SPAN_LIT("x"), &a, &out), ERR_INVALID);
        ck_assert_int_eq(filter_apply(&use, &(struct filter_key){longer, sizeof longer}, SPAN_LIT("x"), &a, &out),
                         ERR_OK);
    }
    ck_assert_int_eq(filter_parse(SPAN_LIT("sha256"), &use, NULL), ERR_OK);
    ck_assert(!filter_needs_key(&use));
}
END_TEST

static const struct {
    const char *text, *problem;
} unknown[] = {
    {"sha265", "did you mean sha256"},
    {"", "is not a filter"},
    {"nothing-like-it", "'nothing-like-it' is not a filter"},
    {"sha256:1", "the filter sha256 takes no argument"},
    {"lower:", "the filter lower takes no argument"},
    {"percent-decode:", "must be bytes in hexadecimal"},
    {"percent-decode:3", "must be bytes in hexadecimal"},
    {"percent-decode:3A,", "must be bytes in hexadecimal"},
    {"percent-decode:3A2F", "must be bytes in hexadecimal"},
    {"percent-decode:3A,2", "must be bytes in hexadecimal"},
    {"percent-decode:3A,2G", "must be bytes in hexadecimal"},
    {"percent-decode:%3A", "must be bytes in hexadecimal"},
};

START_TEST(test_names_and_arguments)
{
    struct filter_use use;
    struct why w;
    ck_assert_int_eq(filter_parse(span_str(unknown[_i].text), &use, &w), ERR_INVALID);
    ck_assert_msg(strstr(w.text, unknown[_i].problem) != NULL, "'%s' does not say '%s'", w.text, unknown[_i].problem);
}
END_TEST

static const char *const names[] = {
#define X(name, work, takes, keyed) name,
#include "recipe/filters.tbl"
#undef X
};
enum { NAMES = sizeof names / sizeof *names };

/* Whatever comes in and however small the arena: an answer, and at most a few times the bytes that came in. */
START_TEST(test_any_bytes_in_any_room)
{
    uint32_t seed = (uint32_t)_i + 1;
    for (int round = suite_rounds(300); round > 0; round--) {
        static const char likely[] = "https://h:1?a=b&%41+\\\"\n\xf0\x9f\x98\x80 Basic:";
        char in[64];
        struct arena small;
        struct span out = SPAN_NONE;
        struct filter_use use;
        seed = seed * 1664525 + 1013904223;
        size_t n = (seed >> 10) % sizeof in, room = (seed >> 20) % 512 + 1;
        size_t kept = (seed >> 13) % (n + 1);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            in[i] = i < kept       ? likely[i % (sizeof likely - 1)]
                    : seed & 0x100 ? (char)(seed >> 9)
                                   : likely[(seed >> 9) % sizeof likely];
        }
        ck_assert(arena_init(&small, room));
        ck_assert_int_eq(filter_parse(span_str(names[_i]), &use, NULL), ERR_OK);
        enum err e =
            filter_apply(&use, &(struct filter_key){(const unsigned char *)in, n}, span_of(in, n), &small, &out);
        ck_assert_msg(e == ERR_OK || e == ERR_INVALID || e == ERR_NO_ROOM, "%s", err_code(e));
        ck_assert_int_eq(e == ERR_OK, out.p != NULL);
        ck_assert_uint_le(out.n, n * 6 + 128);
        ck_assert_uint_le(small.n, room);
        arena_fini(&small);
    }
}
END_TEST

/* What the senders' own SDKs say the MAC of the whole content is, in base64. */
static const struct {
    const char *what, *key;
    bool sha1;
    const char *filter1;
    struct span in1;
    const char *filter2;
    struct span in2;
    const char *behind, *mac;
} published[] = {
#define TWILIO_FORM                                                                                                    \
    SPAN_LIT("CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309")
    {"twilio-python, duplicate parameters", "12345", true, "trim",
     SPAN_LIT("https://mycompany.com/myapp.php?foo=1&bar=2"), "form-sorted",
     SPAN_LIT("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"), "", "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
    {"twilio-python, without port", "12345", true, "without-port",
     SPAN_LIT("https://mycompany.com:1234/myapp.php?foo=1&bar=2"), "form-sorted", TWILIO_FORM, "",
     "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
    {"twilio-python, with port", "12345", true, "with-port", SPAN_LIT("https://mycompany.com/myapp.php?foo=1&bar=2"),
     "form-sorted", TWILIO_FORM, "", "kvajT1Ptam85bY51eRf/AJRuM3w="},
    {"twilio-python, with port 80", "12345", true, "with-port", SPAN_LIT("http://mycompany.com/myapp.php?foo=1&bar=2"),
     "form-sorted", TWILIO_FORM, "", "0ZXoZLH/DfblKGATFgpif+LLRf4="},
#define BOX(name)                                                                                                      \
    SPAN_LIT("{\"webhook\":{\"id\":\"1234567890\"},\"trigger\":\"FILE.UPLOADED\",\"source\":{\"id\":\"1234567890\","   \
             "\"type\":\"file\",\"name\":\"" name "\"}}")
    {"box-python-sdk, japanese", "SamplePrimaryKey", false, "box-escaped",
     BOX("\xe3\x82\xb9\xe3\x82\xaf\xe3\x83\xaa\xe3\x83\xbc\xe3\x83\xb3\xe3\x82\xb7\xe3\x83\xa7\xe3\x83\x83\xe3\x83\x88 "
         "2020-08-05.txt"),
     "trim", SPAN_LIT(""), "2020-01-01T00:00:00-07:00", "LV2uCu+5NJtIHrCXDYgZ0v/PP5THGRuegw3RtdnEyuE="},
    {"box-python-sdk, emoji", "SamplePrimaryKey", false, "box-escaped", BOX("\xf0\x9f\x98\x80 2020-08-05.txt"), "trim",
     SPAN_LIT(""), "2020-01-01T00:00:00-07:00", "xF/SDZosX4le+v4A0Qn59sZhuD1RqY5KRUKzVMSbh0E="},
    {"box-python-sdk, carriage return", "SamplePrimaryKey", false, "box-escaped", BOX("test \r"), "trim", SPAN_LIT(""),
     "2020-01-01T00:00:00-07:00", "SVkbKgy3dEEf2PbbzpNu2lDZS7zZ/aboU7HOZgBGrJk="},
    {"box-python-sdk, backslash", "SamplePrimaryKey", false, "box-escaped", BOX("\\"), "trim", SPAN_LIT(""),
     "2020-01-01T00:00:00-07:00", "ERpMZwUQsGDTfj82ehdX6VvDZfvOhK5ULNfVmwVAGe0="},
    {"plivo-python, without query", "my_auth_token", false, "without-query", SPAN_LIT("https://answer.url"), "trim",
     SPAN_LIT(""), "12345", "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc="},
};

START_TEST(test_published_signatures)
{
    struct span first, second;
    unsigned char mac[EVP_MAX_MD_SIZE];
    char text[128];
    unsigned n;
    ck_assert_int_eq(apply(published[_i].filter1, published[_i].in1, &first), ERR_OK);
    ck_assert_int_eq(apply(published[_i].filter2, published[_i].in2, &second), ERR_OK);
    struct buf b = arena_open(&a);
    buf_put_span(&b, first);
    buf_put_span(&b, second);
    buf_puts(&b, published[_i].behind);
    ck_assert_ptr_nonnull(HMAC(published[_i].sha1 ? EVP_sha1() : EVP_sha256(), published[_i].key,
                               (int)strlen(published[_i].key), (const unsigned char *)b.p, b.n, mac, &n));
    base64_encode(mac, n, text);
    ck_assert_msg(strcmp(text, published[_i].mac) == 0, "%s: %s of %.*s", published[_i].what, text, (int)b.n, b.p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("filter");
    TCase *t = tcase_create("filter");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_values, 0, sizeof table / sizeof *table);
    tcase_add_loop_test(t, test_what_a_filter_does_not_take, 0, sizeof refused / sizeof *refused);
    tcase_add_test(t, test_too_many_pairs);
    tcase_add_test(t, test_macs_need_a_key);
    tcase_add_loop_test(t, test_names_and_arguments, 0, sizeof unknown / sizeof *unknown);
    tcase_add_loop_test(t, test_any_bytes_in_any_room, 0, NAMES);
    tcase_add_loop_test(t, test_published_signatures, 0, sizeof published / sizeof *published);
    suite_add_tcase(s, t);
    return suite_run(s);
}
