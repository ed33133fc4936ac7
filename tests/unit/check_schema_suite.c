/* SPDX-License-Identifier: MIT
 * check_schema_suite: the official JSON Schema test suite (tests/vectors/json-schema, MIT): every required case of draft-07 and 2020-12
 * but those that use $dynamicRef or $vocabulary, which must be refused by name; the optional ones, formats included, but for what
 * `left_out` names; and the draft-07 cases of the distribution's older copy where the package json-schema-test-suite is installed.
 * Each value is tried with and without reasons asked for; each reason must
 * lead to a place in the value.
 */
#include "schema_kit.h"

#include <dirent.h>
#include <sys/stat.h>

#define SUITE TESTS_SRCDIR "/tests/vectors/json-schema"
#define INSTALLED "/usr/share/json-schema-test-suite"

enum { DOCUMENTS_MAX = 200 };

static struct suite_state {
    struct schema_document documents[DOCUMENTS_MAX];
    struct schema_options options;
    struct schema_context *context;
    struct arena memory;
    unsigned cases, wrong, refused;
    bool must_refuse;
} run;

/* ---- what a $ref may lead to ---- */

static void add_remotes(const char *folder, const char *uri)
{
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024], name[1024];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        snprintf(name, sizeof name, "%s%s", uri, e->d_name);
        if (e->d_name[0] == '.' || stat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            snprintf(name, sizeof name, "%s%s/", uri, e->d_name);
            add_remotes(path, name);
            continue;
        }
        struct buf text = read_text_file(path);
        ck_assert_uint_lt(run.options.n_documents, DOCUMENTS_MAX);
        run.documents[run.options.n_documents++] = (struct schema_document){span_str(strdup(name)), buf_span(&text)};
    }
    closedir(d);
}

static void begin(const char *suite, enum schema_draft draft, bool formats)
{
    char remotes[256];
    run = (struct suite_state){.options = {.draft = draft, .formats = formats, .documents = run.documents}};
    snprintf(remotes, sizeof remotes, "%s/remotes", suite);
    add_remotes(remotes, "http://localhost:1234/");
    ck_assert_int_eq(schema_context_new(&run.context), ERR_OK);
    ck_assert(arena_init(&run.memory, KIT_ARENA_BYTES));
}

static void end(void)
{
    for (size_t i = 0; i < run.options.n_documents; i++) {
        free((void *)(uintptr_t)run.documents[i].uri.p);
        free((void *)(uintptr_t)run.documents[i].text.p);
    }
    schema_context_free(run.context);
    arena_fini(&run.memory);
}

/* ---- cases ---- */

static void look_at_errors(struct span data, const struct schema_errors *errors, const char *what)
{
    ck_assert_msg(errors->n >= 1 && errors->n <= SCHEMA_ERRORS_MAX, "%s: %zu errors", what, errors->n);
    for (size_t i = 0; i < errors->n; i++) {
        const struct schema_error *e = &errors->list[i];
        ck_assert_msg(json_pointer(data, e->pointer).p != NULL, "%s: %.*s", what, (int)e->pointer.n, e->pointer.p);
        ck_assert_msg(e->keyword && e->keyword[0] && e->message.n, "%s", what);
    }
}

static void try_case(const struct schema *s, struct span test, const char *what)
{
    struct span data = json_member(test, "data");
    bool wanted = json_type_of(json_member(test, "valid")) == JSON_TRUE;
    struct schema_errors errors;
    arena_reset(&run.memory);
    enum err brief = schema_validate(s, run.context, data, &run.memory, NULL);
    arena_reset(&run.memory);
    enum err e = schema_validate(s, run.context, data, &run.memory, &errors);
    run.cases++;
    ck_assert_msg(brief == e, "%s: %s, with reasons %s", what, err_code(brief), err_code(e));
    if (e == ERR_SCHEMA_VIOLATION)
        look_at_errors(data, &errors, what);
    if (e == (wanted ? ERR_OK : ERR_SCHEMA_VIOLATION))
        return;
    struct span name = json_member(test, "description");
    printf("%s: %.*s: %s\n", what, (int)name.n, name.p, err_code(e));
    run.wrong++;
}

static bool holds(struct span text, const char *needle)
{
    return memmem(text.p, text.n, needle, strlen(needle)) != NULL;
}

/* Optional files and groups about what is not there. */
static const char *const left_out[] = {
    "/draft2020-12/vocabulary.json",   /* required, but refused */
    "/optional/content.json",          /* contentMediaType and contentEncoding are notes */
    "/optional/cross-draft.json",      /* 2019-09 */
    "/optional/format-assertion.json", /* a vocabulary */
    "/format/idn-hostname.json",       /* format.h */
    "validation of A-label (punycode) host names",
};

