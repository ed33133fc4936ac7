/* SPDX-License-Identifier: MIT
 * check_json_corpus: tests/vectors/json through the strict scanner, and through the grammar that the fuzz target compares
 * it with. A file's name says what must become of it: y_… is taken, n_… is refused by everybody, i_taken_… and
 * i_refused_REASON_… are valid JSON of which the RFC lets implementations decide (limits, names that come twice, NUL,
 * halves of surrogate pairs), and REASON, with dashes for blanks, is what the scanner says.
 */
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "../fuzz/json_grammar.h"

#define FOLDER TESTS_SRCDIR "/tests/vectors/json"

static int is_case(const struct dirent *d)
{
    return strstr(d->d_name, ".json") != NULL;
}

static void read_case(const char *name, struct buf *out)
{
    char path[512];
    struct why w;
    ck_assert_int_lt(snprintf(path, sizeof path, FOLDER "/%s", name), (int)sizeof path);
    buf_clear(out);
    ck_assert_msg(fs_read(AT_FDCWD, path, out, &w) == ERR_OK, "%s", w.text);
}

/* Is this the reason that follows "i_refused_" in name? */
static bool names_reason(const char *name, const char *what)
{
    name += strlen("i_refused_");
    for (; *what; what++, name++)
        if (*name != (*what == ' ' ? '-' : *what))
            return false;
    return *name == '_';
}

static void check_case(const char *name, struct span text)
{
    struct json_error e = {"", 0};
    bool taken = json_check(text, JSON_LIMITS_DEFAULT, &e) == ERR_OK;
    struct json_grammar g = json_grammar(text);
    ck_assert_msg(g.valid == (name[0] != 'n'), "%s: by the grammar it is %svalid", name, g.valid ? "" : "not ");
    if (strncmp(name, "i_refused_", strlen("i_refused_")) == 0)
        ck_assert_msg(!taken && names_reason(name, e.what), "%s: %s", name, taken ? "taken" : e.what);
    else
        ck_assert_msg(taken == (name[0] != 'n'), "%s: %s at byte %zu", name, taken ? "taken" : e.what, e.offset);
}

START_TEST(every_case_ends_as_named)
{
    struct dirent **names;
    struct buf text;
    int n = scandir(FOLDER, &names, is_case, alphasort);
    ck_assert_int_gt(n, 300);
    buf_init(&text, 1 << 20);
    for (int i = 0; i < n; i++) {
        read_case(names[i]->d_name, &text);
        check_case(names[i]->d_name, buf_span(&text));
        free(names[i]);
    }
    free(names);
    buf_fini(&text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json corpus");
    TCase *t = tcase_create("cases");
    tcase_add_test(t, every_case_ends_as_named);
    suite_add_tcase(s, t);
    return suite_run(s);
}
