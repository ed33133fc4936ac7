/* SPDX-License-Identifier: MIT
 * key: decodes keys the ways providers write them. Owns a keyring's memory; the caller's copy of a secret is the
 * caller's to wipe. Never says a key's bytes in a message.
 */
#include "recipe/key.h"

#include <ctype.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/codec.h"
#include "base/nearest.h"

/* Decodes text into out; *n bytes. ERR_INVALID, ERR_NO_ROOM. */
typedef enum err (*key_decoder)(struct span text, unsigned char *out, size_t cap, size_t *n);

static enum err decode_utf8(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    if (text.n > cap)
        return ERR_NO_ROOM;
    if (text.n)
        memcpy(out, text.p, text.n);
    *n = text.n;
    return ERR_OK;
}

static enum err decode_hex(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    return hex_decode(text, out, cap, n);
}

/* People lose the padding of base64 keys, and with it what the unused bits were: both are forgiven, for keys only. */
static enum err decode_base64(struct span text, unsigned char *out, size_t cap, size_t *n)
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

/* The 32 raw bytes of an Ed25519 key; anything else is no key for us. Frees pkey. */
static enum err take_pkey(EVP_PKEY *pkey, unsigned char *out, size_t cap, size_t *n)
{
    size_t len = cap;
    bool ok = pkey && EVP_PKEY_is_a(pkey, "ED25519") && EVP_PKEY_get_raw_public_key(pkey, out, &len) == 1;
    EVP_PKEY_free(pkey);
    if (!ok)
        return ERR_INVALID;
    *n = len;
    return ERR_OK;
}

static enum err decode_spki_pem(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    BIO *bio = text.n > RECIPE_TEXT_MAX ? NULL : BIO_new_mem_buf(text.p, (int)text.n);
    if (!bio)
        return ERR_INVALID;
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return take_pkey(pkey, out, cap, n);
}

static enum err decode_spki_base64(struct span text, unsigned char *out, size_t cap, size_t *n)
{
    unsigned char der[256];
    size_t len;
    if (decode_base64(text, der, sizeof der, &len) != ERR_OK)
        return ERR_INVALID;
    const unsigned char *p = der;
    return take_pkey(d2i_PUBKEY(NULL, &p, (long)len), out, cap, n);
}

static const struct key_encoding {
    const char *name;
    unsigned families;
    const char *prefix; /* may stand before the text */
    key_decoder decode;
} encodings[] = {
#define X(name, families, prefix, decode) {name, families, prefix, decode},
#include "recipe/keys.tbl"
#undef X
};
static const char *const encoding_names[] = {
#define X(name, families, prefix, decode) name,
#include "recipe/keys.tbl"
#undef X
};
enum { N_ENCODINGS = sizeof encodings / sizeof *encodings };

static const struct key_encoding *find_encoding(struct span name)
{
    for (size_t i = 0; i < N_ENCODINGS; i++)
        if (span_eq_str(name, encodings[i].name))
            return &encodings[i];
    return NULL;
}

bool key_encoding_known(struct span name, unsigned families)
{
    const struct key_encoding *e = find_encoding(name);
    return e && (e->families & families) != 0;
}

const char *const *key_encoding_names(size_t *n)
{
    *n = N_ENCODINGS;
    return encoding_names;
}

bool key_live(const struct key *k, int64_t now_ms)
{
    return now_ms >= k->not_before_ms && now_ms <= k->not_after_ms;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && isspace((unsigned char)s.p[0]))
        s = span_skip(s, 1);
    while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

static struct span without_prefix(struct span s, const char *prefix, bool *had)
{
    struct span p = span_str(prefix);
    *had = p.n > 0 && span_starts(s, p);
    return *had ? span_skip(s, p.n) : s;
}

static enum err load_hmac(struct key *k, const struct keyring_key *in, const struct key_encoding *enc,
                          unsigned char *room, size_t cap, struct why *w)
{
    bool had;
    if (in->is_public)
        return why_set(w, ERR_INVALID, "key %s: this recipe proves itself by a shared secret: give it as secret_file",
                       in->id);
    struct span text = enc->decode == decode_utf8 ? in->raw : without_prefix(trim(in->raw), enc->prefix, &had);
    if (enc->decode(text, room, cap, &k->n_secret) != ERR_OK)
        return why_set(w, ERR_INVALID, "key %s: its text is not %s", in->id, enc->name);
    if (k->n_secret == 0)
        return why_set(w, ERR_INVALID, "key %s is empty", in->id);
    k->kind = KEY_SECRET;
    k->secret = room;
    return ERR_OK;
}

/* The private half, as seed or as seed and public key together (libsodium's 64-byte form, Standard Webhooks' whsk_). */
static enum err take_private(struct key *k, const char *id, bool marked, unsigned char *room, size_t n, struct why *w)
{
    unsigned char made[KEY_PRIVATE_BYTES];
    if (n != KEY_SEED_BYTES && n != KEY_PRIVATE_BYTES)
        return why_set(w, ERR_INVALID, "key %s: %zu bytes where a private Ed25519 key has 32 or 64", id, n);
    /* Every public key is such a point, of all seeds one in sixteen: never take the one for the other in silence. */
    if (n == KEY_SEED_BYTES && !marked && crypto_core_ed25519_is_valid_point(room))
        return why_set(w, ERR_INVALID,
                       "key %s reads like a public key: give it as public_key_file; if it is the private one, write "
                       "whsk_ before it",
                       id);
    crypto_sign_seed_keypair(k->public_key, made, room);
    bool agrees = n == KEY_SEED_BYTES || sodium_memcmp(made, room, sizeof made) == 0;
    memcpy(room, made, sizeof made);
    sodium_memzero(made, sizeof made);
    if (!agrees)
        return why_set(w, ERR_INVALID, "key %s: the halves of this private key do not belong together", id);
    k->secret = room;
    k->n_secret = KEY_PRIVATE_BYTES;
    return ERR_OK;
}

