/* SPDX-License-Identifier: MIT
 * check_compare: what a new schema would newly refuse. That nothing is overlooked is tried with every two schemas of the
 * JSON Schema test suite and all of its instances.
 */
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "schema/compare.h"

/* "UNDECIDED? where keyword: message", one line for each. */
static void tell(const struct schema_changes *changes, struct buf *b)
{
    for (size_t i = 0; i < changes->n; i++) {
        const struct schema_change *e = &changes->list[i];
        buf_printf(b, "%s%.*s %s: %.*s\n", e->undecided ? "? " : "", (int)e->where.n, e->where.p, e->keyword,
                   (int)e->message.n, e->message.p);
        ck_assert(json_pointer_valid(e->pointer) && json_pointer_valid(e->where));
    }
}

static void compare(const char *old, const char *new, struct buf *b)
{
    struct schema_changes changes;
    struct why w = {""};
    ck_assert_msg(schema_compare(span_str(old), span_str(new), SCHEMA_2020_12, &changes, &w) == ERR_OK, "%s", w.text);
    ck_assert(!changes.more);
    tell(&changes, b);
    schema_changes_fini(&changes);
}

#define ORDER "\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"string\"}}"
#define DRAFT_07 "\"$schema\":\"http://json-schema.org/draft-07/schema#\""

