/* SPDX-License-Identifier: MIT
 * check_handshake_door: a running intake whose recipes bring handshakes, answers and references of their own, and secrets
 * that come with a handshake.
 */
#include "stage.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/keyfile.h"

static struct stage stage; /* of the running test */

static const char settings[] = "\"recipes\":\"" TESTS_SRCDIR "/tests/unit/recipes\",\"threads\":4,";
static const char sources[] =
    "\"shake\":{\"path\":\"/shake\",\"recipe\":\"shake\",\"params\":{\"token\":\"right\"},"
    "\"content_types\":[\"application/json\",\"application/x-www-form-urlencoded\"],"
    "\"keys\":[{\"id\":\"k1\",\"secret_file\":\"%D/key\"}]},"
    "\"own\":{\"path\":\"/own\",\"recipe\":\"shake\",\"params\":{\"token\":\"right\"},\"methods\":[\"PUT\",\"POST\"],"
    "\"answers\":{\"accepted\":{\"status\":201},\"refused\":{\"body\":\"mine\"}},"
    "\"keys\":[{\"id\":\"k1\",\"secret_file\":\"%D/key\"}]},"
    "\"keep\":{\"path\":\"/keep\",\"recipe\":\"keep\",\"keys_folder\":\"%D/keep\"}";

static const char *below(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", stage.dir, name);
    return path;
}

static void setup(void)
{
    stage_init(&stage, settings, sources);
    ck_assert_int_eq(mkdir(below("keep"), 0700), 0);
    stage_start(&stage);
}

static void teardown(void)
{
    stage_fini(&stage);
}

static int64_t counter(enum stat_id id)
{
    return atomic_load(&stage.shared->stats[id]);
}

#define KEY "whsec_" STAGE_SECRET

/* "X-Sign" for this body under this key, as the parameter's value. Static storage. */
static const char *signed_by(const char *key, struct span body)
{
    static char text[4][2 * crypto_auth_hmacsha256_BYTES + 1];
    static unsigned next;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, (const unsigned char *)key, strlen(key));
    crypto_auth_hmacsha256_update(&s, (const unsigned char *)body.p, body.n);
    crypto_auth_hmacsha256_final(&s, mac);
    hex_encode(mac, sizeof mac, text[++next % 4]);
    return text[next % 4];
}

static struct answer ask(const char *method, const char *uri, const char *const *headers, struct span body)
{
    struct answer a;
    const struct call c = {.method = method, .uri = uri, .headers = headers, .body = body};
    stage_call(&stage, &c, &a);
    ck_assert(a.ended);
    ck_assert_uint_eq(answer_header(&a, "Creel-Request-Id").n, 26);
    return a;
}

/* Ask; the status, and what the body is. */
static void expect(const char *method, const char *uri, const char *const *headers, struct span body, int status,
                   const char *text)
{
    struct answer a = ask(method, uri, headers, body);
    ck_assert_msg(a.status == status, "%s %s: %d, not %d: %.*s", method, uri, a.status, status, (int)a.text.n,
                  a.text.p);
    if (text)
        ck_assert_span_eq(answer_body(&a), text);
    answer_fini(&a);
}

/* --- handshakes --- */

START_TEST(a_challenge_is_echoed)
{
    struct answer a = ask("GET", "/shake?mode=x&token=right&challenge=%3Cb%3E+1", NULL, SPAN_LIT(""));
    ck_assert_int_eq(a.status, 200);
    ck_assert_span_eq(answer_body(&a), "<b> 1");
    ck_assert_span_eq(answer_header(&a, "Content-Type"), "text/plain");
    ck_assert_span_eq(answer_header(&a, "Content-Length"), "5");
    ck_assert_span_eq(answer_header(&a, "X-Content-Type-Options"), "nosniff");
    ck_assert_uint_eq(answer_header(&a, "Creel-Event-Id").n, 0);
    answer_fini(&a);
    ck_assert_int_eq(counter(STAT_handshakes_total), 1);
    ck_assert_int_eq(counter(STAT_accepted_total), 0);
    ck_assert_int_eq(journal_lines(&stage, "shake"), 0);
}
END_TEST

START_TEST(a_wrong_token_is_refused_as_the_recipe_says)
{
    expect("GET", "/shake?mode=x&token=wrong&challenge=1", NULL, SPAN_LIT(""), 404, NULL);
    expect("GET", "/shake?mode=x&challenge=1", NULL, SPAN_LIT(""), 404, NULL);
    ck_assert_int_eq(counter(STAT_handshakes_total), 0);
    ck_assert_int_eq(counter(STAT_refused_total), 2);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "\"code\":\"handshake-refused\",\"status\":404"), 2);
    ck_assert_int_eq(spool_lines(&stage, "rejected", "wrong"), 0);
}
END_TEST

