/* SPDX-License-Identifier: MIT
 * recipe_kit: what the tests of recipes share: installed recipes, a request to verify and sign, mutations.
 */
#ifndef CREEL_TESTS_RECIPE_KIT_H
#define CREEL_TESTS_RECIPE_KIT_H

#include "suite.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "recipe/case.h"

static inline struct buf read_source(const char *path)
{
    char full[512];
    struct buf b;
    struct why w;
    snprintf(full, sizeof full, TESTS_SRCDIR "/%s", path);
    buf_init(&b, 16 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, full, &b, &w) == ERR_OK, "%s", w.text);
    return b;
}

static inline struct recipe *installed_as(const char *name, const char *variant)
{
    char path[128], like[RECIPE_NAME_BYTES];
    struct buf other = {0};
    struct recipe *r = NULL;
    struct why w;
    snprintf(path, sizeof path, "host/recipe/recipes/%s.json", name);
    struct buf text = read_source(path);
    recipe_like(buf_span(&text), like);
    snprintf(path, sizeof path, "host/recipe/recipes/%s.json", like);
    if (like[0])
        other = read_source(path);
    enum err e = recipe_compile_like(name, buf_span(&text), like[0] ? buf_span(&other) : SPAN_NONE, variant, &r, &w);
    ck_assert_msg(e == ERR_OK, "%s %s: %s", name, variant ? variant : "", w.text);
    if (like[0])
        buf_fini(&other);
    buf_fini(&text);
    return r;
}

static inline struct recipe *installed(const char *name)
{
    return installed_as(name, NULL);
}

static inline struct recipe *compiled(const char *json)
{
    struct recipe *r = NULL;
    struct why w;
    ck_assert_msg(recipe_compile("t", span_str(json), NULL, &r, &w) == ERR_OK, "%s: %s", json, w.text);
    return r;
}

#define NOW_MS INT64_C(1700000000000)

struct bench {
    struct recipe *r;
    struct keyring *k;
    struct recipe_context *c;
    struct arena a, made; /* made: what signing made */
    struct recipe_header headers[16];
    struct recipe_request q;
    struct recipe_verdict verdict;
};

static inline struct keyring *ring_of(const struct recipe *r, const char *key, const char *encoding, bool is_public)
{
    struct keyring *k = NULL;
    struct why w;
    const struct keyring_key in = {"k1", encoding, is_public, span_str(key), 0, INT64_MAX};
    ck_assert_msg(keyring_new(r, &in, 1, &k, &w) == ERR_OK, "%s", w.text);
    return k;
}

static inline void bench_init(struct bench *b, struct recipe *r, struct keyring *k)
{
    *b = (struct bench){.r = r, .k = k};
    b->q = (struct recipe_request){.method = SPAN_LIT("POST"),
                                   .url = SPAN_LIT("https://hooks.example.test/in"),
                                   .headers = b->headers,
                                   .body = SPAN_LIT("{\"type\":\"a\"}"),
                                   .now_ms = NOW_MS};
    ck_assert_int_eq(recipe_context_new(&b->c), ERR_OK);
    ck_assert(arena_init(&b->a, 65536));
    ck_assert(arena_init(&b->made, 65536));
}

static inline void bench_fini(struct bench *b)
{
    recipe_context_free(b->c);
    arena_fini(&b->a);
    arena_fini(&b->made);
    keyring_free(b->k);
    recipe_free(b->r);
}

static inline void header(struct bench *b, const char *name, const char *value)
{
    b->headers[b->q.n_headers++] = (struct recipe_header){span_str(name), span_str(value)};
}

static inline enum err verify(struct bench *b)
{
    arena_reset(&b->a);
    return recipe_verify(b->r, b->k, b->c, &b->q, &b->a, &b->verdict);
}

/* Sign b's request and keep what it makes. */
static inline enum err try_sign(struct bench *b, const char *id, struct why *w)
{
    struct recipe_signed made;
    enum err e = recipe_sign(b->r, b->k, b->c, &b->q, id, &b->made, &made, w);
    for (size_t i = 0; e == ERR_OK && i < made.n_headers; i++)
        header(b, strdup(made.headers[i].name.p), strdup(made.headers[i].value.p));
    if (e == ERR_OK) {
        b->q.body = made.body;
        b->q.query = made.query;
    }
    return e;
}

static inline void sign(struct bench *b, const char *id)
{
    struct why w;
    ck_assert_msg(try_sign(b, id, &w) == ERR_OK, "%s", w.text);
}

static inline void forget(struct bench *b)
{
    for (size_t i = 0; i < b->q.n_headers; i++) {
        free((void *)(uintptr_t)b->headers[i].name.p);
        free((void *)(uintptr_t)b->headers[i].value.p);
    }
    b->q.n_headers = 0;
}

static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static inline void mutate(char *text, size_t *n, size_t cap, uint32_t *seed)
{
    static const char likely[] = ",=; .v1at0\t\"{}\0\xff";
    for (uint32_t k = next_random(seed) % 4 + 1; k > 0; k--) {
        size_t at = *n ? next_random(seed) % *n : 0;
        char c = likely[next_random(seed) % sizeof likely];
        switch (next_random(seed) % 4) {
        case 0:
            if (*n)
                text[at] = c;
            break;
        case 1:
            if (*n < cap) {
                memmove(text + at + 1, text + at, *n - at);
                text[at] = c;
                ++*n;
            }
            break;
        case 2:
            *n = at;
            break;
        default:
            if (*n * 2 <= cap) {
                memcpy(text + *n, text, *n);
                *n *= 2;
            }
        }
    }
}

#endif
