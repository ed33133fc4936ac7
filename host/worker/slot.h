/* SPDX-License-Identifier: MIT
 * slot: the owner's side of one creel-worker (see wire.h): starting it in its namespaces, feeding it runs, hearing what comes
 * back, killing all of it. Used by dispatch and by creel test. Never blocks but in slot_free (bounded). Single-threaded
 * callers only: a worker dies with the thread that started it.
 *
 *     STARTING ──READY──▶ LOADED ──WAITING──▶ WAITING ──slot_run──▶ RUNNING ──OUTCOME──▶ WAITING | LOADED (for the next runner)
 *         └── BROKEN, USED_UP, GONE from anywhere: OVER; a run that was out is told as DIED before
 */
#ifndef CREEL_WORKER_SLOT_H
#define CREEL_WORKER_SLOT_H

#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/err.h"
#include "spool/line.h"

struct slot;

enum isolation { ISOLATION_NONE, ISOLATION_NAMESPACES };
/* What this kernel and user may do; said once at start by the caller: w tells what was found, also when all is well. Forks a
 * probe. */
enum isolation slot_probe(struct why *w);

struct slot_options {
    const char *worker_program; /* creel-worker */
    const char *name;           /* the function's */
    struct span start_json;     /* the JSON of START, wire.h */
    int so_fd;                  /* sealed copy; stays the caller's */
    enum isolation isolation;
    uid_t uid;                  /* what the run is; (uid_t)-1: unchanged */
    gid_t gid;
};

enum slot_event_kind {
    SLOT_NOTHING, /* call again when readable */
    SLOT_READY,   /* text: the manifest, wire.h; checked to be a JSON object, nothing more */
    SLOT_BROKEN,  /* text: why; the slot is over */
    SLOT_WAITING, /* a run can be given */
    SLOT_LOG,     /* level, text: creel_log */
    SLOT_OUTPUT,  /* text: one line of stdout or stderr, any bytes */
    SLOT_OUTCOME, /* outcome, retry_after_ms (-1: none), text, reply (SPAN_NONE: none; only with DONE), token */
    SLOT_DIED,    /* the run ended without an outcome: status (waitpid's; -1 unknown), token; begun: false when it had not begun.
                   * WAITING follows if the slot lives on */
    SLOT_USED_UP, /* children were left behind, or a frame was wrong (text): free this slot */
    SLOT_GONE,    /* the whole slot ended: status, or -1 if unknown */
};
struct slot_event {
    enum slot_event_kind kind;
    struct span text, reply; /* valid until the next slot_next of this slot */
    int level, status;
    bool begun;
    enum outcome outcome;
    int64_t retry_after_ms;
    uint64_t token;
};

/* What is relayed of one run's output and log lines; the rest is dropped, and a last line says so. */
enum { SLOT_RELAY_BYTES = 256 * 1024 };

/* Start a worker and send it START; what comes of it is told by slot_next. ERR_NO_ROOM: start_json is too large; ERR_NO_MEMORY,
 * ERR_SYSTEM. */
enum err slot_new(const struct slot_options *o, struct slot **out, struct why *w);
/* Kill init (and with it everything in the namespace), reap it, close. Without namespaces there are init and one runner that
 * can create no process and that the kernel kills with init. */
void slot_free(struct slot *s);
/* Descriptors to poll for reading (level-triggered): the socket and the output pipe. */
int slot_socket(const struct slot *s);
int slot_output(const struct slot *s);
pid_t slot_pid(const struct slot *s);
/* Only after SLOT_WAITING. e's body over WIRE_INLINE_BYTES goes by memfd. Exactly one SLOT_OUTCOME or SLOT_DIED answers it. On
 * failure nothing was sent. */
enum err slot_run(struct slot *s, const struct line_event *e, uint32_t attempt, int64_t timeout_ms, int64_t deadline_mono_ms,
                  uint64_t token, struct why *w);
/* The next thing that happened; SLOT_NOTHING when there is nothing to read, or enough was read that is not relayed: it returns
 * also while a function never stops sending. Reads the output pipe before a final event, so that lines come before the outcome
 * they belong to. */
struct slot_event slot_next(struct slot *s);

#endif
