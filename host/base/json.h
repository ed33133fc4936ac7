/* SPDX-License-Identifier: MIT
 * json: a strict scanner (RFC 8259, RFC 3629) over bytes that stay where they are: checks, walks, looks up, never
 * builds a tree. Used on everything that comes from outside; cJSON is used only for files that operators write, after
 * this scanner has passed them. Any thread.
 */
#ifndef CREEL_BASE_JSON_H
#define CREEL_BASE_JSON_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

enum json_type { JSON_NONE, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_limits {
    unsigned max_depth; /* at most JSON_DEPTH_MAX */
    unsigned max_nodes; /* values plus member names; duplicate names are found within this many */
};
enum { JSON_DEPTH_MAX = 128, JSON_DEPTH_DEFAULT = 64, JSON_NODES_DEFAULT = 100000 };
#define JSON_LIMITS_DEFAULT ((struct json_limits){JSON_DEPTH_DEFAULT, JSON_NODES_DEFAULT})

/* Why a text was refused: what, and at which byte (0-based) from its beginning. */
struct json_error {
    const char *what; /* static: "duplicate name", "lone surrogate", "NUL in string", "trailing bytes", "too deep", … */
    size_t offset;
};

/* The whole text is exactly one JSON value with white space around it. Refuses, each by name: anything RFC 8259
 * forbids, invalid UTF-8, a byte order mark, \u0000 and raw NUL, lone surrogates, duplicate member names in one object
 * (compared after unescaping), what passes a limit, and texts over 1 GiB. Time O(n). Its table of names is a fixed
 * thread-local block of 16 KiB; only a text with more than 512 names gets a larger one (2 MiB at the default limits)
 * while the check runs. ERR_OK; else ERR_MALFORMED_BODY, or ERR_INTERNAL when memory for that table is out, with *error
 * filled. */
enum err json_check(struct span text, struct json_limits limits, struct json_error *error);

/* All that follows expects a text that json_check passed, or a part of one; on other text results are unspecified but
 * memory-safe. */

/* By the first byte behind white space; JSON_NONE for SPAN_NONE and where no value begins so. */
enum json_type json_type_of(struct span value);

/* Walk the members of an object or the elements of an array. */
struct json_iter {
    const char *p, *end;
};
struct json_iter json_iter(struct span container);
/* Next member: *name is the text between the quotes, still escaped; *value is the value's exact text without white
 * space around it. False at the end. */
bool json_next_member(struct json_iter *it, struct span *name, struct span *value);
bool json_next_element(struct json_iter *it, struct span *value);
/* The member of an object by (unescaped) name; SPAN_NONE if absent. */
struct span json_member(struct span object, const char *name);

/* RFC 6901: "" is the whole text, "/a/0/b~1c". SPAN_NONE if it leads nowhere. A pointer that is not well formed leads
 * nowhere; check with json_pointer_valid where an operator wrote it. */
struct span json_pointer(struct span text, struct span pointer);
bool json_pointer_valid(struct span pointer);

/* A string value (with quotes) unescaped behind b. ERR_INVALID if it is no string; ERR_NO_ROOM when b is full. */
enum err json_unescape(struct span string, struct buf *b);
/* A string value whose content holds no escape: the span between the quotes, no copy. SPAN_NONE otherwise. */
struct span json_plain_string(struct span string);
/* Any scalar as it was written: strings unescaped, numbers and literals verbatim. ERR_INVALID for arrays, objects. */
enum err json_scalar_text(struct span value, struct buf *b);
/* An integer without fraction or exponent that fits. ERR_INVALID otherwise. */
enum err json_int(struct span value, int64_t *out);

#endif
