/* SPDX-License-Identifier: MIT
 * certificate: the client's certificate, as the web server that has verified it reports it (RFC 3875 knows no variables for
 * it; these are Apache's names, which the kits in deploy/ set for every server). Keeps nothing.
 */
#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "auth/auth_parts.h"
#include "base/codec.h"
#include "recipe/form.h"
#include "recipe/hash.h"

enum { DIGEST_BYTES = 32, SUBJECT_BYTES_MAX = 4096, DER_SEQUENCE = 0x30 /* what a certificate begins with */ };

/* base64 with white space anywhere; nginx may put tabs before its lines. ERR_INVALID, ERR_NO_ROOM. */
static enum err read_base64(struct span in, struct arena *a, struct span *der)
{
    size_t n = 0;
    char *text = arena_alloc(a, in.n + 1), *out = arena_alloc(a, in.n + 1);
    if (!text || !out)
        return ERR_NO_ROOM;
    for (size_t i = 0; i < in.n; i++)
        if (!isspace((unsigned char)in.p[i]))
            text[n++] = in.p[i];
    enum err e = base64_decode_public(span_of(text, n), out, in.n + 1, &n);
    *der = span_of(out, n);
    return e == ERR_OK && n > 0 && out[0] == DER_SEQUENCE ? ERR_OK : ERR_INVALID;
}

static bool is_blank(struct span s)
{
    while (s.n > 0 && isspace((unsigned char)*s.p))
        s = span_skip(s, 1);
    return s.n == 0;
}

/* The DER of exactly one certificate in PEM (RFC 7468 section 5). */
static enum err read_pem(struct span pem, struct arena *a, struct span *der)
{
    const struct span begin = SPAN_LIT("-----BEGIN CERTIFICATE-----"), end = SPAN_LIT("-----END CERTIFICATE-----");
    struct span rest = span_starts(pem, begin) ? span_skip(pem, begin.n) : SPAN_NONE;
    const char *to = rest.n ? memmem(rest.p, rest.n, end.p, end.n) : NULL;
    if (!to)
        return ERR_INVALID;
    struct span inside = span_of(rest.p, (size_t)(to - rest.p));
    return is_blank(span_skip(rest, inside.n + end.n)) ? read_base64(inside, a, der) : ERR_INVALID;
}

/* %XX as the byte, all else as it is: '+' is a digit of base64 here. */
static enum err unescape(struct span in, struct arena *a, struct span *out)
{
    char *text = arena_alloc(a, in.n);
    size_t n = 0;
    if (!text)
        return ERR_NO_ROOM;
    for (size_t i = 0; i < in.n; i++) {
        int c = in.p[i] == '%' ? form_escape(in, i) : (unsigned char)in.p[i];
        if (c < 0)
            return ERR_INVALID;
        i += in.p[i] == '%' ? 2 : 0;
        text[n++] = (char)c;
    }
    *out = span_of(text, n);
    return ERR_OK;
}

/* PEM, which nginx can also pass with escapes of URLs, or the base64 of the DER, which Caddy has a word for. */
static enum err read_certificate(struct span text, struct arena *a, struct span *der)
{
    if (!span_starts(text, SPAN_LIT("-----")))
        return read_base64(text, a, der);
    enum err e = memchr(text.p, '%', text.n) ? unescape(text, a, &text) : ERR_OK;
    return e == ERR_OK ? read_pem(text, a, der) : e;
}

/* A fingerprint as web servers write it, with or without colons. */
static bool read_fingerprint(struct span text, unsigned char digest[DIGEST_BYTES])
{
    char digits[2 * DIGEST_BYTES];
    size_t n = 0, got;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ':')
            continue;
        if (n == sizeof digits)
            return false;
        digits[n++] = text.p[i];
    }
    return n == sizeof digits && hex_decode(span_of(digits, n), digest, DIGEST_BYTES, &got) == ERR_OK;
}

/* The subject in the words of RFC 2253, in the arena; SPAN_NONE. */
static struct span subject_of(struct span der, struct arena *a)
{
    const unsigned char *p = (const unsigned char *)der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    BIO *b = x && p == (const unsigned char *)der.p + der.n ? BIO_new(BIO_s_mem()) : NULL;
    struct span out = SPAN_NONE;
    if (b && X509_NAME_print_ex(b, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0) {
        char *text = NULL;
        long n = BIO_get_mem_data(b, &text);
        if (n > 0 && n <= SUBJECT_BYTES_MAX)
            out = arena_copy(a, span_of(text, (size_t)n));
    }
    BIO_free(b);
    X509_free(x);
    return out;
}

static enum err match_digest(struct trial *t, const unsigned char digest[DIGEST_BYTES], const char **id)
{
    const struct config_auth *c = t->m->config;
    char digits[2 * DIGEST_BYTES + 1];
    hex_encode(digest, DIGEST_BYTES, digits);
    for (size_t i = 0; i < c->n_sha256; i++)
        if (strcmp(digits, c->sha256[i]) == 0) {
            *id = c->sha256[i];
            return ERR_OK;
        }
    return auth_wrong(t, "this certificate is not one of those this source takes");
}

static enum err match_subject(struct trial *t, struct span der, const char **id)
{
    const struct config_auth *c = t->m->config;
    struct span subject = der.p ? subject_of(der, t->scratch) : SPAN_NONE;
    for (size_t i = 0; subject.p && i < c->n_subject; i++)
        if (span_eq_str(subject, c->subject[i])) {
            *id = *id ? *id : c->subject[i];
            return ERR_OK;
        }
    return auth_wrong(t, der.p ? "its subject is not one of those this source takes"
                               : "the web server does not pass the certificate itself (SSL_CLIENT_CERT)");
}

/* The certificate that was verified: its DER where it was passed, and its SHA-256. */
static enum err presented(struct trial *t, struct span *der, unsigned char digest[HASH_BYTES_MAX])
{
    const struct auth_request *q = t->q;
    struct span pem = span_trim(q->client_cert);
    *der = SPAN_NONE;
    if (pem.n == 0 && span_trim(q->client_fingerprint).n == 0)
        return auth_missing(t, "no client certificate was presented");
    if (pem.n > 0) {
        enum err e = read_certificate(pem, t->scratch, der);
        if (e == ERR_NO_ROOM)
            return ERR_BODY_TOO_LARGE;
        if (e != ERR_OK)
            return auth_wrong(t, "what the web server passes as certificate cannot be read (SSL_CLIENT_CERT)");
        hash_texts(HASH_SHA256, der, 1, digest);
        return ERR_OK;
    }
    if (read_fingerprint(span_trim(q->client_fingerprint), digest))
        return ERR_OK;
    return auth_wrong(t, "what the web server passes as fingerprint is no SHA-256 (SSL_CLIENT_FINGERPRINT)");
}

enum err auth_certificate(struct trial *t, const char **id)
{
    unsigned char digest[HASH_BYTES_MAX];
    struct span der;
    if (!t->q->from_web_server)
        return auth_wrong(t, "nothing is believed of certificates on this connection");
    if (!span_eq_str(t->q->client_verify, "SUCCESS"))
        return auth_missing(t, "the web server reports no verified client certificate");
    enum err e = presented(t, &der, digest);
    if (e == ERR_OK && t->m->config->n_sha256 > 0)
        e = match_digest(t, digest, id);
    if (e == ERR_OK && t->m->config->n_subject > 0)
        e = match_subject(t, der, id);
    return e;
}
