/* SPDX-License-Identifier: MIT
 * check_recipes: every recipe that is installed, and each of its variants: it compiles and says what people need to know;
 * what it does not protect is what this file says; what it signs verifies; the published requests agree.
 */
#include "installed_kit.h"

static bool is_there(const char *name)
{
    return bsearch(name, names, n_names, sizeof *names, by_name) != NULL;
}

START_TEST(every_known_sender_has_a_recipe)
{
    struct buf list = read_source("tests/vectors/providers.txt");
    size_t n = 0;
    buf_putc(&list, 0);
    for (char *save, *name = strtok_r(list.p, "\n", &save); name; name = strtok_r(NULL, "\n", &save), n++)
        ck_assert_msg(is_there(name), "there is no recipe for %s", name);
    ck_assert_uint_ge(n, 99);
    buf_fini(&list);
}
END_TEST

START_TEST(every_recipe_is_installed_and_listed)
{
    static const char *const files[][3] = {{"host/recipe/local.mk", "host/recipe/recipes/", ".json"},
                                           {"man/creel-recipe.5", "\n.It Cm ", " Ta "}};
    for (size_t i = 0; i < 2; i++) {
        struct buf text = read_source(files[i][0]);
        buf_putc(&text, 0);
        for (size_t k = 0; k < n_names; k++) {
            char line[128];
            snprintf(line, sizeof line, "%s%s%s", files[i][1], names[k], files[i][2]);
            ck_assert_msg(strstr(text.p, line) != NULL, "%s does not list %s", files[i][0], names[k]);
        }
        buf_fini(&text);
    }
}
END_TEST

static void says_what_it_is(const char *name, const char *variant, struct recipe *r)
{
    size_t n;
    const char *url = recipe_documentation(r);
    ck_assert_str_eq(recipe_name(r), name);
    ck_assert_msg(recipe_title(r) && recipe_title(r)[0], "%s %s has no title", name, variant);
    ck_assert_msg(strcmp(name, "none") == 0 || (url && strncmp(url, "https://", 8) == 0), "%s %s: documentation", name,
                  variant);
    recipe_default(r, "type", &n);
    ck_assert_msg(n > 0, "%s %s does not say where the event type is", name, variant);
}

START_TEST(every_recipe_compiles_and_says_what_it_is)
{
    each_recipe(says_what_it_is);
}
END_TEST

/* A token is the secret itself: the header that carries it must not reach the spool. */
static void hides_its_token(const char *name, const char *variant, struct recipe *r)
{
    struct buf text = text_of(name);
    struct span from = json_plain_string(json_member(json_member(buf_span(&text), "signature"), "from"));
    if (recipe_algorithm(r) && strcmp(recipe_algorithm(r), "token") == 0 && span_starts(from, SPAN_LIT("header:")))
        ck_assert_msg(recipe_is_credential(r, span_skip(from, 7)), "%s %s spools its token", name, variant);
    buf_fini(&text);
}

START_TEST(tokens_do_not_reach_the_spool)
{
    each_recipe(hides_its_token);
}
END_TEST

/* Recipes whose proof does not cover the body, or nothing at all; the manual says so of these. */
static const struct {
    const char *name, *variant;
    bool nothing;
} open_bodies[] = {
    {"adyen", "", false},         {"auth0", "", true},          {"buildkite-token", "", true},
    {"chargebee", "", true},      {"aws-sns", "", false},       {"aws-sns", "sns", false},
    {"aws-sns", "sns-v1", false}, {"aws-sns", "sns-v2", false}, {"aws-sns", "sns-v2-subscribe", false},
    {"braintree", "", false},     {"cloudevents", "", true},    {"deepgram", "", true},
    {"eventgrid", "", true},      {"eventgrid", "confirm", true}, {"cloudevents", "confirm", true},
    {"gitlab", "", true},         {"google-push", "", true},
    {"huggingface", "", true},    {"jwt-bearer", "", false},    {"mailgun", "", false},       {"msgraph", "", true},
    {"none", "", true},           {"okta", "", true},           {"paypal", "", false},
    {"pipedrive", "", true},      {"plivo-v2", "", false},      {"postmark", "", true},
    {"telegram", "", true},       {"vonage", "", false},        {"cloudflare-notifications", "", true},
};

