/* SPDX-License-Identifier: MIT
 * key_public: RSA, EC and Ed25519 keys in the forms OpenSSL reads: SPKI, PKCS#8, X.509. Checks kind, size and curve.
 * A private key that was given to sign with is kept whole, in OpenSSL's memory.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <time.h>

#include "recipe/key_parts.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

static const struct curve {
    const char *openssl, *name;
} curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};

const char *key_curve(const EVP_PKEY *pkey)
{
    char group[64];
    size_t n;
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(group, curves[i].openssl) == 0)
            return curves[i].name;
    return NULL;
}

static enum err take_ed25519(struct key_load *l, struct key *k, EVP_PKEY *pkey)
{
    size_t n = KEY_PUBLIC_BYTES, n_seed = KEY_SEED_BYTES;
    bool good = EVP_PKEY_get_raw_public_key(pkey, k->public_key, &n) == 1 && n == KEY_PUBLIC_BYTES;
    bool has_private = !l->in->is_public && l->room_bytes >= KEY_PRIVATE_BYTES &&
                       EVP_PKEY_get_raw_private_key(pkey, l->room, &n_seed) == 1;
    EVP_PKEY_free(pkey);
    if (!good || !crypto_core_ed25519_is_valid_point(k->public_key))
        return why_set(l->w, ERR_INVALID, "key %s is not a point an Ed25519 key can be", l->id);
    if (has_private)
        key_expand_seed(l, k);
    return key_add(l, k);
}

static enum err take_rsa(struct key_load *l, struct key *k)
{
    int bits = EVP_PKEY_get_bits(k->pkey);
    BIGNUM *n = NULL, *e = NULL;
    bool sound = EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                 EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(n) && BN_is_odd(e) &&
                 !BN_is_one(e);
    BN_free(n);
    BN_free(e);
    if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && sound)
        return key_add(l, k);
    EVP_PKEY_free(k->pkey);
    if (!sound)
        return key_fault(l, "modulus and exponent cannot be those of an RSA key");
    return key_fault(l, "an RSA key of %d bits; %d to %d are taken: ask the sender for a longer one", bits,
                     RSA_BITS_MIN, RSA_BITS_MAX);
}

static enum err take_ec(struct key_load *l, struct key *k)
{
    EVP_PKEY_CTX *c = key_curve(k->pkey) ? EVP_PKEY_CTX_new(k->pkey, NULL) : NULL;
    bool sound = c && EVP_PKEY_public_check_quick(c) == 1;
    EVP_PKEY_CTX_free(c);
    if (sound)
        return key_add(l, k);
    EVP_PKEY_free(k->pkey);
    return key_fault(l, c ? "its point is not on its curve" : "of the curves, P-256, P-384 and P-521 are taken");
}

enum err key_take_pkey(struct key_load *l, struct key k, EVP_PKEY *pkey)
{
    ERR_clear_error();
    if (!pkey)
        return key_fault(l, "its text is not %s", l->encoding);
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        k.kind = KEY_ED25519;
        return take_ed25519(l, &k, pkey);
    }
    k.pkey = pkey;
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        k.kind = KEY_RSA;
        return take_rsa(l, &k);
    }
    if (EVP_PKEY_is_a(pkey, "EC")) {
        k.kind = KEY_EC;
        return take_ec(l, &k);
    }
    EVP_PKEY_free(pkey);
    return key_fault(l, "it is no Ed25519, RSA or elliptic-curve key");
}

/* ---- PEM and DER ---- */

