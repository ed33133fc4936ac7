/* SPDX-License-Identifier: MIT
 * fuzz schema: any text as a JSON Schema of both drafts. What compiles judges a few texts, and itself, the same twice and the
 * same with and without errors being told; what does not says why.
 */
#include "schema/schema.h"

#include "fuzz.h"

const char fuzz_name[] = "schema";

static void take_schema(struct span group, struct buf *out)
{
    buf_put_span(out, json_member(group, "schema"));
}

#define SUITE(name)                                                                                                    \
    {                                                                                                                  \
        "tests/vectors/json-schema/tests/draft2020-12/" name ".json", take_schema                                      \
    }
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/schema", NULL},
    SUITE("anyOf"),
    SUITE("contains"),
    SUITE("dependentSchemas"),
    SUITE("if-then-else"),
    SUITE("not"),
    SUITE("patternProperties"),
    SUITE("prefixItems"),
    SUITE("propertyNames"),
    SUITE("ref"),
    SUITE("unevaluatedItems"),
    SUITE("unevaluatedProperties"),
    {"tests/vectors/json-schema/tests/draft7/dependencies.json", take_schema},
    {"tests/vectors/json-schema/tests/draft7/items.json", take_schema},
    {"tests/vectors/json-schema/tests/draft7/ref.json", take_schema},
    {NULL, NULL},
};

static struct schema_context *the_context(void)
{
    static struct schema_context *context; /* as long as the process */
    bug_if(!context && schema_context_new(&context) != ERR_OK);
    return context;
}

static void judge(const struct schema *s, struct span instance)
{
    struct schema_errors errors = {.n = 0}, again = {.n = 0};
    struct arena memory;
    bug_if(!arena_init(&memory, schema_scratch_bytes(s, instance)));
    enum err e = schema_validate(s, the_context(), instance, &memory, &errors);
    bug_if(e != ERR_OK && e != ERR_SCHEMA_VIOLATION && e != ERR_NO_ROOM);
    bug_if((e == ERR_OK) != (errors.n == 0) || errors.n > SCHEMA_ERRORS_MAX);
    for (size_t i = 0; i < errors.n; i++) {
        bug_if(!errors.list[i].keyword || !errors.list[i].message.n);
        bug_if(!json_pointer_valid(errors.list[i].pointer));
    }
    arena_reset(&memory);
    enum err short_e = schema_validate(s, the_context(), instance, &memory, NULL);
    bug_if((short_e == ERR_OK) != (e == ERR_OK));
    arena_reset(&memory);
    bug_if(schema_validate(s, the_context(), instance, &memory, &again) != e || again.n != errors.n);
    arena_fini(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char *const instances[] = {"null", "[1,[1.0],\"a\",[1]]",
                                            "{\"foo\":{\"bar\":[true,1e0]},\"a\":\"\\u00e9\",\"$ref\":1}"};
    struct span text = span_of((const char *)p, n);
    struct json_error bad;
    bool json = json_check(text, JSON_LIMITS_DEFAULT, &bad) == ERR_OK;
    for (int draft = SCHEMA_DRAFT_07; draft <= SCHEMA_2020_12; draft++) {
        const struct schema_options options = {.draft = (enum schema_draft)draft, .formats = true};
        struct schema *s = NULL;
        struct why w = {""};
        enum err e = schema_compile(text, &options, &s, &w);
        bug_if(e != ERR_OK && (e != ERR_INVALID || !w.text[0] || s));
        for (size_t i = 0; e == ERR_OK && i < sizeof instances / sizeof *instances; i++)
            judge(s, span_str(instances[i]));
        if (e == ERR_OK && json)
            judge(s, text);
        schema_free(s);
    }
    return 0;
}
