/* SPDX-License-Identifier: MIT
 * check_schema: what the official suite does not ask: the words for what is wrong in a value and in a schema, references across documents,
 * and the limits: a schema that multiplies, a value that is made to collide, memory that is just enough.
 */
#include "schema_kit.h"

#include "base/json.h"

static struct schema_context *context;
static struct arena memory;
static struct schema_errors errors;

static void setup(void)
{
    ck_assert_int_eq(schema_context_new(&context), ERR_OK);
    ck_assert(arena_init(&memory, 16 << 20));
}

static void teardown(void)
{
    schema_context_free(context);
    arena_fini(&memory);
}

static enum err try(const struct schema *s, struct span value)
{
    struct json_error bad;
    ck_assert_msg(json_check(value, (struct json_limits){JSON_DEPTH_MAX, 1 << 20}, &bad) == ERR_OK, "%s", bad.what);
    arena_reset(&memory);
    return schema_validate(s, context, value, &memory, &errors);
}

static enum err try_text(const char *schema, enum schema_draft draft, const char *value)
{
    struct schema *s = compiled(schema, draft);
    enum err e = try(s, span_str(value));
    schema_free(s);
    return e;
}

/* ---- words ---- */

/* One line for each error: "pointer keyword: message". */
static const char *said(void)
{
    static char text[8192];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < errors.n; i++) {
        const struct schema_error *e = &errors.list[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s %s: %.*s", i ? "\n" : "", (int)e->pointer.n,
                              e->pointer.p, e->keyword, (int)e->message.n, e->message.p);
    }
    return text;
}

static const struct {
    const char *schema, *value, *said;
} violations[] = {
    {"{\"type\":\"object\"}", "[]", " type: is an array, must be an object"},
    {"{\"properties\":{\"a\":{\"type\":[\"integer\",\"null\"]}}}", "{\"a\":1.5}",
     "/a type: is a number with a fraction, must be an integer or null"},
    {"{\"type\":\"string\"}", "1.5", " type: is a number, must be a string"},
    {"{\"properties\":{\"a/b~\":{\"items\":{\"minimum\":3}}}}", "{\"a/b~\":[3,2.99]}",
     "/a~1b~0/1 minimum: must be at least 3"},
    {"{\"exclusiveMaximum\":1e400}", "10e399", " exclusiveMaximum: must be less than 1e400"},
    {"{\"multipleOf\":0.01}", "19.999", " multipleOf: must be a multiple of 0.01"},
    {"{\"minLength\":2}", "\"\\ud83d\\ude00\"", " minLength: is 1 characters long, must be at least 2"},
    {"{\"maxLength\":2}", "\"\xc3\xa4\xc3\xb6\xc3\xbc\"", " maxLength: is 3 characters long, must be at most 2"},
    {"{\"pattern\":\"^a+$\"}", "\"b\"", " pattern: does not match ^a+$"},
    {"{\"const\":{\"a\":[1.0]}}", "{\"a\":[2]}", " const: must be {\"a\":[1.0]}"},
    {"{\"enum\":[\"x\",1,null]}", "\"y\"", " enum: must be one of \"x\", 1, null"},
    {"{\"enum\":[1,2,3,4,5,6,7]}", "8", " enum: must be one of 1, 2, 3, 4, 5, 6, …"},
    {"{\"required\":[\"a\",\"b\"]}", "{\"b\":1}", " required: member \"a\" is missing"},
    {"{\"properties\":{\"o\":{\"required\":[\"a\",\"b\"]}}}", "{\"o\":{}}",
     "/o required: member \"a\" is missing\n/o required: member \"b\" is missing"},
    {"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"b\":2}",
     "/b additionalProperties: no member of this name is allowed"},
    {"{\"properties\":{\"a\":false}}", "{\"a\":1}", "/a properties: nothing is allowed here"},
    {"{\"propertyNames\":{\"maxLength\":3}}", "{\"long name\":1}",
     " propertyNames: the name \"long name\": is 9 characters long, must be at most 3"},
    {"{\"minProperties\":2}", "{\"a\":1}", " minProperties: has 1 member, must have at least 2"},
    {"{\"maxItems\":1}", "[1,2]", " maxItems: has 2 elements, must have at most 1"},
    {"{\"uniqueItems\":true}", "[{\"a\":1,\"b\":[2]},3,{\"b\":[2.0],\"a\":1e0}]",
     " uniqueItems: elements 0 and 2 are equal"},
    {"{\"contains\":{\"const\":1}}", "[2]", " contains: has 0 elements of the kind it must contain, needs at least 1"},
    {"{\"dependencies\":{\"a\":[\"b\"]}}", "{\"a\":1}",
     " dependencies: member \"b\" is missing; it must come with \"a\""},
    {"{\"not\":{\"type\":\"null\"}}", "null", " not: fits a schema that it must not fit"},
    {"{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]}}", "{\"a\":1}",
     " required: member \"b\" is missing"},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "3",
     " oneOf: fits more than one of the 2 schemas here, must fit exactly one"},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "3", " anyOf: fits none of the 2 schemas here"},
    {"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"required\":[\"a\"]}]}", "{}",
     " anyOf: fits none of the 2 schemas here; by the nearest, anyOf/1:\n required: member \"a\" is missing"},
    {"{\"oneOf\":[{\"properties\":{\"t\":{\"const\":\"x\"},\"v\":{\"type\":\"string\"}}},"
     "{\"properties\":{\"t\":{\"const\":\"y\"},\"v\":{\"type\":\"object\"}}}]}",
     "{\"t\":\"y\",\"v\":1}",
     " oneOf: fits none of the 2 schemas here; by the nearest, oneOf/1:\n/v type: is a number, must be an object"},
    {"{\"allOf\":[{\"$ref\":\"#/definitions/d\"},{\"$ref\":\"#/definitions/"
     "d\"}],\"definitions\":{\"d\":{\"minimum\":5}}}",
     "4", " minimum: must be at least 5"}, /* once */
    {"{\"format\":\"ipv4\"}", "\"1.2.3\"", NULL},
    {"false", "1", " $schema: nothing is allowed here"},
};

