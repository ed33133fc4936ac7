/* SPDX-License-Identifier: MIT
 * core: what dispatch's files share: the one struct that holds the role's state, and the small structs in it. Each file's
 * header says what that file does with them. Not for other rooms. Dispatch's only thread.
 */
#ifndef CREEL_DISPATCH_CORE_H
#define CREEL_DISPATCH_CORE_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/stats.h"
#include "dispatch/begun.h"
#include "dispatch/records.h"
#include "dispatch/schedule.h"
#include "dispatch/settings.h"
#include "spool/ledger.h"
#include "spool/reader.h"
#include "worker/slot.h"

struct dispatch;

/* Something in the epoll set; lies in its owner. */
struct watch {
    int fd; /* -1: not in the set */
    void (*ready)(struct dispatch *d, struct watch *w, uint32_t events);
};

/* Which file was looked at: two of these are equal exactly when nobody touched it in between. */
struct identity {
    bool there, link;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

/* One accepted (or just being described) version of a function. Owned by its function; lives until its last worker ended. */
struct generation {
    struct function *function;
    struct generation *next; /* of the same function */
    unsigned number;
    struct settings settings;
    struct buf sidecar;     /* its text; empty: there is none */
    int so_fd;              /* sealed copy */
    struct buf start;       /* payload of START; wiped at the end */
    struct worker *workers; /* list */
    unsigned n_workers;
    bool described; /* its manifest has been taken */
    bool retired;   /* replaced or removed: no new runs, no new workers */
};

enum worker_state {
    WORKER_STARTING, /* no runner yet */
    WORKER_IDLE,     /* can take a run */
    WORKER_STAGED,   /* has been given a run whose attempt record is not sent yet */
    WORKER_RUNNING,
    WORKER_BETWEEN,  /* its runner is being replaced: WAITING will come */
    WORKER_OVER      /* its slot is gone; the memory goes at the end of the turn */
};

enum { TAIL_BYTES = 4096 }; /* of a run's output, kept for its outcome line */

/* One slot. Owned by its generation. */
struct worker {
    struct watch socket, output;
    struct slot *slot; /* NULL when OVER */
    struct generation *generation;
    struct worker *next, **link; /* of its generation; next also of the graves */
    struct worker *next_staged;
    enum worker_state state;
    bool warmed, served; /* has been WAITING once; has had a run */
    int64_t born_ms;     /* monotonic */
    int64_t since_ms;    /* monotonic: idle since */
    int64_t deadline_ms; /* monotonic: of the run, or of getting ready; 0: none */
    /* the run */
    struct entry *entry;
    struct invocation *inv;
    uint64_t token, mark; /* mark: where in the records its attempt ends */
    int64_t begun_ms; /* monotonic */
    char *tail;       /* TAIL_BYTES, a ring; NULL until something was printed */
    uint64_t printed;
};

/* A name in functions/, or one that some invocation still names. Never freed before the end. */
struct function {
    char name[FUNCTION_NAME_BYTES + 1];
    uint16_t number; /* ledger_name */
    struct generation *live, *candidate;
    struct generation *generations; /* all of them */
    unsigned made;                  /* generations so far */
    struct settings claims;         /* only types and sources: what is routed here */
    bool present, broken, held;     /* file is there; its last content is bad; held by a person */
    bool builtin;                   /* comes with the host: see builtin.h */
    bool writing;                   /* somebody seems to be writing the file */
    bool lived;                     /* some version of it has been live, in this life of dispatch or an earlier one */
    struct identity seen_so, seen_sidecar, judged_so, judged_sidecar;
    int64_t seen_ms; /* monotonic: since when seen is what it is, nothing included */
    struct why why;  /* of broken, or of the last throttling */
    struct heap queue; /* PENDING, or HELD when not available; by order of arrival */
    int64_t throttled_ms; /* monotonic: no new worker before this */
    unsigned failures;    /* workers in a row that never became ready */
    int64_t again_ms;     /* monotonic: when a file whose worker did not become ready is tried again; 0: not */
    unsigned tries;       /* of that file so far */
    unsigned n_workers, n_running; /* over all generations */
};

/* What dispatch keeps in entry->user: it has been taken in; its carry line has been sent and is awaited; nobody wants it so far, but
 * the functions folder is unclear. */
enum { ENTRY_ADOPTED = 1, ENTRY_CARRIED = 2, ENTRY_UNDECIDED = 4 };

/* See gap.h. */
struct gap {
    struct pos at; /* {0,0}: none */
    uint32_t n;
    int64_t look_ms; /* monotonic */
};

struct dispatch {
    struct config *config, *prepared; /* owned */
    struct shared *shared;
    int epoll_fd, spool_fd, lock_fd, control_fd, supervisor_fd, peer_fd;
    struct watch supervisor, peer;
    bool peer_full; /* waiting for room in its socket */
    char *message; /* a channel message's buffer */
    int64_t now_ms, wall_ms; /* of this turn: monotonic, wall */
    int64_t steady_ms; /* of this turn: like wall, but never set back: what is due is measured by it */
    int status;
    bool stopping, orphaned; /* told to stop; the supervisor is gone */
    int64_t stop_by_ms;

    struct ledger *ledger;
    struct reader *reader; /* in order */
    struct reader *finder; /* by position */
    struct gap gap;
    struct records records;
    struct begun begun;
    struct heap due; /* WAITING, by due time (steady) */
    int64_t arrivals; /* keys of the functions' queues */

    struct function **functions; /* owned, n of them, in order of the ledger's numbers' first use */
    size_t n_functions;
    int64_t claims_write_ms; /* monotonic; 0: nothing to write */
    size_t n_workers, n_running, n_starting;
    size_t n_undecided; /* entries */
    bool claims_moved;  /* since undecided ones were looked at */
    struct worker *staged, **staged_end; /* in the order of their marks */
    struct worker *graves;               /* freed at the end of the turn */
    int64_t workers_look_ms; /* monotonic: not before this is a worker's deadline or idle time over */
    size_t turn_at;          /* whose turn it is among the functions */
    struct buf line_text, event_text; /* of the event being handed over */
    uint64_t tokens;

    enum isolation isolation;
    uid_t worker_uid;
    gid_t worker_gid;
    struct buf start_more; /* the members of START that are alike for all functions */
    struct buf hidden;     /* hide_put_identities of them */

    struct registry *registry;
    struct feed *feed;
    struct view *view;
    struct retire *retire;
    struct control *control;
};

/* End in order: running functions may finish. */
void dispatch_stop(struct dispatch *d);

/* Put into, take out of the epoll set. events: EPOLLIN … */
enum err watch_add(struct dispatch *d, struct watch *w, int fd, uint32_t events, struct why *why);
void watch_change(struct dispatch *d, struct watch *w, uint32_t events);
void watch_remove(struct dispatch *d, struct watch *w);

/* The function of this name, made if it is new (then missing, claiming nothing). NULL: out of memory or names. */
struct function *function_get(struct dispatch *d, struct span name);
struct function *function_find(struct dispatch *d, struct span name);
struct function *function_of(struct dispatch *d, const struct invocation *inv);
void functions_free(struct dispatch *d);
/* Can its invocations run: live and not held? */
bool function_available(const struct function *f);
/* After any change of that: its queue becomes PENDING or HELD. */
void function_refresh(struct dispatch *d, struct function *f);
/* Put an invocation that is to run (PENDING) into its function's queue; HELD if that is not available. */
void function_enqueue(struct dispatch *d, struct entry *e, struct invocation *inv);

#endif
