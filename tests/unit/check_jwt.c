/* SPDX-License-Identifier: MIT
 * check_jwt: the published examples of RFC 7515 and RFC 8037, every algorithm, and the attacks that RFC 8725 warns of.
 */
#include "token_examples.h"
#include "token_kit.h"

#include "base/json.h"

#define ANY (~0u)
#define NOW_MS INT64_C(1700000000000)

static enum err opened(struct span token, struct jwt *t)
{
    const char *problem = NULL;
    enum err e = jwt_open(token, SPAN_NONE, &arena, t, &problem);
    ck_assert((e == ERR_INVALID) == (problem != NULL));
    return e;
}

static bool proved_by(const struct jwt *t, const struct key *k, unsigned allowed)
{
    bool match = true;
    ck_assert_int_eq(jwt_verify(context, t, k, allowed, &match), ERR_OK);
    return match;
}

/* Opened and proved. */
static bool taken(struct span token, const struct key *k, unsigned allowed)
{
    struct jwt t;
    return opened(token, &t) == ERR_OK && proved_by(&t, k, allowed);
}

static void refused_open(struct span token, const char *reason)
{
    struct jwt t;
    const char *problem = "";
    ck_assert_msg(jwt_open(token, SPAN_NONE, &arena, &t, &problem) == ERR_INVALID, "opened: %.*s", S(token));
    ck_assert_msg(strstr(problem, reason) != NULL, "'%s' does not say '%s'", problem, reason);
}

/* ---- published examples ---- */

static struct key key_a1(void)
{
    static unsigned char secret[64];
    size_t n;
    ck_assert_int_eq(base64url_decode(SPAN_LIT(A1_KEY), secret, sizeof secret, &n), ERR_OK);
    return secret_key(secret, n);
}

