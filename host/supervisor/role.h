/* SPDX-License-Identifier: MIT
 * role: what the supervisor knows of intake or dispatch: its process, its channel, its state, when it may be started again.
 * Starts nothing itself (launch.h does). Supervisor only.
 *
 *      ┌────────────── its time has come ───────────────┐
 *      ▼                                                │
 *   STARTING ──serves──▶ READY ◀──┬── PREPARED     (died in any state
 *      ▲                   │      │      ▲          but STOPPING)
 *      │                   └──▶ PREPARING┘              │
 *     DOWN ◀──ended── STOPPING ◀── any that runs      WAITING
 */
#ifndef CREEL_SUPERVISOR_ROLE_H
#define CREEL_SUPERVISOR_ROLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/channel.h"

enum role_kind { ROLE_INTAKE, ROLE_DISPATCH, ROLE_KINDS };
enum role_state { ROLE_DOWN, ROLE_WAITING, ROLE_STARTING, ROLE_READY, ROLE_PREPARING, ROLE_PREPARED, ROLE_STOPPING, ROLE_STATES };

enum {
    ROLE_BACKOFF_FIRST_MS = 100,
    ROLE_BACKOFF_MAX_MS = 5000,
    ROLE_SOUND_MS = 1000, /* having served this long, the next death is a first one again */
};

struct role {
    enum role_kind kind;
    enum role_state state;
    pid_t pid;   /* 0: no process */
    int channel; /* the supervisor's end; -1: none */
    int64_t started_ms, ready_ms; /* ready_ms 0: this process never was */
    int64_t start_at_ms;          /* WAITING: not before */
    unsigned failures;            /* deaths in a row */
    bool ever_ready;
};

const char *role_name(enum role_kind k);
const char *role_state_name(enum role_state s);
/* May `to` follow `from`? */
bool role_may(enum role_state from, enum role_state to);
/* The one setter: a pair that role.tbl lacks is a bug of the supervisor's. */
void role_set(struct role *r, enum role_state to);
bool role_runs(const struct role *r); /* has a process */

/* How long to wait after the n-th death in a row (1 is the first): 0.1 s, doubled each time, at most 5 s. */
int64_t role_backoff_ms(unsigned failures);
/* Its process is gone: no pid, channel closed; DOWN if it was told to stop, else WAITING until start_at_ms. */
void role_ended(struct role *r, int64_t now_ms);

/* Send a message; a full or closed channel is logged, and the role's end or restart settles what it missed. */
void role_tell(struct role *r, enum channel_type type, const int *fds, size_t n_fds);

#endif
