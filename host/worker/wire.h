/* SPDX-License-Identifier: MIT
 * wire: the frames between a slot's owner (dispatch, creel test) and its creel-worker, one SOCK_SEQPACKET packet each.
 *
 * A slot is one pid namespace that does one run at a time:
 *     init (pid 1, ours, dies with its owner; killing it kills all that any run started)
 *       └ zygote (loaded the .so, confined)
 *           └ runner (forked from the zygote; serves up to max_uses runs: 1 is "fork", more is "pool")
 *
 *   owner                worker
 *   START + so fd  ──▶   init, sandbox, zygote loads
 *                  ◀──   READY (manifest; once) | BROKEN (reason; then the slot ends)
 *                  ◀──   WAITING (a runner is up and can take a run)
 *   RUN [+ body fd] ──▶
 *                  ◀──   LOG* , OUTCOME
 *                  ◀──   (max_uses reached: the zygote forks the next runner) WAITING
 *                  ◀──   DIED (the runner ended otherwise: wait status; `left` when it left children behind: the slot is used up)
 * Every frame from a worker is untrusted: lengths, types and order are checked; a wrong one costs the worker its slot.
 */
#ifndef CREEL_WORKER_WIRE_H
#define CREEL_WORKER_WIRE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

enum { WIRE_VERSION = 1, WIRE_INLINE_BODY_BYTES = 64 * 1024, WIRE_FRAME_BYTES = 192 * 1024, WIRE_TEXT_BYTES = 4096 };

enum wire_type { WIRE_START = 1, WIRE_READY, WIRE_BROKEN, WIRE_WAITING, WIRE_RUN, WIRE_LOG, WIRE_OUTCOME, WIRE_DIED, WIRE_TYPES };

struct wire_head {
    uint8_t version, type;
    uint16_t flags;
    uint32_t length; /* of what follows */
};

/* START: JSON text: {"name","config",{…},"secrets":{name:value},"max_uses":n,"memory":bytes,"files":n,"processes":n,
 * "hide":[paths],"uid":n,"gid":n,"namespaces":bool}. The .so comes as a descriptor. */

/* READY: JSON text of the manifest: {"abi","name","version","types":[…],"sources":[…],"timeout_ms","mode","max_uses",…}. */

/* RUN: struct wire_run, then the fields as (uint32 length, bytes)* in the order of enum wire_field; 0xffffffff: absent. */
enum wire_field {
    WIRE_SOURCE, WIRE_TYPE, WIRE_VERSION_FIELD, WIRE_EVENT_ID, WIRE_ORDER_KEY, WIRE_CONTENT_TYPE, WIRE_HEADERS, WIRE_BODY,
    WIRE_FIELDS
};
struct wire_run {
    struct id id;
    uint32_t attempt, timeout_ms;
    int64_t received_ms, deadline_mono_ms;
    uint64_t body_bytes; /* when the body comes as a sealed memfd, WIRE_BODY is absent */
    uint64_t token;      /* given back in OUTCOME */
};

struct wire_outcome {
    uint64_t token;
    uint32_t outcome;        /* enum outcome: DONE, RETRY or REJECT only */
    uint32_t has_after;
    int64_t retry_after_ms;
    /* text follows: the reason, at most WIRE_TEXT_BYTES */
};
struct wire_log {
    uint32_t level; /* enum log_level */
    /* text follows */
};
struct wire_died {
    int32_t status; /* as from waitpid */
    uint32_t left;  /* children were left behind */
};

/* Send one frame. ERR_AGAIN, ERR_CLOSED, ERR_SYSTEM. fd < 0: none. */
enum err wire_send(int sock, enum wire_type type, const void *fixed, size_t fixed_bytes, struct span tail, int fd);
struct wire_frame {
    uint8_t type;
    struct span data; /* in the caller's buffer */
    int fd;           /* -1 or received */
};
/* Receive one frame into buf (WIRE_FRAME_BYTES). ERR_AGAIN (when not blocking), ERR_CLOSED, ERR_INVALID. */
enum err wire_recv(int sock, char *buf, size_t cap, bool block, struct wire_frame *out);

#endif
