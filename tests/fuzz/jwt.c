/* SPDX-License-Identifier: MIT
 * fuzz jwt: a token, and below it, if there is a second line, what it signs without holding it. What opens is a JSON
 * object, exactly as it was encoded, and no key that nobody knows has signed it. An input that begins with a brace is a
 * header and, on the next line, claims, signed with a key that is known: that counts for the algorithm of the signature
 * and for no other.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/codec.h"
#include "fuzz.h"
#include "recipe/jwt.h"
#include "unknown_keys.h"

static void write_token(struct span element, struct buf *out);

const char fuzz_name[] = "jwt";
const struct fuzz_source fuzz_sources[] = {
    {"tests/vectors/signatures.json", write_token},
    {"tests/fuzz/corpus/jwt/tokens.json", fuzz_lines},
    {NULL, NULL},
};

enum { ROOM_BYTES = 1 << 20, ALL = (1 << JWT_ROWS) - 1, NOW_S = 1700000000 };

static struct recipe_context *context;
static struct arena arena;

/* The tokens among a request object's headers, with its body below. */
static void write_token(struct span element, struct buf *out)
{
    struct span headers = json_member(element, "headers"), name, value, body = json_member(element, "body");
    for (struct json_iter it = json_iter(headers); json_next_member(&it, &name, &value);) {
        struct span text = json_plain_string(value);
        const char *token = text.p ? memmem(text.p, text.n, "eyJ", 3) : NULL;
        if (!token || out->n > 0)
            continue;
        buf_put_span(out, span_skip(text, (size_t)(token - text.p)));
        if (memmem(text.p, text.n, "..", 2) && body.p) {
            buf_putc(out, '\n');
            (void)json_unescape(body, out);
        }
    }
}

static struct span cut_line(struct span *rest, bool *more)
{
    const char *at = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    struct span first = span_of(rest->p, n);
    *rest = span_skip(*rest, at ? n + 1 : n);
    *more = at != NULL;
    return first;
}

static void put_base64url(struct buf *b, struct span s)
{
    size_t size = sodium_base64_encoded_len(s.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = malloc(size);
    bug_if(!text);
    sodium_bin2base64(text, size, (const unsigned char *)s.p, s.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_puts(b, text);
    free(text);
}

static void hold_object(struct span text)
{
    struct json_error bad;
    bug_if(json_check(text, JSON_LIMITS_DEFAULT, &bad) != ERR_OK || json_type_of(text) != JSON_OBJECT);
}

/* What was opened says what the token says, and is the only way to write it. */
static void hold(const struct jwt *t, struct span token, struct span detached)
{
    struct buf b;
    struct span name = json_plain_string(json_member(t->jose, "alg"));
    hold_object(t->jose);
    bug_if(t->claims.p && detached.p);
    bug_if(name.p && jwt_algorithm(name) != t->algorithm);
    bug_if(__builtin_popcount(t->algorithm) != 1 || !jwt_algorithm_name(t->algorithm));
    buf_init(&b, 4 * (token.n + detached.n) + 4 * JWT_SIGNATURE_MAX);
    put_base64url(&b, t->jose);
    buf_putc(&b, '.');
    if (t->claims.p) {
        hold_object(t->claims);
        put_base64url(&b, t->claims);
    } else {
        put_base64url(&b, detached);
    }
    bug_if(!span_eq(buf_span(&b), t->signed_part));
    buf_clear(&b);
    put_base64url(&b, t->jose);
    buf_putc(&b, '.');
    if (t->claims.p)
        put_base64url(&b, t->claims);
    buf_putc(&b, '.');
    put_base64url(&b, span_of((const char *)t->signature, t->n_signature));
    bug_if(!span_eq(buf_span(&b), token));
    buf_fini(&b);
}

static void ask_times(const struct jwt *t)
{
    static const int64_t clocks[] = {0, NOW_S * INT64_C(1000), INT64_C(253402300799999)};
    for (size_t i = 0; t->claims.p && i < sizeof clocks / sizeof *clocks; i++) {
        for (unsigned require = 0; require <= (JWT_EXP | JWT_NBF | JWT_IAT); require++) {
            const char *problem = NULL;
            enum err e = jwt_times(t, require, 1000, clocks[i], &problem);
            bug_if(e != ERR_OK && !(problem && (e == ERR_INVALID || e == ERR_TIMESTAMP_OUT_OF_TOLERANCE)));
            bug_if(e == ERR_OK && require & JWT_EXP && !json_member(t->claims, "exp").p);
        }
    }
}

static void refuse_all(const struct jwt *t, const struct keyring *ring)
{
    for (size_t i = 0; i < ring->n; i++) {
        bool match = false;
        bug_if(jwt_verify(context, t, &ring->keys[i], ALL, &match) != ERR_OK || match);
    }
}

static void open_token(struct span token, struct span detached, const struct keyring *ring)
{
    const char *problem = NULL;
    struct jwt t;
    enum err e = jwt_open(token, detached, &arena, &t, &problem);
    bug_if(e == ERR_INVALID && !problem);
    if (e != ERR_OK)
        return;
    hold(&t, token, detached);
    ask_times(&t);
    refuse_all(&t, ring);
}

/* Signed by a secret that we have: good as HS256, whatever else the header says. */
static void sign_token(struct span header, struct span claims)
{
    static const char secret[] = "a secret of our own, of 40 bytes or more";
    static const struct key key = {.id = "k",
                                   .not_after_ms = INT64_MAX,
                                   .kind = KEY_SECRET,
                                   .secret = (const unsigned char *)secret,
                                   .n_secret = sizeof secret - 1};
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n;
    struct buf b;
    struct jwt t;
    const char *problem;
    bool match = false, not_allowed = false;
    buf_init(&b, ROOM_BYTES);
    put_base64url(&b, header);
    buf_putc(&b, '.');
    put_base64url(&b, claims);
    bug_if(!HMAC(EVP_sha256(), secret, sizeof secret - 1, (const unsigned char *)b.p, b.n, mac, &n));
    buf_putc(&b, '.');
    put_base64url(&b, span_of((const char *)mac, n));
    if (!b.failed && jwt_open(buf_span(&b), SPAN_NONE, &arena, &t, &problem) == ERR_OK) {
        hold(&t, buf_span(&b), SPAN_NONE);
        ask_times(&t);
        bug_if(jwt_verify(context, &t, &key, ALL, &match) != ERR_OK || match != (t.algorithm == JWT_HS256));
        bug_if(jwt_verify(context, &t, &key, ALL & ~JWT_HS256, &not_allowed) != ERR_OK || not_allowed);
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct keyring *ring;
    static const struct algorithm algorithm = {"jwt", FAMILY_JWT, "", 0};
    const struct recipe r = {.name = "fuzz", .algorithm = &algorithm, .key_encoding = "utf8"};
    struct span rest = span_of((const char *)p, n);
    bool more;
    if (!context) {
        bug_if(recipe_context_new(&context) != ERR_OK || !arena_init(&arena, ROOM_BYTES));
        ring = unknown_ring(&r);
    }
    arena_reset(&arena);
    struct span first = cut_line(&rest, &more);
    if (first.n > 0 && first.p[0] == '{')
        sign_token(first, rest);
    else
        open_token(first, more ? rest : SPAN_NONE, ring);
    return 0;
}
