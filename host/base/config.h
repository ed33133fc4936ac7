/* SPDX-License-Identifier: MIT
 * config: the configuration, read and checked once by the supervisor, then handed to the roles as a sealed snapshot that they
 * read with this same code. Knows settings and files; knows nothing of recipes' meaning (it hands their text on) and never
 * holds a secret's bytes. Any process; a struct config is immutable after loading, so any thread.
 */
#ifndef CREEL_BASE_CONFIG_H
#define CREEL_BASE_CONFIG_H

#include <stdint.h>
#include <sys/socket.h>
#include "base/buf.h"
#include "base/err.h"

#define CFG_TYPE_TEXT const char *
#define CFG_TYPE_PATH const char *
#define CFG_TYPE_ONE const char *
#define CFG_TYPE_BOOL bool
#define CFG_TYPE_SIZE int64_t
#define CFG_TYPE_TIME int64_t
#define CFG_TYPE_INT int64_t
#define CFG_TYPE_MODE int64_t

struct config_key {
    const char *id;
    const char *record; /* what the gathered secrets call it: its id, or of a method of auth "METHOD/ID" */
    const char *secret_file, *secret_env, *public_key_file; /* exactly one is set */
    const char *encoding;                                   /* as written, or NULL: the recipe's default */
    int64_t not_before_ms, not_after_ms;                    /* 0 and INT64_MAX when open */
    const char *where;                                      /* "FILE:LINE: /json/pointer"; NULL from a snapshot */
    bool faulty;                                            /* what is wrong with it was reported */
};

/* An answer's overrides: status 0 and NULLs where the source says nothing. */
struct config_answer {
    int status;
    const char *content_type, *body;
};
enum config_answer_kind { ANSWER_ACCEPTED, ANSWER_DUPLICATE, ANSWER_REFUSED, ANSWER_KINDS };

struct config_param {
    const char *name, *value;
};

/* How a caller proves himself besides by a signature (config_auth.c). */
enum config_auth_kind { AUTH_API_KEY, AUTH_BASIC, AUTH_BEARER, AUTH_URL_TOKEN, AUTH_CLIENT_CERT, AUTH_JWT, AUTH_KINDS };
struct config_auth {
    enum config_auth_kind kind;
    bool used;
    const char *where; /* as a source's */
    struct config_key *keys; /* of all but client_cert */
    size_t n_keys;
    const char *header; /* the field with the credential, of all but url_token and client_cert */
    const char *from;   /* url_token: "query:NAME" or "path:N" */
    const char **algorithms, **issuer, **audience, **scopes; /* jwt; none: not asked for */
    size_t n_algorithms, n_issuer, n_audience, n_scopes;
    bool require_exp;
    int64_t leeway_ms;
    const char **sha256, **subject; /* client_cert: small hexadecimal digits; RFC 2253 */
    size_t n_sha256, n_subject;
};

/* What a source knows of a version of its event types. */
struct config_version {
    const char *name;                  /* as the sender writes it; empty: of events that carry none */
    int64_t deprecated_ms, sunset_ms;  /* since 1970; 0: not said */
    const char *schema;                /* "v2": what its file's name ends in; empty: nothing; NULL: as its own name says */
    const char *link;                  /* where a sender reads about that, or NULL */
};

/* rate events in per_ms, burst at once. */
enum { CONFIG_LIMITS_MAX = 16 }; /* of one source */
enum limit_by { LIMIT_BY_SOURCE, LIMIT_BY_IP, LIMIT_BY_KEY, LIMIT_BY_TENANT, LIMIT_BY_VALUE };
struct config_limit {
    int64_t rate, per_ms, burst, ipv6_prefix, max;
    const char *key; /* as written: one of the words, or (LIMIT_BY_VALUE) a reference */
    enum limit_by by;
};
/* The longest time that may pass until a whole burst may come again: ten years. */
#define LIMIT_FULL_MAX_MS INT64_C(315360000000)

struct config_source {
    const char *name;
    const char *where; /* "FILE:LINE: /json/pointer"; NULL from a snapshot */
    const char *route; /* path with its %XX decoded: what requests are compared with */
#define TOP(type, member, json, def, min, max, reloadable, help)
#define SRC(type, member, json, def, min, max, reloadable, help) CFG_TYPE_##type member;
#include "base/config.tbl"
#undef TOP
#undef SRC
    struct config_param *params;
    size_t n_params;
    struct config_key *keys;
    size_t n_keys;
    struct config_auth auth[AUTH_KINDS]; /* those that are used must all hold */
    /* References: "json:/ptr", "header:Name", "path:N", "const:text"; a list means first present. NULL, 0: the recipe's. */
    const char **type, **event_id, **order_key, **version, **time;
    size_t n_type, n_event_id, n_order_key, n_version, n_time;
    const char **types; /* patterns this source may raise ("order.*"); none: any */
    size_t n_types;
    const char **methods, **content_types; /* none: POST; any content type */
    size_t n_methods, n_content_types;
    const char **webhook_origins; /* who is given leave to send when he asks for it by OPTIONS; "*": anybody */
    size_t n_webhook_origins;
    struct config_version *versions; /* none: any, and nothing is known of them */
    size_t n_versions;
    const char **allow; /* blocks of addresses (cidr.h); none: any address */
    size_t n_allow;
    struct config_limit *limits;
    size_t n_limits;
    const char **tenant; /* references */
    size_t n_tenant;
    bool dedupe;             /* false only with "dedupe": false */
    const char **dedupe_by;  /* "event_id", "body" or references, all of which make the key; none: "event_id" */
    size_t n_dedupe_by;
    const char *dedupe_missing; /* "body", "refuse", "accept": an event of which one of them is not there */
    int64_t dedupe_window_ms; /* 24 h */
    int64_t dedupe_max;       /* 1,000,000 */
    struct config_answer answers[ANSWER_KINDS];
    bool rejected_body; /* "rejected": {"body": true}: bodies of refused requests are kept */
};

