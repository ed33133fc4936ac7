/* SPDX-License-Identifier: MIT
 * bench verify: what recipe_verify costs for one event, against the bare cryptography over the same bytes, in
 * interleaved pairs, by CPU time: some recipes, and of all with HMAC-SHA256 that sign here the dearest. ROUNDS pairs (9).
 */
#include <dirent.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "../fuzz/installed.h"
#include "pairs.h"
#include "recipe/proof.h"

enum { BODY_BYTES = 1024, HEADERS_MAX = 24, CONTENT_BYTES = 2048 };

static const struct {
    const char *recipe, *what, *key;
    int runs; /* in one half of a pair */
    double goal;
} rows[] = {
    {"github", "github / bare HMAC", "It's a Secret to Everybody", 20000, 2.5},
    {"stripe", "stripe / bare HMAC", "whsec_test_secret", 20000, 2.5},
    {"standard-webhooks", "standard-webhooks / bare HMAC", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 20000, 2.5},
    {"standard-webhooks-v1a", "standard-webhooks-v1a / bare Ed25519",
     "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", 500, 1.1},
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
    bool in_body; /* the proof: JSON has to be read for it */
    /* the bare side */
    unsigned char content[CONTENT_BYTES], signature[64], public_key[32];
    size_t n_content;
    EVP_MAC_CTX *mac;
};

static struct recipe *load(const char *name)
{
    struct buf text;
    struct recipe *r;
    struct why w = {"there is no such recipe"};
    buf_init(&text, INSTALLED_BYTES);
    if (!installed_text(name, &text) || installed_compile(name, buf_span(&text), NULL, &r, &w) != ERR_OK)
        die(EXIT_SYSTEM, "%s: %s", name, w.text);
    buf_fini(&text);
    return r;
}

static void fill_body(char *p, size_t n)
{
    static const char head[] = "{\"type\":\"order.created\",\"id\":\"evt_1\",\"text\":\"", tail[] = "\"}";
    memset(p, 'x', n);
    memcpy(p, head, sizeof head - 1);
    memcpy(p + n - (sizeof tail - 1), tail, sizeof tail - 1);
}

/* False: nobody here can sign that, with the reason in w. */
static bool prepare(struct bench *b, const char *name, const char *key, struct why *w)
{
    struct recipe_signed made;
    b->r = load(name);
    const struct keyring_key keys = {"k", NULL, false, span_str(key), 0, INT64_MAX};
    fill_body(b->body, sizeof b->body);
    memcpy(b->headers, usual, sizeof usual);
    b->q = (struct recipe_request){.method = SPAN_LIT("POST"),
                                   .url = SPAN_LIT("https://hooks.example.test/in"),
                                   .path = SPAN_LIT("/in"),
                                   .query = SPAN_LIT(""),
                                   .headers = b->headers,
                                   .n_headers = sizeof usual / sizeof *usual,
                                   .body = span_of(b->body, sizeof b->body),
                                   .now_ms = clock_wall_ms()};
    if (!arena_init(&b->sign_memory, 1 << 16) || !arena_init(&b->scratch, 1 << 16) ||
        recipe_context_new(&b->c) != ERR_OK)
        die(EXIT_SYSTEM, "out of memory");
    if (keyring_new(b->r, &keys, 1, &b->k, w) != ERR_OK ||
        recipe_sign(b->r, b->k, b->c, &b->q, "msg_1", &b->sign_memory, &made, w) != ERR_OK)
        return false;
    for (size_t i = 0; i < made.n_headers && b->q.n_headers < HEADERS_MAX; i++)
        b->headers[b->q.n_headers++] = made.headers[i];
    b->q.body = made.body;
    b->q.query = made.query;
    b->in_body = made.body_changed;
    return true;
}

static void count(void *arg, const struct key *k, const struct parts *text)
{
    size_t *most = arg, n = 0;
    (void)k;
    for (size_t i = 0; text && i < text->n; i++)
        n += text->part[i].n;
    if (n > *most && n <= CONTENT_BYTES)
        *most = n;
}

/* How many bytes this request's signature is over; the event's, where it is over fewer. */
static size_t signed_bytes(struct bench *b)
{
    struct proof p;
    struct recipe_verdict verdict;
    size_t n = BODY_BYTES;
    arena_reset(&b->scratch);
    if (proof_begin(&p, b->r, b->k, b->c, &b->q, &b->scratch, &verdict) == ERR_OK) {
        p.tried = count;
        p.tried_arg = &n;
        (void)proof_verify(&p);
    }
    return n;
}

