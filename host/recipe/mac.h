/* SPDX-License-Identifier: MIT
 * mac: a thread's struct recipe_context: prepared HMAC contexts by key, and one digest context. Beginning a MAC from a
 * keyed context costs a third of keying one. One thread each.
 */
#ifndef CREEL_RECIPE_MAC_H
#define CREEL_RECIPE_MAC_H

#include <openssl/types.h>

#include "recipe/key.h"
#include "recipe/value.h"

enum { MAC_BYTES_MAX = 64 };

/* The MAC of the parts, one behind the other, under k. ERR_INTERNAL when OpenSSL refuses (out of memory). */
enum err mac_parts(struct recipe_context *c, const char *digest, const struct key *k, const struct parts *p,
                   unsigned char out[MAC_BYTES_MAX], size_t *n);
/* The MAC of one text under k; digest: a literal, as OpenSSL calls it. */
enum err mac_span(struct recipe_context *c, const char *digest, const struct key *k, struct span text,
                  unsigned char out[MAC_BYTES_MAX], size_t *n);
/* Their plain digest. */
enum err mac_digest(struct recipe_context *c, const char *digest, const struct parts *p, unsigned char out[MAC_BYTES_MAX],
                    size_t *n);
/* This thread's digest context, for one operation at a time, and a digest that was fetched once ("SHA1", "SHA256",
 * "SHA384", "SHA512"); NULL: OpenSSL does not have it. */
EVP_MD_CTX *mac_md_context(struct recipe_context *c);
EVP_MD *mac_md(struct recipe_context *c, const char *digest);

#endif
