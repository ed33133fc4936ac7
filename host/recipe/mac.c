/* SPDX-License-Identifier: MIT
 * mac: a struct recipe_context is a table of keyed EVP_MAC contexts, found by the key's serial number. Owns the contexts;
 * one whose key is gone stays until its place is needed or the struct recipe_context ends.
 */
#include "recipe/mac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

/* Serial numbers are given out in order, so this many keys loaded together never displace each other. */
enum { CONTEXT_KEYS = 1024 };

static const char *const digests[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
enum { N_DIGESTS = sizeof digests / sizeof *digests };

struct recipe_context {
    EVP_MAC *hmac;
    EVP_MD_CTX *md;
    EVP_MD *mds[N_DIGESTS];
    struct {
        uint64_t serial;    /* 0: empty */
        const char *digest; /* it was prepared for: a key may serve several (JWT) */
        EVP_MAC_CTX *keyed;
    } slots[CONTEXT_KEYS];
};

enum err recipe_context_new(struct recipe_context **out)
{
    struct recipe_context *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NO_MEMORY;
    c->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    c->md = EVP_MD_CTX_new();
    for (size_t i = 0; i < N_DIGESTS; i++)
        c->mds[i] = EVP_MD_fetch(NULL, digests[i], NULL);
    if (!c->hmac || !c->md) {
        recipe_context_free(c);
        return ERR_UNSUPPORTED;
    }
    *out = c;
    return ERR_OK;
}

void recipe_context_free(struct recipe_context *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < CONTEXT_KEYS; i++)
        EVP_MAC_CTX_free(c->slots[i].keyed);
    for (size_t i = 0; i < N_DIGESTS; i++)
        EVP_MD_free(c->mds[i]);
    EVP_MD_CTX_free(c->md);
    EVP_MAC_free(c->hmac);
    free(c);
}

EVP_MD_CTX *mac_md_context(struct recipe_context *c)
{
    return c->md;
}

EVP_MD *mac_md(struct recipe_context *c, const char *digest)
{
    for (size_t i = 0; i < N_DIGESTS; i++)
        if (strcmp(digests[i], digest) == 0)
            return c->mds[i];
    return NULL;
}

static EVP_MAC_CTX *prepare(struct recipe_context *c, const char *digest, const struct key *k)
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(c->hmac);
    /* OSSL_PARAM takes char *, but reads only. */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (mac && EVP_MAC_init(mac, k->secret, k->n_secret, params) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

/* A context at the beginning of a MAC under k; NULL when OpenSSL refuses. */
static EVP_MAC_CTX *begin(struct recipe_context *c, const char *digest, const struct key *k)
{
    size_t i = k->serial % CONTEXT_KEYS;
    if (c->slots[i].serial == k->serial && strcmp(c->slots[i].digest, digest) == 0)
        return EVP_MAC_init(c->slots[i].keyed, NULL, 0, NULL) == 1 ? c->slots[i].keyed : NULL;
    EVP_MAC_CTX *mac = k->secret ? prepare(c, digest, k) : NULL;
    if (!mac)
        return NULL;
    EVP_MAC_CTX_free(c->slots[i].keyed);
    c->slots[i].keyed = mac;
    c->slots[i].serial = k->serial;
    c->slots[i].digest = digest;
    return mac;
}

enum err mac_parts(struct recipe_context *c, const char *digest, const struct key *k, const struct parts *p,
                   unsigned char out[MAC_BYTES_MAX], size_t *n)
{
    EVP_MAC_CTX *mac = begin(c, digest, k);
    if (!mac)
        return ERR_INTERNAL;
    for (size_t i = 0; i < p->n; i++)
        if (p->part[i].n > 0 && EVP_MAC_update(mac, (const unsigned char *)p->part[i].p, p->part[i].n) != 1)
            return ERR_INTERNAL;
    return EVP_MAC_final(mac, out, n, MAC_BYTES_MAX) == 1 ? ERR_OK : ERR_INTERNAL;
}

enum err mac_span(struct recipe_context *c, const char *digest, const struct key *k, struct span text,
                  unsigned char out[MAC_BYTES_MAX], size_t *n)
{
    EVP_MAC_CTX *mac = begin(c, digest, k);
    if (!mac || (text.n > 0 && EVP_MAC_update(mac, (const unsigned char *)text.p, text.n) != 1))
        return ERR_INTERNAL;
    return EVP_MAC_final(mac, out, n, MAC_BYTES_MAX) == 1 ? ERR_OK : ERR_INTERNAL;
}

enum err mac_digest(struct recipe_context *c, const char *digest, const struct parts *p, unsigned char out[MAC_BYTES_MAX],
                    size_t *n)
{
    unsigned bytes;
    if (EVP_DigestInit_ex2(c->md, mac_md(c, digest), NULL) != 1)
        return ERR_INTERNAL;
    for (size_t i = 0; i < p->n; i++)
        if (p->part[i].n > 0 && EVP_DigestUpdate(c->md, p->part[i].p, p->part[i].n) != 1)
            return ERR_INTERNAL;
    if (EVP_DigestFinal_ex(c->md, out, &bytes) != 1)
        return ERR_INTERNAL;
    *n = bytes;
    return ERR_OK;
}
