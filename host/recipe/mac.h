/* SPDX-License-Identifier: MIT
 * mac: signatures by shared secrets, which never ask for memory; and a thread's struct recipe_context: what OpenSSL wants
 * to be fetched once for all else. One thread each.
 */
#ifndef CREEL_RECIPE_MAC_H
#define CREEL_RECIPE_MAC_H

#include <openssl/types.h>

#include "recipe/key.h"
#include "recipe/value.h"

enum { MAC_BYTES_MAX = 64 };

/* The MAC of the parts, one behind the other, under k; digest: a literal, as OpenSSL calls it. ERR_INTERNAL:
 * there is no such digest, or k has no secret. */
enum err mac_parts(const char *digest, const struct key *k, const struct parts *p, unsigned char out[MAC_BYTES_MAX],
                   size_t *n);
/* The MAC of one text under k. */
enum err mac_span(const char *digest, const struct key *k, struct span text, unsigned char out[MAC_BYTES_MAX],
                  size_t *n);
/* Their plain digest. */
enum err mac_digest(const char *digest, const struct parts *p, unsigned char out[MAC_BYTES_MAX], size_t *n);
/* This thread's digest context, for one operation at a time, and a digest that was fetched once ("SHA1", "SHA256",
 * "SHA384", "SHA512"); NULL: OpenSSL does not have it. */
EVP_MD_CTX *mac_md_context(struct recipe_context *c);
EVP_MD *mac_md(struct recipe_context *c, const char *digest);

#endif