static const struct {
    const char *old, *new, *says; /* all of it */
} cases[] = {
    /* Nothing is lost. */
    {"true", "true", ""},
    {"false", "{\"type\":\"null\"}", ""},
    {"{\"type\":\"integer\"}", "{\"type\":\"number\"}", ""},
    {"{\"minimum\":5}", "{\"minimum\":4.9}", ""},
    {"{\"exclusiveMinimum\":5}", "{\"minimum\":5}", ""},
    {"{\"minimum\":5.1}", "{\"exclusiveMinimum\":5}", ""},
    {"{\"multipleOf\":0.5}", "{\"multipleOf\":0.25}", ""},
    {"{\"type\":\"integer\"}", "{\"multipleOf\":0.5}", ""},
    {"{\"type\":\"string\"}", "{\"type\":\"string\",\"minimum\":7,\"minItems\":3,\"required\":[\"a\"]}", ""},
    {"{\"enum\":[1,2]}", "{\"enum\":[2,3,1.0]}", ""},
    {"{\"const\":\"ab\"}", "{\"minLength\":2,\"pattern\":\"^a\",\"enum\":[\"ab\",\"c\"]}", ""},
    {"{\"enum\":[\"2024-01-01\"]}", "{\"format\":\"date\"}", ""},
    {"{\"type\":\"boolean\"}", "{\"enum\":[true,false,0]}", ""},
    {"{" ORDER "}", "{" ORDER "}", ""},
    {"{" ORDER ",\"additionalProperties\":false}", "{" ORDER "}", ""},
    {"{" ORDER ",\"additionalProperties\":false}", "{\"properties\":{\"new\":{\"type\":\"string\"}}}", ""},
    {"{\"allOf\":[{\"minimum\":1},{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"type\":\"integer\"}}}",
     "{\"type\":\"integer\",\"minimum\":1}", ""},
    {"{\"type\":\"integer\",\"minimum\":1}",
     "{\"allOf\":[{\"minimum\":1},{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"type\":\"integer\"}}}", ""},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "{\"type\":[\"null\",\"string\"]}", ""},
    {"{\"type\":[\"null\",\"string\"]}", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", ""},
    {"{\"type\":[\"null\",\"string\"]}", "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", ""},
    {"{\"items\":{\"type\":\"integer\"}}",
     "{\"prefixItems\":[{\"type\":\"number\"}],\"items\":{\"type\":[\"integer\",\"null\"]}}", ""},
    {"{\"maxItems\":1}", "{\"prefixItems\":[true,{\"type\":\"null\"}]}", ""},
    {"{\"prefixItems\":[true,true],\"items\":false}", "{\"prefixItems\":[true,true,{\"type\":\"null\"}]}", ""},
    {"{" DRAFT_07 ",\"items\":[{\"type\":\"null\"}],\"additionalItems\":{\"type\":\"string\"}}",
     "{\"prefixItems\":[{\"type\":\"null\"}],\"items\":{\"type\":\"string\"}}", ""},
    {"{\"patternProperties\":{\"^x-\":{\"type\":\"string\"}},\"additionalProperties\":false}",
     "{\"patternProperties\":{\"^x-\":{\"type\":[\"string\",\"null\"]}},\"additionalProperties\":false}", ""},
    {"{\"properties\":{\"x-a\":{\"type\":\"string\"}},\"additionalProperties\":{\"type\":\"string\"}}",
     "{\"patternProperties\":{\"^x-\":{\"type\":\"string\"}}}", ""},
    {"{\"required\":[\"a\",\"b\"]}", "{\"dependentRequired\":{\"c\":[\"b\"]}}", ""},
    {"{\"dependentRequired\":{\"c\":[\"b\"]}}",
     "{\"dependentSchemas\":{\"c\":true},\"dependentRequired\":{\"c\":[\"b\",\"c\"]}}", ""},
    {"{\"contains\":{\"type\":\"integer\"},\"minContains\":2}", "{\"contains\":{\"type\":\"number\"}}", ""},
    {"{\"not\":{\"type\":\"null\"}}", "{\"not\":{\"type\":\"null\"}}", ""},
    {"{\"type\":\"string\"}", "{\"not\":{\"type\":[\"null\",\"array\"]}}", ""},
    {"{\"if\":{\"minimum\":3},\"then\":{\"maximum\":5},\"else\":{\"minimum\":1}}",
     "{\"if\":{\"minimum\":3},\"then\":{\"maximum\":6}}", ""},
    {"{\"properties\":{\"a\":true},\"unevaluatedProperties\":false}",
     "{\"properties\":{\"a\":true},\"additionalProperties\":false}", ""},
    {"{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"properties\":{\"next\":{\"$ref\":\"#/$defs/"
     "n\"},\"v\":{\"type\":\"integer\"}}}}}",
     "{\"$ref\":\"#/$defs/m\",\"$defs\":{\"m\":{\"properties\":{\"next\":{\"$ref\":\"#/$defs/"
     "m\"},\"v\":{\"type\":\"number\"}}}}}",
     ""},
    {"{\"oneOf\":[{\"properties\":{\"k\":{\"const\":1}},\"required\":[\"k\"],\"type\":\"object\"},{\"properties\":{"
     "\"k\":{\"const\":2}},"
     "\"required\":[\"k\"],\"type\":\"object\"}]}",
     "{\"oneOf\":[{\"properties\":{\"k\":{\"const\":2}},\"required\":[\"k\"],\"type\":\"object\"},{\"properties\":{"
     "\"k\":{\"const\":1}},"
     "\"required\":[\"k\"],\"type\":\"object\"},{\"type\":\"null\"}]}",
     ""},
    /* Something is. */
    {"true", "false", " : any value here\n"},
    {"{\"type\":[\"null\",\"number\"]}", "{\"type\":\"integer\"}",
     " type: values of type number with a fraction, null\n"},
    {"{\"type\":\"string\"}", "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}",
     "?  anyOf: whether every value fits one of these is not known\n"},
    {"{\"type\":[\"array\",\"integer\",\"string\"]}", "{\"type\":\"string\"}",
     " type: values of type integer, array\n"},
    {"{\"minimum\":5}", "{\"minimum\":5.5}", " minimum: numbers below 5.5\n"},
    {"{\"minimum\":5}", "{\"exclusiveMinimum\":5}", " exclusiveMinimum: numbers equal to or below 5\n"},
    {"true", "{\"maximum\":1e2}", " maximum: numbers above 1e2\n"},
    {"{\"multipleOf\":2}", "{\"multipleOf\":3}", " multipleOf: numbers that are no multiple of 3\n"},
    {"{\"maxLength\":5}", "{\"maxLength\":4,\"minLength\":1}",
     " maxLength: texts longer than 4\n minLength: texts shorter than 1\n"},
    {"{\"pattern\":\"a\"}", "{\"pattern\":\"^a\"}", " pattern: texts that do not match ^a\n"},
    {"{\"enum\":[\"a\",\"b\",1]}", "{\"enum\":[\"a\"]}", " enum: the value \"b\"\n enum: the value 1\n"},
    {"{\"enum\":[\"a\",\"bc\"]}", "{\"minLength\":2}", " minLength: texts shorter than 2\n"},
    {"{\"type\":\"string\"}", "{\"const\":\"a\"}", " const: all values but this one\n"},
    {"{" ORDER "}", "{" ORDER ",\"additionalProperties\":false}", "/* additionalProperties: any value here\n"},
    {"{" ORDER "}", "{\"properties\":{\"at\":{\"format\":\"date\"}},\"required\":[\"id\",\"at\"]}",
     "/at format: where formats are checked, texts that are not a date such as 2024-02-29 (RFC 3339)\n required: "
     "objects without \"at\"\n"},
    {"{" ORDER ",\"additionalProperties\":false}", "{\"additionalProperties\":false}",
     "/id additionalProperties: any value here\n"},
    {"{\"items\":{\"properties\":{\"a/b\":{\"type\":\"number\"}}}}",
     "{\"items\":{\"properties\":{\"a/b\":{\"type\":\"integer\"}}}}",
     "/*/a~1b type: values of type number with a fraction\n"},
    {"{\"prefixItems\":[{\"type\":\"null\"}]}", "{\"items\":{\"type\":\"null\"}}",
     "/* type: values of type boolean, number, string, array, object\n"},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\",\"minimum\":3}]}", "{\"minimum\":4}",
     " minimum: numbers below 4\n"},
    {"{\"patternProperties\":{\"^x\":{\"type\":\"string\"}}}", "{\"patternProperties\":{\"x\":{\"type\":\"string\"}}}",
     "/* type: values of type null, boolean, number, array, object\n"},
    {"true", "{\"dependentRequired\":{\"a\":[\"b\"]}}", " dependentRequired: objects with \"a\" and without \"b\"\n"},
    {"true", "{\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]}}}", " required: objects without \"b\"\n"},
    {"true", "{\"contains\":{\"type\":\"null\"},\"uniqueItems\":true}",
     " contains: arrays without such an element\n uniqueItems: arrays with two equal elements\n"},
    {"true", "{\"propertyNames\":{\"maxLength\":3}}", "/* maxLength: texts longer than 3\n"},
    {"{\"not\":{\"minimum\":3}}", "{\"not\":{\"minimum\":2}}", "?  not: whether no value fits this is not known\n"},
    {"true", "{\"allOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"type\":\"null\"}}}",
     " type: values of type boolean, number, string, array, object\n"},
    {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"null\"}}}",
     "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\"}}}", " type: values of type null\n"},
    {"{" DRAFT_07 ",\"$defs\":{\"a\":{\"type\":\"null\"}},\"items\":{\"$ref\":\"#/$defs/a\"}}",
     "{" DRAFT_07 ",\"$defs\":{\"a\":{\"type\":\"string\"}},\"items\":{\"$ref\":\"#/$defs/a\"}}",
     "/* type: values of type null\n"},
    {"{\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"type\":\"string\"}}}",
     "{\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"type\":\"null\"}}}", "/a/b type: values of type string\n/b type: values of type string\n"},
    {"{\"anyOf\":[true,{\"type\":\"null\"}]}", "{\"type\":\"null\"}",
     " type: values of type boolean, number, string, array, object\n"},
    {"{\"$defs\":{\"a\":{\"$id\":\"http://a/b\"}}}", "{\"type\":\"null\"}",
     "?  $id: texts with a further $id or $schema within them are not compared\n"},
    {"{\"allOf\":[{\"properties\":{\"a\":true}}],\"unevaluatedProperties\":false}",
     "{\"allOf\":[{\"properties\":{\"b\":true}}],\"unevaluatedProperties\":false}",
     "?  unevaluatedProperties: what is evaluated by other schemas is not compared\n"},
};