static enum err load_ed25519(struct key *k, const struct keyring_key *in, const struct key_encoding *enc,
                             unsigned char *room, size_t cap, struct why *w)
{
    bool marked_private, marked_public;
    size_t n;
    k->kind = KEY_ED25519;
    struct span text = without_prefix(trim(in->raw), "whsk_", &marked_private);
    text = without_prefix(text, enc->prefix, &marked_public);
    if (marked_private && in->is_public)
        return why_set(w, ERR_INVALID, "key %s is a private key: give the public one (whpk_…) as public_key_file",
                       in->id);
    if (enc->decode(text, room, cap, &n) != ERR_OK)
        return why_set(w, ERR_INVALID, "key %s: its text is not %s", in->id, enc->name);
    bool spki = enc->decode == decode_spki_pem || enc->decode == decode_spki_base64;
    if (!in->is_public && !marked_public && !spki)
        return take_private(k, in->id, marked_private, room, n, w);
    if (n != KEY_PUBLIC_BYTES)
        return why_set(w, ERR_INVALID, "key %s: %zu bytes where a public Ed25519 key has 32", in->id, n);
    if (!crypto_core_ed25519_is_valid_point(room))
        return why_set(w, ERR_INVALID, "key %s is not a point an Ed25519 key can be", in->id);
    memcpy(k->public_key, room, KEY_PUBLIC_BYTES);
    return ERR_OK;
}

static enum err load_key(const struct recipe *r, struct key *k, const struct keyring_key *in, unsigned char *room,
                         size_t cap, struct why *w)
{
    static atomic_uint_fast64_t serials = 1;
    const char *name = in->encoding ? in->encoding : r->key_encoding;
    const struct key_encoding *enc = find_encoding(span_str(name));
    if (!enc) {
        size_t n;
        const char *const *names = key_encoding_names(&n);
        const char *near = nearest_word(span_str(name), names, n);
        return why_set(w, ERR_INVALID, "key %s: there is no key encoding '%s'%s%s", in->id, name,
                       near ? ", did you mean " : "", near ? near : "");
    }
    if (!(enc->families & (unsigned)r->algorithm->family))
        return why_set(w, ERR_INVALID, "key %s: key encoding %s does not go with %s", in->id, enc->name,
                       r->algorithm->name);
    k->serial = atomic_fetch_add(&serials, 1);
    k->not_before_ms = in->not_before_ms;
    k->not_after_ms = in->not_after_ms;
    return enc->families & FAMILY_HMAC ? load_hmac(k, in, enc, room, cap, w) : load_ed25519(k, in, enc, room, cap, w);
}

/* What a key's decoded form can take at most: no encoding makes bytes more, but a private key is always kept whole. */
static size_t room_of(const struct keyring_key *in)
{
    return in->raw.n > KEY_PRIVATE_BYTES ? in->raw.n : KEY_PRIVATE_BYTES;
}

static enum err allocate(struct keyring *k, const struct keyring_key *keys, size_t n)
{
    size_t secrets = 0, ids = 1;
    for (size_t i = 0; i < n; i++) {
        secrets += room_of(&keys[i]);
        ids += strlen(keys[i].id) + 1;
    }
    k->keys = calloc(n + 1, sizeof *k->keys);
    k->ids = calloc(1, ids);
    k->secrets = n > 0 ? sodium_malloc(secrets) : NULL;
    return k->keys && k->ids && (k->secrets || n == 0) ? ERR_OK : ERR_NO_MEMORY;
}

enum err keyring_new(const struct recipe *r, const struct keyring_key *keys, size_t n, struct keyring **out,
                     struct why *w)
{
    if (sodium_init() < 0)
        return why_set(w, ERR_SYSTEM, "libsodium cannot start");
    if (r->none && n > 0)
        return why_set(w, ERR_INVALID, "recipe %s takes no keys", r->name);
    if (!r->none && n == 0 && !recipe_fetches_keys(r) && !recipe_stores_secret(r))
        return why_set(w, ERR_INVALID, "recipe %s needs at least one key", r->name);
    struct keyring *k = calloc(1, sizeof *k);
    if (!k)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    enum err e = allocate(k, keys, n);
    if (e != ERR_OK) {
        why_set(w, e, "out of memory for keys");
        goto out;
    }
    unsigned char *room = k->secrets;
    char *ids = k->ids;
    for (size_t i = 0; i < n; i++) {
        size_t id_n = strlen(keys[i].id) + 1;
        k->keys[i].id = memcpy(ids, keys[i].id, id_n);
        ids += id_n;
        e = load_key(r, &k->keys[i], &keys[i], room, room_of(&keys[i]), w);
        if (e != ERR_OK)
            goto out;
        room += room_of(&keys[i]);
        k->n++;
    }
    if (k->secrets)
        sodium_mprotect_readonly(k->secrets);
    *out = k;
    k = NULL;
out:
    keyring_free(k);
    return e;
}

void keyring_free(struct keyring *k)
{
    if (!k)
        return;
    sodium_free(k->secrets);
    free(k->keys);
    free(k->ids);
    free(k);
}
