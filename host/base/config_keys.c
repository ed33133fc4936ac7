/* SPDX-License-Identifier: MIT
 * config_keys: the keys of one source: those listed, and those of its keys_folder. Looks at files, reads none but the
 * ID.json beside a key. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/keyfile.h"
#include "base/secrets.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS "0123456789"
enum { FOLDER_KEYS_MAX = 1000 };

#define KEY(type, member, json, required, help)                                                                        \
    {                                                                                                                  \
        SETTING_##type, json, NULL, offsetof(struct config_key, member), required, 0, true, help                       \
    }
static const struct setting key_rows[] = {
    KEY(TEXT, id, "id", 1, "what logs and records call this key"),
    KEY(PATH, secret_file, "secret_file", 0, "file with the secret"),
    KEY(TEXT, secret_env, "secret_env", 0, "environment variable with the secret"),
    KEY(PATH, public_key_file, "public_key_file", 0, "file with the public key"),
    KEY(TEXT, encoding, "key_encoding", 0, "how the key is written"),
    KEY(DATE, not_before_ms, "not_before", 0, "first time at which the key is valid"),
    KEY(DATE, not_after_ms, "not_after", 0, "last time at which the key is valid"),
};
enum { KEY_ROWS = sizeof key_rows / sizeof key_rows[0], FACT_ROWS = 3 };
static const struct shape key_shape = {.rows = key_rows, .n_rows = KEY_ROWS};
/* What ID.json may say: the last rows. */
static const struct shape fact_shape = {.rows = key_rows + KEY_ROWS - FACT_ROWS, .n_rows = FACT_ROWS};

/* ---- "keys": [ … ] ---- */

static bool good_variable(const char *name)
{
    size_t n = strspn(name, LETTERS DIGITS);
    return n > 0 && n <= 128 && name[n] == 0 && !strchr(DIGITS, name[0]);
}

static void check_window(struct loader *l, const struct place *at, const struct config_key *k)
{
    if (k->not_before_ms >= k->not_after_ms)
        config_fault_member(l, at, "not_after", "must be later than not_before");
}

static void check_key(struct loader *l, const struct place *at, const struct config_key *k)
{
    int secrets = (k->secret_file != NULL) + (k->secret_env != NULL) + (k->public_key_file != NULL);
    size_t n = k->id ? strspn(k->id, LETTERS DIGITS ".:-") : 0;
    if (k->id && *k->id && (n > 64 || k->id[n] != 0))
        config_fault_member(l, at, "id", "a key's id is 1 to 64 of A-Z a-z 0-9 . _ : -");
    if (secrets != 1)
        config_fault(l, at, "needs exactly one of secret_file, secret_env and public_key_file");
    else if (k->secret_env && !good_variable(k->secret_env))
        config_fault_member(l, at, "secret_env", "must be the name of an environment variable");
    else if ((k->secret_file && !*k->secret_file) || (k->public_key_file && !*k->public_key_file))
        config_fault(l, at, "the file's name must not be empty");
    else if (l->look == LOOK_EVERYWHERE)
        config_key_named(l, at, k);
    check_window(l, at, k);
}

/* The keys of a source, or of one of its methods of auth. */
struct key_list {
    struct config_key **keys;
    size_t *n;
    const char *method; /* NULL: the source's own */
};

/* Room for n more keys. */
static bool more_keys(struct loader *l, const struct key_list *list, size_t n)
{
    struct config_key *keys = config_alloc(l->c, (*list->n + n + 1) * sizeof *keys);
    if (!keys) {
        l->out_of_memory = true;
        return false;
    }
    if (*list->n)
        memcpy(keys, *list->keys, *list->n * sizeof *keys);
    *list->keys = keys;
    return true;
}

static bool has_key(const struct key_list *list, const char *id)
{
    for (size_t i = 0; id && i < *list->n; i++)
        if ((*list->keys)[i].id && strcmp((*list->keys)[i].id, id) == 0)
            return true;
    return false;
}

static const char *record_of(struct loader *l, const struct key_list *list, const char *id)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%s/%s", list->method ? list->method : "", id ? id : "");
    return list->method ? config_copy(l, span_of(text, (size_t)n < sizeof text ? (size_t)n : 0)) : id;
}