static struct key key_ed(void)
{
    struct key k = secret_key(NULL, 0);
    size_t n;
    k.kind = KEY_ED25519;
    ck_assert_int_eq(base64url_decode(SPAN_LIT("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), k.public_key,
                                      sizeof k.public_key, &n),
                     ERR_OK);
    return k;
}

static void example(struct key k, unsigned bit, const char *header, const char *signature, const char *payload)
{
    struct jwt t;
    const char *problem = NULL;
    struct span token = joined("%s.%s.%s", header, payload ? "" : CLAIMS, signature);
    struct span detached = payload ? span_str(payload) : SPAN_NONE;
    ck_assert_msg(jwt_open(token, detached, &arena, &t, &problem) == ERR_OK, "%s", problem);
    ck_assert_uint_eq(t.algorithm, bit);
    ck_assert_span_eq(json_member(t.jose, "alg"), joined("\"%s\"", jwt_algorithm_name(bit)).p);
    ck_assert(proved_by(&t, &k, bit));
    ck_assert(proved_by(&t, &k, ANY));
    ck_assert_msg(!proved_by(&t, &k, ANY & ~bit), "not allowed");
    t.signature[0] ^= 1;
    ck_assert(!proved_by(&t, &k, bit));
    EVP_PKEY_free(k.pkey);
}

START_TEST(published_examples)
{
    example(key_a1(), JWT_HS256, A1_HEADER, A1_SIGNATURE, NULL);
    example(pem_key(a2_pem), JWT_RS256, A2_HEADER, A2_SIGNATURE, NULL);
    example(pem_key(a3_pem), JWT_ES256, A3_HEADER, A3_SIGNATURE, NULL);
    example(pem_key(a4_pem), JWT_ES512, A4_HEADER, A4_SIGNATURE, "Payload");
    example(key_ed(), JWT_EdDSA, ED_HEADER, ED_SIGNATURE, "Example of Ed25519 signing");
    struct jwt t;
    ck_assert_int_eq(opened(SPAN_LIT(A1_HEADER "." CLAIMS "." A1_SIGNATURE), &t), ERR_OK);
    ck_assert_span_eq(json_member(t.claims, "iss"), "\"joe\"");
    ck_assert_span_eq(json_member(t.claims, "exp"), "1300819380");
}
END_TEST

START_TEST(a_detached_token_signs_what_it_is_given)
{
    struct key k = key_a1();
    struct jwt t;
    const char *problem = NULL, body[] = "\x01\xff\xfe{a body}\n";
    for (size_t n = 0; n < sizeof body; n++) {
        struct span h = base64url(SPAN_LIT("{\"alg\":\"HS512\"}")), p = base64url(span_of(body, n));
        struct span text = joined("%.*s.%.*s", S(h), S(p));
        unsigned char mac[64];
        struct span s = base64url(span_of((char *)mac, sign_as("HS512", &k, text, mac)));
        struct span token = joined("%.*s..%.*s", S(h), S(s));
        ck_assert_int_eq(jwt_open(token, span_of(body, n), &arena, &t, &problem), ERR_OK);
        ck_assert(span_eq(t.signed_part, text));
        ck_assert_ptr_null(t.claims.p);
        ck_assert(proved_by(&t, &k, JWT_HS512));
        ck_assert_int_eq(jwt_open(token, SPAN_LIT("another"), &arena, &t, &problem), ERR_OK);
        ck_assert(!proved_by(&t, &k, JWT_HS512));
        if (n > 0) /* what holds its payload is not detached, however right it is */
            ck_assert_int_eq(jwt_open(joined("%.*s.%.*s", S(text), S(s)), span_of(body, n), &arena, &t, &problem),
                             ERR_INVALID);
    }
    refused_open(SPAN_LIT(A1_HEADER ".." A1_SIGNATURE), "no JSON object");
}
END_TEST

/* ---- every algorithm with every key ---- */

static struct key keys[8];
static unsigned char private[KEY_PRIVATE_BYTES];
enum { K_SECRET, K_RSA, K_256, K_384, K_521, K_ED, K_BITCOIN, K_OTHER_RSA };

static void keys_begin(void)
{
    kit_begin();
    keys[K_SECRET] = key_a1();
    keys[K_RSA] = rsa_key();
    keys[K_256] = ec_key("P-256");
    keys[K_384] = ec_key("P-384");
    keys[K_521] = ec_key("P-521");
    keys[K_ED] = ed25519_key(private);
    keys[K_BITCOIN] = ec_key("secp256k1");
    keys[K_OTHER_RSA] = rsa_key();
}

static void keys_end(void)
{
    for (size_t i = 0; i < 8; i++)
        EVP_PKEY_free(keys[i].pkey);
    kit_end();
}

static size_t own_key(const char *alg)
{
    if (alg[1] == 'd')
        return K_ED;
    if (alg[0] == 'E')
        return strcmp(alg, "ES256") == 0 ? K_256 : strcmp(alg, "ES384") == 0 ? K_384 : K_521;
    return alg[0] == 'H' ? K_SECRET : K_RSA;
}

START_TEST(each_algorithm_is_for_its_keys_only)
{
    size_t n;
    const char *const *names = jwt_algorithm_names(&n);
    ck_assert_uint_eq(n, 14);
    for (size_t i = 0; i < n; i++) {
        arena_reset(&arena);
        const char *alg = names[i];
        size_t own = own_key(alg);
        struct span token = token_of(joined("{\"alg\":\"%s\"}", alg).p, "{\"a\":1}", alg, &keys[own]);
        for (size_t k = 0; k < 8; k++)
            for (size_t bit = 0; bit < n; bit++)
                ck_assert_msg(taken(token, &keys[k], 1u << bit) == (k == own && bit == i), "%s with key %zu and %s",
                              alg, k, names[bit]);
        /* A JWK that says what it is for. */
        for (size_t named = 0; named < n; named++) {
            struct key k = keys[own];
            k.alg = names[named];
            ck_assert_int_eq(taken(token, &k, ANY), named == i);
        }
    }
}
END_TEST

/* EdDSA and Ed25519 are one algorithm (RFC 9864). */
static bool same_algorithm(const char *one, const char *other)
{
    return strcmp(one, other) == 0 || (one[1] == 'd' && other[1] == 'd');
}

/* A good signature of one algorithm under the name of another one. */
START_TEST(names_are_not_exchanged)
{
    size_t n;
    const char *const *names = jwt_algorithm_names(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            arena_reset(&arena);
            struct key *own = &keys[own_key(names[k])];
            struct span token = token_of(joined("{\"alg\":\"%s\"}", names[i]).p, "{}", names[k], own);
            for (size_t j = 0; j < 8; j++)
                ck_assert_msg(taken(token, &keys[j], ANY) == (same_algorithm(names[i], names[k]) && &keys[j] == own),
                              "%s as %s", names[k], names[i]);
        }
    }
}
END_TEST

