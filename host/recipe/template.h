/* SPDX-License-Identifier: MIT
 * template: references ("header:X-Time", "field:t") and templates ("{header:X-Time}.{body}") into numbered slots, and
 * their values in a request. Any thread.
 */
#ifndef CREEL_RECIPE_TEMPLATE_H
#define CREEL_RECIPE_TEMPLATE_H

#include "recipe/compiled.h"

/* An HTTP token (RFC 9110 section 5.6.2). */
bool template_token(struct span s);
/* The slot of a header or field name, a new one if it is new. text must live as long as r. ERR_NO_ROOM when all are
 * taken. */
enum err template_header_slot(struct recipe *r, struct span name, unsigned *slot, struct why *w);
enum err template_field_slot(struct recipe *r, struct span name, unsigned *slot, struct why *w);
/* One reference: body, method, url, header:NAME, field:NAME. ERR_INVALID. */
enum err template_ref(struct recipe *r, struct span text, struct ref *out, struct why *w);
/* A template: literal text and {references}; "{{" is a brace. ERR_INVALID. */
enum err template_parse(struct recipe *r, struct span text, struct ref *out, size_t cap, size_t *n, struct why *w);

/* What ref says in this request: SPAN_NONE when it is absent. Lives as long as the request. */
struct span template_value(const struct ref *ref, const struct recipe_request *q, const struct values *v);
/* How a message names it: the header's or field's name. */
struct span template_name(const struct recipe *r, const struct ref *ref);
/* Does this value meet what the recipe asserts of it? */
bool template_allows(const struct assertion *a, struct span value);
/* The whole content in one piece: no copy when it is one value, else in scratch. SPAN_NONE when scratch is full. Every
 * value must be present. */
struct span template_join(const struct recipe *r, const struct recipe_request *q, const struct values *v,
                          struct arena *scratch);

#endif