START_TEST(what_is_wrong_in_a_value)
{
    ck_assert_int_eq(try_text(violations[_i].schema, SCHEMA_DRAFT_07, violations[_i].value), ERR_SCHEMA_VIOLATION);
    ck_assert_uint_ge(errors.n, 1);
    if (violations[_i].said)
        ck_assert_str_eq(said(), violations[_i].said);
}
END_TEST

START_TEST(what_nobody_evaluated)
{
    const char *schema =
        "{\"allOf\":[{\"properties\":{\"a\":true}}],\"properties\":{\"b\":true},\"unevaluatedProperties\":false}";
    ck_assert_int_eq(try_text(schema, SCHEMA_2020_12, "{\"a\":1,\"b\":2}"), ERR_OK);
    ck_assert_int_eq(try_text(schema, SCHEMA_2020_12, "{\"a\":1,\"c\":2}"), ERR_SCHEMA_VIOLATION);
    ck_assert_str_eq(said(), "/c unevaluatedProperties: nothing is allowed here");
}
END_TEST

START_TEST(more_errors_than_are_told)
{
    struct buf value;
    buf_init(&value, 1 << 16);
    for (int i = 0; i < 100; i++)
        buf_puts(&value, i ? ",\"x\"" : "[\"x\"");
    buf_putc(&value, ']');
    struct schema *s = compiled("{\"items\":{\"type\":\"integer\"}}", SCHEMA_DRAFT_07);
    ck_assert_int_eq(try(s, buf_span(&value)), ERR_SCHEMA_VIOLATION);
    ck_assert_uint_eq(errors.n, SCHEMA_ERRORS_MAX);
    ck_assert(errors.more);
    ck_assert_span_eq(errors.list[15].pointer, "/15");
    schema_free(s);
    buf_fini(&value);
}
END_TEST

/* No value of a sender's gets into the words: they are logged. */
START_TEST(values_are_not_told)
{
    static const char *const schemas[] = {
        "{\"const\":1}",        "{\"enum\":[1]}",        "{\"type\":\"null\"}", "{\"maxLength\":1}",
        "{\"pattern\":\"^x\"}", "{\"format\":\"ipv4\"}", "{\"not\":{}}",        "false"};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        ck_assert_int_eq(try_text(schemas[i], SCHEMA_DRAFT_07, "\"secret-4711\""), ERR_SCHEMA_VIOLATION);
        ck_assert_ptr_null(strstr(said(), "4711"));
    }
}
END_TEST

