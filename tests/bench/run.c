/* SPDX-License-Identifier: MIT
 * run: what a run costs: a pooled run against a bare round trip over socket pairs, a forked run against a bare fork. Owner and
 * workers are pinned to one processor, on both sides alike. Pairs are measured in turn; the ratio's median is what counts, by
 * the clock and by the processor time of all processes, which other work on the machine disturbs less.
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
#include "worker/slot.h"

enum { ROUNDS = 9, ROUNDS_MAX = 99, PEERS = 16, TRIPS = 20000, FORKS = 1600, BODY_BYTES = 1024, PACKET_BYTES = 1024 };

static void stop(const char *what)
{
    die(EXIT_SYSTEM, "bench run: %s", what);
}

/* ---- the baseline: N processes that send back what they get ---- */

struct echo {
    pid_t pid;
    int fd;
};

static void echo_main(int fd)
{
    char packet[PACKET_BYTES];
    ssize_t n;
    while ((n = recv(fd, packet, sizeof packet, 0)) > 0)
        if (send(fd, packet, (size_t)n, MSG_NOSIGNAL) != n)
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
            if (recv(fd, packet, sizeof packet, 0) != sizeof packet)
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
    char path[256], start[256], program[SLOT_PATH_BYTES] = "./creel-worker";
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

static const struct pair {
    const char *key, *what;
    double (*ours)(int n), (*bare)(int n); /* nanoseconds for one of n */
    int n;
    double goal; /* of the ratio */
} pairs[] = {
    {"pool_1", "pooled run / bare round trip, 1 in flight", pooled_one, trips_one, TRIPS, 3.0},
    {"pool_16", "pooled run / bare round trip, 16 in flight", pooled_many, trips_many, TRIPS, 3.0},
    {"fork_1", "forked run / bare fork+exit+wait, 1 in flight", forked_one, forks_one, FORKS, 1.5},
    {"fork_16", "forked run / bare fork+exit+wait, 16 in flight", forked_many, forks_many, FORKS, 1.5},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* By one measure: the clock's, or the processor's. */
struct column {
    double ours[ROUNDS_MAX], bare[ROUNDS_MAX], ratio[ROUNDS_MAX];
};
enum { BY_CLOCK, BY_PROCESSOR, MEASURES };
static const struct {
    const char *name, *prefix;
} measures[MEASURES] = {{"clock", ""}, {"processor", "cpu_"}};

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

static void measure(const struct pair *p, struct column c[MEASURES], int round)
{
    double ours[MEASURES], bare[MEASURES];
    figure(p->ours, p->n, &ours[BY_CLOCK], &ours[BY_PROCESSOR]);
    figure(p->bare, p->n, &bare[BY_CLOCK], &bare[BY_PROCESSOR]);
    for (int m = 0; m < MEASURES; m++) {
        c[m].ours[round] = ours[m];
        c[m].bare[round] = bare[m];
        c[m].ratio[round] = ours[m] / bare[m];
    }
}

static void print_row(const struct pair *p, struct column c[MEASURES], int rounds)
{
    for (int m = 0; m < MEASURES; m++) {
        double ratio = median(c[m].ratio, rounds);
        printf("%-47s %-9s %8.2f %8.2f %6.2f  %5.2f-%-5.2f %4.1f\n", p->what, measures[m].name, median(c[m].ours, rounds),
               median(c[m].bare, rounds), ratio, c[m].ratio[0], c[m].ratio[rounds - 1], p->goal);
    }
}

static void print_json(const struct pair *p, struct column c[MEASURES], int rounds)
{
    printf(",\"%s\":{\"goal\":%.1f", p->key, p->goal);
    for (int m = 0; m < MEASURES; m++) {
        const char *prefix = measures[m].prefix;
        printf(",\"%sours_us\":%.3f,\"%sbare_us\":%.3f", prefix, median(c[m].ours, rounds), prefix, median(c[m].bare, rounds));
        printf(",\"%sratio\":%.3f", prefix, median(c[m].ratio, rounds));
        printf(",\"%sleast\":%.3f,\"%smost\":%.3f", prefix, c[m].ratio[0], prefix, c[m].ratio[rounds - 1]);
    }
    printf("}");
}

static bool wanted(const struct pair *p, char **keys)
{
    bool found = !*keys;
    for (; *keys; keys++)
        found |= strcmp(*keys, p->key) == 0;
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
    fprintf(stderr, "%s\n", w.text);
}

int main(int argc, char **argv)
{
    const char *text = getenv("ROUNDS");
    int rounds = text && atoi(text) > 0 && atoi(text) <= ROUNDS_MAX ? atoi(text) : ROUNDS;
    static struct column columns[PAIRS][MEASURES];
    char **keys = argv + (argc > 0);
    settle();
    for (int r = 0; r < rounds; r++)
        for (int p = 0; p < PAIRS; p++)
            if (wanted(&pairs[p], keys))
                measure(&pairs[p], columns[p], r);
    printf("%-47s %-9s %8s %8s %6s  %-11s %4s\n", "one processor, medians", "by", "ours us", "bare us", "ratio", "spread", "goal");
    for (int p = 0; p < PAIRS; p++)
        if (wanted(&pairs[p], keys))
            print_row(&pairs[p], columns[p], rounds);
    printf("{\"bench\":\"run\",\"rounds\":%d,\"namespaces\":%s", rounds, isolation == ISOLATION_NAMESPACES ? "true" : "false");
    for (int p = 0; p < PAIRS; p++)
        if (wanted(&pairs[p], keys))
            print_json(&pairs[p], columns[p], rounds);
    puts("}");
    return 0;
}
