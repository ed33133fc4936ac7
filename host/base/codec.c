/* SPDX-License-Identifier: MIT
 * codec: hex, base64, CRC32C; UTF-8 is in utf8.c. Owns nothing; any thread.
 */
#include "base/codec.h"

#include <sodium.h>

/* Without branches or look-ups that depend on the digit: what is decoded may be a key. */
static unsigned hex_value(unsigned char c, unsigned *bad)
{
    unsigned digit = c - (unsigned)'0', letter = (c | 0x20u) - 'a';
    unsigned is_digit = -(unsigned)(digit < 10), is_letter = -(unsigned)(letter < 6);
    *bad |= ~(is_digit | is_letter);
    return (digit & is_digit) | ((letter + 10) & is_letter);
}

enum err hex_decode(struct span in, void *out, size_t cap, size_t *n)
{
    if (in.n % 2)
        return ERR_INVALID;
    if (in.n / 2 > cap)
        return ERR_NO_ROOM;
    unsigned bad = 0;
    for (size_t i = 0; i < in.n; i += 2) {
        unsigned high = hex_value((unsigned char)in.p[i], &bad), low = hex_value((unsigned char)in.p[i + 1], &bad);
        ((unsigned char *)out)[i / 2] = (unsigned char)(high << 4 | low);
    }
    if (bad)
        return ERR_INVALID;
    *n = in.n / 2;
    return ERR_OK;
}

/* libsodium takes every byte from 0x80 on for the last digit. */
static bool is_ascii(struct span s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.n; i++)
        all |= (unsigned char)s.p[i];
    return all < 0x80;
}

static enum err base64_any(struct span in, void *out, size_t cap, size_t *n, int variant)
{
    const char *end;
    size_t len = in.n;
    while (len && in.n - len < 2 && in.p[len - 1] == '=')
        len--;
    if (len / 4 * 3 + len % 4 * 3 / 4 > cap)
        return ERR_NO_ROOM;
    if (!is_ascii(in) || sodium_base642bin(out, cap, in.p, in.n, NULL, &len, &end, variant) != 0 || end != in.p + in.n)
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

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode_public(const void *p, size_t n, char *out)
{
    const unsigned char *in = p;
    char *to = out;
    for (; n >= 3; n -= 3, in += 3) {
        *to++ = base64_digits[in[0] >> 2];
        *to++ = base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
        *to++ = base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
        *to++ = base64_digits[in[2] & 63];
    }
    if (n) {
        unsigned char second = n > 1 ? in[1] : 0;
        *to++ = base64_digits[in[0] >> 2];
        *to++ = base64_digits[(in[0] & 3) << 4 | second >> 4];
        *to++ = n > 1 ? base64_digits[(second & 15) << 2] : '=';
        *to++ = '=';
    }
    *to = 0;
    return (size_t)(to - out);
}

/* What a digit stands for; from 64 on it is none. */
static inline unsigned base64_value(char c)
{
    static const unsigned char values[256] = {
#define V(c, v) [(unsigned char)(c)] = (v) + 1
        V('A', 0),  V('B', 1),  V('C', 2),  V('D', 3),  V('E', 4),  V('F', 5),  V('G', 6),  V('H', 7),
        V('I', 8),  V('J', 9),  V('K', 10), V('L', 11), V('M', 12), V('N', 13), V('O', 14), V('P', 15),
        V('Q', 16), V('R', 17), V('S', 18), V('T', 19), V('U', 20), V('V', 21), V('W', 22), V('X', 23),
        V('Y', 24), V('Z', 25), V('a', 26), V('b', 27), V('c', 28), V('d', 29), V('e', 30), V('f', 31),
        V('g', 32), V('h', 33), V('i', 34), V('j', 35), V('k', 36), V('l', 37), V('m', 38), V('n', 39),
        V('o', 40), V('p', 41), V('q', 42), V('r', 43), V('s', 44), V('t', 45), V('u', 46), V('v', 47),
        V('w', 48), V('x', 49), V('y', 50), V('z', 51), V('0', 52), V('1', 53), V('2', 54), V('3', 55),
        V('4', 56), V('5', 57), V('6', 58), V('7', 59), V('8', 60), V('9', 61), V('+', 62), V('/', 63),
#undef V
    };
    return values[(unsigned char)c] - 1u;
}

enum err base64_decode_public(struct span in, void *out, size_t cap, size_t *n)
{
    unsigned char *to = out;
    size_t pad = in.n && in.p[in.n - 1] == '=' ? 1 + (in.n > 1 && in.p[in.n - 2] == '=') : 0;
    if (in.n % 4)
        return ERR_INVALID;
    if (in.n / 4 * 3 - pad > cap)
        return ERR_NO_ROOM;
    for (size_t i = 0; i < in.n; i += 4) {
        size_t kept = i + 4 == in.n ? 4 - pad : 4; /* digits of this group */
        unsigned a = base64_value(in.p[i]), b = base64_value(in.p[i + 1]);
        unsigned c = kept > 2 ? base64_value(in.p[i + 2]) : 0, d = kept > 3 ? base64_value(in.p[i + 3]) : 0;
        unsigned bits = a << 18 | b << 12 | c << 6 | d;
        if ((a | b | c | d) > 63 || (kept == 2 && bits & 0xffff) || (kept == 3 && bits & 0xff))
            return ERR_INVALID;
        *to++ = (unsigned char)(bits >> 16);
        if (kept > 2)
            *to++ = (unsigned char)(bits >> 8);
        if (kept > 3)
            *to++ = (unsigned char)bits;
    }
    *n = (size_t)(to - (unsigned char *)out);
    return ERR_OK;
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