/* ---- attacks ---- */

START_TEST(none_is_no_algorithm)
{
    static const char *const algs[] = {"none",   "None",   "NONE", "nOnE",   "",    "hs256", "Hs256",  "HS256 ",
                                       " HS256", "HS-256", "HS25", "HS2566", "RS1", "eddsa", "ES256K", "HS256\\u0000"};
    ck_assert_uint_eq(jwt_algorithm(SPAN_LIT("none")), 0);
    ck_assert_uint_eq(jwt_algorithm(SPAN_NONE), 0);
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct span h = base64url(joined("{\"alg\":\"%s\"}", algs[i])), c = base64url(SPAN_LIT("{}"));
        refused_open(joined("%.*s.%.*s.", S(h), S(c)), i == 15 ? "no JSON object" : "algorithm");
        refused_open(token_of(joined("{\"alg\":\"%s\"}", algs[i]).p, "{}", "HS256", &keys[K_SECRET]),
                     i == 15 ? "no JSON object" : "algorithm");
    }
    refused_open(token_of("{}", "{}", "HS256", &keys[K_SECRET]), "names no algorithm");
    refused_open(token_of("{\"alg\":null}", "{}", "HS256", &keys[K_SECRET]), "names no algorithm");
    refused_open(token_of("{\"alg\":[\"HS256\"]}", "{}", "HS256", &keys[K_SECRET]), "names no algorithm");
    refused_open(token_of("{\"alg\":256}", "{}", "HS256", &keys[K_SECRET]), "names no algorithm");
    refused_open(token_of("{\"alg\":\"HS\\u0032\\u0035\\u0036\"}", "{}", "HS256", &keys[K_SECRET]), "algorithm");
    refused_open(token_of("{\"ALG\":\"HS256\"}", "{}", "HS256", &keys[K_SECRET]), "names no algorithm");
    refused_open(SPAN_LIT(A1_HEADER "." CLAIMS "."), "no signature");
}
END_TEST

/* The public key is known to everybody, so a token keyed with its text proves nothing. */
START_TEST(a_public_key_is_no_secret)
{
    unsigned char *der = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, keys[K_RSA].pkey), 1);
    long n = BIO_get_mem_data(bio, &pem);
    int n_der = i2d_PUBKEY(keys[K_RSA].pkey, &der);
    struct key guesses[] = {secret_key(pem, (size_t)n), secret_key(pem, (size_t)n - 1), secret_key(der, (size_t)n_der),
                            secret_key(keys[K_ED].public_key, 32)};
    for (size_t i = 0; i < 4; i++) {
        static const char *const algs[] = {"HS256", "HS384", "HS512"};
        for (size_t a = 0; a < 3; a++) {
            struct span token = token_of(joined("{\"alg\":\"%s\"}", algs[a]).p, "{}", algs[a], &guesses[i]);
            ck_assert(taken(token, &guesses[i], ANY));
            for (size_t k = 0; k < 8; k++)
                ck_assert(!taken(token, &keys[k], ANY));
        }
    }
    OPENSSL_free(der);
    BIO_free(bio);
}
END_TEST

static bool with_signature(struct span text, const unsigned char *p, size_t n, const struct key *k)
{
    struct span s = base64url(span_of((const char *)p, n));
    return taken(joined("%.*s.%.*s", S(text), S(s)), k, ANY);
}

START_TEST(a_signature_has_one_length)
{
    size_t n;
    const char *const *names = jwt_algorithm_names(&n);
    for (size_t i = 0; i < n; i++) {
        unsigned char signature[PUBLIC_SIGNATURE_MAX] = {0};
        const struct key *k = &keys[own_key(names[i])];
        arena_reset(&arena);
        struct span h = base64url(joined("{\"alg\":\"%s\"}", names[i])), text = joined("%.*s.e30", S(h));
        size_t made = sign_as(names[i], k, text, signature);
        for (size_t cut = 1; cut <= made + 4; cut++)
            ck_assert_msg(with_signature(text, signature, cut, k) == (cut == made), "%s: %zu of %zu bytes", names[i],
                          cut, made);
    }
}
END_TEST

