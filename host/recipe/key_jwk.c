/* SPDX-License-Identifier: MIT
 * key_jwk: JSON Web Keys and sets of them (RFC 7517): oct, RSA and EC (RFC 7518 section 6), OKP Ed25519 (RFC 8037).
 * What a key says of its use is obeyed.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>

#include "base/codec.h"
#include "base/json.h"
#include "recipe/key_parts.h"

enum { KEYS_IN_SET_MAX = 100, COORDINATE_BYTES_MAX = 66 };

/* Algorithms a JWK may be for (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2). */
static const struct jwa {
    const char *name;
    enum key_kind kind;
    const char *curve, *digest; /* digest: of recipes' own algorithms that sign alike; NULL: none does */
} jwas[] = {
    {"HS256", KEY_SECRET, NULL, "SHA256"},   {"HS384", KEY_SECRET, NULL, "SHA384"},
    {"HS512", KEY_SECRET, NULL, "SHA512"},   {"RS256", KEY_RSA, NULL, "SHA256"},
    {"RS384", KEY_RSA, NULL, "SHA384"},      {"RS512", KEY_RSA, NULL, "SHA512"},
    {"PS256", KEY_RSA, NULL, NULL},          {"PS384", KEY_RSA, NULL, NULL},
    {"PS512", KEY_RSA, NULL, NULL},          {"ES256", KEY_EC, "P-256", "SHA256"},
    {"ES384", KEY_EC, "P-384", "SHA384"},    {"ES512", KEY_EC, "P-521", "SHA512"},
    {"EdDSA", KEY_ED25519, "Ed25519", NULL}, {"Ed25519", KEY_ED25519, "Ed25519", NULL},
};

/* One JWK being read. */
struct jwk {
    struct key_load *l;
    struct span object;
    struct key key;
};

static bool says(struct span object, const char *name, const char *text)
{
    return span_eq_str(json_plain_string(json_member(object, name)), text);
}

/* What is secret in a JWK (RFC 7518 section 6). */
static bool has_private(struct span object)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_member(object, members[i]).p)
            return true;
    return false;
}

/* ---- what a key says of its use ---- */

static bool operation_listed(struct span list)
{
    struct span one;
    for (struct json_iter it = json_iter(list); json_next_element(&it, &one);) {
        struct span text = json_plain_string(one);
        if (span_eq_str(text, "verify") || span_eq_str(text, "sign"))
            return true;
    }
    return false;
}

static enum err check_use(const struct jwk *j)
{
    struct span use = json_member(j->object, "use"), operations = json_member(j->object, "key_ops");
    if (use.p && !says(j->object, "use", "sig"))
        return key_fault(j->l, "its \"use\" is not \"sig\": it is not meant for signatures");
    if (operations.p && (json_type_of(operations) != JSON_ARRAY || !operation_listed(operations)))
        return key_fault(j->l, "its \"key_ops\" lists neither \"verify\" nor \"sign\"");
    return ERR_OK;
}

static const char *curve_of(const struct key *k)
{
    return k->kind == KEY_EC ? key_curve(k->pkey) : k->kind == KEY_ED25519 ? "Ed25519" : NULL;
}

/* Does a key of this algorithm serve the recipe's? A JWT is asked again when there is one. */
static bool serves(const struct jwa *jwa, const struct algorithm *a)
{
    if (a->family == FAMILY_HMAC || a->family == FAMILY_PUBLIC)
        return jwa->digest && strcmp(jwa->digest, a->digest) == 0;
    return true;
}

static enum err take_alg(struct jwk *j)
{
    const struct key *k = &j->key;
    struct span alg = json_member(j->object, "alg"), name = json_plain_string(alg);
    const struct jwa *jwa = NULL;
    if (!alg.p)
        return ERR_OK;
    for (size_t i = 0; i < sizeof jwas / sizeof *jwas; i++)
        if (span_eq_str(name, jwas[i].name))
            jwa = &jwas[i];
    if (!jwa)
        return key_fault(j->l, "its \"alg\" is no algorithm of signatures that is known here");
    const char *curve = curve_of(k);
    if (jwa->kind != k->kind || (jwa->curve && (!curve || strcmp(jwa->curve, curve) != 0)))
        return key_fault(j->l, "its \"alg\" %s does not go with its kind or curve", jwa->name);
    if (!serves(jwa, j->l->algorithm))
        return key_fault(j->l, "it is for %s, and the recipe signs with %s", jwa->name, j->l->algorithm->name);
    j->key.alg = jwa->name;
    return ERR_OK;
}

