/* SPDX-License-Identifier: MIT
 * public: asks OpenSSL. Uses the context's digest context for one operation at a time and leaves it empty, so that it holds
 * no key that somebody else may free; leaves nothing in OpenSSL's queue of errors.
 */
#include "recipe/public.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "recipe/mac.h"

/* A signature that is none of this key's is no error; the reason is of no interest. */
static void leave(EVP_MD_CTX *md)
{
    EVP_MD_CTX_reset(md);
    ERR_clear_error();
}

static bool pad(EVP_PKEY_CTX *padding)
{
    return EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* The context keeps the key of an operation before unless it is emptied. */
static enum err begin(struct recipe_context *c, const struct key *k, const char *digest, bool pss, EVP_MD_CTX **out)
{
    EVP_MD_CTX *md = mac_md_context(c);
    EVP_MD *digest_md = mac_md(c, digest);
    EVP_PKEY_CTX *padding;
    EVP_MD_CTX_reset(md);
    if (!digest_md || EVP_DigestVerifyInit(md, &padding, digest_md, NULL, k->pkey) != 1)
        return ERR_INTERNAL;
    if (pss && !pad(padding))
        return ERR_INTERNAL;
    *out = md;
    return ERR_OK;
}

static enum err verify(struct recipe_context *c, const struct key *k, const char *digest, bool pss, struct span content,
                       struct span signature, bool *match)
{
    EVP_MD_CTX *md = NULL;
    enum err e = begin(c, k, digest, pss, &md);
    if (e == ERR_OK)
        *match = EVP_DigestVerify(md, (const unsigned char *)signature.p, signature.n,
                                  (const unsigned char *)content.p, content.n) == 1;
    leave(mac_md_context(c));
    return e;
}

enum err public_verify(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                       struct span signature, bool *match)
{
    *match = false;
    bool possible = (k->kind == KEY_RSA || k->kind == KEY_EC) && k->pkey && signature.n > 0;
    return possible ? verify(c, k, digest, false, content, signature, match) : ERR_OK;
}

enum err public_verify_pss(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                           struct span signature, bool *match)
{
    *match = false;
    bool possible = k->kind == KEY_RSA && k->pkey && signature.n > 0;
    return possible ? verify(c, k, digest, true, content, signature, match) : ERR_OK;
}

bool public_is_private(const struct key *k)
{
    bool found = k->pkey && i2d_PrivateKey(k->pkey, NULL) > 0;
    ERR_clear_error();
    return found;
}

static enum err sign(struct recipe_context *c, const struct key *k, const char *digest, bool pss, struct span content,
                     unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n)
{
    size_t made = PUBLIC_SIGNATURE_MAX;
    EVP_MD_CTX *md = mac_md_context(c);
    EVP_MD *digest_md = mac_md(c, digest);
    EVP_PKEY_CTX *padding;
    EVP_MD_CTX_reset(md);
    /* OpenSSL begins with a public key too, and notices when it should sign. */
    bool ok = digest_md && EVP_DigestSignInit(md, &padding, digest_md, NULL, k->pkey) == 1 && (!pss || pad(padding)) &&
              EVP_DigestSign(md, out, &made, (const unsigned char *)content.p, content.n) == 1;
    leave(md);
    if (!ok)
        return ERR_UNSUPPORTED;
    *n = made;
    return ERR_OK;
}

enum err public_sign(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                     unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n)
{
    bool possible = (k->kind == KEY_RSA || k->kind == KEY_EC) && k->pkey;
    return possible ? sign(c, k, digest, false, content, out, n) : ERR_UNSUPPORTED;
}

enum err public_sign_pss(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                         unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n)
{
    return k->kind == KEY_RSA && k->pkey ? sign(c, k, digest, true, content, out, n) : ERR_UNSUPPORTED;
}
