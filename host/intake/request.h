/* SPDX-License-Identifier: MIT
 * request: one request on its way through the step list: what came in, what the steps found out, and how it ended. It
 * belongs to the thread that owns its connection (transport.h). Its texts live in libfcgi's parameters (until the
 * commit step drops them) and in its own arena, its body and its journal line in buffers of its own (until
 * request_recycle).
 */
#ifndef CREEL_INTAKE_REQUEST_H
#define CREEL_INTAKE_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "intake/commit.h"
#include "intake/dedupe.h"
#include "intake/fcgi.h"
#include "intake/house.h"
#include "recipe/recipe.h"

enum { REQUEST_ARENA_BYTES = 256 * 1024, REQUEST_HEADERS_MAX = 1024, REQUEST_DETAIL_BYTES = 200 };

/* What a request is, beside the bytes in it. */
enum envelope_kind { ENVELOPE_NONE, ENVELOPE_BINARY, ENVELOPE_STRUCTURED, ENVELOPE_BATCHED, ENVELOPE_UNKNOWN };

struct batch;
struct cached_keys;
struct schema_context;
struct intake;
struct conn;

struct request {
    struct intake *intake;
    struct house *house; /* held */
    struct conn *conn;
    struct recipe_context *recipe_context; /* the running thread's */
    struct schema_context *schema_context; /* likewise */
    struct fcgi fcgi;
    struct arena arena;
    struct request *next; /* in the pool */

    /* as it came in (request_read_params) */
    struct span method, uri, remote, content_type, length_text; /* remote: REMOTE_ADDR, until the client is known */
    struct span server_software;
    struct span client_verify, client_cert, client_fingerprint; /* what the web server says of a client certificate */
    struct recipe_header *headers; /* lower-case names with dashes; content-type among them */
    size_t n_headers;
    bool nul; /* a parameter held a NUL byte, so texts may be cut */
    int64_t received_ms; /* when it arrived; of one that is run again, when it did so first: what it is judged by */
    int64_t taken_ms;    /* now: what duplicates are remembered by */
    int64_t began_ns;
    struct id request_id;
    bool rerun_altered; /* not all of it is as it came */
    struct span rerun; /* where the refused request lies that is run again (rerun.h); SPAN_NONE: this is an ordinary one */

    /* client, route, admit */
    const struct house_limit *limited; /* the one that it came closest to, or that refuses it; NULL: none was asked */
    struct limit_state limit;          /* how it stands with that */
    int64_t limits_ns;                 /* when limits were asked last */
    struct address client; /* behind the proxies that are trusted; `remote` is its text then */
    const struct house_source *source;
    struct span path, query, path_rest; /* path decoded */
    struct span kept_path;              /* the same without a credential: what is written down */
    int64_t content_length;             /* -1: not known */

    /* read */
    struct buf body;
    size_t held_bytes; /* of the global body memory */
    bool body_complete;

    /* authenticate */
    const char *caller;    /* the key, or the certificate's pin, that authenticated it; NULL: nothing did */
    const char *challenge; /* refused: what WWW-Authenticate says; NULL: of a signature */

    /* verify … identify */
    struct arena block; /* of the verify step, where the arena is too small */
    struct recipe_verdict verdict;
    struct recipe_reply reply; /* of a handshake */
    struct cached_keys *keys; /* held: fetched ones that it was judged by */
    struct span confirm;      /* the body of the event that has a handshake's address fetched; SPAN_NONE: it is none */
    bool json; /* `data` (before the envelope step: the body) has passed the strict scanner */
    enum envelope_kind envelope;
    struct span event; /* the raw bytes that the event is handed on as */
    struct span data;  /* what it says, where json: references and schemas look: `event`, or a part of what is in it */
    struct recipe_header *event_headers; /* where header: references look: the attributes of a CloudEvent among them */
    size_t n_event_headers;
    struct buf data_text; /* `data`, where it had to be decoded */
    struct span type, version, sender_id, order_key, time;
    struct span errors;    /* of a schema violation: JSON text, [{"pointer","keyword","message"},…] */
    struct span violation; /* "CODE: reason": taken all the same, for its sender's sake */
    struct span warning; /* header fields about the end of its version; they live as long as the house */
    struct id id; /* of the event, new or (duplicate) the first one's */

    /* dedupe, commit */
    struct dedupe_claim claim;
    bool claimed; /* the claim is held: dedupe_settle must follow */
    struct buf headers_text, line;
    struct journal_dedupe key; /* of the claim, as the line says it */
    struct commit_job job;
    struct batch *batch; /* owned; there are several events in this request; NULL: one */

    /* the loop */
    unsigned step;
    enum err outcome; /* ERR_OK accepted, ERR_EXISTS duplicate, ERR_ANSWERED handshake, else the row it was refused with */
    char detail[REQUEST_DETAIL_BYTES];
};

/* A request with its arena, none of its buffers allocated. NULL: out of memory. */
struct request *request_new(void);
void request_free(struct request *q);
/* Forget everything but memory worth keeping: libfcgi's request is dropped, the house released. */
void request_recycle(struct request *q);

/* Take method, URI, headers … from libfcgi's parameters. ERR_BODY_TOO_LARGE when the arena is full,
 * ERR_MALFORMED_REQUEST when a parameter of ours comes twice. */
enum err request_read_params(struct request *q);
/* The value of this header (any case), SPAN_NONE if it did not come; the first one if it came twice. */
struct span request_header(const struct request *q, const char *name);

/* The request as recipes see it. Lives as long as q stays as it is. */
struct recipe_request request_to_judge(const struct request *q);
/* The same behind the envelope step, as references to the event's facts see it. */
struct recipe_request request_event(const struct request *q);

/* Refuse: format the reason into q->detail; returns e. */
enum err refuse(struct request *q, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The event does not meet its contract, and was refused with e: returns e, or takes it to be dead (q->violation, ERR_OK) where its
 * source says so (on_violation). reason: what is to be written down then; p NULL: q->detail. */
enum err refuse_or_bury(struct request *q, enum err e, struct span reason);

#endif
