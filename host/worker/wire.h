/* SPDX-License-Identifier: MIT
 * wire: the frames between a slot's owner (dispatch, creel test) and its creel-worker, one SOCK_SEQPACKET packet each.
 *
 * A slot is one pid namespace that does one run at a time:
 *     init (pid 1, ours, dies with its owner; killing it kills all that any run started)
 *       └ zygote (loaded the .so, confined)
 *           └ runner (forked from the zygote; serves up to max_uses runs: 1 is "fork", more is "pool")
 * Where namespaces are not to be had, init is the zygote, loads nothing, and each runner loads the .so for itself behind a
 * filter that refuses to create processes.
 *
 *   owner                worker
 *   START + so fd  ──▶   init, sandbox, zygote loads
 *                  ◀──   READY (manifest; once) | BROKEN (reason; then the slot ends)
 *                  ◀──   WAITING (a runner is up and can take a run)
 *   RUN [+ fields fd] ─▶
 *                  ◀──   LOG* , OUTCOME (and whether this runner can take the next run, another will, or it left children
 *                        behind, which uses the slot up)
 *                  ◀──   (another) WAITING, unless the OUTCOME said that a run can be sent at once
 *                  ◀──   DIED (the runner ended otherwise: wait status; `left` when the slot is used up: children were left
 *                        behind, or it had promised that a run can be sent at once)
 * Every frame from a worker is untrusted: lengths, types and order are checked; a wrong one costs the worker its slot.
 */
#ifndef CREEL_WORKER_WIRE_H
#define CREEL_WORKER_WIRE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

enum {
    WIRE_VERSION = 2,
    WIRE_INLINE_BYTES = 64 * 1024,  /* of a RUN's fields; more goes by sealed memfd */
    WIRE_FRAME_BYTES = 192 * 1024,  /* owner to worker */
    WIRE_BACK_BYTES = 80 * 1024,    /* worker to owner */
    WIRE_TEXT_BYTES = 4096,         /* of a reason, a log line */
    WIRE_REPLY_BYTES = 64 * 1024,   /* of a run's reply */
    WIRE_FIELDS_BYTES = 1 << 30     /* in a memfd */
};

enum wire_type { WIRE_START = 1, WIRE_READY, WIRE_BROKEN, WIRE_WAITING, WIRE_RUN, WIRE_LOG, WIRE_OUTCOME, WIRE_DIED, WIRE_TYPES };

struct wire_head {
    uint8_t version, type;
    uint16_t reserved;
    uint32_t length; /* of what follows */
};

/* START: struct wire_start, then JSON text: {"name":"…", "config":any, "secrets":{name:"value"}, "max_uses":n (0: unlimited;
 * default: as the manifest says), "memory":bytes, "file_size":bytes, "files":n, "processes":n, and
 * four lists ["/path",…] of what it may not see ("hide"; "keys", hidden with their folder where that holds nothing else) or not
 * change ("read_only"; "fixed": only what lies directly in that folder)}. All but name may be missing; unknown members are
 * ignored. Paths that do not exist are skipped. The .so comes as a descriptor (a sealed copy). */
struct wire_start {
    uint32_t namespaces;         /* the worker's init is pid 1 of its own pid namespace and has its own mount namespace */
    uint32_t user_namespace;     /* and is in a user namespace that has no map yet */
    uint32_t owner_uid, owner_gid; /* what it maps there */
    uint32_t uid, gid;           /* what the zygote becomes; 0xffffffff: unchanged */
};

/* READY: JSON text of the manifest: {"abi":1,"name":"…","version":…,"types":[…],"sources":[…],"mode":"pool"|"fork"|null,
 * "timeout_ms":n,"max_uses":n,"concurrency":n}: null, [] and 0 where it says nothing. BROKEN: text. */

struct wire_waiting {
    uint32_t runner; /* counts up from 1 */
};

/* RUN: struct wire_run, then the fields as (uint32 length, bytes)* in the order of enum wire_field; 0xffffffff: absent. */
enum wire_field {
    WIRE_SOURCE, WIRE_TYPE, WIRE_VERSION_FIELD, WIRE_EVENT_ID, WIRE_ORDER_KEY, WIRE_CONTENT_TYPE, WIRE_HEADERS, WIRE_BODY,
    WIRE_FIELDS
};
struct wire_run {
    struct id id;
    uint32_t attempt, timeout_ms;
    int64_t received_ms, deadline_mono_ms;
    uint64_t fields_bytes; /* 0: the fields follow; else they are in the sealed memfd that comes along */
    uint64_t token;        /* given back in OUTCOME */
    uint32_t runner;       /* which runner it is meant for: another one drops it */
    uint32_t reserved;
};

/* AT_ONCE: another runner, which has nothing to prepare and thus will not fail before its run nor say WAITING; its number is the
 * next one. A run can be sent to it before it is born. */
enum wire_next { WIRE_NEXT_SAME, WIRE_NEXT_OTHER, WIRE_NEXT_AT_ONCE, WIRE_NEXT_LEFT, WIRE_NEXTS };
struct wire_outcome {
    uint64_t token;
    uint32_t outcome; /* enum outcome: DONE, RETRY or REJECT only */
    uint32_t next;    /* enum wire_next */
    int64_t retry_after_ms; /* -1: none */
    uint32_t reason_bytes; /* at most WIRE_TEXT_BYTES */
    uint32_t replied;      /* 1: there is a reply, of any length; only with DONE */
    /* the reason follows, then the reply */
};
struct wire_log {
    uint32_t level; /* enum log_level */
    /* text follows */
};
struct wire_died {
    int32_t status;  /* as from waitpid */
    uint32_t left;   /* the slot is used up */
    uint32_t runner; /* which one; 0: the zygote */
};

/* Send one frame. ERR_AGAIN, ERR_CLOSED, ERR_SYSTEM. fd < 0: none. */
enum err wire_send(int sock, enum wire_type type, const void *fixed, size_t fixed_bytes, struct span tail, int fd);
/* The same with a tail of two parts. */
enum err wire_send_two(int sock, enum wire_type type, const void *fixed, size_t fixed_bytes, struct span tail, struct span more, int fd);
struct wire_frame {
    uint8_t type;
    struct span data; /* in the caller's buffer */
    int fd;           /* -1 or received, close-on-exec, now the caller's */
};
/* Receive one frame into buf. ERR_AGAIN (when not blocking), ERR_CLOSED, ERR_INVALID (taken off), ERR_SYSTEM. */
enum err wire_recv(int sock, char *buf, size_t cap, bool block, struct wire_frame *out);

/* Take a fixed part off the front of data: copies n bytes to out, false when there are fewer. Here, so that a forked runner
 * copies a few known bytes without a page of the C library. */
static inline bool wire_take(struct span *data, void *out, size_t n)
{
    if (data->n < n)
        return false;
    memcpy(out, data->p, n);
    *data = span_skip(*data, n);
    return true;
}
/* Append one field (SPAN_NONE: absent) of a RUN. */
void wire_put_field(struct buf *b, struct span field);
/* Split the fields of a RUN: exactly WIRE_FIELDS of them and nothing behind. ERR_INVALID otherwise. */
enum err wire_get_fields(struct span data, struct span fields[WIRE_FIELDS]);

#endif
