/* SPDX-License-Identifier: MIT
 * key_facts: kind, size, window and fingerprint of keys. Changes nothing.
 */
#include "recipe/key_facts.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/codec.h"
#include "recipe/key_parts.h"

/* RFC 8410 section 4: what stands before the 32 bytes. */
static const unsigned char ed25519_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static void put_fingerprint(const unsigned char *der, size_t n, char out[KEY_FINGERPRINT_BYTES])
{
    static const char head[] = "SHA256:";
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (EVP_Digest(der, n, hash, NULL, EVP_sha256(), NULL) != 1)
        return;
    memcpy(out, head, sizeof head);
    size_t end = sizeof head - 1 + base64_encode(hash, 32, out + sizeof head - 1);
    while (out[end - 1] == '=')
        out[--end] = 0;
}

static void fingerprint(const struct key *k, char out[KEY_FINGERPRINT_BYTES])
{
    unsigned char ed25519[sizeof ed25519_head + KEY_PUBLIC_BYTES];
    if (k->kind == KEY_ED25519) {
        memcpy(ed25519, ed25519_head, sizeof ed25519_head);
        memcpy(ed25519 + sizeof ed25519_head, k->public_key, KEY_PUBLIC_BYTES);
        put_fingerprint(ed25519, sizeof ed25519, out);
    } else if (k->pkey) {
        unsigned char *der = NULL;
        int n = i2d_PUBKEY(k->pkey, &der); /* the public half alone, whatever there is */
        if (n > 0)
            put_fingerprint(der, (size_t)n, out);
        OPENSSL_free(der);
    }
}

static bool has_private(const struct key *k)
{
    BIGNUM *d = NULL;
    if (!k->pkey)
        return k->secret != NULL;
    bool has =
        EVP_PKEY_get_bn_param(k->pkey, k->kind == KEY_RSA ? OSSL_PKEY_PARAM_RSA_D : OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1;
    BN_clear_free(d);
    return has;
}

size_t keyring_count(const struct keyring *k)
{
    return k->n;
}

void keyring_facts(const struct keyring *k, size_t i, struct key_facts *out)
{
    static const char *const kinds[] = {
        [KEY_SECRET] = "secret", [KEY_ED25519] = "ed25519", [KEY_RSA] = "rsa", [KEY_EC] = "ec"};
    const struct key *key = &k->keys[i];
    *out = (struct key_facts){.id = key->id,
                              .kid = key->kid,
                              .kind = kinds[key->kind],
                              .curve = key->kind == KEY_EC ? key_curve(key->pkey) : NULL,
                              .bits = key->kind == KEY_RSA ? (unsigned)EVP_PKEY_get_bits(key->pkey) : 0,
                              .can_sign = has_private(key),
                              .not_before_ms = key->not_before_ms,
                              .not_after_ms = key->not_after_ms};
    fingerprint(key, out->fingerprint);
}

int64_t key_windows_cover(const struct key_window *windows, size_t n, int64_t now_ms)
{
    int64_t until = now_ms - 1;
    for (size_t i = 0; i < n && until < INT64_MAX;) {
        bool longer = windows[i].not_before_ms <= until + 1 && windows[i].not_after_ms > until;
        until = longer ? windows[i].not_after_ms : until;
        i = longer ? 0 : i + 1; /* what did not reach before may reach now */
    }
    return until < now_ms ? -1 : until;
}
