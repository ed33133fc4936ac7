/* SPDX-License-Identifier: MIT
 * run: the runner: waits for a RUN, calls the function, says how it ended. One process, forked from the zygote; serves up to
 * max_uses runs. Everything here runs inside the sandbox together with foreign code: the owner believes none of it.
 */
#include "worker/worker.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool/lifecycle.h"
#include "worker/api.h"
#include "worker/sandbox.h"
#include "worker/wire.h"

enum { THREAD_END_MS = 20 }; /* a thread that was joined can be there so long */

struct runner {
    struct worker *w;
    uint32_t number;
    int64_t uses;
    unsigned threads; /* before the next run */
    void *mapped; /* the fields' memory file, or NULL */
    size_t mapped_bytes;
};

static void finish(struct runner *r, enum ended how) __attribute__((noreturn));
static void finish(struct runner *r, enum ended how)
{
    if (r->w->manifest.fini) {
        struct invocation in;
        api_begin(&in, r->w);
        r->w->manifest.fini(&in.base);
        fflush(NULL);
    }
    r->w->turn->ended = how;
    _exit(0);
}

static void call_init(struct worker *w)
{
    if (!w->manifest.init)
        return;
    struct invocation in;
    api_begin(&in, w);
    int result = w->manifest.init(&in.base);
    fflush(NULL);
    if (result != CREEL_DONE)
        worker_broken(w, "%s: its init hook returned %d%s%.*s", w->name, result, in.reason.n ? ": " : "", (int)in.reason.n,
                      in.reason.p ? in.reason.p : "");
    api_end(&in);
}

/* The fields of a run, inline or out of the sealed memory file. ERR_NO_ROOM: there is no room to map it. */
static enum err take_fields(struct runner *r, struct wire_frame *f, struct invocation *in)
{
    struct span data = f->data;
    if (in->run.fields_bytes) {
        void *p = f->fd < 0 ? MAP_FAILED : mmap(NULL, in->run.fields_bytes, PROT_READ, MAP_PRIVATE, f->fd, 0);
        if (p == MAP_FAILED)
            return ERR_NO_ROOM;
        r->mapped = p;
        r->mapped_bytes = in->run.fields_bytes;
        data = span_of(p, in->run.fields_bytes);
    }
    return wire_get_fields(data, in->fields);
}

static void unmap_fields(struct runner *r)
{
    if (r->mapped)
        munmap(r->mapped, r->mapped_bytes);
    r->mapped = NULL;
}

/* Anything unknown is a retry. */
static enum outcome outcome_of(int result)
{
    switch (result) {
    case CREEL_DONE:
        return OUTCOME_DONE;
    case CREEL_REJECT:
        return OUTCOME_REJECT;
    default:
        return OUTCOME_RETRY;
    }
}

static void call_run(struct invocation *in, struct wire_outcome *o)
{
    int result = in->w->manifest.run(&in->base);
    fflush(NULL);
    o->outcome = (uint32_t)outcome_of(result);
    o->retry_after_ms = -1;
    if (in->result == result)
        o->retry_after_ms = in->after_ms;
    else
        in->reason = SPAN_NONE;
    if (o->outcome == OUTCOME_RETRY && result != CREEL_RETRY) {
        static char text[64];
        in->reason = span_of(text, (size_t)snprintf(text, sizeof text, "it returned %d, which says nothing", result));
    }
}

bool run_at_once(const struct worker *w)
{
    return w->namespaces && !w->manifest.init && !w->manifest.fini;
}

static unsigned count_threads(void)
{
    struct stat st;
    if (unshare(CLONE_THREAD) == 0) /* cheap, changes nothing, and is refused when there are more */
        return 1;
    return stat("/proc/self/task", &st) == 0 ? (unsigned)st.st_nlink - 2 : 2;
}

static bool threads_left(struct runner *r)
{
    unsigned n;
    for (int ms = 0; (n = count_threads()) > r->threads && ms < THREAD_END_MS; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    bool left = n > r->threads;
    r->threads = n;
    return left;
}

/* What this runner does next, found out before the outcome is told: a process that the run left behind ends with the slot, a
 * thread with the runner. */
static uint32_t next_of(struct runner *r)
{
    if (worker_children_left())
        return WIRE_NEXT_LEFT;
    bool used_up = r->w->max_uses && r->uses >= r->w->max_uses;
    if (!used_up && !threads_left(r))
        return WIRE_NEXT_SAME;
    return run_at_once(r->w) ? WIRE_NEXT_AT_ONCE : WIRE_NEXT_OTHER;
}

static void serve(struct runner *r, struct wire_frame *f)
{
    struct invocation in;
    api_begin(&in, r->w);
    if (f->type != WIRE_RUN || !wire_take(&f->data, &in.run, sizeof in.run))
        _exit(EXIT_SYSTEM);
    if (in.run.runner != r->number)
        return; /* meant for one that has ended; its owner knows */
    struct wire_outcome o = {.token = in.run.token, .outcome = OUTCOME_RETRY, .retry_after_ms = -1};
    switch (take_fields(r, f, &in)) {
    case ERR_OK:
        in.has_event = true;
        call_run(&in, &o);
        break;
    case ERR_NO_ROOM:
        in.reason = SPAN_LIT("its memory limit leaves no room for the event");
        break;
    default:
        _exit(EXIT_SYSTEM);
    }
    r->uses++;
    o.next = next_of(r);
    if (o.next == WIRE_NEXT_AT_ONCE)
        r->w->turn->ended = ENDED_NEXT; /* from here on a death breaks a promise */
    struct span reply = o.outcome == OUTCOME_DONE ? in.reply : SPAN_NONE;
    o.reason_bytes = (uint32_t)in.reason.n;
    o.replied = reply.p != NULL;
    if (wire_send_two(r->w->sock, WIRE_OUTCOME, &o, sizeof o, in.reason, reply, -1) != ERR_OK)
        _exit(EXIT_SYSTEM);
    if (o.next != WIRE_NEXT_SAME)
        finish(r, ENDED_NEXT);
    unmap_fields(r);
    api_end(&in);
}

/* A process group of its own: a function that signals its group reaches only what it started. As a subreaper it
 * gets every orphan of a run as its own child, so that none goes unseen. */
static void settle(struct worker *w, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_SYSTEM);
    (void)setpgid(0, 0); /* the session is the slot's: a new one for every process would cost */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (w->namespaces)
        return;
    struct why why;
    if (filter_apply(&why) != ERR_OK)
        worker_broken(w, "%s", why.text);
    load_function(w);
}

static void say_waiting(struct worker *w, uint32_t number)
{
    struct wire_waiting waiting = {number};
    w->turn->waiting = 1;
    if (wire_send(w->sock, WIRE_WAITING, &waiting, sizeof waiting, SPAN_NONE, -1) != ERR_OK)
        _exit(EXIT_SYSTEM);
}

void run_main(struct worker *w, uint32_t number, bool known, pid_t parent)
{
    static char frame[WIRE_FRAME_BYTES]; /* untouched pages of it cost a fork nothing */
    settle(w, parent);
    call_init(w);
    struct runner r = {.w = w, .number = number, .threads = count_threads()};
    if (!known)
        say_waiting(w, number);
    for (;;) {
        struct wire_frame f;
        enum err e = wire_recv(w->sock, frame, sizeof frame, true, &f);
        if (e == ERR_CLOSED)
            finish(&r, ENDED_CLOSED);
        if (e)
            _exit(EXIT_SYSTEM);
        serve(&r, &f);
        if (f.fd >= 0)
            close(f.fd);
    }
}