/* ---- schemas ---- */

static const struct {
    enum schema_draft draft;
    const char *schema, *why;
} faults[] = {
    {SCHEMA_DRAFT_07, "{\"a\":}", "/: no JSON: value expected at byte 5"},
    {SCHEMA_DRAFT_07, "{\"type\":\"object\",\"type\":\"array\"}", "/: no JSON: duplicate name at byte 17"},
    {SCHEMA_DRAFT_07, "[]", "/: must be a schema: an object, true or false"},
    {SCHEMA_DRAFT_07, "{\"properties\":{\"a\":1}}", "/properties/a: must be a schema: an object, true or false"},
    {SCHEMA_DRAFT_07, "{\"properties\":{\"a\":{\"type\":\"strin\"}}}",
     "/properties/a/type: must be null, boolean, integer, number, string, array or object"},
    {SCHEMA_DRAFT_07, "{\"type\":[]}", "/type: must not be empty"},
    {SCHEMA_DRAFT_07, "{\"definitions\":{\"unused\":{\"minimum\":\"3\"}}}",
     "/definitions/unused/minimum: must be a number"},
    {SCHEMA_DRAFT_07, "{\"minLength\":-1}", "/minLength: must be a whole number from 0 on"},
    {SCHEMA_DRAFT_07, "{\"minLength\":1.5}", "/minLength: must be a whole number from 0 on"},
    {SCHEMA_DRAFT_07, "{\"multipleOf\":0}", "/multipleOf: must be a number greater than 0"},
    {SCHEMA_DRAFT_07, "{\"enum\":1}", "/enum: must be a list of values"},
    {SCHEMA_DRAFT_07, "{\"required\":\"a\"}", "/required: must be a list of names"},
    {SCHEMA_DRAFT_07, "{\"required\":[1]}", "/required/0: must be a name"},
    {SCHEMA_DRAFT_07, "{\"allOf\":[]}", "/allOf: must not be empty"},
    {SCHEMA_DRAFT_07, "{\"uniqueItems\":1}", "/uniqueItems: must be true or false"},
    {SCHEMA_DRAFT_07, "{\"dependencies\":{\"a\":[1]}}", "/dependencies/a/0: must be a name"},
    {SCHEMA_DRAFT_07, "{\"$ref\":1}", "/$ref: must be a URI reference"},
    {SCHEMA_DRAFT_07, "{\"$ref\":\"#/definitions/a\"}",
     "/$ref: '#/definitions/a' leads nowhere: there is no such place in that document"},
    {SCHEMA_DRAFT_07, "{\"$ref\":\"http://example.com/s.json\"}",
     "/$ref: 'http://example.com/s.json' leads nowhere: no such document was given, and nothing is fetched"},
    {SCHEMA_DRAFT_07, "{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}",
     "/$schema: 'http://json-schema.org/draft-04/schema' is not supported; http://json-schema.org/draft-07/schema# and "
     "https://json-schema.org/draft/2020-12/schema are"},
    {SCHEMA_DRAFT_07, "{\"$ref\":\"#\"}",
     "/: leads back to itself without going into the value, and would never decide"},
    {SCHEMA_2020_12,
     "{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"not\":{\"$ref\":\"#/$defs/a\"}}}}",
     "/$defs/a/anyOf/0: leads back to itself without going into the value, and would never decide"},
    {SCHEMA_2020_12, "{\"items\":{\"$dynamicRef\":\"#x\"}}",
     "/items/$dynamicRef: $dynamicRef is not supported; use $ref"},
    {SCHEMA_2020_12, "{\"$vocabulary\":{}}", "/$vocabulary: $vocabulary is not supported"},
    {SCHEMA_2020_12, "{\"items\":[{}]}", "/items: must be a schema; a list is called prefixItems"},
    {SCHEMA_2020_12, "{\"$id\":\"a#b\"}", "/$id: must have no fragment; use $anchor"},
    {SCHEMA_2020_12, "{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
     "/$defs/b: '#x' is declared twice"},
    {SCHEMA_2020_12, "{\"dependentRequired\":{\"a\":true}}", "/dependentRequired/a: must be a list of names"},
    {SCHEMA_2020_12, "{\"$defs\":{\"a\":5}}", "/$defs/a: must be a schema: an object, true or false"},
    {SCHEMA_DRAFT_07, "{\"definitions\":[]}", "/definitions: must be an object of schemas"},
    {SCHEMA_DRAFT_07, "{\"then\":5}", "/then: must be a schema: an object, true or false"},
    {SCHEMA_DRAFT_07, "{\"additionalItems\":5}", "/additionalItems: must be a schema: an object, true or false"},
    {SCHEMA_2020_12, "{\"minContains\":-1}", "/minContains: must be a whole number from 0 on"},
};

