/* SPDX-License-Identifier: MIT
 * sample: an event made up so that a source finds its type and id where it looks for them. Pure; one thread.
 */
#ifndef CREEL_CTL_SAMPLE_H
#define CREEL_CTL_SAMPLE_H

#include "base/arena.h"
#include "base/config.h"
#include "recipe/recipe.h"

enum { SAMPLE_PLACES_MAX = 16 };

/* One value, where the source looks for it. */
struct sample_place {
    enum { SAMPLE_HEADER, SAMPLE_JSON, SAMPLE_FORM, SAMPLE_MEMBER } kind; /* MEMBER: the name of a member is the value */
    struct span where;                                                    /* name or JSON pointer */
    struct span value;                                                    /* SPAN_NONE: the event's id */
};

struct sample {
    bool form, own_body;
    struct sample_place places[SAMPLE_PLACES_MAX];
    size_t n;
};

/* Where type and event id go: the source's references, else the recipe's defaults; of a list the first that this type fits.
 * type NULL: any. own_body: only headers are set. ERR_INVALID: no reference can say this type. The texts belong to source,
 * recipe and type. */
enum err sample_init(struct sample *s, const struct recipe *r, const struct config_source *source, const char *type,
                     bool own_body, struct why *w);
/* A JSON object or list, or a form, with type, id and some data, into b. ERR_UNSUPPORTED with the way out: no body can hold
 * all of them. */
enum err sample_body(const struct sample *s, const char *id, uint64_t number, int64_t now_ms, struct buf *b,
                     struct why *w);
/* The value of a place in this event. */
struct span sample_value(const struct sample_place *p, const char *id);

#endif
