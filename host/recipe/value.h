/* SPDX-License-Identifier: MIT
 * value: references ("header:X-Time", "json:/id|lower") and texts that hold them ("{header:X-Time}.{body}"), parsed once,
 * and what they say in a request. One language for what is signed, what must hold, what is answered and where a source
 * finds its facts (creel-recipe(5), "References"). Parsed references are immutable: any thread; a struct view belongs to
 * one thread and one request.
 */
#ifndef CREEL_RECIPE_VALUE_H
#define CREEL_RECIPE_VALUE_H

#include "recipe/compiled.h"

/* Where references stand. r: the recipe whose slots are numbered, or NULL for references outside of one, whose headers are
 * found by name. Texts and lists are copied into memory. */
struct value_scope {
    struct recipe *r;
    struct arena *memory;
    bool defaults; /* among type, event_id, …: other words may be used */
};

/* An HTTP token (RFC 9110 section 5.6.2). */
bool value_token(struct span s);
/* The slot of a header's name, a new one if it is new. ERR_INVALID. */
enum err value_header_slot(struct recipe *r, struct span name, int *slot, struct why *w);
/* One reference with its filters. ERR_INVALID with the reason. */
enum err value_ref(const struct value_scope *s, struct span text, struct ref *out, struct why *w);
/* Literal text, {references}, [[segments that may be left out]]; "{{" is a brace. ERR_INVALID. */
enum err value_text(const struct value_scope *s, struct span text, struct text *out, struct why *w);
/* Where a source finds a fact: a reference, or "join:TEXT" with references. The scope's defaults is true. */
enum err value_fact(const struct value_scope *s, struct span text, struct text *out, struct why *w);

/* One request as references see it. Values that have to be decoded are put into a. */
struct view {
    const struct recipe *r; /* NULL: facts are looked for, and a body that is no JSON holds none */
    const struct recipe_request *q;
    struct arena *a;
    struct span header[RECIPE_HEADERS_MAX], field[RECIPE_FIELDS_MAX]; /* by slot; SPAN_NONE: not there */
    struct span in_body[JSON_FIND_SLOTS], in_item[JSON_FIND_SLOTS]; /* by slot, once body_found, item_found */
    bool body_found, item_found;
    struct span item;         /* the element of `each`; view_item sets it */
    struct span claims, jose; /* of the token */
    const struct key *key;    /* whose secret {secret} and the MAC filters take */
    enum { JSON_UNREAD, JSON_GOOD, JSON_BAD } body_json;
    struct span url; /* once it was put together */
    char problem[100];     /* why the last call failed */
};

/* Values that were got behind a mark are gone when it is released. */
struct view_mark {
    size_t arena;
    bool url;
};
struct view_mark view_mark(const struct view *v);
void view_release(struct view *v, struct view_mark mark);

/* Nothing of the request is known yet. */
void view_init(struct view *v, const struct recipe *r, const struct recipe_request *q, struct arena *a);
/* The element of `each` that is looked at from now on; SPAN_NONE: none. */
void view_item(struct view *v, struct span element);
/* The body is another one now: what was found in it, and the URL, are looked for again. */
void view_body_changed(struct view *v);
/* What ref says: *out is SPAN_NONE when it is absent, else it lives as long as request and arena. ERR_NO_ROOM when the
 * arena is full; ERR_MALFORMED_BODY when the body should be JSON and is not; ERR_MALFORMED_REQUEST when there are two of it
 * that differ; ERR_INVALID when a filter cannot take it; each with v->problem. */
enum err value_get(struct view *v, const struct ref *ref, struct span *out);
/* Does the body pass the strict scanner? It is asked once a request. ERR_MALFORMED_BODY. */
enum err value_json(struct view *v);
/* How a message names it, in `out`, terminated: "header X-Time". */
const char *value_name(const struct view *v, const struct ref *ref, char out[80]);

/* Is this header among those that the request lists as signed? */
bool value_lists_header(struct view *v, struct span name);

/* A text's values, not copied. Segments with an absent value are left out; an absent one outside of a segment is
 * ERR_NOT_FOUND with *missing. Else as value_get. */
struct parts {
    struct span part[RECIPE_PIECES_MAX];
    size_t n;
};
enum err value_parts(struct view *v, const struct text *t, struct parts *out, const struct ref **missing);
/* The same in one piece: no copy when it is one value, else in the arena, terminated. */
enum err value_join(struct view *v, const struct text *t, struct span *out, const struct ref **missing);
struct span value_join_parts(struct arena *a, const struct parts *p); /* SPAN_NONE: the arena is full */

#endif
