/* SPDX-License-Identifier: MIT
 * codec: the byte encodings everybody needs: UTF-8 checking, hex, base64, CRC32C. The work of hex and base64 is
 * libsodium's (constant time). Any thread, no state.
 */
#ifndef CREEL_BASE_CODEC_H
#define CREEL_BASE_CODEC_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

/* Valid UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool utf8_valid(struct span s);
/* Bytes of the first sequence in s: 1 to 4, or 0 when it is not valid UTF-8. s.n > 0. */
size_t utf8_sequence(struct span s);

/* Decode into out (capacity cap); *n bytes written. ERR_INVALID on anything that is not the canonical form (odd length,
 * a foreign character, wrong padding, unused bits set), ERR_NO_ROOM when out is too small. Output untouched on failure
 * except that out's bytes may have been written. */
enum err hex_decode(struct span in, void *out, size_t cap, size_t *n);              /* either case */
enum err base64_decode(struct span in, void *out, size_t cap, size_t *n);           /* padded, RFC 4648 section 4 */
enum err base64_decode_unpadded(struct span in, void *out, size_t cap, size_t *n);  /* no padding */
enum err base64url_decode(struct span in, void *out, size_t cap, size_t *n);        /* unpadded, section 5 */

/* Encode; out needs 2n+1 / base64_size(n) bytes and is terminated. Returns the length without the terminator. */
size_t hex_encode(const void *p, size_t n, char *out);
size_t base64_encode(const void *p, size_t n, char *out);
static inline size_t base64_size(size_t n)
{
    return (n + 2) / 3 * 4 + 1;
}

/* The same as base64_encode and base64_decode with the same results, ten times as fast and not in constant time: for what
 * is no secret, such as bodies. What is decoded may be put where it is read from. */
size_t base64_encode_public(const void *p, size_t n, char *out);
enum err base64_decode_public(struct span in, void *out, size_t cap, size_t *n);

/* CRC32C (Castagnoli, RFC 3720 appendix B.4), crc = 0 to begin, chainable. Uses SSE4.2 where the processor has it. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
