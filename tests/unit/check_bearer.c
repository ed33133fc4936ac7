/* SPDX-License-Identifier: MIT
 * check_bearer: the recipe for tokens of an authorization server: who issued them, for whom, and for what.
 */
#include <sodium.h>

#include "base/codec.h"
#include "recipe_kit.h"

static unsigned char public_key[32], private_key[64];

static void put_base64url(struct buf *b, const void *p, size_t n)
{
    char text[1024];
    sodium_bin2base64(text, sizeof text, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_puts(b, text);
}

/* "Bearer " and a token of these claims. */
static struct buf token(const char *claims)
{
    unsigned char signature[crypto_sign_BYTES];
    struct buf b;
    buf_init(&b, 4096);
    put_base64url(&b, "{\"alg\":\"EdDSA\"}", 15);
    buf_putc(&b, '.');
    put_base64url(&b, claims, strlen(claims));
    crypto_sign_detached(signature, NULL, (const unsigned char *)b.p, b.n, private_key);
    buf_putc(&b, '.');
    put_base64url(&b, signature, sizeof signature);
    struct buf whole;
    buf_init(&whole, 4096);
    buf_puts(&whole, "Bearer ");
    buf_put_span(&whole, buf_span(&b));
    buf_fini(&b);
    return whole;
}

static enum err judge(const char *claims, const char *scope, struct recipe_verdict *verdict)
{
    struct recipe *r = installed("jwt-bearer");
    struct recipe_context *c;
    struct keyring *ring;
    struct arena a;
    struct why w;
    char hex[65];
    struct buf value = token(claims);
    const struct recipe_header header = {SPAN_LIT("authorization"), buf_span(&value)};
    const struct config_param params[] = {{"issuer", "https://issuer"}, {"audience", "hooks"}, {"scope", scope}};
    const struct recipe_request q = {.method = SPAN_LIT("POST"),
                                     .headers = &header,
                                     .n_headers = 1,
                                     .body = SPAN_LIT("{}"),
                                     .params = params,
                                     .n_params = scope ? 3 : 2,
                                     .now_ms = NOW_MS};
    hex_encode(public_key, sizeof public_key, hex);
    const struct keyring_key key = {
        .id = "k", .encoding = "ed25519-hex", .is_public = true, .raw = span_str(hex), .not_after_ms = INT64_MAX};
    ck_assert_msg(keyring_new(r, &key, 1, &ring, &w) == ERR_OK, "%s", w.text);
    ck_assert_int_eq(recipe_context_new(&c), ERR_OK);
    ck_assert(arena_init(&a, recipe_scratch_bytes(r, &q)));
    enum err e = recipe_verify(r, ring, c, &q, &a, verdict);
    verdict->key_id = NULL;
    arena_fini(&a);
    recipe_context_free(c);
    keyring_free(ring);
    buf_fini(&value);
    recipe_free(r);
    return e;
}

#define SOUND "\"iss\":\"https://issuer\",\"exp\":1700000100"
static const struct {
    const char *claims, *scope;
    enum err e;
    const char *detail;
} cases[] = {
    {"{" SOUND ",\"aud\":\"hooks\"}", NULL, ERR_OK, ""},
    {"{" SOUND ",\"aud\":[\"other\",\"hooks\"]}", NULL, ERR_OK, ""},
    {"{" SOUND ",\"aud\":\"hook\"}", NULL, ERR_SIGNATURE_INVALID, "claim /aud is not what it must be"},
    {"{" SOUND ",\"aud\":[\"hooks2\"]}", NULL, ERR_SIGNATURE_INVALID, "claim /aud is not what it must be"},
    {"{" SOUND ",\"aud\":[\"a hooks\"]}", NULL, ERR_SIGNATURE_INVALID, "claim /aud is missing"},
    {"{" SOUND ",\"aud\":[]}", NULL, ERR_SIGNATURE_INVALID, "claim /aud is not what it must be"},
    {"{" SOUND ",\"aud\":[7]}", NULL, ERR_SIGNATURE_INVALID, "claim /aud is missing"},
    {"{" SOUND "}", NULL, ERR_SIGNATURE_INVALID, "claim /aud is missing"},
    {"{\"iss\":\"https://else\",\"exp\":1700000100,\"aud\":\"hooks\"}", NULL, ERR_SIGNATURE_INVALID,
     "claim /iss is not what it must be"},
    {"{" SOUND ",\"aud\":\"hooks\",\"scope\":\"read hooks:write\"}", "hooks:write", ERR_OK, ""},
    {"{" SOUND ",\"aud\":\"hooks\",\"scope\":\"read hooks:writer\"}", "hooks:write", ERR_SIGNATURE_INVALID,
     "claim /scope is not what it must be"},
    {"{" SOUND ",\"aud\":\"hooks\"}", "hooks:write", ERR_SIGNATURE_INVALID, "claim /scope is missing"},
    {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\"}", NULL, ERR_TIMESTAMP_OUT_OF_TOLERANCE, ""},
    {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":1699999969}", NULL, ERR_TIMESTAMP_OUT_OF_TOLERANCE, ""},
    {"{\"iss\":\"https://issuer\",\"aud\":\"hooks\",\"exp\":1699999971}", NULL, ERR_OK, ""},
};

START_TEST(a_token_is_for_us_and_for_this)
{
    struct recipe_verdict verdict;
    enum err e = judge(cases[_i].claims, cases[_i].scope, &verdict);
    ck_assert_msg(e == cases[_i].e, "%s: %s %s", cases[_i].claims, err_code(e), verdict.detail);
    if (cases[_i].detail[0])
        ck_assert_str_eq(verdict.detail, cases[_i].detail);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bearer");
    TCase *t = tcase_create("bearer");
    if (sodium_init() < 0)
        return 1;
    crypto_sign_keypair(public_key, private_key);
    tcase_add_loop_test(t, a_token_is_for_us_and_for_this, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(s, t);
    return suite_run(s);
}
