/* SPDX-License-Identifier: MIT
 * bench contract: what the door does with the JSON of one event, its strict scan, finding type, id, order key, version and
 * time, and validation by a schema of 30 properties, against cJSON parsing and freeing the same bytes, in interleaved pairs, by
 * CPU time. ROUNDS pairs (9).
 */
#include <cJSON.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "pairs.h"
#include "recipe/facts.h"
#include "schema/schema.h"

enum { BODY_BYTES = 1024, PROPERTIES = 30, RUNS = 20000, FACTS = 5 };

static const char *const kinds[] = {
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}",
    "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000}",
    "{\"type\":\"string\",\"enum\":[\"open\",\"paid\",\"settled\"]}",
    "{\"type\":\"boolean\"}",
    "{\"type\":\"number\",\"multipleOf\":0.01}",
    "{\"type\":\"string\",\"pattern\":\"^[a-z]+_[0-9]+$\"}",
};
static const char *const values[] = {"\"a customer's text\"", "4711", "\"paid\"", "true", "12.34", "\"cus_815\""};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct {
    struct buf body, schema;
    struct schema *compiled;
    struct schema_context *context;
    struct facts *facts[FACTS];
    struct arena arena;
} b;

static void must(bool ok, const char *what)
{
    if (!ok)
        die(EXIT_SYSTEM, "%s", what);
}

/* 30 properties of six kinds, all of them required, and a text that fills the event up to its size. */
static void make_texts(void)
{
    buf_init(&b.body, 4096);
    buf_init(&b.schema, 16384);
    buf_puts(&b.schema, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"type\":{\"type\":\"string\"},"
                        "\"id\":{\"type\":\"string\"},\"fill\":{\"type\":\"string\"}");
    buf_puts(&b.body, "{\"type\":\"order.paid\",\"id\":\"evt_1\"");
    for (int i = 0; i < PROPERTIES - 3; i++) {
        buf_printf(&b.schema, ",\"member_%d\":%s", i, kinds[i % KINDS]);
        buf_printf(&b.body, ",\"member_%d\":%s", i, values[i % KINDS]);
    }
    buf_puts(&b.schema, "},\"required\":[\"type\",\"id\"");
    for (int i = 0; i < PROPERTIES - 3; i++)
        buf_printf(&b.schema, ",\"member_%d\"", i);
    buf_puts(&b.schema, "]}");
    buf_puts(&b.body, ",\"fill\":\"");
    while (b.body.n < BODY_BYTES - 2)
        buf_putc(&b.body, 'x');
    buf_puts(&b.body, "\"}");
    must(!b.body.failed && !b.schema.failed && b.body.n == BODY_BYTES, "the event does not fit");
}

static void prepare(void)
{
    static const char *const refs[FACTS] = {"json:/type", "json:/id", "json:/member_5", "json:/version", "json:/time"};
    struct why w;
    struct schema_options o = {.draft = SCHEMA_2020_12};
    make_texts();
    if (schema_compile(buf_span(&b.schema), &o, &b.compiled, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    must(schema_context_new(&b.context) == ERR_OK && arena_init(&b.arena, 1 << 16), "out of memory");
    for (int i = 0; i < FACTS; i++)
        if (facts_new(&refs[i], 1, &b.facts[i], &w) != ERR_OK)
            die(EXIT_SYSTEM, "%s", w.text);
}

static double run_ours(int runs)
{
    const struct recipe_request q = {.body = buf_span(&b.body)};
    int64_t from = clock_cpu_ns();
    for (int i = 0; i < runs; i++) {
        struct json_error bad;
        struct schema_errors errors;
        struct span fact;
        arena_reset(&b.arena);
        must(json_check(q.body, JSON_LIMITS_DEFAULT, &bad) == ERR_OK, "the scan");
        for (int k = 0; k < FACTS; k++)
            must(facts_find(b.facts[k], &q, true, &b.arena, &fact) == ERR_OK && (fact.p || k > 2), "identify");
        must(schema_validate(b.compiled, b.context, q.body, &b.arena, &errors) == ERR_OK, "validate");
    }
    return (double)(clock_cpu_ns() - from) / runs;
}

static double run_bare(int runs)
{
    int64_t from = clock_cpu_ns();
    for (int i = 0; i < runs; i++) {
        cJSON *tree = cJSON_ParseWithLength(b.body.p, b.body.n);
        must(tree != NULL, "cJSON");
        cJSON_Delete(tree);
    }
    return (double)(clock_cpu_ns() - from) / runs;
}

int main(void)
{
    struct pairs p = {.part = "contract", .what = "scan, identify, validate 1 KiB / cJSON parse and free", .unit = "CPU ns", .goal = 5};
    prepare();
    run_ours(RUNS / 10);
    for (int i = 0; i < pairs_rounds(); i++) {
        double ours = pairs_ours_first(i) ? run_ours(RUNS) : 0, bare = run_bare(RUNS);
        pairs_add(&p, ours > 0 ? ours : run_ours(RUNS), bare);
    }
    pairs_print(&p);
    for (int i = 0; i < FACTS; i++)
        facts_free(b.facts[i]);
    schema_free(b.compiled);
    schema_context_free(b.context);
    arena_fini(&b.arena);
    buf_fini(&b.body);
    buf_fini(&b.schema);
    return 0;
}
