/* SPDX-License-Identifier: MIT
 * check_sign: what a recipe verifies it can also sign: for every installed recipe and variant a sender with a made-up key
 * makes a request, from next to nothing, that its receiver takes; values go where the recipe looks for them and nothing
 * else of the request changes; what only the caller can give is asked for by name.
 */
#include "installed_kit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/json_edit.h"
#include "recipe/form.h"

/* ---- keys ---- */

enum { PEM_BYTES = 4096, N_PEMS = 4 };
static char pems[N_PEMS][PEM_BYTES];

static void write_pem(EVP_PKEY *pkey, char out[PEM_BYTES])
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_ptr_nonnull(pkey);
    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    int n = BIO_read(bio, out, PEM_BYTES - 1);
    ck_assert_int_gt(n, 0);
    out[n] = 0;
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void make_keys(void)
{
    write_pem(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), pems[0]);
    write_pem(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), pems[1]);
    write_pem(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521"), pems[2]);
    write_pem(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), pems[3]);
}

static void give_params(struct bench *to, struct config_param params[8])
{
    size_t n;
    const char *const *list = recipe_params(to->r, &n);
    ck_assert_uint_le(n, 8);
    for (size_t i = 0; i < n; i++)
        params[i] = (struct config_param){list[i], "made-up"};
    to->q.params = params;
    to->q.n_params = n;
}

/* ---- every recipe ---- */

static unsigned taken, whole;

/* A ring for this recipe with the i-th key that could be meant for it; NULL: that is none. */
static struct keyring *ring_with(const struct recipe *r, size_t i)
{
    const char *secret = private_key(recipe_key_encoding(r));
    struct keyring *k = NULL;
    struct why w;
    struct keyring_key in = {"key-1", "spki-pem", false, span_str(i < N_PEMS ? pems[i] : ""), 0, INT64_MAX};
    if (secret)
        in = (struct keyring_key){"key-1", NULL, false, span_str(secret), 0, INT64_MAX};
    if (recipe_is_none(r))
        return keyring_new(r, NULL, 0, &k, &w) == ERR_OK ? k : NULL;
    return keyring_new(r, &in, 1, &k, &w) == ERR_OK ? k : NULL;
}

/* One member or pair more. */
static void add_to_body(struct bench *to, struct buf *longer)
{
    struct span body = to->q.body;
    buf_init(longer, 65536);
    if (recipe_signs_form(to->r))
        form_set(body, SPAN_LIT("zz"), SPAN_LIT("1"), longer);
    else
        ck_assert_int_eq(json_set(body, SPAN_LIT("/zz"), SPAN_LIT("1"), longer), ERR_OK);
    to->q.body = buf_span(longer);
}

static void protects_what_it_says(struct bench *to, const char *name, const char *variant)
{
    struct recipe_gaps gaps = recipe_gaps(to->r);
    struct span was = to->q.body;
    struct buf longer;
    add_to_body(to, &longer);
    ck_assert_msg(gaps.body || verify(to) != ERR_OK, "%s %s takes another body", name, variant);
    to->q.body = was;
    buf_fini(&longer);
    int64_t tolerance = recipe_tolerance_ms(to->r);
    to->q.now_ms += tolerance > 0 ? tolerance + 1000 : 3600000;
    enum err e = verify(to);
    ck_assert_msg(gaps.time ? e == ERR_OK : e == ERR_TIMESTAMP_OUT_OF_TOLERANCE, "%s %s later: %s", name, variant,
                  err_title(e));
}

