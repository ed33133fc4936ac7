/* SPDX-License-Identifier: MIT
 * compiled: what a recipe is after compiling, shared by the files of this room only. Headers and elements that a recipe
 * reads are numbered once (slots), so that verifying is one pass over the headers and then array look-ups; so are pointers.
 */
#ifndef CREEL_RECIPE_COMPILED_H
#define CREEL_RECIPE_COMPILED_H

#include "base/json_find.h"
#include "recipe/filter.h"
#include "recipe/recipe.h"

enum {
    RECIPE_HEADERS_MAX = 24,       /* header names one recipe reads */
    RECIPE_FIELDS_MAX = 8,         /* elements of the signature header it refers to */
    RECIPE_FROM_MAX = 8,           /* places a signature is read from */
    RECIPE_PIECES_MAX = 48,        /* pieces of one template */
    RECIPE_CONTENTS_MAX = 4,       /* alternatives of what is signed */
    RECIPE_RULES_MAX = 16,         /* conditions in one list */
    RECIPE_WORDS_MAX = 16,         /* texts in one list: names, hosts, one_of */
    RECIPE_REFS_MAX = 8,           /* references in one default */
    RECIPE_HANDSHAKES_MAX = 8,     /* rules */
    RECIPE_SIGNATURES_MAX = 8,     /* signatures by public key looked at in one request */
    RECIPE_MACS_MAX = 100,         /* the same where comparing them costs nothing (DocuSign sends up to 100) */
    RECIPE_SIGNATURE_BYTES = 1024, /* the longest signature or token that is no JWT; RSA with 4096 bits has 512 */
    RECIPE_TEXT_MAX = 64 * 1024,   /* bytes of a recipe file */
    REF_FILTERS_MAX = 3,
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
    size_t signature_bytes; /* 0: any */
};

/* How a signature is written. */
struct encoding {
    const char *name;
    enum err (*decode)(struct span in, void *out, size_t cap, size_t *n); /* canonical form only */
    size_t (*encode)(const void *p, size_t n, char *out);
};

enum ref_kind {
    REF_LITERAL,
#define X(kind, word, follows, called, used) REF_##kind,
#include "recipe/references.tbl"
#undef X
};

enum { SLOT_BY_NAME = -1 }; /* looked for by its name or pointer: outside of recipes, or where their slots are full */

struct ref {
    enum ref_kind kind;
    int slot;         /* of headers, fields, pointers into the body or into an item */
    struct span what; /* literal, pointer, name; terminated */
    struct filter_use filters[REF_FILTERS_MAX];
    unsigned char n_filters;
    unsigned char group;  /* of a template's pieces: which [[...]] it is in, from 1; 0: none */
    unsigned char number; /* REF_SEGMENT */
};

/* Text with references; n 0: there is none. */
struct text {
    const struct ref *pieces;
    size_t n;
};

struct words {
    const char **list;
    size_t n;
};

struct header_slot {
    struct span name; /* of a family: how the names begin */
    bool family;
    bool repeats;   /* may come several times: only a signature's header */
    bool signature; /* is one of signature.from */
};

/* Headers that the request itself lists as signed. */
struct signed_headers {
    struct ref names;
    char separator;
    struct span before, between, after; /* of "pair": what stands around {name} and {value} */
    bool no_names;                      /* "pair" has no {name} */
    struct span join;
    bool lower;
    bool itself; /* the list is a header that is signed only by being on it */
};

struct keys_url {
    struct ref from;
    struct words hosts;
    struct span suffix;
    const char *format; /* a key encoding; NULL: this recipe fetches no keys */
};

/* Grammar of a signature header: items split by `list`, each "key<pair>value" or a bare value, the value behind
 * `prefix`. */
struct signature {
    struct ref from[RECIPE_FROM_MAX];
    size_t n_from;
    char list, pair; /* 0: none */
    struct text key; /* none without pair */
    struct span prefix;
    const struct encoding *encoding;
    struct text contents[RECIPE_CONTENTS_MAX];
    size_t n_contents;
    struct span each; /* pointer; .p NULL: the request is one piece */
    bool has_signed_headers, has_key_id;
    struct signed_headers signed_headers;
    struct ref key_id;
    struct keys_url keys_url;
    struct {
        unsigned algorithms, require; /* masks of jwt.h */
        int64_t leeway_ms;
    } jwt;
};

enum time_format { TIME_SECONDS, TIME_MILLISECONDS, TIME_RFC3339, TIME_ISO8601_UTC, TIME_HTTP_DATE, TIME_FORMATS };
enum { FUTURE_ANY = -1, FUTURE_SAME = -2 };

struct timestamp {
    struct ref from;
    enum time_format format;
    int64_t past_ms;   /* how old it may be */
    int64_t future_ms; /* how far ahead; FUTURE_ANY, or FUTURE_SAME as past */
    bool unsigned_time;
    bool listed; /* it is signed where the request lists it among signed_headers */
};

/* What must hold for a value. */
struct rule {
    struct ref of;
    bool optional, absent, has_when; /* holds when it is absent; must be absent; asked only when `when` has a value */
    struct ref when;
    struct text equals, includes; /* includes: one of its words is this */
    struct words one_of, matches;
    struct span without;         /* bytes that must not occur */
    uint64_t characters[4];      /* bytes that may occur, a bit each; all 0: any */
    size_t min_bytes, max_bytes; /* 0: any */
};

struct rules {
    struct rule *list;
    size_t n;
};

struct handshake {
    const char *name;
    const char *method;
    struct rules when, asserts;
    int refused_status; /* of one whose assert fails */
    bool is_signed;
    int status;
    struct span content_type;
    struct text body, store, fetch;
    struct words hosts;
    struct {
        struct span name;
        struct text value;
    } headers[RECIPE_REPLY_HEADERS];
    size_t n_headers;
};

struct refs {
    const char *text[RECIPE_REFS_MAX];
    size_t n;
};

enum { DEFAULT_TYPE, DEFAULT_EVENT_ID, DEFAULT_ORDER_KEY, DEFAULT_VERSION, DEFAULT_TIME, DEFAULTS };

struct recipe {
    struct arena memory; /* every text and list below */
    const char *name, *title, *documentation;
    bool none; /* "signature": "none" */
    const struct algorithm *algorithm;
    struct signature signature;
    bool has_timestamp;
    struct timestamp timestamp;
    struct rules asserts;
    const char *key_encoding;
    struct header_slot headers[RECIPE_HEADERS_MAX];
    size_t n_headers;
    struct span fields[RECIPE_FIELDS_MAX];
    size_t n_fields;
    struct json_find in_body, in_item; /* what json: and item: refer to */
    struct words credentials, repeatable, notes;
    struct refs defaults[DEFAULTS];
    struct config_answer answers[ANSWER_KINDS];
    struct handshake handshakes[RECIPE_HANDSHAKES_MAX];
    size_t n_handshakes;
    bool gathers;        /* decodes parts of the body or puts together what is signed: needs scratch by the body's size */
    bool needs_url;      /* refers to public_url */
    struct words params; /* that it refers to */
};

#endif