/* As long as P-256, and as good a signature, but not what ES256 means (RFC 7518 section 3.4). */
START_TEST(a_curve_goes_with_its_algorithm_only)
{
    struct key *k = &keys[K_BITCOIN];
    ck_assert(!taken(token_of("{\"alg\":\"ES256\"}", "{}", "ES256", k), k, ANY));
    for (size_t other = K_256; other <= K_521; other++) {
        static const char *const algs[] = {"ES256", "ES384", "ES512"};
        for (size_t i = 0; i < 3; i++)
            ck_assert_int_eq(
                taken(token_of(joined("{\"alg\":\"%s\"}", algs[i]).p, "{}", algs[i], &keys[other]), &keys[other], ANY),
                other - K_256 == i);
    }
}
END_TEST

START_TEST(ecdsa_is_two_numbers_of_fixed_length)
{
    static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                            0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    unsigned char good[66], bad[66], der[PUBLIC_SIGNATURE_MAX];
    size_t n;
    const struct key *k = &keys[K_256];
    struct span h = base64url(SPAN_LIT("{\"alg\":\"ES256\"}")), text = joined("%.*s.e30", S(h));
    ck_assert_int_eq(public_sign(context, k, "SHA256", text, der, &n), ERR_OK);
    ck_assert_uint_eq(raw_ecdsa(der, n, 32, good), 64);
    ck_assert(with_signature(text, good, 64, k));
    ck_assert_msg(!with_signature(text, der, n, k), "DER");
    ck_assert(!with_signature(text, good, 63, k));
    good[64] = 0;
    ck_assert(!with_signature(text, good, 65, k));
    for (size_t half = 0; half < 64; half += 32) {
        memcpy(bad, good, 64);
        memset(bad + half, 0, 32);
        ck_assert_msg(!with_signature(text, bad, 64, k), "zero");
        memcpy(bad + half, order, 32);
        ck_assert_msg(!with_signature(text, bad, 64, k), "the order itself");
        memset(bad + half, 0xff, 32);
        ck_assert_msg(!with_signature(text, bad, 64, k), "more than the order");
    }
    memset(bad, 0, 64);
    ck_assert(!with_signature(text, bad, 64, k));
    memset(bad, 0, 64);
    bad[31] = bad[63] = 1;
    ck_assert(!with_signature(text, bad, 64, k));
}
END_TEST

/* Numbers with leading zeros and with the highest bit set both come often enough. */
START_TEST(ecdsa_of_many_texts)
{
    static const struct {
        const char *alg;
        size_t key;
    } rows[] = {{"ES256", K_256}, {"ES384", K_384}, {"ES512", K_521}};
    for (int i = 0; i < suite_rounds(200); i++) {
        arena_reset(&arena);
        struct span claims = joined("{\"n\":%d}", i);
        const char *alg = rows[i % 3].alg;
        struct key *k = &keys[rows[i % 3].key];
        ck_assert(taken(token_of(joined("{\"alg\":\"%s\"}", alg).p, claims.p, alg, k), k, ANY));
    }
}
END_TEST

START_TEST(a_pss_salt_is_as_long_as_the_digest)
{
    unsigned char signature[PUBLIC_SIGNATURE_MAX];
    struct span h = base64url(SPAN_LIT("{\"alg\":\"PS256\"}")), text = joined("%.*s.e30", S(h));
    static const int salts[] = {0, 20, 31, 32, 33, 64};
    for (size_t i = 0; i < 6; i++) {
        size_t n = sign_pss(&keys[K_RSA], EVP_sha256(), text, salts[i], signature);
        ck_assert_int_eq(with_signature(text, signature, n, &keys[K_RSA]), salts[i] == 32);
    }
}
END_TEST

