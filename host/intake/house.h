/* SPDX-License-Identifier: MIT
 * house: what requests are judged by: one configuration, with its recipes compiled, its keys in locked memory and its
 * references parsed. Immutable but for its count of users; a reload makes a new one (on the main thread), and the old one
 * goes with its last request. Any thread.
 */
#ifndef CREEL_INTAKE_HOUSE_H
#define CREEL_INTAKE_HOUSE_H

#include <stdatomic.h>
#include <sys/types.h>
#include "auth/auth.h"
#include "base/cidr.h"
#include "base/config.h"
#include "base/secrets.h"
#include "intake/dedupe.h"
#include "intake/dedupe_by.h"
#include "intake/keycache.h"
#include "intake/limits.h"
#include "recipe/facts.h"

struct stored;   /* stored.h */
struct versions; /* versions.h */
struct contracts; /* contracts.h */

struct house_source {
    const struct config_source *config;
    struct recipe *recipe;
    struct auth *auth; /* NULL: none is asked for */
    struct keyring *keys;   /* the configured ones */
    struct stored *stored;  /* where a handshake may bring the key, and none is configured; else NULL */
    struct facts *type, *event_id, *order_key, *version, *time;
    struct versions *versions;
    struct dedupe_by *dedupe_by; /* NULL: the sender's id, */
    struct dedupe_by *dedupe_cloud; /* but for CloudEvents this; NULL: the same */
    bool takes_cloud; /* its requests are CloudEvents, */
    bool detects;     /* or may be: those that say so are */
    bool asks_json; /* one of them looks into the JSON of the body */
    bool asks_path; /* one of them looks into the path: paths below this source's are its too */
    struct dedupe_source *dedupe;
    char *methods; /* owned: of events and handshakes, as the Allow header wants them */
    struct cidr_list allow; /* who may call; empty: anybody */
    struct house_limit *limits; /* owned */
    size_t n_limits;
    bool limits_look_inside; /* one of them counts by what is in the event */
    struct keycache *fetched; /* what other servers were asked for */
};

struct house {
    atomic_int users;
    struct contracts *contracts; /* the schemas */
    struct config *config;        /* owned */
    struct house_source *sources; /* one for each of config's, in its order */
    uid_t *peers;                 /* whom peer_users names of this machine's users: they may connect to a unix socket */
    size_t n_peers;
    struct cidr_list proxies; /* whose X-Forwarded-For is believed */
    struct house_limit failed; /* proofs, by address and source */
    struct limit *proven;      /* held: the addresses that have proved themselves */
};

/* Takes config when it succeeds. secrets_fd: what secrets_gather made. Remembered keys are found in d by source name, tables of
 * limits that have not changed in previous (NULL: none). */
enum err house_new(struct config *config, int secrets_fd, struct dedupe *d, const struct house *previous,
                   struct house **out, struct why *w);
struct house *house_hold(struct house *h);
void house_release(struct house *h); /* NULL is fine */

/* The source of a decoded path, or NULL. *rest: what follows a source's path where path: references are used, without
 * the slash; SPAN_NONE otherwise. */
const struct house_source *house_route(const struct house *h, struct span path, struct span *rest);
/* Is this header a credential, which becomes "…" before it is written down? */
bool house_is_credential(const struct house_source *s, struct span header);
/* Does nothing prove who sends its events: no signature and no other way? */
bool house_takes_anybody(const struct house_source *s);
/* Do events come to this source with this method? */
bool house_takes_method(const struct house_source *s, struct span method);
/* May a process of this user connect? Without peer_users whoever the socket's mode lets in may; names that are no user's
 * let nobody in. */
bool house_knows_peer(const struct house *h, uid_t uid);

#endif
