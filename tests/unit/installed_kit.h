/* SPDX-License-Identifier: MIT
 * installed_kit: what the tests of all installed recipes share: their names and variants, keys that can sign, and a
 * request that each of them has signed.
 */
#ifndef CREEL_TESTS_INSTALLED_KIT_H
#define CREEL_TESTS_INSTALLED_KIT_H

#include "recipe_kit.h"

#include <dirent.h>

enum { RECIPES_MAX = 256, VARIANTS_MAX = 16 };

static char names[RECIPES_MAX][64];
static size_t n_names;

static inline int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static inline void read_names(void)
{
    DIR *d = opendir(TESTS_SRCDIR "/host/recipe/recipes");
    ck_assert_ptr_nonnull(d);
    n_names = 0;
    for (struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 6 || strcmp(e->d_name + n - 5, ".json") != 0)
            continue;
        ck_assert_uint_lt(n_names, RECIPES_MAX);
        snprintf(names[n_names++], sizeof *names, "%.*s", (int)n - 5, e->d_name);
    }
    closedir(d);
    qsort(names, n_names, sizeof *names, by_name);
}

static inline struct buf text_of(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "host/recipe/recipes/%.*s.json", RECIPE_NAME_BYTES, name);
    return read_source(path);
}

/* The variants' names, behind the recipe without one. */
static inline size_t variants_of(const char *name, char out[VARIANTS_MAX][64])
{
    struct buf text = text_of(name);
    struct span all = json_member(buf_span(&text), "variants"), variant, value;
    size_t n = 1;
    out[0][0] = 0;
    for (struct json_iter it = json_iter(all); all.p && json_next_member(&it, &variant, &value) && n < VARIANTS_MAX;
         n++)
        snprintf(out[n], 64, "%.*s", (int)variant.n, variant.p);
    buf_fini(&text);
    return n;
}

static inline void each_recipe(void (*job)(const char *name, const char *variant, struct recipe *r))
{
    for (size_t i = 0; i < n_names; i++) {
        char variants[VARIANTS_MAX][64];
        size_t n = variants_of(names[i], variants);
        for (size_t v = 0; v < n; v++) {
            struct recipe *r = installed_as(names[i], v ? variants[v] : NULL);
            job(names[i], v ? variants[v] : "", r);
            recipe_free(r);
        }
    }
}

/* Keys that can sign, by encoding. The seed is that of RFC 8032 section 7.1, TEST 1. */
static const struct {
    const char *encoding, *text;
} private_keys[] = {
    {"utf8", "It's a Secret to Everybody"},
    {"utf8-sha1", "integration_private_key"},
    {"utf8-nfkd", "s\xc3\xa9"
                  "cret"},
    {"hex", "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"},
    {"base64", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
    {"whsec_base64", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    {"whpk_base64", "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="},
    {"ed25519-hex", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"},
    {"ed25519-base64", "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="},
};

static inline const char *private_key(const char *encoding)
{
    for (size_t i = 0; encoding && i < sizeof private_keys / sizeof *private_keys; i++)
        if (strcmp(private_keys[i].encoding, encoding) == 0)
            return private_keys[i].text;
    return NULL;
}

#define BODY "{\"type\":\"a\",\"webhookTimestamp\":1700000000000}"
#define BODY_SHA256 "9d043d0ee69a8440b3db4cdc6f299ff1f5727f2d2df27544ab9fa1895ae0a2be"

/* A request that this recipe has signed, in b, with the proof in its headers and this body; false: there is none, because
 * the proof lies in the body, or takes a private key of RSA, or protects more than the recipe says (Vonage may leave the
 * hash of the body out; signing puts it in). Either way end it with sample_fini. */
static inline bool sample_init(struct bench *b, const char *name, const char *variant, struct recipe *r)
{
    static const struct config_param params[] = {{"public_key", "k"}, {"webhook_id", "w"}};
    const char *key = private_key(recipe_key_encoding(r));
    struct why w;
    bench_init(b, r, key ? ring_of(r, key, NULL, false) : NULL);
    b->q.params = params;
    b->q.n_params = 2;
    b->q.body = SPAN_LIT(BODY);
    b->q.url = SPAN_LIT("https://hooks.example.test/in?bodySHA256=" BODY_SHA256);
    b->q.path = SPAN_LIT("/in");
    b->q.query = SPAN_LIT("bodySHA256=" BODY_SHA256);
    if (!key)
        return false;
    enum err e = try_sign(b, "msg_1", &w);
    ck_assert_msg(e == ERR_OK || e == ERR_UNSUPPORTED, "%s %s: %s", name, variant, w.text);
    bool more = strcmp(name, "vonage") == 0 && !*variant;
    return e == ERR_OK && span_eq_str(b->q.body, BODY) && !more;
}

/* Leaves the recipe to each_recipe. */
static inline void sample_fini(struct bench *b)
{
    forget(b);
    b->r = NULL;
    bench_fini(b);
}

#endif