START_TEST(there_is_one_way_to_write_a_token)
{
    static const char *const bad[] = {
        "", ".", "..", "...", A1_HEADER, A1_HEADER "." CLAIMS, "." CLAIMS "." A1_SIGNATURE,
        A1_HEADER "." CLAIMS "." A1_SIGNATURE ".", A1_HEADER "." CLAIMS "." A1_SIGNATURE "." A1_SIGNATURE,
        A1_HEADER "." CLAIMS "." A1_SIGNATURE ".a.b", "." A1_HEADER "." CLAIMS "." A1_SIGNATURE,
        A1_HEADER "." CLAIMS "." A1_SIGNATURE "=", A1_HEADER "=." CLAIMS "." A1_SIGNATURE,
        A1_HEADER "." CLAIMS "==." A1_SIGNATURE, A1_HEADER "." CLAIMS "." A1_SIGNATURE "\n",
        " " A1_HEADER "." CLAIMS "." A1_SIGNATURE, A1_HEADER "." CLAIMS ". " A1_SIGNATURE,
        A1_HEADER " ." CLAIMS "." A1_SIGNATURE, A1_HEADER "." CLAIMS "." A1_SIGNATURE "\r\n",
        /* the last digit of 32 bytes has two unused bits */
        A1_HEADER "." CLAIMS ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
        A1_HEADER "." CLAIMS ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXm",
        /* base64 is not base64url */
        A1_HEADER "." CLAIMS ".dBjftJeZ4CVP+mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        A1_HEADER "." CLAIMS ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r/wW1gFWFOEjXk",
        A1_HEADER "." CLAIMS ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX\xc3\xa9",
        A1_HEADER "." CLAIMS "." A1_SIGNATURE "AA",
        A1_HEADER "." CLAIMS "." A2_SIGNATURE A2_SIGNATURE A2_SIGNATURE A2_SIGNATURE A2_SIGNATURE};
    struct jwt t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(opened(span_str(bad[i]), &t) == ERR_INVALID, "opened: %s", bad[i]);
    ck_assert_int_eq(opened(SPAN_NONE, &t), ERR_INVALID);
    ck_assert_int_eq(opened(SPAN_LIT(A1_HEADER "." CLAIMS "." A1_SIGNATURE "\0"), &t), ERR_INVALID);
    ck_assert_int_eq(opened(SPAN_LIT(A1_HEADER "." CLAIMS "." A1_SIGNATURE), &t), ERR_OK);
}
END_TEST

START_TEST(parts_are_objects_that_say_things_once)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "\"{}\"",
                                      "null",
                                      "{\"a\":1,\"a\":2}",
                                      "{",
                                      "{}x",
                                      "\xef\xbb\xbf{}",
                                      "{'a':1}",
                                      "{\"a\":\"\\ud800\"}",
                                      "{\"a\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused_open(token_of("{\"alg\":\"HS256\"}", bad[i], "HS256", &keys[K_SECRET]), "no JSON object");
    refused_open(token_of("{\"alg\":\"none\",\"alg\":\"HS256\"}", "{}", "HS256", &keys[K_SECRET]), "no JSON object");
    refused_open(token_of("{\"alg\":\"HS256\",\"al\\u0067\":\"none\"}", "{}", "HS256", &keys[K_SECRET]),
                 "no JSON object");
    refused_open(token_of("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{}", "HS256", &keys[K_SECRET]), "crit");
    refused_open(token_of("{\"alg\":\"HS256\",\"crit\":[]}", "{}", "HS256", &keys[K_SECRET]), "crit");
    refused_open(token_of("{\"alg\":\"HS256\",\"b64\":false}", "{}", "HS256", &keys[K_SECRET]), "b64");
    refused_open(token_of("{\"alg\":\"HS256\",\"b64\":true}", "{}", "HS256", &keys[K_SECRET]), "b64");
    refused_open(token_of("{\"alg\":\"HS256\",\"\\u0063rit\":[\"b64\"]}", "{}", "HS256", &keys[K_SECRET]), "crit");
}
END_TEST

/* A token brings its own keys and says where there are more: nobody listens. */
START_TEST(a_token_names_no_keys)
{
    static const char *const more[] = {
        "\"jku\":\"https://evil.example/keys\"",
        "\"x5u\":\"https://evil.example/cert\"",
        "\"x5c\":[\"MIIB\"]",
        "\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "\"kid\":\"../../dev/null\"",
    };
    const struct key theirs = secret_key("\0\0\0", 3);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        struct span header = joined("{\"alg\":\"HS256\",%s}", more[i]);
        ck_assert(!taken(token_of(header.p, "{}", "HS256", &theirs), &keys[K_SECRET], ANY));
        ck_assert(taken(token_of(header.p, "{}", "HS256", &keys[K_SECRET]), &keys[K_SECRET], ANY));
    }
}
END_TEST

