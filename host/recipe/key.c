/* SPDX-License-Identifier: MIT
 * key: keyrings, and the keys that are text alone: shared secrets and bare Ed25519 keys. Owns a keyring's memory; the
 * caller's copy of a secret is the caller's to wipe. Never says a key's bytes in a message.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/secrets.h"
#include "recipe/grammar.h"
#include "recipe/key_parts.h"

static const struct key_encoding {
    const char *name;
    unsigned families;
    const char *prefix; /* may stand before the text */
    size_t growth;
    enum err (*load)(struct key_load *l);
    key_decoder decode;
} encodings[] = {
#define X(name, families, prefix, growth, load, decode) {name, families, prefix, growth, load, decode},
#include "recipe/keys.tbl"
#undef X
};
static const char *const encoding_names[] = {
#define X(name, families, prefix, growth, load, decode) name,
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

/* ---- what loaders share ---- */

struct span key_text(const struct key_load *l)
{
    struct span s = l->in->raw;
    while (s.n > 0 && isspace((unsigned char)s.p[0]))
        s = span_skip(s, 1);
    while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

enum err key_fault(const struct key_load *l, const char *fmt, ...)
{
    char reason[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    return why_set(l->w, ERR_INVALID, "key %s: %s", l->in->id, reason);
}

const unsigned char *key_keep(struct key_load *l, size_t n)
{
    const unsigned char *kept = l->room;
    l->room += n;
    l->room_bytes -= n;
    l->ring->secret_bytes += n;
    return kept;
}

struct key key_begin(const struct key_load *l, enum key_kind kind)
{
    return (struct key){.id = l->id,
                        .not_before_ms = l->in->not_before_ms,
                        .not_after_ms = l->in->not_after_ms,
                        .kind = kind};
}

bool key_kind_fits(const struct algorithm *a, enum key_kind kind)
{
    switch (a->family) {
    case FAMILY_ED25519:
        return kind == KEY_ED25519;
    case FAMILY_PUBLIC:
        return kind == (strncmp(a->name, "ecdsa", 5) == 0 ? KEY_EC : KEY_RSA);
    case FAMILY_JWT:
        return true;
    default:
        return kind == KEY_SECRET;
    }
}

const char *key_kind_words(enum key_kind kind)
{
    static const char *const words[] = {[KEY_SECRET] = "a shared secret",
                                        [KEY_ED25519] = "an Ed25519 key",
                                        [KEY_RSA] = "an RSA key",
                                        [KEY_EC] = "an elliptic-curve key"};
    return words[kind];
}

enum err key_add(struct key_load *l, struct key *k)
{
    struct keyring *ring = l->ring;
    enum err e = ERR_OK;
    if (!key_kind_fits(l->algorithm, k->kind))
        e = key_fault(l, "it is %s, which does not go with %s", key_kind_words(k->kind), l->algorithm->name);
    struct key *more = e ? NULL : reallocarray(ring->keys, ring->n + 1, sizeof *more);
    if (!e && !more)
        e = why_set(l->w, ERR_NO_MEMORY, "out of memory for keys");
    if (more)
        ring->keys = more;
    if (e)
        EVP_PKEY_free(k->pkey);
    else
        ring->keys[ring->n++] = *k;
    return e;
}

/* ---- shared secrets ---- */

enum err key_load_secret(struct key_load *l)
{
    struct key k = key_begin(l, KEY_SECRET);
    struct span text = key_text(l);
    if (l->in->is_public)
        return key_fault(l, "this recipe proves itself by a shared secret: give it as secret_file");
    if (span_starts(text, SPAN_LIT("-----BEGIN "))) /* an HMAC keyed with what everybody may know */
        return key_fault(l, "it is a PEM file and no shared secret: key_encoding spki-pem or x509-pem reads it");
    if (l->decode == key_text_utf8)
        text = l->in->raw;
    else if (span_starts(text, span_str(l->prefix)))
        text = span_skip(text, strlen(l->prefix));
    if (text.n > 0 && l->decode(text, l->room, l->room_bytes, &k.n_secret) != ERR_OK)
        return key_fault(l, "its text is not %s", l->encoding);
    if (k.n_secret == 0)
        return why_set(l->w, ERR_INVALID, "key %s is empty", l->in->id);
    k.secret = key_keep(l, k.n_secret);
    return key_add(l, &k);
}

/* ---- Ed25519 ---- */

void key_expand_seed(struct key_load *l, struct key *k)
{
    unsigned char made[KEY_PRIVATE_BYTES];
    crypto_sign_seed_keypair(k->public_key, made, l->room);
    memcpy(l->room, made, sizeof made);
    sodium_memzero(made, sizeof made);
    k->n_secret = KEY_PRIVATE_BYTES;
    k->secret = key_keep(l, KEY_PRIVATE_BYTES);
}

/* The private half, as seed or as seed and public key together (libsodium's 64-byte form, Standard Webhooks' whsk_). */
static enum err take_private(struct key_load *l, struct key *k, bool marked, size_t n)
{
    unsigned char public_half[KEY_PUBLIC_BYTES];
    if (n != KEY_SEED_BYTES && n != KEY_PRIVATE_BYTES)
        return key_fault(l, "%zu bytes where a private Ed25519 key has 32 or 64", n);
    /* Every public key is such a point, of all seeds one in sixteen: never take the one for the other in silence. */
    if (n == KEY_SEED_BYTES && !marked && crypto_core_ed25519_is_valid_point(l->room))
        return why_set(l->w, ERR_INVALID,
                       "key %s reads like a public key: give it as public_key_file; if it is the private one, write "
                       "whsk_ before it",
                       l->in->id);
    if (n == KEY_PRIVATE_BYTES)
        memcpy(public_half, l->room + KEY_SEED_BYTES, sizeof public_half);
    key_expand_seed(l, k);
    if (n == KEY_PRIVATE_BYTES && memcmp(public_half, k->public_key, sizeof public_half) != 0)
        return key_fault(l, "the halves of this private key do not belong together");
    return key_add(l, k);
}

enum err key_load_ed25519(struct key_load *l)
{
    struct key k = key_begin(l, KEY_ED25519);
    struct span text = key_text(l);
    bool marked_private = span_starts(text, SPAN_LIT("whsk_"));
    text = span_skip(text, marked_private ? 5 : 0);
    bool marked_public = *l->prefix && span_starts(text, span_str(l->prefix));
    text = span_skip(text, marked_public ? strlen(l->prefix) : 0);
    size_t n;
    if (marked_private && l->in->is_public)
        return why_set(l->w, ERR_INVALID, "key %s is a private key: give the public one (whpk_…) as public_key_file",
                       l->in->id);
    if (l->decode(text, l->room, l->room_bytes, &n) != ERR_OK)
        return key_fault(l, "its text is not %s", l->encoding);
    if (!l->in->is_public && !marked_public)
        return take_private(l, &k, marked_private, n);
    if (n != KEY_PUBLIC_BYTES)
        return key_fault(l, "%zu bytes where a public Ed25519 key has 32", n);
    if (!crypto_core_ed25519_is_valid_point(l->room))
        return why_set(l->w, ERR_INVALID, "key %s is not a point an Ed25519 key can be", l->in->id);
    memcpy(k.public_key, l->room, KEY_PUBLIC_BYTES);
    return key_add(l, &k);
}

/* ---- keyrings ---- */

/* What keys are for, and how they are written where they do not say. */
struct purpose {
    const struct algorithm *algorithm;
    const char *encoding;
};

static const struct key_encoding *encoding_of(const struct purpose *p, const struct keyring_key *in, struct why *w)
{
    const char *name = in->encoding ? in->encoding : p->encoding;
    const struct key_encoding *enc = find_encoding(span_str(name));
    if (!enc) {
        const char *near = nearest_word(span_str(name), encoding_names, N_ENCODINGS);
        why_set(w, ERR_INVALID, "key %s: there is no key encoding '%s'%s%s", in->id, name,
                near ? ", did you mean " : "", near ? near : "");
    } else if (!(enc->families & (unsigned)p->algorithm->family)) {
        why_set(w, ERR_INVALID, "key %s: key encoding %s does not go with %s", in->id, enc->name, p->algorithm->name);
        enc = NULL;
    }
    return enc;
}

/* What one key's decoded form can take at most; a private key is always kept whole. */
static size_t room_of(const struct key_encoding *enc, const struct keyring_key *in)
{
    size_t n = in->raw.n * enc->growth;
    return n > KEY_PRIVATE_BYTES ? n : KEY_PRIVATE_BYTES;
}

/* Room to work in, and for the texts: ids, and the kid of each JWK, which has more other bytes than the arena adds. */
enum { KEY_TEXT_EXTRA = 64 };
static enum err make_room(const struct purpose *p, const struct keyring_key *keys, size_t n, struct keyring *k,
                          unsigned char **room, size_t *bytes, struct why *w)
{
    size_t texts = 1;
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct key_encoding *enc = encoding_of(p, &keys[i], w);
        if (!enc)
            return ERR_INVALID;
        *bytes += room_of(enc, &keys[i]);
        texts += strlen(keys[i].id) + 2 * keys[i].raw.n + KEY_TEXT_EXTRA;
    }
    *room = n ? sodium_malloc(*bytes) : NULL;
    return arena_init(&k->texts, texts) && (*room || !n) ? ERR_OK : why_set(w, ERR_NO_MEMORY, "out of memory for keys");
}

/* The secrets that were kept, from the room they were made in to one block of exactly their size. */
static enum err settle(struct keyring *k, const unsigned char *room, struct why *w)
{
    if (k->secret_bytes == 0)
        return ERR_OK;
    k->secrets = sodium_malloc(k->secret_bytes);
    if (!k->secrets)
        return why_set(w, ERR_NO_MEMORY, "out of memory for keys");
    memcpy(k->secrets, room, k->secret_bytes);
    for (size_t i = 0; i < k->n; i++)
        if (k->keys[i].secret)
            k->keys[i].secret = k->secrets + (k->keys[i].secret - room);
    sodium_mprotect_readonly(k->secrets);
    return ERR_OK;
}

static enum err load_all(const struct purpose *p, const struct keyring_key *keys, size_t n, struct keyring *k,
                         struct why *w)
{
    unsigned char *room = NULL;
    size_t bytes;
    enum err e = make_room(p, keys, n, k, &room, &bytes, w);
    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        const struct key_encoding *enc = encoding_of(p, &keys[i], w);
        struct key_load l = {.ring = k,
                             .in = &keys[i],
                             .id = arena_copy(&k->texts, span_str(keys[i].id)).p,
                             .encoding = enc->name,
                             .prefix = enc->prefix,
                             .decode = enc->decode,
                             .algorithm = p->algorithm,
                             .room = room + k->secret_bytes,
                             .room_bytes = bytes - k->secret_bytes,
                             .w = w};
        e = l.id ? enc->load(&l) : why_set(w, ERR_NO_MEMORY, "out of memory for keys");
    }
    if (e == ERR_OK)
        e = settle(k, room, w);
    sodium_free(room); /* wipes */
    return e;
}

static enum err ring_new(const struct purpose *p, const struct keyring_key *keys, size_t n, struct keyring **out,
                         struct why *w)
{
    if (sodium_init() < 0)
        return why_set(w, ERR_SYSTEM, "libsodium cannot start");
    struct keyring *k = calloc(1, sizeof *k);
    if (!k)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    enum err e = load_all(p, keys, n, k, w);
    if (e == ERR_OK)
        *out = k;
    else
        keyring_free(k);
    return e;
}

struct keyring_key keyring_key_of(const struct config_key *k, struct span raw)
{
    return (struct keyring_key){.id = k->id,
                                .encoding = k->encoding,
                                .is_public = k->public_key_file != NULL,
                                .raw = raw,
                                .not_before_ms = k->not_before_ms,
                                .not_after_ms = k->not_after_ms};
}

enum err keyring_keys_of(const struct config_key *list, size_t n, const char *source, const struct secrets *secrets,
                         struct keyring_key **out, struct why *w)
{
    struct keyring_key *keys = calloc(n + 1, sizeof *keys);
    if (!keys)
        return why_set(w, ERR_NO_MEMORY, "out of memory for keys");
    for (size_t i = 0; i < n; i++) {
        struct span raw = secret_expose(secrets_find(secrets, source, list[i].record));
        if (!raw.p) {
            free(keys);
            return why_set(w, ERR_NOT_FOUND, "key %s was not handed over", list[i].record);
        }
        keys[i] = keyring_key_of(&list[i], raw);
    }
    *out = keys;
    return ERR_OK;
}

enum err keyring_new(const struct recipe *r, const struct keyring_key *keys, size_t n, struct keyring **out,
                     struct why *w)
{
    if (r->none && n > 0)
        return why_set(w, ERR_INVALID, "recipe %s takes no keys", r->name);
    return ring_new(&(struct purpose){r->algorithm, r->key_encoding}, keys, n, out, w);
}

enum err keyring_for(const char *algorithm, const char *encoding, const struct keyring_key *keys, size_t n,
                     struct keyring **out, struct why *w)
{
    const struct purpose p = {grammar_algorithm(span_str(algorithm)), encoding};
    bug_if(!p.algorithm);
    return ring_new(&p, keys, n, out, w);
}

void keyring_free(struct keyring *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++)
        EVP_PKEY_free(k->keys[i].pkey);
    sodium_free(k->secrets);
    arena_fini(&k->texts);
    free(k->keys);
    free(k);
}
