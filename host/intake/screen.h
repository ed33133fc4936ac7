/* SPDX-License-Identifier: MIT
 * screen: the record screen. Walks the framing of a connection's FastCGI bytes (FastCGI 1.0 section 3) before libfcgi
 * sees them, and calls hostile whatever a web server never sends or whatever passes a limit: wrong version, management
 * records, unknown types or roles, a second request inside the first, names and values that do not fit their stream.
 * Pure: no I/O, no memory, no copy; it takes bytes in pieces of any size. One thread at a time.
 *
 *     BEGIN ──BEGIN_REQUEST──▶ PARAMS ──empty PARAMS──▶ STDIN ──empty STDIN──▶ BEGIN
 *        (HEAD is said after the empty PARAMS, END after the empty STDIN, each with its padding)
 *
 * A request that was answered before its end is over for the web server (END_REQUEST, section 5.5): Apache leaves out the
 * rest of the body and begins the next request. NEXT says so, behind that one's first record header.
 */
#ifndef CREEL_INTAKE_SCREEN_H
#define CREEL_INTAKE_SCREEN_H

#include <stdint.h>
#include "base/span.h"

enum { SCREEN_PARAMS_BYTES = 128 * 1024, SCREEN_PARAMS_MAX = 1024, SCREEN_NAME_BYTES = 8 * 1024 };
/* Bytes of one request up to the end of its parameters: content, and generous room for record headers and padding. */
enum { SCREEN_HEAD_BYTES = 2 * SCREEN_PARAMS_BYTES };

enum screen_stage { SCREEN_STAGE_BEGIN, SCREEN_STAGE_PARAMS, SCREEN_STAGE_STDIN };

struct screen {
    enum screen_stage stage;
    uint8_t header[8], header_n; /* the record header being collected */
    uint8_t begin[8], begin_n;   /* BEGIN_REQUEST's body */
    uint32_t content, padding;   /* left of the current record */
    bool in_record;
    uint16_t id;
    bool keep; /* FCGI_KEEP_CONN */
    bool nul;  /* a parameter holds a NUL byte */
    bool answered, next;
    uint32_t head_bytes, params_bytes, params;
    uint32_t length[2], skip; /* the pair being walked: lengths, then bytes of name and value left */
    uint8_t which, length_left;
};

enum screen_verdict {
    SCREEN_MORE,    /* all bytes walked, nothing complete */
    SCREEN_HEAD,    /* the parameters are complete */
    SCREEN_END,     /* the request is complete */
    SCREEN_NEXT,    /* it never will be, but has been answered: the header of the next one's BEGIN_REQUEST was walked */
    SCREEN_ABORT,   /* the web server gave the request up */
    SCREEN_HOSTILE, /* close the connection; `why` says what it was */
};

/* Before a connection's first request, and after each SCREEN_END. */
void screen_reset(struct screen *s);
/* Walk bytes until a verdict other than MORE or their end. *used: bytes walked. *body: how many of them were body
 * (STDIN) content. *why (SCREEN_HOSTILE only): a static text. */
enum screen_verdict screen_feed(struct screen *s, struct span bytes, size_t *used, size_t *body, const char **why);
/* The request was answered before its end. */
void screen_answered(struct screen *s);
/* Bytes walked of a record header that is not complete; after NEXT, the header's. */
size_t screen_header_bytes(const struct screen *s);
/* Has any byte of a request been walked? */
bool screen_started(const struct screen *s);

#endif
