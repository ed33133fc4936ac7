/* SPDX-License-Identifier: MIT
 * transport: FastCGI connections. `threads` IO threads, each with an epoll loop and the connections it accepted; bytes
 * are collected without blocking, screened (screen.h), read by libfcgi from memory (fcgi.h) and run through the step
 * list.
 *
 * Who owns a connection and its request: the IO thread that accepted it, until the request goes to dedupe and commit;
 * from then on (phase AWAY) whoever decides it, which is the committer; it answers and gives the connection back:
 *
 *        IO ──steps after read──▶ AWAY ──answered──▶ IO
 *                                  │ an event for the connection      ▲
 *                                  └─▶ AWAY_EVENT ──answered, mailbox─┘
 *
 * epoll is edge-triggered, so an event that comes while the connection is away is only noted (AWAY_EVENT) and looked at
 * when it is back. A connection that is not kept, could not take its whole answer, or has more to read also goes by the
 * mailbox.
 */
#ifndef CREEL_INTAKE_TRANSPORT_H
#define CREEL_INTAKE_TRANSPORT_H

#include "base/err.h"
#include "intake/house.h"

struct intake;
struct request;
struct commit_job;
struct transport;

struct transport_options {
    struct intake *intake;
    int listen_fd, admin_fd; /* listening sockets, made non-blocking; admin_fd -1: none */
    struct house *house;     /* each thread holds it for itself */
    unsigned threads;
    int max_connections;
};

/* Start the threads. On failure none runs, and house and descriptors are the caller's as before. ERR_NO_MEMORY, ERR_SYSTEM. */
enum err transport_new(const struct transport_options *o, struct transport **out, struct why *w);
/* From now on judge new requests by this house. Main thread. */
void transport_switch(struct transport *t, struct house *h);
/* Let the requests that are here end until wait_ms have passed. Whoever comes later is told to try again (step_admit), until
 * transport_free. Main thread, once. */
void transport_stop(struct transport *t, int64_t wait_ms);
/* Becomes readable when no request is left that could be accepted, after transport_stop. */
int transport_drained_fd(const struct transport *t);
/* Close what is left, join the threads, free. No job is with the committer any more. */
void transport_free(struct transport *t);

/* Did it come over a unix socket, where only those connect whom the socket's mode and peer_users let in? */
bool transport_by_unix_socket(const struct request *q);
/* Put the request's job where the IO thread submits it from. Its own IO thread, in the commit step. */
void transport_gather(struct request *q);
/* For commit_options, on the committer thread. done: answer the job's request by its outcome, and the requests that waited for it.
 * batch_done: wake the IO threads to which connections went back. */
void transport_done(void *transport, struct commit_job *job);
void transport_batch_done(void *transport);

#endif
