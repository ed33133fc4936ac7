/* SPDX-License-Identifier: MIT
 * keys_change: creel keys add and retire: files of a source's keys_folder, each change one rename. The configuration
 * is people's: it is never written.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/keyfile.h"
#include "base/secrets.h"
#include "base/units.h"
#include "ctl/keys.h"

enum { FACTS_BYTES_MAX = 65536 };

/* One creel at a time changes a folder. -1 when it cannot be opened: the reason was said. */
static int lock_folder(struct ctl *c, const struct config_source *s)
{
    struct why w;
    int fd;
    if (!*s->keys_folder) {
        ctl_fail(EXIT_REFUSED,
                 "source %s has no keys_folder, and %s is yours to edit: add the key there, or once "
                 "\"keys_folder\": \"/etc/creel/keys/%s.d\" (mkdir -m 0700)",
                 s->name, c->config_file, s->name);
        return -1;
    }
    if (keyfile_folder(s->keys_folder, secrets_owner(ctl_config(c)->user), &fd, &w) != ERR_OK) {
        ctl_fail(EXIT_REFUSED, "source %s: %s", s->name, w.text);
        return -1;
    }
    if (flock(fd, LOCK_EX) != 0) {
        ctl_fail(EXIT_SYSTEM, "%s: %s", s->keys_folder, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static const struct config_key *find_key(const struct config_source *s, const char *id)
{
    for (size_t i = 0; i < s->n_keys; i++)
        if (strcmp(s->keys[i].id, id) == 0)
            return &s->keys[i];
    return NULL;
}

/* ID.json as creel writes it. */
static void put_facts(struct buf *b, const struct config_key *k)
{
    const char *between = "{ ";
    if (k->encoding) {
        buf_printf(b, "%s\"key_encoding\": ", between);
        buf_put_json_string(b, span_str(k->encoding));
        between = ", ";
    }
    if (k->not_before_ms) {
        buf_printf(b, "%s\"not_before\": ", between);
        buf_put_time(b, k->not_before_ms);
        between = ", ";
    }
    if (k->not_after_ms != INT64_MAX) {
        buf_printf(b, "%s\"not_after\": ", between);
        buf_put_time(b, k->not_after_ms);
        between = ", ";
    }
    buf_puts(b, *between == ',' ? " }\n" : "{}\n");
}

static enum err describe(const struct config_source *s, const struct config_key *k, struct why *w)
{
    struct buf b;
    buf_init(&b, 4096);
    put_facts(&b, k);
    enum err e = keyfile_describe(s->keys_folder, k->id, buf_span(&b), w);
    buf_fini(&b);
    return e;
}

/* Until when the source has a key, with this one changed or added (its id is the same or new). */
static void warn_of_gap(const struct config_source *s, const struct config_key *changed)
{
    struct key_window *windows = calloc(s->n_keys + 1, sizeof *windows);
    const int64_t now = clock_wall_ms();
    size_t n = 0;
    if (!windows)
        return;
    windows[n++] = (struct key_window){changed->not_before_ms, changed->not_after_ms};
    for (size_t i = 0; i < s->n_keys; i++)
        if (strcmp(s->keys[i].id, changed->id) != 0)
            windows[n++] = (struct key_window){s->keys[i].not_before_ms, s->keys[i].not_after_ms};
    int64_t until = key_windows_cover(windows, n, now + 1);
    free(windows);
    if (until == INT64_MAX)
        return;
    char at[RFC3339_BYTES + 1] = {0};
    rfc3339_format(until < 0 ? now : until, at);
    fprintf(stderr, "creel keys: warning: after %s source %s has no valid key: add the next one\n", at, s->name);
}

/* ---- add ---- */

struct adding {
    const struct config_source *source;
    struct config_key key; /* as it is given */
    char *room;
};

/* The key's text into the room: from standard input for "-". */
static enum err read_text(struct ctl *c, const struct adding *a, struct secret *out, struct why *w)
{
    const char *file = a->key.secret_file ? a->key.secret_file : a->key.public_key_file;
    if (strcmp(file, "-") != 0)
        return secrets_one(&a->key, secrets_owner(ctl_config(c)->user), NULL, a->room, out, w);
    size_t n = 0;
    ssize_t got = 1;
    while (got > 0 && n <= SECRET_BYTES_MAX) {
        got = read(STDIN_FILENO, a->room + n, SECRET_BYTES_MAX + 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        return why_errno(w, "standard input");
    n -= n > 0 && a->room[n - 1] == '\n';
    if (n == 0 || n > SECRET_BYTES_MAX)
        return why_set(w, ERR_INVALID, "standard input is empty, or longer than %d bytes", SECRET_BYTES_MAX);
    *out = (struct secret){a->room, n};
    return ERR_OK;
}

static enum err try_text(struct ctl *c, const struct adding *a, struct secret text, struct why *w)
{
    struct recipe *r;
    struct keyring *ring;
    const struct config_key *k = &a->key;
    enum err e = keys_recipe(c, a->source, &r, w);
    if (e != ERR_OK)
        return e;
    const struct keyring_key in = {
        k->id, k->encoding, k->public_key_file != NULL, secret_expose(text), k->not_before_ms, k->not_after_ms};
    e = keyring_new(r, &in, 1, &ring, w);
    if (e == ERR_OK)
        keyring_free(ring);
    recipe_free(r);
    return e;
}

/* First what is said of the key, then the key: a reload in between sees neither or both. */
static enum err store(const struct adding *a, int folder, struct secret text, struct why *w)
{
    const struct config_key *k = &a->key;
    const char *path = a->source->keys_folder;
    char facts[KEYFILE_ID_BYTES + 8];
    enum err e = ERR_OK;
    snprintf(facts, sizeof facts, "%.64s.json", k->id);
    bool said = k->encoding || k->not_before_ms || k->not_after_ms != INT64_MAX;
    if (said)
        e = describe(a->source, k, w);
    else if (unlinkat(folder, facts, 0) != 0 && errno != ENOENT) /* left over from a key that is gone */
        e = why_errno(w, "%s/%s", path, facts);
    if (e != ERR_OK)
        return e;
    e = k->public_key_file ? keyfile_store_public(path, k->id, secret_expose(text), w)
                           : keyfile_store(path, k->id, secret_expose(text), w);
    if (e != ERR_OK && said)
        unlinkat(folder, facts, 0);
    return e;
}

/* Another creel may have added one since the configuration was read: with the folder locked it is looked at again. */
static int add(struct ctl *c, struct adding *a)
{
    struct why w;
    struct secret text;
    int folder = lock_folder(c, a->source);
    if (folder < 0)
        return EXIT_REFUSED;
    enum err e = ERR_OK;
    char there[2][KEYFILE_ID_BYTES + 8];
    snprintf(there[0], sizeof there[0], "%.64s", a->key.id);
    snprintf(there[1], sizeof there[1], "%.64s.pub", a->key.id);
    if (find_key(a->source, a->key.id) || faccessat(folder, there[0], F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        faccessat(folder, there[1], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        e = why_set(&w, ERR_EXISTS, "source %s has a key %s already: choose another id", a->source->name, a->key.id);
    if (e == ERR_OK)
        e = read_text(c, a, &text, &w);
    if (e == ERR_OK)
        e = try_text(c, a, text, &w);
    if (e == ERR_OK)
        e = store(a, folder, text, &w);
    close(folder); /* and the lock */
    if (e != ERR_OK)
        return ctl_fail(e == ERR_SYSTEM || e == ERR_NO_MEMORY ? EXIT_SYSTEM : EXIT_REFUSED, "%s", w.text);
    return 0;
}

static int said(struct ctl *c, const struct config_source *s, const struct config_key *k, const char *what)
{
    if (c->json) {
        printf("{\"source\":\"%s\",\"id\":\"%s\",\"done\":\"%s\"}\n", s->name, k->id, what);
    } else {
        printf("key %s of source %s is %s. ", k->id, s->name, what);
        keys_say_reload();
    }
    warn_of_gap(s, k);
    return 0;
}

int keys_add(struct ctl *c, int argc, char **argv)
{
    const char *before = NULL, *after = NULL;
    struct adding a = {.key = {.not_after_ms = INT64_MAX}};
    ctl_option(&argc, argv, "--id", &a.key.id);
    ctl_option(&argc, argv, "--secret-file", &a.key.secret_file);
    ctl_option(&argc, argv, "--public-key-file", &a.key.public_key_file);
    ctl_option(&argc, argv, "--key-encoding", &a.key.encoding);
    ctl_option(&argc, argv, "--not-before", &before);
    ctl_option(&argc, argv, "--not-after", &after);
    ctl_words(argc, argv, 1, 1);
    if (!a.key.id || !keyfile_id_valid(span_str(a.key.id)))
        return ctl_usage("--id is 1 to %d of A-Z a-z 0-9 _ : - and does not begin with a dash", KEYFILE_ID_BYTES);
    if (!a.key.secret_file == !a.key.public_key_file)
        return ctl_usage("one of --secret-file F and --public-key-file F is needed (-: standard input)");
    if (before)
        a.key.not_before_ms = keys_time("--not-before", before);
    if (after)
        a.key.not_after_ms = keys_time("--not-after", after);
    if (a.key.not_before_ms >= a.key.not_after_ms)
        return ctl_usage("--not-after must be later than --not-before");
    a.source = keys_source(c, argv[1]);
    a.room = keys_room();
    int status = add(c, &a);
    sodium_free(a.room);
    return status ? status : said(c, a.source, &a.key, "added");
}

/* ---- retire ---- */

/* What people wrote into ID.json beside its members would be lost. */
static enum err check_facts(const struct config_source *s, int folder, const char *id, struct why *w)
{
    char name[KEYFILE_ID_BYTES + 8];
    struct buf b;
    struct why inner;
    struct json_error error;
    snprintf(name, sizeof name, "%.64s.json", id);
    buf_init(&b, FACTS_BYTES_MAX);
    enum err e = fs_read(folder, name, &b, &inner);
    if (e == ERR_NOT_FOUND)
        e = ERR_OK;
    else if (e != ERR_OK)
        e = why_set(w, e, "%s/%.400s", s->keys_folder, inner.text);
    else if (json_check(buf_span(&b), JSON_LIMITS_DEFAULT, &error) != ERR_OK)
        e = why_set(w, ERR_INVALID, "%s/%s holds comments, which are yours: write \"not_after\" into it yourself",
                    s->keys_folder, name);
    buf_fini(&b);
    return e;
}

static int retire(struct ctl *c, const struct config_source *s, struct config_key *k, int64_t at)
{
    struct why w;
    char text[RFC3339_BYTES + 1] = {0};
    int folder = lock_folder(c, s);
    if (folder < 0)
        return EXIT_REFUSED;
    enum err e = ERR_OK;
    rfc3339_format(k->not_after_ms < at ? k->not_after_ms : k->not_before_ms, text);
    if (k->not_after_ms < at)
        e = why_set(&w, ERR_INVALID, "key %s ends earlier already, at %s", k->id, text);
    else if (at <= k->not_before_ms)
        e = why_set(&w, ERR_INVALID, "key %s begins only at %s: take its files out of %s instead", k->id, text,
                    s->keys_folder);
    if (e == ERR_OK)
        e = check_facts(s, folder, k->id, &w);
    k->not_after_ms = at;
    if (e == ERR_OK)
        e = describe(s, k, &w);
    close(folder);
    return e == ERR_OK ? 0 : ctl_fail(e == ERR_SYSTEM ? EXIT_SYSTEM : EXIT_REFUSED, "%s", w.text);
}

int keys_retire(struct ctl *c, int argc, char **argv)
{
    const char *when = NULL;
    ctl_option(&argc, argv, "--at", &when);
    ctl_words(argc, argv, 2, 2);
    const struct config_source *s = keys_source(c, argv[1]);
    const struct config_key *found = find_key(s, argv[2]);
    int64_t at = when ? keys_time("--at", when) : clock_wall_ms();
    char text[RFC3339_BYTES];
    rfc3339_format(at, text);
    if (!found && *s->keys_folder && access(s->keys_folder, R_OK | X_OK) != 0)
        return ctl_fail(EXIT_REFUSED, "%s: %s", s->keys_folder, strerror(errno));
    if (!found)
        return ctl_fail(EXIT_REFUSED, "source %s has no key %s (creel keys list --source %s)", s->name, argv[2],
                        s->name);
    if (!config_key_in_folder(s, found))
        return ctl_fail(EXIT_REFUSED,
                        "%s: key %s is written there, in a file that is yours: add \"not_after\": \"%.*s\"",
                        found->where ? found->where : c->config_file, found->id, RFC3339_BYTES, text);
    struct config_key k = *found;
    int status = retire(c, s, &k, at);
    return status ? status : said(c, s, &k, when ? "retired from that time on" : "retired");
}
