/* SPDX-License-Identifier: MIT
 * check_keycache: fetched keys as the door finds them, with clocks of the test's own and certificates made here.
 */
#include "suite.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "intake/keycache.h"
#include "recipe/key.h"
#include "spool/fetched.h"

#define URL "https://keys.example.com/a.pem"
#define OTHER "https://keys.example.com/other.pem"
enum { START_MS = 1000000, DAY_S = 24 * 3600 };

static char dir[64];
static int spool_fd;
static struct recipe *recipe;
static struct keycache *cache;
static int64_t mono_ms, wall_ms;
static bool fetch; /* of the last look */

static void set_up(void)
{
    static const char text[] = "{\"recipe\":\"t\",\"title\":\"T\",\"key_encoding\":\"x509-pem\",\"signature\":{\"algorithm\":\"rsa-sha256\",\"from\":\"header:sig\","
                               "\"encoding\":\"base64\",\"content\":\"{body}\",\"keys_url\":{\"from\":\"header:cert\",\"hosts\":"
                               "[\"*.example.com\"],\"suffix\":\".pem\",\"format\":\"x509-pem\"}}}";
    struct why w = {{0}};
    snprintf(dir, sizeof dir, "/tmp/creel-keys.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    spool_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_msg(recipe_compile("t", span_str(text), NULL, &recipe, &w) == ERR_OK, "%s", w.text);
    ck_assert(keycache_new("shop", &cache) == ERR_OK);
    mono_ms = START_MS;
    wall_ms = time(NULL) * 1000LL;
}

static void tear_down(void)
{
    char command[128];
    keycache_free(cache);
    recipe_free(recipe);
    close(spool_fd);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

/* A certificate that is valid from and until so many seconds from now. */
static void certificate(long from_s, long until_s, struct buf *out)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), until_s);
    X509_set_pubkey(x, key);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_bio_X509(bio, x), 1);
    long n = BIO_get_mem_data(bio, &text);
    buf_init(out, 64 * 1024);
    buf_put(out, text, (size_t)n);
    BIO_free(bio);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void bring(const char *url, struct span content)
{
    struct why w;
    ck_assert_msg(fetched_write(spool_fd, SPAN_LIT("shop"), span_str(url), content, &w) == ERR_OK, "%s", w.text);
}

static void bring_certificate(const char *url, long from_s, long until_s)
{
    struct buf b;
    certificate(from_s, until_s, &b);
    bring(url, buf_span(&b));
    buf_fini(&b);
}

static void path_of(const char *url, char *out, size_t n)
{
    struct buf b;
    buf_init(&b, n);
    fetched_path(&b, SPAN_LIT("shop"), span_str(url));
    snprintf(out, n, "%s", b.p);
    buf_fini(&b);
}

static struct cached_keys *look(const char *url)
{
    const struct keycache_ask a = {spool_fd, recipe, span_str(url), "x509-pem", wall_ms, mono_ms};
    return keycache_find(cache, &a, &fetch);
}

static bool finds(const char *url)
{
    struct cached_keys *k = look(url);
    bool found = k && cached_keyring(k)->n == 1;
    ck_assert(!k || found);
    cached_release(k);
    return found;
}

START_TEST(asked_for_once_a_minute_and_looked_for_once_a_second)
{
    ck_assert(!finds(URL) && fetch);
    ck_assert(!finds(URL) && !fetch);
    bring_certificate(URL, -10, 1000);
    mono_ms += KEYCACHE_LOOK_MS - 1;
    ck_assert(!finds(URL) && !fetch);
    mono_ms++;
    ck_assert(finds(URL) && !fetch);
    ck_assert(!finds(OTHER) && fetch);
    mono_ms += KEYCACHE_ASK_MS - 1;
    ck_assert(!finds(OTHER) && !fetch);
    mono_ms++;
    ck_assert(!finds(OTHER) && fetch);
}
END_TEST

START_TEST(its_id_names_the_file)
{
    char path[256];
    bring_certificate(URL, -10, 1000);
    path_of(URL, path, sizeof path);
    struct cached_keys *k = look(URL);
    ck_assert_str_eq(cached_keyring(k)->keys[0].id, strrchr(path, '/') + 1);
    cached_release(k);
}
END_TEST

START_TEST(only_while_it_is_valid)
{
    bring_certificate(URL, -1000, -10);
    ck_assert(!finds(URL) && fetch);
    bring_certificate(OTHER, -10, 1000);
    ck_assert(finds(OTHER) && !fetch);
    wall_ms += 1010 * 1000; /* RSA keys take their time to make */
    ck_assert(!finds(OTHER) && fetch);
    bring_certificate(OTHER, -10, 10000);
    mono_ms += KEYCACHE_LOOK_MS;
    ck_assert(finds(OTHER) && !fetch);
}
END_TEST

START_TEST(an_old_one_serves_while_it_is_fetched_again)
{
    bring_certificate(URL, -10, 10L * DAY_S);
    ck_assert(finds(URL) && !fetch);
    wall_ms += KEYCACHE_AGE_MS + 60 * 1000;
    ck_assert(finds(URL) && fetch);
    ck_assert(finds(URL) && !fetch);
}
END_TEST

