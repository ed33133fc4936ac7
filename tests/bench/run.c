/* SPDX-License-Identifier: MIT
 * run: what a run costs: a pooled run against a bare round trip over socket pairs, a forked run against a bare fork. Owner and
 * workers are pinned to one processor, on both sides alike. ROUNDS pairs (9), measured in turn, by the clock and by the processor
 * time of all processes, which other work on the machine disturbs less. Prints a JSON line for each.
 * One process and what it starts; half a minute. Arguments: the keys of the pairs to measure, all if none.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "pairs.h"
#include "worker/slot.h"

enum { PEERS = 16, TRIPS = 20000, FORKS = 1600, BODY_BYTES = 1024, PACKET_BYTES = 1024, ANSWER_BYTES = 64 };

static void stop(const char *what)
{
    die(EXIT_SYSTEM, "bench run: %s", what);
}

/* ---- the baseline: N processes that answer a packet as large as an event with one as small as an outcome ---- */

struct echo {
    pid_t pid;
    int fd;
};

static void echo_main(int fd)
{
    char packet[PACKET_BYTES];
    while (recv(fd, packet, sizeof packet, 0) > 0)
        if (send(fd, packet, ANSWER_BYTES, MSG_NOSIGNAL) != ANSWER_BYTES)
            break;
    _exit(0);
}

static void echo_start(struct echo *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || (e->pid = fork()) < 0)
        stop("cannot start a peer");
    if (e->pid == 0) {
        close(ends[0]);
        echo_main(ends[1]);
    }
    close(ends[1]);
    e->fd = ends[0];
}

static void echo_end(struct echo *e)
{
    shutdown(e->fd, SHUT_RDWR); /* later peers hold copies of it */
    close(e->fd);
    waitpid(e->pid, NULL, 0);
}

static int watch_all(const int *fds, size_t n)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &ev) != 0)
            stop("epoll");
    }
    return epoll;
}

/* Nanoseconds for one of `trips` round trips over n peers, one in flight at each. */
static double bare_trips(size_t n, int trips)
{
    static char packet[PACKET_BYTES];
    struct echo peers[PEERS];
    int fds[PEERS] = {0};
    for (size_t i = 0; i < n; i++) {
        echo_start(&peers[i]);
        fds[i] = peers[i].fd;
    }
    int epoll = watch_all(fds, n);
    int64_t begun = clock_mono_ns();
    int sent = 0, got = 0;
    for (size_t i = 0; i < n && sent < trips; i++, sent++)
        (void)!send(fds[i], packet, sizeof packet, 0);
    while (got < trips) {
        struct epoll_event ev[PEERS];
        int ready = epoll_wait(epoll, ev, (int)n, 10000);
        if (ready <= 0)
            stop("a peer is lost");
        for (int i = 0; i < ready; i++) {
            int fd = fds[ev[i].data.u32];
            if (recv(fd, packet, sizeof packet, 0) != ANSWER_BYTES)
                stop("a peer is lost");
            got++;
            if (sent < trips && ++sent)
                (void)!send(fd, packet, sizeof packet, 0);
        }
    }
    double ns = (double)(clock_mono_ns() - begun) / trips;
    close(epoll);
    for (size_t i = 0; i < n; i++)
        echo_end(&peers[i]);
    return ns;
}

/* ---- slots ---- */

static enum isolation isolation;

static struct slot *slot_start(const char *name, int max_uses)
{
    char path[256], start[256], program[FS_PROGRAM_BYTES] = "./creel-worker";
    struct buf so;
    struct why w = {{0}};
    struct slot *s;
    int fd;
    snprintf(path, sizeof path, "tests/functions/%s.so", name);
    int n = snprintf(start, sizeof start, "{\"name\":\"%s\",\"max_uses\":%d}", name, max_uses);
    buf_init(&so, 64 << 20);
    struct slot_options o = {.worker_program = program, .name = name, .start_json = span_of(start, (size_t)n),
                             .isolation = isolation, .uid = (uid_t)-1, .gid = (gid_t)-1};
    if (fs_read(AT_FDCWD, path, &so, &w) != ERR_OK || fs_sealed(name, buf_span(&so), &fd, &w) != ERR_OK)
        stop(w.text);
    o.so_fd = fd;
    if (slot_new(&o, &s, &w) != ERR_OK)
        stop(w.text);
    close(fd);
    buf_fini(&so);
    return s;
}

