/* SPDX-License-Identifier: MIT
 * intake: the life of the role on its main thread: start, reload, stop.
 *
 *   running ──STOP, SIGTERM or the supervisor's end──▶ draining: nothing accepted, requests end
 *           ──connections gone──▶ emptying: dispatch's records until its end of the channel is closed, or until a
 *           second STOP says that dispatch is gone and the channel is empty ──▶ journal closed, exit 0
 */
#include "intake/intake.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "intake/rejected.h"
#include "intake/steps.h"
#include "intake/transport.h"

enum { LOCK_WAIT_MS = 30000, DRAIN_MS = 5000, STOP_SLACK_MS = 30000, SPARE_DESCRIPTORS = 256, EXPIRE_MS = 60000 };

struct role {
    struct intake in;
    struct house *house;    /* current */
    struct house *prepared; /* by PREPARE, until SWITCH or DISCARD */
    int signal_fd;
    bool supervised;    /* the supervisor lives */
    bool drained;       /* the transport has ended */
    unsigned stops;     /* STOP messages */
    int64_t give_up_ms; /* 0: running */
    char *message;
};

/* --- start --- */

static void harden(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        log_msg(LOG_WARN, "this process could not be made undumpable");
}

/* As many as may be open at once: the journal, a reload and the admin socket need descriptors when the door is crowded. */
static int fitting_connections(int max)
{
    struct rlimit files;
    const rlim_t want = (rlim_t)max + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= want)
        return max;
    const struct rlimit more = {want < files.rlim_max ? want : files.rlim_max, files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        files = more;
    if (files.rlim_cur >= want)
        return max;
    max = (int)(files.rlim_cur > 2 * SPARE_DESCRIPTORS ? files.rlim_cur - SPARE_DESCRIPTORS : files.rlim_cur / 2);
    log_line(LOG_WARN, "max_connections does not fit the limit of open files", LOG_N("files", files.rlim_cur),
             LOG_N("connections", max));
    return max;
}

/* Signals become readable; threads made later inherit the mask. SIGINT is the supervisor's: a terminal sends it to all.
 */
static enum err catch_signals(struct role *r, struct why *w)
{
    sigset_t all, term;
    sigfillset(&all);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    r->signal_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
    return r->signal_fd < 0 ? why_errno(w, "cannot watch for signals") : ERR_OK;
}

static void recall(void *arg, const struct journal_dedupe *d)
{
    dedupe_recall(arg, d->key, &d->id, d->until_ms, clock_wall_ms());
}

static size_t recalled_max(const struct config *c)
{
    size_t sum = 1000;
    for (size_t i = 0; i < c->n_sources; i++)
        sum += c->sources[i].dedupe ? (size_t)c->sources[i].dedupe_max : 0;
    return sum < (1u << 30) ? sum : 1u << 30;
}

static enum err open_journal(struct role *r, const struct config *c, struct why *w)
{
    struct journal_recovery found = {0};
    r->in.spool_fd = open(c->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->in.spool_fd < 0)
        return why_errno(w, "the spool %s cannot be opened", c->spool);
    struct journal_options o = {.spool_fd = r->in.spool_fd,
                                .segment_bytes = c->segment_size,
                                .min_free_bytes = c->min_free_bytes,
                                .min_free_percent = c->min_free_percent,
                                .safe = &r->in.shared->safe,
                                .wall_ms = clock_wall_ms};
    enum err e = journal_open(&o, LOCK_WAIT_MS, recall, r->in.dedupe, &r->in.journal, &found, w);
    if (e != ERR_OK)
        return e;
    journal_salt(r->in.journal, r->in.salt);
    atomic_fetch_add(&r->in.shared->intake_epoch, 1);
    log_line(LOG_INFO, "journal open", LOG_N("lines", found.lines), LOG_N("copied", found.copied),
             LOG_N("torn_bytes", found.torn_bytes), LOG_N("quarantined_bytes", found.quarantined_bytes),
             LOG_N("remembered", stat_get(STAT_dedupe_entries)));
    return ERR_OK;
}

static bool listens(int fd)
{
    int yes = 0;
    socklen_t n = sizeof yes;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &n) == 0 && yes;
}

