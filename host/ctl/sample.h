/* SPDX-License-Identifier: MIT
 * sample: an event made up so that a source finds its type and id where it looks for them. Pure; one thread.
 */
#ifndef CREEL_CTL_SAMPLE_H
#define CREEL_CTL_SAMPLE_H

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "recipe/recipe.h"

struct sample {
    const char *type_header, *id_header;   /* header names, or NULL: not in a header */
    const char *type_pointer, *id_pointer; /* JSON pointers into the body, or NULL */
};

/* Where type and event id go: the source's references, else the recipe's defaults; of a list the first. ERR_UNSUPPORTED
 * with the way out when a body cannot be made up so (unless own_body). The texts belong to source and recipe. */
enum err sample_init(struct sample *s, const struct recipe *r, const struct config_source *source, bool own_body,
                     struct why *w);
/* A JSON object with type, id and some data behind b. */
void sample_body(const struct sample *s, const char *type, const char *id, uint64_t number, int64_t now_ms,
                 struct buf *b);

#endif