START_TEST(head_has_no_body)
{
    struct answer a = ask("HEAD", "/shake", NULL, SPAN_LIT(""));
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(answer_body(&a).n, 0);
    answer_fini(&a);
}
END_TEST

START_TEST(headers_are_answered_where_they_came)
{
    static const char *const both[] = {"HTTP_X_ORIGIN", "a.test", "HTTP_X_RATE", "120", NULL};
    static const char *const one[] = {"HTTP_X_ORIGIN", "a.test", NULL};
    static const char *const split[] = {"HTTP_X_ORIGIN", "a.test\r\nSet-Cookie: x=1", NULL};
    struct answer a = ask("OPTIONS", "/shake", both, SPAN_LIT(""));
    ck_assert_span_eq(answer_header(&a, "X-Allowed"), "a.test");
    ck_assert_span_eq(answer_header(&a, "X-Rate"), "120");
    answer_fini(&a);
    a = ask("OPTIONS", "/shake", one, SPAN_LIT(""));
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_null(memmem(a.text.p, a.text.n, "X-Rate", 6));
    answer_fini(&a);
    a = ask("OPTIONS", "/shake", split, SPAN_LIT(""));
    ck_assert_int_eq(a.status, 403);
    ck_assert_ptr_null(memmem(a.text.p, a.text.n, "Set-Cookie", 10));
    answer_fini(&a);
}
END_TEST

START_TEST(signed_ones_need_their_signature)
{
    const struct span ping = SPAN_LIT("{\"type\":\"ping\",\"token\":\"a\\\"b\"}");
    const char *const headers[] = {"HTTP_X_SIGN", signed_by(KEY, ping), NULL};
    const char *const wrong[] = {"HTTP_X_SIGN", signed_by("other", ping), NULL};
    struct answer a = ask("POST", "/shake", headers, ping);
    ck_assert_int_eq(a.status, 200);
    ck_assert_span_eq(answer_body(&a), "{\"token\":\"a\\\"b\"}");
    ck_assert_span_eq(answer_header(&a, "Content-Type"), "application/json");
    answer_fini(&a);
    expect("POST", "/shake", wrong, ping, 401, NULL);
    expect("POST", "/shake", NULL, ping, 401, NULL);
    ck_assert_int_eq(counter(STAT_handshakes_total), 1);
    ck_assert_int_eq(journal_lines(&stage, "ping"), 0);
}
END_TEST

START_TEST(an_answer_without_content)
{
    const struct span quiet = SPAN_LIT("{\"type\":\"quiet\"}");
    const char *const headers[] = {"HTTP_X_SIGN", signed_by(KEY, quiet), NULL};
    struct answer a = ask("POST", "/shake", headers, quiet);
    ck_assert_int_eq(a.status, 204);
    ck_assert_uint_eq(answer_header(&a, "Content-Type").n, 0);
    ck_assert_uint_eq(answer_body(&a).n, 0);
    answer_fini(&a);
}
END_TEST

START_TEST(other_methods_and_requests_that_are_none)
{
    struct answer a = ask("DELETE", "/shake", NULL, SPAN_LIT(""));
    ck_assert_int_eq(a.status, 405);
    ck_assert_span_eq(answer_header(&a, "Allow"), "POST, GET, HEAD, OPTIONS");
    answer_fini(&a);
    a = ask("DELETE", "/own", NULL, SPAN_LIT(""));
    ck_assert_span_eq(answer_header(&a, "Allow"), "PUT, POST, GET, HEAD, OPTIONS");
    answer_fini(&a);
    a = ask("GET", "/shake?challenge=1", NULL, SPAN_LIT(""));
    ck_assert_int_eq(a.status, 405);
    ck_assert_span_eq(answer_header(&a, "Allow"), "POST, GET, HEAD, OPTIONS");
    answer_fini(&a);
    expect("OPTIONS", "/shake", NULL, SPAN_LIT(""), 405, NULL);
    ck_assert_int_eq(counter(STAT_handshakes_total), 0);
}
END_TEST

/* --- what the sender insists on --- */

static struct answer event(const char *uri, const char *key, const char *type, struct span body)
{
    struct answer a;
    const char *const headers[] = {"HTTP_X_SIGN", signed_by(key, body), "HTTP_X_KIND", "Made", NULL};
    const struct call c = {.uri = uri, .content_type = type, .headers = headers, .body = body};
    stage_call(&stage, &c, &a);
    return a;
}

