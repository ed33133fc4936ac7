/* SPDX-License-Identifier: MIT
 * check_auth_jwt: tokens as a source asks for them: whose they are, for whom, for what, and the attacks of RFC 8725.
 */
#include "auth_kit.h"
#include "token_kit.h"

#define CLAIMS "\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":1700000060"
#define GOOD "{" CLAIMS "}"
#define JWT(more)                                                                                                      \
    "\"jwt\":{\"jwks_file\":\"jwks\",\"issuer\":\"https://issuer\",\"audience\":[\"hooks\",\"more\"]" more "}"
#define SECRET "0123456789abcdef0123456789abcdef"

static unsigned char private_a[KEY_PRIVATE_BYTES], private_b[KEY_PRIVATE_BYTES];
static struct key a, b, rsa, ec;
static char rsa_pem[2048];

static const char *const files[] = {"jwks", "rsa.pem", "ec.pem", "secret", "oct"};

static void write_pem(const char *name, const struct key *k, char *text, size_t n)
{
    BIO *bio = BIO_new(BIO_s_mem());
    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, k->pkey), 1);
    int got = BIO_read(bio, text, (int)n - 1);
    ck_assert_int_gt(got, 0);
    text[got] = 0;
    write_file(name, text, 0644);
    BIO_free(bio);
}

static struct span public_text(const struct key *k)
{
    return base64url(span_of((const char *)k->public_key, KEY_PUBLIC_BYTES));
}

static void write_set(const char *kid_a, const char *kid_b)
{
    write_file(
        "jwks",
        joined("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"kid\":\"%s\",\"x\":\"%.*s\"},"
               "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%.*s\"}]}",
               kid_a, S(public_text(&a)), kid_b, S(public_text(&b)))
            .p,
        0644);
}

static void begin(void)
{
    char text[2048];
    setup();
    kit_begin();
    a = ed25519_key(private_a);
    b = ed25519_key(private_b);
    rsa = rsa_key();
    ec = ec_key("P-256");
    write_pem("rsa.pem", &rsa, rsa_pem, sizeof rsa_pem);
    write_pem("ec.pem", &ec, text, sizeof text);
    write_file("secret", SECRET, 0640);
    write_set("a", "b");
}

static void end(void)
{
    auth_end();
    kit_end();
    EVP_PKEY_free(rsa.pkey);
    EVP_PKEY_free(ec.pkey);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(in_dir(files[i]));
    teardown();
}

static enum err shown(struct span token)
{
    return judge("authorization", joined("Bearer %.*s", S(token)).p);
}

/* A token of key a with these claims. */
static enum err claimed(const char *claims)
{
    return shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"a\"}", claims, "EdDSA", &a));
}

START_TEST(good_ones)
{
    auth_good(JWT(""));
    ck_assert_int_eq(claimed(GOOD), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "jwks");
    ck_assert_int_eq(shown(token_of("{\"alg\":\"EdDSA\"}", GOOD, "EdDSA", &b)), ERR_OK);
    refused_with(judge("x", "y"), "jwt: its header field is missing");
    ck_assert_str_eq(kit.v.challenge, "Bearer realm=\"s\"");
    refused_with(judge("authorization", "Bearer x.y"), "three parts");
    ck_assert_str_eq(kit.v.challenge, "Bearer realm=\"s\", error=\"invalid_token\"");
    auth_good(
        "\"jwt\":{\"header\":\"X-Token\",\"keys\":[{\"id\":\"r\",\"public_key_file\":\"rsa.pem\","
        "\"key_encoding\":\"spki-pem\"},{\"id\":\"e\",\"public_key_file\":\"ec.pem\",\"key_encoding\":\"spki-pem\"},"
        "{\"id\":\"h\",\"secret_file\":\"secret\"}]}");
    struct key secret = secret_key(SECRET, 32);
    ck_assert_int_eq(judge("x-token", token_of("{\"alg\":\"RS256\"}", GOOD, "RS256", &rsa).p), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "r");
    ck_assert_int_eq(judge("x-token", token_of("{\"alg\":\"ES256\"}", GOOD, "ES256", &ec).p), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "e");
    ck_assert_int_eq(
        judge("x-token", joined("bearer %.*s", S(token_of("{\"alg\":\"HS256\"}", GOOD, "HS256", &secret))).p), ERR_OK);
    ck_assert_str_eq(kit.v.key_id, "h");
}
END_TEST

