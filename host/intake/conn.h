/* SPDX-License-Identifier: MIT
 * conn: one FastCGI connection: collecting its bytes, walking them, running its requests, sending its answers. Only
 * transport.c and conn.c know this header. Who owns a connection when is drawn in transport.h.
 */
#ifndef CREEL_INTAKE_CONN_H
#define CREEL_INTAKE_CONN_H

#include <pthread.h>
#include <stdatomic.h>
#include "intake/steps.h"
#include "intake/screen.h"

/* What an epoll event is about. */
enum watched { WATCH_CONN, WATCH_DOOR, WATCH_ADMIN, WATCH_WAKE };
struct watch {
    enum watched what;
    int fd;
};

enum phase { PHASE_IO, PHASE_AWAY, PHASE_AWAY_EVENT };

struct conn {
    struct watch watch; /* first */
    struct io *io;
    _Atomic enum phase phase;
    bool admin, keep;
    bool own;       /* root, or the user this process runs as, is at the other end of a unix socket */
    bool only_own;  /* and is here for nothing but what only these may: it is none of peer_users */
    bool young;     /* new or idle while stopping: nothing that comes on it is accepted, and it is not waited for */
    bool drain;     /* an event was not looked at in full: read until there is nothing */
    bool swallow;   /* answered early: the rest of the request is read and dropped */
    bool close;     /* when `out` is empty */
    bool wants_out; /* EPOLLOUT is armed */
    bool timed;     /* in its thread's list of deadlines */
    struct screen screen;
    struct buf held; /* bytes not done with: [0, walked) screened but not taken by libfcgi yet, then unscreened */
    size_t walked;
    struct request *request;    /* from the end of its parameters until its answer */
    struct buf out;             /* rest of an answer that the socket did not take */
    int64_t since_ms;           /* when its deadline began to run */
    struct conn *older, *newer; /* by deadline */
    struct conn *left, *right;  /* all connections of the thread */
    struct conn *next;          /* in the mailbox */
};

/* Where one thread writes answers before they are sent. */
struct voice {
    struct buf text, records;
};

struct io {
    struct transport *t;
    pthread_t thread;
    int epoll_fd;
    struct watch wake, door, admin;
    bool accepting;          /* the listening sockets are in the epoll set */
    int64_t accept_again_ms; /* out of descriptors: not before */
    struct house *house;
    _Atomic(struct house *) next_house;
    struct recipe_context *recipe_context;
    struct schema_context *schema_context;
    char *scratch;
    struct commit_job *youngest, *oldest; /* gathered in this round */
    struct conn *conns;
    size_t n_conns, n_young;
    bool drained; /* stopping, and no connection is left but young ones */
    struct conn *first_due, *last_due;
    _Atomic(struct conn *) mailbox;
    atomic_bool wake_wanted;
    struct voice voice;
    int64_t now_ms;
};

struct transport {
    struct intake *intake;
    unsigned n_io;
    struct io *io;
    int max_connections, drained_fd;
    atomic_int connections;
    atomic_uint running;
    atomic_bool stopping, closing;
    _Atomic int64_t stop_at_ms;
    struct voice committer_voice;
    pthread_mutex_t pool_lock;
    struct request *pool;
    unsigned pooled;
};

enum { IO_SCRATCH_BYTES = 128 * 1024 };

/* Whose connection it is. */
struct conn_who {
    bool admin, own, only_own;
};
/* A connection just accepted and counted, watched by io. False, with fd closed, when there is no memory for it. */
bool conn_open(struct io *io, int fd, const struct conn_who *who);
/* Its own IO thread, phase IO. May free it. drain: read until there is nothing more, not just until a short read. */
void conn_readable(struct conn *c, bool drain);
void conn_writable(struct conn *c);
void conn_came_back(struct conn *c); /* by the mailbox */
void conn_late(struct conn *c);      /* its deadline is over */
/* Nothing of a request has arrived and nothing is to be sent. */
bool conn_idle(const struct conn *c);
/* Stopping: what comes on it from now on is not waited for. Not twice. */
void conn_is_young(struct conn *c);
/* Close it and free it, with its request if it has one. */
void conn_close(struct conn *c);

/* A request is decided: tell its claim's fate, answer it, answer those who waited for it. The request is gone
 * afterwards; its connection is still the caller's, the others' are given back. */
void conn_conclude(struct request *q, struct voice *v);
/* The committer's word on a request's lines is in q->outcome: conclude it and give its connection back, now or, where
 * some of its events still wait for others, when that is known. */
void conn_written(struct request *q, struct voice *v);
/* Give a connection that is AWAY back to its IO thread; transport_wake says so to the threads concerned. */
void conn_give_back(struct conn *c);

/* Any thread: a request from the pool, or a new one (NULL: out of memory); put one back, its body memory released; wake the IO
 * threads that have connections in their mailboxes. */
struct request *transport_request(struct transport *t);
void transport_recycle(struct transport *t, struct request *q);
void transport_wake(struct transport *t);

#endif