static bool signs_with(const char *name, const char *variant, struct recipe *r, size_t i)
{
    struct config_param params[8];
    struct bench b;
    struct why w = {.text = ""};
    struct keyring *ring = ring_with(r, i);
    if (!ring)
        return false;
    bench_init(&b, r, ring);
    give_params(&b, params);
    b.q.body = recipe_signs_form(r) ? SPAN_LIT("Event=a&b=%2B+1") : SPAN_LIT("{\"type\":\"a\", \"data\":{\"n\":1}}");
    enum err e = try_sign(&b, "2N3K", &w);
    ck_assert_msg(e == ERR_OK || (e == ERR_UNSUPPORTED && strstr(w.text, "no algorithm")), "%s %s: %s", name, variant,
                  w.text);
    bool ok = e == ERR_OK;
    if (ok) {
        ck_assert_msg(verify(&b) == ERR_OK, "%s %s: %s: %.*s", name, variant, b.verdict.detail, (int)b.q.body.n,
                      b.q.body.p);
        protects_what_it_says(&b, name, variant);
        taken++;
    }
    sample_fini(&b);
    return ok;
}

static void signs(const char *name, const char *variant, struct recipe *r)
{
    bool any = false;
    for (size_t i = 0; i < N_PEMS && !any; i++)
        any = signs_with(name, variant, r, i);
    ck_assert_msg(any, "%s %s: nothing signs it", name, variant);
    whole++;
}

START_TEST(every_recipe_signs_what_it_verifies)
{
    each_recipe(signs);
    printf("%u recipes and variants sign\n", whole);
    fflush(stdout);
    ck_assert_uint_ge(whole, 140);
    ck_assert_uint_eq(taken, whole);
}
END_TEST

/* ---- where values go ---- */

static struct bench b;
static struct config_param params[8];

static void begin(const char *name, const char *key, const char *encoding, struct span body)
{
    struct recipe *r = installed(name);
    bench_init(&b, r, ring_of(r, key, encoding, false));
    give_params(&b, params);
    b.q.body = body;
}

static void end(void)
{
    forget(&b);
    bench_fini(&b);
}

static void sign_and_verify(void)
{
    sign(&b, "2N3K");
    ck_assert_msg(verify(&b) == ERR_OK, "%s: %.*s", b.verdict.detail, (int)b.q.body.n, b.q.body.p);
}

static bool has(const char *text)
{
    return memmem(b.q.body.p, b.q.body.n, text, strlen(text)) != NULL;
}

START_TEST(a_proof_in_the_body_leaves_the_rest_of_it)
{
    begin("mailgun", "k", NULL, SPAN_LIT("{ \"event-data\" : {\"id\":\"\\u00e9\", \"n\":1.0e2} }\n"));
    sign_and_verify();
    ck_assert(span_starts(b.q.body, SPAN_LIT("{ \"event-data\" : {\"id\":\"\\u00e9\", \"n\":1.0e2} ,\"signature\":{")));
    ck_assert(has("}}\n"));
    ck_assert(has("\"timestamp\":1700000000"));
    b.q.now_ms += 3600000; /* again, later: an old time and signature are replaced, the token stays */
    struct span token = json_pointer(b.q.body, SPAN_LIT("/signature/token"));
    sign_and_verify();
    ck_assert(has("\"timestamp\":1700003600"));
    struct span same = json_pointer(b.q.body, SPAN_LIT("/signature/token"));
    ck_assert(span_eq(token, same));
    end();
}
END_TEST

START_TEST(each_element_is_signed)
{
    begin("adyen", "00ff", NULL,
          SPAN_LIT("{\"notificationItems\":[{\"NotificationRequestItem\":{\"pspReference\":\"1\"}},{},"
                   "{\"NotificationRequestItem\":{\"additionalData\":null,\"success\":\"true\"}}]}"));
    sign_and_verify();
    ck_assert(json_pointer(b.q.body, SPAN_LIT("/notificationItems/2/NotificationRequestItem/additionalData/hmacSignature")).p);
    end();
    begin("msgraph", "state", NULL, SPAN_LIT(""));
    sign_and_verify();
    ck_assert_span_eq(b.q.body, "{\"value\":[{\"clientState\":\"state\"}]}");
    end();
    begin("msgraph", "state", NULL, SPAN_LIT("{\"value\":[1]}"));
    struct why w;
    ck_assert_int_eq(try_sign(&b, "1", &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "no place"));
    end();
}
END_TEST