/* Behind the others; its place among them was made. */
static void add_key(struct loader *l, const struct place *at, const struct key_list *list, struct config_key k,
                    unsigned faults_before)
{
    check_key(l, at, &k);
    if (has_key(list, k.id))
        config_fault_member(l, at, "id", "another key of this %s has the same id", list->method ? "method" : "source");
    k.record = record_of(l, list, k.id);
    k.faulty = l->faults != faults_before;
    (*list->keys)[(*list->n)++] = k;
}

static void read_keys(struct loader *l, const struct place *at, const struct key_list *list)
{
    struct span value;
    size_t n = 0;
    if (json_type_of(at->value) != JSON_ARRAY) {
        config_fault(l, at, "must be a list of keys in brackets");
        return;
    }
    for (struct json_iter it = json_iter(at->value); json_next_element(&it, &value);)
        n++;
    if (!more_keys(l, list, n))
        return;
    struct json_iter it = json_iter(at->value);
    for (size_t i = 0; json_next_element(&it, &value); i++) {
        struct place key = place_element(at, i, value);
        struct config_key k = {.not_after_ms = INT64_MAX,
                               .where = l->look == LOOK_SNAPSHOT ? NULL : config_where(l, &key)};
        unsigned before = l->faults;
        if (config_object(l, &key, &key_shape, &k))
            add_key(l, &key, list, k, before);
    }
}

void config_keys(struct loader *l, const struct place *at, void *base)
{
    struct config_source *src = base;
    read_keys(l, at, &(struct key_list){&src->keys, &src->n_keys, NULL});
}

void config_auth_keys(struct loader *l, const struct place *at, const char *method, struct config_auth *auth)
{
    read_keys(l, at, &(struct key_list){&auth->keys, &auth->n_keys, method});
}

void config_auth_key_file(struct loader *l, const struct place *at, const char *method, struct config_key key,
                          struct config_auth *auth)
{
    const struct key_list list = {&auth->keys, &auth->n_keys, method};
    key.not_after_ms = INT64_MAX;
    key.where = l->look == LOOK_SNAPSHOT ? NULL : config_where(l, at);
    if (more_keys(l, &list, 1))
        add_key(l, at, &list, key, l->faults);
}

/* ---- "keys_folder": what lies in it ---- */

/* The files of one id. */
struct found {
    char id[KEYFILE_ID_BYTES + 1];
    bool secret, is_public, facts;
};
struct folder {
    struct loader *l;
    const struct place *at; /* of the source */
    const char *path;
    struct found *found; /* owned */
    size_t n, cap;
};

static void warn_of(const struct folder *f, const char *name, const char *reason)
{
    char text[1024];
    struct place at = place_member(f->at, SPAN_LIT("keys_folder"), json_member(f->at->value, "keys_folder"));
    snprintf(text, sizeof text, "%.400s/%.255s %s", f->path, name, reason);
    config_warn(f->l, &at, text);
}

static struct found *found_as(struct folder *f, struct span id)
{
    for (size_t i = 0; i < f->n; i++)
        if (span_eq_str(id, f->found[i].id))
            return &f->found[i];
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;
        struct found *more = reallocarray(f->found, cap, sizeof *more);
        if (!more) {
            f->l->out_of_memory = true;
            return NULL;
        }
        f->found = more;
        f->cap = cap;
    }
    struct found *made = &f->found[f->n++];
    *made = (struct found){0};
    memcpy(made->id, id.p, id.n);
    return made;
}

static void take_name(struct folder *f, const char *name)
{
    struct span id = span_str(name), suffix = SPAN_LIT("");
    const char *dot = strchr(name, '.');
    if (dot) {
        id.n = (size_t)(dot - name);
        suffix = span_str(dot);
    }
    bool facts = span_eq_str(suffix, ".json"), is_public = span_eq_str(suffix, ".pub");
    if (!keyfile_id_valid(id) || (dot && !facts && !is_public)) {
        warn_of(f, name,
                "is left out: a key is a file ID or ID.pub, with or without ID.json, its ID of A-Z a-z 0-9 _ : -");
        return;
    }
    struct found *of = found_as(f, id);
    if (!of)
        return;
    of->facts |= facts;
    of->is_public |= is_public;
    of->secret |= !dot;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->id, ((const struct found *)b)->id);
}

/* Takes fd over. False: the folder cannot be read, and that was reported. */
static bool list(struct folder *f, int fd)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        f->l->out_of_memory = true;
        return false;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') /* hidden: one that is being written */
            take_name(f, e->d_name);
    closedir(d);
    if (f->n > 0)
        qsort(f->found, f->n, sizeof *f->found, by_id);
    if (f->n <= FOLDER_KEYS_MAX)
        return true;
    config_fault_member(f->l, f->at, "keys_folder", "%s holds more than %d keys: take those that ended out of it",
                        f->path, FOLDER_KEYS_MAX);
    return false;
}