START_TEST(what_is_wrong_in_a_schema)
{
    ck_assert_str_eq(refused(faults[_i].schema, faults[_i].draft), faults[_i].why);
}
END_TEST

START_TEST(a_pattern_that_is_none)
{
    const char *why = refused("{\"patternProperties\":{\"(\":true}}", SCHEMA_DRAFT_07);
    ck_assert_msg(strncmp(why, "/patternProperties/(: ", 22) == 0, "%s", why);
    why = refused("{\"pattern\":\"a{2,1}\"}", SCHEMA_DRAFT_07);
    ck_assert_msg(strncmp(why, "/pattern: ", 10) == 0, "%s", why);
}
END_TEST

/* ---- documents ---- */

START_TEST(references_across_documents)
{
    const struct schema_document documents[] = {
        {SPAN_LIT("address.json"), SPAN_LIT("{\"required\":[\"street\"]}")},
        {SPAN_LIT("money.json"),
         SPAN_LIT("{\"$id\":\"https://example.com/money\",\"definitions\":{\"cents\":{\"type\":\"integer\"}}}")},
        {SPAN_LIT("broken.json"), SPAN_LIT("{\"type\":1}")},
    };
    struct schema_options o = {.draft = SCHEMA_DRAFT_07, .documents = documents, .n_documents = 3};
    struct schema *s;
    struct why w;
    enum err e = schema_compile(SPAN_LIT("{\"properties\":{\"to\":{\"$ref\":\"address.json\"},"
                                         "\"sum\":{\"$ref\":\"https://example.com/money#/definitions/cents\"}}}"),
                                &o, &s, &w);
    ck_assert_msg(e == ERR_OK, "%s", w.text);
    ck_assert_int_eq(try(s, SPAN_LIT("{\"to\":{\"street\":1},\"sum\":3}")), ERR_OK);
    ck_assert_int_eq(try(s, SPAN_LIT("{\"to\":{},\"sum\":3.5}")), ERR_SCHEMA_VIOLATION);
    ck_assert_uint_eq(errors.n, 2);
    schema_free(s);
    ck_assert_int_eq(schema_compile(SPAN_LIT("{\"$ref\":\"broken.json\"}"), &o, &s, &w), ERR_INVALID);
    ck_assert_msg(strncmp(w.text, "broken.json#/type: must be ", 27) == 0, "%s", w.text);
}
END_TEST

START_TEST(formats_only_if_asked_for)
{
    const struct schema_options o = {.draft = SCHEMA_DRAFT_07};
    struct schema *s;
    struct why w;
    ck_assert_int_eq(schema_compile(SPAN_LIT("{\"format\":\"ipv4\"}"), &o, &s, &w), ERR_OK);
    ck_assert_int_eq(try(s, SPAN_LIT("\"x\"")), ERR_OK);
    schema_free(s);
    ck_assert_int_eq(try_text("{\"format\":\"ipv4\"}", SCHEMA_DRAFT_07, "\"x\""), ERR_SCHEMA_VIOLATION);
    ck_assert_int_eq(try_text("{\"format\":\"unheard-of\"}", SCHEMA_DRAFT_07, "\"x\""), ERR_OK);
}
END_TEST

/* ---- limits ---- */

static void limit_is(enum err e, const char *words)
{
    ck_assert_int_eq(e, ERR_NO_ROOM);
    ck_assert_uint_eq(errors.n, 1);
    ck_assert_msg(span_eq_str(errors.list[0].message, words), "%s", said());
}

