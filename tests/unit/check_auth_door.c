/* SPDX-License-Identifier: MIT
 * check_auth_door: a running intake that asks its callers who they are: before the body, on the record without the
 * credential, and whatever a client claims of certificates.
 */
#include "stage.h"
#include "token_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct stage stage; /* of the running test */

static const char sources[] =
    "\"bearer\":{\"path\":\"/bearer\",\"recipe\":\"none\",\"type\":\"const:a\",\"auth\":{\"bearer_file\":\"%D/"
    "token\"}},"
    "\"both\":{\"path\":\"/both\",\"recipe\":\"standard-webhooks\",\"type\":\"const:a\","
    "\"keys\":[{\"id\":\"k1\",\"secret_file\":\"%D/key\"}],\"auth\":{\"api_key_file\":\"%D/token\"}},"
    "\"path\":{\"path\":\"/path\",\"recipe\":\"none\",\"type\":\"path:1\",\"auth\":{\"url_token\":{\"from\":\"path:2\","
    "\"keys\":[{\"id\":\"k\",\"secret_file\":\"%D/token\"}]}}},"
    "\"query\":{\"path\":\"/query\",\"recipe\":\"none\",\"type\":\"const:a\",\"auth\":{\"url_token_file\":\"%D/"
    "token\"}},"
    "\"open\":{\"path\":\"/open\",\"recipe\":\"none\",\"allow_unsigned\":true,\"type\":\"const:a\"},"
    "\"key\":{\"path\":\"/key\",\"recipe\":\"none\",\"type\":\"const:a\",\"auth\":{\"api_key_file\":\"%D/token\"}},"
    "\"basic\":{\"path\":\"/basic\",\"recipe\":\"none\",\"type\":\"const:a\",\"auth\":{\"basic_file\":\"%D/user\"}},"
    "\"jwt\":{\"path\":\"/jwt\",\"recipe\":\"none\",\"type\":\"const:a\",\"auth\":{\"jwt\":{\"scopes\":[\"w\"],\"issuer\":\"i\","
    "\"audience\":\"a\",\"keys\":[{\"id\":\"h\",\"secret_file\":\"%D/token\"}]}}},"
    "\"cert\":{\"path\":\"/cert\",\"recipe\":\"none\",\"type\":\"const:a\",\"dedupe\":false,"
    "\"auth\":{\"client_cert\":{\"sha256\":\"" DIGEST "\"}}}";

static void write_key(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", stage.dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void setup(void)
{
    stage_init(&stage, "", sources);
    write_key("token", TOKEN);
    write_key("user", "us\xc3\xa9r:p\xc3\xa4ss:word");
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

static void expect(const char *uri, const char *const *headers, int status, const char *challenge)
{
    static int serial;
    char body[32];
    struct answer a;
    snprintf(body, sizeof body, "body %d", ++serial);
    struct call c = {.uri = uri, .headers = headers, .body = span_str(body)};
    stage_call(&stage, &c, &a);
    ck_assert_msg(a.status == status, "%s: %d, not %d: %.*s", uri, a.status, status, (int)a.text.n, a.text.p);
    if (challenge)
        ck_assert_span_eq(answer_header(&a, "WWW-Authenticate"), challenge);
    if (status == 401)
        assert_has(answer_body(&a), "\"code\":\"unauthenticated\"");
    ck_assert_ptr_null(memmem(a.text.p, a.text.n, TOKEN, 32));
    answer_fini(&a);
}

START_TEST(who_calls_is_on_record_but_not_how)
{
    static const char *const good[] = {"HTTP_AUTHORIZATION", "Bearer " TOKEN, "HTTP_X", "seen", NULL};
    expect("/bearer", good, 202, NULL);
    ck_assert_int_eq(journal_lines(&stage, TOKEN), 0);
    ck_assert_int_eq(journal_lines(&stage, "\"key_id\":\"bearer\""), 1);
    ck_assert_int_eq(journal_lines(&stage, "[\"x\",\"seen\"]"), 1);
    ck_assert_int_eq(journal_lines(&stage, "\"unsigned\":true"), 0);
    expect("/open", NULL, 202, NULL);
    ck_assert_int_eq(journal_lines(&stage, "\"unsigned\":true"), 1);
}
END_TEST

START_TEST(nobody_else_comes_in)
{
    static const char *const wrong[] = {"HTTP_AUTHORIZATION", "Bearer " TOKEN "x", NULL};
    static const char *const twice[] = {"HTTP_AUTHORIZATION", "Bearer " TOKEN, "HTTP_AUTHORIZATION", "Bearer " TOKEN,
                                        NULL};
    static const char *const elsewhere[] = {"HTTP_X_API_KEY", TOKEN, NULL};
    expect("/bearer", elsewhere, 401, NULL);
    expect("/open", elsewhere, 202, NULL);
    ck_assert_int_eq(journal_lines(&stage, TOKEN), 0);
    expect("/bearer", NULL, 401, "Bearer realm=\"bearer\"");
    expect("/bearer", wrong, 401, "Bearer realm=\"bearer\", error=\"invalid_token\"");
    expect("/bearer", twice, 400, NULL);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"unauthenticated\""), 3);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"step\":\"authenticate\""), 3);
    ck_assert_int_eq(spool_lines(&stage, "rejected", TOKEN), 0);
}
END_TEST

