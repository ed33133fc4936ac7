/* SPDX-License-Identifier: MIT
 * config_named: looks at what the settings name: users, groups, folders, programs, key files, recipes. Reads recipes;
 * of key files only the mode. Runs where a configuration is loaded, one thread.
 */
#include "base/config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/secrets.h"

enum { RECIPE_BYTES_MAX = 256 * 1024 };

static void need_user(struct loader *l, const struct place *root, const char *member, const char *name)
{
    if (*name && !getpwnam(name))
        config_fault_member(l, root, member, "there is no user \"%s\" on this machine: create it or name another",
                            name);
}

/* An unknown name lets nobody in; a list of such names alone would keep the web server out. */
static void need_peer(struct loader *l, const struct place *root)
{
    const struct config *c = l->c;
    for (size_t i = 0; i < c->n_peer_users; i++)
        if (getpwnam(c->peer_users[i]))
            return;
    if (json_member(root->value, "peer_users").p)
        config_fault_member(
            l, root, "peer_users",
            "none of these users is on this machine, so nobody could connect: name the web server's user, "
            "or leave the setting out to let in whom listen_mode lets in");
}

bool config_peer_named(struct loader *l, const struct place *at, const char *name)
{
    if (!config_not_empty(l, at, name))
        return false;
    if (l->look == LOOK_EVERYWHERE && !getpwnam(name)) {
        char reason[512];
        snprintf(
            reason, sizeof reason,
            "there is no user \"%.64s\" on this machine; the name lets nobody in until there is and creeld is reloaded",
            name);
        config_warn(l, at, reason);
    }
    return true;
}

void config_owner_find(struct loader *l, struct span user)
{
    if (user.p)
        l->owner = secrets_owner(config_copy(l, user));
}

/* May who starts creeld do this there? rights as for access(2). */
static void need_rights(struct loader *l, const struct place *root, const char *member, const char *path, int rights)
{
    if (faccessat(AT_FDCWD, path, rights, AT_EACCESS) == 0)
        return;
    const char *why = strerror(errno);
    const struct passwd *p = getpwuid(geteuid());
    config_fault_member(l, root, member, "%s: user %s, who starts creeld, may not %s there: %s", path,
                        p ? p->pw_name : "(without a name)", rights & W_OK ? "write" : "read", why);
}

/* Who may write in this folder may do what. */
static void doubt_folder(struct loader *l, const struct place *root, const char *member, const char *path, const char *what)
{
    struct span value = json_member(root->value, member);
    struct place at = place_member(root, span_str(member), value.p ? value : root->value);
    struct stat st;
    char reason[PATH_MAX + 256];
    if (!*path || stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || !(st.st_mode & S_IWOTH))
        return;
    snprintf(reason, sizeof reason, "%.*s: everybody on this machine may write there, and so %s: chmod o-w it", PATH_MAX, path, what);
    config_warn(l, &at, reason);
}

