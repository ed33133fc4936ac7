/* SPDX-License-Identifier: MIT
 * channel: versioned messages over a SOCK_SEQPACKET socketpair: supervisor <-> role, and intake <-> dispatch.
 * The supervisor holds both ends of the intake <-> dispatch pair, so what one side has sent survives its death.
 * A message is one packet: struct channel_head then the payload, at most CHANNEL_PAYLOAD_BYTES. A descriptor belongs to one thread at a
 * time.
 */
#ifndef CREEL_BASE_CHANNEL_H
#define CREEL_BASE_CHANNEL_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

enum { CHANNEL_VERSION = 1, CHANNEL_PAYLOAD_BYTES = 128 * 1024, CHANNEL_FDS = 4 };
enum { CHANNEL_LINES_BYTES = CHANNEL_PAYLOAD_BYTES - 8 }; /* beside the mark in RECORDS */

enum channel_type {
    /* dispatch -> intake */
    CHANNEL_RECORDS = 1, /* payload: uint64 mark, (uint32 length, unsealed journal line)*, in host order. When its lines are synced,
                          * `recorded` of the shared segment becomes the mark; marks only rise, from one dispatch to the next, too */
    CHANNEL_RETIRE,      /* payload: uint32 segment: it may go (oldest first; anything else is refused and logged) */
    CHANNEL_LARGE,       /* one fd: a sealed memfd with one unsealed journal line (a carry) that is too long for RECORDS. Descriptors
                          * cannot be peeked: receive it, then append it like a record. If intake dies in between the line is
                          * lost, and dispatch, which waits for it to come back, sends it again */
    /* intake -> dispatch */
    CHANNEL_NUDGE, /* empty: `safe` has moved. May be lost; dispatch also looks every second */
    /* supervisor -> role */
    CHANNEL_PREPARE, /* fds: snapshot[, secrets]: load it, answer READY or FAILED (payload: reason) */
    CHANNEL_SWITCH,  /* use what was prepared */
    CHANNEL_DISCARD, /* forget what was prepared */
    CHANNEL_STOP,    /* finish what runs (bounded), exit 0 */
    /* role -> supervisor */
    CHANNEL_READY,  /* start or PREPARE succeeded */
    CHANNEL_FAILED, /* payload: reason in words */
    CHANNEL_TYPES
};

struct channel_head {
    uint16_t version, type;
    uint32_t length; /* payload bytes */
};

/* A pair, both close-on-exec and non-blocking, with send buffers for several full messages. */
enum err channel_pair(int fds[2], struct why *w);

/* Send one message with up to CHANNEL_FDS descriptors (they stay the caller's). ERR_AGAIN when the socket is full,
 * ERR_CLOSED when nobody holds the other end, ERR_SYSTEM otherwise. payload.n over the limit is a bug. */
enum err channel_send(int fd, enum channel_type type, struct span payload, const int *fds, size_t n_fds);
/* The same for RECORDS: the mark and the lines, at most CHANNEL_LINES_BYTES. */
enum err channel_send_records(int fd, uint64_t mark, struct span lines);

struct channel_message {
    uint16_t type;
    struct span payload;  /* in the caller's buffer */
    int fds[CHANNEL_FDS]; /* received, close-on-exec, now the caller's */
    size_t n_fds;
};
/* Receive into buf (CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head) at least). peek leaves it in the socket (descriptors
 * are then not delivered). ERR_AGAIN, ERR_CLOSED, ERR_INVALID for a packet of another version or shape (taken off, unless
 * it was only peeked: channel_drop takes it). */
enum err channel_recv(int fd, char *buf, size_t cap, bool peek, struct channel_message *out);
/* Take the packet that was peeked off the socket. */
void channel_drop(int fd);

/* The descriptors a role starts with. */
enum role_fd {
    ROLE_FD_SUPERVISOR = 3, /* channel to the supervisor */
    ROLE_FD_PEER = 4,       /* channel to the other role */
    ROLE_FD_SHARED = 5,     /* struct shared */
    ROLE_FD_SNAPSHOT = 6,   /* sealed memfd: the configuration */
    ROLE_FD_SECRETS = 7,    /* intake: sealed memfd with the keys; dispatch: /dev/null */
    ROLE_FD_LISTEN = 8,     /* intake: FastCGI; dispatch: control socket */
    ROLE_FD_ADMIN = 9,      /* intake: admin FastCGI, or /dev/null where none is configured; dispatch: /dev/null */
    ROLE_FD_FIRST_FREE = 10
};

#endif
