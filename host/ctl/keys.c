/* SPDX-License-Identifier: MIT
 * keys: creel keys: which keys there are and what is the matter with them. Prints no secret, no length and no hash of
 * one.
 */
#include "ctl/keys.h"

#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "base/secrets.h"
#include "base/units.h"

/* ---- what the parts share ---- */

const struct config_source *keys_source(struct ctl *c, const char *name)
{
    const struct config_source *s = config_source_by_name(ctl_config(c), span_str(name));
    if (!s)
        exit(ctl_fail(EXIT_REFUSED, "%s has no source '%s'", c->config_file, name));
    return s;
}

enum err keys_recipe(struct ctl *c, const struct config_source *s, struct recipe **out, struct why *w)
{
    const char *variant = NULL;
    for (size_t i = 0; i < s->n_params; i++)
        if (strcmp(s->params[i].name, "variant") == 0)
            variant = s->params[i].value;
    return ctl_recipe(c, s->recipe, variant, out, w);
}

static enum err read_key(struct ctl *c, const struct config_key *k, char *room, struct keyring_key *out, struct why *w)
{
    struct secret value;
    enum err e = secrets_one(k, secrets_owner(ctl_config(c)->user), NULL, room, &value, w);
    if (e == ERR_OK)
        *out = keyring_key_of(k, secret_expose(value));
    return e;
}

enum err keys_try(struct ctl *c, const struct recipe *r, const struct config_key *k, char *room, struct keyring **out,
                  struct why *w)
{
    struct keyring_key key;
    enum err e = read_key(c, k, room, &key, w);
    return e == ERR_OK ? keyring_new(r, &key, 1, out, w) : e;
}

static enum err try_auth(struct ctl *c, const struct config_auth *m, const struct config_key *k, char *room,
                         struct keyring **out, struct why *w)
{
    struct keyring_key key;
    enum err e = read_key(c, k, room, &key, w);
    return e == ERR_OK ? auth_try_key(m, &key, out, w) : e;
}

char *keys_room(void)
{
    char *room = sodium_init() < 0 ? NULL : sodium_malloc(SECRET_BYTES_MAX + 1);
    if (!room)
        exit(ctl_fail(EXIT_SYSTEM, "out of memory for keys"));
    return room;
}

int64_t keys_time(const char *option, const char *text)
{
    int64_t ms;
    if (rfc3339_parse(span_str(text), &ms) == ERR_OK)
        return ms;
    if (duration_parse(span_str(text), &ms) == ERR_OK)
        return clock_wall_ms() + ms;
    exit(ctl_usage("%s must be a time such as 2026-12-01T00:00:00Z, or a duration from now on such as 24h", option));
}

void keys_say_reload(void)
{
    puts("creeld, while it runs, takes it within seconds and says so in its log.");
}

/* ---- list ---- */

/* One row. */
struct row {
    const struct config_source *source;
    const struct config_auth *method; /* NULL: it proves signatures */
    const struct config_key *key; /* NULL: of a folder that cannot be read */
    const char *encoding, *state, *why;
    const char *file; /* or NULL */
    struct key_facts facts;
    char mode[8], owner[64];
    bool looked; /* mode and owner are known */
};

static void look_at_file(struct row *r)
{
    struct stat st;
    if (!r->file || lstat(r->file, &st) != 0)
        return;
    const struct passwd *p = getpwuid(st.st_uid);
    snprintf(r->mode, sizeof r->mode, "%04o", st.st_mode & 07777);
    if (p)
        snprintf(r->owner, sizeof r->owner, "%.63s", p->pw_name);
    else
        snprintf(r->owner, sizeof r->owner, "%u", (unsigned)st.st_uid);
    r->looked = true;
}

static const char *state_at(const struct key_facts *f, int64_t now)
{
    return now < f->not_before_ms ? "not yet" : now > f->not_after_ms ? "ended" : "live";
}

