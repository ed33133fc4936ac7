/* SPDX-License-Identifier: MIT
 * check_format: every format and pattern of the JSON Schema test suite's optional part (tests/vectors/json-schema), and what it
 * does not ask.
 */
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "schema/format.h"
#include "schema/pattern.h"

static const struct {
    const char *format, *text;
    bool holds;
} more[] = {
    {"date", "2024-02-29", true},
    {"date", "2024-02-29 ", false},
    {"date-time", "2024-02-29T12:00:00.Z", false},
    {"date-time", "2024-02-29 12:00:00Z", false},
    {"time", "12:00:00+0100", false},
    {"duration", "P1W2D", false},
    {"duration", "PT1H1H", false},
    {"duration", "PT1", false},
    {"duration", "P1DT", false},
    {"email", "a@b@example.com", false},
    {"email", "\"a\"b\"@example.com", false},
    {"email", "\"a\\\"@example.com", false},
    {"email", "\"a\\\"b\"@example.com", true},
    {"email", "\xc3\xa9@example.com", false},
    {"email", "a@[IPv6:1]", false},
    {"email", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com", false},
    {"idn-email", "\xc3\xa9@\xc3\xa9", true},
    {"hostname", "a..b", false},
    {"hostname", "ab--cd", false},
    {"ipv4", "1.2.3.4.", false},
    {"ipv6", "1:2:3:4:5:6:7::", true},
    {"ipv6", "::ffff:1.2.3.4.5", false},
    {"ipv6", "1::2%eth0", false},
    {"uri", "http://[v1.a:b]/", true},
    {"uri", "http://[v.a]/", false},
    {"uri", "http://[v1.]/", false},
    {"uri", "http://[::1", false},
    {"uri", "http://[::1]x", false},
    {"uri", "http://a:80:90/", false},
    {"uri", "http://a?b?c/d#e?f", true},
    {"uri", "http://a#b#c", false},
    {"uri", ":", false},
    {"uri", "a:", true},
    {"uri-reference", "a:b:c", true},
    {"uri-reference", "a/b:c", true},
    {"uri-reference", "_a:b", false},
    {"iri", "http://a/\xee\x80\x80", false}, /* U+E000 is private: in a query only */
    {"iri", "http://a/?\xee\x80\x80", true},
    {"iri", "http://a/?\xef\xbf\xbf", false},
    {"uri-template", "{a", false},
    {"uri-template", "{{a}}", false},
    {"uri-template", "%4", false},
    {"uri-template", "{%4}", false},
    {"uri-template", "{a:1*}", false},
    {"uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", false},
    {"json-pointer", "/a~", false},
    {"relative-json-pointer", "0#/a", false},
    {"regex", "(", false},
    {"regex", "^[a-z]+$", true},
};

static bool holds(const char *format, struct span text)
{
    const struct format *f = format_find(span_str(format));
    ck_assert_msg(f, "%s is not there", format);
    ck_assert_str_eq(format_name(f), format);
    ck_assert(format_words(f)[0]);
    return format_holds(f, text);
}

START_TEST(test_more)
{
    ck_assert_msg(holds(more[_i].format, span_str(more[_i].text)) == more[_i].holds, "%s '%s'", more[_i].format,
                  more[_i].text);
}
END_TEST

/* A NUL or 0x80 anywhere makes nothing crash, and no text is longer than what was handed over. */
START_TEST(test_bytes)
{
    static const char *const names[] = {"date",      "date-time",     "time",          "duration",     "email",
                                        "idn-email", "hostname",      "ipv4",          "ipv6",         "uri",
                                        "iri",       "uri-reference", "iri-reference", "uri-template", "uuid"};
    for (size_t k = 0; k < sizeof more / sizeof *more; k++)
        for (size_t i = 0; i < strlen(more[k].text); i++) {
            char text[128];
            size_t n = strlen(more[k].text);
            memcpy(text, more[k].text, n);
            text[i] = 0;
            for (size_t j = 0; j < sizeof names / sizeof *names; j++)
                ck_assert_msg(!holds(names[j], span_of(text, n)), "%s %s with a NUL", names[j], more[k].text);
        }
    ck_assert(!holds("date", span_of("2024-02-291", 9)));
    ck_assert_ptr_null(format_find(SPAN_LIT("idn-hostname")));
    ck_assert_ptr_null(format_find(SPAN_LIT("Date")));
}
END_TEST

static struct buf read_vectors(const char *path)
{
    struct buf b;
    struct why w = {""};
    buf_init(&b, 1 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, path, &b, &w) == ERR_OK, "%s", w.text);
    return b;
}