START_TEST(sizes_are_bounded)
{
    struct jwt t;
    size_t n = JWT_TOKEN_MAX + 1;
    char *long_one = malloc(n), deep[200], wide[8192];
    memset(long_one, 'A', n);
    refused_open(span_of(long_one, n), "too long");
    long_one[JWT_HEADER_MAX + 1] = long_one[JWT_HEADER_MAX + 2] = '.';
    refused_open(span_of(long_one, JWT_HEADER_MAX + 10), "header that is too long");
    free(long_one);
    memset(deep, '[', 99);
    memset(deep + 99, ']', 99);
    deep[198] = 0;
    refused_open(token_of("{\"alg\":\"HS256\"}", joined("{\"a\":%s}", deep).p, "HS256", &keys[K_SECRET]),
                 "no JSON object");
    size_t at = (size_t)snprintf(wide, sizeof wide, "{\"a\":[");
    while (at < 4000)
        at += (size_t)snprintf(wide + at, sizeof wide - at, "1,");
    snprintf(wide + at, sizeof wide - at, "1]}");
    refused_open(token_of("{\"alg\":\"HS256\"}", wide, "HS256", &keys[K_SECRET]), "no JSON object");
    /* A full arena is said, whatever is left of it. */
    struct span token = SPAN_LIT(A1_HEADER "." CLAIMS "." A1_SIGNATURE);
    for (size_t left = 0; left < 400; left++) {
        struct arena small = {.p = arena.p, .n = 0, .cap = left};
        const char *problem = NULL;
        enum err e = jwt_open(token, SPAN_NONE, &small, &t, &problem);
        ck_assert_int_eq(e, left < 142 ? ERR_NO_ROOM : ERR_OK);
    }
}
END_TEST

/* ---- times ---- */

static enum err timed(const char *claims, unsigned require, int64_t leeway_ms, const char *says)
{
    struct jwt t = {.claims = span_str(claims)};
    const char *problem = "";
    struct json_error bad;
    ck_assert_int_eq(json_check(t.claims, JSON_LIMITS_DEFAULT, &bad), ERR_OK);
    enum err e = jwt_times(&t, require, leeway_ms, NOW_MS, &problem);
    ck_assert_msg(strstr(problem, says) != NULL, "%s: '%s' does not say '%s'", claims, problem, says);
    return e;
}

START_TEST(times_are_checked_when_they_are_there)
{
    static const struct {
        const char *claims;
        unsigned require;
        int64_t leeway_ms;
        enum err e;
        const char *says;
    } rows[] = {
        {"{}", 0, 0, ERR_OK, ""},
        {"{}", JWT_EXP, 0, ERR_INVALID, "(exp)"},
        {"{}", JWT_NBF, 0, ERR_INVALID, "(nbf)"},
        {"{}", JWT_IAT, 0, ERR_INVALID, "(iat)"},
        {"{\"exp\":1700000001}", JWT_EXP, 0, ERR_OK, ""},
        {"{\"exp\":1700000000}", 0, 0, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "expired"},
        {"{\"exp\":1700000000}", 0, 1, ERR_OK, ""},
        {"{\"exp\":1699999999}", 0, 1000, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "expired"},
        {"{\"exp\":1699999999.001}", 0, 1000, ERR_OK, ""},
        {"{\"exp\":1700000000.0001}", 0, 0, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "expired"},
        {"{\"exp\":1700000000.001999999999}", 0, 0, ERR_OK, ""},
        {"{\"nbf\":1700000000}", JWT_NBF, 0, ERR_OK, ""},
        {"{\"nbf\":1700000001}", 0, 0, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "not valid yet"},
        {"{\"nbf\":1700000001}", 0, 1000, ERR_OK, ""},
        {"{\"nbf\":1700000001.5}", 0, 1000, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "not valid yet"},
        {"{\"iat\":1700000000}", JWT_IAT, 0, ERR_OK, ""},
        {"{\"iat\":1}", JWT_IAT, 0, ERR_OK, ""},
        {"{\"iat\":1700000002}", 0, 1000, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "after now"},
        {"{\"exp\":1700000009,\"nbf\":1700000003}", JWT_EXP, 0, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "not valid yet"},
        {"{\"exp\":-1}", 0, 0, ERR_INVALID, "exp"},
        {"{\"nbf\":-1}", 0, 0, ERR_INVALID, "nbf"},
        {"{\"exp\":\"1700000001\"}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":null}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":true}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":{}}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":1e30}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":1700000001e3}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":1.7e9}", 0, 0, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "expired"},
        {"{\"exp\":1.7e9}", 0, 1, ERR_OK, ""},
        {"{\"exp\":0.18E+10}", 0, 0, ERR_OK, ""},
        {"{\"exp\":1700000000001e-3}", 0, 0, ERR_OK, ""},
        {"{\"exp\":1e999}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":-0}", 0, 0, ERR_TIMESTAMP_OUT_OF_TOLERANCE, "expired"},
        {"{\"exp\":99999999999999999999}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":9999999999999}", 0, 0, ERR_INVALID, "exp"},
        {"{\"exp\":999999999999}", 0, 0, ERR_OK, ""},
        {"{\"iat\":0}", 0, 0, ERR_OK, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(timed(rows[i].claims, rows[i].require, rows[i].leeway_ms, rows[i].says) == rows[i].e, "%s",
                      rows[i].claims);
    ck_assert_uint_eq(jwt_time(SPAN_LIT("exp")), JWT_EXP);
    ck_assert_uint_eq(jwt_time(SPAN_LIT("nbf")), JWT_NBF);
    ck_assert_uint_eq(jwt_time(SPAN_LIT("iat")), JWT_IAT);
    ck_assert_uint_eq(jwt_time(SPAN_LIT("EXP")), 0);
}
END_TEST

