/* SPDX-License-Identifier: MIT
 * slot: the owner's state machine over one worker's frames and output. Believes nothing that comes from the worker: a frame
 * out of order or shape ends the slot. See spawn.c for how a worker is started.
 */
#include "worker/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/lines.h"
#include "worker/spawn.h"
#include "worker/wire.h"

/* From asm-generic/socket.h of Linux 6.16, which says "do not take descriptors" when it is 0. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

enum {
    DRAIN_BYTES = 128 * 1024, /* read from the pipe before a final event: more than it holds */
    FIELDS_BYTES = 16 << 20,  /* of a run without its body */
    END_WAIT_MS = 5000,       /* for a killed worker to be gone */
    UNTOLD_FRAMES = 64,       /* read in one go without anything to tell: others have their turn */
    QUEUE = 3
};

enum phase { PHASE_STARTING, PHASE_LOADED, PHASE_WAITING, PHASE_RUNNING, PHASE_OVER };

struct slot {
    struct spawned child;
    enum isolation isolation;
    int sock; /* owned */
    enum phase phase;
    bool settled;    /* nothing more is expected at once: spares two system calls a run */
    uint32_t runner; /* the last one that said WAITING, or need not */
    bool unheard;    /* it has said nothing yet: it need not be born */
    uint64_t token;  /* of the run that is out, or was */
    size_t relay_bytes; /* what may still be relayed of this run's lines; SIZE_MAX: the cut has been told */

    struct slot_event queue[QUEUE]; /* told once the output before them is */
    size_t n_queue;
    size_t drain_bytes;

    struct buf fields;            /* of the RUN being sent */
    struct lines output;          /* stdout and stderr of whatever runs */
    char frame[WIRE_BACK_BYTES]; /* the last one; queued texts point into it */
};

static const struct slot_event nothing = {.kind = SLOT_NOTHING};

/* ---- starting, ending ---- */