/* By the end of its path, or its description. */
static bool is_left_out(struct span name)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (name.n >= strlen(left_out[i]) && span_eq_str(span_skip(name, name.n - strlen(left_out[i])), left_out[i]))
            return true;
    return false;
}

static void try_group(struct span group, const char *file)
{
    struct span text = json_member(group, "schema"), test, name = json_member(group, "description");
    struct schema *s = NULL;
    struct why w;
    char what[300];
    if (is_left_out(json_plain_string(name)))
        return;
    snprintf(what, sizeof what, "%s: %.*s", file, (int)name.n, name.p);
    enum err e = schema_compile(text, &run.options, &s, &w);
    if (e == ERR_INVALID && strstr(w.text, "$dynamicRef is not supported")) {
        run.refused++;
        return;
    }
    ck_assert_msg(!holds(text, "\"$dynamicRef\""), "%s is not refused", what);
    if (e != ERR_OK) {
        printf("%s: %s\n", what, w.text);
        run.wrong++;
        return;
    }
    for (struct json_iter it = json_iter(json_member(group, "tests")); json_next_element(&it, &test);)
        try_case(s, test, what);
    schema_free(s);
}

static void try_file(const char *path, const char *name)
{
    struct buf text = read_text_file(path);
    struct span group;
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &group);)
        try_group(group, name);
    buf_fini(&text);
}

static void try_folder(const char *suite, const char *draft)
{
    char folder[512], path[1024];
    snprintf(folder, sizeof folder, "%s/tests/%s", suite, draft);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s", folder);
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (strstr(e->d_name, ".json") && !is_left_out(span_str(path)))
            try_file(path, e->d_name);
    }
    closedir(d);
}

static void all_of(const char *suite, enum schema_draft draft, const char *folder, unsigned cases, unsigned refused)
{
    begin(suite, draft, strstr(folder, "format") != NULL);
    try_folder(suite, folder);
    printf("%s: %u cases, %u wrong, %u groups refused\n", folder, run.cases, run.wrong, run.refused);
    fflush(stdout);
    ck_assert_uint_eq(run.wrong, 0);
    ck_assert_uint_eq(run.cases, cases);
    ck_assert_uint_eq(run.refused, refused);
    end();
}

START_TEST(draft_07)
{
    all_of(SUITE, SCHEMA_DRAFT_07, "draft7", 927, 0);
}
END_TEST

START_TEST(draft_2020_12)
{
    all_of(SUITE, SCHEMA_2020_12, "draft2020-12", 1248, 22);
}
END_TEST

START_TEST(optional)
{
    all_of(SUITE, SCHEMA_DRAFT_07, "draft7/optional", 106, 0);
    all_of(SUITE, SCHEMA_DRAFT_07, "draft7/optional/format", 549, 0);
    all_of(SUITE, SCHEMA_2020_12, "draft2020-12/optional", 155, 1);
    all_of(SUITE, SCHEMA_2020_12, "draft2020-12/optional/format", 636, 0);
}
END_TEST

START_TEST(draft_07_of_the_distribution)
{
    all_of(INSTALLED, SCHEMA_DRAFT_07, "draft7", 423, 0);
}
END_TEST

/* The schemas that the two files of refused keywords are about must say which keyword it is. */
START_TEST(vocabularies_are_refused)
{
    begin(SUITE, SCHEMA_2020_12, false);
    struct buf text = read_text_file(SUITE "/tests/draft2020-12/vocabulary.json");
    struct span group;
    struct why w;
    struct schema *s;
    for (struct json_iter it = json_iter(buf_span(&text)); json_next_element(&it, &group);) {
        enum err e = schema_compile(json_member(group, "schema"), &run.options, &s, &w);
        ck_assert_int_eq(e, ERR_INVALID);
        ck_assert_msg(strstr(w.text, "not supported") != NULL, "%s", w.text);
    }
    buf_fini(&text);
    end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema suite");
    TCase *t = tcase_create("schema suite");
    struct stat st;
    tcase_set_timeout(t, 120);
    tcase_add_test(t, draft_07);
    tcase_add_test(t, draft_2020_12);
    tcase_add_test(t, optional);
    tcase_add_test(t, vocabularies_are_refused);
    if (stat(INSTALLED, &st) == 0)
        tcase_add_test(t, draft_07_of_the_distribution);
    else
        printf("left out: draft_07_of_the_distribution: the package json-schema-test-suite is not installed\n");
    suite_add_tcase(s, t);
    return suite_run(s);
}