/* ---- mutations ---- */

/* There is one way to write a token, so no other text is ever taken for it. */
START_TEST(no_other_text_is_taken)
{
    size_t n;
    const char *const *names = jwt_algorithm_names(&n);
    uint32_t seed = 20240229;
    for (size_t i = 0; i < n; i++) {
        arena_reset(&arena);
        struct key *k = &keys[own_key(names[i])];
        struct span good =
            token_of(joined("{\"alg\":\"%s\",\"kid\":\"1\"}", names[i]).p, "{\"exp\":1800000000}", names[i], k);
        char *text = arena_alloc(&arena, good.n);
        size_t room = arena.n;
        ck_assert(taken(good, k, ANY));
        for (int round = 0; round < suite_rounds(300); round++) {
            arena.n = room;
            memcpy(text, good.p, good.n);
            for (uint32_t flips = 1 + (seed >> 30); flips > 0; flips--) {
                seed = seed * 1664525 + 1013904223;
                text[(seed >> 8) % good.n] = (char)(seed >> 24);
            }
            if (memcmp(text, good.p, good.n) != 0)
                ck_assert_msg(!taken(span_of(text, good.n), k, ANY), "%.*s", (int)good.n, text);
        }
        for (size_t cut = 0; cut < good.n; cut++)
            ck_assert(!taken(span_of(good.p, cut), k, ANY));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("jwt");
    TCase *t = tcase_create("examples"), *a = tcase_create("attacks");
    tcase_add_checked_fixture(t, kit_begin, kit_end);
    tcase_add_test(t, published_examples);
    tcase_add_test(t, a_detached_token_signs_what_it_is_given);
    tcase_add_test(t, times_are_checked_when_they_are_there);
    suite_add_tcase(s, t);
    tcase_add_unchecked_fixture(a, keys_begin, keys_end);
    tcase_set_timeout(a, 600);
    tcase_add_test(a, each_algorithm_is_for_its_keys_only);
    tcase_add_test(a, names_are_not_exchanged);
    tcase_add_test(a, none_is_no_algorithm);
    tcase_add_test(a, a_public_key_is_no_secret);
    tcase_add_test(a, a_signature_has_one_length);
    tcase_add_test(a, a_curve_goes_with_its_algorithm_only);
    tcase_add_test(a, ecdsa_is_two_numbers_of_fixed_length);
    tcase_add_test(a, ecdsa_of_many_texts);
    tcase_add_test(a, a_pss_salt_is_as_long_as_the_digest);
    tcase_add_test(a, there_is_one_way_to_write_a_token);
    tcase_add_test(a, parts_are_objects_that_say_things_once);
    tcase_add_test(a, a_token_names_no_keys);
    tcase_add_test(a, sizes_are_bounded);
    tcase_add_test(a, no_other_text_is_taken);
    suite_add_tcase(s, a);
    return suite_run(s);
}
