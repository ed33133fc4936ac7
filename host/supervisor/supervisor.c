/* SPDX-License-Identifier: MIT
 * supervisor: the loop: signals, messages of the roles, deaths, and what time brings. See supervisor.h.
 */
#include "supervisor/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/launch.h"
#include "supervisor/orphans.h"

enum { CLEAR_POLL_MS = 10, CLEAR_MAX_MS = 5000, FILES_SPARE = 1024, FILES_PER_WORKER = 8 };

static void fill_fds(const struct supervisor *s, enum role_kind kind, int channel, int *fds)
{
    bool intake = kind == ROLE_INTAKE;
    fds[ROLE_FD_SUPERVISOR] = channel;
    fds[ROLE_FD_PEER] = s->peer[kind];
    fds[ROLE_FD_SHARED] = s->shared_fd;
    fds[ROLE_FD_SNAPSHOT] = s->now.snapshot;
    fds[ROLE_FD_SECRETS] = intake ? s->now.secrets : s->null_fd;
    fds[ROLE_FD_LISTEN] = intake ? s->fastcgi.fd : s->control.fd;
    fds[ROLE_FD_ADMIN] = intake && s->admin.fd >= 0 ? s->admin.fd : s->null_fd;
}

static enum err start_role(struct supervisor *s, struct role *r, struct why *w)
{
    const struct config *c = s->now.config;
    struct launch l = {
        .program = s->options->program,
        .role = role_name(r->kind),
        .identity = &s->identity,
        .keep_slot_rights = r->kind == ROLE_DISPATCH,
        .clean_environment = r->kind == ROLE_DISPATCH,
        .files = FILES_SPARE + (r->kind == ROLE_INTAKE ? c->max_connections : c->max_workers * FILES_PER_WORKER),
    };
    int pair[2];
    enum err e = channel_pair(pair, w);
    if (e)
        return e;
    fill_fds(s, r->kind, pair[1], l.fds);
    e = launch_role(&l, &r->pid, w);
    close(pair[1]);
    r->channel = pair[0];
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = r};
    if (!e && epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, r->channel, &ev) != 0)
        e = why_errno(w, "epoll");
    return e;
}

void supervisor_start(struct supervisor *s, struct role *r, int64_t now_ms)
{
    struct why w = {{0}};
    role_set(r, ROLE_STARTING);
    r->started_ms = now_ms;
    r->ready_ms = 0;
    if (start_role(s, r, &w) == ERR_OK) {
        log_line(LOG_INFO, "role started", LOG_T("role", role_name(r->kind)), LOG_N("pid", r->pid));
        return;
    }
    log_line(LOG_ERROR, "cannot start a role", LOG_T("role", role_name(r->kind)), LOG_T("why", w.text));
    if (role_runs(r))
        kill(r->pid, SIGKILL); /* its end is dealt with when it is waited for */
    else
        role_ended(r, now_ms);
}

static struct role *role_of(struct supervisor *s, pid_t pid)
{
    for (int k = 0; k < ROLE_KINDS; k++)
        if (s->roles[k].pid == pid)
            return &s->roles[k];
    return NULL;
}

static void describe_status(int status, char *text, size_t n)
{
    if (WIFSIGNALED(status))
        snprintf(text, n, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, n, "exit status %d", WEXITSTATUS(status));
}

/* A role that says no before creeld ever ran as a whole is a failed start; later it is a matter of trying again. */
static bool is_failed_start(const struct supervisor *s, const struct role *r, int status)
{
    return s->phase == PHASE_STARTING && !r->ever_ready && WIFEXITED(status);
}

static void role_died(struct supervisor *s, struct role *r, int status, int64_t now_ms)
{
    char text[96];
    describe_status(status, text, sizeof text);
    bool asked = r->state == ROLE_STOPPING && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool failed_start = is_failed_start(s, r, status);
    log_line(asked ? LOG_INFO : LOG_ERROR, "role ended", LOG_T("role", role_name(r->kind)), LOG_N("pid", r->pid),
             LOG_T("state", role_state_name(r->state)), LOG_T("why", text), LOG_N("ms", now_ms - r->started_ms));
    reload_died(s, r);
    role_ended(r, now_ms);
    if (r->kind == ROLE_DISPATCH) {
        s->clearing = true;
        s->clear_since_ms = now_ms;
    }
    if (failed_start) {
        s->status = WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_SYSTEM;
        stop_begin(s, now_ms);
    }
    if (s->phase == PHASE_RUNNING)
        notify_send(&s->notify, r->kind == ROLE_INTAKE ? "STATUS=intake is being restarted" : "STATUS=dispatch is being restarted");
}

static void reap(struct supervisor *s, int64_t now_ms)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        struct role *r = role_of(s, pid);
        if (r)
            role_died(s, r, status, now_ms);
    }
}

static void on_signals(struct supervisor *s, int64_t now_ms)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s, now_ms);
        else if (info.ssi_signo == SIGHUP)
            s->reload_wanted = true;
        else
            stop_begin(s, now_ms);
    }
}

