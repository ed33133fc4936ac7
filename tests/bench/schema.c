/* SPDX-License-Identifier: MIT
 * bench schema: what looking at a JSON event costs (scan, type and id, a schema of 30 properties), against a bare cJSON_Parse and
 * cJSON_Delete of the same 1 KiB, in interleaved pairs, by CPU time. ROUNDS pairs (9).
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "pairs.h"
#include "schema/schema.h"

enum { BODY_BYTES = 1024, RUNS = 20000, PROPERTIES = 30, ARENA_BYTES = 256 * 1024 };

/* What an order looks like: names, texts, numbers, a list and an object of objects. */
static void put_body(struct buf *b)
{
    buf_puts(b, "{\"type\":\"order.created\",\"id\":\"evt_0123456789\",\"version\":1,\"created\":\"2024-02-29T12:00:"
                "00Z\",\"data\":{"
                "\"number\":\"A-4711\",\"total\":199.95,\"currency\":\"EUR\",\"paid\":true,\"note\":null,\"lines\":[");
    for (int i = 0; i < 4; i++)
        buf_printf(b, "%s{\"sku\":\"SKU-%04d\",\"count\":%d,\"price\":%d.99}", i ? "," : "", i, i + 1, 10 * i);
    buf_puts(b, "]}");
    for (int i = 0; i < PROPERTIES - 8; i++) {
        if (i % 3 == 0)
            buf_printf(b, ",\"field_%02d\":%d", i, i * 1000);
        else
            buf_printf(b, ",\"field_%02d\":\"text %d\"", i, i);
    }
    buf_puts(b, ",\"tail\":\"");
    while (b->n < BODY_BYTES - 2)
        buf_putc(b, 'x');
    buf_puts(b, "\"}");
}

static void put_schema(struct buf *b)
{
    buf_puts(b, "{\"type\":\"object\",\"required\":[\"type\",\"id\",\"data\",\"created\"],\"additionalProperties\":"
                "false,\"properties\":{"
                "\"type\":{\"const\":\"order.created\"},\"id\":{\"type\":\"string\",\"pattern\":\"^evt_[0-9]+$\"},"
                "\"version\":{\"type\":\"integer\",\"minimum\":1},\"created\":{\"type\":\"string\",\"minLength\":20},"
                "\"tail\":{\"type\":\"string\"},"
                "\"data\":{\"type\":\"object\",\"required\":[\"number\",\"total\",\"lines\"],\"properties\":{"
                "\"number\":{\"type\":\"string\"},"
                "\"total\":{\"type\":\"number\",\"minimum\":0,\"multipleOf\":0.01},\"currency\":{\"enum\":[\"EUR\","
                "\"USD\",\"CHF\"]},"
                "\"paid\":{\"type\":\"boolean\"},\"note\":{\"type\":[\"string\",\"null\"]},\"lines\":{\"type\":"
                "\"array\",\"maxItems\":100,"
                "\"items\":{\"type\":\"object\",\"required\":[\"sku\",\"count\"],\"properties\":{\"sku\":{\"type\":"
                "\"string\",\"maxLength\":20},"
                "\"count\":{\"type\":\"integer\",\"minimum\":1},\"price\":{\"type\":\"number\"}}}}}}");
    for (int i = 0; i < PROPERTIES - 8; i++)
        buf_printf(b, ",\"field_%02d\":%s", i,
                   i % 3 == 0 ? "{\"type\":\"integer\",\"maximum\":100000}" : "{\"type\":\"string\",\"maxLength\":40}");
    buf_puts(b, "}}");
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct bench {
    struct schema *schema; /* NULL: scan and identify alone */
    struct schema_context *context;
    struct arena memory;
    struct span body;
};

static double run_ours(struct bench *b)
{
    double from = cpu_ns();
    for (int i = 0; i < RUNS; i++) {
        struct json_error bad;
        arena_reset(&b->memory);
        if (json_check(b->body, JSON_LIMITS_DEFAULT, &bad) != ERR_OK || !json_pointer(b->body, SPAN_LIT("/type")).p ||
            !json_pointer(b->body, SPAN_LIT("/id")).p ||
            (b->schema && schema_validate(b->schema, b->context, b->body, &b->memory, NULL) != ERR_OK))
            die(EXIT_SYSTEM, "the event is refused");
    }
    return (cpu_ns() - from) / RUNS;
}

static double run_bare(const struct bench *b)
{
    double from = cpu_ns();
    for (int i = 0; i < RUNS; i++) {
        cJSON *tree = cJSON_ParseWithLength(b->body.p, b->body.n);
        if (!tree)
            die(EXIT_SYSTEM, "cJSON refuses the event");
        cJSON_Delete(tree);
    }
    return (cpu_ns() - from) / RUNS;
}

static void measure(struct bench *b, const char *what, double goal)
{
    struct pairs p = {.part = "schema", .what = what, .unit = "CPU ns", .goal = goal};
    for (int i = 0; i < pairs_rounds(); i++) {
        double ours = pairs_ours_first(i) ? run_ours(b) : 0, bare = run_bare(b);
        pairs_add(&p, ours > 0 ? ours : run_ours(b), bare);
    }
    pairs_print(&p);
}

int main(void)
{
    const struct schema_options options = {.draft = SCHEMA_2020_12, .formats = true};
    struct bench b = {.schema = NULL};
    struct schema *schema;
    struct buf body, text;
    struct why w;
    buf_init(&body, 2 * BODY_BYTES);
    buf_init(&text, 1 << 16);
    put_body(&body);
    put_schema(&text);
    if (body.failed || body.n != BODY_BYTES || !arena_init(&b.memory, ARENA_BYTES) ||
        schema_context_new(&b.context) != ERR_OK)
        die(EXIT_SYSTEM, "cannot begin: the body has %zu bytes", body.n);
    if (schema_compile(buf_span(&text), &options, &schema, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    b.body = buf_span(&body);
    measure(&b, "scan, type, id / bare cJSON", 0);
    b.schema = schema;
    measure(&b, "scan, type, id, schema / bare cJSON", 5);
    schema_free(schema);
    schema_context_free(b.context);
    arena_fini(&b.memory);
    buf_fini(&body);
    buf_fini(&text);
    return 0;
}