START_TEST(what_is_no_key_changes_nothing)
{
    bring(URL, SPAN_LIT("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"));
    ck_assert(!finds(URL) && fetch);
    mono_ms += KEYCACHE_LOOK_MS;
    bring_certificate(URL, -10, 1000);
    ck_assert(finds(URL));
    mono_ms += KEYCACHE_LOOK_MS;
    bring(URL, SPAN_LIT("nonsense"));
    ck_assert(finds(URL));
}
END_TEST

START_TEST(what_has_gone_still_serves)
{
    char path[256];
    bring_certificate(URL, -10, 1000);
    ck_assert(finds(URL));
    path_of(URL, path, sizeof path);
    ck_assert_int_eq(unlinkat(spool_fd, path, 0), 0);
    mono_ms += KEYCACHE_LOOK_MS;
    ck_assert(finds(URL) && !fetch);
}
END_TEST

START_TEST(no_link_is_followed)
{
    char path[256], elsewhere[128];
    bring_certificate(URL, -10, 1000);
    path_of(URL, path, sizeof path);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", dir);
    ck_assert_int_eq(renameat(spool_fd, path, AT_FDCWD, elsewhere), 0);
    ck_assert_int_eq(symlinkat(elsewhere, spool_fd, path), 0);
    ck_assert(!finds(URL));
}
END_TEST

START_TEST(what_is_held_outlives_its_successor)
{
    bring_certificate(URL, -10, 1000);
    struct cached_keys *old = look(URL);
    const struct keyring *ring = cached_keyring(old);
    EVP_PKEY *key = ring->keys[0].pkey;
    bring_certificate(URL, -10, 1000);
    mono_ms += KEYCACHE_LOOK_MS;
    struct cached_keys *new = look(URL);
    ck_assert(cached_keyring(new) != ring && cached_keyring(new)->keys[0].pkey != key);
    keycache_free(cache);
    cache = NULL;
    ck_assert(ring->keys[0].pkey == key && EVP_PKEY_get_bits(key) == 2048);
    cached_release(old);
    cached_release(new);
}
END_TEST

START_TEST(doubted_once_a_minute)
{
    bring_certificate(URL, -10, 1000);
    ck_assert(!keycache_doubt(cache, SPAN_LIT(URL), mono_ms)); /* never used */
    ck_assert(finds(URL));
    ck_assert(keycache_doubt(cache, SPAN_LIT(URL), mono_ms));
    mono_ms += KEYCACHE_ASK_MS - 1;
    ck_assert(!keycache_doubt(cache, SPAN_LIT(URL), mono_ms));
    mono_ms++;
    ck_assert(keycache_doubt(cache, SPAN_LIT(URL), mono_ms));
}
END_TEST

/* Invented addresses: few are asked for, and none takes the place of what is there. */
START_TEST(a_flood_of_addresses)
{
    char url[64];
    int asked = 0;
    bring_certificate(URL, -10, 1000);
    ck_assert(finds(URL));
    for (int i = 0; i < 1000; i++) {
        snprintf(url, sizeof url, "https://keys.example.com/%d.pem", i);
        ck_assert(!finds(url));
        asked += fetch;
    }
    ck_assert_int_eq(asked, KEYCACHE_BURST);
    ck_assert(!keycache_allows(cache, mono_ms));
    char path[256];
    path_of(URL, path, sizeof path);
    ck_assert_int_eq(unlinkat(spool_fd, path, 0), 0);
    ck_assert(finds(URL)); /* still in mind */
    mono_ms += KEYCACHE_REFILL_MS;
    ck_assert(keycache_allows(cache, mono_ms) && !keycache_allows(cache, mono_ms));
    mono_ms += 1000LL * KEYCACHE_REFILL_MS;
    for (asked = 0; keycache_allows(cache, mono_ms); asked++)
        ;
    ck_assert_int_eq(asked, KEYCACHE_BURST);
}
END_TEST

static void *user(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        bool ignored;
        const struct keycache_ask a = {spool_fd, recipe, SPAN_LIT(URL), "x509-pem", wall_ms, START_MS + i * KEYCACHE_LOOK_MS};
        struct cached_keys *k = keycache_find(cache, &a, &ignored);
        if (k && EVP_PKEY_get_bits(cached_keyring(k)->keys[0].pkey) != 2048)
            return arg;
        cached_release(k);
    }
    return NULL;
}

START_TEST(many_threads)
{
    pthread_t threads[4];
    void *wrong = NULL;
    struct buf a, b;
    certificate(-10, 1000, &a);
    certificate(-10, 1000, &b);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, user, &spool_fd), 0);
    for (int i = 0; i < 100; i++)
        bring(URL, i % 2 ? buf_span(&a) : buf_span(&b));
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
    buf_fini(&a);
    buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keycache");
    TCase *t = tcase_create("keycache");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    const TTest *const tests[] = {asked_for_once_a_minute_and_looked_for_once_a_second, its_id_names_the_file, only_while_it_is_valid,
                                  an_old_one_serves_while_it_is_fetched_again, what_is_no_key_changes_nothing,
                                  what_has_gone_still_serves, no_link_is_followed, what_is_held_outlives_its_successor,
                                  doubted_once_a_minute, a_flood_of_addresses, many_threads};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
