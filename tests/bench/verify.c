/* SPDX-License-Identifier: MIT
 * bench verify: what recipe_verify costs for one event, against the bare cryptography over the same bytes, in
 * interleaved pairs, by CPU time. ROUNDS pairs (9).
 */
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "pairs.h"
#include "recipe/recipe.h"

enum { BODY_BYTES = 1024, HEADERS_MAX = 24, CONTENT_BYTES = 2048 };

static const struct {
    const char *recipe, *what, *key;
    int runs; /* in one half of a pair */
    double goal;
} rows[] = {
    {"github", "github / bare HMAC", "It's a Secret to Everybody", 20000, 2.5},
    {"stripe", "stripe / bare HMAC", "whsec_test_secret", 20000, 2.5},
    {"standard-webhooks", "standard-webhooks / bare HMAC", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 20000, 2.5},
    {"standard-webhooks-v1a", "standard-webhooks-v1a / bare Ed25519", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", 500, 1.1},
};

/* What a web server passes on besides. */
static const struct recipe_header usual[] = {
    {SPAN_LIT("Host"), SPAN_LIT("hooks.example.test")},
    {SPAN_LIT("User-Agent"), SPAN_LIT("sender/1.0")},
    {SPAN_LIT("Accept"), SPAN_LIT("*/*")},
    {SPAN_LIT("Content-Type"), SPAN_LIT("application/json")},
    {SPAN_LIT("Content-Length"), SPAN_LIT("1024")},
    {SPAN_LIT("X-Forwarded-For"), SPAN_LIT("192.0.2.7")},
    {SPAN_LIT("X-Forwarded-Proto"), SPAN_LIT("https")},
    {SPAN_LIT("Accept-Encoding"), SPAN_LIT("gzip")},
};

struct bench {
    struct recipe *r;
    struct keyring *k;
    struct recipe_context *c;
    struct arena sign_memory, scratch;
    struct recipe_header headers[HEADERS_MAX];
    struct recipe_request q;
    char body[BODY_BYTES];
    /* the bare side */
    unsigned char content[CONTENT_BYTES], signature[64], public_key[32];
    size_t n_content;
    EVP_MAC_CTX *mac;
};

static struct recipe *load(const char *name)
{
    char path[512];
    struct buf text;
    struct recipe *r;
    struct why w;
    snprintf(path, sizeof path, TESTS_SRCDIR "/host/recipe/recipes/%s.json", name);
    buf_init(&text, 1 << 16);
    if (fs_read(AT_FDCWD, path, &text, &w) != ERR_OK || recipe_compile(name, buf_span(&text), NULL, &r, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    buf_fini(&text);
    return r;
}

static void prepare(struct bench *b, const char *name, const char *key)
{
    struct why w;
    struct recipe_signed made;
    b->r = load(name);
    const struct keyring_key keys = {"k", NULL, false, span_str(key), 0, INT64_MAX};
    memset(b->body, 'x', sizeof b->body);
    memcpy(b->headers, usual, sizeof usual);
    b->q = (struct recipe_request){.method = SPAN_LIT("POST"),
                                   .headers = b->headers,
                                   .n_headers = sizeof usual / sizeof *usual,
                                   .body = span_of(b->body, sizeof b->body),
                                   .now_ms = clock_wall_ms()};
    if (!arena_init(&b->sign_memory, 1 << 16) || !arena_init(&b->scratch, 1 << 16) ||
        recipe_context_new(&b->c) != ERR_OK)
        die(EXIT_SYSTEM, "out of memory");
    if (keyring_new(b->r, &keys, 1, &b->k, &w) != ERR_OK ||
        recipe_sign(b->r, b->k, b->c, &b->q, "msg_1", &b->sign_memory, &made, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s", w.text);
    for (size_t i = 0; i < made.n_headers && b->q.n_headers < HEADERS_MAX; i++)
        b->headers[b->q.n_headers++] = made.headers[i];
}

/* The same number of bytes as is signed: body, and for all but github id and time before it. */
static void prepare_bare(struct bench *b, bool ed25519)
{
    unsigned char private_key[64];
    static const unsigned char seed[32] = "0123456789abcdef0123456789abcde";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
                           OSSL_PARAM_construct_end()};
    memset(b->content, 'x', sizeof b->content);
    b->n_content = BODY_BYTES + (strcmp(recipe_name(b->r), "github") == 0   ? 0
                                 : strcmp(recipe_name(b->r), "stripe") == 0 ? 11
                                                                            : 17);
    if (ed25519) {
        crypto_sign_seed_keypair(b->public_key, private_key, seed);
        crypto_sign_detached(b->signature, NULL, b->content, b->n_content, private_key);
        return;
    }
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    b->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (!b->mac || EVP_MAC_init(b->mac, seed, sizeof seed, params) != 1)
        die(EXIT_SYSTEM, "EVP_MAC_init");
}

static double run_recipe(struct bench *b, int runs)
{
    struct recipe_verdict verdict;
    int64_t from = clock_cpu_ns();
    for (int i = 0; i < runs; i++) {
        arena_reset(&b->scratch);
        if (recipe_verify(b->r, b->k, b->c, &b->q, &b->scratch, &verdict) != ERR_OK)
            die(EXIT_SYSTEM, "%s: %s", recipe_name(b->r), verdict.detail);
    }
    return (double)(clock_cpu_ns() - from) / runs;
}

static double run_bare(struct bench *b, int runs)
{
    unsigned char out[64];
    size_t n;
    int64_t from = clock_cpu_ns();
    for (int i = 0; i < runs; i++) {
        bool ok = b->mac ? EVP_MAC_init(b->mac, NULL, 0, NULL) == 1 &&
                               EVP_MAC_update(b->mac, b->content, b->n_content) == 1 &&
                               EVP_MAC_final(b->mac, out, &n, sizeof out) == 1
                         : crypto_sign_verify_detached(b->signature, b->content, b->n_content, b->public_key) == 0;
        if (!ok)
            die(EXIT_SYSTEM, "bare cryptography failed");
    }
    return (double)(clock_cpu_ns() - from) / runs;
}

static void measure(size_t row)
{
    struct bench *b = calloc(1, sizeof *b);
    struct pairs p = {.part = "verify", .what = rows[row].what, .unit = "CPU ns", .goal = rows[row].goal};
    int runs = rows[row].runs;
    if (!b)
        die(EXIT_SYSTEM, "out of memory");
    prepare(b, rows[row].recipe, rows[row].key);
    prepare_bare(b, recipe_takes_public_keys(b->r));
    run_recipe(b, runs / 10);
    for (int i = 0; i < pairs_rounds(); i++) {
        double ours = pairs_ours_first(i) ? run_recipe(b, runs) : 0, bare = run_bare(b, runs);
        pairs_add(&p, ours > 0 ? ours : run_recipe(b, runs), bare);
    }
    pairs_print(&p);
    EVP_MAC_CTX_free(b->mac);
    recipe_context_free(b->c);
    keyring_free(b->k);
    recipe_free(b->r);
    arena_fini(&b->scratch);
    arena_fini(&b->sign_memory);
    free(b);
}

int main(void)
{
    if (sodium_init() < 0)
        die(EXIT_SYSTEM, "libsodium cannot start");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        measure(i);
    return 0;
}