static void prepare_bare(struct bench *b, bool ed25519)
{
    unsigned char private_key[64];
    static const unsigned char seed[32] = "0123456789abcdef0123456789abcde";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
                           OSSL_PARAM_construct_end()};
    memset(b->content, 'x', sizeof b->content);
    b->n_content = signed_bytes(b);
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

static void release(struct bench *b)
{
    EVP_MAC_CTX_free(b->mac);
    recipe_context_free(b->c);
    keyring_free(b->k);
    recipe_free(b->r);
    arena_fini(&b->scratch);
    arena_fini(&b->sign_memory);
    free(b);
}

/* False: nobody here can sign that. */
static bool measure(const char *recipe, const char *key, int runs, struct pairs *p, bool *in_body, struct why *w)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        die(EXIT_SYSTEM, "out of memory");
    bool can = prepare(b, recipe, key, w);
    if (can) {
        prepare_bare(b, recipe_takes_public_keys(b->r));
        run_recipe(b, runs / 10);
    }
    for (int i = 0; can && i < pairs_rounds(); i++) {
        double ours = pairs_ours_first(i) ? run_recipe(b, runs) : 0, bare = run_bare(b, runs);
        pairs_add(p, ours > 0 ? ours : run_recipe(b, runs), bare);
    }
    *in_body = b->in_body;
    release(b);
    return can;
}

/* ---- all that sign with HMAC-SHA256 ---- */

static const char *key_for(const char *encoding)
{
    return strcmp(encoding, "hex") == 0         ? "44782DEF547AAA06C910C43932B1EB0C"
           : strcmp(encoding, "utf8") == 0      ? "It's a Secret to Everybody"
           : strcmp(encoding, "utf8-nfkd") == 0 ? "secret"
                                                : "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
}

static double median_ratio(const struct pairs *p)
{
    double sorted[PAIRS_MOST];
    memcpy(sorted, p->ratio, (size_t)p->n * sizeof *sorted);
    for (int i = 1; i < p->n; i++)
        for (int k = i; k > 0 && sorted[k] < sorted[k - 1]; k--) {
            double swap = sorted[k];
            sorted[k] = sorted[k - 1];
            sorted[k - 1] = swap;
        }
    return sorted[p->n / 2];
}

/* The dearest of a kind. */
struct worst {
    struct pairs pairs;
    char name[RECIPE_NAME_BYTES];
    int measured;
};

static void measure_one(const char *name, struct worst kinds[2])
{
    static const int runs = 4000;
    struct pairs p = {.part = "verify", .unit = "CPU ns", .goal = 2.5};
    struct why w;
    bool in_body;
    struct recipe *r = load(name);
    bool fits = recipe_algorithm(r) && strcmp(recipe_algorithm(r), "hmac-sha256") == 0;
    const char *key = fits ? key_for(recipe_key_encoding(r)) : NULL;
    recipe_free(r);
    if (!key || !measure(name, key, runs, &p, &in_body, &w))
        return;
    struct worst *worst = &kinds[in_body];
    if (worst->measured++ > 0 && median_ratio(&p) <= median_ratio(&worst->pairs))
        return;
    worst->pairs = p;
    snprintf(worst->name, sizeof worst->name, "%s", name);
}

static void print_worst(struct worst *worst, const char *where)
{
    char what[160];
    if (worst->measured == 0)
        die(EXIT_SYSTEM, "no recipe with HMAC-SHA256 %s was measured", where);
    snprintf(what, sizeof what, "%s, dearest of %d %s / bare HMAC", worst->name, worst->measured, where);
    worst->pairs.what = what;
    pairs_print(&worst->pairs);
}

static void measure_all(void)
{
    static struct worst kinds[2];
    DIR *d = opendir(TESTS_SRCDIR "/host/recipe/recipes");
    if (!d)
        die(EXIT_SYSTEM, "there are no recipes");
    for (struct dirent *e; (e = readdir(d));) {
        char name[RECIPE_NAME_BYTES];
        size_t n = strlen(e->d_name);
        if (n < 6 || n - 5 >= sizeof name || strcmp(e->d_name + n - 5, ".json") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)n - 5, e->d_name);
        measure_one(name, kinds);
    }
    closedir(d);
    print_worst(&kinds[0], "beside the body");
    print_worst(&kinds[1], "in a JSON body");
}

int main(void)
{
    if (sodium_init() < 0)
        die(EXIT_SYSTEM, "libsodium cannot start");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pairs p = {.part = "verify", .what = rows[i].what, .unit = "CPU ns", .goal = rows[i].goal};
        struct why w;
        bool in_body;
        if (!measure(rows[i].recipe, rows[i].key, rows[i].runs, &p, &in_body, &w))
            die(EXIT_SYSTEM, "%s", w.text);
        pairs_print(&p);
    }
    measure_all();
    return 0;
}