START_TEST(no_algorithm_or_another)
{
    auth_good("\"jwt\":{\"audience\":\"hooks\",\"keys\":[{\"id\":\"r\",\"public_key_file\":\"rsa.pem\","
              "\"key_encoding\":\"spki-pem\"}]}");
    struct key forged = secret_key(rsa_pem, strlen(rsa_pem)), short_pem = secret_key(rsa_pem, strlen(rsa_pem) - 1);
    struct span h = base64url(SPAN_LIT("{\"alg\":\"none\"}")), c = base64url(SPAN_LIT(GOOD));
    refused_with(shown(joined("%.*s.%.*s.", S(h), S(c))), "not taken here");
    static const char *const none[] = {"none", "None", "NONE", "", "RS256 ", "rs256", "HS257"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        refused_with(shown(token_of(joined("{\"alg\":\"%s\"}", none[i]).p, GOOD, "RS256", &rsa)), "not taken here");
    h = base64url(SPAN_LIT("{\"alg\":\"RS256\"}"));
    refused_with(shown(joined("%.*s.%.*s.", S(h), S(c))), "no signature");
    refused_with(shown(token_of("{}", GOOD, "RS256", &rsa)), "names no algorithm");
    refused_with(shown(token_of("{\"alg\":\"HS256\"}", GOOD, "HS256", &forged)), "no key of this source");
    refused_with(shown(token_of("{\"alg\":\"HS256\"}", GOOD, "HS256", &short_pem)), "no key of this source");
    refused_with(shown(token_of("{\"alg\":\"PS256\"}", GOOD, "PS256", &rsa)), "no key of this source");
    refused_with(shown(token_of("{\"alg\":\"RS512\"}", GOOD, "RS512", &rsa)), "no key of this source");
    ck_assert_int_eq(shown(token_of("{\"alg\":\"RS256\"}", GOOD, "RS256", &rsa)), ERR_OK);
    auth_good("\"jwt\":{\"algorithms\":[\"PS256\",\"ES256\"],\"keys\":[{\"id\":\"r\",\"public_key_file\":\"rsa.pem\","
              "\"key_encoding\":\"spki-pem\"}]}");
    ck_assert_int_eq(shown(token_of("{\"alg\":\"PS256\"}", GOOD, "PS256", &rsa)), ERR_OK);
    refused_with(shown(token_of("{\"alg\":\"RS256\"}", GOOD, "RS256", &rsa)), "no key of this source");
}
END_TEST

START_TEST(keys_by_name)
{
    auth_good(JWT(""));
    static const char *const others[] = {"b", "", "../../etc/passwd", "a' OR 1=1", "A", "aa"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        refused_with(shown(token_of(joined("{\"alg\":\"EdDSA\",\"kid\":\"%s\"}", others[i]).p, GOOD, "EdDSA", &a)),
                     "no key of this source");
    static const char *const no_texts[] = {"1", "null", "[\"a\"]", "{}"};
    for (size_t i = 0; i < sizeof no_texts / sizeof *no_texts; i++)
        refused_with(shown(token_of(joined("{\"alg\":\"EdDSA\",\"kid\":%s}", no_texts[i]).p, GOOD, "EdDSA", &a)),
                     "is no text");
    refused_with(shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"a\",\"kid\":\"b\"}", GOOD, "EdDSA", &b)),
                 "no JSON object");
    ck_assert_int_eq(shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"\\u0061\"}", GOOD, "EdDSA", &a)), ERR_OK);
    write_set("same", "same"); /* two keys of one name: both are tried */
    auth_good(JWT(""));
    ck_assert_int_eq(shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"same\"}", GOOD, "EdDSA", &b)), ERR_OK);
    ck_assert_int_eq(shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"same\"}", GOOD, "EdDSA", &a)), ERR_OK);
}
END_TEST

/* RFC 9864 names EdDSA by its curve. A key that names an algorithm is for tokens that name the same. */
START_TEST(an_algorithm_of_two_names)
{
    write_file("jwks",
               joined("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"Ed25519\",\"kid\":\"a\",\"x\":\"%.*s\"},"
                      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"b\",\"x\":\"%.*s\"}]}",
                      S(public_text(&a)), S(public_text(&b)))
                   .p,
               0644);
    auth_good(JWT(""));
    ck_assert_int_eq(shown(token_of("{\"alg\":\"Ed25519\",\"kid\":\"a\"}", GOOD, "Ed25519", &a)), ERR_OK);
    refused_with(shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"a\"}", GOOD, "EdDSA", &a)), "no key of this source");
    ck_assert_int_eq(shown(token_of("{\"alg\":\"Ed25519\",\"kid\":\"b\"}", GOOD, "Ed25519", &b)), ERR_OK);
    ck_assert_int_eq(shown(token_of("{\"alg\":\"EdDSA\",\"kid\":\"b\"}", GOOD, "EdDSA", &b)), ERR_OK);
    auth_good(JWT(",\"algorithms\":[\"Ed25519\"]"));
    ck_assert_int_eq(shown(token_of("{\"alg\":\"Ed25519\"}", GOOD, "Ed25519", &b)), ERR_OK);
    refused_with(shown(token_of("{\"alg\":\"EdDSA\"}", GOOD, "EdDSA", &b)), "no key of this source");
}
END_TEST