static const char *path_of(const struct folder *f, const char *id, const char *suffix)
{
    char text[PATH_MAX];
    int n = snprintf(text, sizeof text, "%s/%s%s", f->path, id, suffix);
    if (n >= 0 && (size_t)n < sizeof text)
        return config_copy(f->l, span_of(text, (size_t)n));
    config_fault_member(f->l, f->at, "keys_folder", "the path is too long");
    return "";
}

static void check_file(const struct folder *f, const char *path, bool is_public)
{
    struct why w;
    int fd;
    if (f->l->look != LOOK_EVERYWHERE)
        return;
    if (secrets_open(path, is_public, f->l->owner, &fd, &w) != ERR_OK)
        config_fault_member(f->l, f->at, "keys_folder", "%s", w.text);
    else
        close(fd);
}

static void read_facts(const struct folder *f, struct config_key *k)
{
    struct loader *l = f->l;
    const struct document *outer = l->doc;
    const char *path = path_of(f, k->id, ".json");
    struct place root;
    check_file(f, path, true);
    if (config_document(l, path, &root) && config_object(l, &root, &fact_shape, k))
        check_window(l, &root, k);
    l->doc = outer;
}

static void take_key(const struct folder *f, const struct found *of, struct config_source *src)
{
    struct loader *l = f->l;
    struct config_key *k = &src->keys[src->n_keys];
    unsigned before = l->faults;
    const char *id = config_copy(l, span_str(of->id)), *path = path_of(f, id, of->secret ? "" : ".pub");
    struct place at = place_member(f->at, SPAN_LIT("keys_folder"), json_member(f->at->value, "keys_folder"));
    *k = (struct config_key){.id = id,
                             .record = id,
                             .secret_file = of->secret ? path : NULL,
                             .public_key_file = of->secret ? NULL : path,
                             .not_after_ms = INT64_MAX,
                             .where = config_where(l, &at)};
    if (of->secret && of->is_public)
        config_fault_member(l, f->at, "keys_folder",
                            "%s/%s and %s.pub: a key is secret or public; take the one that is not verified with away",
                            f->path, id, id);
    if (has_key(&(struct key_list){&src->keys, &src->n_keys, NULL}, id))
        config_fault_member(l, f->at, "keys_folder", "%s/%s: a key listed in keys has the same id", f->path, id);
    check_file(f, path, !of->secret);
    if (of->facts)
        read_facts(f, k);
    k->faulty = l->faults != before;
    src->n_keys++;
}

const struct config_key *config_source_key(const struct config_source *s, size_t i)
{
    if (i < s->n_keys)
        return &s->keys[i];
    i -= s->n_keys;
    for (size_t k = 0; k < AUTH_KINDS; k++) {
        if (i < s->auth[k].n_keys)
            return &s->auth[k].keys[i];
        i -= s->auth[k].n_keys;
    }
    return NULL;
}

void config_keys_folder(struct loader *l, const struct place *at, struct config_source *src)
{
    struct folder f = {.l = l, .at = at, .path = src->keys_folder};
    struct why w;
    int fd;
    if (!*f.path || l->look == LOOK_SNAPSHOT) /* a snapshot lists them */
        return;
    const struct config_key *k;
    for (size_t i = 0; (k = config_source_key(src, i)); i++)
        if (config_key_in_folder(src, k))
            config_fault_member(l, at, i < src->n_keys ? "keys" : "auth",
                                "the file of key %s lies in keys_folder, which brings it already", k->id ? k->id : "");
    if (l->look == LOOK_EVERYWHERE && keyfile_folder(f.path, l->owner, &fd, &w) != ERR_OK) {
        config_fault_member(l, at, "keys_folder", "%s", w.text);
        return;
    }
    if (l->look != LOOK_EVERYWHERE && (fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return;
    if (list(&f, fd) && more_keys(l, &(struct key_list){&src->keys, &src->n_keys, NULL}, f.n))
        for (size_t i = 0; i < f.n; i++) {
            if (f.found[i].secret || f.found[i].is_public)
                take_key(&f, &f.found[i], src);
            else
                warn_of(&f, f.found[i].id, "has an ID.json, but there is no key");
        }
    free(f.found);
}
