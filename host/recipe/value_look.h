/* SPDX-License-Identifier: MIT
 * value_look: how one kind of reference is looked up, for value*.c only. Each gives *out, which was SPAN_NONE, or leaves it
 * when the request does not say it; errors as value_get.
 */
#ifndef CREEL_RECIPE_VALUE_LOOK_H
#define CREEL_RECIPE_VALUE_LOOK_H

#include "recipe/value.h"

/* Say why in v->problem; returns e. */
enum err value_fault(struct view *v, enum err e, const char *text);
enum err value_no_room(struct view *v);

enum err value_get_json(struct view *v, const struct ref *ref, struct span *out);
enum err value_get_item(struct view *v, const struct ref *ref, struct span *out);
enum err value_get_claim(struct view *v, const struct ref *ref, struct span *out);
enum err value_get_jose(struct view *v, const struct ref *ref, struct span *out);
enum err value_get_member_name(struct view *v, const struct ref *ref, struct span *out);

#endif