/* Each definition asks for the one before twice: 2^30 looks at one value. */
START_TEST(a_schema_that_multiplies)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_puts(&b, "{\"$ref\":\"#/definitions/d30\",\"definitions\":{\"d0\":{\"type\":\"integer\"}");
    for (int i = 1; i <= 30; i++)
        buf_printf(&b, ",\"d%d\":{\"allOf\":[{\"$ref\":\"#/definitions/d%d\"},{\"$ref\":\"#/definitions/d%d\"}]}", i,
                   i - 1, i - 1);
    buf_puts(&b, "}}");
    buf_putc(&b, 0);
    struct schema *s = compiled(b.p, SCHEMA_DRAFT_07);
    limit_is(try(s, SPAN_LIT("1")), "the value takes too much work against this schema");
    ck_assert_int_eq(schema_validate(s, context, SPAN_LIT("1"), &memory, NULL), ERR_NO_ROOM);
    schema_free(s);
    buf_fini(&b);
}
END_TEST

/* {"k0":0,"k1":0,…}, or the same from the last to the first. */
static void put_members(struct buf *b, int n, bool backwards)
{
    for (int i = 0; i < n; i++)
        buf_printf(b, "%s\"k%d\":0", i ? "," : "{", backwards ? n - 1 - i : i);
    buf_putc(b, '}');
}

/* Members in the worst order make equality expensive: what could not be told is neither equal nor different. */
START_TEST(values_too_large_to_be_compared)
{
    enum { MEMBERS = 3000 };
    struct schema *unique = compiled("{\"uniqueItems\":true}", SCHEMA_DRAFT_07);
    struct buf schema, value, list;
    buf_init(&schema, 1 << 20);
    buf_init(&value, 1 << 20);
    buf_init(&list, 1 << 20);
    put_members(&value, MEMBERS, true);
    buf_puts(&schema, "{\"not\":{\"enum\":[0,");
    put_members(&schema, MEMBERS, false);
    buf_puts(&schema, "]}}");
    buf_putc(&schema, 0);
    struct schema *not = compiled(schema.p, SCHEMA_DRAFT_07);
    limit_is(try(not, buf_span(&value)), "the value takes too much work against this schema");
    buf_putc(&list, '[');
    put_members(&list, MEMBERS, false);
    buf_putc(&list, ',');
    buf_put_span(&list, buf_span(&value));
    buf_putc(&list, ']');
    limit_is(try(unique, buf_span(&list)), "the value takes too much work against this schema");
    schema_free(unique);
    schema_free(not );
    buf_fini(&schema);
    buf_fini(&value);
    buf_fini(&list);
}
END_TEST

START_TEST(a_chain_of_references)
{
    struct buf b;
    for (int n = 60; n <= 240; n += 180) {
        buf_init(&b, 1 << 16);
        buf_puts(&b, "{\"$ref\":\"#/definitions/d0\",\"definitions\":{");
        for (int i = 0; i < n; i++)
            buf_printf(&b, "\"d%d\":{\"$ref\":\"#/definitions/d%d\"},", i, i + 1);
        buf_printf(&b, "\"d%d\":{\"type\":\"integer\"}}}", n);
        buf_putc(&b, 0);
        const char *why = refused(b.p, SCHEMA_DRAFT_07);
        ck_assert_msg(n == 60 ? !why[0] : strstr(why, "more than 200 schemas follow one another") != NULL, "%s", why);
        buf_fini(&b);
    }
}
END_TEST

static struct buf repeated(const char *first, const char *each, int n, const char *last)
{
    struct buf b;
    buf_init(&b, 16 << 20);
    buf_puts(&b, first);
    for (int i = 0; i < n; i++)
        buf_puts(&b, each);
    buf_puts(&b, last);
    return b;
}

START_TEST(as_deep_as_a_text_may_be)
{
    struct schema *s =
        compiled("{\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"allOf\":[{\"$ref\":\"#\"}]}]},\"type\":\"array\"}",
                 SCHEMA_DRAFT_07);
    struct buf good = repeated("", "[", JSON_DEPTH_MAX, ""), bad = repeated("", "[", JSON_DEPTH_MAX - 1, "1");
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_putc(&good, ']');
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        buf_putc(&bad, ']');
    ck_assert_int_eq(try(s, buf_span(&good)), ERR_OK);
    ck_assert_int_eq(try(s, buf_span(&bad)), ERR_SCHEMA_VIOLATION);
    schema_free(s);
    buf_fini(&good);
    buf_fini(&bad);
}
END_TEST