START_TEST(the_recipe_answers)
{
    const struct span body = SPAN_LIT("{\"type\":\"order.made\"}");
    struct answer a = event("/shake", KEY, "application/json", body);
    ck_assert_int_eq(a.status, 200);
    ck_assert_span_eq(answer_body(&a), "[accepted]");
    ck_assert_span_eq(answer_header(&a, "Content-Type"), "text/plain");
    ck_assert_uint_eq(answer_header(&a, "Creel-Event-Id").n, 26);
    answer_fini(&a);
    a = event("/shake", KEY, "application/json", body);
    ck_assert_int_eq(a.status, 204);
    ck_assert_uint_eq(answer_body(&a).n, 0);
    answer_fini(&a);
    a = event("/shake", "other", "application/json", body);
    ck_assert_int_eq(a.status, 401);
    ck_assert_span_eq(answer_body(&a), "no");
    ck_assert_uint_gt(answer_header(&a, "WWW-Authenticate").n, 0);
    answer_fini(&a);
}
END_TEST

/* The recipe speaks for its sender's proof; what else is wrong is said as ever. */
START_TEST(the_recipe_does_not_answer_for_everything)
{
    struct answer a = event("/shake", KEY, "text/html", SPAN_LIT("{\"type\":\"order.made\"}"));
    ck_assert_int_eq(a.status, 415);
    answer_fini(&a);
    a = event("/shake", KEY, "application/json", SPAN_LIT("{\"type\":"));
    ck_assert_int_eq(a.status, 400);
    ck_assert_ptr_nonnull(memmem(a.text.p, a.text.n, "malformed-body", 14));
    answer_fini(&a);
}
END_TEST

START_TEST(the_source_answers_before_the_recipe)
{
    struct answer a = event("/own", KEY, "application/json", SPAN_LIT("{\"type\":\"order.made\"}"));
    ck_assert_int_eq(a.status, 201);
    ck_assert_span_eq(answer_body(&a), "[accepted]");
    answer_fini(&a);
    a = event("/own", "other", "application/json", SPAN_LIT("{\"type\":\"order.made\"}"));
    ck_assert_int_eq(a.status, 401);
    ck_assert_span_eq(answer_body(&a), "mine");
    answer_fini(&a);
}
END_TEST

/* --- facts --- */

