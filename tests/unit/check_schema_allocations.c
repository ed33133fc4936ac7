/* SPDX-License-Identifier: MIT
 * check_schema_allocations: validating takes no memory but the arena it is given: nobody asks for any, neither we nor PCRE2 nor the C
 * library. Every call of the process comes here first, for the program's own malloc comes before the library's; where a sanitizer has
 * its own, or the C library is another than glibc, this cannot be seen and is left out.
 */
#include "schema_kit.h"

#include <stdint.h>

#include "config.h"

#if defined(__GLIBC__) && !defined(CREEL_SANITIZED)
static unsigned long asked;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    asked++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    asked++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    asked++;
    return __libc_realloc(p, n);
}

/* Every keyword once, and a pattern that goes far back. */
static const char everything[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/"
    "schema\",\"type\":\"object\",\"minProperties\":1,\"maxProperties\":40,"
    "\"required\":[\"id\",\"list\"],\"propertyNames\":{\"pattern\":\"^[a-z_]+$\"},\"patternProperties\":{\"^x_\":true},"
    "\"dependentRequired\":{\"id\":[\"list\"]},\"dependentSchemas\":{\"id\":{\"properties\":{\"list\":true}}},"
    "\"properties\":{\"id\":{\"$ref\":\"#/$defs/"
    "id\"},\"when\":{\"format\":\"date-time\"},\"mail\":{\"format\":\"email\"},"
    "\"price\":{\"multipleOf\":0.01,\"minimum\":0,\"exclusiveMaximum\":1e9},\"back\":{\"pattern\":\"^(([a-z])+.)+[A-Z]("
    "[a-z])+$\"},"
    "\"kind\":{\"enum\":[\"a\",\"b\",{\"c\":[1,2]}]},\"one\":{\"const\":1},"
    "\"list\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":500,\"uniqueItems\":true,\"prefixItems\":[{\"type\":"
    "\"integer\"}],"
    "\"items\":{\"anyOf\":[{\"type\":\"string\",\"maxLength\":30},{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"object\"}"
    "]}]},"
    "\"contains\":{\"type\":\"string\"},\"minContains\":1}},"
    "\"if\":{\"required\":[\"one\"]},\"then\":{\"not\":{\"required\":[\"two\"]}},\"else\":true,"
    "\"unevaluatedProperties\":false,"
    "\"$defs\":{\"id\":{\"allOf\":[{\"type\":\"string\"},{\"minLength\":3}]}}}";

static const struct {
    const char *value;
    enum err wanted;
} values[] = {
    {"{\"id\":\"a\\u00e4c\",\"when\":\"2024-02-29T12:00:00Z\",\"mail\":\"a@b.example\",\"price\":19.99,\"kind\":{\"c\":"
     "[1.0,2]},\"one\":1e0,"
     "\"list\":[1,\"a\\nb\",null,{\"a\":1},\"c\"],\"x_y\":{}}",
     ERR_OK},
    {"{\"id\":\"a\",\"when\":\"tomorrow\",\"mail\":\"\",\"price\":19.999,\"kind\":\"c\",\"one\":2,\"two\":2,\"list\":["
     "1.5,\"a\",\"a\",[]],\"y\":0,"
     "\"Z\":0}",
     ERR_SCHEMA_VIOLATION},
    {"{\"list\":[1,2]}", ERR_SCHEMA_VIOLATION},
    {"{\"id\":\"abc\",\"list\":[1,\"a\"],\"back\":"
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
     ERR_NO_ROOM},
};

START_TEST(validating_takes_no_memory)
{
    struct schema *s = compiled(everything, SCHEMA_2020_12);
    struct schema_context *c;
    struct schema_errors errors;
    struct arena memory;
    ck_assert_int_eq(schema_context_new(&c), ERR_OK);
    ck_assert(arena_init(&memory, KIT_ARENA_BYTES));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            arena_reset(&memory);
            unsigned long before = asked;
            enum err e = schema_validate(s, c, span_str(values[i].value), &memory, round ? &errors : NULL);
            unsigned long n = asked - before;
            ck_assert_msg(e == values[i].wanted, "%s: %s: %.*s", values[i].value, err_code(e),
                          round ? (int)errors.list[0].message.n : 0, round ? errors.list[0].message.p : "");
            ck_assert_msg(n == 0, "%s: memory is asked for %lu times", values[i].value, n);
        }
    }
    schema_context_free(c);
    arena_fini(&memory);
    schema_free(s);
}
END_TEST

START_TEST(memory_that_is_asked_for_is_seen)
{
    unsigned long before = asked;
    struct schema *s = compiled("{\"pattern\":\"a\"}", SCHEMA_DRAFT_07);
    ck_assert_uint_gt(asked, before + 4);
    schema_free(s);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, memory_that_is_asked_for_is_seen);
    tcase_add_test(t, validating_takes_no_memory);
}
#else
static void add_tests(TCase *t)
{
    (void)t;
    printf("left out: validating_takes_no_memory: malloc is somebody else's here\n");
}
#endif

int main(void)
{
    Suite *s = suite_create("schema allocations");
    TCase *t = tcase_create("schema allocations");
    add_tests(t);
    suite_add_tcase(s, t);
    return suite_run(s);
}