START_TEST(schemas_within_schemas_too_deep)
{
    struct buf b = repeated("{\"items\":", "{\"allOf\":[", 60, "{\"$ref\":\"#\"}");
    for (int i = 0; i < 60; i++)
        buf_puts(&b, "]}");
    buf_puts(&b, "}");
    buf_putc(&b, 0);
    struct schema *s = compiled(b.p, SCHEMA_DRAFT_07);
    struct buf value = repeated("", "[", 100, "");
    for (int i = 0; i < 100; i++)
        buf_putc(&value, ']');
    limit_is(try(s, buf_span(&value)), "schemas lie too deep within one another");
    schema_free(s);
    buf_fini(&b);
    buf_fini(&value);
}
END_TEST

START_TEST(a_pattern_that_takes_too_long)
{
    struct schema *s = compiled("{\"items\":{\"pattern\":\"^(a|aa)+$\"}}", SCHEMA_DRAFT_07);
    struct buf value = repeated("[\"", "a", 60, "!\"]");
    enum err e = try(s, buf_span(&value));
    ck_assert_int_eq(e, ERR_NO_ROOM);
    ck_assert_str_eq(errors.list[0].keyword, "pattern");
    schema_free(s);
    buf_fini(&value);
}
END_TEST

/* Each of them stays within what a pattern may take, all of them together do not. */
START_TEST(patterns_that_take_long_together)
{
    struct schema *s = compiled("{\"items\":{\"not\":{\"pattern\":\"^(a|aa)+$\"}}}", SCHEMA_DRAFT_07);
    struct buf one = repeated("[", "\"aaaaaaaaaaaaaaaaaaaa!\",", 1, "\"!\"]"),
               many = repeated("[", "\"aaaaaaaaaaaaaaaaaaaa!\",", 500, "\"!\"]");
    ck_assert_int_eq(try(s, buf_span(&one)), ERR_OK);
    limit_is(try(s, buf_span(&many)), "the value takes too much work against this schema");
    schema_free(s);
    buf_fini(&one);
    buf_fini(&many);
}
END_TEST

/* A long text against a pattern that looks at each character once is no reason to refuse. */
START_TEST(long_texts_against_patterns)
{
    struct schema *s = compiled("{\"items\":{\"pattern\":\"^[A-Za-z0-9+/]*=?$\"}}", SCHEMA_DRAFT_07);
    struct buf text = repeated("[\"", "QUJDREVGR0hJSktM", 20000, "=\"]");
    ck_assert_int_eq(try(s, buf_span(&text)), ERR_OK);
    schema_free(s);
    buf_fini(&text);
}
END_TEST

START_TEST(many_elements_that_must_differ)
{
    struct schema *s = compiled("{\"uniqueItems\":true}", SCHEMA_DRAFT_07);
    struct buf b;
    buf_init(&b, 16 << 20);
    buf_putc(&b, '[');
    for (int i = 0; i < 50000; i++)
        buf_printf(&b, "{\"id\":%d,\"n\":\"x\"},", i);
    size_t n = b.n;
    buf_puts(&b, "0]");
    ck_assert_int_eq(try(s, buf_span(&b)), ERR_OK);
    b.n = n;
    buf_puts(&b, "{\"n\":\"\\u0078\",\"id\":4e4}]");
    ck_assert_int_eq(try(s, buf_span(&b)), ERR_SCHEMA_VIOLATION);
    ck_assert_str_eq(said(), " uniqueItems: elements 40000 and 50000 are equal");
    schema_free(s);
    buf_fini(&b);
}
END_TEST

/* With so much memory as schema_scratch_bytes says nothing is refused for want of it; with less it is refused, and no byte beyond is
 * touched. */