static unsigned gaps_seen;

static void gaps_are_known(const char *name, const char *variant, struct recipe *r)
{
    struct recipe_gaps gaps = recipe_gaps(r);
    size_t i = 0, n = sizeof open_bodies / sizeof *open_bodies;
    while (i < n && (strcmp(open_bodies[i].name, name) != 0 || strcmp(open_bodies[i].variant, variant) != 0))
        i++;
    ck_assert_msg(gaps.body == (i < n), "%s %s: the body is %sprotected", name, variant, gaps.body ? "not " : "");
    ck_assert_msg(gaps.nothing_signed == (i < n && open_bodies[i].nothing), "%s %s: something signed", name, variant);
    ck_assert_msg(!recipe_is_none(r) || gaps.nothing_signed, "%s %s", name, variant);
    ck_assert_msg(recipe_tolerance_ms(r) < 0 || !gaps.time, "%s %s has a time that proves nothing", name, variant);
    gaps_seen += i < n;
}

START_TEST(what_is_not_protected_is_known)
{
    gaps_seen = 0;
    each_recipe(gaps_are_known);
    ck_assert_uint_eq(gaps_seen, sizeof open_bodies / sizeof *open_bodies);
}
END_TEST

/* ---- signing ---- */

static unsigned signed_recipes;

static void signs_and_verifies(const char *name, const char *variant, struct recipe *r)
{
    struct bench b;
    if (sample_init(&b, name, variant, r)) {
        signed_recipes++;
        ck_assert_msg(verify(&b) == ERR_OK, "%s %s: %s", name, variant, b.verdict.detail);
        b.q.body = SPAN_LIT("{\"type\":\"b\",\"webhookTimestamp\":1700000000000}");
        bool covered = !recipe_gaps(r).body;
        ck_assert_msg((verify(&b) != ERR_OK) == covered, "%s %s: a changed body is %s", name, variant,
                      covered ? "taken" : "refused");
    }
    sample_fini(&b);
}

START_TEST(what_is_signed_by_a_recipe_verifies)
{
    signed_recipes = 0;
    each_recipe(signs_and_verifies);
    ck_assert_msg(signed_recipes >= 110, "only %u recipes sign", signed_recipes);
}
END_TEST

/* ---- the published requests, by the program that people use ---- */

#define VERIFY TESTS_BUILDDIR "/creel --recipes " TESTS_SRCDIR "/host/recipe/recipes verify --vectors "
#define VECTORS TESTS_SRCDIR "/tests/vectors/"

/* The last line that this prints; the others are shown, for they say what disagrees. */
static void last_line(const char *command, char last[512])
{
    char line[512];
    last[0] = 0;
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (last[0])
            fputs(last, stdout);
        snprintf(last, 512, "%s", line);
    }
    ck_assert_msg(pclose(f) == 0, "%s", last);
}

static void vectors_agree(const char *file, const char *wanted)
{
    char command[1024], last[512];
    snprintf(command, sizeof command, VERIFY VECTORS "%s 2>&1", file);
    last_line(command, last);
    ck_assert_str_eq(last, wanted);
}

START_TEST(published_requests_agree)
{
    vectors_agree("signatures.json", "437 passed, 0 failed\n");
}
END_TEST

START_TEST(a_key_is_chosen_by_its_id)
{
    vectors_agree("key_ids.json", "3 passed, 0 failed\n");
}
END_TEST

#ifdef PYTHON3
/* Signed in Python from what the senders' documentation says, and broken in every way that came to mind. */
START_TEST(made_requests_agree)
{
    char last[512];
    unsigned passed = 0, failed = 1;
    last_line("f=$(mktemp) && " PYTHON3 " -B " VECTORS "make_cases.py >\"$f\" && " VERIFY "\"$f\" 2>&1; status=$?; rm -f \"$f\"; exit $status",
              last);
    ck_assert_msg(sscanf(last, "%u passed, %u failed", &passed, &failed) == 2, "%s", last);
    ck_assert_msg(passed > 5000 && failed == 0, "%s", last);
}
END_TEST
#endif

