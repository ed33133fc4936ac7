/* SPDX-License-Identifier: MIT
 * fcgi: one request as libfcgi reads it, from memory: the library's OS_Read and OS_Write are ours (its calls resolve to
 * the program's, configure checks that), so it never touches a descriptor. It is only given bytes that the screen has
 * walked. Answers are framed here too, so that the library's request, 20 KB in 43 pieces, can go before the disk is
 * waited for, on the thread that made it. Everything the program knows of libfcgi is in this file pair; a record reader
 * of our own would replace it behind these calls. A struct fcgi belongs to one thread at a time, and may change hands.
 */
#ifndef CREEL_INTAKE_FCGI_H
#define CREEL_INTAKE_FCGI_H

#include <fcgiapp.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct fcgi {
    FCGX_Request r;
    bool open;   /* between fcgi_begin and fcgi_drop */
    uint16_t id; /* of the request, for its answer */
};

/* Once per process, before threads. */
enum err fcgi_init(struct why *w);

/* Read a request's BEGIN and PARAMS. bytes: what the screen has walked of this request so far, complete up to the end
 * of the parameters at least; *used (at most bytes.n) of them are taken, the rest must be offered again first.
 * ERR_INVALID when the library does not agree that this is a request. */
enum err fcgi_begin(struct fcgi *f, struct span bytes, size_t *used);
/* The parameters as "NAME=value" strings, NULL-terminated; they live until fcgi_drop. */
char **fcgi_params(const struct fcgi *f);
/* Read exactly n body bytes into out; bytes must hold the records they lie in. *used as above. ERR_INVALID as above. */
enum err fcgi_read(struct fcgi *f, struct span bytes, char *out, size_t n, size_t *used);
/* Read the end of the body: ERR_OK only if it is there, clean and without an error of the library's. */
enum err fcgi_read_end(struct fcgi *f, struct span bytes, size_t *used);
/* The library's request is not needed any more. Harmless when none is open. */
void fcgi_drop(struct fcgi *f);
/* The records of an answer with this text (CGI header and body) and of the request's end, appended to out. */
void fcgi_answer(const struct fcgi *f, struct span text, struct buf *out);

#endif
