/* SPDX-License-Identifier: MIT
 * facts: where a source finds the type, the id and the like of an event: a list of references (creel-recipe(5)), of which
 * the first that leads to something counts. Immutable: any thread.
 */
#ifndef CREEL_RECIPE_FACTS_H
#define CREEL_RECIPE_FACTS_H

#include "recipe/recipe.h"

struct facts;

enum { FACT_BYTES = 4096 }; /* of what a reference leads to */

/* ERR_INVALID with the reason; an empty list is fine, and then nothing is found. */
enum err facts_new(const char *const *texts, size_t n, struct facts **out, struct why *w);
void facts_free(struct facts *f); /* NULL is fine */
/* Does one of them look into the JSON of the body? Into the path behind the source's own? */
bool facts_ask_json(const struct facts *f);
bool facts_ask_path(const struct facts *f);

/* *out: at least one byte, or SPAN_NONE when none of them leads to any; lives as long as request and arena. is_json: the
 * body has passed json_check; else there is nothing to find in it as JSON. form: looks into bodies that the content type calls
 * forms. ERR_NO_ROOM: longer than FACT_BYTES, or the arena is full. ERR_MALFORMED_REQUEST: a parameter or a field of a form
 * came twice with different values. */
enum err facts_find(const struct facts *f, const struct recipe_request *q, bool is_json, struct arena *a,
                    struct span *out);

#endif
