/* SPDX-License-Identifier: MIT
 * check_recipe: the recipe language and its faults, keys that are none.
 */
#include "recipe_kit.h"

/* ---- the language ---- */

#define HMAC_SIGNATURE "\"algorithm\":\"hmac-sha256\",\"from\":\"header:X-Sig\",\"encoding\":\"hex\""
static const char minimal[] =
    "{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE ",\"content\":\"{body}\"},\"key_encoding\":\"utf8\"}";

static void refused(const char *json, const char *reason)
{
    struct recipe *r = NULL;
    struct why w = {""};
    ck_assert_msg(recipe_compile("t", span_str(json), NULL, &r, &w) == ERR_INVALID, "compiled: %s", json);
    ck_assert_msg(strstr(w.text, reason) != NULL, "'%s' does not say '%s'", w.text, reason);
}

START_TEST(faults_name_the_place_and_the_way_out)
{
    refused("{", "byte 1");
    refused("[]", "/: must be an object");
    refused("{\"recipe\":\"t\"}", "member 'signature' is missing");
    refused("{\"recipe\":\"u\",\"signature\":\"none\"}", "/recipe: must be the file's name, 't'");
    refused("{\"recipe\":\"t\",\"signatur\":\"none\"}",
            "/signatur: there is no member 'signatur', did you mean 'signature'");
    refused("{\"recipe\":\"t\",\"signature\":\"nothing\"}", "/signature: must be an object");
    refused("{\"recipe\":\"t\",\"signature\":\"none\",\"key_encoding\":\"utf8\"}", "leaves nothing");
    refused("{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE "},\"key_encoding\":\"utf8\"}",
            "/signature: member 'content' is missing");
    refused("{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE ",\"content\":\"{body}\"}}",
            "/key_encoding: is missing");
    refused("{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE ",\"content\":\"{body}\"},\"key_encoding\":\"utf-8\"}",
            "did you mean 'utf8'");
    refused("{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE
            ",\"content\":\"{body}\"},\"key_encoding\":\"whpk_base64\"}",
            "whpk_base64 does not go with hmac-sha256");
    refused("{\"recipe\":\"t\",\"signature\":{\"algorithm\":\"hmac-md5\"}}",
            "/signature/algorithm: there is no algorithm 'hmac-md5'");
    refused("{\"recipe\":\"t\",\"signature\":{\"encoding\":\"base46\"}}", "did you mean 'base64'");
    refused("{\"recipe\":\"t\",\"signature\":{\"list\":\", \"}}",
            "/signature/list: must be one printable ASCII character");
    refused("{\"recipe\":\"t\",\"signature\":{\"from\":\"body\"}}",
            "/signature/from: a signature is read from header:NAME");
    refused("{\"recipe\":\"t\",\"signature\":{\"from\":[]}}", "must not be an empty list");
    refused("{\"recipe\":\"t\",\"signature\":{\"from\":[\"header:A\",7]}}", "/signature/from/1: must be a string");
    refused("{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE
            ",\"pair\":\"=\",\"content\":\"{body}\"},\"key_encoding\":\"utf8\"}",
            "'pair' and 'key' go together");
    refused("{\"recipe\":\"t\",\"signature\":\"none\",\"recipe\":\"t\"}", "duplicate");
}
END_TEST

START_TEST(templates_are_checked)
{
#define CONTENT(c)                                                                                                     \
    "{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE ",\"content\":\"" c "\"},\"key_encoding\":\"utf8\"}"
    refused(CONTENT("{bdy}"), "/signature/content: 'bdy' refers to nothing known, did you mean body");
    refused(CONTENT("{body"), "'{' without '}'");
    refused(CONTENT("{header:}{body}"), "'' is not a header name");
    refused(CONTENT("{header:a b}{body}"), "'a b' is not a header name");
    refused(CONTENT("{heder:A}"), "did you mean header:");
    refused(CONTENT("{field:t}{body}"), "needs 'list' and 'pair'");
    refused(CONTENT(""), "must not be empty");
    recipe_free(compiled(CONTENT("{{{{}}{method} {url}\\n{header:A}{{{body}")));
}
END_TEST

