/* SPDX-License-Identifier: MIT
 * fuzz compare: "OLD TAB NEW", two schemas. Where nothing is said, what the old one takes the new one takes too; a schema compared
 * with itself says nothing.
 */
#include "schema/compare.h"

#include "fuzz.h"

const char fuzz_name[] = "compare";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/compare", NULL},
    {NULL, NULL},
};

static const char *const instances[] = {
    "null",
    "true",
    "false",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "-1",
    "0.5",
    "1.5",
    "5.2",
    "1e9",
    "\"\"",
    "\"a\"",
    "\"ab\"",
    "\"abcdef\"",
    "\"2024-01-01\"",
    "[]",
    "[null]",
    "[1]",
    "[1,1]",
    "[1,2]",
    "[\"a\",null]",
    "[null,\"a\",1]",
    "[[],{}]",
    "[1,2,3,4]",
    "{}",
    "{\"a\":1}",
    "{\"a\":\"a\"}",
    "{\"a\":null}",
    "{\"b\":1}",
    "{\"c\":true}",
    "{\"a\":1,\"b\":\"b\"}",
    "{\"b\":1,\"c\":\"x\"}",
    "{\"id\":\"a\"}",
    "{\"id\":1}",
    "{\"id\":\"a\",\"new\":1}",
    "{\"x-a\":\"a\"}",
    "{\"x-a\":1}",
    "{\"k\":1}",
    "{\"k\":2,\"a\":1}",
    "{\"a\":{\"a\":1,\"b\":\"x\"}}",
    "{\"next\":{\"v\":1.5}}",
    "{\"a\":[1,\"a\"],\"b\":{}}",
    "{\"a/b\":1.5}",
    "{\"abcd\":1}",
};
enum { INSTANCES = sizeof instances / sizeof *instances };

static bool fits(const struct schema *s, struct span instance)
{
    static struct schema_context *context; /* as long as the process */
    struct arena memory;
    bug_if(!context && schema_context_new(&context) != ERR_OK);
    bug_if(!arena_init(&memory, schema_scratch_bytes(s, instance)));
    enum err e = schema_validate(s, context, instance, &memory, NULL);
    arena_fini(&memory);
    bug_if(e == ERR_NO_ROOM && instance.n == 0);
    return e == ERR_OK;
}

/* Both compile: the comparison has seen to that. */
static void nothing_is_lost(struct span old, struct span new)
{
    const struct schema_options options = {.draft = SCHEMA_2020_12, .formats = true};
    struct schema *a, *b;
    bug_if(schema_compile(old, &options, &a, NULL) != ERR_OK || schema_compile(new, &options, &b, NULL) != ERR_OK);
    for (size_t i = 0; i < INSTANCES; i++)
        bug_if(fits(a, span_str(instances[i])) && !fits(b, span_str(instances[i])));
    schema_free(a);
    schema_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span input = span_of((const char *)p, n);
    const char *tab = n ? memchr(p, '\t', n) : NULL;
    struct span old = span_of(input.p, tab ? (size_t)(tab - input.p) : n), new = span_skip(input, old.n + 1);
    struct schema_changes changes;
    struct why w = {""};
    enum err e = schema_compare(old, new, SCHEMA_2020_12, &changes, &w);
    bug_if(e != ERR_OK && (e != ERR_INVALID || !w.text[0]));
    if (e != ERR_OK)
        return 0;
    for (size_t i = 0; i < changes.n; i++)
        bug_if(!json_pointer_valid(changes.list[i].where) || !json_pointer(new, changes.list[i].pointer).p ||
               !changes.list[i].message.n);
    if (changes.n == 0 && !changes.more)
        nothing_is_lost(old, new);
    schema_changes_fini(&changes);
    bug_if(schema_compare(new, new, SCHEMA_2020_12, &changes, &w) != ERR_OK || changes.n > 0);
    schema_changes_fini(&changes);
    return 0;
}
