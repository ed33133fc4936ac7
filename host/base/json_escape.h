/* SPDX-License-Identifier: MIT
 * json_escape: reading the inside of a JSON string byte by byte as what it means (RFC 8259 section 7), and the tokens of
 * pointers. For json*.c only. Safe on any bytes: what is no valid escape comes out as U+FFFD. Owns nothing; any thread.
 */
#ifndef CREEL_BASE_JSON_ESCAPE_H
#define CREEL_BASE_JSON_ESCAPE_H

#include <stdint.h>
#include "base/span.h"

struct json_reader {
    const char *p, *end;
    unsigned char out[4]; /* UTF-8 of the last \u escape */
    unsigned at, n;       /* what of it is still to be given out */
};

/* Begin at the text between the quotes. */
static inline struct json_reader json_reader(struct span inside)
{
    return (struct json_reader){.p = inside.p, .end = inside.p + inside.n};
}

/* Take the escape at r->p (a backslash) and put its UTF-8 into r->out. */
void json_reader_escape(struct json_reader *r);

/* The next byte, or -1 at the end. */
static inline int json_reader_next(struct json_reader *r)
{
    if (r->at < r->n)
        return r->out[r->at++];
    if (r->p >= r->end)
        return -1;
    if (*r->p != '\\')
        return (unsigned char)*r->p++;
    json_reader_escape(r);
    return r->out[r->at++];
}

/* Does the escaped member name mean what the reference token of a valid pointer means (~0 is '~', ~1 is '/')? */
bool json_name_is_token(struct span name, struct span token);
/* The element that the token counts to; SPAN_NONE. */
struct span json_element_by_token(struct span array, struct span token);

/* Four hexadecimal digits at p, or -1. */
int json_hex4(const char *p, const char *end);

#endif
