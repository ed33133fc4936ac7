/* SPDX-License-Identifier: MIT
 * places: which files and folders START names as not to be seen or not to be changed. Looks at folders, changes nothing.
 */
#include "worker/places.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

enum { PATH_BYTES = 4096 };

typedef enum err (*path_fn)(void *arg, const char *path, struct why *why);

static enum err each_path(struct span list, path_fn what, void *arg, struct why *why)
{
    if (json_type_of(list) != JSON_ARRAY)
        return ERR_OK;
    struct json_iter it = json_iter(list);
    struct span value;
    enum err e = ERR_OK;
    while (!e && json_next_element(&it, &value)) {
        struct buf path;
        buf_init(&path, PATH_BYTES);
        if (json_unescape(value, &path) == ERR_OK)
            buf_putc(&path, 0);
        if (path.failed || path.n < 3 || path.p[0] != '/')
            e = why_set(why, ERR_INVALID, "a path that START names is not absolute or too long");
        else
            e = what(arg, path.p, why);
        buf_fini(&path);
    }
    return e;
}

static enum err same_path(void *arg, const char *path, struct why *why)
{
    (void)why;
    return strcmp(arg, path) == 0 ? ERR_EXISTS : ERR_OK;
}

static bool named(struct span list, const char *path)
{
    return each_path(list, same_path, (void *)(uintptr_t)path, NULL) == ERR_EXISTS;
}

/* A folder that holds nothing but hidden files and plain ones that nobody can execute is one for keys. */
static bool holds_only_keys(const struct worker *w, const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    bool all = d;
    while (all && (entry = readdir(d))) {
        char path[PATH_BYTES];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        all = n > 0 && (size_t)n < sizeof path &&
              (named(w->hide, path) || named(w->keys, path) ||
               (stat(path, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 0111)));
    }
    if (d)
        closedir(d);
    return all;
}

struct visit {
    const struct worker *w;
    enum place kind;
    place_fn what;
    void *arg;
};

static enum err visit(void *arg, const char *path, struct why *why)
{
    struct visit *v = arg;
    return v->what(v->arg, path, v->kind, why);
}

static enum err visit_key(void *arg, const char *path, struct why *why)
{
    struct visit *v = arg;
    char folder[PATH_BYTES];
    int n = snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    bool whole = n > 0 && (size_t)n < sizeof folder && access(path, F_OK) == 0 && holds_only_keys(v->w, folder);
    return v->what(v->arg, whole ? folder : path, v->kind, why);
}

enum err places_each(const struct worker *w, place_fn what, void *arg, struct why *why)
{
    struct visit v = {w, PLACE_FIXED, what, arg};
    enum err e = each_path(w->fixed, visit, &v, why);
    v.kind = PLACE_READ_ONLY;
    if (!e)
        e = each_path(w->read_only, visit, &v, why);
    v.kind = PLACE_HIDDEN;
    if (!e)
        e = each_path(w->keys, visit_key, &v, why);
    if (!e)
        e = each_path(w->hide, visit, &v, why);
    return e;
}