static const char *token(const char *aud, const char *scope)
{
    struct key k = secret_key(TOKEN, 32);
    struct span made = token_of("{\"alg\":\"HS256\"}",
                                joined("{\"iss\":\"i\",\"aud\":\"%s\",\"scope\":\"%s\",\"exp\":%lld}", aud, scope, (long long)time(NULL) + 60).p,
                                "HS256", &k);
    return joined("Bearer %.*s", S(made)).p;
}

/* 401 and a challenge for who does not prove himself; 403 for who does, and may not (creel.json(5), AUTHENTICATION). */
START_TEST(what_each_method_answers)
{
    enum { MISSING, WRONG, NOT_ENOUGH, GOOD, CASES };
    static const int status[] = {[MISSING] = 401, [WRONG] = 401, [NOT_ENOUGH] = 403, [GOOD] = 202};
    kit_begin();
    const struct {
        const char *uri[CASES], *name, *value[CASES], *challenge[CASES];
    } methods[] = {
        {{"/bearer", "/bearer", NULL, "/bearer"}, "HTTP_AUTHORIZATION", {"", "Bearer x", NULL, "Bearer " TOKEN},
         {"Bearer realm=\"bearer\"", "Bearer realm=\"bearer\", error=\"invalid_token\""}},
        {{"/key", "/key", NULL, "/key"}, "HTTP_X_API_KEY", {"", TOKEN ", " TOKEN, NULL, TOKEN},
         {"ApiKey realm=\"key\", header=\"X-API-Key\"", "ApiKey realm=\"key\", header=\"X-API-Key\""}},
        {{"/basic", "/basic", NULL, "/basic"}, "HTTP_AUTHORIZATION",
         {"", "Basic dXPpcjpw5HNzOndvcmQ=", NULL, "Basic dXPDqXI6cMOkc3M6d29yZA=="}, /* Latin-1, UTF-8 */
         {"Basic realm=\"basic\", charset=\"UTF-8\"", "Basic realm=\"basic\", charset=\"UTF-8\""}},
        {{"/query", "/query?token=x", NULL, "/query?%74oken=0%3123456789abcdef0123456789abcdef"}, "HTTP_X", {"", "", NULL, ""},
         {"UrlToken realm=\"query\"", "UrlToken realm=\"query\""}},
        {{"/jwt", "/jwt", "/jwt", "/jwt"}, "HTTP_AUTHORIZATION", {"", token("b", "w"), token("a", "r"), token("a", "w r")},
         {"Bearer realm=\"jwt\"", "Bearer realm=\"jwt\", error=\"invalid_token\"",
          "Bearer realm=\"jwt\", error=\"insufficient_scope\", scope=\"w\""}},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        for (int k = 0; k < CASES; k++) {
            const char *headers[] = {methods[i].name, methods[i].value[k], NULL};
            if (methods[i].uri[k])
                expect(methods[i].uri[k], headers, status[k], methods[i].challenge[k]);
        }
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"insufficient-scope\""), 1);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "Bearer "), 0);
    ck_assert_int_eq(journal_lines(&stage, "Bearer "), 0);
    ck_assert_int_eq(journal_lines(&stage, "dXPD"), 0);
    kit_end();
}
END_TEST

