/* SPDX-License-Identifier: MIT
 * filter_digest: digests and MACs of a value.
 */
#include "recipe/filter_parts.h"

#include "base/codec.h"
#include "recipe/hash.h"

enum form { HEX, BASE64 };

static enum err put(const struct filter_call *c, const unsigned char *digest, size_t n, enum form form,
                    struct span *out)
{
    char *text = arena_alloc(c->a, 2 * n + 1); /* the longer of both */
    if (!text)
        return ERR_NO_ROOM;
    *out = span_of(text, form == HEX ? hex_encode(digest, n, text) : base64_encode_public(digest, n, text));
    return ERR_OK;
}

static enum err digest(const struct filter_call *c, enum hash_kind kind, enum form form, struct span *out)
{
    unsigned char bytes[HASH_BYTES_MAX];
    hash_texts(kind, &c->in, 1, bytes);
    return put(c, bytes, hash_bytes(kind), form, out);
}

enum err filter_sha256(const struct filter_call *c, struct span *out)
{
    return digest(c, HASH_SHA256, HEX, out);
}

enum err filter_sha1(const struct filter_call *c, struct span *out)
{
    return digest(c, HASH_SHA1, HEX, out);
}

enum err filter_sha512(const struct filter_call *c, struct span *out)
{
    return digest(c, HASH_SHA512, HEX, out);
}

enum err filter_sha256_base64(const struct filter_call *c, struct span *out)
{
    return digest(c, HASH_SHA256, BASE64, out);
}

static enum err mac(const struct filter_call *c, enum hash_kind kind, enum form form, struct span *out)
{
    unsigned char bytes[HASH_BYTES_MAX];
    hash_hmac(kind, span_of((const char *)c->key->secret, c->key->n_secret), &c->in, 1, bytes);
    return put(c, bytes, hash_bytes(kind), form, out);
}

enum err filter_hmac_sha256_hex(const struct filter_call *c, struct span *out)
{
    return mac(c, HASH_SHA256, HEX, out);
}

enum err filter_hmac_sha256_base64(const struct filter_call *c, struct span *out)
{
    return mac(c, HASH_SHA256, BASE64, out);
}

enum err filter_hmac_sha1_hex(const struct filter_call *c, struct span *out)
{
    return mac(c, HASH_SHA1, HEX, out);
}

/* What a byte does to the register, made from the 16 values for half of one. */
static void crc32_bytes(uint32_t table[256])
{
    static const uint32_t half[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                      0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                      0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i >> 4 ^ half[i & 15];
        table[i] = crc >> 4 ^ half[crc & 15];
    }
}

static uint32_t crc32(struct span s)
{
    uint32_t crc = UINT32_MAX, table[256];
    crc32_bytes(table);
    for (size_t i = 0; i < s.n; i++)
        crc = crc >> 8 ^ table[(crc ^ (unsigned char)s.p[i]) & 0xff];
    return ~crc;
}

enum err filter_crc32(const struct filter_call *c, struct span *out)
{
    struct buf b = arena_open(c->a);
    buf_put_u64(&b, crc32(c->in));
    return filter_done(c, &b, out);
}
