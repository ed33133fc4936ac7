/* SPDX-License-Identifier: MIT
 * worker: what the parts of creel-worker share. One process image, three roles (wire.h): init, zygote, runner; each single-
 * threaded as far as our own code goes. Trusts START and RUN, which come from its owner; trusts nothing else.
 */
#ifndef CREEL_WORKER_WORKER_H
#define CREEL_WORKER_WORKER_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/span.h"
#include "creel.h"

/* What a role tells the one above it, in a page they share. It is only bookkeeping: the owner checks every frame. */
struct turn {
    volatile uint32_t ready;   /* READY was sent */
    volatile uint32_t waiting; /* this runner has said WAITING, or need not */
    volatile uint32_t ended;   /* enum ended: how this runner ends, if it exits with 0; set before its last OUTCOME */
};
enum ended {
    ENDED_UNKNOWN, /* as its wait status says: the function ended it */
    ENDED_NEXT,    /* in order: fork the next one */
    ENDED_CLOSED   /* its owner has closed the socket */
};

struct worker {
    int sock, so_fd;
    bool namespaces, user_namespace; /* see struct wire_start */
    uid_t owner_uid, uid;            /* uid (uid_t)-1: unchanged */
    gid_t owner_gid, gid;
    /* from START's JSON; spans into text */
    char *text;
    const char *name;
    struct span config, secrets; /* JSON values or SPAN_NONE, as are these: see places.h */
    struct span hide, keys, read_only, fixed;
    int64_t max_uses; /* -1 until START or the manifest says */
    int64_t memory_bytes, file_size_bytes, files, processes;

    struct turn *turn;
    struct creel_manifest manifest; /* once loaded */
};

/* The exit status of a role that has told its owner why with BROKEN, so that nobody tells it again. */
enum { WORKER_EXIT_TOLD = 99 };
/* Send BROKEN and exit. */
void worker_broken(struct worker *w, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* How a process ended, for a person: "signal 11 (Segmentation fault)", "exit status 3". */
void worker_status_text(int status, char *out, size_t cap);
/* The other end of the socket is closed. */
bool worker_owner_gone(const struct worker *w);
/* Reap what has ended. True when a child still lives. */
bool worker_children_left(void);

/* The zygote's loop: fork a runner, wait for its end, again. Does not return. */
void zygote_main(struct worker *w) __attribute__((noreturn));
/* A runner, freshly forked from `parent`; says WAITING unless its owner knows. Does not return. */
void run_main(struct worker *w, uint32_t runner, bool known, pid_t parent) __attribute__((noreturn));
/* Runners have nothing of the function's to do before and after their runs: WIRE_NEXT_AT_ONCE. */
bool run_at_once(const struct worker *w);
/* Load the .so, check its manifest, send READY. Exits with BROKEN when it cannot be. */
void load_function(struct worker *w);

#endif
