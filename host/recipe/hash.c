/* SPDX-License-Identifier: MIT
 * hash: a table of OpenSSL's SHA functions. Leaves nothing of a key or text on the stack.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* of these functions, in favour of EVP, which asks for memory */
#include "recipe/hash.h"

#include <openssl/sha.h>
#include <sodium.h>

static const struct {
    const char *name;
    size_t block_bytes, bytes;
} kinds[] = {
    [HASH_SHA1] = {"SHA1", SHA_CBLOCK, SHA_DIGEST_LENGTH},
    [HASH_SHA256] = {"SHA256", SHA256_CBLOCK, SHA256_DIGEST_LENGTH},
    [HASH_SHA384] = {"SHA384", SHA512_CBLOCK, SHA384_DIGEST_LENGTH},
    [HASH_SHA512] = {"SHA512", SHA512_CBLOCK, SHA512_DIGEST_LENGTH},
};
enum { BLOCK_BYTES_MAX = SHA512_CBLOCK };

/* One message on its way. */
struct hash {
    enum hash_kind kind;
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
        SHA512_CTX sha512; /* and SHA-384 */
    } u;
};

const char *hash_name(enum hash_kind kind)
{
    return kind < HASH_KINDS ? kinds[kind].name : NULL;
}

enum hash_kind hash_named(const char *name)
{
    enum hash_kind kind = HASH_SHA1;
    while (kind < HASH_KINDS && strcmp(kinds[kind].name, name) != 0)
        kind++;
    return kind;
}

size_t hash_bytes(enum hash_kind kind)
{
    return kinds[kind].bytes;
}

static void begin(struct hash *h, enum hash_kind kind)
{
    h->kind = kind;
    if (kind == HASH_SHA1)
        SHA1_Init(&h->u.sha1);
    else if (kind == HASH_SHA256)
        SHA256_Init(&h->u.sha256);
    else if (kind == HASH_SHA384)
        SHA384_Init(&h->u.sha512);
    else
        SHA512_Init(&h->u.sha512);
}

static void add(struct hash *h, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (h->kind == HASH_SHA1)
        SHA1_Update(&h->u.sha1, p, n);
    else if (h->kind == HASH_SHA256)
        SHA256_Update(&h->u.sha256, p, n);
    else
        SHA512_Update(&h->u.sha512, p, n);
}

static void end(struct hash *h, unsigned char *out)
{
    if (h->kind == HASH_SHA1)
        SHA1_Final(out, &h->u.sha1);
    else if (h->kind == HASH_SHA256)
        SHA256_Final(out, &h->u.sha256);
    else
        SHA512_Final(out, &h->u.sha512);
    sodium_memzero(h, sizeof *h);
}

static void add_texts(struct hash *h, const struct span *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(h, texts[i].p, texts[i].n);
}

void hash_texts(enum hash_kind kind, const struct span *texts, size_t n, unsigned char out[HASH_BYTES_MAX])
{
    struct hash h;
    begin(&h, kind);
    add_texts(&h, texts, n);
    end(&h, out);
}

void hash_hmac(enum hash_kind kind, struct span key, const struct span *texts, size_t n,
               unsigned char out[HASH_BYTES_MAX])
{
    enum { INNER = 0x36, OUTER = 0x5c };
    const size_t block_bytes = kinds[kind].block_bytes;
    unsigned char block[BLOCK_BYTES_MAX] = {0};
    struct hash h;
    if (key.n > block_bytes)
        hash_texts(kind, &key, 1, block);
    else if (key.n > 0)
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < block_bytes; i++)
        block[i] ^= INNER;
    begin(&h, kind);
    add(&h, block, block_bytes);
    add_texts(&h, texts, n);
    end(&h, out);
    for (size_t i = 0; i < block_bytes; i++)
        block[i] ^= INNER ^ OUTER;
    begin(&h, kind);
    add(&h, block, block_bytes);
    add(&h, out, kinds[kind].bytes);
    end(&h, out);
    sodium_memzero(block, sizeof block);
}