START_TEST(facts_from_query_header_form_and_names)
{
    static const struct {
        const char *uri, *type, *line;
        struct span body;
    } cases[] = {
        {"/shake?kind=order", "application/json", "\"order.made\"", SPAN_LIT("{\"type\":\"other\"}")},
        {"/shake", "application/x-www-form-urlencoded", "\"order.paid\"", SPAN_LIT("a=1&kind=order%2Epaid")},
        {"/shake", "application/json", "\"from.json\"", SPAN_LIT("{\"type\":\"from.json\"}")},
        {"/shake", "application/json", "\"time\":\"Sunday\"", SPAN_LIT("{\"type\":\"x\",\"at\":\"Sunday\"}")},
        {"/shake", "application/json", "\"the-name\"",
         SPAN_LIT("{\"type\":\"x\",\"events\":{\"none\":1,\"the-name\":2,\"z\":3}}")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer a = event(cases[i].uri, KEY, cases[i].type, cases[i].body);
        ck_assert_msg(a.status == 200, "%zu: %.*s", i, (int)a.text.n, a.text.p);
        ck_assert_msg(journal_lines(&stage, cases[i].line) == 1, "%zu", i);
        answer_fini(&a);
    }
}
END_TEST

/* --- secrets that come with a handshake --- */

#define BODY SPAN_LIT("{\"type\":\"order.made\"}")

static void keep_event(const char *key, int status)
{
    struct answer a = event("/keep", key, "application/json", BODY);
    ck_assert_msg(a.status == status, "by %s: %d, not %d: %.*s", key, a.status, status, (int)a.text.n, a.text.p);
    answer_fini(&a);
}

static struct answer bring(const char *secret)
{
    const char *const headers[] = {"HTTP_X_SECRET", secret, NULL};
    return ask("POST", "/keep", headers, SPAN_LIT(""));
}

static void bring_first(void)
{
    struct answer a = bring("first secret");
    ck_assert_int_eq(a.status, 200);
    ck_assert_span_eq(answer_header(&a, "X-Secret"), "first secret");
    answer_fini(&a);
}

static void bring_second(void)
{
    struct answer a = bring("second secret");
    ck_assert_int_eq(a.status, 403);
    ck_assert_uint_eq(answer_header(&a, "X-Secret").n, 0);
    ck_assert_ptr_nonnull(memmem(a.text.p, a.text.n, "has its secret already", 22));
    answer_fini(&a);
}

START_TEST(a_secret_is_used_at_once_and_never_replaced)
{
    struct stat st;
    keep_event("first secret", 401);
    bring_first();
    ck_assert_int_eq(stat(below("keep/handshake"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    keep_event("first secret", 202);
    bring_second();
    keep_event("second secret", 401);
    stage_stop(&stage);
    stage_start(&stage);
    bring_second();
    keep_event("second secret", 401);
    keep_event("first secret", 200);
}
END_TEST

/* A configuration that was loaded before the handshake came, and is switched to after it. */
START_TEST(a_reload_that_crosses_a_handshake)
{
    struct buf reason;
    buf_init(&reason, 4096);
    ck_assert_int_eq(stage_prepare(&stage, &reason), CHANNEL_READY);
    bring_first();
    stage_tell(&stage, CHANNEL_SWITCH);
    ck_assert_int_eq(stage_prepare(&stage, &reason), CHANNEL_READY); /* the switch is done */
    stage_tell(&stage, CHANNEL_DISCARD);
    keep_event("first secret", 202);
    bring_second();
    buf_fini(&reason);
}
END_TEST

/* Someone put a key there by hand, and the door has not been told. */
START_TEST(a_key_that_is_there_stays)
{
    struct why w;
    ck_assert_int_eq(keyfile_store(below("keep"), "handshake", SPAN_LIT("by hand"), &w), ERR_OK);
    bring_second();
    keep_event("second secret", 401);
}
END_TEST

START_TEST(a_secret_that_cannot_be_kept_is_not_answered)
{
    ck_assert_int_eq(rmdir(below("keep")), 0);
    struct answer a = bring("first secret");
    ck_assert_int_eq(a.status, 503);
    ck_assert_uint_eq(answer_header(&a, "X-Secret").n, 0);
    answer_fini(&a);
    ck_assert_int_eq(mkdir(below("keep"), 0700), 0);
    bring_first();
    keep_event("first secret", 202);
}
END_TEST

/* Sixteen on their way before the first answer is read: one wins, whole. */
START_TEST(many_first_handshakes_at_once)
{
    enum { MANY = 16 };
    int fds[MANY], winner = -1;
    char secrets[MANY][32];
    for (int i = 0; i < MANY; i++) {
        struct buf b;
        snprintf(secrets[i], sizeof secrets[i], "secret number %d", i);
        const char *const headers[] = {"HTTP_X_SECRET", secrets[i], NULL};
        const struct call c = {.uri = "/keep", .headers = headers};
        buf_init(&b, 1 << 16);
        put_call(&b, &c);
        fds[i] = stage_connect(&stage);
        send_all(fds[i], buf_span(&b));
        buf_fini(&b);
    }
    for (int i = 0; i < MANY; i++) {
        struct answer a;
        read_answer(fds[i], &a);
        ck_assert_msg(a.status == 403 || (a.status == 200 && winner < 0), "%d: %d", i, a.status);
        winner = a.status == 200 ? i : winner;
        answer_fini(&a);
        close(fds[i]);
    }
    ck_assert_int_ge(winner, 0);
    keep_event(secrets[(winner + 1) % MANY], 401);
    keep_event(secrets[winner], 202);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("handshake_door");
    TCase *t = tcase_create("handshake_door");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_challenge_is_echoed);
    tcase_add_test(t, a_wrong_token_is_refused_as_the_recipe_says);
    tcase_add_test(t, head_has_no_body);
    tcase_add_test(t, headers_are_answered_where_they_came);
    tcase_add_test(t, signed_ones_need_their_signature);
    tcase_add_test(t, an_answer_without_content);
    tcase_add_test(t, other_methods_and_requests_that_are_none);
    tcase_add_test(t, the_recipe_answers);
    tcase_add_test(t, the_recipe_does_not_answer_for_everything);
    tcase_add_test(t, the_source_answers_before_the_recipe);
    tcase_add_test(t, facts_from_query_header_form_and_names);
    tcase_add_test(t, a_secret_is_used_at_once_and_never_replaced);
    tcase_add_test(t, a_reload_that_crosses_a_handshake);
    tcase_add_test(t, a_key_that_is_there_stays);
    tcase_add_test(t, a_secret_that_cannot_be_kept_is_not_answered);
    tcase_add_test(t, many_first_handshakes_at_once);
    suite_add_tcase(s, t);
    return suite_run(s);
}
