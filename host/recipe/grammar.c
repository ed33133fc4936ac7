/* SPDX-License-Identifier: MIT
 * grammar: splits by the separators a recipe names, decodes canonically (a form with other unused bits is another text,
 * not the same signature). Owns nothing.
 */
#include "recipe/grammar.h"

#include "base/codec.h"

#include <sodium.h>
#include <stdio.h>

static size_t base64url_encode(const void *p, size_t n, char *out)
{
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(out, size, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return size - 1;
}

/* Senders that may be set to either: no base64 of a digest has the length of its hex form. */
static enum err decode_either(struct span in, void *out, size_t cap, size_t *n)
{
    return hex_decode(in, out, cap, n) == ERR_OK ? ERR_OK : base64_decode_public(in, out, cap, n);
}

static enum err decode_text(struct span in, void *out, size_t cap, size_t *n)
{
    if (in.n > cap)
        return ERR_NO_ROOM;
    if (in.n > 0)
        memcpy(out, in.p, in.n);
    *n = in.n;
    return in.n > 0 ? ERR_OK : ERR_INVALID;
}

static size_t encode_text(const void *p, size_t n, char *out)
{
    memcpy(out, p, n);
    out[n] = 0;
    return n;
}

/* What came with a request is no secret; what is compared with it is, and that is done in constant time. */
static const struct encoding encodings[] = {
    {"hex", hex_decode, hex_encode},
    {"base64", base64_decode_public, base64_encode},
    {"base64url", base64url_decode, base64url_encode},
    {"hex-or-base64", decode_either, hex_encode},
    {"text", decode_text, encode_text},
};
static const char *const encoding_names[] = {"hex", "base64", "base64url", "hex-or-base64", "text"};

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

static enum err fault(struct view *v, enum err e, const char *text)
{
    snprintf(v->problem, sizeof v->problem, "%s", text);
    return e;
}

static size_t most(const struct recipe *r)
{
    return r->algorithm->family & (FAMILY_ED25519 | FAMILY_PUBLIC | FAMILY_JWT) ? RECIPE_SIGNATURES_MAX
                                                                               : RECIPE_MACS_MAX;
}

/* A candidate signature: kept when it decodes to the algorithm's length. */
static enum err take_signature(const struct recipe *r, struct span text, struct view *v, struct signatures *s)
{
    size_t exact = r->algorithm->signature_bytes, n;
    if (!span_starts(text, r->signature.prefix))
        return ERR_OK;
    text = span_skip(text, r->signature.prefix.n);
    size_t room = exact ? exact : text.n < RECIPE_SIGNATURE_BYTES ? text.n : RECIPE_SIGNATURE_BYTES;
    if (r->algorithm->family == FAMILY_JWT)
        room = text.n;
    if (text.n == 0)
        return ERR_OK;
    if (s->n == most(r))
        return fault(v, ERR_SIGNATURE_INVALID, "too many signatures in one request");
    const size_t mark = v->a->n;
    char *bytes = arena_alloc(v->a, room);
    if (!bytes)
        return fault(v, ERR_NO_ROOM, "no room for the signatures");
    if (r->signature.encoding->decode(text, bytes, room, &n) == ERR_OK && (!exact || n == exact))
        s->list[s->n++] = span_of(bytes, n);
    else
        v->a->n = mark; /* a header may hold thousands that are none */
    return ERR_OK;
}

static enum err take_field(const struct recipe *r, struct span key, struct span value, struct view *v)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        if (!span_eq(r->fields[i], key))
            continue;
        if (v->field[i].p && !span_eq(v->field[i], value))
            return fault(v, ERR_SIGNATURE_INVALID, "an element of the signature is repeated with different values");
        v->field[i] = value;
    }
    return ERR_OK;
}

static enum err take_item(const struct recipe *r, struct span item, struct span wanted, struct view *v,
                          struct signatures *s)
{
    if (!r->signature.pair)
        return take_signature(r, item, v, s);
    const char *at = item.n ? memchr(item.p, r->signature.pair, item.n) : NULL;
    if (!at)
        return ERR_OK;
    struct span key = span_trim(span_of(item.p, (size_t)(at - item.p)));
    struct span value = span_trim(span_skip(item, (size_t)(at - item.p) + 1));
    enum err e = take_field(r, key, value, v);
    return e == ERR_OK && span_eq(key, wanted) ? take_signature(r, value, v, s) : e;
}

enum err grammar_split(const struct recipe *r, struct span value, struct span key, struct view *v, struct signatures *s)
{
    const char list = r->signature.list;
    struct span rest = value;
    if (!list && !r->signature.pair && r->signature.encoding->decode == decode_text)
        return take_signature(r, value, v, s); /* a password may begin with a space */
    while (rest.n > 0) {
        const char *at = list ? memchr(rest.p, list, rest.n) : NULL;
        size_t n = at ? (size_t)(at - rest.p) : rest.n;
        struct span item = span_trim(span_of(rest.p, n));
        /* Web servers join the lines of a repeated header with ", " (RFC 9110 section 5.3). */
        if (list && list != ',' && item.n > 0 && item.p[item.n - 1] == ',' && at)
            item.n--;
        enum err e = take_item(r, item, key, v, s);
        if (e != ERR_OK)
            return e;
        rest = span_skip(rest, at ? n + 1 : n);
    }
    return ERR_OK;
}

/* Tokens are longer than signatures, and are no bytes to be encoded. */
static enum err put_signature(const struct encoding *encoding, struct span signature, struct buf *b)
{
    char text[2 * RECIPE_SIGNATURE_BYTES + 1];
    if (encoding->encode == encode_text) {
        buf_put_span(b, signature);
        return b->failed ? ERR_NO_ROOM : ERR_OK;
    }
    if (signature.n > RECIPE_SIGNATURE_BYTES)
        return ERR_NO_ROOM;
    buf_put(b, text, encoding->encode(signature.p, signature.n, text));
    return b->failed ? ERR_NO_ROOM : ERR_OK;
}

enum err grammar_write(const struct recipe *r, const struct view *v, struct span key, struct span signature,
                       struct buf *b)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        if (!v->field[i].p)
            continue;
        buf_put_span(b, r->fields[i]);
        buf_putc(b, r->signature.pair);
        buf_put_span(b, v->field[i]);
        buf_putc(b, r->signature.list);
    }
    if (r->signature.pair) {
        buf_put_span(b, key);
        buf_putc(b, r->signature.pair);
    }
    buf_put_span(b, r->signature.prefix);
    return put_signature(r->signature.encoding, signature, b);
}
