/* SPDX-License-Identifier: MIT
 * check_auth: credentials that are texts, tokens in URLs, client certificates; what is hidden of them.
 */
#include "auth_kit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "base/codec.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static void begin(void)
{
    setup();
    write_file("token", TOKEN "\n", 0640);
    write_file("next", "fedcba9876543210fedcba9876543210", 0640);
    write_file("user", "shop:pass:word\n", 0640);
}

static void end(void)
{
    static const char *const names[] = {"token", "next", "user"};
    auth_end();
    for (size_t i = 0; i < 3; i++)
        unlink(in_dir(names[i]));
    teardown();
}

START_TEST(bearer)
{
    auth_good("\"bearer_file\":\"token\"");
    ck_assert_int_eq(judge("authorization", "Bearer " TOKEN), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "bearer");
    ck_assert_int_eq(judge("Authorization", "bEARER   " TOKEN " "), ERR_OK);
    refused_with(judge("x-other", TOKEN), "bearer: its header field is missing");
    ck_assert_str_eq(kit.v.challenge, "Bearer realm=\"s\"");
    refused_with(judge("authorization", ""), "missing");
    refused_with(judge("authorization", "Bearer"), "another scheme");
    refused_with(judge("authorization", "Bearer  "), "another scheme"); /* white space at the end does not count */
    refused_with(judge("authorization", TOKEN), "another scheme");
    refused_with(judge("authorization", "Bearer\t" TOKEN), "another scheme");
    refused_with(judge("authorization", "Basic " TOKEN), "another scheme");
    refused_with(judge("authorization", "Bearer " TOKEN "0"), "no key of this source");
    ck_assert_str_eq(kit.v.challenge, "Bearer realm=\"s\", error=\"invalid_token\"");
    refused_with(judge("authorization", "Bearer 0123456789abcdef0123456789abcde"), "no key of this source");
    refused_with(judge("authorization", "Bearer 0"), "no key of this source");
    ck_assert_ptr_null(strstr(kit.v.detail, TOKEN));
    with("authorization", "Bearer " TOKEN);
    refused_with(judge("authorization", "Bearer " TOKEN), "came twice");
}
END_TEST

START_TEST(too_long_or_cut_by_nul)
{
    static char text[AUTH_CREDENTIAL_MAX + 16];
    auth_good("\"api_key_file\":\"token\"");
    memset(text, 'a', sizeof text - 1);
    refused_with(judge("x-api-key", text), "too long");
    with("x-api-key", "");
    kit.headers[0].value = SPAN_LIT(TOKEN "\0");
    refused_with(judged(), "no key of this source");
    with("x-api-key", "");
    kit.headers[0].value = SPAN_LIT(TOKEN "\0" TOKEN);
    refused_with(judged(), "no key of this source");
    ck_assert_int_eq(judge("X-API-Key", TOKEN), ERR_OK);
}
END_TEST

START_TEST(several_keys_and_their_times)
{
    auth_good("\"api_key\":{\"header\":\"X-Shop\",\"keys\":["
              "{\"id\":\"old\",\"secret_file\":\"token\",\"not_after\":\"2023-11-14T22:13:20Z\"},"
              "{\"id\":\"new\",\"secret_file\":\"next\",\"not_before\":\"2023-11-14T22:13:20Z\"}]}");
    ck_assert_int_eq(judge("x-shop", TOKEN), ERR_OK); /* both at this very moment */
    ck_assert_str_eq(kit.v.key_id, "old");
    ck_assert_int_eq(judge("x-shop", "fedcba9876543210fedcba9876543210"), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "new");
    kit.q.now_ms++;
    refused_with(judge("x-shop", TOKEN), "no key of this source");
    ck_assert_str_eq(kit.v.challenge, "ApiKey realm=\"s\", header=\"X-Shop\"");
    kit.q.now_ms -= 2;
    refused_with(judge("x-shop", "fedcba9876543210fedcba9876543210"), "no key of this source");
    refused_with(judge("x-api-key", TOKEN), "missing");
}
END_TEST

