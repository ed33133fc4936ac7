/* SPDX-License-Identifier: MIT
 * cloudevent: CloudEvents 1.0.2 (CNCF) as they come by HTTP: what the HTTP protocol binding calls binary and structured
 * mode, taken apart and checked. Attributes have one form in all modes: that of headers, "ce-id" and so on, with plain
 * values. Pure; any thread; what is made lies in the caller's arena, the rest in the request.
 */
#ifndef CREEL_INTAKE_CLOUDEVENT_H
#define CREEL_INTAKE_CLOUDEVENT_H

#include "recipe/recipe.h"

/* How events come, by the content type alone (HTTP protocol binding, section 3). UNKNOWN: a format other than JSON. */
enum cloudevent_mode { CLOUDEVENT_BINARY, CLOUDEVENT_STRUCTURED, CLOUDEVENT_BATCHED, CLOUDEVENT_UNKNOWN };
enum cloudevent_mode cloudevent_mode(struct span content_type);
/* Have these headers (names in lower case) all that a CloudEvent in binary mode cannot be without? */
bool cloudevent_marked(const struct recipe_header *headers, size_t n);

enum { CLOUDEVENT_ATTRIBUTES_MAX = 64 };

struct cloudevent {
    struct recipe_header attributes[CLOUDEVENT_ATTRIBUTES_MAX]; /* ce-datacontenttype among them where it is known */
    size_t n;
    struct span data;        /* structured: the JSON text of "data"; SPAN_NONE: there is none */
    struct span data_base64; /* structured: the JSON string "data_base64", unread; SPAN_NONE: there is none */
    bool data_is_json;       /* by the type of the data */
};

/* Of binary mode: its ce- headers, quotes and %XX decoded (section 3.1.3.2). */
enum err cloudevent_binary(const struct recipe_header *headers, size_t n, struct span content_type, struct arena *a,
                           struct cloudevent *out, struct why *w);
/* Of structured mode, or one of a batch: a value that json_check has passed (JSON event format, sections 2 and 3).
 * Both: ERR_INVALID with the reason when it is no CloudEvent 1.0; ERR_NO_ROOM when it has more attributes than
 * CLOUDEVENT_ATTRIBUTES_MAX or the arena is full. */
enum err cloudevent_structured(struct span value, struct arena *a, struct cloudevent *out, struct why *w);

/* The value of an attribute ("ce-id"), SPAN_NONE if it is not there. */
struct span cloudevent_attribute(const struct cloudevent *e, const char *name);

#endif