START_TEST(times_and_asserts_are_checked)
{
#define WITH(more)                                                                                                     \
    "{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE                                                                 \
    ",\"content\":\"{header:T}{body}\"},\"key_encoding\":\"utf8\"," more "}"
    refused(WITH("\"timestamp\":{\"from\":\"header:U\",\"format\":\"s\",\"tolerance\":\"5m\"}"),
            "not part of the signed content");
    refused(WITH("\"timestamp\":{\"from\":\"body\",\"format\":\"s\",\"tolerance\":\"5m\"}"), "/timestamp/from");
    refused(WITH("\"timestamp\":{\"from\":\"header:T\",\"format\":\"sec\",\"tolerance\":\"5m\"}"), "/timestamp/format");
    refused(WITH("\"timestamp\":{\"from\":\"header:T\",\"format\":\"s\",\"tolerance\":\"5 m\"}"),
            "/timestamp/tolerance");
    refused(WITH("\"timestamp\":{\"from\":\"header:T\",\"format\":\"s\",\"tolerance\":\"5m\",\"future\":\"all\"}"),
            "/timestamp/future");
    refused(WITH("\"timestamp\":{\"from\":\"header:T\",\"format\":\"s\"}"), "member 'tolerance' is missing");
    refused(WITH("\"assert\":{\"header:T\":{\"witout\":\".\"}}"), "did you mean 'without'");
    refused(WITH("\"assert\":{\"header:T\":{\"max_bytes\":0}}"), "/assert/header:T/max_bytes");
    refused(WITH("\"assert\":{\"eader:T\":{}}"), "did you mean header:");
    refused(WITH("\"repeatable\":\"a b\""), "/repeatable: 'a b' is not a header name");
    refused(WITH("\"defaults\":{\"type\":\"body:/x\"}"), "/defaults/type: 'body:/x' refers to nothing known");
    refused(WITH("\"defaults\":{\"type\":[\"json:/x\",\"json:x\"]}"), "/defaults/type/1");
    refused(WITH("\"defaults\":{\"id\":\"json:/x\"}"), "/defaults/id");
}
END_TEST

START_TEST(variants_replace_whole_members)
{
    static const char json[] =
        "{\"recipe\":\"t\",\"signature\":{" HMAC_SIGNATURE
        ",\"content\":\"{body}\"},\"key_encoding\":\"utf8\",\"variants\":{"
        "\"b\":{\"key_encoding\":\"hex\"},\"c\":{\"variants\":{}},\"d\":{\"signature\":\"none\"}}}";
    struct recipe *r;
    struct why w;
    ck_assert_int_eq(recipe_compile("t", span_str(json), NULL, &r, &w), ERR_OK);
    ck_assert_str_eq(recipe_key_encoding(r), "utf8");
    recipe_free(r);
    ck_assert_int_eq(recipe_compile("t", span_str(json), "b", &r, &w), ERR_OK);
    ck_assert_str_eq(recipe_key_encoding(r), "hex");
    recipe_free(r);
    ck_assert_int_eq(recipe_compile("t", span_str(json), "c", &r, &w), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(w.text, "/variants/c/variants"));
    ck_assert_int_eq(recipe_compile("t", span_str(json), "d", &r, &w), ERR_INVALID);
    ck_assert_int_eq(recipe_compile("t", span_str(json), "e", &r, &w), ERR_INVALID);
    ck_assert_str_eq(w.text, "/variants: no variant is called 'e'");
    ck_assert_int_eq(recipe_compile("t", span_str(minimal), "b", &r, &w), ERR_INVALID);
}
END_TEST

START_TEST(questions_are_answered)
{
    size_t n;
    struct recipe *r = installed("standard-webhooks");
    ck_assert_str_eq(recipe_name(r), "standard-webhooks");
    ck_assert(!recipe_is_none(r) && !recipe_takes_public_keys(r));
    ck_assert_int_eq(recipe_tolerance_ms(r), 300000);
    ck_assert_str_eq(recipe_default(r, "event_id", &n)[0], "header:webhook-id");
    ck_assert_uint_eq(n, 1);
    recipe_default(r, "order_key", &n);
    ck_assert_uint_eq(n, 0);
    ck_assert(recipe_may_repeat(r, span_str("Webhook-Signature")) && !recipe_may_repeat(r, span_str("webhook-id")));
    ck_assert(recipe_is_credential(r, span_str("COOKIE")) && !recipe_is_credential(r, span_str("webhook-id")));
    recipe_free(r);
    r = installed("none");
    ck_assert(recipe_is_none(r));
    ck_assert_int_eq(recipe_tolerance_ms(r), -1);
    recipe_free(r);
    r = compiled("{\"recipe\":\"t\",\"signature\":\"none\",\"credentials\":[\"X-Token\"]}");
    ck_assert(recipe_is_credential(r, span_str("x-token")));
    recipe_free(r);
}
END_TEST

