/* SPDX-License-Identifier: MIT
 * fcgi: one request as libfcgi reads and answers it, from memory and into memory: the library's OS_Read and OS_Write are
 * ours (its calls resolve to the program's, configure checks that), so it never touches a descriptor. It is only given
 * bytes that the screen has walked. Everything the program knows of libfcgi is in this file pair; a record reader of our
 * own would replace it behind these calls. A struct fcgi belongs to one thread at a time, and may change hands.
 */
#ifndef CREEL_INTAKE_FCGI_H
#define CREEL_INTAKE_FCGI_H

#include <fcgiapp.h>

#include "base/buf.h"
#include "base/err.h"

struct fcgi {
    FCGX_Request r;
    bool open; /* between fcgi_begin and fcgi_end/fcgi_drop */
};

/* Once per process, before threads. */
enum err fcgi_init(struct why *w);

/* Read a request's BEGIN and PARAMS. bytes: what the screen has walked of this request so far, complete up to the end of the
 * parameters at least; *used (at most bytes.n) of them are taken, the rest must be offered again first. ERR_INVALID
 * when the library does not agree that this is a request. */
enum err fcgi_begin(struct fcgi *f, struct span bytes, size_t *used);
/* The parameters as "NAME=value" strings, NULL-terminated; they live until fcgi_end or fcgi_drop. */
char **fcgi_params(const struct fcgi *f);
/* Read exactly n body bytes into out; bytes must hold the records they lie in. *used as above. ERR_INVALID as above. */
enum err fcgi_read(struct fcgi *f, struct span bytes, char *out, size_t n, size_t *used);
/* Read the end of the body: ERR_OK only if it is there, clean and without an error of the library's. */
enum err fcgi_read_end(struct fcgi *f, struct span bytes, size_t *used);
/* Answer with this text (CGI header and body) and finish: the records to send are appended to out. The request is over. */
enum err fcgi_end(struct fcgi *f, struct span text, struct buf *out);
/* Give the request up without an answer. Harmless when none is open. */
void fcgi_drop(struct fcgi *f);

#endif