START_TEST(signature_and_key_must_both_hold)
{
    const struct span body = SPAN_LIT("{\"a\":1}");
    const char *const *made = signed_headers("msg_1", time(NULL), body);
    const char *headers[16] = {"HTTP_X_API_KEY", TOKEN};
    struct answer a;
    for (size_t i = 0; made[i]; i++)
        headers[i + 2] = made[i];
    struct call c = {.uri = "/both", .body = body, .headers = made};
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 401);
    ck_assert_span_eq(answer_header(&a, "WWW-Authenticate"), "ApiKey realm=\"both\", header=\"X-API-Key\"");
    answer_fini(&a);
    c.body = SPAN_LIT("{\"a\":2}");
    c.headers = headers;
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 401);
    ck_assert_span_eq(answer_header(&a, "WWW-Authenticate"), "Signature");
    answer_fini(&a);
    c.body = body;
    stage_call(&stage, &c, &a);
    ck_assert_int_eq(a.status, 202);
    answer_fini(&a);
    ck_assert_int_eq(journal_lines(&stage, TOKEN), 0);
    ck_assert_int_eq(journal_lines(&stage, "\"key_id\":\"k1\""), 1);
}
END_TEST

START_TEST(tokens_of_urls_stay_outside)
{
    expect("/path/made/" TOKEN, NULL, 202, NULL);
    expect("/path/made/" TOKEN "x", NULL, 401, "UrlToken realm=\"path\"");
    expect("/path/made", NULL, 401, NULL);
    expect("/path/" TOKEN "/made", NULL, 401, NULL);
    expect("/path", NULL, 401, NULL);
    expect("/query?token=" TOKEN, NULL, 202, NULL);
    expect("/query?token=x", NULL, 401, "UrlToken realm=\"query\"");
    ck_assert_int_eq(journal_lines(&stage, TOKEN), 0);
    ck_assert_int_eq(spool_lines(&stage, "rejected", TOKEN), 0);
    ck_assert_int_eq(journal_lines(&stage, "\"path\":\"/path/\xe2\x80\xa6\""), 1);
}
END_TEST

START_TEST(certificates_are_the_web_servers_word)
{
    static const char *const good[] = {"SSL_CLIENT_VERIFY", "SUCCESS", "SSL_CLIENT_FINGERPRINT", DIGEST, NULL};
    static const char *const headers[] = {"HTTP_SSL_CLIENT_VERIFY", "SUCCESS", "HTTP_SSL_CLIENT_FINGERPRINT", DIGEST,
                                          NULL};
    static const char *const unverified[] = {"SSL_CLIENT_VERIFY", "NONE", "SSL_CLIENT_FINGERPRINT", DIGEST, NULL};
    static const char *const mixed[] = {"HTTP_SSL_CLIENT_VERIFY", "SUCCESS", "SSL_CLIENT_FINGERPRINT", DIGEST, NULL};
    static const char *const twice[] = {
        "SSL_CLIENT_VERIFY", "NONE", "SSL_CLIENT_VERIFY", "SUCCESS", "SSL_CLIENT_FINGERPRINT", DIGEST, NULL};
    expect("/cert", good, 202, NULL);
    ck_assert_int_eq(journal_lines(&stage, "\"key_id\":\"" DIGEST "\""), 1);
    expect("/cert", headers, 401, "ClientCertificate realm=\"cert\"");
    expect("/cert", unverified, 401, NULL);
    expect("/cert", mixed, 401, NULL);
    expect("/cert", twice, 400, NULL);
    expect("/cert", NULL, 401, NULL);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"altered\":true"), 4); /* the certificate is not kept: no use in running it again */
}
END_TEST

/* A stranger's body is neither waited for nor kept. */
START_TEST(strangers_are_refused_before_their_body)
{
    struct call c = {.uri = "/bearer", .length = "1000", .body = SPAN_NONE};
    struct buf b;
    struct answer a;
    buf_init(&b, 65536);
    put_call(&b, &c);
    int fd = stage_connect(&stage);
    send_all(fd, span_of(b.p, b.n - 8)); /* all but the record that ends the body */
    read_answer(fd, &a);
    ck_assert_int_eq(a.status, 401);
    answer_fini(&a);
    buf_fini(&b);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("auth_door");
    TCase *t = tcase_create("auth_door");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, who_calls_is_on_record_but_not_how);
    tcase_add_test(t, nobody_else_comes_in);
    tcase_add_test(t, what_each_method_answers);
    tcase_add_test(t, signature_and_key_must_both_hold);
    tcase_add_test(t, tokens_of_urls_stay_outside);
    tcase_add_test(t, certificates_are_the_web_servers_word);
    tcase_add_test(t, strangers_are_refused_before_their_body);
    suite_add_tcase(s, t);
    return suite_run(s);
}