static void key_refused(const struct recipe *r, const char *key, const char *encoding, bool is_public,
                        const char *reason)
{
    struct keyring *k = NULL;
    struct why w = {""};
    const struct keyring_key in = {"k1", encoding, is_public, span_str(key), 0, INT64_MAX};
    ck_assert_msg(keyring_new(r, &in, 1, &k, &w) == ERR_INVALID, "%s was taken", key);
    ck_assert_msg(strstr(w.text, reason) != NULL, "'%s' does not say '%s'", w.text, reason);
    ck_assert_msg(strlen(key) < 8 || strstr(w.text, key) == NULL, "the key is in the message: %s", w.text);
}

START_TEST(bad_keys_are_refused)
{
    struct recipe *r = installed("standard-webhooks");
    key_refused(r, "", NULL, false, "is empty");
    key_refused(r, "whsec_", NULL, false, "is empty");
    key_refused(r, "whsec_!!!!", NULL, false, "its text is not whsec_base64");
    key_refused(r, "whsec_AAAAA", NULL, false, "its text is not whsec_base64");
    key_refused(r, "0g", "hex", false, "its text is not hex");
    key_refused(r, "secretsecret", "utf-8", false, "did you mean utf8");
    key_refused(r, "secretsecret", "ed25519-hex", false, "does not go with hmac-sha256");
    key_refused(r, "secretsecret", "utf8", true, "give it as secret_file");
    recipe_free(r);
    r = installed("standard-webhooks-v1a");
    key_refused(r, "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", NULL, true, "is a private key");
    key_refused(r, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", NULL, true,
                "31 bytes where a public Ed25519 key has 32");
    key_refused(r, "whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL, true, "not a point");
    key_refused(r, "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGQ==", NULL,
                false, "halves");
    key_refused(r, "d75a98", "ed25519-hex", false, "3 bytes where a private");
    key_refused(r, "MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "spki-base64", true,
                "it is no Ed25519, RSA");
    recipe_free(r);
    r = installed("none");
    key_refused(r, "secretsecret", NULL, false, "takes no keys");
    recipe_free(r);
}
END_TEST

START_TEST(mutated_recipes_are_answered)
{
    enum { CAP = 8192 };
    uint32_t seed = 7;
    struct buf text = read_source("host/recipe/recipes/stripe.json");
    for (int round = 0, rounds = suite_rounds(5000); round < rounds; round++) {
        char *bytes = malloc(CAP);
        size_t n = text.n;
        struct recipe *r = NULL;
        struct why w = {""};
        memcpy(bytes, text.p, n);
        mutate(bytes, &n, CAP, &seed);
        char *exact = malloc(n ? n : 1);
        memcpy(exact, bytes, n);
        enum err e = recipe_compile("stripe", span_of(exact, n), NULL, &r, &w);
        ck_assert(e == ERR_OK || w.text[0]);
        if (e == ERR_OK)
            recipe_free(r);
        free(exact);
        free(bytes);
    }
    buf_fini(&text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recipe");
    TCase *t = tcase_create("recipe");
    tcase_add_test(t, faults_name_the_place_and_the_way_out);
    tcase_add_test(t, templates_are_checked);
    tcase_add_test(t, times_and_asserts_are_checked);
    tcase_add_test(t, variants_replace_whole_members);
    tcase_add_test(t, questions_are_answered);
    tcase_add_test(t, bad_keys_are_refused);
    tcase_add_test(t, mutated_recipes_are_answered);
    suite_add_tcase(s, t);
    return suite_run(s);
}
