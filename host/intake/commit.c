/* SPDX-License-Identifier: MIT
 * commit: the committer thread: its queue and its loop; what dispatch sends is taken in inbox.c. The queue is a stack
 * that is taken whole and turned round, so that submitting is one compare-and-swap.
 */
#include "intake/commit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "intake/inbox.h"

enum {
    TICK_MS = 1000,
    NUDGE_MS = 2,        /* between two nudges for events */
    NUDGE_OWN_MS = 10,   /* until the nudge for what dispatch itself has sent: it waits for none of it */
    LINGER_NS = 200000,  /* for more to come, */
    LINGER_JOBS = 8,     /* when so many came for the commit before */
    BATCH_BYTES = 4 << 20
};
enum { RUNNING, STOP_WHEN_CLOSED, STOP_WHEN_EMPTY };

struct commit {
    struct commit_options o;
    void *arg;
    pthread_t thread;
    bool started;
    int wake_fd, ended_fd;
    _Atomic(struct commit_job *) queue; /* youngest first */
    atomic_bool asleep, ended;
    atomic_int stop;
    /* the committer's own */
    struct commit_job *next; /* taken from the queue, oldest first, not yet in a batch */
    struct commit_job *batch, **batch_end;
    size_t batch_bytes, batch_jobs;
    struct inbox *inbox;
    size_t last_jobs; /* in the batch before */
    int64_t now_ms, next_tick_ms, nudged_ms;
    int64_t nudge_ms; /* `safe` has moved: when dispatch is to be told; INT64_MAX: it has been */
};

void commit_submit(struct commit *c, struct commit_job *youngest, struct commit_job *oldest)
{
    struct commit_job *head = atomic_load_explicit(&c->queue, memory_order_relaxed);
    do
        oldest->next = head;
    while (!atomic_compare_exchange_weak(&c->queue, &head, youngest));
    if (atomic_exchange(&c->asleep, false))
        eventfd_write(c->wake_fd, 1);
}

/* Move what was submitted behind what is waiting. */
static void take_queue(struct commit *c)
{
    struct commit_job *taken = atomic_exchange(&c->queue, NULL), *turned = NULL, **end = &c->next;
    while (taken) {
        struct commit_job *next = taken->next;
        taken->next = turned;
        turned = taken;
        taken = next;
    }
    while (*end)
        end = &(*end)->next;
    *end = turned;
}

static void batch_begin(struct commit *c)
{
    c->batch = NULL;
    c->batch_end = &c->batch;
    c->batch_bytes = c->batch_jobs = 0;
}

/* Take the first waiting job into the batch. */
static void batch_add(struct commit *c, enum err outcome)
{
    struct commit_job *job = c->next;
    c->next = job->next;
    job->next = NULL;
    job->outcome = outcome;
    *c->batch_end = job;
    c->batch_end = &job->next;
    c->batch_bytes += job->line.n;
    c->batch_jobs++;
}

static enum err append_job(struct commit *c, const struct commit_job *job)
{
    return job->lines ? journal_append_all(c->o.journal, job->lines, job->n_lines, false)
                      : journal_append(c->o.journal, job->line, job->key, false);
}

/* Append waiting jobs until the batch is full; a job that no segment can take joins the batch as refused. True if a
 * line of the batch must be synced before it is answered. */
static bool append_jobs(struct commit *c)
{
    bool sync = false;
    while (c->next && c->batch_bytes < BATCH_BYTES) {
        enum err e = append_job(c, c->next);
        if (e == ERR_NO_ROOM && journal_pending(c->o.journal) > 0)
            break; /* it may fit behind this batch */
        sync = sync || (e == ERR_OK && c->next->sync);
        batch_add(c, e == ERR_OK ? ERR_OK : e == ERR_NO_ROOM ? ERR_SPOOL_FULL : ERR_NOT_DURABLE);
    }
    return sync;
}

static void answer_batch(struct commit *c)
{
    struct commit_job *job = c->batch;
    c->last_jobs = c->batch_jobs;
    batch_begin(c);
    while (job) {
        struct commit_job *next = job->next; /* the job is gone after done */
        if (job->detached)
            job->detached(job);
        else
            c->o.done(c->arg, job);
        job = next;
    }
    c->o.batch_done(c->arg);
}

/* Nothing of this batch is durable. What waits behind it is refused with it: its senders try again, and wait for no failing disk. */
static void fail_batch(struct commit *c, enum err e, const struct why *w)
{
    enum err told = e == ERR_NO_ROOM ? ERR_SPOOL_FULL : ERR_NOT_DURABLE;
    log_line(LOG_ERROR, "the journal could not be written", LOG_T("why", w->text));
    for (struct commit_job *job = c->batch; job; job = job->next)
        if (job->outcome == ERR_OK)
            job->outcome = told;
    take_queue(c);
    while (c->next)
        batch_add(c, told);
    inbox_retry(c->inbox);
    answer_batch(c);
}

/* `safe` has moved: dispatch is to be told of it, sooner when events have come than for its own records. */
static void owe_nudge(struct commit *c, bool events)
{
    int64_t at_ms = events ? c->nudged_ms + NUDGE_MS : clock_mono_ms() + NUDGE_OWN_MS;
    if (at_ms < c->nudge_ms)
        c->nudge_ms = at_ms;
}

