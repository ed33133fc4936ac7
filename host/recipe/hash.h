/* SPDX-License-Identifier: MIT
 * hash: SHA digests and HMAC (RFC 2104) over several texts, which never ask for memory. What stands behind OpenSSL's EVP
 * does for every message (3.0: twice for an HMAC), so these are its SHA functions. Any thread.
 */
#ifndef CREEL_RECIPE_HASH_H
#define CREEL_RECIPE_HASH_H

#include <stdint.h>
#include "base/span.h"

enum hash_kind { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_KINDS };
enum { HASH_BYTES_MAX = 64 };

/* As OpenSSL calls it: "SHA256"; NULL for HASH_KINDS. */
const char *hash_name(enum hash_kind kind);
/* HASH_KINDS: there is none of that name. */
enum hash_kind hash_named(const char *name);
size_t hash_bytes(enum hash_kind kind);
/* The digest of the texts, one behind the other: hash_bytes of out. */
void hash_texts(enum hash_kind kind, const struct span *texts, size_t n, unsigned char out[HASH_BYTES_MAX]);
/* Their MAC under a key. */
void hash_hmac(enum hash_kind kind, struct span key, const struct span *texts, size_t n,
               unsigned char out[HASH_BYTES_MAX]);

#endif
