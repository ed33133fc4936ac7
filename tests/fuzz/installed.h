/* SPDX-License-Identifier: MIT
 * installed: recipes of the source tree, compiled with the one that they are like.
 */
#ifndef CREEL_TESTS_INSTALLED_H
#define CREEL_TESTS_INSTALLED_H

#include <fcntl.h>
#include <stdio.h>

#include "base/fs.h"
#include "recipe/recipe.h"

enum { INSTALLED_BYTES = 65536 };

/* False when there is none of that name. */
static inline bool installed_text(const char *name, struct buf *text)
{
    char path[512];
    struct why w;
    snprintf(path, sizeof path, TESTS_SRCDIR "/host/recipe/recipes/%s.json", name);
    return name[0] && !strchr(name, '/') && fs_read(AT_FDCWD, path, text, &w) == ERR_OK;
}

static inline enum err installed_compile(const char *name, struct span text, const char *variant, struct recipe **out,
                                         struct why *w)
{
    char like[RECIPE_NAME_BYTES];
    struct buf other;
    buf_init(&other, INSTALLED_BYTES);
    recipe_like(text, like);
    bool has = installed_text(like, &other);
    enum err e = recipe_compile_like(name, text, has ? buf_span(&other) : SPAN_NONE, variant, out, w);
    buf_fini(&other);
    return e;
}

#endif