/* In order, so that the time its processes have used is counted as ours. */
static void slot_end(struct slot *s)
{
    struct pollfd closed = {.fd = slot_output(s)};
    shutdown(slot_socket(s), SHUT_RDWR);
    (void)poll(&closed, 1, 1000);
    slot_free(s);
}

static void give(struct slot *s, const char *body, size_t n)
{
    static uint64_t token;
    struct why w = {{0}};
    struct line_event e = {.id = id_new(clock_wall_ms()),
                           .received_ms = clock_wall_ms(),
                           .source = SPAN_LIT("shop"),
                           .type = SPAN_LIT("order.paid"),
                           .content_type = SPAN_LIT("application/json"),
                           .headers = SPAN_LIT("[[\"Content-Type\",\"application/json\"],[\"webhook-id\",\"msg_1\"]]"),
                           .body = span_of(body, n)};
    if (slot_run(s, &e, 1, 30000, clock_mono_ms() + 30000, ++token, &w) != ERR_OK)
        stop(w.text);
}

/* Everything that is there to hear; true when a run can be given. */
static bool hear(struct slot *s, int *outcomes, char *reason, size_t cap)
{
    bool waiting = false;
    for (;;) {
        struct slot_event e = slot_next(s);
        switch (e.kind) {
        case SLOT_NOTHING:
            return waiting;
        case SLOT_READY:
            break;
        case SLOT_WAITING:
            waiting = true;
            break;
        case SLOT_OUTCOME:
            ++*outcomes;
            if (reason)
                snprintf(reason, cap, "%.*s", (int)e.text.n, e.text.p ? e.text.p : "");
            break;
        default:
            stop("a slot ended");
        }
    }
}

static void wait_waiting(int epoll, struct slot *s, int *outcomes, char *reason, size_t cap)
{
    struct epoll_event ev;
    while (!hear(s, outcomes, reason, cap))
        if (epoll_wait(epoll, &ev, 1, 10000) <= 0)
            stop("a slot does not answer");
}

/* Nanoseconds for one of `runs` runs over n slots, one in flight at each. */
static double slot_runs(size_t n, int max_uses, int runs)
{
    static char body[BODY_BYTES];
    struct slot *slots[PEERS];
    int fds[PEERS] = {0}, sent = 0, got = 0;
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < n; i++) {
        slots[i] = slot_start("nothing", max_uses);
        fds[i] = slot_socket(slots[i]);
        int one = watch_all(&fds[i], 1);
        wait_waiting(one, slots[i], &got, NULL, 0);
        close(one);
    }
    int epoll = watch_all(fds, n), waiting = 0;
    int64_t begun = clock_mono_ns();
    for (size_t i = 0; i < n && sent < runs; i++, sent++)
        give(slots[i], body, sizeof body);
    while (waiting < runs) { /* a run is over when the next one could be given */
        struct epoll_event ev[PEERS];
        int ready = epoll_wait(epoll, ev, (int)n, 10000);
        if (ready <= 0)
            stop("a slot does not answer");
        for (int i = 0; i < ready; i++) {
            struct slot *s = slots[ev[i].data.u32];
            if (!hear(s, &got, NULL, 0))
                continue;
            waiting++;
            if (sent < runs && ++sent)
                give(s, body, sizeof body);
        }
    }
    double ns = (double)(clock_mono_ns() - begun) / runs;
    close(epoll);
    for (size_t i = 0; i < n; i++)
        slot_end(slots[i]);
    return ns;
}

/* Nanoseconds for one of about `forks` forks. They happen inside n slots, so that size and confinement are the same. */
static double bare_forks(size_t n, int forks)
{
    struct slot *slots[PEERS];
    int fds[PEERS] = {0}, outcomes = 0;
    char body[64], reason[64] = "";
    int body_bytes = snprintf(body, sizeof body, "{\"n\":%d}", forks / (int)n);
    for (size_t i = 0; i < n; i++) {
        slots[i] = slot_start("barefork", 0);
        fds[i] = slot_socket(slots[i]);
        int one = watch_all(&fds[i], 1);
        wait_waiting(one, slots[i], &outcomes, NULL, 0);
        close(one);
    }
    int epoll = watch_all(fds, n);
    int64_t begun = clock_mono_ns();
    for (size_t i = 0; i < n; i++)
        give(slots[i], body, (size_t)body_bytes);
    for (outcomes = 0; (size_t)outcomes < n;) {
        struct epoll_event ev[PEERS];
        int ready = epoll_wait(epoll, ev, (int)n, 30000);
        if (ready <= 0)
            stop("a slot does not answer");
        for (int i = 0; i < ready; i++)
            (void)hear(slots[ev[i].data.u32], &outcomes, reason, sizeof reason);
    }
    double ns = (double)(clock_mono_ns() - begun) / forks;
    if (forks && atof(reason) <= 0)
        stop("a bare fork failed");
    close(epoll);
    for (size_t i = 0; i < n; i++)
        slot_end(slots[i]);
    return ns;
}

