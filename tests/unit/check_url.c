/* SPDX-License-Identifier: MIT
 * check_url: URLs taken apart, and which of them may be fetched.
 */
#include "suite.h"

#include "recipe/url.h"

static void part(struct span got, const char *want)
{
    if (want)
        ck_assert_span_eq(got, want);
    ck_assert_msg((got.p != NULL) == (want != NULL), "present or not: %s", want ? want : "(none)");
}

static const struct {
    const char *text, *scheme, *userinfo, *host, *port, *path, *query, *fragment;
} split[] = {
    {"https://answer.url", "https", NULL, "answer.url", NULL, "", NULL, NULL},
    {"HTTP://u:p@h.test:8080/a/b?x=1#f", "HTTP", "u:p", "h.test", "8080", "/a/b", "x=1", "f"},
    {"https://a@b@h.test", "https", "a@b", "h.test", NULL, "", NULL, NULL},
    {"https://h.test?q?r", "https", NULL, "h.test", NULL, "", "q?r", NULL},
    {"https://h.test:/", "https", NULL, "h.test", "", "/", NULL, NULL},
    {"https://[::1]:443/?#", "https", NULL, "[::1]", "443", "/", "", ""},
    {"https://h.test#f?g/", "https", NULL, "h.test", NULL, "", NULL, "f?g/"},
    {"x+y.z-1://h/\xff \\", "x+y.z-1", NULL, "h", NULL, "/\xff \\", NULL, NULL},
};

START_TEST(test_parts)
{
    struct url u;
    ck_assert_msg(url_split(span_str(split[_i].text), &u), "%s", split[_i].text);
    part(u.scheme, split[_i].scheme);
    part(u.userinfo, split[_i].userinfo);
    part(u.host, split[_i].host);
    part(u.port, split[_i].port);
    part(u.path, split[_i].path);
    part(u.query, split[_i].query);
    part(u.fragment, split[_i].fragment);
}
END_TEST

static const char *const no_urls[] = {
    "",
    "h.test",
    "//h.test/",
    "https:/h.test",
    "https:h.test",
    "https://",
    "https:///p",
    "1ttps://h.test",
    "ht tp://h",
    "https://h:x/",
    "https://h:123456/",
    "https://h te.st",
    "https://[::1",
    "https://[]/",
    "https://[::1]x/",
    "https://h\\e.test",
    "https://h%2e.test",
    "https://\xc5\xbe.test",
    "https://:80",
    "https://u@:80/",
    "https://[g/h]/",
    "https://[::1%eth0]",
    "://h",
};

START_TEST(test_no_urls)
{
    struct url u;
    ck_assert_msg(!url_split(span_str(no_urls[_i]), &u), "%s", no_urls[_i]);
}
END_TEST

START_TEST(test_nul_in_the_host)
{
    struct url u;
    ck_assert(!url_split(SPAN_LIT("https://h\0.test/"), &u));
    ck_assert(!url_split(SPAN_NONE, &u));
}
END_TEST

static const char *const hosts[] = {"sns.*.amazonaws.com", "api.example.com", "k.eu-*.c-d.test", "*-x.test"};

START_TEST(test_listed_hosts)
{
    static const struct {
        const char *host;
        bool listed;
    } cases[] = {
        {"sns.us-east-1.amazonaws.com", true},
        {"SNS.eu-west-1.AmazonAWS.com", true},
        {"api.example.com", true},
        {"sns.amazonaws.com", false},
        {"sns.a.b.amazonaws.com", false},
        {"sns..amazonaws.com", false},
        {"sns.us-east-1.amazonaws.com.", false},
        {"sns.us-east-1.amazonaws.com.evil.test", false},
        {"evil.sns.us-east-1.amazonaws.com", false},
        {"xapi.example.com", false},
        {"example.com", false},
        {"", false},
        {"api.example.co", false},
        {"api", false},
        {"k.eu-west-1.c-d.test", true},
        {"k.EU-.c-d.test", true},
        {"k.eu.c-d.test", false},
        {"k.xeu-1.c-d.test", false},
        {"k.eu-1.2.c-d.test", false},
        {"a-x.test", true},
        {"-x.test", true},
        {"x.test", false},
        {"a-xx.test", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(url_host_listed(span_str(cases[i].host), hosts, 4) == cases[i].listed, "%s", cases[i].host);
    ck_assert(!url_host_listed(SPAN_LIT("api.example.com"), hosts, 0));
}
END_TEST

#define OTHER_PORT "its port is not the one that is listed, or else 443"
static const char *const with_ports[] = {"sns.*.amazonaws.com", "api.example.com", "*.grid.example.com:553"};
static const struct {
    const char *text, *problem; /* NULL: may be fetched */
} fetched[] = {
    {"https://sns.us-east-1.amazonaws.com/x.pem", NULL},
    {"HTTPS://api.example.com:443/a?b=c", NULL},
    {"http://api.example.com/", "it is not https"},
    {"https://api.example.com:8443/", OTHER_PORT},
    {"https://api.example.com:/", OTHER_PORT},
    {"https://a.grid.example.com:553/", NULL},
    {"https://a.grid.example.com/", OTHER_PORT},
    {"https://a.grid.example.com:443/", OTHER_PORT},
    {"https://a.grid.example.com:5533/", OTHER_PORT},
    {"https://grid.example.com:553/", "its host is not on the list"},
    {"https://u@api.example.com/", "it names a user"},
    {"https://api.example.com@evil.test/", "it names a user"},
    {"https://evil.test\\@api.example.com/", "it is not a URL"},
    {"https://evil.test/", "its host is not on the list"},
    {"https://evil.test/?https://api.example.com/", "its host is not on the list"},
    {"https://api.example.com/#f", "it has a fragment"},
    {"https://api.example.com/ x", "it is not a URL"},
    {"https://api.example.com/\r\nHost: evil", "it is not a URL"},
    {"https://api.example.com/\xc5\xbe", "it is not a URL"},
    {"file:///etc/passwd", "it is not a URL"},
    {"", "it is not a URL"},
};

START_TEST(test_fetchable)
{
    const char *problem;
    bool may = url_fetchable(span_str(fetched[_i].text), with_ports, 3, &problem);
    ck_assert_msg(may == !fetched[_i].problem, "%s: %s", fetched[_i].text, problem ? problem : "may be fetched");
    if (problem)
        ck_assert_str_eq(problem, fetched[_i].problem);
}
END_TEST

START_TEST(test_too_long)
{
    static char text[URL_FETCHABLE_BYTES + 1];
    const char *problem, start[] = "https://api.example.com/";
    memset(text, 'a', sizeof text);
    memcpy(text, start, sizeof start - 1);
    ck_assert(url_fetchable(span_of(text, URL_FETCHABLE_BYTES), hosts, 2, &problem));
    ck_assert(!url_fetchable(span_of(text, sizeof text), hosts, 2, &problem));
    ck_assert_str_eq(problem, "it is too long");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("url");
    TCase *t = tcase_create("url");
    tcase_add_loop_test(t, test_parts, 0, sizeof split / sizeof *split);
    tcase_add_loop_test(t, test_no_urls, 0, sizeof no_urls / sizeof *no_urls);
    tcase_add_test(t, test_nul_in_the_host);
    tcase_add_test(t, test_listed_hosts);
    tcase_add_loop_test(t, test_fetchable, 0, sizeof fetched / sizeof *fetched);
    tcase_add_test(t, test_too_long);
    suite_add_tcase(s, t);
    return suite_run(s);
}