/* Does a hash of the body alone recognise this source's duplicates? */
bool config_dedupes_by_body(const struct config_source *s);

struct config_warning {
    const char *text; /* "FILE:LINE: /json/pointer: warning: reason" */
    struct config_warning *next;
};

/* A file that the configuration brings along, whole. */
struct config_text {
    const char *name, *file, *text; /* without .json; with its folder; JSON */
};

struct config {
#define TOP(type, member, json, def, min, max, reloadable, help) CFG_TYPE_##type member;
#define SRC(type, member, json, def, min, max, reloadable, help)
#include "base/config.tbl"
#undef TOP
#undef SRC
    const char **peer_users;
    size_t n_peer_users;
    const char **trusted_proxies; /* blocks of addresses (cidr.h) */
    size_t n_trusted_proxies;
    struct config_limit failed_limit; /* rate 0: failed proofs are not counted */
    double min_free_percent;    /* the one of the two that was written; the other is 0 */
    int64_t min_free_bytes;
    struct config_source *sources; /* sorted by name */
    size_t n_sources;
    const struct config_source **by_route; /* the same, sorted by route */
    struct config_text *recipes_loaded; /* each recipe some source names */
    size_t n_recipes_loaded;
    struct config_text *schemas_loaded; /* all that lie in `schemas`, sorted by name; not by config_read */
    size_t n_schemas_loaded;
    const char *file; /* where it was read from */
    struct config_warning *warnings; /* what is worth saying and does not keep creeld from starting; by config_load only */
    void *memory;     /* owns everything above */
};

/* Where findings go: called once per fault with "FILE:LINE: /json/pointer: reason". */
typedef void (*config_report)(void *arg, const char *text);

/* Blank // and slash-star comments outside strings, line feeds kept, so that places stay where they are. False if one
 * is not closed; *at is its offset. */
bool config_blank_comments(char *text, size_t n, size_t *at);
/* Read FILE (JSON with // and slash-star comments) and what it includes, check every setting (type, range, unknown names
 * with the nearest one suggested, sources that share a path, keys without exactly one secret, references that cannot be
 * parsed, recipes that are not found in cfg->recipes or $pkgdatadir/recipes, secret files whose mode lets others read,
 * "none" without allow_unsigned, …). Reports every fault, not just the first. ERR_INVALID if there was any. */
enum err config_load(const char *file, config_report report, void *arg, struct config **out);
/* The same, but ERR_OK also with faults, which it counts: what is not marked faulty may be looked at further, so that
 * whoever starts creeld learns everything at once. ERR_INVALID only when nothing can be read. */
enum err config_look(const char *file, config_report report, void *arg, struct config **out, unsigned *faults);
/* The same without looking at what the settings name (key files, users, folders; recipes are loaded where they can be
 * read): for the command line, whose caller need not be allowed to read a key. */
enum err config_read(const char *file, config_report report, void *arg, struct config **out);
void config_free(struct config *c);
/* One more warning, "WHERE: warning: REASON"; whoever loads a configuration may find doubts that the settings alone do
 * not show. */
void config_doubt(struct config *c, const char *where, const char *reason);

/* "unix:PATH", "ADDRESS:PORT" ("127.0.0.1:9000", "[::1]:9000") or "fd:N" as something to bind or use. */
struct config_address {
    int fd; /* of "fd:N", else -1 */
    struct sockaddr_storage addr;
    socklen_t addr_bytes; /* 0 with "fd:N" */
};
/* ERR_INVALID with the reason in w. */
enum err config_address(const char *text, struct config_address *out, struct why *w);

/* The sealed memfd that hands all texts on, and reading it back (cannot fail on a config that loaded, short of memory). */
enum err config_snapshot(const struct config *c, int *fd, struct why *w);
enum err config_from_snapshot(int fd, struct config **out, struct why *w);

/* The effective configuration as JSON, secrets as "…" (creeld -T). */
void config_print(const struct config *c, struct buf *b);

/* What a reload from `old` to `now` cannot change (socket addresses, the spool, …): the first such setting's name, or NULL. */
const char *config_fixed_changed(const struct config *old, const struct config *now);

/* By a request's decoded path. */
const struct config_source *config_source_by_path(const struct config *c, struct span path);
const struct config_source *config_source_by_name(const struct config *c, struct span name);
/* Does this key come from the source's keys_folder? */
bool config_key_in_folder(const struct config_source *s, const struct config_key *k);
/* Can this be the version in a schema file's name: v2, v2024-10-01, v1.0? A dot is followed by a digit. */
bool config_schema_version(struct span s);
/* The i-th of all keys of a source, those of auth behind its own; NULL behind the last. */
const struct config_key *config_source_key(const struct config_source *s, size_t i);
/* Must callers of this source prove themselves besides by a signature? */
bool config_has_auth(const struct config_source *s);
/* "api_key", …, as it is written. */
const char *config_auth_name(enum config_auth_kind kind);
const char *config_recipe_text(const struct config *c, const char *name);

/* What may be replaced while creeld runs and is then read again: each file the configuration names whose content it was made of
 * (keys), and each folder of such files (schemas, recipes, keys), of which those count whose name does not begin with a dot and ends
 * in suffix. suffix NULL: path is a file. A path may come twice. */
typedef void (*config_watched_each)(void *arg, const char *path, const char *suffix);
void config_watched(const struct config *c, config_watched_each each, void *arg);

/* Does an event type match a pattern: literal, or with '*' standing for any run of bytes ("order.*"). Linear time. */
bool config_pattern_match(const char *pattern, struct span text);

#endif
