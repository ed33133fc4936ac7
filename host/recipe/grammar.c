/* SPDX-License-Identifier: MIT
 * grammar: splits by the separators a recipe names, decodes canonically (a form with other unused bits is another text,
 * not the same signature). Owns nothing.
 */
#include "recipe/grammar.h"

#include "base/codec.h"

#include <sodium.h>

static size_t base64url_encode(const void *p, size_t n, char *out)
{
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(out, size, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return size - 1;
}

/* What came with a request is no secret; what is compared with it is, and that is done in constant time. */
static const struct encoding encodings[] = {
    {"hex", hex_decode, hex_encode},
    {"base64", base64_decode_public, base64_encode},
    {"base64url", base64url_decode, base64url_encode},
};
static const char *const encoding_names[] = {"hex", "base64", "base64url"};

static const struct algorithm algorithms[] = {
#define X(name, family, digest, bytes) {name, family, digest, bytes},
#include "recipe/algorithms.tbl"
#undef X
};
static const char *const algorithm_names[] = {
#define X(name, family, digest, bytes) name,
#include "recipe/algorithms.tbl"
#undef X
};

const struct algorithm *grammar_algorithm(struct span name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (span_eq_str(name, algorithms[i].name))
            return &algorithms[i];
    return NULL;
}

const struct encoding *grammar_encoding(struct span name)
{
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (span_eq_str(name, encodings[i].name))
            return &encodings[i];
    return NULL;
}

const char *const *grammar_algorithm_names(size_t *n)
{
    *n = sizeof algorithm_names / sizeof *algorithm_names;
    return algorithm_names;
}

const char *const *grammar_encoding_names(size_t *n)
{
    *n = sizeof encoding_names / sizeof *encoding_names;
    return encoding_names;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_skip(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* A candidate signature: kept when it decodes to the algorithm's length. */
static enum err take_signature(const struct recipe *r, struct span text, struct signatures *s, const char **problem)
{
    unsigned char bytes[RECIPE_SIGNATURE_BYTES];
    size_t n;
    if (!span_starts(text, r->signature.prefix))
        return ERR_OK;
    text = span_skip(text, r->signature.prefix.n);
    if (r->signature.encoding->decode(text, bytes, sizeof bytes, &n) != ERR_OK || n != r->algorithm->signature_bytes)
        return ERR_OK;
    if (s->n == RECIPE_SIGNATURES_MAX) {
        *problem = "too many signatures in one request";
        return ERR_SIGNATURE_INVALID;
    }
    memcpy(s->bytes[s->n++], bytes, n);
    return ERR_OK;
}

static enum err take_field(const struct recipe *r, struct span key, struct span value, struct values *v,
                           const char **problem)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        if (!span_eq(r->fields[i], key))
            continue;
        if (v->field[i].p && !span_eq(v->field[i], value)) {
            *problem = "an element of the signature is repeated with different values";
            return ERR_SIGNATURE_INVALID;
        }
        v->field[i] = value;
    }
    return ERR_OK;
}

static enum err take_item(const struct recipe *r, struct span item, struct values *v, struct signatures *s,
                          const char **problem)
{
    if (!r->signature.pair)
        return take_signature(r, item, s, problem);
    const char *at = item.n ? memchr(item.p, r->signature.pair, item.n) : NULL;
    if (!at)
        return ERR_OK;
    struct span key = trim(span_of(item.p, (size_t)(at - item.p)));
    struct span value = trim(span_skip(item, (size_t)(at - item.p) + 1));
    enum err e = take_field(r, key, value, v, problem);
    return e == ERR_OK && span_eq(key, r->signature.key) ? take_signature(r, value, s, problem) : e;
}

enum err grammar_split(const struct recipe *r, struct span value, struct values *v, struct signatures *s,
                       const char **problem)
{
    const char list = r->signature.list;
    struct span rest = value;
    while (rest.n > 0) {
        const char *at = list ? memchr(rest.p, list, rest.n) : NULL;
        size_t n = at ? (size_t)(at - rest.p) : rest.n;
        struct span item = trim(span_of(rest.p, n));
        /* Web servers join the lines of a repeated header with ", " (RFC 9110 section 5.3). */
        if (list && list != ',' && item.n > 0 && item.p[item.n - 1] == ',' && at)
            item.n--;
        enum err e = take_item(r, item, v, s, problem);
        if (e != ERR_OK)
            return e;
        rest = span_skip(rest, at ? n + 1 : n);
    }
    return ERR_OK;
}

enum err grammar_write(const struct recipe *r, const struct values *v, const unsigned char *signature, struct buf *b)
{
    char text[2 * RECIPE_SIGNATURE_BYTES + 1];
    size_t n = r->signature.encoding->encode(signature, r->algorithm->signature_bytes, text);
    for (size_t i = 0; i < r->n_fields; i++) {
        buf_put_span(b, r->fields[i]);
        buf_putc(b, r->signature.pair);
        buf_put_span(b, v->field[i]);
        buf_putc(b, r->signature.list);
    }
    if (r->signature.pair) {
        buf_put_span(b, r->signature.key);
        buf_putc(b, r->signature.pair);
    }
    buf_put_span(b, r->signature.prefix);
    buf_put(b, text, n);
    return b->failed ? ERR_NO_ROOM : ERR_OK;
}
