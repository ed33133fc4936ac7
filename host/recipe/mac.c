/* SPDX-License-Identifier: MIT
 * mac: signatures by shared secrets, and what a thread has fetched from OpenSSL. Keeps nothing of a key.
 */
#include "recipe/mac.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "recipe/hash.h"

struct recipe_context {
    EVP_MD_CTX *md;
    EVP_MD *mds[HASH_KINDS]; /* NULL: OpenSSL does not have it */
};

enum err recipe_context_new(struct recipe_context **out)
{
    struct recipe_context *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NO_MEMORY;
    c->md = EVP_MD_CTX_new();
    for (enum hash_kind i = 0; i < HASH_KINDS; i++)
        c->mds[i] = EVP_MD_fetch(NULL, hash_name(i), NULL);
    if (!c->md) {
        recipe_context_free(c);
        return ERR_NO_MEMORY;
    }
    *out = c;
    return ERR_OK;
}

void recipe_context_free(struct recipe_context *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < HASH_KINDS; i++)
        EVP_MD_free(c->mds[i]);
    EVP_MD_CTX_free(c->md);
    free(c);
}

EVP_MD_CTX *mac_md_context(struct recipe_context *c)
{
    return c->md;
}

EVP_MD *mac_md(struct recipe_context *c, const char *digest)
{
    enum hash_kind kind = hash_named(digest);
    return kind < HASH_KINDS ? c->mds[kind] : NULL;
}

static enum err mac_texts(const char *digest, const struct key *k, const struct span *texts, size_t n_texts,
                          unsigned char out[MAC_BYTES_MAX], size_t *n)
{
    enum hash_kind kind = hash_named(digest);
    if (kind == HASH_KINDS || !k->secret)
        return ERR_INTERNAL;
    hash_hmac(kind, span_of((const char *)k->secret, k->n_secret), texts, n_texts, out);
    *n = hash_bytes(kind);
    return ERR_OK;
}

enum err mac_parts(const char *digest, const struct key *k, const struct parts *p, unsigned char out[MAC_BYTES_MAX],
                   size_t *n)
{
    return mac_texts(digest, k, p->part, p->n, out, n);
}

enum err mac_span(const char *digest, const struct key *k, struct span text, unsigned char out[MAC_BYTES_MAX],
                  size_t *n)
{
    return mac_texts(digest, k, &text, 1, out, n);
}

enum err mac_digest(const char *digest, const struct parts *p, unsigned char out[MAC_BYTES_MAX], size_t *n)
{
    enum hash_kind kind = hash_named(digest);
    if (kind == HASH_KINDS)
        return ERR_INTERNAL;
    hash_texts(kind, p->part, p->n, out);
    *n = hash_bytes(kind);
    return ERR_OK;
}