static enum err open_ends(int sock[2], int out[2], struct why *w)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) != 0)
        return why_errno(w, "cannot create a worker's socket");
    if (pipe2(out, O_CLOEXEC) != 0) {
        why_errno(w, "cannot create a worker's output pipe");
        close(sock[0]);
        close(sock[1]);
        return ERR_SYSTEM;
    }
    /* Closing what a function sends can take as long as it likes (SO_LINGER). Older kernels cannot be told. */
    (void)setsockopt(sock[0], SOL_SOCKET, SO_PASSRIGHTS, &(int){0}, sizeof(int));
    (void)fcntl(sock[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
    return ERR_OK;
}

enum err slot_new(const struct slot_options *o, struct slot **out, struct why *w)
{
    struct wire_start start = {.namespaces = o->isolation == ISOLATION_NAMESPACES,
                               .owner_uid = geteuid(),
                               .owner_gid = getegid(),
                               .uid = o->uid,
                               .gid = o->gid};
    if (o->start_json.n > WIRE_FRAME_BYTES - sizeof(struct wire_head) - sizeof start)
        return why_set(w, ERR_NO_ROOM, "%s: config and secrets are larger than %d bytes", o->name, WIRE_FRAME_BYTES);
    struct slot *s = calloc(1, sizeof *s);
    if (!s)
        return why_set(w, ERR_NO_MEMORY, "out of memory");
    int sock[2], pipe_ends[2];
    enum err e = open_ends(sock, pipe_ends, w);
    if (e) {
        free(s);
        return e;
    }
    e = spawn_worker(o, sock[1], pipe_ends[1], &s->child, w);
    close(sock[1]);
    close(pipe_ends[1]);
    s->isolation = o->isolation;
    s->sock = sock[0];
    lines_init(&s->output, pipe_ends[0]);
    s->relay_bytes = SLOT_RELAY_BYTES;
    buf_init(&s->fields, FIELDS_BYTES);
    if (e) {
        close(s->sock);
        lines_fini(&s->output);
        free(s);
        return e;
    }
    start.user_namespace = s->child.user_namespace;
    e = wire_send(s->sock, WIRE_START, &start, sizeof start, o->start_json, o->so_fd);
    if (e) {
        why_set(w, e, "%s: its worker could not be told to start: %s", o->name, err_title(e));
        slot_free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

static void wait_hangup(int fd, short events, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int64_t left;
    while ((left = until_ms - clock_mono_ms()) > 0) {
        int n = poll(&p, 1, (int)left);
        if (n > 0 || (n < 0 && errno != EINTR))
            return;
    }
}

void slot_free(struct slot *s)
{
    if (!s)
        return;
    int64_t until_ms = clock_mono_ms() + END_WAIT_MS;
    (void)syscall(SYS_pidfd_send_signal, s->child.pidfd, SIGKILL, NULL, 0);
    /* The kernel reports init's end only after everything in its pid namespace has ended. Without one the runner was sent
     * SIGKILL by then, and its end closes the socket. */
    wait_hangup(s->child.pidfd, POLLIN, until_ms);
    if (s->isolation == ISOLATION_NONE)
        wait_hangup(s->sock, 0, until_ms);
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)s->child.pidfd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        log_line(LOG_WARN, "a killed worker has not ended", LOG_N("pid", s->child.pid));
    close(s->child.pidfd);
    close(s->sock);
    lines_fini(&s->output);
    buf_fini(&s->fields);
    free(s);
}

int slot_socket(const struct slot *s)
{
    return s->sock;
}

int slot_output(const struct slot *s)
{
    return s->output.fd;
}

pid_t slot_pid(const struct slot *s)
{
    return s->child.pid;
}

/* ---- a run ---- */

static enum err put_fields(struct slot *s, const struct line_event *e, struct why *w)
{
    const struct span fields[WIRE_BODY] = {
        [WIRE_SOURCE] = e->source,       [WIRE_TYPE] = e->type,
        [WIRE_VERSION_FIELD] = e->version, [WIRE_EVENT_ID] = e->event_id,
        [WIRE_ORDER_KEY] = e->order_key, [WIRE_CONTENT_TYPE] = e->content_type,
        [WIRE_HEADERS] = e->headers,
    };
    buf_clear(&s->fields);
    for (size_t i = 0; i < WIRE_BODY; i++)
        wire_put_field(&s->fields, fields[i]);
    uint32_t body_bytes = (uint32_t)e->body.n;
    buf_put(&s->fields, &body_bytes, sizeof body_bytes);
    if (s->fields.failed || e->body.n > (size_t)WIRE_FIELDS_BYTES - FIELDS_BYTES)
        return why_set(w, ERR_NO_ROOM, "the event is too large for a run");
    return ERR_OK;
}

enum err slot_run(struct slot *s, const struct line_event *e, uint32_t attempt, int64_t timeout_ms, int64_t deadline_mono_ms,
                  uint64_t token, struct why *w)
{
    bug_if(s->phase != PHASE_WAITING);
    enum err result = put_fields(s, e, w);
    if (result)
        return result;
    struct wire_run run = {
        .id = e->id,
        .attempt = attempt,
        .timeout_ms = timeout_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)timeout_ms,
        .received_ms = e->received_ms,
        .deadline_mono_ms = deadline_mono_ms,
        .token = token,
        .runner = s->runner,
    };
    int fd = -1;
    if (s->fields.n + e->body.n <= WIRE_INLINE_BYTES) {
        buf_put_span(&s->fields, e->body);
        if (s->fields.failed)
            return why_set(w, ERR_NO_MEMORY, "out of memory");
    } else {
        run.fields_bytes = s->fields.n + e->body.n;
        if ((result = fs_sealed_two("event", buf_span(&s->fields), e->body, &fd, w)) != ERR_OK)
            return result;
        buf_clear(&s->fields);
    }
    result = wire_send(s->sock, WIRE_RUN, &run, sizeof run, buf_span(&s->fields), fd);
    if (fd >= 0)
        close(fd);
    if (s->fields.cap > WIRE_INLINE_BYTES)
        buf_fini(&s->fields);
    if (result)
        return why_set(w, result, "a run could not be given to its worker: %s", err_title(result));
    s->phase = PHASE_RUNNING;
    s->settled = false;
    s->token = token;
    s->relay_bytes = SLOT_RELAY_BYTES;
    return ERR_OK;
}

/* ---- what comes back ---- */

static void enqueue(struct slot *s, struct slot_event e)
{
    bug_if(s->n_queue == QUEUE);
    s->queue[s->n_queue++] = e;
    s->drain_bytes = DRAIN_BYTES;
}

static void tell_died(struct slot *s, int status, bool begun)
{
    if (s->phase == PHASE_RUNNING)
        enqueue(s, (struct slot_event){.kind = SLOT_DIED, .status = status, .begun = begun, .token = s->token});
    s->phase = PHASE_LOADED;
}

static void tell_over(struct slot *s, enum slot_event_kind kind, int status, struct span text)
{
    tell_died(s, status, true);
    enqueue(s, (struct slot_event){.kind = kind, .status = status, .text = text});
    s->phase = PHASE_OVER;
}

static void spoilt(struct slot *s, const char *text)
{
    tell_over(s, SLOT_USED_UP, -1, span_str(text));
}

static void on_ready(struct slot *s, struct span data)
{
    struct json_error ignored;
    if (s->phase != PHASE_STARTING || json_check(data, JSON_LIMITS_DEFAULT, &ignored) != ERR_OK ||
        json_type_of(data) != JSON_OBJECT) {
        spoilt(s, "its worker sent a wrong READY");
        return;
    }
    s->phase = PHASE_LOADED;
    enqueue(s, (struct slot_event){.kind = SLOT_READY, .text = data});
}

static void on_broken(struct slot *s, struct span data)
{
    if (data.n > WIRE_TEXT_BYTES)
        data.n = WIRE_TEXT_BYTES;
    if ((s->phase == PHASE_RUNNING || s->phase == PHASE_WAITING) && !s->unheard) {
        spoilt(s, "its worker sent a wrong BROKEN");
        return;
    }
    tell_died(s, -1, false);
    tell_over(s, SLOT_BROKEN, -1, data);
}

static void on_waiting(struct slot *s, struct span data)
{
    struct wire_waiting waiting;
    if (!wire_take(&data, &waiting, sizeof waiting) || data.n || s->phase != PHASE_LOADED || waiting.runner <= s->runner) {
        spoilt(s, "its worker sent a wrong WAITING");
        return;
    }
    s->runner = waiting.runner;
    s->unheard = false;
    s->phase = PHASE_WAITING;
    enqueue(s, (struct slot_event){.kind = SLOT_WAITING});
}

/* Behind an outcome: the reason, then the reply. */
static bool tail_fits(const struct wire_outcome *o, size_t n)
{
    if (o->reason_bytes > WIRE_TEXT_BYTES || o->reason_bytes > n || o->replied > 1)
        return false;
    return o->replied ? o->outcome == OUTCOME_DONE && n - o->reason_bytes <= WIRE_REPLY_BYTES : n == o->reason_bytes;
}

static void on_outcome(struct slot *s, struct span data)
{
    struct wire_outcome o;
    if (!wire_take(&data, &o, sizeof o) || s->phase != PHASE_RUNNING || o.token != s->token || o.outcome > OUTCOME_REJECT ||
        o.next >= WIRE_NEXTS || o.retry_after_ms < -1 || !tail_fits(&o, data.n)) {
        spoilt(s, "its worker sent a wrong OUTCOME");
        return;
    }
    enqueue(s, (struct slot_event){.kind = SLOT_OUTCOME,
                                   .outcome = (enum outcome)o.outcome,
                                   .retry_after_ms = o.retry_after_ms,
                                   .text = o.reason_bytes ? span_of(data.p, o.reason_bytes) : SPAN_NONE,
                                   .reply = o.replied ? span_skip(data, o.reason_bytes) : SPAN_NONE,
                                   .token = o.token});
    s->phase = PHASE_LOADED;
    s->unheard = o.next == WIRE_NEXT_AT_ONCE;
    s->runner += s->unheard;
    if (o.next == WIRE_NEXT_LEFT) {
        spoilt(s, "the run left processes behind");
    } else if (o.next != WIRE_NEXT_OTHER) {
        s->phase = PHASE_WAITING;
        enqueue(s, (struct slot_event){.kind = SLOT_WAITING});
    }
}

static void on_died(struct slot *s, struct span data)
{
    struct wire_died died;
    if (!wire_take(&data, &died, sizeof died) || data.n || s->phase == PHASE_STARTING) {
        spoilt(s, "its worker sent a wrong DIED");
        return;
    }
    bool running = s->phase == PHASE_RUNNING, before = s->unheard && died.runner && died.runner < s->runner;
    tell_died(s, before ? -1 : died.status, !before);
    if (before)
        tell_over(s, SLOT_USED_UP, died.status, SPAN_LIT("its process did not end in order after its run"));
    else if (died.left)
        tell_over(s, SLOT_USED_UP, died.status, SPAN_LIT("the run left processes behind"));
    else if (!running)
        tell_over(s, SLOT_USED_UP, died.status, SPAN_LIT("its process ended without a run"));
}

/* creel_log lines share the run's allowance with its output. */
static struct slot_event relay(struct slot *s, struct slot_event e)
{
    if (s->relay_bytes == SIZE_MAX)
        return nothing;
    if (e.text.n + 1 > s->relay_bytes) {
        s->relay_bytes = SIZE_MAX;
        return (struct slot_event){.kind = SLOT_OUTPUT, .text = SPAN_LIT("(what it prints beyond this is not kept)")};
    }
    s->relay_bytes -= e.text.n + 1;
    return e;
}

static struct slot_event on_log(struct slot *s, struct span data)
{
    struct wire_log l;
    if (!wire_take(&data, &l, sizeof l) || data.n > WIRE_TEXT_BYTES || l.level >= LOG_LEVELS) {
        spoilt(s, "its worker sent a wrong LOG");
        return nothing;
    }
    s->unheard = false;
    return relay(s, (struct slot_event){.kind = SLOT_LOG, .level = (int)l.level, .text = data});
}

static void on_closed(struct slot *s)
{
    siginfo_t info = {0};
    int status = -1;
    if (waitid(P_PIDFD, (id_t)s->child.pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
        status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
    tell_over(s, SLOT_GONE, status, SPAN_LIT("its worker ended"));
}

static void (*const handlers[WIRE_TYPES])(struct slot *, struct span) = {
    [WIRE_READY] = on_ready,     [WIRE_BROKEN] = on_broken, [WIRE_WAITING] = on_waiting,
    [WIRE_OUTCOME] = on_outcome, [WIRE_DIED] = on_died,
};

/* One frame: true when there was one (or the slot ended); *e is what can be told at once. */
static bool next_frame(struct slot *s, struct slot_event *e)
{
    struct wire_frame f;
    enum err result = wire_recv(s->sock, s->frame, sizeof s->frame, false, &f);
    if (result == ERR_AGAIN)
        return false;
    if (result == ERR_CLOSED) {
        on_closed(s);
        return true;
    }
    if (!result && f.fd >= 0) {
        close(f.fd);
        result = ERR_INVALID;
    }
    if (!result && f.type == WIRE_LOG)
        *e = on_log(s, f.data);
    else if (!result && handlers[f.type])
        handlers[f.type](s, f.data);
    else
        spoilt(s, "its worker sent a wrong frame");
    return true;
}

/* ---- output ---- */

/* The next line that may be told. max_bytes is lowered by what is read; at 0 no more is read. */
static bool next_line(struct slot *s, bool flush, size_t *max_bytes, struct slot_event *e)
{
    for (;;) {
        struct span line;
        while (lines_take(&s->output, false, &line)) {
            *e = relay(s, (struct slot_event){.kind = SLOT_OUTPUT, .text = line});
            if (e->kind != SLOT_NOTHING)
                return true;
        }
        size_t n = *max_bytes ? lines_read(&s->output) : 0;
        *max_bytes -= n < *max_bytes ? n : *max_bytes;
        if (n)
            continue;
        if (!flush || !lines_take(&s->output, true, &line))
            return false;
        *e = relay(s, (struct slot_event){.kind = SLOT_OUTPUT, .text = line});
        return e->kind != SLOT_NOTHING;
    }
}

static struct slot_event dequeue(struct slot *s)
{
    struct slot_event e = s->queue[0];
    memmove(s->queue, s->queue + 1, --s->n_queue * sizeof e);
    if (e.kind == SLOT_WAITING || e.kind == SLOT_OUTCOME)
        s->settled = s->n_queue == 0;
    return e;
}

struct slot_event slot_next(struct slot *s)
{
    struct slot_event e = nothing;
    for (int untold = 0;;) {
        if (s->n_queue) {
            if (s->drain_bytes && next_line(s, true, &s->drain_bytes, &e))
                return e;
            s->drain_bytes = 0;
            return dequeue(s);
        }
        if (s->phase == PHASE_OVER)
            return nothing;
        if (s->settled) {
            s->settled = false;
            return nothing;
        }
        if (next_frame(s, &e)) {
            if (e.kind != SLOT_NOTHING || (!s->n_queue && ++untold == UNTOLD_FRAMES))
                return e;
            continue;
        }
        size_t max_bytes = DRAIN_BYTES;
        (void)next_line(s, false, &max_bytes, &e);
        return e;
    }
}