START_TEST(keys_that_the_token_brings)
{
    unsigned char private_own[KEY_PRIVATE_BYTES];
    struct key own = ed25519_key(private_own);
    auth_good(JWT(""));
    struct span jwk = joined("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.*s\"}", S(public_text(&own)));
    refused_with(shown(token_of(joined("{\"alg\":\"EdDSA\",\"jwk\":%.*s}", S(jwk)).p, GOOD, "EdDSA", &own)),
                 "no key of this source");
    refused_with(shown(token_of("{\"alg\":\"EdDSA\",\"jku\":\"https://evil.example/\"}", GOOD, "EdDSA", &own)),
                 "no key of this source");
    refused_with(shown(token_of("{\"alg\":\"EdDSA\",\"crit\":[\"x\"]}", GOOD, "EdDSA", &a)), "critical");
}
END_TEST

START_TEST(whose_and_for_whom)
{
    auth_good(JWT(""));
    static const struct {
        const char *claims;
        const char *why; /* NULL: good */
    } cases[] = {
        {"{\"iss\":\"https:\\/\\/issuer\",\"aud\":\"m\\u006fre\",\"exp\":1700000060}", NULL},
        {"{\"iss\":\"https://issuer\",\"aud\":[\"x\",7,\"hooks\"],\"exp\":1700000060.5}", NULL},
        {"{\"iss\":\"https://issuer/\",\"aud\":\"hooks\",\"exp\":1700000060}", "another issuer"},
        {"{\"iss\":[\"https://issuer\"],\"aud\":\"hooks\",\"exp\":1700000060}", "another issuer"},
        {"{\"aud\":\"hooks\",\"exp\":1700000060}", "another issuer"},
        {"{\"iss\":\"https://issuer\",\"exp\":1700000060}", "another audience"},
        {"{\"iss\":\"https://issuer\",\"aud\":[],\"exp\":1700000060}", "another audience"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hook\",\"exp\":1700000060}", "another audience"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks more\",\"exp\":1700000060}", "another audience"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\"}", "does not say when it expires"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":null}", "not a number"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":\"1700000060\"}", "not a number"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":1e99}", "not a number"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":1699999971}", NULL}, /* 30 s of leeway */
        {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":1699999970}", "has expired"},
        {"{" CLAIMS ",\"nbf\":1700000030}", NULL},
        {"{" CLAIMS ",\"nbf\":1700000031}", "not valid yet"},
        {"{" CLAIMS ",\"iat\":1700000031}", "issued after now"},
        {"{" CLAIMS ",\"exp\":1900000000}", "no JSON object"}, /* twice */
        {"[" GOOD "]", "no JSON object"},
        {"", "no JSON object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err e = claimed(cases[i].claims);
        if (cases[i].why)
            refused_with(e, cases[i].why);
        else
            ck_assert_msg(e == ERR_OK, "%s: %s", cases[i].claims, kit.v.detail);
    }
    auth_good("\"jwt\":{\"jwks_file\":\"jwks\",\"require_exp\":false,\"leeway\":\"0\"}");
    ck_assert_int_eq(claimed("{}"), ERR_OK);
    refused_with(claimed("{\"exp\":1700000000}"), "has expired");
}
END_TEST

/* What a name hides behind an escape counts as much as what it says. */
START_TEST(headers_and_claims_in_disguise)
{
    auth_good(JWT(""));
    static const struct {
        const char *header, *claims, *why;
    } cases[] = {
        {"{\"alg\":\"EdDSA\",\"cr\\u0069t\":[\"exp\"]}", GOOD, "critical"},
        {"{\"alg\":\"EdDSA\",\"crit\":[]}", GOOD, "critical"},
        {"{\"alg\":\"EdDSA\",\"crit\":null}", GOOD, "critical"},
        {"{\"alg\":\"EdDSA\",\"b64\":false}", GOOD, "b64"},
        {"{\"alg\":\"EdDSA\",\"\\u00624\":1,\"b\\u00364\":true}", GOOD, "b64"},
        {"{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\"}", GOOD, "no JSON object"},
        {"{\"kid\":{\"alg\":\"EdDSA\"}}", GOOD, "names no algorithm"},
        {"{\"alg\":\"EdDSA\"} ", "{" CLAIMS ",\"\\u0065xp\":1900000000}", "no JSON object"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"\\u0065xp\":1}", "has expired"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":[[\"hooks\"]],\"exp\":1700000060}", "another audience"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":{\"hooks\":\"hooks\"},\"exp\":1700000060}", "another audience"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\\u0020\",\"exp\":1700000060}", "another audience"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"HOOKS\",\"exp\":1700000060}", "another audience"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":-1}", "not a number"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":true}", "not a number"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":[1900000000]}", "not a number"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":9223372036854775808}", "not a number"},
        {"{\"alg\":\"EdDSA\"}", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":99999999999999999999999999999999}", "not a number"},
        {"{\"alg\":\"EdDSA\"}", "{" CLAIMS ",\"nbf\":\"0\"}", "not a number"},
        {"{\"alg\":\"EdDSA\"}", "{" CLAIMS ",\"iat\":1700000030.001}", "issued after now"},
        {"\xef\xbb\xbf{\"alg\":\"EdDSA\"}", GOOD, "no JSON object"},
        {"{\"alg\":\"EdDSA\"}{}", GOOD, "no JSON object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused_with(shown(token_of(cases[i].header, cases[i].claims, "EdDSA", &b)), cases[i].why);
    ck_assert_int_eq(shown(token_of(" {\"alg\":\"EdDSA\"}\n", "{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":999999999999}", "EdDSA", &b)), ERR_OK);
}
END_TEST

START_TEST(for_what)
{
    auth_good(JWT(",\"scopes\":[\"hooks:write\",\"shop\"]"));
    static const struct {
        const char *scope;
        bool good;
    } cases[] = {
        {"\"scope\":\"shop other hooks:write\"", true},
        {"\"scope\":\"shop\",\"scp\":[\"hooks:write\"]", true},
        {"\"scp\":\"hooks:write shop\"", true},
        {"\"scope\":[\"hooks:write\",\"shop\"]", true},
        {"\"scope\":\"shop hooks:writer\"", false},
        {"\"scope\":\"shop\"", false},
        {"\"scope\":\"\"", false},
        {"\"scope\":[\"hooks:write shop\"]", false},
        {"\"scope\":7", false},
        {"\"scope\":\"hooks:write\\tshop\"", false},
        {"\"scope\":\"  shop   hooks:write  \"", true},
        {"\"scope\":[[\"hooks:write\",\"shop\"]]", false},
        {"\"scope\":{\"hooks:write\":1,\"shop\":1}", false},
        {"\"scope\":\"Shop Hooks:write\"", false},
        {"\"SCOPE\":\"shop hooks:write\"", false},
        {"\"x\":1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err e = claimed(joined("{" CLAIMS ",%s}", cases[i].scope).p);
        ck_assert_msg(e == (cases[i].good ? ERR_OK : ERR_INSUFFICIENT_SCOPE), "%s: %s", cases[i].scope, kit.v.detail);
        if (!cases[i].good)
            ck_assert_str_eq(kit.v.challenge,
                             "Bearer realm=\"s\", error=\"insufficient_scope\", scope=\"hooks:write shop\"");
    }
}
END_TEST

START_TEST(twice_changed_and_too_long)
{
    static char text[AUTH_CREDENTIAL_MAX + 64];
    auth_good(JWT(""));
    struct span t = token_of("{\"alg\":\"EdDSA\",\"kid\":\"a\"}", GOOD, "EdDSA", &a);
    struct span good = joined("Bearer %.*s", S(t));
    with("authorization", good.p);
    refused_with(judge("authorization", good.p), "came twice");
    ck_assert_int_eq(judge("authorization", good.p), ERR_OK);
    refused_with(judge("authorization", joined("%.*s=", S(good)).p), "base64url");
    refused_with(judge("authorization", joined("%.*s.x", S(good)).p), "three parts");
    for (size_t i = 7; i < good.n; i++) { /* each byte of it changed */
        struct span bad = joined("%.*s", S(good));
        char *at = (char *)(uintptr_t)bad.p + i;
        *at = (char)(*at == 'A' ? 'B' : *at == '.' ? 'x' : 'A');
        ck_assert_int_eq(judge("authorization", bad.p), ERR_UNAUTHENTICATED);
        arena_reset(&arena);
        t = token_of("{\"alg\":\"EdDSA\",\"kid\":\"a\"}", GOOD, "EdDSA", &a);
        good = joined("Bearer %.*s", S(t));
    }
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "Bearer ", 7);
    refused_with(judge("authorization", text), "too long");
    text[AUTH_CREDENTIAL_MAX] = 0;
    text[5000] = text[10000] = '.';
    refused_with(judge("authorization", text), "the token ");
}
END_TEST

/* What a caller with the same keys would show (auth_offer): with shared secrets and private halves only. */
START_TEST(tokens_that_are_offered)
{
    static const struct {
        const char *keys, *header;
    } cases[] = {
        {"\"keys\":[{\"id\":\"h\",\"secret_file\":\"secret\"}]", "Authorization"},
        {"\"header\":\"X-Token\",\"algorithms\":[\"HS512\"],\"keys\":[{\"id\":\"r\",\"public_key_file\":\"rsa.pem\","
         "\"key_encoding\":\"spki-pem\"},{\"id\":\"h\",\"secret_file\":\"secret\"}]", "X-Token"},
        {"\"keys\":[{\"id\":\"h\",\"secret_file\":\"oct\",\"key_encoding\":\"jwk\"}]", "Authorization"},
    };
    struct auth_offer o;
    struct span d = base64url(span_of((const char *)private_a, 32)), x = public_text(&a);
    write_file("oct", joined("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"\u00fc\",\"x\":\"%.*s\",\"d\":\"%.*s\"}", S(x), S(d)).p, 0640);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        auth_good(joined("\"jwt\":{\"issuer\":[\"https://\\\"issuer\",\"x\"],\"audience\":\"hooks\",\"scopes\":[\"a\",\"b\"],%s}", cases[i].keys).p);
        ck_assert_int_eq(auth_offer(kit.auth, kit.context, kit.q.now_ms, &arena, &o), ERR_OK);
        ck_assert_uint_eq(o.n_headers, 1);
        ck_assert_span_eq(o.headers[0].name, cases[i].header);
        kit.headers[kit.q.n_headers++] = o.headers[0];
        ck_assert_msg(judged() == ERR_OK, "%s", kit.v.detail);
    }
    auth_good(JWT(""));
    ck_assert_int_eq(auth_offer(kit.auth, kit.context, kit.q.now_ms, &arena, &o), ERR_OK);
    ck_assert_uint_eq(o.n_headers, 0);
    ck_assert_ptr_nonnull(strstr(o.lacks[AUTH_JWT], "the issuer's"));
}
END_TEST

START_TEST(keys_that_are_not_taken)
{
    static const struct {
        const char *members, *why;
    } cases[] = {
        {"\"jwt\":{\"keys\":[{\"id\":\"k\",\"secret_file\":\"secret\"}]}", "32 bytes at least"},
        {"\"jwt\":{\"keys\":[{\"id\":\"k\",\"secret_file\":\"oct\",\"key_encoding\":\"jwk\"}]}", "32 bytes at least"},
        {"\"jwt\":{\"jwks_file\":\"rsa.pem\"}", "no JSON"},
        {"\"jwt\":{\"keys\":[{\"id\":\"k\",\"public_key_file\":\"secret\",\"key_encoding\":\"utf8\"}]}", "secret_file"},
        {"\"jwt\":{\"keys\":[{\"id\":\"k\",\"secret_file\":\"rsa.pem\"}]}", "PEM file"},
        {"\"jwt\":{\"jwks_file\":\"jwks\",\"algorithms\":[\"none\"]}", "algorithms are"},
    };
    write_file("secret", "0123456789abcdef0123456789abcde", 0640);
    write_file("oct", "{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}", 0640);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct why w;
        if (i == 4)
            write_file("rsa.pem", rsa_pem, 0640);
        ck_assert_int_eq(auth_begin(cases[i].members, &w), ERR_INVALID);
        ck_assert_msg(strstr(w.text, cases[i].why) != NULL, "no '%s' in '%s'", cases[i].why, w.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("auth_jwt");
    TCase *t = tcase_create("auth_jwt");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, good_ones);
    tcase_add_test(t, no_algorithm_or_another);
    tcase_add_test(t, keys_by_name);
    tcase_add_test(t, an_algorithm_of_two_names);
    tcase_add_test(t, keys_that_the_token_brings);
    tcase_add_test(t, whose_and_for_whom);
    tcase_add_test(t, headers_and_claims_in_disguise);
    tcase_add_test(t, for_what);
    tcase_add_test(t, twice_changed_and_too_long);
    tcase_add_test(t, tokens_that_are_offered);
    tcase_add_test(t, keys_that_are_not_taken);
    suite_add_tcase(s, t);
    return suite_run(s);
}
