/* SPDX-License-Identifier: MIT
 * config_parts: what the files config*.c share among themselves: the settings as rows, the loader, and places in a
 * document. Nobody else includes this (but the configuration's own test). One thread.
 */
#ifndef CREEL_BASE_CONFIG_PARTS_H
#define CREEL_BASE_CONFIG_PARTS_H

#include <sys/types.h>

#include "base/config.h"
#include "base/json.h"

enum setting_type {
    SETTING_TEXT, /* const char * */
    SETTING_PATH, /* const char *, absolute */
    SETTING_ONE,  /* const char *, one of the words in the default */
    SETTING_BOOL,
    SETTING_SIZE, /* the rest int64_t */
    SETTING_TIME,
    SETTING_INT,
    SETTING_MODE,
    SETTING_DATE /* milliseconds since 1970, written as RFC 3339 */
};

struct setting {
    enum setting_type type;
    const char *name, *def;
    size_t offset; /* in the struct the row belongs to */
    int64_t min, max;
    bool reloadable;
    const char *help;
};

enum {
    CONFIG_TOP_ROWS = 0
#define TOP(type, member, json, def, min, max, reloadable, help) +1
#define SRC(type, member, json, def, min, max, reloadable, help)
#include "base/config.tbl"
#undef TOP
#undef SRC
    ,
    CONFIG_SRC_ROWS = 0
#define TOP(type, member, json, def, min, max, reloadable, help)
#define SRC(type, member, json, def, min, max, reloadable, help) +1
#include "base/config.tbl"
#undef TOP
#undef SRC
};
extern const struct setting config_top_rows[CONFIG_TOP_ROWS];
extern const struct setting config_src_rows[CONFIG_SRC_ROWS];

/* The value of a row in its struct. */
static inline const char *setting_text(const struct setting *s, const void *base)
{
    return *(const char *const *)((const char *)base + s->offset);
}
static inline int64_t setting_number(const struct setting *s, const void *base)
{
    return *(const int64_t *)((const char *)base + s->offset);
}
static inline bool setting_bool(const struct setting *s, const void *base)
{
    return *(const bool *)((const char *)base + s->offset);
}

/* n zeroed bytes that live as long as c; NULL when memory is out. */
void *config_alloc(struct config *c, size_t n);

/* ---- loading ---- */

enum config_look {
    LOOK_EVERYWHERE, /* creeld: also at what is named */
    LOOK_SETTINGS,   /* creel: at the settings alone */
    LOOK_SNAPSHOT    /* a role: everything was checked before */
};

struct document {
    const char *file; /* as people know it */
    const char *dir;  /* absolute, for relative paths in it */
    char *text;       /* owned; comments are blanked */
    size_t n;
    struct document *next;
};

/* Where in a document: a chain on the stack, innermost first. */
struct place {
    const struct place *up; /* NULL: the whole document */
    struct span name;       /* of the member, as written; p == NULL in a list */
    size_t index;           /* in a list */
    struct span value;      /* in the document's text; its line is what is reported */
};

struct loader {
    struct config *c;
    enum config_look look;
    config_report report;
    void *arg;
    struct document *docs;         /* all of them, owned */
    const struct document *doc;    /* being read */
    struct config_source *sources; /* owned while growing */
    struct origin {
        const struct document *doc;
        struct span name, value;
    } * origins; /* where each source is written; owned */
    size_t n_sources, cap_sources;
    unsigned faults;
    uid_t owner; /* of `user`, whose key files are good too; else (uid_t)-1 */
    bool out_of_memory;
};

