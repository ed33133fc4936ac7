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
#include "recipe/hash.h"

enum { DIGEST_BYTES = 32, SUBJECT_BYTES_MAX = 4096 };

/* The DER of exactly one certificate in PEM (RFC 7468 section 5); nginx may put tabs before its lines. ERR_INVALID. */
static enum err read_pem(struct span pem, struct arena *a, struct span *der)
{
    const struct span begin = SPAN_LIT("-----BEGIN CERTIFICATE-----"), end = SPAN_LIT("-----END CERTIFICATE-----");
    const char *from = pem.n ? memmem(pem.p, pem.n, begin.p, begin.n) : NULL;
    struct span rest = from ? span_skip(pem, (size_t)(from - pem.p) + begin.n) : SPAN_NONE;
    const char *to = rest.n ? memmem(rest.p, rest.n, end.p, end.n) : NULL;
    size_t n = 0;
    if (!to || from != pem.p)
        return ERR_INVALID;
    for (struct span s = span_skip(rest, (size_t)(to - rest.p) + end.n); s.n > 0; s = span_skip(s, 1))
        if (!isspace((unsigned char)*s.p))
            return ERR_INVALID;
    char *text = arena_alloc(a, (size_t)(to - rest.p) + 1), *out = arena_alloc(a, (size_t)(to - rest.p) + 1);
    if (!text || !out)
        return ERR_NO_ROOM;
    for (const char *p = rest.p; p < to; p++)
        if (!isspace((unsigned char)*p))
            text[n++] = *p;
    enum err e = base64_decode_public(span_of(text, n), out, (size_t)(to - rest.p) + 1, &n);
    *der = span_of(out, n);
    return e == ERR_OK && n > 0 ? ERR_OK : ERR_INVALID;
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
        enum err e = read_pem(pem, t->scratch, der);
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
