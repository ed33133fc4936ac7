/* SPDX-License-Identifier: MIT
 * compiled: what a recipe is after compiling, shared by the files of this room only. All names a recipe reads from a
 * request are numbered once (slots), so that verifying is one pass over the headers and then array look-ups.
 */
#ifndef CREEL_RECIPE_COMPILED_H
#define CREEL_RECIPE_COMPILED_H

#include "recipe/recipe.h"

enum {
    RECIPE_HEADERS_MAX = 16, /* header names one recipe reads */
    RECIPE_FIELDS_MAX = 8,   /* elements of the signature header it refers to */
    RECIPE_PIECES_MAX = 32,  /* pieces of one content template */
    RECIPE_ASSERTS_MAX = 8,
    RECIPE_NAMES_MAX = 16,       /* credentials, repeatable */
    RECIPE_REFS_MAX = 8,         /* references in one default */
    RECIPE_SIGNATURES_MAX = 8,   /* signatures looked at in one request */
    RECIPE_SIGNATURE_BYTES = 64, /* the longest of algorithms.tbl */
    RECIPE_TEXT_MAX = 64 * 1024, /* bytes of a recipe file */
};

/* What an algorithm asks of a key; as a bit in the masks of keys.tbl. */
enum family {
    FAMILY_HMAC = 1 << 0,
    FAMILY_ED25519 = 1 << 1,
    FAMILY_PUBLIC = 1 << 2, /* RSA, ECDSA */
    FAMILY_DIGEST = 1 << 3, /* plain digests over content that holds the secret */
    FAMILY_TOKEN = 1 << 4,
    FAMILY_JWT = 1 << 5,
    FAMILY_SECRET = FAMILY_HMAC | FAMILY_DIGEST | FAMILY_TOKEN | FAMILY_JWT, /* takes shared secrets */
    FAMILY_PAIR = FAMILY_ED25519 | FAMILY_PUBLIC | FAMILY_JWT                /* takes public keys */
};

struct algorithm {
    const char *name;
    enum family family;
    const char *digest;
    size_t signature_bytes;
};

/* How a signature is written. */
struct encoding {
    const char *name;
    enum err (*decode)(struct span in, void *out, size_t cap, size_t *n); /* canonical form only */
    size_t (*encode)(const void *p, size_t n, char *out);
};

enum ref_kind { REF_LITERAL, REF_BODY, REF_METHOD, REF_URL, REF_HEADER, REF_FIELD };

struct ref {
    enum ref_kind kind;
    unsigned slot;       /* of headers or fields */
    struct span literal; /* REF_LITERAL */
};

struct header_slot {
    struct span name;
    bool repeats; /* may come several times: only a signature's header */
};

/* Grammar of a signature header: items split by `list`, each "key<pair>value" or a bare value, the value behind
 * `prefix`. */
struct signature {
    unsigned from[RECIPE_HEADERS_MAX]; /* header slots */
    size_t n_from;
    char list, pair;         /* 0: none */
    struct span key, prefix; /* key: SPAN_NONE without pair */
    const struct encoding *encoding;
};

enum time_format { TIME_SECONDS, TIME_MILLISECONDS, TIME_RFC3339, TIME_ISO8601_UTC, TIME_HTTP_DATE, TIME_FORMATS };
enum { FUTURE_ANY = -1, FUTURE_SAME = -2 };

struct timestamp {
    struct ref from;
    enum time_format format;
    int64_t past_ms;   /* how old it may be */
    int64_t future_ms; /* how far ahead; FUTURE_ANY, or FUTURE_SAME as past */
};

struct assertion {
    struct ref of;
    struct span without; /* bytes that must not occur */
    size_t max_bytes;    /* 0: any */
};

struct refs {
    const char *text[RECIPE_REFS_MAX];
    size_t n;
};

enum { DEFAULT_TYPE, DEFAULT_EVENT_ID, DEFAULT_ORDER_KEY, DEFAULT_VERSION, DEFAULTS };

struct recipe {
    struct arena memory; /* every text below */
    const char *name;
    bool none; /* "signature": "none" */
    const struct algorithm *algorithm;
    struct signature signature;
    struct ref content[RECIPE_PIECES_MAX];
    size_t n_content;
    bool has_timestamp;
    struct timestamp timestamp;
    struct assertion asserts[RECIPE_ASSERTS_MAX];
    size_t n_asserts;
    const char *key_encoding;
    struct header_slot headers[RECIPE_HEADERS_MAX];
    size_t n_headers;
    struct span fields[RECIPE_FIELDS_MAX];
    size_t n_fields;
    struct span credentials[RECIPE_NAMES_MAX], repeatable[RECIPE_NAMES_MAX];
    size_t n_credentials, n_repeatable;
    struct refs defaults[DEFAULTS];
};

/* What one request says at the slots; SPAN_NONE: nothing. */
struct values {
    struct span header[RECIPE_HEADERS_MAX], field[RECIPE_FIELDS_MAX];
};

/* The decoded signatures of one request, each of the algorithm's length. */
struct signatures {
    unsigned char bytes[RECIPE_SIGNATURES_MAX][RECIPE_SIGNATURE_BYTES];
    size_t n;
};

#endif