/* One group commit of all that is waiting. False when nothing is. */
static bool commit_batch(struct commit *c)
{
    struct why w = {""};

    take_queue(c);
    bool records = inbox_append(c->inbox);
    bool sync = append_jobs(c) || records;
    bool events = c->batch != NULL;
    if (journal_pending(c->o.journal) == 0) {
        bool refused = c->batch != NULL;
        answer_batch(c);
        return refused;
    }
    enum err e = journal_commit(c->o.journal, sync, &w);
    if (e != ERR_OK) {
        fail_batch(c, e, &w);
        return true;
    }
    inbox_done(c->inbox);
    if (sync) {
        owe_nudge(c, events);
        answer_batch(c);
        return true;
    }
    /* Only lines for which written is enough: they are answered first, and made visible to dispatch right after. */
    answer_batch(c);
    if (journal_commit(c->o.journal, true, &w) == ERR_OK)
        owe_nudge(c, true);
    else
        log_line(LOG_ERROR, "the journal could not be synced", LOG_T("why", w.text));
    return true;
}

/* Tell dispatch that there is more to read: now and then only, because each time wakes it, and it reads all there is. */
static void nudge(struct commit *c)
{
    if (c->now_ms < c->nudge_ms)
        return;
    inbox_nudge(c->inbox);
    c->nudge_ms = INT64_MAX;
    c->nudged_ms = c->now_ms;
}

static void tick(struct commit *c)
{
    c->now_ms = clock_mono_ms();
    if (c->now_ms < c->next_tick_ms)
        return;
    c->next_tick_ms = c->now_ms + TICK_MS;
    journal_tick(c->o.journal);
    inbox_tick(c->inbox);
}

/* stop: as it was before the last look into the queue and the socket. */
static void wait_for_work(struct commit *c, int stop)
{
    atomic_store(&c->asleep, true);
    if (!atomic_load(&c->queue) && atomic_load(&c->stop) == stop) {
        struct pollfd fds[2] = {{.fd = c->wake_fd, .events = POLLIN},
                                {.fd = inbox_poll_fd(c->inbox), .events = POLLIN}};
        int64_t until_ms = c->nudge_ms < c->next_tick_ms ? c->nudge_ms : c->next_tick_ms, left = until_ms - c->now_ms;
        if (left > 0)
            (void)poll(fds, 2, (int)left);
        if (fds[0].revents) {
            eventfd_t ignored;
            eventfd_read(c->wake_fd, &ignored);
        }
    }
    atomic_store(&c->asleep, false);
}

/* Where many have come at once, more are on their way: a moment later they share one sync instead of taking two, each of which costs
 * disk and processors what the next requests need. Who comes alone waits for nobody. */
static void linger(const struct commit *c)
{
    if (c->last_jobs >= LINGER_JOBS)
        nanosleep(&(struct timespec){.tv_nsec = LINGER_NS}, NULL);
}

static void *run(void *arg)
{
    struct commit *c = arg;
    pthread_setname_np(pthread_self(), "commit");
    batch_begin(c);
    for (;;) {
        int stop = atomic_load(&c->stop);
        linger(c);
        bool worked = commit_batch(c);
        tick(c);
        nudge(c);
        if (worked)
            continue;
        if (stop != RUNNING && !atomic_load(&c->queue) && inbox_over(c->inbox, stop == STOP_WHEN_EMPTY))
            break;
        wait_for_work(c, stop);
    }
    atomic_store(&c->ended, true);
    eventfd_write(c->ended_fd, 1);
    return NULL;
}

enum err commit_new(const struct commit_options *o, struct commit **out, struct why *w)
{
    struct commit *c = calloc(1, sizeof *c);
    if (!c)
        return why_set(w, ERR_NO_MEMORY, "out of memory for the committer");
    c->o = *o;
    c->nudge_ms = INT64_MAX;
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum err e = c->wake_fd < 0 || c->ended_fd < 0 ? why_errno(w, "cannot create an eventfd") : ERR_OK;
    if (e == ERR_OK)
        e = inbox_new(o->journal, o->peer_fd, o->recorded, &c->inbox, w);
    if (e == ERR_OK)
        *out = c;
    else
        commit_free(c);
    return e;
}

enum err commit_start(struct commit *c, void *arg, struct why *w)
{
    c->arg = arg;
    errno = pthread_create(&c->thread, NULL, run, c);
    c->started = errno == 0;
    return c->started ? ERR_OK : why_errno(w, "cannot start the committer thread");
}

void commit_stop(struct commit *c, bool empty)
{
    int before = atomic_load(&c->stop), now = empty ? STOP_WHEN_EMPTY : STOP_WHEN_CLOSED;
    if (now > before)
        atomic_store(&c->stop, now);
    atomic_store(&c->asleep, false);
    eventfd_write(c->wake_fd, 1);
}

bool commit_ended(const struct commit *c)
{
    return atomic_load(&c->ended);
}

int commit_ended_fd(const struct commit *c)
{
    return c->ended_fd;
}

void commit_free(struct commit *c)
{
    if (!c)
        return;
    if (c->started)
        pthread_join(c->thread, NULL);
    if (c->wake_fd >= 0)
        close(c->wake_fd);
    if (c->ended_fd >= 0)
        close(c->ended_fd);
    inbox_free(c->inbox);
    free(c);
}