static enum err take_kid(struct jwk *j)
{
    struct span kid = json_member(j->object, "kid");
    struct buf text;
    if (!kid.p)
        return ERR_OK;
    buf_init(&text, kid.n + 1);
    enum err e = json_unescape(kid, &text) == ERR_OK ? ERR_OK : key_fault(j->l, "its \"kid\" is no text");
    if (e == ERR_OK) {
        j->key.kid = arena_copy(&j->l->ring->texts, buf_span(&text)).p;
        e = j->key.kid ? ERR_OK : why_set(j->l->w, ERR_NO_MEMORY, "out of memory for keys");
    }
    buf_fini(&text);
    return e;
}

/* ---- numbers ---- */

static enum err need_bytes(const struct jwk *j, const char *name, unsigned char *out, size_t cap, size_t *n)
{
    struct span text = json_plain_string(json_member(j->object, name));
    if (text.p && base64url_decode(text, out, cap, n) == ERR_OK && *n > 0)
        return ERR_OK;
    return key_fault(j->l, "its \"%s\" is missing or not base64url", name);
}

/* A number of the key into the builder; *kept is to be freed after the key was made of it. Through the locked room, and
 * secret ones into memory that is wiped. */
static enum err push_number(const struct jwk *j, OSSL_PARAM_BLD *b, const char *name, const char *param, BIGNUM **kept)
{
    size_t n;
    enum err e = need_bytes(j, name, j->l->room, j->l->room_bytes, &n);
    if (e != ERR_OK)
        return e;
    *kept = BN_secure_new();
    if (*kept && BN_bin2bn(j->l->room, (int)n, *kept) && OSSL_PARAM_BLD_push_BN(b, param, *kept) == 1)
        return ERR_OK;
    return key_fault(j->l, "its \"%s\" cannot be used", name);
}

static EVP_PKEY *from_data(const char *type, OSSL_PARAM_BLD *b, bool with_private)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    int selection = with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (!params || !c || EVP_PKEY_fromdata_init(c) != 1 || EVP_PKEY_fromdata(c, &pkey, selection, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(c);
    OSSL_PARAM_free(params);
    return pkey;
}

/* Do the halves belong together? */
static bool is_pair(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);
    bool good = c && EVP_PKEY_pairwise_check(c) == 1;
    EVP_PKEY_CTX_free(c);
    return good;
}

static enum err made_of(struct jwk *j, const char *type, OSSL_PARAM_BLD *b, bool with_private)
{
    j->key.pkey = from_data(type, b, with_private);
    if (!j->key.pkey)
        return key_fault(j->l, "its numbers are no %s key's", type);
    if (with_private && !is_pair(j->key.pkey))
        return key_fault(j->l, "the halves of this private key do not belong together");
    return ERR_OK;
}

/* ---- the kinds ---- */

