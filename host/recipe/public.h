/* SPDX-License-Identifier: MIT
 * public: RSA and ECDSA signatures by OpenSSL. Any thread with its own struct recipe_context.
 */
#ifndef CREEL_RECIPE_PUBLIC_H
#define CREEL_RECIPE_PUBLIC_H

#include "recipe/key.h"

enum { PUBLIC_SIGNATURE_MAX = 1024 };

/* RSA with PKCS #1 v1.5 padding (RFC 8017 section 8.2) or ECDSA in DER (RFC 3279 section 2.2.3), by the key's kind; no
 * other kind ever matches. digest: "SHA1", "SHA256", "SHA384", "SHA512". ERR_INTERNAL when OpenSSL cannot even begin. */
enum err public_verify(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                       struct span signature, bool *match);
/* RSA with PSS padding, MGF1 and a salt as long as the digest (RFC 7518 section 3.5). */
enum err public_verify_pss(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                           struct span signature, bool *match);
/* Has k, of RSA or an elliptic curve, its private half? */
bool public_is_private(const struct key *k);
/* What public_verify takes. ERR_UNSUPPORTED: k has no private half. */
enum err public_sign(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                     unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n);

/* What public_verify_pss takes. ERR_UNSUPPORTED as well. */
enum err public_sign_pss(struct recipe_context *c, const struct key *k, const char *digest, struct span content,
                         unsigned char out[PUBLIC_SIGNATURE_MAX], size_t *n);

#endif
