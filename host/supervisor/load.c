/* SPDX-License-Identifier: MIT
 * load: from a file's name to sealed memory files. Keeps nothing.
 */
#include "supervisor/load.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/secrets.h"
#include "base/units.h"
#include "recipe/facts.h"
#include "recipe/key_facts.h"
#include "supervisor/identity.h"
#include "supervisor/load_schemas.h"
#include "supervisor/spool_lock.h"

static void report_to_log(void *arg, const char *text)
{
    (void)arg;
    log_line(LOG_ERROR, "fault in the configuration", LOG_T("why", text));
}

static void report_to_stderr(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

/* ---- keys: read, decoded and forgotten again, one by one, so that each fault is found ---- */

struct trial {
    struct config *config;
    const struct secrets *earlier;
    config_report report;
    char *room; /* SECRET_BYTES_MAX + 1 bytes, locked */
    uid_t owner;
    unsigned faults;
    struct key_window *windows; /* of the keys of the source that is tried */
    size_t n_windows;
};
enum { SOON_DAYS = 7 };

static void report_at(struct trial *t, const char *where, const char *reason)
{
    char text[sizeof((struct why *)0)->text + 8192 + 8];
    if (where)
        snprintf(text, sizeof text, "%s: %s", where, reason);
    else
        snprintf(text, sizeof text, "%.200s:1: /sources: %s", t->config->file, reason);
    t->faults++;
    t->report(NULL, text);
}

/* When the keys of a ring are valid: their own windows, narrowed by their certificates. */
static enum err note_windows(struct trial *t, const struct keyring *ring, struct why *w)
{
    size_t n = keyring_count(ring);
    struct key_window *more = reallocarray(t->windows, t->n_windows + n + 1, sizeof *more);
    if (!more)
        return why_set(w, ERR_NO_MEMORY, "no memory for the keys");
    t->windows = more;
    for (size_t i = 0; i < n; i++) {
        struct key_facts f;
        keyring_facts(ring, i, &f);
        t->windows[t->n_windows++] = (struct key_window){f.not_before_ms, f.not_after_ms};
    }
    return ERR_OK;
}

static enum err read_key(struct trial *t, const struct config_key *k, struct keyring_key *out, struct why *w)
{
    struct secret value;
    struct why inner;
    enum err e = secrets_one(k, t->owner, t->earlier, t->room, &value, &inner);
    if (e)
        return why_set(w, e, "key %s: %.400s", k->id, inner.text);
    *out = keyring_key_of(k, secret_expose(value));
    return ERR_OK;
}

static enum err try_key(struct trial *t, const struct recipe *r, const struct config_key *k, struct why *w)
{
    struct keyring_key key;
    struct keyring *ring;
    enum err e = read_key(t, k, &key, w);
    if (!e)
        e = keyring_new(r, &key, 1, &ring, w);
    if (!e) {
        e = note_windows(t, ring, w);
        keyring_free(ring);
    }
    return e;
}

/* method: of auth, or NULL for the signature's keys. */
static void doubt_windows(const struct trial *t, const char *where, const char *method)
{
    const char *of = method ? "method" : "source";
    char at[RFC3339_BYTES + 1] = {0}, reason[256];
    const int64_t now = clock_wall_ms(), until = key_windows_cover(t->windows, t->n_windows, now);
    if (until < 0) {
        snprintf(reason, sizeof reason, "no key of this %s is valid now: what needs %s is refused%s", of,
                 method ? "it" : "a signature", method ? "" : " (creel keys list)");
        config_doubt(t->config, where, reason);
    }
    if (until < 0 || until - now > SOON_DAYS * INT64_C(86400000))
        return;
    rfc3339_format(until, at);
    snprintf(reason, sizeof reason, "after %s no key of this %s is valid: add the next one%s", at, of,
             method ? "" : " (creel keys add)");
    config_doubt(t->config, where, reason);
}

static void need_keys(struct trial *t, const struct config_source *s, const struct recipe *r)
{
    if (recipe_is_none(r) && !s->allow_unsigned && !config_has_auth(s))
        report_at(t, s->where, "this recipe lets anybody raise events: say \"allow_unsigned\": true if you mean that");
    if (s->n_keys > 0 || *s->keys_folder || recipe_is_none(r) || recipe_fetches_keys(r))
        return;
    report_at(t, s->where,
              recipe_stores_secret(r)
                  ? "the sender brings the secret with its first request: name a keys_folder that it is stored in"
                  : "needs a key at least, in keys or keys_folder: nothing could be verified");
}

static void try_list(struct trial *t, const struct config_source *s, const char *what, const char *const *texts, size_t n)
{
    struct facts *facts;
    struct why w;
    char where[8192];
    if (facts_new(texts, n, &facts, &w) == ERR_OK) {
        facts_free(facts);
        return;
    }
    snprintf(where, sizeof where, "%s/%s", s->where, what);
    report_at(t, where, w.text);
}

/* Can the references of a source be read? */
static void try_facts(struct trial *t, const struct config_source *s)
{
    try_list(t, s, "type", s->type, s->n_type);
    try_list(t, s, "event_id", s->event_id, s->n_event_id);
    try_list(t, s, "order_key", s->order_key, s->n_order_key);
    try_list(t, s, "version", s->version, s->n_version);
    try_list(t, s, "time", s->time, s->n_time);
    for (size_t i = 0; i < s->n_dedupe_by; i++)
        if (strcmp(s->dedupe_by[i], "event_id") != 0) /* no reference, but what those of event_id lead to */
            try_list(t, s, "dedupe/by", &s->dedupe_by[i], 1);
}

/* Is it said where a fact is, by n references of the source or by the recipe's? */
static bool is_found(const struct recipe *r, const char *fact, size_t n)
{
    if (!n)
        (void)recipe_default(r, fact, &n);
    return n > 0;
}

/* Versions are known by name: where is the name? */
static void try_versions(struct trial *t, const struct config_source *s, const struct recipe *r)
{
    char where[8192];
    if (!s->n_versions || is_found(r, "version", s->n_version))
        return;
    snprintf(where, sizeof where, "%s/versions", s->where);
    report_at(t, where, "no event would have a version: say where it is with \"version\", the recipe does not");
}

/* A source that would refuse every event is most likely not meant. CloudEvents bring their id themselves. */
static void doubt_dedupe(const struct trial *t, const struct config_source *s, const struct recipe *r)
{
    bool by_id = s->n_dedupe_by == 0;
    for (size_t i = 0; i < s->n_dedupe_by; i++)
        by_id |= strcmp(s->dedupe_by[i], "event_id") == 0;
    if (s->dedupe && by_id && strcmp(s->dedupe_missing, "refuse") == 0 && strcmp(s->envelope, "none") == 0 &&
        !is_found(r, "event_id", s->n_event_id))
        config_doubt(t->config, s->where,
                     "no event would have an id, so dedupe refuses all: say where it is with \"event_id\", the recipe does not");
}

static enum err try_auth_key(struct trial *t, const struct config_auth *m, const struct config_key *k, struct why *w)
{
    struct keyring_key key;
    struct keyring *ring;
    enum err e = read_key(t, k, &key, w);
    if (!e)
        e = auth_try_key(m, &key, &ring, w);
    if (e)
        return e;
    const char *doubt = auth_key_doubt(m, ring);
    char reason[256];
    snprintf(reason, sizeof reason, "key %s: %s", k->id, doubt ? doubt : "");
    if (doubt && k->where)
        config_doubt(t->config, k->where, reason);
    e = note_windows(t, ring, w);
    keyring_free(ring);
    return e;
}

static void try_auth(struct trial *t, const struct config_source *s)
{
    for (enum config_auth_kind i = 0; i < AUTH_KINDS; i++) {
        const struct config_auth *m = &s->auth[i];
        const char *fault = m->used ? auth_method_fault(m) : NULL;
        unsigned before = t->faults;
        struct why w;
        if (fault)
            report_at(t, m->where, fault);
        t->n_windows = 0;
        for (size_t k = 0; k < m->n_keys; k++)
            if (!m->keys[k].faulty && try_auth_key(t, m, &m->keys[k], &w) != ERR_OK)
                report_at(t, m->keys[k].where, w.text);
        if (t->faults == before && m->n_keys > 0 && m->where)
            doubt_windows(t, m->where, config_auth_name(i));
    }
}

static bool has_param(const struct config_source *s, const char *name)
{
    for (size_t i = 0; i < s->n_params; i++)
        if (strcmp(s->params[i].name, name) == 0)
            return true;
    return false;
}

/* A parameter that the recipe knows nothing of is most likely another one, written wrongly. */
static void doubt_params(const struct trial *t, const struct config_source *s, const char *const *known, size_t n)
{
    for (size_t i = 0; i < s->n_params; i++) {
        const char *name = s->params[i].name, *near = nearest_word(span_str(name), known, n);
        char reason[400];
        size_t k = 0;
        while (k < n && strcmp(known[k], name) != 0)
            k++;
        if (k < n || strcmp(name, "variant") == 0)
            continue;
        snprintf(reason, sizeof reason, "recipe %s asks for no params.%.100s%s%s", s->recipe, name,
                 near ? ", did you mean " : "", near ? near : "");
        config_doubt(t->config, s->where, reason);
    }
}

static void try_params(struct trial *t, const struct config_source *s, const struct recipe *r)
{
    size_t n;
    const char *const *names = recipe_params(r, &n);
    char reason[400];
    for (size_t i = 0; i < n; i++) {
        if (!recipe_needs_param(r, names[i]) || has_param(s, names[i]))
            continue;
        snprintf(reason, sizeof reason, "recipe %s needs params.%.100s (creel recipe %s says what it is)", s->recipe,
                 names[i], s->recipe);
        report_at(t, s->where, reason);
    }
    if (recipe_needs_url(r) && !*s->public_url) {
        snprintf(reason, sizeof reason, "recipe %s needs public_url: its sender signs the URL as it knows it",
                 s->recipe);
        report_at(t, s->where, reason);
    }
    if (s->where) {
        doubt_params(t, s, names, n);
        doubt_dedupe(t, s, r);
    }
}

static void try_source(struct trial *t, const struct config_source *s)
{
    const char *variant = NULL;
    struct recipe *r;
    struct why w;
    for (size_t i = 0; i < s->n_params; i++)
        if (strcmp(s->params[i].name, "variant") == 0)
            variant = s->params[i].value;
    if (!config_recipe_text(t->config, s->recipe)) /* reported with the settings */
        return;
    if (recipe_load(t->config, s->recipe, variant, &r, &w) != ERR_OK) {
        report_at(t, s->where, w.text);
        return;
    }
    try_facts(t, s);
    try_versions(t, s, r);
    try_params(t, s, r);
    try_auth(t, s);
    unsigned before = t->faults;
    need_keys(t, s, r);
    t->n_windows = 0;
    for (size_t i = 0; i < s->n_keys; i++)
        if (!s->keys[i].faulty && try_key(t, r, &s->keys[i], &w) != ERR_OK)
            report_at(t, s->keys[i].where, w.text);
    if (t->faults == before && s->n_keys == 0 && recipe_stores_secret(r))
        config_doubt(t->config, s->where, "no key yet: whoever sends the first handshake decides it");
    else if (t->faults == before && !recipe_is_none(r) && (s->n_keys > 0 || !recipe_fetches_keys(r)) && s->where)
        doubt_windows(t, s->where, NULL);
    recipe_free(r);
}

static enum err try_all(struct config *c, int previous, config_report report, unsigned *faults, struct why *w)
{
    struct secrets *earlier = NULL;
    struct trial t = {.config = c, .report = report, .owner = secrets_owner(c->user)};
    enum err e = sodium_init() < 0 ? why_set(w, ERR_SYSTEM, "libsodium cannot be initialised") : ERR_OK;
    if (!e && !(t.room = sodium_malloc(SECRET_BYTES_MAX + 1)))
        e = why_set(w, ERR_NO_MEMORY, "no memory for the keys");
    if (!e && previous >= 0)
        e = secrets_read(previous, &earlier, w);
    t.earlier = earlier;
    for (size_t i = 0; !e && i < c->n_sources; i++)
        try_source(&t, &c->sources[i]);
    free(t.windows);
    secrets_free(earlier);
    sodium_free(t.room);
    *faults += t.faults;
    return e;
}

/* ---- all of it ---- */

/* Would the start refuse the spool that is there? */
static unsigned try_spool(const struct config *c, config_report report)
{
    struct identity as;
    struct why w;
    char text[sizeof w.text + 256];
    if (identity_find(c->user, &as, &w) != ERR_OK || spool_lock_fits(c->spool, &as, &w) == ERR_OK)
        return 0; /* an unknown user was reported with the settings */
    snprintf(text, sizeof text, "%.200s:1: /spool: %s", c->file, w.text);
    report(NULL, text);
    return 1;
}

static enum err seal(const struct load *l, int previous, config_report report, struct loaded *made)
{
    struct why w = {{0}};
    unsigned faults = 0;
    enum err e = config_look(l->file, report, NULL, &made->config, &faults);
    if (e)
        return e;
    faults += load_schemas_try(made->config, report, NULL);
    faults += try_spool(made->config, report);
    e = try_all(made->config, previous, report, &faults, &w);
    if (!e && faults)
        return ERR_INVALID;
    if (!e)
        e = config_snapshot(made->config, &made->snapshot, &w);
    if (!e)
        e = secrets_gather(made->config, previous, &made->secrets, &w);
    if (!e)
        e = l->verify(made->snapshot, made->secrets, &w);
    if (e) {
        char text[sizeof w.text + 256];
        snprintf(text, sizeof text, "%.200s:1: /: %s", l->file, w.text);
        report(NULL, text);
    }
    return e;
}

static enum err gather(const struct load *l, int previous, config_report report, struct loaded *out)
{
    struct loaded made = {NULL, -1, -1};
    enum err e = seal(l, previous, report, &made);
    if (e)
        loaded_free(&made);
    else
        *out = made;
    return e;
}

enum err load_settings(void *load, const struct loaded *now, struct loaded *out)
{
    enum err e = gather(load, now->secrets, report_to_log, out);
    if (e)
        return e;
    if (!now->config) /* the first words that are not about faults */
        log_init_words("creeld", out->config->log_format, out->config->log_level);
    for (const struct config_warning *w = out->config->warnings; w; w = w->next)
        log_line(LOG_WARN, "doubt about the configuration", LOG_T("why", w->text));
    return ERR_OK;
}

int load_check(const struct load *l)
{
    struct loaded made;
    if (gather(l, -1, report_to_stderr, &made) != ERR_OK)
        return EXIT_USAGE;
    for (const struct config_warning *w = made.config->warnings; w; w = w->next)
        report_to_stderr(NULL, w->text);
    loaded_free(&made);
    return 0;
}

int load_print(const char *file)
{
    struct config *c;
    struct buf b;
    if (config_read(file, report_to_stderr, NULL, &c) != ERR_OK)
        return EXIT_USAGE;
    buf_init(&b, SIZE_MAX / 2);
    config_print(c, &b);
    bool written = !b.failed && fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0;
    buf_fini(&b);
    config_free(c);
    if (!written)
        fprintf(stderr, "creeld: cannot write the configuration\n");
    return written ? 0 : EXIT_SYSTEM;
}
