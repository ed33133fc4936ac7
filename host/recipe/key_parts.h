/* SPDX-License-Identifier: MIT
 * key_parts: what the files key*.c share: one key's text on its way into a keyring. Nobody else includes this (but the
 * keys' own tests). Runs when a configuration is loaded, one thread.
 */
#ifndef CREEL_RECIPE_KEY_PARTS_H
#define CREEL_RECIPE_KEY_PARTS_H

#include "recipe/key.h"

/* Decodes text into out; *n bytes. ERR_INVALID, ERR_NO_ROOM. */
typedef enum err (*key_decoder)(struct span text, unsigned char *out, size_t cap, size_t *n);

struct key_load {
    struct keyring *ring;         /* gets the keys */
    const struct keyring_key *in; /* what was given; its id begins every message */
    const char *id;               /* the ring's copy of it */
    const char *encoding, *prefix;
    key_decoder decode;
    const struct algorithm *algorithm;
    unsigned char *room; /* locked; what a loader keeps of it, key_keep takes off its beginning */
    size_t room_bytes;   /* at least one key's text times its growth, and KEY_PRIVATE_BYTES */
    struct why *w;
};

/* Loaders: put the keys of the text into the ring. ERR_INVALID with the key's id, what is wrong and the way out;
 * ERR_NO_MEMORY. */
enum err key_load_secret(struct key_load *l);  /* key.c */
enum err key_load_ed25519(struct key_load *l); /* key.c */
enum err key_load_pem(struct key_load *l);     /* key_public.c: SPKI, or PKCS#8 when it is given as a secret */
enum err key_load_der(struct key_load *l);
enum err key_load_x509(struct key_load *l);
enum err key_load_jwk(struct key_load *l); /* key_jwk.c */
enum err key_load_jwks(struct key_load *l);

/* The given text without white space around it. */
struct span key_text(const struct key_load *l);
/* "key ID: …"; returns ERR_INVALID. */
enum err key_fault(const struct key_load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first n bytes of the room are a secret to be kept. */
const unsigned char *key_keep(struct key_load *l, size_t n);
/* A key of this kind with the given id and window. */
struct key key_begin(const struct key_load *l, enum key_kind kind);
/* Into the ring, when the algorithm takes its kind. Takes k->pkey over, also on failure. */
enum err key_add(struct key_load *l, struct key *k);
/* The halves of an Ed25519 key, from 32 bytes of seed at the beginning of the room, as k's. */
void key_expand_seed(struct key_load *l, struct key *k);
/* Does the algorithm take keys of this kind? */
bool key_kind_fits(const struct algorithm *a, enum key_kind kind);
/* "an RSA key" */
const char *key_kind_words(enum key_kind kind);

/* key_public.c: an RSA, EC or Ed25519 key of OpenSSL's into the ring, checked for size and curve. Takes pkey over (NULL:
 * it could not be read). k: kid, alg and window, of key_begin. */
enum err key_take_pkey(struct key_load *l, struct key k, EVP_PKEY *pkey);
/* "P-256", …, or NULL when it is a curve that we take no keys of. */
const char *key_curve(const EVP_PKEY *pkey);

/* key_text.c */
enum err key_text_utf8(struct span text, unsigned char *out, size_t cap, size_t *n);
enum err key_text_hex(struct span text, unsigned char *out, size_t cap, size_t *n);
enum err key_text_base64(struct span text, unsigned char *out, size_t cap, size_t *n);
enum err key_text_sha1(struct span text, unsigned char *out, size_t cap, size_t *n); /* of UTF-8 text (Braintree) */
enum err key_text_nfkd(struct span text, unsigned char *out, size_t cap, size_t *n); /* Unicode's NFKD (EasyPost) */

#endif
