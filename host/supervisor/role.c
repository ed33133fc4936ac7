/* SPDX-License-Identifier: MIT
 * role: states, backoff, messages. Owns each role's channel end.
 */
#include "supervisor/role.h"

#include <unistd.h>

#include "base/log.h"

static const char *const names[ROLE_KINDS] = {[ROLE_INTAKE] = "intake", [ROLE_DISPATCH] = "dispatch"};

static const char *const state_names[ROLE_STATES] = {
    [ROLE_DOWN] = "down",           [ROLE_WAITING] = "waiting",   [ROLE_STARTING] = "starting", [ROLE_READY] = "ready",
    [ROLE_PREPARING] = "preparing", [ROLE_PREPARED] = "prepared", [ROLE_STOPPING] = "stopping"};

static const char *const transitions[ROLE_STATES][ROLE_STATES] = {
#define X(from, to, what) [ROLE_##from][ROLE_##to] = what,
#include "supervisor/role.tbl"
#undef X
};

const char *role_name(enum role_kind k)
{
    return names[k];
}

const char *role_state_name(enum role_state s)
{
    return state_names[s];
}

bool role_may(enum role_state from, enum role_state to)
{
    return transitions[from][to] != NULL;
}

void role_set(struct role *r, enum role_state to)
{
    bug_if(!role_may(r->state, to));
    log_line(LOG_DEBUG, "role", LOG_T("role", names[r->kind]), LOG_T("state", state_names[to]),
             LOG_T("why", transitions[r->state][to]));
    r->state = to;
}

bool role_runs(const struct role *r)
{
    return r->pid > 0;
}

int64_t role_backoff_ms(unsigned failures)
{
    int64_t ms = ROLE_BACKOFF_FIRST_MS;
    while (failures > 1 && ms < ROLE_BACKOFF_MAX_MS) {
        ms *= 2;
        failures--;
    }
    return ms < ROLE_BACKOFF_MAX_MS ? ms : ROLE_BACKOFF_MAX_MS;
}

void role_ended(struct role *r, int64_t now_ms)
{
    if (r->channel >= 0)
        close(r->channel);
    r->channel = -1;
    r->pid = 0;
    if (r->ready_ms && now_ms - r->ready_ms >= ROLE_SOUND_MS)
        r->failures = 0;
    r->failures++;
    r->start_at_ms = now_ms + role_backoff_ms(r->failures);
    role_set(r, r->state == ROLE_STOPPING ? ROLE_DOWN : ROLE_WAITING);
}

void role_tell(struct role *r, enum channel_type type, const int *fds, size_t n_fds)
{
    if (r->channel < 0)
        return;
    enum err e = channel_send(r->channel, type, SPAN_NONE, fds, n_fds);
    if (e && e != ERR_CLOSED)
        log_line(LOG_ERROR, "cannot reach a role", LOG_T("role", names[r->kind]), LOG_T("why", err_code(e)));
}
