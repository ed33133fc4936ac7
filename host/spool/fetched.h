/* SPDX-License-Identifier: MIT
 * fetched: asking another server for something, and what came of it. A request to fetch is an event of a type of our own, so that it
 * is durable, retried and seen like every other; intake makes it, dispatch has the installed function creel.fetch run it. What it
 * fetched for a later look is the run's reply, and dispatch, the only writer, keeps it in
 *     fetched/SOURCE/HASH   (SHA-256 of the URL in hex; the time of the file is the time of the fetch)
 * A view: what is missing is fetched again when it is asked for. Any thread.
 */
#ifndef CREEL_SPOOL_FETCHED_H
#define CREEL_SPOOL_FETCHED_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* Types and names of functions that begin so are the host's own: no sender raises them, no folder brings them. */
#define OWN_PREFIX "creel."
#define FETCH_TYPE "creel.fetch"
#define FETCHED_FOLDER "fetched"
enum { FETCHED_BYTES = 64 * 1024, FETCHED_FILES = 64 /* of one source; the oldest goes */ };

static inline bool own_name(struct span name)
{
    return span_starts(name, SPAN_LIT(OWN_PREFIX));
}

enum fetch_purpose { FETCH_CONFIRM /* asking is all: a subscription */, FETCH_KEYS /* a certificate, a JWKS */, FETCH_PURPOSES };
/* "confirm", "keys". Static. */
const char *fetch_purpose_name(enum fetch_purpose p);

struct fetch {
    struct span url; /* https://… */
    enum fetch_purpose purpose;
    const char *format;      /* of keys: "x509-pem", "jwks"; or NULL */
    const char *const *hosts; /* patterns of which the URL's host must meet one; '*' stands for one label */
    size_t n_hosts;
};
/* The body of the event: {"url":…,"purpose":…,"format":…,"hosts":[…]} */
void fetch_put(struct buf *b, const struct fetch *f);
/* Of such a body: what is fetched, and why. Spans into b, behind its content. ERR_INVALID when it is none. */
enum err fetch_get(struct span body, struct buf *b, struct span *url, enum fetch_purpose *purpose);

enum { FETCHED_HASH_BYTES = 65 };
/* The name of its file, terminated; also what such an event is known by. */
void fetched_hash(struct span url, char out[FETCHED_HASH_BYTES]);
/* The path of its file below the spool, terminated, behind b's content. */
void fetched_path(struct buf *b, struct span source, struct span url);
/* Keep it: durable when this returns ERR_OK; then the oldest files over the limit are gone. */
enum err fetched_write(int spool_fd, struct span source, struct span url, struct span content, struct why *w);

#endif