/* A query that came with the request is not signed where the registered URL has one of its own: it must not say what the
 * body's hash is. The signature is that of the URL. */
START_TEST(a_hash_counts_where_it_is_signed_only)
{
    struct recipe *r = installed("twilio-body");
    struct bench b;
    struct why w;
    bench_init(&b, r, ring_of(r, "key", NULL, false));
    b.q.body = SPAN_LIT(BODY);
    b.q.query = SPAN_LIT("bodySHA256=" BODY_SHA256);
    ck_assert_msg(try_sign(&b, "msg_1", &w) == ERR_OK, "%s", w.text);
    ck_assert_msg(verify(&b) == ERR_OK, "%s", b.verdict.detail);
    forget(&b);
    b.q.n_headers = 0;
    b.q.url = SPAN_LIT("https://hooks.example.test/in?a=1");
    b.q.query = SPAN_LIT("bodySHA256=" BODY_SHA256);
    header(&b, "X-Twilio-Signature", "x09g0oRvVcEwLIUdzJSH6OivZzQ=");
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    ck_assert_msg(strstr(b.verdict.detail, "public_url") != NULL, "%s", b.verdict.detail);
    bench_fini(&b);
}
END_TEST

/* Whose keys have to be fetched first is asked only where nothing else speaks against the request. */
START_TEST(no_key_is_fetched_for_what_is_refused_anyway)
{
    static const char form[] = "{\"Type\":\"Notification\",\"MessageId\":\"m\",\"TopicArn\":\"arn\",\"Message\":\"x\","
                               "\"Timestamp\":\"%s\",\"SignatureVersion\":\"%s\",\"Signature\":\"aaaa\","
                               "\"SigningCertURL\":\"https://sns.us-east-1.amazonaws.com/a.pem\"}";
    static const struct {
        const char *time, *version;
        enum err e;
    } cases[] = {{"2023-11-14T22:13:20.000Z", "2", ERR_KEYS_PENDING},
                 {"2023-11-14T20:13:20.000Z", "2", ERR_TIMESTAMP_OUT_OF_TOLERANCE},
                 {"2023-11-14T22:13:20.000Z", "1", ERR_SIGNATURE_INVALID}};
    struct bench b;
    char body[1024];
    struct why w;
    struct keyring *none = NULL;
    struct recipe *r = installed("aws-sns");
    ck_assert_msg(keyring_new(r, NULL, 0, &none, &w) == ERR_OK, "%s", w.text);
    bench_init(&b, r, none);
    snprintf(body, sizeof body, form, cases[_i].time, cases[_i].version);
    b.q.body = span_str(body);
    ck_assert_int_eq(recipe_verify(b.r, b.k, b.c, &b.q, &b.a, &b.verdict), cases[_i].e);
    ck_assert(!b.verdict.keys_url.p == (cases[_i].e != ERR_KEYS_PENDING));
    bench_fini(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recipes");
    TCase *t = tcase_create("recipes");
    tcase_add_unchecked_fixture(t, read_names, NULL);
    tcase_add_test(t, every_known_sender_has_a_recipe);
    tcase_add_test(t, every_recipe_is_installed_and_listed);
    tcase_add_test(t, every_recipe_compiles_and_says_what_it_is);
    tcase_add_test(t, tokens_do_not_reach_the_spool);
    tcase_add_test(t, what_is_not_protected_is_known);
    tcase_add_test(t, what_is_signed_by_a_recipe_verifies);
    tcase_add_test(t, a_hash_counts_where_it_is_signed_only);
    tcase_add_test(t, published_requests_agree);
    tcase_add_test(t, a_key_is_chosen_by_its_id);
    tcase_add_loop_test(t, no_key_is_fetched_for_what_is_refused_anyway, 0, 3);
    suite_add_tcase(s, t);
    t = tcase_create("made");
    tcase_set_timeout(t, 300);
#ifdef PYTHON3
    tcase_add_test(t, made_requests_agree);
#endif
    suite_add_tcase(s, t);
    return suite_run(s);
}