/* Host names that begin with xn-- are not decoded, so what is wrong inside of them is not seen. */
static bool is_beyond(const char *format, struct span text)
{
    for (size_t i = 0; strcmp(format, "hostname") == 0 && i + 4 <= text.n; i++)
        if (span_eq_nocase(span_of(text.p + i, 4), SPAN_LIT("xn--")))
            return true;
    return false;
}

static int run_format(struct span schema, struct span test, const char *path)
{
    struct buf name, text;
    buf_init(&name, 64);
    buf_init(&text, 65536);
    struct span data = json_member(test, "data");
    bool valid = json_type_of(json_member(test, "valid")) == JSON_TRUE, asked = false;
    ck_assert_int_eq(json_unescape(json_member(schema, "format"), &name), ERR_OK);
    buf_putc(&name, 0);
    if (json_type_of(data) == JSON_STRING && json_unescape(data, &text) == ERR_OK &&
        (valid || !is_beyond(name.p, buf_span(&text)))) {
        bool good = holds(name.p, buf_span(&text));
        ck_assert_msg(good == valid, "%s: %s %.*s", path, name.p, (int)data.n, data.p);
        asked = true;
    }
    buf_fini(&name);
    buf_fini(&text);
    return asked;
}

static int run_groups(const char *path, int (*run)(struct span schema, struct span test, const char *path))
{
    struct buf b = read_vectors(path);
    struct span group, test;
    int n = 0;
    for (struct json_iter groups = json_iter(buf_span(&b)); json_next_element(&groups, &group);)
        for (struct json_iter it = json_iter(json_member(group, "tests")); json_next_element(&it, &test);)
            n += run(json_member(group, "schema"), test, path);
    buf_fini(&b);
    return n;
}

static const char *const drafts[] = {TESTS_SRCDIR "/tests/vectors/json-schema/tests/draft7/optional",
                                     TESTS_SRCDIR "/tests/vectors/json-schema/tests/draft2020-12/optional"};

START_TEST(test_suite_formats)
{
    char folder[1024], path[2048];
    int n = 0;
    snprintf(folder, sizeof folder, "%s/format", drafts[_i]);
    DIR *d = opendir(folder);
    ck_assert_msg(d, "%s is not there", folder);
    for (struct dirent *one; (one = readdir(d));) {
        if (one->d_name[0] == '.' || strcmp(one->d_name, "unknown.json") == 0 ||
            strcmp(one->d_name, "idn-hostname.json") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, one->d_name);
        n += run_groups(path, run_format);
    }
    closedir(d);
    ck_assert_int_gt(n, 400);
}
END_TEST

static int run_pattern(struct span schema, struct span test, const char *path)
{
    struct pattern *p;
    struct pattern_context *c;
    struct buf ecma, text;
    struct span data = json_member(test, "data"), pattern = json_member(schema, "pattern");
    if (!pattern.p || json_type_of(data) != JSON_STRING)
        return 0;
    buf_init(&ecma, 65536);
    buf_init(&text, 65536);
    ck_assert_int_eq(json_unescape(pattern, &ecma), ERR_OK);
    ck_assert_int_eq(json_unescape(data, &text), ERR_OK);
    ck_assert_int_eq(pattern_compile(buf_span(&ecma), &p, NULL), ERR_OK);
    ck_assert_int_eq(pattern_context_new(&c), ERR_OK);
    enum err e = pattern_match(p, c, buf_span(&text));
    bool valid = json_type_of(json_member(test, "valid")) == JSON_TRUE;
    ck_assert_msg(e == (valid ? ERR_OK : ERR_NOT_FOUND), "%s: %.*s %.*s", path, (int)pattern.n, pattern.p, (int)data.n,
                  data.p);
    pattern_context_free(c);
    pattern_free(p);
    buf_fini(&ecma);
    buf_fini(&text);
    return 1;
}

START_TEST(test_suite_patterns)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/ecmascript-regex.json", drafts[_i]);
    ck_assert_int_gt(run_groups(path, run_pattern), 40);
    snprintf(path, sizeof path, "%s/non-bmp-regex.json", drafts[_i]);
    ck_assert_int_gt(run_groups(path, run_pattern), 5);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("format");
    TCase *t = tcase_create("format");
    tcase_add_loop_test(t, test_more, 0, sizeof more / sizeof *more);
    tcase_add_test(t, test_bytes);
    tcase_add_loop_test(t, test_suite_formats, 0, sizeof drafts / sizeof *drafts);
    tcase_add_loop_test(t, test_suite_patterns, 0, sizeof drafts / sizeof *drafts);
    suite_add_tcase(s, t);
    return suite_run(s);
}
