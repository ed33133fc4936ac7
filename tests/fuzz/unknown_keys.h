/* SPDX-License-Identifier: MIT
 * unknown_keys: keys of every kind that nobody can sign with: the private halves were thrown away, and the text is not in any
 * input. What is accepted under one of these was forged. (The text is here, in a file that no fuzzer reads.)
 */
#ifndef CREEL_TESTS_UNKNOWN_KEYS_H
#define CREEL_TESTS_UNKNOWN_KEYS_H

#include "recipe/recipe.h"

static const struct keyring_key unknown_keys[] = {
    {"text", "utf8", false, SPAN_LIT("b9c61e0cf1f14d51a4a4d5ffa9f0b7ab81d1e4c1"), 0, INT64_MAX},
    {"ed25519", "ed25519-hex", true, SPAN_LIT("455b3f0420a04944c794c85c23513d009ce893bbc11e29310e073bfb690b1ffc"), 0,
     INT64_MAX},
    {"p256", "spki-base64", true,
     SPAN_LIT("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELKkfjai48F5AyZ6D81AqRiKyQ3QBedHANeQ6cuV2yFhiQcD/FJ0d+0XkqQXLG7r2"
              "uWY3/fAIR7L+Z0XyArfU+A=="),
     0, INT64_MAX},
    {"rsa", "spki-base64", true,
     SPAN_LIT("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArIvbVKyQQd+8PYOS9H7Ly8o1ONydlaDV1noOrNw4dhhXOSoo2bYvRP08"
              "Zon2hUUVLAVealHGMhTrSEvCKJ8U7faP9d+8dgviOhuEtiPPVT9gBal3TAL6iWauOpDMPOmjQpDA5Z7cqLLdx6avCTp6JxWW6FgP"
              "xG3UAxkQJ3aTkKXMuA/rBM4oKuhlKdJAujLf0Cqp+5HLLDMHg8cuRC8iD8iVjUZFtA+IJIW95o3fvx9xRsw1zQAmzM6RQ1UWxAkv"
              "goK48bFrXQBVIcs5DTLY/PHWZ8gv+SEP0CuSEl+E2YRhNVFsV99zv7LTS3/X+2Oq0P6L1mkYAEb7NOlrEjlprQIDAQAB"),
     0, INT64_MAX},
    {"p521", "spki-base64", true,
     SPAN_LIT("MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQADfFO9yzbsof9hYqP/+r5eI0gSpnZxpvs2iitkYuGiYXTY/n8kt/LiE3two6"
              "mF0wKQ45wa2Jt3CDYgMdWlgvnp1sBryWCIoU7jLqLW7fC/lOGvhZ1nUlqS4w7OtfkWkuU4p20Sp71eJeIJKUE8OcpWq5kQq"
              "aywO4VoQbX6n63G+1AcDk="),
     0, INT64_MAX},
};
enum { N_UNKNOWN_KEYS = sizeof unknown_keys / sizeof *unknown_keys };

/* A ring of all that the recipe takes; at least one. */
static inline struct keyring *unknown_ring(const struct recipe *r)
{
    struct keyring_key taken[N_UNKNOWN_KEYS];
    struct keyring *ring;
    struct why w;
    size_t n = 0;
    for (size_t i = 0; i < N_UNKNOWN_KEYS; i++) {
        if (keyring_new(r, &unknown_keys[i], 1, &ring, &w) != ERR_OK)
            continue;
        keyring_free(ring);
        taken[n++] = unknown_keys[i];
    }
    bug_if(n == 0 || keyring_new(r, taken, n, &ring, &w) != ERR_OK);
    return ring;
}

#endif