START_TEST(memory_that_is_just_enough)
{
    static const char *const values[] = {"[",         "[[],", "{\"a\\n\":\"\\t\\u00e4\\\\\",",
                                         "[\"\\n\",", "[0,",  "[\"xxxxxxxxxxxxxxxxxxxx\","};
    struct schema *s =
        compiled("{\"uniqueItems\":false,\"items\":{\"uniqueItems\":true,\"type\":\"null\"},\"maxItems\":1,"
                 "\"unevaluatedItems\":false}",
                 SCHEMA_2020_12);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (int n = 0; n < 4000; n = n * 3 + 1) {
            bool object = values[i][0] == '{';
            struct buf b = repeated(values[i], object ? "" : values[i] + 1, i ? n : 0, object ? "\"z\":0}" : "0]");
            if (i == 0)
                b.n = 0, buf_puts(&b, "[0]");
            struct json_error bad;
            ck_assert_msg(json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad) == ERR_OK, "%s", bad.what);
            struct arena exact;
            size_t enough = schema_scratch_bytes(s, buf_span(&b));
            ck_assert(arena_init(&exact, enough));
            enum err e = schema_validate(s, context, buf_span(&b), &exact, &errors);
            ck_assert_msg(e != ERR_NO_ROOM, "%s, %d times: %zu bytes", values[i], n, enough);
            arena_fini(&exact);
            for (size_t less = 16; less < enough; less = less * 2) {
                ck_assert(arena_init(&exact, less));
                enum err small = schema_validate(s, context, buf_span(&b), &exact, &errors);
                ck_assert(small == e || small == ERR_NO_ROOM);
                ck_assert(small == ERR_OK || errors.n > 0);
                arena_fini(&exact);
            }
            buf_fini(&b);
        }
    }
    schema_free(s);
}
END_TEST

START_TEST(a_name_longer_than_any_pointer)
{
    struct buf b = repeated("{\"a\":{\"", "~", 100000, "\":1}}");
    struct schema *s = compiled("{\"properties\":{\"a\":{\"additionalProperties\":false}}}", SCHEMA_DRAFT_07);
    ck_assert_int_eq(try(s, buf_span(&b)), ERR_SCHEMA_VIOLATION);
    ck_assert_span_eq(errors.list[0].pointer, "/a");
    schema_free(s);
    buf_fini(&b);
}
END_TEST

/* Text that nobody checked is no reason to read past its end. */
START_TEST(bytes_that_are_no_text)
{
    static const char *const texts[] = {"",     "{", "[", "{\"a", "{\"a\"", "{\"a\":", "[1,", "\"",
                                        "\"\\", "]", "}", "[}",   "{]",     "{1}",     "x",   "[\"\\u12"};
    struct schema *s = compiled("{\"type\":\"object\",\"uniqueItems\":true}", SCHEMA_DRAFT_07);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = strlen(texts[i]);
        char *exact = malloc(n + !n);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, texts[i], n);
        arena_reset(&memory);
        (void)schema_validate(s, context, span_of(exact, n), &memory, &errors);
        schema_scratch_bytes(s, span_of(exact, n));
        free(exact);
    }
    schema_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema");
    TCase *t = tcase_create("schema");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, what_is_wrong_in_a_value, 0, (int)(sizeof violations / sizeof *violations));
    tcase_add_loop_test(t, what_is_wrong_in_a_schema, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_test(t, what_nobody_evaluated);
    tcase_add_test(t, more_errors_than_are_told);
    tcase_add_test(t, values_are_not_told);
    tcase_add_test(t, a_pattern_that_is_none);
    tcase_add_test(t, references_across_documents);
    tcase_add_test(t, formats_only_if_asked_for);
    tcase_add_test(t, a_schema_that_multiplies);
    tcase_add_test(t, values_too_large_to_be_compared);
    tcase_add_test(t, a_chain_of_references);
    tcase_add_test(t, as_deep_as_a_text_may_be);
    tcase_add_test(t, schemas_within_schemas_too_deep);
    tcase_add_test(t, a_pattern_that_takes_too_long);
    tcase_add_test(t, patterns_that_take_long_together);
    tcase_add_test(t, long_texts_against_patterns);
    tcase_add_test(t, many_elements_that_must_differ);
    tcase_add_test(t, memory_that_is_just_enough);
    tcase_add_test(t, a_name_longer_than_any_pointer);
    tcase_add_test(t, bytes_that_are_no_text);
    suite_add_tcase(s, t);
    return suite_run(s);
}