static void need_folder(struct loader *l, const struct place *root, const char *member, const char *path,
                        bool must_exist, int rights)
{
    struct stat st;
    if (!*path)
        return;
    if (stat(path, &st) != 0) {
        if (must_exist || errno != ENOENT)
            config_fault_member(l, root, member, "%s: %s", path, strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        config_fault_member(l, root, member, "%s is not a folder", path);
    } else {
        need_rights(l, root, member, path, rights);
    }
}

static void need_file(struct loader *l, const struct place *root, const char *member, const char *path)
{
    struct stat st;
    if (!*path)
        return;
    if (stat(path, &st) != 0)
        config_fault_member(l, root, member, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        config_fault_member(l, root, member, "%s is not a file", path);
    else
        need_rights(l, root, member, path, R_OK);
}

/* What creeld makes where it is missing needs a folder to be made in: at most `levels` components above path. */
static void need_above(struct loader *l, const struct place *root, const char *member, const char *path, int levels)
{
    struct stat st;
    char *above = strdup(path);
    if (!above) {
        l->out_of_memory = true;
        return;
    }
    bool found = false;
    for (int i = 0; i < levels && !found; i++) {
        char *slash = strrchr(above, '/');
        slash[slash == above] = 0; /* what is above everything is "/" */
        found = stat(above, &st) == 0;
    }
    if (!found || !S_ISDIR(st.st_mode))
        config_fault_member(l, root, member, "%s cannot be made: there is no folder %s", path, above);
    else
        need_rights(l, root, member, above, W_OK | X_OK);
    free(above);
}

static void need_socket(struct loader *l, const struct place *root, const char *member, const char *address)
{
    const char *path = strncmp(address, "unix:", 5) == 0 ? address + 5 : address;
    struct stat st;
    if (*path != '/')
        return;
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        config_fault_member(l, root, member, "%s is there already and is not a socket: move it away", path);
    else
        need_above(l, root, member, path, 2);
}

static void need_spool(struct loader *l, const struct place *root, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 && errno == ENOENT)
        need_above(l, root, "spool", path, 1);
    else
        need_folder(l, root, "spool", path, false, R_OK | W_OK | X_OK);
}

/* Whoever is not root gives files only to groups of their own. */
static void need_group(struct loader *l, const struct place *root, const char *name)
{
    gid_t own[256];
    const struct group *g = *name ? getgrnam(name) : NULL;
    int n = getgroups(sizeof own / sizeof own[0], own);
    if (*name && !g)
        config_fault_member(l, root, "listen_group",
                            "there is no group \"%s\" on this machine: create it or name another", name);
    if (!g || geteuid() == 0 || n < 0 || g->gr_gid == getegid())
        return;
    for (int i = 0; i < n; i++)
        if (own[i] == g->gr_gid)
            return;
    config_fault_member(l, root, "listen_group",
                        "who starts creeld is not in group \"%s\": add the user to it, or start creeld as root", name);
}

void config_named(struct loader *l, const struct place *root)
{
    const struct config *c = l->c;
    if (l->look != LOOK_EVERYWHERE)
        return;
    need_user(l, root, "user", c->user);
    need_user(l, root, "worker_user", c->worker_user);
    need_peer(l, root);
    need_group(l, root, c->listen_group);
    if (*c->spool)
        need_spool(l, root, c->spool);
    need_socket(l, root, "listen", c->listen);
    need_socket(l, root, "admin_listen", c->admin_listen);
    need_socket(l, root, "control", c->control);
    /* Dispatch cannot start without it; the one of the installation is made by it. */
    need_folder(l, root, "functions", c->functions, strcmp(c->functions, CREEL_LIBDIR "/functions") != 0, R_OK | X_OK);
    need_folder(l, root, "stock", c->stock, strcmp(c->stock, CREEL_LIBDIR "/stock") != 0, R_OK | X_OK);
    need_folder(l, root, "schemas", c->schemas, false, R_OK | X_OK);
    need_folder(l, root, "recipes", c->recipes, true, X_OK);
    need_file(l, root, "fetch_ca_file", c->fetch_ca_file);
    doubt_folder(l, root, "spool", c->spool, "remove events");
    doubt_folder(l, root, "functions", c->functions, "decide what runs");
    doubt_folder(l, root, "stock", c->stock, "decide what runs");
    doubt_folder(l, root, "schemas", c->schemas, "decide what is refused");
    doubt_folder(l, root, "recipes", c->recipes, "decide who is believed");
    /* Whether the installed one is there is no matter of the configuration. */
    if (strcmp(c->worker, CREEL_LIBEXECDIR "/creel-worker") != 0 && access(c->worker, X_OK) != 0)
        config_fault_member(l, root, "worker", "%s cannot be executed: %s", c->worker, strerror(errno));
}

void config_key_named(struct loader *l, const struct place *at, const struct config_key *k)
{
    const char *file = k->secret_file ? k->secret_file : k->public_key_file;
    const char *member = k->secret_file ? "secret_file" : "public_key_file";
    bool alone = json_type_of(at->value) == JSON_STRING;
    struct why w;
    int fd;
    if (!file)
        return;
    if (secrets_open(file, k->public_key_file != NULL, l->owner, &fd, &w) != ERR_OK)
        alone ? config_fault(l, at, "%s", w.text) : config_fault_member(l, at, member, "%s", w.text);
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

static bool sound(const char *name)
{
    return *name && !strchr(name, '/') && name[0] != '.';
}

/* The recipe whose members count where this one says nothing: a plain name, or NULL. */
static const char *like(struct loader *l, const char *recipe_text)
{
    struct span text = span_str(recipe_text);
    struct span value = json_type_of(text) == JSON_OBJECT ? json_member(text, "like") : SPAN_NONE;
    struct span name = value.p && json_type_of(value) == JSON_STRING ? json_plain_string(value) : SPAN_NONE;
    const char *copy = name.p ? config_copy(l, name) : NULL;
    return copy && sound(copy) && !config_recipe_text(l->c, copy) ? copy : NULL;
}

static const char *load_recipe(struct loader *l, size_t source, const char *name)
{
    struct config *c = l->c;
    const char *loaded = NULL;
    struct buf path, text;
    struct why w;
    buf_init(&path, 8192);
    buf_init(&text, RECIPE_BYTES_MAX);
    enum err e = *c->recipes ? read_recipe(c->recipes, name, &path, &text, &w) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        e = read_recipe(CREEL_DATADIR "/recipes", name, &path, &text, &w);
    if (!e) {
        loaded = config_copy(l, buf_span(&text));
        c->recipes_loaded[c->n_recipes_loaded++] =
            (struct config_text){name, config_copy(l, span_of(path.p, path.n - 1)), loaded};
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
    return loaded;
}

void config_recipes_load(struct loader *l)
{
    struct config *c = l->c;
    c->recipes_loaded = config_alloc(c, (2 * l->n_sources + 1) * sizeof *c->recipes_loaded);
    if (!c->recipes_loaded) {
        l->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < l->n_sources; i++) {
        const char *name = l->sources[i].recipe;
        if (!sound(name) || config_recipe_text(c, name)) /* unsound ones were reported already */
            continue;
        const char *text = load_recipe(l, i, name), *base = text ? like(l, text) : NULL;
        if (base)
            load_recipe(l, i, base);
    }
}
