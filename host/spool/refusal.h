/* SPDX-License-Identifier: MIT
 * refusal: how a refused request is written down in rejected/ below the spool: one JSON object a line, in the files of its
 * cause, CODE.NUMBER.jsonl, the highest number being the newest. What is kept of the request itself has the members of a
 * request object (creel(1), Request objects), so that the line can be given to whatever takes those. Only intake writes
 * there (intake/rejected.h); intake and creel read. Any thread.
 */
#ifndef CREEL_SPOOL_REFUSAL_H
#define CREEL_SPOOL_REFUSAL_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define REFUSAL_FOLDER "rejected"
enum {
    REFUSAL_NAME_BYTES = 64,
    REFUSAL_HEADERS_MAX = 128,        /* of a request with more, or with more bytes of them, no headers are kept */
    REFUSAL_HEADERS_BYTES = 32 * 1024,
    REFUSAL_URL_BYTES = 8 * 1024,     /* the same */
    REFUSAL_LINE_BYTES = 256 << 20 /* the longest that is read */
};

/* Texts that are absent are SPAN_NONE and are written as null, or left out where only some requests have them. */
struct refusal {
    int64_t at_ms;
    struct span request, source, type, method, remote, step, code;
    int status; /* as answered */
    struct span detail;
    struct span errors;  /* JSON text of a list; SPAN_NONE: there is none */
    struct span url;     /* path and query as they came; SPAN_NONE: not kept */
    struct span headers; /* JSON text of an object, names in small letters; SPAN_NONE: not kept */
    struct span body;    /* raw bytes; SPAN_NONE: not kept */
    bool altered;        /* not all of it is as it came: secrets are "…", bytes that are no UTF-8 U+FFFD, certificates left out */
    uint64_t left_out;   /* how many of this cause were not written since the line before */
};

/* The member of a request object that holds the body, with a comma before it: "body" where it is UTF-8 without NUL, else
 * "body_base64". */
void refusal_put_body(struct buf *b, struct span body);
/* The line behind b, with its line feed. Check b->failed. */
void refusal_put(struct buf *b, const struct refusal *r);
/* Read a line without its line feed. Strings that hold escapes, and the body, lie behind room's content. ERR_CORRUPT: it is no
 * such line; ERR_NO_ROOM. */
enum err refusal_parse(struct span line, struct buf *room, struct refusal *out);

/* The name of a file, terminated. */
void refusal_name(char out[REFUSAL_NAME_BYTES], enum err cause, uint64_t number);
/* Is this such a name? Nothing else is ever opened, whoever asks. */
bool refusal_name_parse(struct span name, enum err *cause, uint64_t *number);

/* Where a line lies: NAME:OFFSET. A hint: what is there must be asked for its request id. */
struct refusal_place {
    enum err cause;
    uint64_t number;
    int64_t offset;
};
enum { REFUSAL_PLACE_BYTES = REFUSAL_NAME_BYTES + 24 };
void refusal_place_put(char out[REFUSAL_PLACE_BYTES], const struct refusal_place *p);
bool refusal_place_parse(struct span text, struct refusal_place *out);
/* The line that begins there, behind b's content, without its line feed. dir_fd: of rejected/. ERR_NOT_FOUND: there is none (the
 * oldest go first); ERR_NO_ROOM; ERR_SYSTEM. Follows no link. */
enum err refusal_read(int dir_fd, const struct refusal_place *p, struct buf *b, struct why *w);

#endif