static void put_time(struct buf *b, const char *name, int64_t ms, int64_t open)
{
    buf_printf(b, ",\"%s\":", name);
    if (ms == open)
        buf_puts(b, "null");
    else
        buf_put_time(b, ms);
}

static void put_text(struct buf *b, const char *name, const char *text)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_json_text_or_null(b, text && *text ? span_str(text) : SPAN_NONE);
}

static void print_json(const struct row *r)
{
    struct buf b;
    buf_init(&b, 65536);
    buf_puts(&b, "{\"source\":");
    buf_put_json_string(&b, span_str(r->source->name));
    put_text(&b, "method", r->method ? config_auth_name(r->method->kind) : NULL);
    put_text(&b, "id", r->key ? r->key->id : NULL);
    put_text(&b, "kid", r->facts.kid);
    put_text(&b, "key_encoding", r->encoding);
    put_text(&b, "kind", r->facts.kind);
    if (r->facts.bits)
        buf_printf(&b, ",\"bits\":%u", r->facts.bits);
    else
        buf_puts(&b, ",\"bits\":null");
    put_text(&b, "curve", r->facts.curve);
    put_text(&b, "fingerprint", r->facts.fingerprint);
    put_text(&b, "file", r->file);
    put_text(&b, "env", r->key ? r->key->secret_env : NULL);
    put_text(&b, "mode", r->mode);
    put_text(&b, "owner", r->owner);
    put_time(&b, "not_before", r->facts.not_before_ms, 0);
    put_time(&b, "not_after", r->facts.not_after_ms, INT64_MAX);
    put_text(&b, "state", r->state);
    put_text(&b, "why", r->why);
    buf_puts(&b, "}\n");
    fwrite(b.p, 1, b.failed ? 0 : b.n, stdout);
    buf_fini(&b);
}

static void print_time(int64_t ms, int64_t open)
{
    char text[RFC3339_BYTES + 1] = {0};
    if (ms != open)
        rfc3339_format(ms, text);
    printf("%-20.19s", ms == open ? "-" : text);
}

static const char *color_of(const char *state)
{
    return strcmp(state, "live") == 0      ? "32"
           : strcmp(state, "not yet") == 0 ? "36"
           : strcmp(state, "ended") == 0   ? "2"
                                           : "31";
}

static void print_row(const struct ctl *c, const struct row *r)
{
    char kind[64] = "-";
    if (r->facts.bits)
        snprintf(kind, sizeof kind, "%s %u", r->facts.kind, r->facts.bits);
    else if (r->facts.kind)
        snprintf(kind, sizeof kind, "%s%s%s", r->facts.kind, r->facts.curve ? " " : "",
                 r->facts.curve ? r->facts.curve : "");
    printf("%-12s  %-14s  ", r->source->name, r->key ? r->key->record : "-");
    if (c->color)
        printf("\033[%sm%-10s\033[0m  ", color_of(r->state), r->state);
    else
        printf("%-10s  ", r->state);
    printf("%-14s  %-10s  ", r->encoding ? r->encoding : "-", kind);
    print_time(r->facts.not_before_ms, 0);
    print_time(r->facts.not_after_ms, INT64_MAX);
    if (r->file)
        printf("%s%s%s %s", r->mode, r->looked ? " " : "", r->owner, r->file);
    else if (r->key)
        printf("$%s", r->key->secret_env);
    if (r->facts.kid)
        printf("  kid %s", r->facts.kid);
    if (r->facts.fingerprint[0])
        printf("  %s", r->facts.fingerprint);
    if (r->why)
        printf("  %s", r->why);
    putchar('\n');
}

static void print_one(const struct ctl *c, const struct row *r)
{
    if (c->json)
        print_json(r);
    else
        print_row(c, r);
}

static const char *encoding_of(const struct recipe *recipe, const struct config_auth *m, const struct config_key *k)
{
    if (k->encoding)
        return k->encoding;
    return m ? auth_key_encoding(m, k) : recipe_key_encoding(recipe);
}