/* ---- pairs ---- */

static double pooled_one(int n)
{
    return slot_runs(1, 0, n);
}

static double pooled_many(int n)
{
    return slot_runs(PEERS, 0, n);
}

static double forked_one(int n)
{
    return slot_runs(1, 1, n);
}

static double forked_many(int n)
{
    return slot_runs(PEERS, 1, n);
}

static double forks_one(int n)
{
    return bare_forks(1, n);
}

static double forks_many(int n)
{
    return bare_forks(PEERS, n);
}

static double trips_one(int n)
{
    return bare_trips(1, n);
}

static double trips_many(int n)
{
    return bare_trips(PEERS, n);
}

enum { BY_CLOCK, BY_PROCESSOR, MEASURES };

static const struct row {
    const char *key, *what[MEASURES];
    double (*ours)(int n), (*bare)(int n); /* nanoseconds for one of n */
    int n;
    double goal; /* of the ratio */
} rows[] = {
#define WHAT(text) {text, text ", processor time"}
    {"pool_1", WHAT("pooled run / bare round trip, 1 in flight"), pooled_one, trips_one, TRIPS, 3.0},
    {"pool_16", WHAT("pooled run / bare round trip, 16 in flight"), pooled_many, trips_many, TRIPS, 3.0},
    {"fork_1", WHAT("forked run / bare fork+exit+wait, 1 in flight"), forked_one, forks_one, FORKS, 1.5},
    {"fork_16", WHAT("forked run / bare fork+exit+wait, 16 in flight"), forked_many, forks_many, FORKS, 1.5},
#undef WHAT
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static double processor_us(void)
{
    double us = 0;
    for (int who = 0; who < 2; who++) {
        struct rusage u;
        getrusage(who ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
        us += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return us;
}

/* Microseconds for one of n. Of the processor's, what starting and ending cost is taken off. */
static void figure(double (*what)(int n), int n, double *clock_us, double *cpu_us)
{
    double begun = processor_us();
    (void)what(0);
    double empty = processor_us() - begun;
    begun = processor_us();
    *clock_us = what(n) / 1000;
    *cpu_us = (processor_us() - begun - empty) / n;
}

static void measure(const struct row *row, struct pairs p[MEASURES], int round)
{
    double ours[MEASURES], bare[MEASURES];
    bool first = pairs_ours_first(round);
    if (first)
        figure(row->ours, row->n, &ours[BY_CLOCK], &ours[BY_PROCESSOR]);
    figure(row->bare, row->n, &bare[BY_CLOCK], &bare[BY_PROCESSOR]);
    if (!first)
        figure(row->ours, row->n, &ours[BY_CLOCK], &ours[BY_PROCESSOR]);
    for (int m = 0; m < MEASURES; m++) {
        p[m].part = "run";
        p[m].what = row->what[m];
        p[m].unit = m == BY_CLOCK ? "us" : "CPU us";
        p[m].goal = row->goal;
        pairs_add(&p[m], ours[m], bare[m]);
    }
}

static bool wanted(const struct row *row, char **keys)
{
    bool found = !*keys;
    for (; *keys; keys++)
        found |= strcmp(*keys, row->key) == 0;
    return found;
}

static void settle(void)
{
    struct why w;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    log_init("bench", LOG_TEXT, LOG_WARN);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        fprintf(stderr, "cannot pin to one processor: the figures scatter\n");
    (void)setpriority(PRIO_PROCESS, 0, -20); /* where it may: other work on the machine then disturbs less */
    isolation = slot_probe(&w);
    fprintf(stderr, "  %s; all pinned to one processor\n", w.text);
}

int main(int argc, char **argv)
{
    static struct pairs pairs[ROWS][MEASURES];
    char **keys = argv + (argc > 0);
    settle();
    for (int round = 0; round < pairs_rounds(); round++)
        for (int i = 0; i < ROWS; i++)
            if (wanted(&rows[i], keys))
                measure(&rows[i], pairs[i], round);
    for (int i = 0; i < ROWS; i++)
        for (int m = 0; m < MEASURES && pairs[i]->n; m++)
            pairs_print(&pairs[i][m]);
    return 0;
}