/* Where a fault would be reported: "FILE:LINE: /json/pointer", in c's memory; NULL when it is too long to be told. */
const char *config_where(struct loader *l, const struct place *at);
/* Keep "FILE:LINE: /pointer: warning: reason" in c->warnings. */
void config_warn(struct loader *l, const struct place *at, const char *reason);
/* Report "FILE:LINE: /pointer: reason" for this place. */
void config_fault(struct loader *l, const struct place *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same for member `name` of the object at `object`; the object's line if the member is not written. */
void config_fault_member(struct loader *l, const struct place *object, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A member's or element's place. */
static inline struct place place_member(const struct place *up, struct span name, struct span value)
{
    return (struct place){up, name, 0, value};
}
static inline struct place place_element(const struct place *up, size_t index, struct span value)
{
    return (struct place){up, SPAN_NONE, index, value};
}

/* Settings that have a shape of their own. */
struct special {
    const char *name;
    void (*set)(struct loader *l, const struct place *at, void *base);
};
/* What an object may hold. */
struct shape {
    const struct setting *rows;
    size_t n_rows;
    const struct special *specials;
    size_t n_specials;
    const char *const *later; /* known by name, refused because this version does nothing with them */
    size_t n_later;
    const char *hint; /* said about unknown members nothing known resembles, or NULL */
};
/* Set every row of the shape to its default. */
void config_defaults(struct loader *l, const struct shape *shape, void *base);
/* Read the object at `at` into base; false if it is no object. Reports unknown members and required ones that are
 * missing. */
bool config_object(struct loader *l, const struct place *at, const struct shape *shape, void *base);
/* A list of strings (or one string alone), each taken by `good`, which reports what it does not like. */
typedef bool (*config_good)(struct loader *l, const struct place *at, const char *text);
bool config_not_empty(struct loader *l, const struct place *at, const char *text);
void config_strings(struct loader *l, const struct place *at, config_good good, const char ***list, size_t *n);
/* A string value as a C string in c's memory; reports and gives NULL if it is none. */
const char *config_string(struct loader *l, const struct place *at);
const char *config_copy(struct loader *l, struct span s);
/* The same of a path, absolute and not empty. */
const char *config_path(struct loader *l, const struct place *at);

/* config_source.c: read one source into *src (zeroed) and check it; and what holds over all sources, when all are read.
 */
void config_source(struct loader *l, const struct place *at, struct config_source *src);
void config_sources_check(struct loader *l);
/* Is this a reference of creel-recipe(5)? Reports it if not; what only the room of recipes can read passes. */
bool config_good_reference(struct loader *l, const struct place *at, const char *text);
/* config_dedupe.c: how duplicates of a source are recognised: the setting, and what holds without it. */
void config_dedupe(struct loader *l, const struct place *at, void *source);
void config_dedupe_default(struct loader *l, struct config_source *src);
/* config_keys.c: the keys listed in "keys", and behind them those of the source's keys_folder. */
void config_keys(struct loader *l, const struct place *at, void *source);
/* The same for the keys of a method of auth. */
void config_auth_keys(struct loader *l, const struct place *at, const char *method, struct config_auth *auth);
/* One key in a file, as if it had been listed. */
void config_auth_key_file(struct loader *l, const struct place *at, const char *method, struct config_key key,
                          struct config_auth *auth);
void config_keys_folder(struct loader *l, const struct place *at, struct config_source *src);
/* config_rejected.c: what is kept of the source's refused requests. */
void config_rejected(struct loader *l, const struct place *at, void *source);
/* config_auth.c: "auth" of a source, and what must hold between it and the other settings. */
void config_auth(struct loader *l, const struct place *at, void *source);
void config_auth_check(struct loader *l, const struct place *source, const struct config_source *src);
/* config_versions.c: "versions". */
void config_versions(struct loader *l, const struct place *at, void *source);
/* config_allow.c: blocks of addresses; and what an allow-list needs of `listen`. */
void config_allow(struct loader *l, const struct place *at, void *source);
void config_trusted_proxies(struct loader *l, const struct place *at, void *config);
void config_allow_check(struct loader *l, const struct place *at, const struct config_source *src);
/* config_limit.c */
enum { CONFIG_LIMIT_ROWS = 6 };
extern const struct setting config_limit_rows[CONFIG_LIMIT_ROWS]; /* the last is `key`, which failed_limit has not */
void config_limits(struct loader *l, const struct place *at, void *source);
void config_limits_check(struct loader *l, const struct place *at, const struct config_source *src);
void config_tenant(struct loader *l, const struct place *at, void *source);
void config_failed_limit_default(struct loader *l, struct config *c);
void config_failed_limit(struct loader *l, const struct place *at, void *config);
/* The place of source i, built in three links whose storage is the caller's; l->doc becomes its document. */
const struct place *config_source_place(struct loader *l, size_t i, struct place links[3]);

/* config_load.c: a file as a document, whose place is *root; it becomes l->doc. Reports what is wrong. */
bool config_document(struct loader *l, const char *file, struct place *root);

/* config_named.c: what the settings name: users, groups, folders, programs; a key's file; the recipes of all sources.
 */
void config_named(struct loader *l, const struct place *root);
/* Takes a peer user's name; warns of one that is not known here. */
bool config_peer_named(struct loader *l, const struct place *at, const char *name);
/* Fill in l->owner. user: the setting as written, p NULL if it is not. */
void config_owner_find(struct loader *l, struct span user);
/* at: the key, or the name of its file alone. */
void config_key_named(struct loader *l, const struct place *at, const struct config_key *k);
void config_recipes_load(struct loader *l);
/* config_schemas.c: the texts of the schemas folder. root: of the configuration. */
void config_schemas_load(struct loader *l, const struct place *root);

#endif
