/* SPDX-License-Identifier: MIT
 * stop: the order in which everything ends, each step with a deadline: dispatch, what dispatch left, intake.
 */
#include "supervisor/state.h"

#include <signal.h>

#include "base/log.h"

enum { GRACE_MS = 5000, DRAIN_MS = 10000 };

static void tell(struct supervisor *s, struct role *r)
{
    (void)s;
    role_tell(r, CHANNEL_STOP, NULL, 0);
    if (r->state != ROLE_STOPPING)
        role_set(r, ROLE_STOPPING);
}

void stop_begin(struct supervisor *s, int64_t now_ms)
{
    int64_t finish_ms = s->now.config->stop_timeout;
    if (s->phase == PHASE_STOPPING)
        return;
    s->phase = PHASE_STOPPING;
    log_msg(LOG_INFO, "creeld is stopping");
    notify_send(&s->notify, "STOPPING=1");
    loaded_free(&s->next); /* a reload under way is void */
    s->stop_by_ms[ROLE_DISPATCH] = now_ms + finish_ms + GRACE_MS;
    s->stop_by_ms[ROLE_INTAKE] = s->stop_by_ms[ROLE_DISPATCH] + DRAIN_MS;
    for (int k = 0; k < ROLE_KINDS; k++) {
        struct role *r = &s->roles[k];
        if (role_runs(r))
            tell(s, r);
        else if (k == ROLE_DISPATCH && r->state == ROLE_WAITING)
            role_set(r, ROLE_DOWN);
    }
}

/* Intake died before its time: the channel may hold records that only a new one can write. */
static bool intake_is_missing(const struct supervisor *s)
{
    const struct role *r = &s->roles[ROLE_INTAKE];
    return !role_runs(r) && !s->intake_may_end && r->ever_ready;
}

static void kill_late(struct supervisor *s, struct role *r, int64_t now_ms)
{
    if (!role_runs(r) || now_ms < s->stop_by_ms[r->kind])
        return;
    log_line(LOG_WARN, "a role does not stop and is killed", LOG_T("role", role_name(r->kind)), LOG_N("pid", r->pid));
    s->stop_by_ms[r->kind] = now_ms + GRACE_MS;
    kill(r->pid, SIGKILL);
}

void stop_step(struct supervisor *s, int64_t now_ms)
{
    struct role *intake = &s->roles[ROLE_INTAKE], *dispatch = &s->roles[ROLE_DISPATCH];
    kill_late(s, dispatch, now_ms);
    kill_late(s, intake, now_ms);
    if (intake_is_missing(s) && now_ms >= intake->start_at_ms && now_ms < s->stop_by_ms[ROLE_INTAKE]) {
        supervisor_start(s, intake, now_ms);
        if (role_runs(intake))
            tell(s, intake);
    }
    if (role_runs(dispatch) || s->clearing)
        return;
    if (role_runs(intake) && !s->intake_may_end) {
        s->intake_may_end = true;
        s->stop_by_ms[ROLE_INTAKE] = now_ms + DRAIN_MS;
        tell(s, intake);
    }
    if (!role_runs(intake) && (!intake_is_missing(s) || now_ms >= s->stop_by_ms[ROLE_INTAKE]))
        s->phase = PHASE_ENDED;
}

int64_t stop_deadline_ms(const struct supervisor *s)
{
    int64_t at_ms = INT64_MAX;
    if (s->phase != PHASE_STOPPING)
        return at_ms;
    for (int k = 0; k < ROLE_KINDS; k++)
        if (role_runs(&s->roles[k]) && s->stop_by_ms[k] < at_ms)
            at_ms = s->stop_by_ms[k];
    if (intake_is_missing(s) && s->roles[ROLE_INTAKE].start_at_ms < at_ms)
        at_ms = s->roles[ROLE_INTAKE].start_at_ms;
    return at_ms;
}