/* A passphrase is asked of nobody: a daemon has no terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
}

static bool holds(struct span text, const char *words)
{
    return text.n > 0 && memmem(text.p, text.n, words, strlen(words)) != NULL;
}

static struct span behind_first(struct span text, const char *words)
{
    const char *at = text.n > 0 ? memmem(text.p, text.n, words, strlen(words)) : NULL;
    return at ? span_skip(text, (size_t)(at - text.p) + strlen(words)) : SPAN_NONE;
}

/* What people give instead, with the way out. ERR_OK when it may be what is wanted. */
static enum err look_at_pem(const struct key_load *l, struct span text)
{
    if (!holds(text, "-----BEGIN "))
        return key_fault(l, "its text is not %s: there is no line -----BEGIN", l->encoding);
    if (holds(text, "PRIVATE KEY-----") && l->in->is_public)
        return key_fault(l, "it is a private key: give its public half (openssl pkey -in FILE -pubout)");
    if (holds(text, "ENCRYPTED"))
        return key_fault(l, "it is encrypted, and there is nobody to ask for the passphrase: openssl pkey -in FILE "
                            "-out OTHER");
    if (holds(text, "-----BEGIN CERTIFICATE-----"))
        return key_fault(l, "it is a certificate: key_encoding x509-pem reads it");
    if (holds(text, "-----BEGIN RSA PUBLIC KEY-----"))
        return key_fault(l, "it is PKCS#1: openssl rsa -RSAPublicKey_in -in FILE -pubout makes SPKI of it");
    if (holds(behind_first(text, "-----BEGIN "), "-----BEGIN ") && !holds(text, "-----BEGIN EC PARAMETERS-----"))
        return key_fault(l, "the file holds more than one key: give each a file and an id");
    return ERR_OK;
}

enum err key_load_pem(struct key_load *l)
{
    struct span text = key_text(l);
    enum err e = look_at_pem(l, text);
    if (e != ERR_OK)
        return e;
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n); /* SECRET_BYTES_MAX at most */
    if (!bio)
        return why_set(l->w, ERR_NO_MEMORY, "out of memory for keys");
    EVP_PKEY *pkey = holds(text, "PRIVATE KEY-----") ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                                                     : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return key_take_pkey(l, key_begin(l, KEY_RSA), pkey);
}

enum err key_load_der(struct key_load *l)
{
    size_t n;
    if (l->decode(key_text(l), l->room, l->room_bytes, &n) != ERR_OK)
        return key_fault(l, "its text is not %s", l->encoding);
    const unsigned char *end = l->room;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &end, (long)n);
    if (!pkey) {
        end = l->room;
        pkey = d2i_AutoPrivateKey(NULL, &end, (long)n);
        if (pkey && l->in->is_public) {
            EVP_PKEY_free(pkey);
            return key_fault(l, "it is a private key: give its public half (openssl pkey -inform DER -pubout)");
        }
    }
    if (pkey && end != l->room + n) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return key_take_pkey(l, key_begin(l, KEY_RSA), pkey);
}

/* ---- certificates ---- */

static bool to_ms(const ASN1_TIME *t, int64_t *ms)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

/* The certificate's end narrows the key's window. Its beginning does not: an operator, or the host it was fetched from,
 * has named this key already, and an event may have been signed before its certificate was renewed. */
static enum err narrow(const struct key_load *l, const X509 *cert, struct key *k)
{
    int64_t to;
    if (!to_ms(X509_get0_notAfter(cert), &to))
        return key_fault(l, "the certificate's end cannot be read");
    k->not_after_ms = to + 999 < k->not_after_ms ? to + 999 : k->not_after_ms;
    return ERR_OK;
}

/* The first certificate is the sender's, what follows are those who vouch for it (RFC 8446 section 4.4.2). */
enum err key_load_x509(struct key_load *l)
{
    struct span text = key_text(l);
    struct key k = key_begin(l, KEY_RSA);
    if (holds(text, "PRIVATE KEY-----") && l->in->is_public)
        return key_fault(l, "there is a private key in this file: give the certificate alone");
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    if (!bio)
        return why_set(l->w, ERR_NO_MEMORY, "out of memory for keys");
    X509 *cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    EVP_PKEY *pkey = cert ? X509_get_pubkey(cert) : NULL;
    enum err e = cert ? narrow(l, cert, &k) : ERR_OK;
    X509_free(cert);
    if (e == ERR_OK)
        return key_take_pkey(l, k, pkey);
    EVP_PKEY_free(pkey);
    return e;
}
