/* SPDX-License-Identifier: MIT
 * recipe_names: looks into the folders that ctl_recipe_text looks into.
 */
#include <dirent.h>
#include <stdlib.h>

#include "ctl/recipe_names.h"

static void add_names(struct recipe_names *names, const char *dir)
{
    static const char suffix[] = ".json";
    DIR *d = opendir(dir);
    for (struct dirent *e; d && names->n < RECIPE_NAMES && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (e->d_name[0] != '.' && n >= sizeof suffix && strcmp(e->d_name + n - (sizeof suffix - 1), suffix) == 0 &&
            (names->list[names->n] = strndup(e->d_name, n - (sizeof suffix - 1))))
            names->n++;
    }
    if (d)
        closedir(d);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void recipe_names_find(struct ctl *c, struct recipe_names *names)
{
    size_t kept = 0;
    if (!c->recipes && c->config_given)
        ctl_config(c);
    if (c->recipes) {
        add_names(names, c->recipes);
    } else {
        if (c->config && c->config->recipes[0])
            add_names(names, c->config->recipes);
        add_names(names, CREEL_DATADIR "/recipes");
    }
    qsort(names->list, names->n, sizeof *names->list, by_name);
    for (size_t i = 0; i < names->n; i++) {
        if (kept > 0 && strcmp(names->list[kept - 1], names->list[i]) == 0)
            free(names->list[i]);
        else
            names->list[kept++] = names->list[i];
    }
    names->n = kept;
}

void recipe_names_free(struct recipe_names *names)
{
    while (names->n > 0)
        free(names->list[--names->n]);
}
