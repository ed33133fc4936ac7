/* SPDX-License-Identifier: MIT
 * key_kit: what the tests of keys share: loading one text for one algorithm, without a recipe's JSON.
 */
#ifndef CREEL_TESTS_KEY_KIT_H
#define CREEL_TESTS_KEY_KIT_H

#include "suite.h"

#include "recipe/key_facts.h"
#include "recipe/key_parts.h"

static const struct algorithm hmac_sha256 = {"hmac-sha256", FAMILY_HMAC, "SHA256", 32},
                              ed25519 = {"ed25519", FAMILY_ED25519, "", 64},
                              rsa_sha256 = {"rsa-sha256", FAMILY_PUBLIC, "SHA256", 0},
                              ecdsa_sha256 = {"ecdsa-sha256", FAMILY_PUBLIC, "SHA256", 0},
                              jwt = {"jwt", FAMILY_JWT, "", 0};

static inline enum err try_span(const struct algorithm *a, const char *encoding, bool is_public, struct span text,
                                struct keyring **out, struct why *w)
{
    const struct recipe r = {.name = "t", .algorithm = a, .key_encoding = encoding};
    const struct keyring_key in = {"k1", NULL, is_public, text, 0, INT64_MAX};
    w->text[0] = 0;
    return keyring_new(&r, &in, 1, out, w);
}

static inline struct keyring *take(const struct algorithm *a, const char *encoding, bool is_public, const char *text)
{
    struct keyring *k = NULL;
    struct why w;
    ck_assert_msg(try_span(a, encoding, is_public, span_str(text), &k, &w) == ERR_OK, "%s: %s", encoding, w.text);
    return k;
}

/* No message holds a run of the key's own bytes. */
static inline void says_nothing_of(const char *message, const char *text)
{
    enum { RUN = 12 };
    char run[RUN + 1] = {0};
    if (strncmp(text, "-----BEGIN", 10) == 0)
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : text;
    for (size_t n = strlen(text), i = 0; i + RUN <= n; i++) {
        memcpy(run, text + i, RUN);
        ck_assert_msg(!strstr(message, run), "the key is in the message: %s", message);
    }
}

static inline void refused(const struct algorithm *a, const char *encoding, bool is_public, const char *text,
                           const char *reason)
{
    struct keyring *k = NULL;
    struct why w;
    ck_assert_msg(try_span(a, encoding, is_public, span_str(text), &k, &w) == ERR_INVALID, "%s was taken: %s", encoding,
                  text);
    ck_assert_msg(strncmp(w.text, "key k1", 6) == 0 && strstr(w.text, reason), "'%s' does not say '%s'", w.text,
                  reason);
    says_nothing_of(w.text, text);
}

static inline struct key_facts facts_of(const struct keyring *k, size_t i)
{
    struct key_facts f;
    keyring_facts(k, i, &f);
    return f;
}

#endif