static enum err start_threads(struct role *r, struct why *w)
{
    const struct config *c = r->house->config;
    struct commit_options commit = {.journal = r->in.journal,
                                    .peer_fd = ROLE_FD_PEER,
                                    .recorded = &r->in.shared->recorded,
                                    .done = transport_done,
                                    .batch_done = transport_batch_done};
    struct transport_options transport = {.intake = &r->in,
                                          .listen_fd = ROLE_FD_LISTEN,
                                          .admin_fd = listens(ROLE_FD_ADMIN) ? ROLE_FD_ADMIN : -1,
                                          .house = r->house,
                                          .threads = (unsigned)c->threads,
                                          .max_connections = fitting_connections((int)c->max_connections)};
    if (!listens(ROLE_FD_LISTEN))
        return why_set(w, ERR_INVALID, "the FastCGI socket that was handed over does not listen");
    enum err e = commit_new(&commit, &r->in.commit, w);
    if (e == ERR_OK)
        e = transport_new(&transport, &r->in.transport, w);
    return e == ERR_OK ? commit_start(r->in.commit, r->in.transport, w) : e;
}

static struct rejected_limits rejected_limits(const struct config *c)
{
    return (struct rejected_limits){c->rejected_bytes, c->rejected_count, c->rejected_age, c->rejected_rate};
}

static enum err open_rejected(struct role *r, const struct config *c, struct why *w)
{
    const struct rejected_limits limits = rejected_limits(c);
    enum err e = rejected_open(r->in.spool_fd, &limits, &r->in.rejected, w);
    if (e == ERR_OK)
        rejected_expire(r->in.rejected, clock_wall_ms());
    return e;
}

static enum err start(struct role *r, struct why *w)
{
    struct config *config = NULL;
    enum err e = shared_map(ROLE_FD_SHARED, &r->in.shared, w);
    if (e != ERR_OK)
        return e;
    stats_use(r->in.shared);
    e = config_from_snapshot(ROLE_FD_SNAPSHOT, &config, w);
    if (e != ERR_OK)
        return e;
    log_init_words("intake", config->log_format, config->log_level);
    harden();
    stat_set(STAT_connections, 0);
    stat_set(STAT_body_memory_bytes, 0);
    stat_set(STAT_dedupe_entries, 0);
    r->in.body_memory = config->body_memory;
    r->in.dedupe = dedupe_new(recalled_max(config));
    e = r->in.dedupe ? catch_signals(r, w) : why_set(w, ERR_NO_MEMORY, "out of memory for remembered ids");
    if (e == ERR_OK)
        e = fcgi_init(w);
    if (e == ERR_OK)
        e = house_new(config, ROLE_FD_SECRETS, r->in.dedupe, NULL, &r->house, w);
    if (e == ERR_OK)
        e = open_journal(r, config, w);
    if (e == ERR_OK)
        e = open_rejected(r, r->house->config, w);
    if (e == ERR_OK)
        e = start_threads(r, w);
    close(ROLE_FD_SECRETS);
    close(ROLE_FD_SNAPSHOT);
    return e;
}

/* --- what the supervisor says --- */

static void say(enum channel_type type, const char *text)
{
    size_t n = strlen(text);
    if (channel_send(ROLE_FD_SUPERVISOR, type, span_of(text, n), NULL, 0) != ERR_OK)
        log_msg(LOG_WARN, "the supervisor could not be answered");
}

static void discard(struct role *r)
{
    house_release(r->prepared);
    r->prepared = NULL;
}

static void prepare(struct role *r, const struct channel_message *m)
{
    struct why w = {""};
    struct config *config = NULL;
    discard(r);
    enum err e = m->n_fds == 2 ? config_from_snapshot(m->fds[0], &config, &w)
                               : why_set(&w, ERR_INVALID, "PREPARE needs a snapshot and the secrets");
    if (e == ERR_OK) {
        e = house_new(config, m->fds[1], r->in.dedupe, r->house, &r->prepared, &w);
        if (e != ERR_OK)
            config_free(config);
    }
    say(e == ERR_OK ? CHANNEL_READY : CHANNEL_FAILED, e == ERR_OK ? "" : w.text);
}

static void switch_over(struct role *r)
{
    if (!r->prepared)
        return;
    const struct rejected_limits limits = rejected_limits(r->prepared->config);
    transport_switch(r->in.transport, r->prepared);
    rejected_limit(r->in.rejected, &limits);
    house_release(r->house);
    r->house = r->prepared;
    r->prepared = NULL;
    log_init_words("intake", r->house->config->log_format, r->house->config->log_level);
    log_line(LOG_INFO, "configuration switched", LOG_N("sources", r->house->config->n_sources));
}