/* Each key of the ring, or the reason why there is none. recipe: of what signs; m: of what else is asked for, or NULL. */
static void list_key(struct ctl *c, const struct config_source *s, const struct recipe *recipe,
                     const struct config_auth *m, const struct config_key *k, char *room)
{
    struct why w = {{0}};
    struct keyring *ring = NULL;
    struct row r = {.source = s,
                    .method = m,
                    .key = k,
                    .encoding = encoding_of(recipe, m, k),
                    .file = k->secret_file ? k->secret_file : k->public_key_file,
                    .facts = {.not_before_ms = k->not_before_ms, .not_after_ms = k->not_after_ms}};
    look_at_file(&r);
    if ((m ? try_auth(c, m, k, room, &ring, &w) : keys_try(c, recipe, k, room, &ring, &w)) != ERR_OK) {
        r.state = "unreadable";
        r.why = w.text;
        print_one(c, &r);
        return;
    }
    for (size_t i = 0; i < keyring_count(ring); i++) {
        keyring_facts(ring, i, &r.facts);
        r.state = state_at(&r.facts, clock_wall_ms());
        print_one(c, &r);
    }
    keyring_free(ring);
}

static void list_source(struct ctl *c, const struct config_source *s, char *room)
{
    struct why w;
    struct recipe *recipe;
    struct row r = {.source = s, .state = "unreadable", .why = w.text, .facts = {.not_after_ms = INT64_MAX}};
    if (keys_recipe(c, s, &recipe, &w) != ERR_OK) {
        print_one(c, &r);
        return;
    }
    int fd = *s->keys_folder ? open(s->keys_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        close(fd);
    else if (*s->keys_folder) {
        why_errno(&w, "cannot open the folder");
        r.file = s->keys_folder;
        look_at_file(&r);
        print_one(c, &r);
    }
    for (size_t i = 0; i < s->n_keys; i++)
        list_key(c, s, recipe, NULL, &s->keys[i], room);
    for (size_t m = 0; m < AUTH_KINDS; m++)
        for (size_t i = 0; i < s->auth[m].n_keys; i++)
            list_key(c, s, NULL, &s->auth[m], &s->auth[m].keys[i], room);
    recipe_free(recipe);
}

int keys_list(struct ctl *c, int argc, char **argv)
{
    const char *name = NULL;
    ctl_option(&argc, argv, "--source", &name);
    ctl_words(argc, argv, 0, 0);
    const struct config *config = ctl_config(c);
    const struct config_source *only = name ? keys_source(c, name) : NULL;
    char *room = keys_room();
    if (!c->json)
        printf("%-12s  %-14s  %-10s  %-14s  %-10s  %-20s%-20s%s\n", "SOURCE", "KEY", "STATE", "ENCODING", "KIND",
               "NOT BEFORE", "NOT AFTER", "FILE");
    for (size_t i = 0; i < config->n_sources; i++)
        if (!only || only == &config->sources[i])
            list_source(c, &config->sources[i], room);
    sodium_free(room);
    return 0;
}

/* ---- the verb ---- */

int verb_keys(struct ctl *c, int argc, char **argv)
{
    static const char *const words[] = {"list", "generate", "add", "retire"};
    static int (*const parts[])(struct ctl *, int, char **) = {keys_list, keys_generate, keys_add, keys_retire};
    enum { N = sizeof words / sizeof *words };
    if (argc < 2)
        return ctl_usage("say which: list, generate, add or retire");
    for (size_t i = 0; i < N; i++)
        if (strcmp(argv[1], words[i]) == 0)
            return parts[i](c, argc - 1, argv + 1);
    const char *near = nearest_word(span_str(argv[1]), words, N);
    return ctl_usage("there is no '%s'%s%s", argv[1], near ? ", did you mean " : "", near ? near : "");
}
