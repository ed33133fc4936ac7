/* SPDX-License-Identifier: MIT
 * trial: starts a slot, gives it one run, waits with a deadline, kills it. Owns the slot for that time.
 */
#include "ctl/trial.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fs.h"
#include "worker/slot.h"
#include "worker/wire.h"

/* The next event that is more than a line; SLOT_NOTHING when the deadline passed. */
static struct slot_event wait_event(const struct trial *t, struct slot *s, int64_t deadline_ms)
{
    for (;;) {
        struct slot_event e = slot_next(s);
        if (e.kind == SLOT_OUTPUT || e.kind == SLOT_LOG) {
            t->line(t->arg, e.kind == SLOT_LOG ? e.level : -1, e.text);
            continue;
        }
        if (e.kind != SLOT_NOTHING)
            return e;
        int64_t left = deadline_ms - clock_mono_ms();
        if (left <= 0)
            return e;
        struct pollfd p[2] = {{.fd = slot_socket(s), .events = POLLIN}, {.fd = slot_output(s), .events = POLLIN}};
        (void)poll(p, 2, (int)left);
        if (p[1].revents == POLLHUP)
            (void)poll(p, 1, (int)(left < 10 ? left : 10)); /* no writer left: the socket will say why */
    }
}

static void set_result(struct trial_result *r, const char *outcome, struct span reason)
{
    r->outcome = outcome;
    snprintf(r->reason, sizeof r->reason, "%.*s", (int)reason.n, reason.p ? reason.p : "");
}

static void set_crash(struct trial_result *r, int status)
{
    r->outcome = outcome_name(OUTCOME_CRASH);
    if (status >= 0 && WIFSIGNALED(status))
        snprintf(r->reason, sizeof r->reason, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (status >= 0)
        snprintf(r->reason, sizeof r->reason, "exit status %d", WEXITSTATUS(status));
    else
        snprintf(r->reason, sizeof r->reason, "its worker ended");
}

static enum err take_sidecar(const struct trial *t, struct settings *s, struct why *w)
{
    struct why inner;
    enum err e = t->sidecar.p ? settings_sidecar(s, t->sidecar, &inner) : ERR_OK;
    return e ? why_set(w, e, "%s.json: %.400s", t->name, inner.text) : ERR_OK;
}

/* Settings as dispatch makes them: the manifest counts less than the sidecar. */
static enum err described(const struct trial *t, struct span manifest, struct settings *s, struct why *w)
{
    enum err e = settings_manifest(s, manifest, w);
    return e ? e : take_sidecar(t, s, w);
}

/* Until a run can be given. False with the result set when that never comes. */
static bool get_ready(const struct trial *t, struct slot *s, struct settings *settings, struct trial_result *r)
{
    int64_t deadline_ms = clock_mono_ms() + TRIAL_START_MS;
    for (;;) {
        struct why w;
        struct slot_event e = wait_event(t, s, deadline_ms);
        switch (e.kind) {
        case SLOT_READY:
            if (described(t, e.text, settings, &w) == ERR_OK)
                continue;
            set_result(r, "BROKEN", span_str(w.text));
            return false;
        case SLOT_WAITING:
            return true;
        case SLOT_NOTHING:
            set_result(r, "BROKEN", SPAN_LIT("it was not ready for a run within 10 s of its start"));
            return false;
        default:
            set_result(r, "BROKEN", e.text);
            return false;
        }
    }
}

static enum err run_once(const struct trial *t, struct slot *s, const struct occasion *o, int64_t timeout_ms,
                         struct trial_result *r, struct why *w)
{
    int64_t begun_ms = clock_mono_ms();
    enum err e = slot_run(s, &o->event, o->attempt, timeout_ms, begun_ms + timeout_ms, 1, w);
    if (e)
        return e;
    struct slot_event event = wait_event(t, s, begun_ms + timeout_ms);
    r->ms = clock_mono_ms() - begun_ms;
    switch (event.kind) {
    case SLOT_OUTCOME:
        set_result(r, outcome_name(event.outcome), event.text);
        r->retry_after_ms = event.retry_after_ms;
        r->replied = event.reply.p;
        buf_put_span(t->reply, event.reply.p ? event.reply : SPAN_LIT(""));
        r->left = slot_next(s).kind == SLOT_USED_UP;
        break;
    case SLOT_NOTHING:
        r->outcome = outcome_name(OUTCOME_TIMEOUT);
        snprintf(r->reason, sizeof r->reason, "it was killed after %lld ms", (long long)timeout_ms);
        break;
    case SLOT_DIED:
        set_crash(r, event.status);
        break;
    default:
        set_crash(r, -1);
    }
    return ERR_OK;
}

enum err trial_start(const struct trial *t, struct span more, struct buf *b, struct why *w)
{
    struct settings s;
    settings_init(&s);
    enum err e = take_sidecar(t, &s, w);
    if (!e && t->config.p) {
        free(s.config);
        s.config = strndup(t->config.p, t->config.n);
    }
    if (!e)
        e = settings_start_json(&s, t->name, more, b, w);
    settings_fini(&s);
    return e;
}

static enum err open_slot(const struct trial *t, struct span start, struct slot **out, struct why *w)
{
    char program[FS_PROGRAM_BYTES];
    struct why found;
    fs_program("creel-worker", CREEL_LIBEXECDIR, program);
    struct slot_options options = {.worker_program = program,
                                   .name = t->name,
                                   .start_json = start,
                                   .so_fd = t->so_fd,
                                   .isolation = slot_probe(&found),
                                   .uid = t->uid,
                                   .gid = t->gid};
    return slot_new(&options, out, w);
}

enum err trial_describe(const struct trial *t, struct span start, struct settings *s, struct why *w)
{
    struct trial_result r = {.retry_after_ms = -1};
    struct slot *slot;
    enum err e = open_slot(t, start, &slot, w);
    if (e)
        return e;
    if (!get_ready(t, slot, s, &r))
        e = why_set(w, ERR_INVALID, "%s", r.reason);
    slot_free(slot);
    return e;
}

enum err trial_run(const struct trial *t, const struct occasion *o, struct trial_result *out, struct why *w)
{
    struct settings settings;
    struct buf start;
    struct slot *s = NULL;
    buf_init(&start, WIRE_FRAME_BYTES);
    enum err e = trial_start(t, SPAN_LIT(""), &start, w);
    if (!e)
        e = open_slot(t, buf_span(&start), &s, w);
    if (start.p)
        explicit_bzero(start.p, start.cap);
    buf_fini(&start);
    if (e)
        return e;
    *out = (struct trial_result){.retry_after_ms = -1};
    settings_init(&settings);
    if (get_ready(t, s, &settings, out))
        e = run_once(t, s, o, t->timeout_ms ? t->timeout_ms : settings.timeout_ms, out, w);
    settings_fini(&settings);
    slot_free(s);
    return e;
}
