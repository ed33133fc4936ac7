/* SPDX-License-Identifier: MIT
 * fuzz instance: any text that is JSON, judged by the schemas of the corpus, in as much memory as is asked for and in less: the
 * answers agree, errors lead to values that are there, and too little memory is said, never passed.
 */
#include "schema/schema.h"

#include "fuzz.h"

const char fuzz_name[] = "instance";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/instance", NULL},
    {NULL, NULL},
};

static const char *const texts[] = {
    "{\"type\":\"object\",\"required\":[\"id\",\"items\"],\"properties\":{\"id\":{\"type\":\"string\",\"pattern\":\"^["
    "a-z]+-[0-9]+$\","
    "\"minLength\":3,\"maxLength\":12},\"at\":{\"format\":\"date-time\"},\"total\":{\"type\":\"number\",\"minimum\":0,"
    "\"multipleOf\":0.01},"
    "\"items\":{\"type\":\"array\",\"uniqueItems\":true,\"maxItems\":5,\"items\":{\"$ref\":\"#/$defs/item\"}}},"
    "\"patternProperties\":{\"^x-\":{\"type\":[\"string\",\"null\"]}},\"additionalProperties\":false,"
    "\"$defs\":{\"item\":{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{"
    "\"n\":{\"$ref\":"
    "\"#/$defs/item\"}}}]}}}",
    "{\"allOf\":[{\"properties\":{\"a\":true}},{\"if\":{\"required\":[\"b\"]},\"then\":{\"properties\":{\"b\":{"
    "\"enum\":[1,[2.0],{\"c\":3}]}}},"
    "\"else\":{\"prefixItems\":[true,{\"const\":0}]}}],\"unevaluatedProperties\":false,\"unevaluatedItems\":{\"type\":"
    "\"boolean\"},"
    "\"dependentRequired\":{\"b\":[\"a\"]}}",
    "{\"contains\":{\"type\":\"string\"},\"minContains\":2,\"maxContains\":3,\"not\":{\"maxProperties\":1,\"type\":"
    "\"object\"},"
    "\"propertyNames\":{\"maxLength\":3},\"anyOf\":[{\"uniqueItems\":true},{\"exclusiveMaximum\":1e3}],"
    "\"additionalProperties\":{\"$ref\":\"#\"},"
    "\"items\":{\"$ref\":\"#\"}}",
};
enum { SCHEMAS = sizeof texts / sizeof *texts, FEW_BYTES = 512 };

static struct {
    struct schema_context *context;
    struct schema *schemas[SCHEMAS];
} all; /* as long as the process */

static void compile_all(void)
{
    const struct schema_options options = {.draft = SCHEMA_2020_12, .formats = true};
    struct why w = {""};
    if (all.context)
        return;
    for (size_t i = 0; i < SCHEMAS; i++)
        if (schema_compile(span_str(texts[i]), &options, &all.schemas[i], &w) != ERR_OK)
            die(EXIT_SYSTEM, "schema %zu: %s", i, w.text);
    bug_if(schema_context_new(&all.context) != ERR_OK);
}

static void look_at(struct span instance, const struct schema_errors *errors)
{
    struct json_error bad;
    for (size_t i = 0; i < errors->n; i++) {
        bug_if(!json_pointer(instance, errors->list[i].pointer).p);
        struct buf b;
        buf_init(&b, 1 << 20);
        buf_put_json_string(&b, errors->list[i].message);
        bug_if(b.failed || json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &bad) != ERR_OK);
        buf_fini(&b);
    }
}

static void judge(const struct schema *s, struct span instance)
{
    struct schema_errors errors = {.n = 0}, few = {.n = 0};
    struct arena memory;
    bug_if(!arena_init(&memory, schema_scratch_bytes(s, instance)));
    enum err e = schema_validate(s, all.context, instance, &memory, &errors);
    bug_if((e == ERR_OK) != (errors.n == 0));
    look_at(instance, &errors);
    arena_reset(&memory);
    bug_if((schema_validate(s, all.context, instance, &memory, NULL) == ERR_OK) != (e == ERR_OK));
    arena_fini(&memory);
    bug_if(!arena_init(&memory, FEW_BYTES));
    enum err small = schema_validate(s, all.context, instance, &memory, &few);
    bug_if(small != e && small != ERR_NO_ROOM && !(small == ERR_SCHEMA_VIOLATION && e == ERR_NO_ROOM));
    arena_fini(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n);
    struct json_error bad;
    compile_all();
    if (json_check(text, JSON_LIMITS_DEFAULT, &bad) != ERR_OK)
        return 0;
    for (size_t i = 0; i < SCHEMAS; i++)
        judge(all.schemas[i], text);
    return 0;
}