START_TEST(basic)
{
    auth_good("\"basic_file\":\"user\"");
    ck_assert_int_eq(judge("authorization", "Basic c2hvcDpwYXNzOndvcmQ="), ERR_OK);
    ck_assert_int_eq(judge("authorization", "basic c2hvcDpwYXNzOndvcmQ="), ERR_OK);
    refused_with(judge("authorization", "Basic c2hvcDpwYXNzOndvcmQ"), "not base64");
    refused_with(judge("authorization", "Basic c2hvcDpwYXNzOndvcmR="), "not base64"); /* unused bits */
    refused_with(judge("authorization", "Basic c2hvcDpwYXNzOndvcmQ= x"), "not base64");
    refused_with(judge("authorization", "Basic c2hvcDpwYXNz"), "no key of this source");
    refused_with(judge("authorization", "Basic c2hvcDpwYXNzOndvcmQA"), "no key of this source"); /* NUL behind */
    ck_assert_str_eq(kit.v.challenge, "Basic realm=\"s\", charset=\"UTF-8\"");
    refused_with(judge("authorization", "Bearer c2hvcDpwYXNzOndvcmQ="), "another scheme");
}
END_TEST

START_TEST(token_in_the_query)
{
    auth_good("\"url_token_file\":\"token\"");
    static const struct {
        const char *query;
        const char *why; /* NULL: good */
    } cases[] = {
        {"token=" TOKEN, NULL},
        {"a=1&token=" TOKEN "&b=2", NULL},
        {"%74oken=%30123456789abcdef0123456789abcdef", NULL},
        {"", "does not hold it"},
        {"token", "does not hold it"},
        {"token=", "does not hold it"},
        {"Token=" TOKEN, "does not hold it"},
        {"token=" TOKEN "&token=x", "twice"},
        {"token=x&%74oken=" TOKEN, "twice"},
        {"token=" TOKEN "%00", "no key of this source"},
        {"token=+" TOKEN, "no key of this source"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kit.q.query = span_str(cases[i].query);
        enum err e = judged();
        if (cases[i].why)
            refused_with(e, cases[i].why);
        else
            ck_assert_msg(e == ERR_OK, "%s: %s", cases[i].query, kit.v.detail);
    }
}
END_TEST

START_TEST(token_in_the_path)
{
    auth_good("\"url_token\":{\"from\":\"path:2\",\"keys\":[{\"id\":\"k\",\"secret_file\":\"token\"}]}");
    ck_assert(auth_asks_path(kit.auth));
    kit.q.path_rest = SPAN_LIT("order/" TOKEN);
    ck_assert_int_eq(judged(), ERR_OK);
    kit.q.path_rest = SPAN_LIT("order/" TOKEN "/more");
    ck_assert_int_eq(judged(), ERR_OK);
    static const char *const bad[] = {"", "order", "order/", TOKEN, TOKEN "/x", "order//" TOKEN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kit.q.path_rest = span_str(bad[i]);
        ck_assert_int_eq(judged(), ERR_UNAUTHENTICATED);
    }
    kit.q.path_rest = SPAN_NONE;
    refused_with(judged(), "does not hold it");
}
END_TEST

START_TEST(tokens_are_hidden)
{
    auth_good("\"url_token\":{\"from\":\"path:1\",\"keys\":[{\"id\":\"k\",\"secret_file\":\"token\"}]}");
    struct span path = SPAN_LIT("/a/" TOKEN "/b");
    ck_assert_span_eq(auth_hide_path(kit.auth, path, span_skip(path, 3), &kit.scratch), "/a/\xe2\x80\xa6");
    ck_assert_span_eq(auth_hide_path(kit.auth, span_of(path.p, 35), span_of(path.p + 3, 32), &kit.scratch),
                      "/a/\xe2\x80\xa6");
    ck_assert_span_eq(auth_hide_path(kit.auth, SPAN_LIT("/a"), SPAN_NONE, &kit.scratch), "/a");
    ck_assert_span_eq(auth_hide_path(NULL, path, span_skip(path, 3), &kit.scratch), path.p);
    kit.scratch.n = kit.scratch.cap; /* full: nothing is shown rather than too much */
    ck_assert_span_eq(auth_hide_path(kit.auth, path, span_skip(path, 3), &kit.scratch), "\xe2\x80\xa6");
    auth_good("\"url_token_file\":\"token\",\"bearer_file\":\"token\",\"api_key_file\":\"next\"");
    ck_assert_span_eq(auth_hide_path(kit.auth, path, span_skip(path, 3), &kit.scratch), path.p);
    ck_assert(auth_is_credential(kit.auth, SPAN_LIT("AUTHORIZATION")));
    ck_assert(auth_is_credential(kit.auth, SPAN_LIT("x-api-key")));
    ck_assert(!auth_is_credential(kit.auth, SPAN_LIT("x-api-keys")));
    ck_assert(!auth_is_credential(NULL, SPAN_LIT("x-api-key")));
}
END_TEST

START_TEST(all_methods_must_hold)
{
    auth_good("\"basic_file\":\"user\",\"api_key_file\":\"next\",\"url_token_file\":\"token\"");
    for (unsigned good = 0; good < 8; good++) {
        kit.q.query = good & 1 ? SPAN_LIT("token=" TOKEN) : SPAN_LIT("token=x");
        with("authorization", good & 2 ? "Basic c2hvcDpwYXNzOndvcmQ=" : "Basic c2hvcDp4");
        enum err e = judge("x-api-key", good & 4 ? "fedcba9876543210fedcba9876543210" : TOKEN);
        ck_assert_int_eq(e, good == 7 ? ERR_OK : ERR_UNAUTHENTICATED);
    }
}
END_TEST

/* Take what auth_offer says into the request. */
static void take_offer(struct arena *a, struct auth_offer *o)
{
    ck_assert_int_eq(auth_offer(kit.auth, kit.context, kit.q.now_ms, a, o), ERR_OK);
    for (size_t i = 0; i < o->n_headers; i++)
        kit.headers[kit.q.n_headers++] = o->headers[i];
}

START_TEST(what_is_offered_is_taken)
{
    struct arena a;
    struct auth_offer o;
    ck_assert(arena_init(&a, 65536));
    auth_good("\"basic_file\":\"user\",\"url_token_file\":\"token\",\"api_key\":{\"header\":\"X-Shop\",\"keys\":["
              "{\"id\":\"old\",\"secret_file\":\"token\",\"not_after\":\"2023-11-14T22:13:19Z\"},"
              "{\"id\":\"new\",\"secret_file\":\"next\"}]}");
    take_offer(&a, &o);
    ck_assert_span_eq(o.query_name, "token");
    ck_assert_span_eq(o.url_token, TOKEN);
    kit.q.query = SPAN_LIT("token=" TOKEN);
    ck_assert_msg(judged() == ERR_OK, "%s", kit.v.detail);
    ck_assert_str_eq(kit.v.key_id, "new");
    auth_good("\"bearer_file\":\"token\",\"url_token\":{\"from\":\"path:3\",\"keys\":[{\"id\":\"k\",\"secret_file\":\"next\"}]}");
    take_offer(&a, &o);
    ck_assert_int_eq(o.segment, 3);
    ck_assert_ptr_null(o.query_name.p);
    kit.q.path_rest = SPAN_LIT("a/b/fedcba9876543210fedcba9876543210");
    ck_assert_msg(judged() == ERR_OK, "%s", kit.v.detail);
    auth_good("\"client_cert\":{\"subject\":\"CN=a\"},\"api_key\":{\"keys\":["
              "{\"id\":\"old\",\"secret_file\":\"token\",\"not_after\":\"2023-11-14T22:13:19Z\"}]}");
    take_offer(&a, &o);
    ck_assert_uint_eq(o.n_headers, 0);
    ck_assert_ptr_nonnull(strstr(o.lacks[AUTH_CLIENT_CERT], "TLS"));
    ck_assert_ptr_nonnull(strstr(o.lacks[AUTH_API_KEY], "valid now"));
    ck_assert_ptr_null(o.lacks[AUTH_BASIC]);
    a.n = a.cap;
    auth_good("\"bearer_file\":\"token\"");
    ck_assert_int_eq(auth_offer(kit.auth, kit.context, kit.q.now_ms, &a, &o), ERR_NO_ROOM);
    ck_assert_int_eq(auth_offer(NULL, kit.context, kit.q.now_ms, &a, &o), ERR_OK);
    arena_fini(&a);
}
END_TEST

START_TEST(files_that_are_no_credentials)
{
    static const struct {
        const char *members, *text, *why;
    } cases[] = {
        {"\"bearer_file\":\"token\"", "two words", "a blank"},
        {"\"bearer_file\":\"token\"", "two\nlines", "printable ASCII"},
        {"\"api_key_file\":\"token\"", "gr\xc3\xbcn", "printable ASCII"},
        {"\"basic_file\":\"token\"", "nobody", "USER:PASSWORD"},
        {"\"basic_file\":\"token\"", ":secret", "USER:PASSWORD"},
        {"\"basic_file\":\"token\"", "shop:", "its password is empty"},
        {"\"basic_file\":\"token\"", "shop:a\nshop:b", "control character"},
        {"\"bearer_file\":\"token\"", "-----BEGIN PUBLIC KEY-----", "PEM file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct why w;
        write_file("token", cases[i].text, 0640);
        ck_assert_int_eq(auth_begin(cases[i].members, &w), ERR_INVALID);
        ck_assert_msg(strstr(w.text, cases[i].why) != NULL, "no '%s' in '%s'", cases[i].why, w.text);
        ck_assert_ptr_nonnull(strstr(w.text, "auth."));
        ck_assert_ptr_null(strstr(w.text, cases[i].text));
    }
}
END_TEST

START_TEST(weak_ones_are_doubted)
{
    static const struct {
        const char *text;
        enum config_auth_kind kind;
        bool weak;
    } cases[] = {
        {"0123456789abcde", AUTH_BEARER, true},     {"0123456789abcdef", AUTH_BEARER, false},
        {"shop:0123456789abcde", AUTH_BASIC, true}, {"shop:0123456789abcdef", AUTH_BASIC, false},
        {"0123456789abcde", AUTH_URL_TOKEN, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct config_auth m = {.kind = cases[i].kind};
        const struct keyring_key key = {.id = "k", .raw = span_str(cases[i].text), .not_after_ms = INT64_MAX};
        struct keyring *ring;
        struct why w;
        ck_assert_int_eq(auth_try_key(&m, &key, &ring, &w), ERR_OK);
        ck_assert_int_eq(auth_key_doubt(&m, ring) != NULL, cases[i].weak);
        keyring_free(ring);
    }
}
END_TEST

/* A shared secret makes no RS256: a method that allows nothing else would refuse every token. */
START_TEST(a_key_without_an_algorithm_is_doubted)
{
    const struct keyring_key key = {
        .id = "k", .raw = SPAN_LIT("0123456789abcdef0123456789abcdef0123456789abcdef"), .not_after_ms = INT64_MAX};
    const char *lists[][2] = {{"RS256", "ES256"}, {"RS256", "HS256"}};
    struct keyring *ring;
    struct why w;
    for (size_t i = 0; i < 2; i++) {
        struct config_auth m = {.kind = AUTH_JWT, .algorithms = lists[i], .n_algorithms = 2};
        ck_assert_int_eq(auth_try_key(&m, &key, &ring, &w), ERR_OK);
        ck_assert_int_eq(auth_key_doubt(&m, ring) != NULL, i == 0);
        m.n_algorithms = 0;
        ck_assert_ptr_null(auth_key_doubt(&m, ring));
        keyring_free(ring);
    }
}
END_TEST

/* ---- certificates ---- */

static char pem[4096], digest[65];

/* A certificate of its own, CN=client,O=Acme\, Inc. */
static void make_certificate(void)
{
    unsigned char der[2048], *p = der, sum[32];
    X509 *x = X509_new();
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509_NAME *name = X509_get_subject_name(x);
    BIO *b = BIO_new(BIO_s_mem());
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Acme, Inc.", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"client", -1, -1, 0);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    ck_assert_int_eq(X509_set_pubkey(x, key), 1);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    int n = i2d_X509(x, &p);
    ck_assert_int_gt(n, 0);
    crypto_hash_sha256(sum, der, (size_t)n);
    hex_encode(sum, sizeof sum, digest);
    ck_assert_int_eq(PEM_write_bio_X509(b, x), 1);
    n = BIO_read(b, pem, sizeof pem - 1);
    ck_assert_int_gt(n, 0);
    pem[n] = 0;
    BIO_free(b);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void expect_digest(char *colons)
{
    char members[512];
    for (size_t i = 0; i < 32; i++)
        snprintf(colons + 3 * i, 4, "%c%c%s", digest[2 * i], digest[2 * i + 1], i < 31 ? ":" : "");
    for (char *p = colons; *p; p++)
        *p = (char)(*p >= 'a' ? *p - 32 : *p);
    snprintf(members, sizeof members, "\"client_cert\":{\"sha256\":\"%s\"}", colons);
    auth_good(members);
}

static enum err certified(const char *verify, const char *cert, const char *fingerprint)
{
    kit.q.client_verify = span_str(verify);
    kit.q.client_cert = span_str(cert);
    kit.q.client_fingerprint = span_str(fingerprint);
    return judged();
}

START_TEST(certificate_by_digest)
{
    char colons[97], changed[65];
    make_certificate();
    expect_digest(colons);
    ck_assert_int_eq(certified("SUCCESS", pem, NULL), ERR_UNAUTHENTICATED); /* not over a unix socket */
    kit.q.from_web_server = true;
    ck_assert_int_eq(certified("SUCCESS", pem, NULL), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, digest);
    ck_assert_int_eq(certified("SUCCESS", NULL, digest), ERR_OK);
    ck_assert_int_eq(certified("SUCCESS", NULL, colons), ERR_OK);
    ck_assert_int_eq(certified("SUCCESS", "", digest), ERR_OK);
    static const char *const flags[] = {NULL, "", "NONE", "FAILED:unable to verify", "success", "SUCCESS "};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        refused_with(certified(flags[i], pem, digest), "reports no verified");
    refused_with(certified("SUCCESS", NULL, NULL), "no client certificate");
    ck_assert_str_eq(kit.v.challenge, "ClientCertificate realm=\"s\"");
    refused_with(certified("SUCCESS", "", ""), "no client certificate");
    snprintf(changed, sizeof changed, "%c%s", digest[0] == '0' ? '1' : '0', digest + 1);
    refused_with(certified("SUCCESS", NULL, changed), "is not one of those");
    refused_with(certified("SUCCESS", "rubbish", digest), "cannot be read"); /* never the other one instead */
    refused_with(certified("SUCCESS", NULL, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), "no SHA-256");
}
END_TEST

START_TEST(certificate_as_text)
{
    char colons[97], odd[8192] = "";
    make_certificate();
    expect_digest(colons);
    kit.q.from_web_server = true;
    for (const char *p = pem; *p; p++) { /* as nginx's $ssl_client_cert writes it */
        size_t n = strlen(odd);
        snprintf(odd + n, sizeof odd - n, *p == '\n' && p[1] ? "\n\t" : "%c", *p);
    }
    ck_assert_int_eq(certified("SUCCESS", odd, NULL), ERR_OK);
    size_t n = 0;
    for (const char *p = pem; *p; p++) /* $ssl_client_escaped_cert */
        n += (size_t)snprintf(odd + n, sizeof odd - n, strchr(" +/=\n", *p) ? "%%%02X" : "%c", (unsigned)*p);
    ck_assert_ptr_nonnull(strstr(odd, "-----BEGIN%20CERTIFICATE-----%0A"));
    ck_assert_int_eq(certified("SUCCESS", odd, NULL), ERR_OK);
    snprintf(odd + n - 1, sizeof odd - n, "%%");
    refused_with(certified("SUCCESS", odd, NULL), "cannot be read");
    const char *from = strchr(pem, '\n') + 1; /* {http.request.tls.client.certificate_der_base64} */
    n = 0;
    for (const char *p = from; *p != '-'; p++)
        if (*p != '\n')
            odd[n++] = *p;
    odd[n] = 0;
    ck_assert_int_eq(certified("SUCCESS", odd, NULL), ERR_OK);
    odd[0] = 'A';
    refused_with(certified("SUCCESS", odd, NULL), "cannot be read");
    snprintf(odd, sizeof odd, "%s%s", pem, pem);
    refused_with(certified("SUCCESS", odd, NULL), "cannot be read");
    snprintf(odd, sizeof odd, "x%s", pem);
    refused_with(certified("SUCCESS", odd, NULL), "cannot be read");
    snprintf(odd, sizeof odd, "%.100s", pem);
    refused_with(certified("SUCCESS", odd, NULL), "cannot be read");
    snprintf(odd, sizeof odd, "%s", pem);
    odd[60] = '*';
    refused_with(certified("SUCCESS", odd, NULL), "cannot be read");
    refused_with(certified("SUCCESS", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----", NULL), "cannot be read");
}
END_TEST

START_TEST(certificate_by_subject)
{
    make_certificate();
    auth_good("\"client_cert\":{\"subject\":[\"CN=other\",\"CN=client,O=Acme\\\\, Inc.\"]}");
    kit.q.from_web_server = true;
    ck_assert_int_eq(certified("SUCCESS", pem, NULL), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "CN=client,O=Acme\\, Inc.");
    refused_with(certified("SUCCESS", NULL, digest), "does not pass the certificate itself");
    refused_with(certified("NONE", pem, NULL), "reports no verified");
    auth_good("\"client_cert\":{\"subject\":\"CN=client\"}");
    kit.q.from_web_server = true;
    refused_with(certified("SUCCESS", pem, NULL), "its subject is not one");
    auth_good("\"client_cert\":{\"subject\":\"CN=client,O=Acme\\\\, Inc.\","
              "\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}");
    kit.q.from_web_server = true;
    refused_with(certified("SUCCESS", pem, NULL), "not one of those"); /* both must hold */
}
END_TEST

START_TEST(printed_and_read_again)
{
    int fd;
    struct why w;
    struct config *again;
    auth_good(
        "\"basic_file\":\"user\",\"api_key\":{\"header\":\"X-A\",\"keys\":[{\"id\":\"a\",\"secret_file\":\"next\"}]},"
        "\"client_cert\":{\"subject\":\"CN=a\"}");
    ck_assert_int_eq(config_snapshot(kit.config, &fd, &w), ERR_OK);
    ck_assert_int_eq(config_from_snapshot(fd, &again, &w), ERR_OK);
    const struct config_auth *auth = again->sources[0].auth;
    ck_assert(auth[AUTH_BASIC].used && auth[AUTH_API_KEY].used && auth[AUTH_CLIENT_CERT].used &&
              !auth[AUTH_BEARER].used);
    ck_assert_str_eq(auth[AUTH_API_KEY].header, "X-A");
    ck_assert_str_eq(auth[AUTH_API_KEY].keys[0].record, "api_key/a");
    ck_assert_str_eq(auth[AUTH_BASIC].keys[0].record, "basic/basic");
    ck_assert_str_eq(auth[AUTH_CLIENT_CERT].subject[0], "CN=a");
    config_free(again);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("auth");
    TCase *t = tcase_create("auth");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, bearer);
    tcase_add_test(t, too_long_or_cut_by_nul);
    tcase_add_test(t, several_keys_and_their_times);
    tcase_add_test(t, basic);
    tcase_add_test(t, token_in_the_query);
    tcase_add_test(t, token_in_the_path);
    tcase_add_test(t, tokens_are_hidden);
    tcase_add_test(t, all_methods_must_hold);
    tcase_add_test(t, what_is_offered_is_taken);
    tcase_add_test(t, files_that_are_no_credentials);
    tcase_add_test(t, weak_ones_are_doubted);
    tcase_add_test(t, a_key_without_an_algorithm_is_doubted);
    tcase_add_test(t, certificate_by_digest);
    tcase_add_test(t, certificate_as_text);
    tcase_add_test(t, certificate_by_subject);
    tcase_add_test(t, printed_and_read_again);
    suite_add_tcase(s, t);
    return suite_run(s);
}