START_TEST(test_cases)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    compare(cases[_i].old, cases[_i].new, &b);
    ck_assert_msg(span_eq_str(buf_span(&b), cases[_i].says), "%s\n%s\n'%.*s' is not '%s'", cases[_i].old, cases[_i].new,
                  (int)b.n, b.p ? b.p : "", cases[_i].says);
    buf_clear(&b);
    compare(cases[_i].new, cases[_i].new, &b);
    ck_assert_msg(b.n == 0, "%s with itself: %.*s", cases[_i].new, (int)b.n, b.p);
    buf_fini(&b);
}
END_TEST

START_TEST(test_no_schema)
{
    struct schema_changes changes;
    struct why w;
    ck_assert_int_eq(schema_compare(SPAN_LIT("{\"type\":1}"), SPAN_LIT("true"), SCHEMA_2020_12, &changes, &w),
                     ERR_INVALID);
    ck_assert_msg(strncmp(w.text, "old: /type: ", 12) == 0, "%s", w.text);
    ck_assert_int_eq(schema_compare(SPAN_LIT("true"), SPAN_LIT("{"), SCHEMA_2020_12, &changes, &w), ERR_INVALID);
    ck_assert_msg(strncmp(w.text, "new: ", 5) == 0, "%s", w.text);
}
END_TEST

