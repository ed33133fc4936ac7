/* SPDX-License-Identifier: MIT
 * check_cidr: addresses and blocks as they are written, membership against counting bits, and whose request it is
 * behind proxies, whatever a client has put into X-Forwarded-For.
 */
#include "suite.h"

#include <stdio.h>

#include "base/cidr.h"

static struct address address(const char *text)
{
    struct address a = {{0}};
    ck_assert_msg(address_parse(span_str(text), &a) == ERR_OK, "%s", text);
    return a;
}

START_TEST(addresses_are_read_and_written)
{
    static const struct {
        const char *text, *again;
    } good[] = {{"192.0.2.1", "192.0.2.1"},
                {"0.0.0.0", "0.0.0.0"},
                {"::", "::"},
                {"::1", "::1"},
                {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
                {"::ffff:192.0.2.1", "192.0.2.1"},
                {"::ffff:c000:201", "192.0.2.1"},
                {"fe80::1%eth0", "fe80::1"}};
    static const char *const bad[] = {"", " 192.0.2.1", "192.0.2.1 ", "192.0.2", "192.0.2.256", "192.0.2.01", "1", "192.0.2.1/32", "unix:", "@",
                                      "2001:db8::1::", "[::1]", "::1%", "%eth0", "192.0.2.1%eth0", "unknown", "_hidden",
                                      "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:1111", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    char text[ADDRESS_TEXT_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct address a = address(good[i].text);
        ck_assert_uint_eq(address_format(&a, text), strlen(good[i].again));
        ck_assert_str_eq(text, good[i].again);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct address a = {{9}};
        ck_assert_msg(address_parse(span_str(bad[i]), &a) == ERR_INVALID && a.b[0] == 9, "%s", bad[i]);
    }
    struct address a;
    ck_assert_int_eq(address_parse(span_of("192.0.2.1\0x", 11), &a), ERR_INVALID);
    struct address none = {{0}};
    ck_assert(!address_known(&none) && address_format(&none, text) == 7);
    ck_assert_str_eq(text, "unknown");
}
END_TEST

START_TEST(ipv6_is_cut_to_its_network)
{
    static const struct {
        const char *text;
        unsigned bits;
        const char *cut;
    } cases[] = {{"2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::"},   {"2001:db8:1:ffff:3:4:5:6", 56, "2001:db8:1:ff00::"},
                 {"2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6"}, {"2001:db8:1:2:3:4:5:7", 127, "2001:db8:1:2:3:4:5:6"},
                 {"2001:db8::1", 0, "::"}, {"192.0.2.77", 64, "192.0.2.77"}, {"::ffff:192.0.2.77", 64, "192.0.2.77"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address a = address(cases[i].text), want = address(cases[i].cut);
        address_truncate(&a, cases[i].bits);
        ck_assert_msg(memcmp(&a, &want, sizeof a) == 0, "%s/%u", cases[i].text, cases[i].bits);
    }
}
END_TEST

START_TEST(blocks_are_read_strictly)
{
    static const struct {
        const char *text, *first, *last;
    } good[] = {{"192.0.2.0/24", "192.0.2.0", "192.0.2.255"},
                {"192.0.2.7", "192.0.2.7", "192.0.2.7"},
                {"192.0.2.6/31", "192.0.2.6", "192.0.2.7"},
                {"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
                {"2001:db8::/33", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"},
                {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
                {"::1", "::1", "::1"},
                {"::ffff:192.0.2.0/120", "192.0.2.0", "192.0.2.255"},
                {"::ffff:0:0/96", "0.0.0.0", "255.255.255.255"}};
    static const struct {
        const char *text, *reason;
    } bad[] = {{"192.0.2.1/24", "write 192.0.2.0/24"}, {"2001:db8::1/64", "write 2001:db8::/64"}, {"192.0.2.0/33", "0 to 32"},
               {"2001:db8::/129", "0 to 128"}, {"192.0.2.0/", "0 to 32"}, {"192.0.2.0/08", "0 to 32"}, {"192.0.2.0/-1", "0 to 32"},
               {"192.0.2.0/24/24", "0 to 32"}, {"192.0.2/24", "must be an address"}, {"", "must be an address"}, {"/8", "must be an address"},
               {"::ffff:192.0.2.1/120", "write 192.0.2.0/24"}, {"*", "must be an address"}, {"localhost", "must be an address"},
               {"192.0.2.0/9999", "0 to 32"}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct cidr c;
        struct why w = {""};
        struct address first = address(good[i].first), last = address(good[i].last);
        ck_assert_msg(cidr_parse(span_str(good[i].text), &c, &w) == ERR_OK, "%s: %s", good[i].text, w.text);
        ck_assert_msg(memcmp(&c.first, &first, sizeof first) == 0 && memcmp(&c.last, &last, sizeof last) == 0, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cidr c;
        struct why w = {""};
        ck_assert_msg(cidr_parse(span_str(bad[i].text), &c, &w) == ERR_INVALID && strstr(w.text, bad[i].reason), "%s: %s", bad[i].text, w.text);
    }
}
END_TEST

static struct cidr_list list_of(const char *const *texts, size_t n)
{
    struct cidr_list l;
    struct why w = {""};
    ck_assert_msg(cidr_list_new(texts, n, &l, &w) == ERR_OK, "%s", w.text);
    return l;
}
#define LIST(...) list_of((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

START_TEST(a_list_holds_what_its_blocks_hold)
{
    struct cidr_list l = LIST("192.0.2.0/24", "10.0.0.0/8", "192.0.2.128/25", "10.1.0.0/16", "2001:db8::/32", "198.51.100.7", "198.51.100.8");
    static const char *const in[] = {"192.0.2.0", "192.0.2.255", "10.0.0.0", "10.255.255.255", "10.2.0.1", "2001:db8:ffff::1",
                                     "198.51.100.7", "198.51.100.8", "::ffff:10.0.0.1"};
    static const char *const out[] = {"192.0.1.255", "192.0.3.0", "9.255.255.255", "11.0.0.0", "2001:db7::1", "2001:db9::", "198.51.100.6",
                                      "198.51.100.9", "::1", "0.0.0.0", "255.255.255.255", "::10.0.0.1"};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        struct address a = address(in[i]);
        ck_assert_msg(cidr_list_has(&l, &a), "%s", in[i]);
    }
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        struct address a = address(out[i]);
        ck_assert_msg(!cidr_list_has(&l, &a), "%s", out[i]);
    }
    struct address none = {{0}};
    ck_assert(!cidr_list_has(&l, &none));
    cidr_list_fini(&l);
    struct address a = address("192.0.2.1");
    ck_assert(!cidr_list_has(&l, &a));
    l = LIST("0.0.0.0/0");
    ck_assert(cidr_list_has(&l, &a) && !cidr_list_has(&l, &none));
    a = address("2001:db8::1");
    ck_assert(!cidr_list_has(&l, &a));
    cidr_list_fini(&l);
    l = LIST("::/0");
    ck_assert(cidr_list_has(&l, &a));
    a = address("::ffff:192.0.2.1"); /* an IPv4 address */
    ck_assert(!cidr_list_has(&l, &a));
    cidr_list_fini(&l);
}
END_TEST

/* Random lists of short prefixes, against looking at every block. */
START_TEST(a_list_agrees_with_its_blocks)
{
    unsigned seed = 3;
    for (int round = 0; round < suite_rounds(300); round++) {
        enum { N = 40 };
        static char text[N][ADDRESS_TEXT_BYTES + 4];
        const char *texts[N];
        struct cidr blocks[N];
        for (size_t i = 0; i < N; i++) {
            seed = seed * 1103515245 + 12345;
            unsigned v = seed >> 8, bits = 24 + (seed >> 4) % 9;
            v &= bits < 32 ? 0xffffu << (32 - bits) : 0xffffu;
            snprintf(text[i], sizeof text[i], "10.9.%u.%u/%u", (v >> 8) & 0x7u, v & 0xffu, bits);
            texts[i] = text[i];
            ck_assert_int_eq(cidr_parse(span_str(texts[i]), &blocks[i], NULL), ERR_OK);
        }
        struct cidr_list l = list_of(texts, N);
        for (unsigned v = 0; v < 0x800; v += 3) {
            struct address a = {{4, 10, 9, (uint8_t)(v >> 8), (uint8_t)v}};
            bool in = false;
            for (size_t i = 0; i < N; i++)
                in = in || (memcmp(&a, &blocks[i].first, sizeof a) >= 0 && memcmp(&a, &blocks[i].last, sizeof a) <= 0);
            ck_assert_int_eq(cidr_list_has(&l, &a), in);
        }
        cidr_list_fini(&l);
    }
}
END_TEST

START_TEST(the_client_is_the_first_that_is_no_proxy)
{
    struct cidr_list proxies = LIST("10.0.0.0/8", "2001:db8:aa::/48");
    static const struct {
        const char *peer, *one, *two, *client;
    } cases[] = {
        /* the peer is no proxy of ours: nothing that it says counts */
        {"192.0.2.1", NULL, NULL, "192.0.2.1"},
        {"192.0.2.1", "10.0.0.1", NULL, "192.0.2.1"},
        {"192.0.2.1", "203.0.113.9, 10.0.0.1", NULL, "192.0.2.1"},
        {"", "203.0.113.9", NULL, "unknown"},
        {"unix:", "203.0.113.9", NULL, "unknown"},
        /* one proxy, two, and what a client has invented left of itself */
        {"10.0.0.1", NULL, NULL, "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", NULL, "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9,10.0.0.2", NULL, "203.0.113.9"},
        {"10.0.0.1", "10.1.1.1, 198.51.100.1,203.0.113.9 ,\t10.0.0.2", NULL, "203.0.113.9"},
        {"10.0.0.1", "garbage, 203.0.113.9", NULL, "203.0.113.9"},
        {"10.0.0.1", "198.51.100.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"},
        {"10.0.0.1", "198.51.100.1", "203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9", "10.0.0.2", "203.0.113.9"},
        /* all of them are proxies */
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", NULL, "10.0.0.3"},
        /* no address where one has to be */
        {"10.0.0.1", "unknown", NULL, "unknown"},
        {"10.0.0.1", "203.0.113.9, unknown", NULL, "unknown"},
        {"10.0.0.1", "203.0.113.9, _gazonk, 10.0.0.2", NULL, "unknown"},
        {"10.0.0.1", "203.0.113.9 198.51.100.1", NULL, "unknown"},
        /* empty elements */
        {"10.0.0.1", "", NULL, "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9,", NULL, "203.0.113.9"},
        {"10.0.0.1", " , ,203.0.113.9, ,", "", "203.0.113.9"},
        /* ports and brackets */
        {"10.0.0.1", "203.0.113.9:4711", NULL, "203.0.113.9"},
        {"10.0.0.1", "[2001:db8::9]:4711", NULL, "2001:db8::9"},
        {"10.0.0.1", "[2001:db8::9]", NULL, "2001:db8::9"},
        {"2001:db8:aa::1", "2001:db8::9, [2001:db8:aa::2]:80", NULL, "2001:db8::9"},
        {"10.0.0.1", "[2001:db8::9", NULL, "unknown"},
        {"10.0.0.1", "[2001:db8::9]x", NULL, "unknown"},
        {"10.0.0.1", "203.0.113.9:", NULL, "unknown"},
        {"10.0.0.1", "203.0.113.9:123456", NULL, "unknown"},
        {"::ffff:10.0.0.1", "::ffff:203.0.113.9", NULL, "203.0.113.9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct span fields[2] = {span_str(cases[i].one), span_str(cases[i].two)};
        struct address peer = {{0}};
        char text[ADDRESS_TEXT_BYTES];
        (void)address_parse(span_str(cases[i].peer), &peer);
        struct address a = cidr_client(&proxies, peer, fields, (cases[i].one != NULL) + (cases[i].two != NULL));
        address_format(&a, text);
        ck_assert_msg(strcmp(text, cases[i].client) == 0, "%zu: %s", i, text);
    }
    cidr_list_fini(&proxies);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cidr");
    TCase *t = tcase_create("cidr");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, addresses_are_read_and_written);
    tcase_add_test(t, ipv6_is_cut_to_its_network);
    tcase_add_test(t, blocks_are_read_strictly);
    tcase_add_test(t, a_list_holds_what_its_blocks_hold);
    tcase_add_test(t, a_list_agrees_with_its_blocks);
    tcase_add_test(t, the_client_is_the_first_that_is_no_proxy);
    suite_add_tcase(s, t);
    return suite_run(s);
}