START_TEST(a_form_carries_its_proof)
{
    begin("braintree", "k", NULL, SPAN_LIT("bt_payload=PD94&x=%2B"));
    sign_and_verify();
    ck_assert(span_starts(b.q.body, SPAN_LIT("bt_payload=PD94&x=%2B&bt_signature=made-up%7C")));
    end();
}
END_TEST

START_TEST(a_query_carries_the_hash_of_the_body)
{
    begin("twilio-body", "k", NULL, SPAN_LIT("{}"));
    b.q.query = SPAN_LIT("a=1");
    sign_and_verify();
    ck_assert_span_eq(b.q.query, "a=1&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    b.q.body = SPAN_LIT("{ }");
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    end();
}
END_TEST

/* A sender of one's own, with another place for the proof. */
static void begin_with(const char *json, const char *key, struct span body)
{
    struct recipe *r = compiled(json);
    bench_init(&b, r, ring_of(r, key, NULL, false));
    b.q.body = body;
}

START_TEST(a_query_carries_the_signature)
{
    begin_with("{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha256\",\"from\":\"query:sig\","
               "\"encoding\":\"base64\",\"content\":\"{query:nonce}.{body}\"},\"key_encoding\":\"utf8\"}",
               "k", SPAN_LIT("{}"));
    b.q.query = SPAN_LIT("sig=old&a");
    sign_and_verify();
    ck_assert(span_starts(b.q.query, SPAN_LIT("sig=")));
    ck_assert_ptr_nonnull(memmem(b.q.query.p, b.q.query.n, "&a&nonce=2N3K", 13));
    ck_assert_ptr_null(memmem(b.q.query.p, b.q.query.n, "old", 3));
    end();
}
END_TEST

START_TEST(what_hashes_the_body_comes_after_it)
{
    begin_with("{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha256\",\"from\":\"header:S\","
               "\"encoding\":\"hex\",\"content\":\"{header:Digest}\"},\"key_encoding\":\"utf8\","
               "\"timestamp\":{\"from\":\"json:/sent/at\",\"format\":\"rfc3339\",\"tolerance\":\"5m\"},"
               "\"assert\":{\"header:Digest\":{\"equals\":\"{body|sha256}\"}}}",
               "k", SPAN_LIT("{\"sent\":{\"at\":\"2001-01-01T00:00:00Z\"}}"));
    sign_and_verify();
    ck_assert_span_eq(b.q.body, "{\"sent\":{\"at\":\"2023-11-14T22:13:20.000Z\"}}");
    end();
}
END_TEST

START_TEST(a_token_lies_in_body_or_form)
{
    begin_with("{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"token\",\"from\":\"json:/a/secret_key\"},"
               "\"key_encoding\":\"utf8\"}",
               "a \"token\"", SPAN_LIT("{\"a\": null}"));
    sign_and_verify();
    ck_assert_span_eq(b.q.body, "{\"a\": {\"secret_key\":\"a \\\"token\\\"\"}}");
    end();
    begin_with("{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"token\",\"from\":\"form:key\"},"
               "\"key_encoding\":\"utf8\"}",
               "a&b", SPAN_LIT(""));
    sign_and_verify();
    ck_assert_span_eq(b.q.body, "key=a%26b");
    end();
}
END_TEST

START_TEST(values_are_made_as_the_rules_want_them)
{
    begin_with("{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-sha256\",\"from\":\"header:S\","
               "\"encoding\":\"hex\",\"content\":\"{header:Nonce}{header:Kind}{header:Version}{body}\"},"
               "\"key_encoding\":\"utf8\",\"assert\":{\"header:Nonce\":{\"characters\":\"0-9\",\"min_bytes\":7,"
               "\"max_bytes\":7},\"header:Kind\":{\"one_of\":[\"first\",\"second\"]},"
               "\"header:Version\":{\"matches\":\"v1.*\"}}}",
               "k", SPAN_LIT("{}"));
    sign_and_verify();
    ck_assert_span_eq(b.headers[0].value, "2323232");
    ck_assert_span_eq(b.headers[1].value, "first");
    ck_assert_span_eq(b.headers[2].value, "v1.");
    end();
}
END_TEST

START_TEST(headers_that_are_listed_are_signed)
{
    begin("contentful", "k", NULL, SPAN_LIT("{}"));
    sign_and_verify();
    header(&b, "x-contentful-signed-headers", "x");
    ck_assert_int_eq(verify(&b), ERR_MALFORMED_REQUEST);
    b.q.n_headers--;
    end();
    begin("contentful", "k", NULL, SPAN_LIT("{}"));
    header(&b, strdup("X-Contentful-Signed-Headers"), strdup("x-contentful-signed-headers,x-a,x-contentful-timestamp"));
    struct why w;
    ck_assert_int_eq(try_sign(&b, "1", &w), ERR_UNSUPPORTED);
    header(&b, strdup("X-A"), strdup("1"));
    sign_and_verify();
    end();
}
END_TEST

/* RFC 7517 appendix A.2's P-256 key. */
static const char jwk[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\","
    "\"use\":\"sig\",\"kid\":\"the \\\"1\\\"\"}";

START_TEST(a_token_names_its_key_and_holds_what_is_asked_for)
{
    begin("plaid", jwk, NULL, SPAN_LIT("{}"));
    sign_and_verify();
    b.q.body = SPAN_LIT("{ }");
    ck_assert_int_eq(verify(&b), ERR_SIGNATURE_INVALID);
    b.q.body = SPAN_LIT("{}");
    b.q.now_ms += 301000;
    ck_assert_int_eq(verify(&b), ERR_TIMESTAMP_OUT_OF_TOLERANCE);
    end();
    begin("livekit", "k", NULL, SPAN_LIT("{}"));
    sign_and_verify();
    b.q.now_ms += 61000;
    ck_assert_int_eq(verify(&b), ERR_TIMESTAMP_OUT_OF_TOLERANCE);
    end();
}
END_TEST

START_TEST(what_only_the_caller_knows_is_asked_for)
{
    static const struct {
        const char *recipe, *missing;
    } rows[] = {{"braintree", "parameter public_key"}, {"square", "public_url"}, {"messagebird", "public_url"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct why w;
        begin(rows[i].recipe, "k", NULL, SPAN_LIT(""));
        b.q.n_params = 0;
        b.q.url = SPAN_NONE;
        ck_assert_int_eq(try_sign(&b, "1", &w), ERR_UNSUPPORTED);
        ck_assert_msg(strstr(w.text, rows[i].missing) != NULL, "%s", w.text);
        end();
    }
    struct why w;
    begin("mailgun", "k", NULL, SPAN_LIT("no json"));
    ck_assert_int_eq(try_sign(&b, "1", &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "JSON"));
    end();
}
END_TEST

START_TEST(a_public_key_signs_nothing)
{
    static const char public_jwk[] =
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
        "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}";
    struct why w;
    begin("plaid", public_jwk, NULL, SPAN_LIT("{}"));
    ck_assert_int_eq(try_sign(&b, "1", &w), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w.text, "private half"));
    end();
}
END_TEST

START_TEST(of_several_keys_the_one_that_can_signs)
{
    static const char set[] =
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"public\","
        "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"},"
        "%s]}";
    char text[2048];
    snprintf(text, sizeof text, set, jwk);
    begin("plaid", text, "jwks", SPAN_LIT("{}"));
    sign_and_verify();
    end();
}
END_TEST

/* ---- the editor ---- */

START_TEST(json_is_set_in_place)
{
    static const struct {
        const char *text, *pointer, *value, *made; /* made NULL: it cannot be */
    } rows[] = {
        {"{}", "/a", "1", "{\"a\":1}"},
        {" { } ", "/a", "1", " { \"a\":1} "},
        {"{\"a\": 1 , \"b\":2}", "/a", "\"x\"", "{\"a\": \"x\" , \"b\":2}"},
        {"{\"a\":1}", "/b/c/0/d", "2", "{\"a\":1,\"b\":{\"c\":[{\"d\":2}]}}"},
        {"{\"a\":null}", "/a/b", "2", "{\"a\":{\"b\":2}}"},
        {"{\"a\":[1, 2]}", "/a/2", "3", "{\"a\":[1, 2,3]}"},
        {"{\"a\":[1, 2]}", "/a/1", "3", "{\"a\":[1, 3]}"},
        {"[]", "/0/x", "3", "[{\"x\":3}]"},
        {"{\"\":1}", "/", "3", "{\"\":3}"},
        {"{}", "/", "3", "{\"\":3}"},
        {"{\"a/b\":{\"~\":1}}", "/a~1b/~0", "3", "{\"a/b\":{\"~\":3}}"},
        {"{}", "/a~1b/~01", "3", "{\"a/b\":{\"~1\":3}}"},
        {"{}", "/\"", "3", "{\"\\\"\":3}"},
        {"{\"a\":1}", "/a/b", "3", NULL},
        {"{\"a\":[1]}", "/a/2", "3", NULL},
        {"{\"a\":[1]}", "/a/x", "3", NULL},
        {"1", "/a", "3", NULL},
        {"{}", "", "3", NULL},
        {"{}", "a", "3", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out, 256);
        enum err e = json_set(span_str(rows[i].text), span_str(rows[i].pointer), span_str(rows[i].value), &out);
        ck_assert_msg(e == (rows[i].made ? ERR_OK : ERR_INVALID), "row %zu: %s", i, err_title(e));
        if (rows[i].made)
            ck_assert_span_eq(buf_span(&out), rows[i].made);
        buf_fini(&out);
    }
    struct buf small;
    buf_init(&small, 4);
    ck_assert_int_eq(json_set(SPAN_LIT("{}"), SPAN_LIT("/a"), SPAN_LIT("1"), &small), ERR_NO_ROOM);
    buf_fini(&small);
}
END_TEST

START_TEST(a_form_is_set_in_place)
{
    static const struct {
        const char *text, *name, *value, *made;
    } rows[] = {
        {"", "a", "1", "a=1"},
        {"x=1", "a b", "\xc3\xa9&=+", "x=1&a+b=%C3%A9%26%3D%2B"},
        {"x=%41&a+b=2&&y", "a b", "3", "x=%41&a+b=3&&y"},
        {"y&x", "y", "", "y=&x"},
        {"a=1&a=2", "a", "3", "a=3&a=2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out, 256);
        form_set(span_str(rows[i].text), span_str(rows[i].name), span_str(rows[i].value), &out);
        ck_assert_span_eq(buf_span(&out), rows[i].made);
        buf_fini(&out);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sign");
    TCase *all = tcase_create("all"), *places = tcase_create("places"), *edit = tcase_create("edit");
    tcase_add_unchecked_fixture(all, read_names, NULL);
    tcase_add_unchecked_fixture(all, make_keys, NULL);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, every_recipe_signs_what_it_verifies);
    suite_add_tcase(s, all);
    tcase_add_test(places, a_proof_in_the_body_leaves_the_rest_of_it);
    tcase_add_test(places, each_element_is_signed);
    tcase_add_test(places, a_form_carries_its_proof);
    tcase_add_test(places, a_query_carries_the_hash_of_the_body);
    tcase_add_test(places, a_query_carries_the_signature);
    tcase_add_test(places, what_hashes_the_body_comes_after_it);
    tcase_add_test(places, a_token_lies_in_body_or_form);
    tcase_add_test(places, values_are_made_as_the_rules_want_them);
    tcase_add_test(places, headers_that_are_listed_are_signed);
    tcase_add_test(places, a_token_names_its_key_and_holds_what_is_asked_for);
    tcase_add_test(places, what_only_the_caller_knows_is_asked_for);
    tcase_add_test(places, a_public_key_signs_nothing);
    tcase_add_test(places, of_several_keys_the_one_that_can_signs);
    suite_add_tcase(s, places);
    tcase_add_test(edit, json_is_set_in_place);
    tcase_add_test(edit, a_form_is_set_in_place);
    suite_add_tcase(s, edit);
    return suite_run(s);
}
