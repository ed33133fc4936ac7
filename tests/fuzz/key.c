/* SPDX-License-Identifier: MIT
 * fuzz key: a line "ALGORITHM ENCODING secret|public", and below it any bytes as the text of a key. What is refused is
 * refused in words that hold nothing of the key; what is taken is whole, the same again, and a private key goes with its
 * public half.
 */
#include <sodium.h>

#include "fuzz.h"
#include "recipe/key.h"

static void write_key(struct span element, struct buf *out);

const char fuzz_name[] = "key";
const struct fuzz_source fuzz_sources[] = {
    {"tests/fuzz/corpus/key/keys.json", fuzz_lines},
    {"tests/vectors/signatures.json", write_key},
    {NULL, NULL},
};

static const struct algorithm algorithms[] = {
    {"hmac-sha256", FAMILY_HMAC, "SHA256", 32},   {"ed25519", FAMILY_ED25519, "", 64},
    {"rsa-sha256", FAMILY_PUBLIC, "SHA256", 0},   {"rsa-sha1", FAMILY_PUBLIC, "SHA1", 0},
    {"ecdsa-sha256", FAMILY_PUBLIC, "SHA256", 0}, {"sha256", FAMILY_DIGEST, "SHA256", 32},
    {"static-token", FAMILY_TOKEN, "", 0},        {"jwt", FAMILY_JWT, "", 0},
};
enum { N_ALGORITHMS = sizeof algorithms / sizeof *algorithms, ENCODING_BYTES = 32, RUN = 20 };

/* What the vectors call it. */
static const struct algorithm *algorithm_of(struct span name)
{
    for (size_t i = 0; i < N_ALGORITHMS; i++)
        if (span_starts(name, span_str(algorithms[i].name)))
            return &algorithms[i];
    if (span_starts(name, SPAN_LIT("ecdsa")))
        return algorithm_of(SPAN_LIT("ecdsa-sha256"));
    return algorithm_of(span_starts(name, SPAN_LIT("jw")) ? SPAN_LIT("jwt") : SPAN_LIT("hmac-sha256"));
}

/* The key of a request object. */
static void write_key(struct span element, struct buf *out)
{
    struct span key = json_member(element, "secret_or_public_key"), encoding = json_member(element, "key_encoding");
    if (!key.p || json_type_of(key) != JSON_STRING || !encoding.p || json_type_of(encoding) != JSON_STRING)
        return;
    const struct algorithm *a = algorithm_of(json_plain_string(json_member(element, "algorithm")));
    buf_printf(out, "%s ", a->name);
    buf_put_span(out, json_plain_string(encoding));
    buf_puts(out, a->family & FAMILY_SECRET ? " secret\n" : " public\n");
    bug_if(json_unescape(key, out) != ERR_OK);
}

static struct span cut_at(struct span *rest, char mark)
{
    const char *at = rest->n ? memchr(rest->p, mark, rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    struct span first = span_of(rest->p, n);
    *rest = span_skip(*rest, at ? n + 1 : n);
    return first;
}

/* A run of the key's characters in a message, long enough to be no word of ours. */
static void says_nothing_of(const char *message, struct span key)
{
    size_t run = 0;
    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];
        bool counts =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
        run = counts ? run + 1 : 0;
        bug_if(run >= RUN && memmem(message, strlen(message), key.p + i + 1 - RUN, RUN));
    }
}

static void hold(const struct key *k)
{
    static const unsigned char text[] = "signed";
    unsigned char signature[crypto_sign_BYTES];
    bug_if(strcmp(k->id, "k1") != 0);
    switch (k->kind) {
    case KEY_SECRET:
        bug_if(!k->secret || k->n_secret == 0 || k->pkey);
        break;
    case KEY_ED25519:
        bug_if(k->pkey || (k->secret && k->n_secret != KEY_PRIVATE_BYTES));
        if (k->secret) {
            crypto_sign_detached(signature, NULL, text, sizeof text, k->secret);
            bug_if(crypto_sign_verify_detached(signature, text, sizeof text, k->public_key) != 0);
        }
        break;
    case KEY_RSA:
    case KEY_EC:
        bug_if(!k->pkey || k->secret);
    }
}

static void hold_same(const struct keyring *a, const struct keyring *b)
{
    bug_if(a->n != b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct key *x = &a->keys[i], *y = &b->keys[i];
        bug_if(x->kind != y->kind || x->n_secret != y->n_secret);
        bug_if(x->n_secret && memcmp(x->secret, y->secret, x->n_secret) != 0);
        bug_if(x->kind == KEY_ED25519 && memcmp(x->public_key, y->public_key, sizeof x->public_key) != 0);
        bug_if(!span_eq(span_str(x->kid), span_str(y->kid)) || !span_eq(span_str(x->alg), span_str(y->alg)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct span text = span_of((const char *)p, n), line = cut_at(&text, '\n');
    struct span name = cut_at(&line, ' '), encoding = cut_at(&line, ' ');
    char encoding_name[ENCODING_BYTES];
    struct keyring *ring = NULL, *again = NULL;
    struct why w = {""};
    if (encoding.n >= sizeof encoding_name || memchr(encoding.p, 0, encoding.n))
        return 0;
    memcpy(encoding_name, encoding.p, encoding.n);
    encoding_name[encoding.n] = 0;
    const struct recipe r = {.name = "fuzz", .algorithm = algorithm_of(name), .key_encoding = "utf8"};
    const struct keyring_key in = {"k1", encoding_name, span_starts(line, SPAN_LIT("public")), text, 0, INT64_MAX};
    if (keyring_new(&r, &in, 1, &ring, &w) != ERR_OK) {
        bug_if(strncmp(w.text, "key k1", 6) != 0 || ring);
        if (key_encoding_known(encoding, ~0U)) /* else it is in the message, and may hold anything */
            says_nothing_of(w.text, text);
        return 0;
    }
    bug_if(ring->n == 0);
    for (size_t i = 0; i < ring->n; i++)
        hold(&ring->keys[i]);
    bug_if(keyring_new(&r, &in, 1, &again, &w) != ERR_OK);
    hold_same(ring, again);
    keyring_free(ring);
    keyring_free(again);
    return 0;
}
