/* SPDX-License-Identifier: MIT
 * key_text: from the text of a key to its bytes. Keeps nothing; intermediate copies are wiped.
 */
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <uninorm.h>

#include "base/codec.h"
#include "recipe/key_parts.h"

enum err key_text_utf8(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    if (text.n > cap)
        return ERR_NO_ROOM;
    if (text.n)
        memcpy(out, text.p, text.n);
    *n = text.n;
    return ERR_OK;
}

enum err key_text_hex(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    return hex_decode(text, out, cap, n);
}

/* People lose the padding of base64 keys, and with it what the unused bits were: both are forgiven, for keys only. */
enum err key_text_base64(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    size_t odd = text.n % 4;
    if (odd == 0)
        return base64_decode_unpadded(text, out, cap, n);
    const char *last = odd == 1 || !text.p[text.n - 1] ? NULL : strchr(alphabet, text.p[text.n - 1]);
    if (!last)
        return ERR_INVALID;
    char tail[4];
    size_t head_n, tail_n;
    enum err e = base64_decode_unpadded(span_of(text.p, text.n - odd), out, cap, &head_n);
    if (e != ERR_OK)
        return e;
    memcpy(tail, text.p + text.n - odd, odd);
    tail[odd - 1] = alphabet[(size_t)(last - alphabet) & (odd == 2 ? ~(size_t)15 : ~(size_t)3)];
    e = base64_decode_unpadded(span_of(tail, odd), out + head_n, cap - head_n, &tail_n);
    sodium_memzero(tail, sizeof tail);
    if (e == ERR_OK)
        *n = head_n + tail_n;
    return e;
}

enum err key_text_sha1(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    unsigned got = 0;
    if (cap < EVP_MAX_MD_SIZE || text.n == 0)
        return text.n == 0 ? ERR_INVALID : ERR_NO_ROOM;
    if (EVP_Digest(text.p, text.n, out, &got, EVP_sha1(), NULL) != 1)
        return ERR_INTERNAL;
    *n = got;
    return ERR_OK;
}

/* libunistring writes into the room it is given as long as that suffices. */
enum err key_text_nfkd(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    size_t got = cap;
    if (text.n == 0 || !utf8_valid(text))
        return ERR_INVALID;
    uint8_t *made = u8_normalize(UNINORM_NFKD, (const uint8_t *)text.p, text.n, out, &got);
    if (!made)
        return ERR_NO_MEMORY;
    enum err e = got <= cap ? ERR_OK : ERR_NO_ROOM;
    if (made != out) {
        if (e == ERR_OK)
            memcpy(out, made, got);
        sodium_memzero(made, got);
        free(made);
    }
    if (e == ERR_OK)
        *n = got;
    return e;
}