static void on_ready(struct supervisor *s, struct role *r, int64_t now_ms)
{
    if (r->state == ROLE_PREPARING) {
        reload_answer(s, r, true, SPAN_NONE);
        return;
    }
    if (r->state != ROLE_STARTING)
        return;
    role_set(r, ROLE_READY);
    r->ready_ms = now_ms;
    r->ever_ready = true;
    log_line(LOG_INFO, "role ready", LOG_T("role", role_name(r->kind)), LOG_N("pid", r->pid),
             LOG_N("ms", now_ms - r->started_ms));
    if (s->roles[ROLE_INTAKE].state != ROLE_READY || s->roles[ROLE_DISPATCH].state != ROLE_READY)
        return;
    if (s->phase == PHASE_STARTING) {
        s->phase = PHASE_RUNNING;
        log_line(LOG_INFO, "creeld is ready", LOG_T("listen", s->now.config->listen), LOG_T("spool", s->now.config->spool));
    }
    notify_send(&s->notify, "READY=1\nSTATUS=intake and dispatch are up");
}

static void on_message(struct supervisor *s, struct role *r, const struct channel_message *m, int64_t now_ms)
{
    if (m->type == CHANNEL_READY) {
        on_ready(s, r, now_ms);
    } else if (m->type == CHANNEL_FAILED && r->state == ROLE_PREPARING) {
        reload_answer(s, r, false, m->payload);
    } else if (m->type == CHANNEL_FAILED) {
        log_line(LOG_ERROR, "a role failed", LOG_T("role", role_name(r->kind)), LOG_S("why", m->payload));
    } else {
        log_line(LOG_ERROR, "unexpected message of a role", LOG_T("role", role_name(r->kind)), LOG_N("type", m->type));
    }
}

static void on_channel(struct supervisor *s, struct role *r, int64_t now_ms)
{
    char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    struct channel_message m;
    enum err e = ERR_OK;
    while (r->channel >= 0 && (e = channel_recv(r->channel, buf, sizeof buf, false, &m)) == ERR_OK) {
        while (m.n_fds)
            close(m.fds[--m.n_fds]); /* a role has none to give */
        on_message(s, r, &m, now_ms);
    }
    if (r->channel >= 0 && e == ERR_CLOSED) /* it is ending; its death says the rest */
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, r->channel, NULL);
}

static void clear_step(struct supervisor *s, int64_t now_ms)
{
    const pid_t keep[] = {s->roles[ROLE_INTAKE].pid, s->roles[ROLE_DISPATCH].pid};
    size_t left = orphans_kill(keep, ROLE_KINDS);
    reap(s, now_ms);
    if (left == 0) {
        s->clearing = false;
    } else if (now_ms - s->clear_since_ms >= CLEAR_MAX_MS) {
        log_line(LOG_ERROR, "processes that dispatch left cannot be killed", LOG_N("count", left));
        s->clearing = false;
    }
}

/* What is due now. */
static void tick(struct supervisor *s, int64_t now_ms)
{
    if (s->clearing)
        clear_step(s, now_ms);
    if (s->phase == PHASE_STOPPING) {
        stop_step(s, now_ms);
        return;
    }
    const char *changed = watch_turn(&s->watch, now_ms);
    if (changed) {
        log_line(LOG_INFO, "changed on disk: the configuration is read again", LOG_T("file", changed));
        s->reload_wanted = true;
    }
    bool ready = true;
    for (int k = 0; k < ROLE_KINDS; k++) {
        struct role *r = &s->roles[k];
        if (r->state == ROLE_WAITING && now_ms >= r->start_at_ms && !(k == ROLE_DISPATCH && s->clearing))
            supervisor_start(s, r, now_ms);
        ready = ready && r->state == ROLE_READY;
    }
    if (ready && s->reload_wanted)
        reload_begin(s);
}

static int wait_ms(const struct supervisor *s, int64_t now_ms)
{
    int64_t at_ms = s->phase == PHASE_STOPPING ? stop_deadline_ms(s) : s->watch.look_ms;
    if (s->clearing)
        return CLEAR_POLL_MS;
    for (int k = 0; k < ROLE_KINDS; k++)
        if (s->roles[k].state == ROLE_WAITING && s->roles[k].start_at_ms < at_ms)
            at_ms = s->roles[k].start_at_ms;
    if (at_ms == INT64_MAX)
        return -1;
    return at_ms <= now_ms ? 0 : (int)(at_ms - now_ms);
}

static void loop(struct supervisor *s)
{
    while (s->phase != PHASE_ENDED) {
        struct epoll_event events[ROLE_KINDS + 2];
        int n = epoll_wait(s->epoll_fd, events, ROLE_KINDS + 2, wait_ms(s, clock_mono_ms()));
        bug_if(n < 0 && errno != EINTR);
        int64_t now_ms = clock_mono_ms();
        /* Messages before deaths: what a role said with its last breath counts. */
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr == &s->watch)
                watch_hint(&s->watch, now_ms);
            else if (events[i].data.ptr)
                on_channel(s, events[i].data.ptr, now_ms);
        for (int i = 0; i < n; i++)
            if (!events[i].data.ptr)
                on_signals(s, now_ms);
        tick(s, now_ms);
    }
}

int supervisor_run(const struct supervisor_options *o)
{
    struct supervisor s = {.options = o};
    int status = supervisor_setup(&s);
    if (status == 0) {
        int64_t now_ms = clock_mono_ms();
        for (int k = 0; k < ROLE_KINDS; k++)
            supervisor_start(&s, &s.roles[k], now_ms);
        loop(&s);
        status = s.status;
        log_line(LOG_INFO, "creeld has stopped", LOG_N("status", status));
    }
    supervisor_teardown(&s);
    return status;
}
