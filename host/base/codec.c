/* SPDX-License-Identifier: MIT
 * codec: UTF-8, hex, base64, CRC32C. Owns nothing; any thread.
 */
#include "base/codec.h"

#include <sodium.h>

size_t utf8_sequence(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* The top bit of each byte of the result says that this byte of word is no plain one. Bytes with the top bit set are not plain
 * themselves, so that the carries they cause in the tests of others only ever make those tests too strict. */
static uint64_t not_plain(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    uint64_t found = word;                    /* not ASCII */
    found |= (word - ones * 0x20) & ~word;    /* below 0x20 */
    found |= word + ones;                     /* 0x7f */
    found |= (quote - ones) & ~quote;         /* a zero byte, as in Hacker's Delight 6-1 */
    found |= (backslash - ones) & ~backslash;
    return found & tops;
}

static bool plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t ascii_plain(struct span s)
{
    size_t i = 0;
    for (uint64_t word; s.n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        if (not_plain(word))
            break;
    }
    while (i < s.n && plain((unsigned char)s.p[i]))
        i++;
    return i;
}

bool utf8_valid(struct span s)
{
    size_t i = 0;
    while (i < s.n) {
        uint64_t word;
        if (s.n - i >= sizeof word) {
            memcpy(&word, s.p + i, sizeof word);
            if (!(word & UINT64_C(0x8080808080808080))) {
                i += sizeof word;
                continue;
            }
        }
        size_t len = utf8_sequence(span_skip(s, i));
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

enum err hex_decode(struct span in, void *out, size_t cap, size_t *n)
{
    if (in.n % 2)
        return ERR_INVALID;
    if (in.n / 2 > cap)
        return ERR_NO_ROOM;
    const char *end;
    size_t len;
    if (sodium_hex2bin(out, cap, in.p, in.n, NULL, &len, &end) != 0 || end != in.p + in.n)
        return ERR_INVALID;
    *n = len;
    return ERR_OK;
}

static enum err base64_any(struct span in, void *out, size_t cap, size_t *n, int variant)
{
    const char *end;
    size_t len = in.n;
    while (len && in.n - len < 2 && in.p[len - 1] == '=')
        len--;
    if (len / 4 * 3 + len % 4 * 3 / 4 > cap)
        return ERR_NO_ROOM;
    if (sodium_base642bin(out, cap, in.p, in.n, NULL, &len, &end, variant) != 0 || end != in.p + in.n)
        return ERR_INVALID;
    *n = len;
    return ERR_OK;
}

enum err base64_decode(struct span in, void *out, size_t cap, size_t *n)
{
    return base64_any(in, out, cap, n, sodium_base64_VARIANT_ORIGINAL);
}

enum err base64_decode_unpadded(struct span in, void *out, size_t cap, size_t *n)
{
    return base64_any(in, out, cap, n, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

enum err base64url_decode(struct span in, void *out, size_t cap, size_t *n)
{
    return base64_any(in, out, cap, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

size_t hex_encode(const void *p, size_t n, char *out)
{
    sodium_bin2hex(out, 2 * n + 1, p, n);
    return 2 * n;
}

size_t base64_encode(const void *p, size_t n, char *out)
{
    sodium_bin2base64(out, base64_size(n), p, n, sodium_base64_VARIANT_ORIGINAL);
    return base64_size(n) - 1;
}

static uint32_t crc_bytes(uint32_t crc, const unsigned char *p, size_t n)
{
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (UINT32_C(0x82f63b78) & -(crc & 1));
    }
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    crc = (uint32_t)c;
    while (n--)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    crc = ~crc;
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_sse42(crc, p, n);
#endif
    return ~crc_bytes(crc, p, n);
}