static void begin_stop(struct role *r, const char *why)
{
    if (r->give_up_ms)
        return;
    log_line(LOG_INFO, "stopping", LOG_T("why", why));
    r->give_up_ms = clock_mono_ms() + r->house->config->stop_timeout + STOP_SLACK_MS;
    atomic_store(&r->in.stopping, true);
    atomic_store(&r->in.shared->accepting, 0);
    transport_stop(r->in.transport, DRAIN_MS);
}

/* No connection is left that could bring an event: the committer may end when dispatch's records are written. */
static void stop_committer(struct role *r)
{
    if (r->drained)
        commit_stop(r->in.commit, r->supervised && r->stops >= 2);
}

static void hear(struct role *r)
{
    for (;;) {
        struct channel_message m = {0};
        enum err e = channel_recv(ROLE_FD_SUPERVISOR, r->message, CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head),
                                  false, &m);
        if (e == ERR_AGAIN)
            return;
        if (e == ERR_CLOSED || e == ERR_SYSTEM) {
            r->supervised = false;
            begin_stop(r, "the supervisor is gone");
            stop_committer(r);
            return;
        }
        if (e != ERR_OK)
            continue;
        if (m.type == CHANNEL_PREPARE) {
            prepare(r, &m);
        } else if (m.type == CHANNEL_SWITCH) {
            switch_over(r);
        } else if (m.type == CHANNEL_DISCARD) {
            discard(r);
        } else if (m.type == CHANNEL_STOP) {
            r->stops++;
            begin_stop(r, "told to");
            stop_committer(r);
        }
        while (m.n_fds > 0)
            close(m.fds[--m.n_fds]);
    }
}

/* --- the loop --- */

/* Until the committer has ended; false when that took too long. */
static bool run(struct role *r)
{
    while (!commit_ended(r->in.commit)) {
        int64_t left = r->give_up_ms ? r->give_up_ms - clock_mono_ms() : EXPIRE_MS;
        if (r->give_up_ms && left <= 0)
            return false;
        rejected_expire(r->in.rejected, clock_wall_ms());
        struct pollfd fds[] = {
            {.fd = r->supervised ? ROLE_FD_SUPERVISOR : -1, .events = POLLIN},
            {.fd = r->signal_fd, .events = POLLIN},
            {.fd = r->drained ? -1 : transport_drained_fd(r->in.transport), .events = POLLIN},
            {.fd = commit_ended_fd(r->in.commit), .events = POLLIN},
        };
        if (poll(fds, sizeof fds / sizeof fds[0], (int)left) < 0)
            continue;
        if (fds[0].revents)
            hear(r);
        if (fds[1].revents) {
            struct signalfd_siginfo info;
            while (read(r->signal_fd, &info, sizeof info) > 0)
                continue;
            begin_stop(r, "SIGTERM");
        }
        if (fds[2].revents) {
            r->drained = true;
            stop_committer(r);
        }
    }
    return true;
}

int intake_main(void)
{
    struct role r = {.in.spool_fd = -1, .supervised = true, .signal_fd = -1};
    struct why w = {""};

    log_init("intake", LOG_TEXT, LOG_INFO);
    if (sodium_init() < 0 || !(r.message = malloc(CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head))))
        return EXIT_SYSTEM;
    if (start(&r, &w) != ERR_OK) {
        log_line(LOG_ERROR, "intake cannot start", LOG_T("why", w.text));
        say(CHANNEL_FAILED, w.text);
        return EXIT_SYSTEM;
    }
    atomic_store(&r.in.shared->accepting, 1);
    say(CHANNEL_READY, "");
    bool clean = run(&r);
    if (!clean) {
        log_msg(LOG_ERROR, "stopping took too long; leaving what is not finished to the next start");
        return EXIT_SYSTEM;
    }
    transport_free(r.in.transport);
    commit_free(r.in.commit);
    journal_close(r.in.journal);
    rejected_close(r.in.rejected);
    discard(&r);
    house_release(r.house);
    dedupe_free(r.in.dedupe);
    close(r.in.spool_fd);
    close(r.signal_fd);
    free(r.message);
    log_msg(LOG_INFO, "stopped");
    return 0;
}