/* A schema that branches at every level, and levels on end: bounded, and said. */
START_TEST(test_large)
{
    enum { LEVELS = 40 };
    struct buf old, new, said;
    buf_init(&old, 1 << 20);
    buf_init(&new, 1 << 20);
    buf_init(&said, 1 << 20);
    for (int i = 0; i < LEVELS; i++) {
        buf_puts(&old, "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"maxItems\":3}],\"items\":");
        buf_puts(&new, "{\"anyOf\":[{\"type\":\"array\",\"maxItems\":4},{\"type\":\"null\"}],\"items\":");
    }
    buf_puts(&old, "true");
    buf_puts(&new, "{\"minimum\":3}");
    for (int i = 0; i < LEVELS; i++) {
        buf_putc(&old, '}');
        buf_putc(&new, '}');
    }
    buf_putc(&old, 0);
    buf_putc(&new, 0);
    compare(old.p, new.p, &said);
    ck_assert(said.n > 0);
    buf_fini(&old);
    buf_fini(&new);
    buf_fini(&said);
}
END_TEST

/* ---- every two schemas of a file of the suite ---- */

enum { GROUPS_MAX = 128, INSTANCES_MAX = 1024 };

static struct {
    struct buf text;
    struct span schema[GROUPS_MAX], instance[INSTANCES_MAX];
    struct schema *compiled[GROUPS_MAX]; /* NULL: refused here */
    struct schema_context *context;
    size_t n, n_instances, implied, pairs;
} suite;

static void load(const char *path)
{
    const struct schema_options options = {.draft = SCHEMA_2020_12, .formats = true};
    struct span group, test;
    struct why w = {""};
    buf_init(&suite.text, 1 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, path, &suite.text, &w) == ERR_OK, "%s", w.text);
    suite.n = suite.n_instances = 0;
    for (struct json_iter it = json_iter(buf_span(&suite.text)); json_next_element(&it, &group) && suite.n < GROUPS_MAX;
         suite.n++) {
        suite.schema[suite.n] = json_member(group, "schema");
        suite.compiled[suite.n] = NULL;
        (void)schema_compile(suite.schema[suite.n], &options, &suite.compiled[suite.n], NULL);
        for (struct json_iter tests = json_iter(json_member(group, "tests"));
             json_next_element(&tests, &test) && suite.n_instances < INSTANCES_MAX;)
            suite.instance[suite.n_instances++] = json_member(test, "data");
    }
}

static void unload(void)
{
    for (size_t i = 0; i < suite.n; i++)
        schema_free(suite.compiled[i]);
    buf_fini(&suite.text);
}

static bool fits(size_t schema, struct span instance)
{
    struct arena memory;
    ck_assert(arena_init(&memory, schema_scratch_bytes(suite.compiled[schema], instance)));
    bool good = schema_validate(suite.compiled[schema], suite.context, instance, &memory, NULL) == ERR_OK;
    arena_fini(&memory);
    return good;
}

static void try_pair(size_t old, size_t new, const char *path)
{
    struct schema_changes changes;
    if (schema_compare(suite.schema[old], suite.schema[new], SCHEMA_2020_12, &changes, NULL) != ERR_OK)
        return;
    suite.pairs++;
    suite.implied += changes.n == 0;
    for (size_t i = 0; changes.n == 0 && i < suite.n_instances; i++)
        ck_assert_msg(!fits(old, suite.instance[i]) || fits(new, suite.instance[i]),
                      "%s:\n%.*s\n%.*s\nnothing is said of %.*s", path, (int)suite.schema[old].n, suite.schema[old].p,
                      (int)suite.schema[new].n, suite.schema[new].p, (int)suite.instance[i].n, suite.instance[i].p);
    schema_changes_fini(&changes);
}

static void try_file(const char *path)
{
    load(path);
    for (size_t i = 0; i < suite.n; i++)
        for (size_t j = 0; j < suite.n; j++)
            if (suite.compiled[i] && suite.compiled[j])
                try_pair(i, j, path);
    unload();
}

START_TEST(test_suite)
{
    static const char *const drafts[] = {"draft7", "draft2020-12"};
    char folder[1024], path[2048];
    snprintf(folder, sizeof folder, TESTS_SRCDIR "/tests/vectors/json-schema/tests/%s", drafts[_i]);
    DIR *d = opendir(folder);
    ck_assert_msg(d, "%s is not there", folder);
    ck_assert_int_eq(schema_context_new(&suite.context), ERR_OK);
    for (struct dirent *one; (one = readdir(d));) {
        size_t n = strlen(one->d_name);
        if (n < 6 || strcmp(one->d_name + n - 5, ".json") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, one->d_name);
        try_file(path);
    }
    closedir(d);
    schema_context_free(suite.context);
    ck_assert_msg(suite.implied > 500 && suite.pairs > 2500, "%zu of %zu", suite.implied, suite.pairs);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compare");
    TCase *t = tcase_create("compare");
    tcase_add_loop_test(t, test_cases, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, test_suite, 0, 2);
    tcase_add_test(t, test_no_schema);
    tcase_add_test(t, test_large);
    suite_add_tcase(s, t);
    return suite_run(s);
}
