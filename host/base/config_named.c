/* SPDX-License-Identifier: MIT
 * config_named: looks at what the settings name: users, groups, folders, programs, key files, recipes. Reads recipes;
 * of key files only the mode. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/secrets.h"

enum { RECIPE_BYTES_MAX = 256 * 1024 };

static void need_user(struct loader *l, const struct place *root, const char *member, const char *name)
{
    if (*name && !getpwnam(name))
        config_fault_member(l, root, member, "there is no user \"%s\" on this machine", name);
}

static void need_folder(struct loader *l, const struct place *root, const char *member, const char *path,
                        bool must_exist)
{
    struct stat st;
    if (!*path)
        return;
    if (stat(path, &st) != 0) {
        if (must_exist || errno != ENOENT)
            config_fault_member(l, root, member, "%s: %s", path, strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        config_fault_member(l, root, member, "%s is not a folder", path);
    }
}

void config_named(struct loader *l, const struct place *root)
{
    const struct config *c = l->c;
    if (l->look != LOOK_EVERYWHERE)
        return;
    need_user(l, root, "user", c->user);
    need_user(l, root, "worker_user", c->worker_user);
    for (size_t i = 0; i < c->n_peer_users; i++)
        need_user(l, root, "peer_users", c->peer_users[i]);
    if (*c->listen_group && !getgrnam(c->listen_group))
        config_fault_member(l, root, "listen_group", "there is no group \"%s\" on this machine", c->listen_group);
    need_folder(l, root, "spool", c->spool, false);
    /* Dispatch cannot start without it; the one of the installation is made by it. */
    need_folder(l, root, "functions", c->functions, strcmp(c->functions, CREEL_LIBDIR "/functions") != 0);
    need_folder(l, root, "schemas", c->schemas, false);
    need_folder(l, root, "recipes", c->recipes, true);
    /* Whether the installed one is there is no matter of the configuration. */
    if (strcmp(c->worker, CREEL_LIBEXECDIR "/creel-worker") != 0 && access(c->worker, X_OK) != 0)
        config_fault_member(l, root, "worker", "%s cannot be executed: %s", c->worker, strerror(errno));
}

void config_key_named(struct loader *l, const struct place *at, const struct config_key *k)
{
    const char *file = k->secret_file ? k->secret_file : k->public_key_file;
    const char *member = k->secret_file ? "secret_file" : "public_key_file";
    struct why w;
    int fd;
    if (!file)
        return;
    if (secrets_open(file, k->public_key_file != NULL, &fd, &w) != ERR_OK)
        config_fault_member(l, at, member, "%s", w.text);
    else
        close(fd);
}

/* ---- recipes ---- */

/* Read DIR/NAME.json into text. ERR_NOT_FOUND when it is not there. */
static enum err read_recipe(const char *dir, const char *name, struct buf *path, struct buf *text, struct why *w)
{
    buf_clear(path);
    buf_clear(text);
    buf_printf(path, "%s/%s.json", dir, name);
    buf_putc(path, 0);
    if (path->failed)
        return why_set(w, ERR_NO_ROOM, "the path of recipe %s is too long", name);
    enum err e = fs_read(AT_FDCWD, path->p, text, w);
    if (e)
        return e;
    struct json_error error;
    if (json_check(buf_span(text), JSON_LIMITS_DEFAULT, &error) != ERR_OK)
        return why_set(w, ERR_INVALID, "%s: not valid JSON: %s at byte %zu", path->p, error.what, error.offset);
    return ERR_OK;
}

static void load_recipe(struct loader *l, size_t source)
{
    struct config *c = l->c;
    const char *name = l->sources[source].recipe;
    struct buf path, text;
    struct why w;
    buf_init(&path, 8192);
    buf_init(&text, RECIPE_BYTES_MAX);
    enum err e = *c->recipes ? read_recipe(c->recipes, name, &path, &text, &w) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        e = read_recipe(CREEL_DATADIR "/recipes", name, &path, &text, &w);
    if (!e) {
        c->recipes_loaded[c->n_recipes_loaded++] =
            (struct config_recipe){name, config_copy(l, span_of(path.p, path.n - 1)), config_copy(l, buf_span(&text))};
    } else if (l->look == LOOK_EVERYWHERE) {
        struct place links[3];
        const struct place *at = config_source_place(l, source, links);
        if (e == ERR_NOT_FOUND)
            config_fault_member(l, at, "recipe", "there is no %s.json in %s%s" CREEL_DATADIR "/recipes", name,
                                c->recipes, *c->recipes ? " or " : "");
        else
            config_fault_member(l, at, "recipe", "%s", w.text);
    }
    buf_fini(&path);
    buf_fini(&text);
}

void config_recipes_load(struct loader *l)
{
    struct config *c = l->c;
    c->recipes_loaded = config_alloc(c, (l->n_sources + 1) * sizeof *c->recipes_loaded);
    if (!c->recipes_loaded) {
        l->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < l->n_sources; i++) {
        const char *name = l->sources[i].recipe;
        bool sound = *name && !strchr(name, '/') && name[0] != '.'; /* else it was reported already */
        if (sound && !config_recipe_text(c, name))
            load_recipe(l, i);
    }
}
