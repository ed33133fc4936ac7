/* SPDX-License-Identifier: MIT
 * setup: opens what the supervisor holds for as long as it lives, and closes it again.
 */
#include "supervisor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/launch.h"
#include "supervisor/spool_lock.h"

static void drop_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void loaded_free(struct loaded *s)
{
    if (s->config)
        config_free(s->config);
    drop_fd(&s->snapshot);
    drop_fd(&s->secrets);
    s->config = NULL;
}

static void warn_root(const struct supervisor *s)
{
    if (geteuid() != 0)
        return;
    if (!s->identity.change)
        log_line(LOG_WARN, "intake and dispatch run as root", LOG_T("why", "no user is configured: set `user`"));
    if (!*s->now.config->worker_user)
        log_line(LOG_WARN, "functions do not run as a user of their own",
                 LOG_T("why", "no worker_user is configured: set `worker_user`"));
}

/* Nobody reads our memory, orphans below us become ours, files we make are not for others. */
static enum err shield(struct why *w)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return why_errno(w, "prctl");
    umask(0027);
    return ERR_OK;
}

static enum err open_signals(struct supervisor *s, struct why *w)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        (void)signal(taken[i], SIG_DFL); /* nohup leaves SIGHUP ignored, and an ignored signal never arrives */
        sigaddset(&set, taken[i]);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    watch_init(&s->watch);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return why_errno(w, "cannot block signals");
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (s->signal_fd < 0 || s->epoll_fd < 0 || s->null_fd < 0)
        return why_errno(w, "cannot create the event loop");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event hint = {.events = EPOLLIN, .data.ptr = &s->watch};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->signal_fd, &e) != 0 ||
        (s->watch.fd >= 0 && epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->watch.fd, &hint) != 0))
        return why_errno(w, "epoll");
    return ERR_OK;
}

static enum err open_spool(struct supervisor *s, struct why *w)
{
    const char *path = s->now.config->spool;
    enum err e = spool_lock_open(path, &s->identity, &s->spool_fd, w);
    return e ? e : spool_lock_take(s->spool_fd, path, s->options->lock_wait_ms, &s->lock_fd, w);
}

/* The web server reaches fastcgi and admin; the control socket is for the operator alone, or, where the roles have a user of
 * their own, for that user's group as well. */
static enum err open_listeners(struct supervisor *s, struct why *w)
{
    const struct config *c = s->now.config;
    uid_t uid = s->identity.change ? s->identity.uid : (uid_t)-1;
    struct listen_rights web = {(mode_t)c->listen_mode, uid, (gid_t)-1};
    struct listen_rights control = {0600, uid, (gid_t)-1};
    if (s->identity.change) {
        control.mode = 0660;
        control.gid = s->identity.gid;
    }
    enum err e = *c->listen_group ? identity_group(c->listen_group, &web.gid, w) : ERR_OK;
    if (!e)
        e = listen_open(c->listen, &web, &s->fastcgi, w);
    if (!e && *c->admin_listen)
        e = listen_open(c->admin_listen, &web, &s->admin, w);
    if (!e)
        e = listen_open(c->control, &control, &s->control, w);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return e;
}

static enum err open_all(struct supervisor *s, struct why *w)
{
    enum err e = identity_find(s->now.config->user, &s->identity, w);
    if (!e)
        e = open_spool(s, w);
    if (!e)
        e = shared_create(&s->shared_fd, w);
    if (!e)
        e = channel_pair(s->peer, w);
    if (!e)
        e = open_listeners(s, w);
    return e;
}

int supervisor_setup(struct supervisor *s)
{
    struct why w = {{0}};
    s->spool_fd = s->lock_fd = s->shared_fd = s->null_fd = s->signal_fd = s->epoll_fd = -1;
    s->fastcgi.fd = s->admin.fd = s->control.fd = -1;
    s->now = s->next = (struct loaded){NULL, -1, -1};
    s->watch = (struct watch){.fd = -1, .look_ms = INT64_MAX};
    for (int k = 0; k < ROLE_KINDS; k++) {
        s->roles[k] = (struct role){.kind = (enum role_kind)k, .channel = -1};
        s->peer[k] = -1;
    }
    notify_init(&s->notify);
    enum err e = shield(&w);
    if (!e)
        e = launch_reserve(&w);
    if (!e) /* a signal that comes while the configuration is read waits */
        e = open_signals(s, &w);
    if (!e && s->options->load(s->options->arg, &s->next, &s->now) != ERR_OK)
        return EXIT_USAGE;
    if (!e) {
        log_init_words("creeld", s->now.config->log_format, s->now.config->log_level);
        e = open_all(s, &w);
    }
    if (e) {
        log_line(LOG_ERROR, "cannot start", LOG_T("why", w.text));
        return e == ERR_NOT_FOUND || e == ERR_INVALID ? EXIT_USAGE : EXIT_SYSTEM;
    }
    reload_watch(s);
    warn_root(s);
    return 0;
}

void supervisor_teardown(struct supervisor *s)
{
    listen_close(&s->fastcgi);
    listen_close(&s->admin);
    listen_close(&s->control);
    for (int k = 0; k < ROLE_KINDS; k++)
        drop_fd(&s->peer[k]);
    drop_fd(&s->shared_fd);
    drop_fd(&s->signal_fd);
    drop_fd(&s->epoll_fd);
    drop_fd(&s->null_fd);
    drop_fd(&s->spool_fd);
    loaded_free(&s->next);
    loaded_free(&s->now);
    notify_fini(&s->notify);
    watch_fini(&s->watch);
    drop_fd(&s->lock_fd); /* last: a successor may begin */
}
