/* SPDX-License-Identifier: MIT
 * state: what the files of the supervisor share among themselves; nobody else includes it.
 */
#ifndef CREEL_SUPERVISOR_STATE_H
#define CREEL_SUPERVISOR_STATE_H

#include "base/stats.h"
#include "supervisor/identity.h"
#include "supervisor/listen.h"
#include "supervisor/notify.h"
#include "supervisor/role.h"
#include "supervisor/supervisor.h"
#include "supervisor/watch.h"

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_STOPPING, PHASE_ENDED };

struct supervisor {
    const struct supervisor_options *options;
    struct loaded now;  /* what a role that starts is given */
    struct loaded next; /* while a reload is under way; config NULL otherwise */
    struct identity identity;
    struct notify notify;
    struct watch watch; /* of the files that `now` was made of */
    struct listener fastcgi, admin, control;
    int spool_fd, lock_fd, shared_fd, null_fd, signal_fd, epoll_fd;
    int peer[ROLE_KINDS]; /* both ends of the channel between the roles */
    struct role roles[ROLE_KINDS];
    enum phase phase;
    int status;            /* exit status so far */
    bool reload_wanted;
    bool clearing;         /* what dispatch left is being killed; no new one starts */
    int64_t clear_since_ms;
    bool intake_may_end;   /* stopping: intake has been told the second time */
    int64_t stop_by_ms[ROLE_KINDS]; /* stopping: killed then */
};

/* setup.c: open and close everything above but the roles. supervisor_setup returns an exit status, 0 when all is open, and has
 * said what failed. */
int supervisor_setup(struct supervisor *s);
void supervisor_teardown(struct supervisor *s);

/* Start a role now. A failure counts as a death. */
void supervisor_start(struct supervisor *s, struct role *r, int64_t now_ms);

/* reload.c */
/* The files of the configuration have been replaced, or not: watch those that s->now names. */
void reload_watch(struct supervisor *s);
void reload_begin(struct supervisor *s);
void reload_answer(struct supervisor *s, struct role *r, bool took, struct span why);
void reload_died(struct supervisor *s, const struct role *r); /* call before role_ended */

/* stop.c */
void stop_begin(struct supervisor *s, int64_t now_ms);
void stop_step(struct supervisor *s, int64_t now_ms);
int64_t stop_deadline_ms(const struct supervisor *s); /* INT64_MAX: none */

#endif