static enum err read_rsa(struct jwk *j)
{
    static const struct {
        const char *name, *param;
    } numbers[] = {{"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
                   {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                   {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                   {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
    enum { N = sizeof numbers / sizeof *numbers, N_PUBLIC = 2 };
    BIGNUM *kept[N] = {NULL};
    bool with_private = json_member(j->object, "d").p != NULL;
    j->key.kind = KEY_RSA;
    if (json_member(j->object, "oth").p)
        return key_fault(j->l, "RSA keys of more than two primes are not taken");
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    enum err e = b ? ERR_OK : why_set(j->l->w, ERR_NO_MEMORY, "out of memory for keys");
    for (size_t i = 0; e == ERR_OK && i < (with_private ? N : N_PUBLIC); i++)
        e = push_number(j, b, numbers[i].name, numbers[i].param, &kept[i]);
    if (e == ERR_OK)
        e = made_of(j, "RSA", b, with_private);
    for (size_t i = 0; i < N; i++)
        BN_clear_free(kept[i]);
    OSSL_PARAM_BLD_free(b);
    return e;
}

/* A coordinate has the full length of its field (RFC 7518 section 6.2.1.2). */
static enum err need_coordinate(const struct jwk *j, const char *name, size_t bytes, unsigned char *out)
{
    size_t n;
    enum err e = need_bytes(j, name, out, bytes, &n);
    return e == ERR_OK && n != bytes ? key_fault(j->l, "its \"%s\" is not %zu bytes long", name, bytes) : e;
}

static enum err read_ec(struct jwk *j)
{
    static const struct {
        const char *name;
        size_t bytes;
    } curves[] = {{"P-256", 32}, {"P-384", 48}, {"P-521", COORDINATE_BYTES_MAX}};
    unsigned char point[1 + 2 * COORDINATE_BYTES_MAX] = {4 /* uncompressed: SEC 1 section 2.3.3 */};
    size_t bytes = 0, i;
    BIGNUM *d = NULL;
    j->key.kind = KEY_EC;
    bool with_private = json_member(j->object, "d").p != NULL;
    for (i = 0; i < sizeof curves / sizeof *curves && !says(j->object, "crv", curves[i].name);)
        i++;
    if (i == sizeof curves / sizeof *curves)
        return key_fault(j->l, "of the curves, P-256, P-384 and P-521 are taken");
    bytes = curves[i].bytes;
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    enum err e = b ? need_coordinate(j, "x", bytes, point + 1) : why_set(j->l->w, ERR_NO_MEMORY, "out of memory");
    if (e == ERR_OK)
        e = need_coordinate(j, "y", bytes, point + 1 + bytes);
    if (e == ERR_OK && (OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].name, 0) != 1 ||
                        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * bytes) != 1))
        e = why_set(j->l->w, ERR_NO_MEMORY, "out of memory for keys");
    if (e == ERR_OK && with_private)
        e = push_number(j, b, "d", OSSL_PKEY_PARAM_PRIV_KEY, &d);
    if (e == ERR_OK)
        e = made_of(j, "EC", b, with_private);
    BN_clear_free(d);
    OSSL_PARAM_BLD_free(b);
    return e;
}

static enum err read_okp(struct jwk *j)
{
    struct key *k = &j->key;
    unsigned char given[KEY_PUBLIC_BYTES];
    size_t n;
    if (!says(j->object, "crv", "Ed25519"))
        return key_fault(j->l, "of the kind OKP, only crv Ed25519 is taken");
    enum err e = need_coordinate(j, "x", sizeof given, given);
    if (e != ERR_OK)
        return e;
    memcpy(k->public_key, given, sizeof given);
    k->kind = KEY_ED25519;
    if (!crypto_core_ed25519_is_valid_point(given))
        return key_fault(j->l, "it is not a point an Ed25519 key can be");
    if (!json_member(j->object, "d").p)
        return ERR_OK;
    e = need_bytes(j, "d", j->l->room, j->l->room_bytes, &n);
    if (e == ERR_OK && n != KEY_SEED_BYTES)
        e = key_fault(j->l, "its \"d\" is not 32 bytes long");
    if (e == ERR_OK)
        key_expand_seed(j->l, k);
    if (e == ERR_OK && memcmp(given, k->public_key, sizeof given) != 0)
        e = key_fault(j->l, "the halves of this private key do not belong together");
    return e;
}

static enum err read_oct(struct jwk *j)
{
    enum err e = need_bytes(j, "k", j->l->room, j->l->room_bytes, &j->key.n_secret);
    j->key.kind = KEY_SECRET;
    if (e == ERR_OK)
        j->key.secret = key_keep(j->l, j->key.n_secret);
    return e;
}

static enum err read_kind(struct jwk *j)
{
    static const struct {
        const char *kty;
        enum key_kind kind;
        enum err (*read)(struct jwk *j);
    } kinds[] = {
        {"oct", KEY_SECRET, read_oct},
        {"OKP", KEY_ED25519, read_okp},
        {"RSA", KEY_RSA, read_rsa},
        {"EC", KEY_EC, read_ec},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!says(j->object, "kty", kinds[i].kty))
            continue;
        if (!key_kind_fits(j->l->algorithm, kinds[i].kind))
            return key_fault(j->l, "it is %s, which does not go with %s", key_kind_words(kinds[i].kind),
                             j->l->algorithm->name);
        return kinds[i].read(j);
    }
    return key_fault(j->l, "its \"kty\" is none of oct, RSA, EC and OKP");
}

static enum err load_one(struct key_load *l, struct span object)
{
    struct jwk j = {.l = l, .object = object, .key = key_begin(l, KEY_SECRET)};
    struct key_load before = *l;
    size_t kept = l->ring->secret_bytes;
    enum err e = check_use(&j);
    if (e == ERR_OK)
        e = read_kind(&j);
    if (e == ERR_OK)
        e = take_alg(&j);
    if (e == ERR_OK)
        e = take_kid(&j);
    if (e == ERR_OK)
        return j.key.pkey ? key_take_pkey(l, j.key, j.key.pkey) : key_add(l, &j.key);
    EVP_PKEY_free(j.key.pkey);
    *l = before; /* what was kept of it is not needed */
    l->ring->secret_bytes = kept;
    return e;
}

/* ---- files ---- */

static enum err check_text(const struct key_load *l, struct span text)
{
    struct json_error error;
    if (json_check(text, JSON_LIMITS_DEFAULT, &error) != ERR_OK)
        return key_fault(l, "its text is no JSON: %s at byte %zu", error.what, error.offset);
    if (json_type_of(text) != JSON_OBJECT)
        return key_fault(l, "its text is no JSON object");
    return ERR_OK;
}

static enum err no_private(const struct key_load *l, struct span object)
{
    if (!l->in->is_public || json_type_of(object) != JSON_OBJECT || !has_private(object))
        return ERR_OK;
    if (says(object, "kty", "oct"))
        return key_fault(l, "it is a shared secret (kty oct): give it as secret_file");
    return key_fault(l, "it holds the private half (d): publish and give the public members alone");
}

enum err key_load_jwk(struct key_load *l)
{
    struct span text = key_text(l);
    enum err e = check_text(l, text);
    if (e == ERR_OK && json_member(text, "keys").p && !json_member(text, "kty").p)
        return key_fault(l, "it is a set of keys: key_encoding jwks reads it");
    if (e == ERR_OK)
        e = no_private(l, text);
    return e == ERR_OK ? load_one(l, text) : e;
}

/* Each key of the set. What is not understood or not for this recipe is passed over (RFC 7517 section 5). */
static enum err load_set(struct key_load *l, struct span list, struct why *first)
{
    struct span one;
    struct why *w = l->w;
    struct why inner = {{0}};
    enum err e = ERR_OK;
    l->w = &inner;
    for (struct json_iter it = json_iter(list); e == ERR_OK && json_next_element(&it, &one);) {
        e = json_type_of(one) == JSON_OBJECT ? load_one(l, one) : key_fault(l, "an element is no object");
        if (e == ERR_INVALID) {
            if (!first->text[0])
                *first = inner;
            e = ERR_OK;
        }
    }
    l->w = w;
    return e == ERR_OK ? e : why_set(w, e, "%s", inner.text);
}

enum err key_load_jwks(struct key_load *l)
{
    struct span text = key_text(l), one;
    struct why first = {{0}};
    size_t before = l->ring->n, n = 0;
    enum err e = check_text(l, text);
    if (e != ERR_OK)
        return e;
    struct span list = json_member(text, "keys");
    if (!list.p || json_type_of(list) != JSON_ARRAY)
        return key_fault(l, "there is no list \"keys\" in it%s",
                         json_member(text, "kty").p ? ": it is one key, which key_encoding jwk reads" : "");
    for (struct json_iter it = json_iter(list); e == ERR_OK && json_next_element(&it, &one); n++)
        e = no_private(l, one);
    if (e == ERR_OK && n > KEYS_IN_SET_MAX)
        e = key_fault(l, "the set holds %zu keys, more than %d", n, KEYS_IN_SET_MAX);
    if (e == ERR_OK)
        e = load_set(l, list, &first);
    if (e == ERR_OK && l->ring->n == before)
        e = first.text[0]
                ? why_set(l->w, ERR_INVALID, "%.300s (and none of the set's %zu keys can be used)", first.text, n)
                : key_fault(l, "the set is empty");
    return e;
}
