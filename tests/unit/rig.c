/* SPDX-License-Identifier: MIT
 * rig: pen and supervisor for dispatch's tests.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "dispatch/dispatch.h"
#include "spool/fsck.h"

enum { PUMP_MS = 5, TICK_MS = 50, TEXT_BYTES = 64 << 20, SEGMENT_BYTES = 1 << 20 };

static void must(bool good, const char *what)
{
    ck_assert_msg(good, "%s: %s", what, strerror(errno));
}

static void write_file(const char *path, const char *text)
{
    struct why w;
    ck_assert_msg(fs_replace(AT_FDCWD, path, span_str(text), 0644, &w) == ERR_OK, "%s", w.text);
}

static void report(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

static void configure(struct rig *r, const char *more)
{
    char worker[4096], path[RIG_PATH_BYTES + 32];
    struct buf b;
    struct config *c;
    struct why w;
    must(realpath("creel-worker", worker) != NULL, "creel-worker");
    buf_init(&b, 64 * 1024);
    buf_printf(&b, "{\"listen\":\"unix:%s/fcgi\",\"control\":\"%s/control\",\"spool\":\"%s\",\"functions\":\"%s\",\"stock\":\"stock\",\"worker\":\"%s\",\"stop_timeout\":\"300ms\"%s}\n",
               r->dir, r->dir, r->spool, r->functions, worker, more);
    buf_putc(&b, '\0');
    snprintf(path, sizeof path, "%s/creel.json", r->dir);
    write_file(path, b.p);
    buf_fini(&b);
    ck_assert(config_load(path, report, NULL, &c) == ERR_OK);
    ck_assert_msg(config_snapshot(c, &r->snapshot_fd, &w) == ERR_OK, "%s", w.text);
    config_free(c);
}

static int64_t wall(void)
{
    return clock_wall_ms();
}

static void open_journal(struct rig *r)
{
    struct journal_recovery found;
    struct why w;
    struct journal_options o = {.spool_fd = r->spool_fd, .segment_bytes = SEGMENT_BYTES, .safe = &r->shared->safe, .wall_ms = wall};
    ck_assert_msg(journal_open(&o, 1000, NULL, NULL, &r->j, &found, &w) == ERR_OK, "%s", w.text);
}

static void listen_control(struct rig *r)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/control", r->dir);
    r->control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    must(r->control_fd >= 0 && bind(r->control_fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(r->control_fd, 8) == 0, "control");
}

void rig_init(struct rig *r, const char *more)
{
    struct why w;
    *r = (struct rig){.dir = "/tmp/creel-rig.XXXXXX"};
    must(mkdtemp(r->dir) != NULL, "mkdtemp");
    char stock[RIG_PATH_BYTES];
    snprintf(stock, sizeof stock, "%s/stock", r->dir);
    snprintf(r->spool, sizeof r->spool, "%s/spool", r->dir);
    snprintf(r->functions, sizeof r->functions, "%s/functions", r->dir);
    snprintf(r->log, sizeof r->log, "%s/log", r->dir);
    must(mkdir(r->spool, 0755) == 0 && mkdir(r->functions, 0755) == 0 && mkdir(stock, 0755) == 0, "mkdir");
    r->spool_fd = open(r->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert(shared_create(&r->shared_fd, &w) == ERR_OK && shared_map(r->shared_fd, &r->shared, &w) == ERR_OK);
    log_init("check", LOG_TEXT, LOG_ERROR);
    listen_control(r);
    configure(r, more);
    ck_assert(channel_pair(r->supervisor, &w) == ERR_OK && channel_pair(r->peer, &w) == ERR_OK);
    open_journal(r);
    r->ledger = ledger_new(true);
    ck_assert_msg(reader_open(r->spool_fd, (struct pos){0}, NULL, NULL, &r->reader, &w) == ERR_OK, "%s", w.text);
    buf_init(&r->story, TEXT_BYTES);
    r->message = malloc(CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head));
}

void rig_new_pen(struct rig *r)
{
    journal_close(r->j);
    open_journal(r);
}

static void read_anew(struct rig *r)
{
    struct why w;
    reader_free(r->reader);
    ledger_free(r->ledger);
    r->ledger = ledger_new(true);
    memset(r->lines, 0, sizeof r->lines);
    ck_assert_msg(reader_open(r->spool_fd, (struct pos){0}, NULL, NULL, &r->reader, &w) == ERR_OK, "%s", w.text);
}

void rig_new_house(struct rig *r)
{
    if (r->j)
        journal_close(r->j);
    r->shared->safe = 0;
    r->shared->dispatching = 0;
    r->damaged = true;
    open_journal(r);
    read_anew(r);
}

void rig_fini(struct rig *r)
{
    char command[128];
    if (r->pid)
        rig_kill(r);
    journal_close(r->j);
    reader_free(r->reader);
    ledger_free(r->ledger);
    buf_fini(&r->story);
    free(r->message);
    for (int i = 0; i < 2; i++) {
        close(r->supervisor[i]);
        close(r->peer[i]);
    }
    close(r->control_fd);
    close(r->shared_fd);
    close(r->snapshot_fd);
    close(r->spool_fd);
    snprintf(command, sizeof command, "rm -rf '%s'", r->dir);
    ck_assert_int_eq(system(command), 0);
}

/* ---- the process ---- */

static void become_dispatch(const struct rig *r)
{
    int null = open("/dev/null", O_RDWR), log = open(r->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int from[ROLE_FD_FIRST_FREE] = {null, log, log, r->supervisor[1], r->peer[1], r->shared_fd, r->snapshot_fd, null, r->control_fd, null};
    int high[ROLE_FD_FIRST_FREE];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < ROLE_FD_FIRST_FREE; i++)
        high[i] = fcntl(from[i], F_DUPFD, 100);
    for (int i = 0; i < ROLE_FD_FIRST_FREE; i++)
        dup2(high[i], i);
    (void)close_range(ROLE_FD_FIRST_FREE, ~0u, 0);
    _exit(dispatch_main()); /* no leak check: what it would find is the journal of the process we were forked from */
}

void rig_start(struct rig *r)
{
    fflush(NULL);
    r->pid = fork();
    must(r->pid >= 0, "fork");
    if (r->pid == 0)
        become_dispatch(r);
}

void rig_kill(struct rig *r)
{
    kill(r->pid, SIGKILL);
    must(waitpid(r->pid, NULL, 0) == r->pid, "waitpid");
    r->pid = 0;
}

int rig_stop(struct rig *r)
{
    int status = 0;
    pid_t ended = 0;
    ck_assert(channel_send(r->supervisor[0], CHANNEL_STOP, SPAN_NONE, NULL, 0) == ERR_OK);
    rig_until(r, ended != 0 || (ended = waitpid(r->pid, &status, WNOHANG)) != 0);
    r->pid = 0;
    rig_pump(r);
    ck_assert(ended > 0 && WIFEXITED(status));
    return WEXITSTATUS(status);
}

void rig_fail(struct rig *r, const char *what)
{
    struct buf b;
    struct why w;
    buf_init(&b, TEXT_BYTES);
    (void)fs_read(AT_FDCWD, r->log, &b, &w);
    size_t skip = b.n > 6000 ? b.n - 6000 : 0;
    fprintf(stderr, "---- dispatch said:\n%.*s----\n", (int)(b.n - skip), b.p ? b.p + skip : "");
    ck_abort_msg("never became true: %s", what);
    abort();
}

/* ---- functions ---- */

void rig_sidecar(struct rig *r, const char *name, const char *text)
{
    char path[2 * RIG_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s.json", r->functions, name);
    write_file(path, text);
}

void rig_drop(struct rig *r, const char *so, const char *name, const char *sidecar)
{
    char path[2 * RIG_PATH_BYTES];
    struct buf b;
    struct why w;
    if (sidecar)
        rig_sidecar(r, name, sidecar);
    buf_init(&b, TEXT_BYTES);
    snprintf(path, sizeof path, "tests/functions/%s.so", so);
    ck_assert_msg(fs_read(AT_FDCWD, path, &b, &w) == ERR_OK, "%s", w.text);
    snprintf(path, sizeof path, "%s/%s.so", r->functions, name);
    ck_assert_msg(fs_replace(AT_FDCWD, path, buf_span(&b), 0755, &w) == ERR_OK, "%s", w.text);
    buf_fini(&b);
}

void rig_remove(struct rig *r, const char *name)
{
    char path[2 * RIG_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s.so", r->functions, name);
    must(unlink(path) == 0, path);
}

/* ---- the pen ---- */

struct id rig_put(struct rig *r, const char *source, const char *type, const char *act, const char *body, bool unsigned_source)
{
    char headers[128];
    struct buf b;
    struct id id = id_new(clock_wall_ms());
    snprintf(headers, sizeof headers, "[[\"Do\",\"%s\"]]", act);
    struct line_event e = {.id = id, .received_ms = id_time_ms(&id), .source = span_str(source), .type = span_str(type),
                           .headers = span_str(headers), .body = span_str(body), .synced = true, .unsigned_source = unsigned_source};
    buf_init(&b, TEXT_BYTES);
    line_put_event(&b, &e);
    ck_assert_int_eq(journal_append(r->j, buf_span(&b), NULL, false), ERR_OK);
    buf_fini(&b);
    return id;
}

void rig_commit(struct rig *r)
{
    struct why w;
    ck_assert_msg(journal_commit(r->j, true, &w) == ERR_OK, "%s", w.text);
    atomic_store(&r->shared->recorded, r->mark);
    (void)channel_send(r->peer[0], CHANNEL_NUDGE, SPAN_NONE, NULL, 0);
}

struct id rig_event(struct rig *r, const char *type, const char *act, const char *body)
{
    struct id id = rig_put(r, "shop", type, act, body, false);
    rig_commit(r);
    return id;
}

static void take_records(struct rig *r, struct span payload)
{
    uint64_t mark;
    ck_assert_uint_gt(payload.n, sizeof mark);
    memcpy(&mark, payload.p, sizeof mark);
    ck_assert_uint_gt(mark, r->mark);
    r->mark = mark;
    payload = span_skip(payload, sizeof mark);
    while (payload.n >= sizeof(uint32_t)) {
        uint32_t n;
        memcpy(&n, payload.p, sizeof n);
        payload = span_skip(payload, sizeof n);
        ck_assert_uint_le(n, payload.n);
        ck_assert_int_eq(journal_append(r->j, span_of(payload.p, n), NULL, true), ERR_OK);
        payload = span_skip(payload, n);
    }
    ck_assert_uint_eq(payload.n, 0);
}

static void take_large(struct rig *r, struct channel_message *m)
{
    struct buf b;
    struct why w;
    ck_assert_uint_eq(m->n_fds, 1);
    buf_init(&b, TEXT_BYTES);
    ck_assert_int_eq(fs_read_fd(m->fds[0], &b, &w), ERR_OK);
    ck_assert_int_eq(journal_append(r->j, buf_span(&b), NULL, true), ERR_OK);
    buf_fini(&b);
    close(m->fds[0]);
}

static bool take_message(struct rig *r)
{
    struct channel_message m;
    if (channel_recv(r->peer[0], r->message, CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head), false, &m) != ERR_OK)
        return false;
    if (m.type == CHANNEL_RECORDS)
        take_records(r, m.payload);
    else if (m.type == CHANNEL_LARGE)
        take_large(r, &m);
    else if (m.type == CHANNEL_RETIRE) {
        uint32_t segment;
        struct why w;
        memcpy(&segment, m.payload.p, sizeof segment);
        ck_assert_msg(journal_retire(r->j, segment, &w) == ERR_OK, "%s", w.text);
    }
    return true;
}

static void read_lines(struct rig *r)
{
    struct line line;
    struct pos at, safe = pos_unpack(r->shared->safe);
    struct why w;
    while (reader_next(r->reader, &safe, &line, &at, &w) == ERR_OK) {
        r->lines[line.kind]++;
        enum err e = ledger_apply(r->ledger, &line, at, NULL);
        ck_assert_msg(e == ERR_OK || r->damaged, "%s: %.*s", err_code(e), (int)line.text.n, line.text.p);
        if (r->watching && line.has_id && id_cmp(&line.id, &r->watched) == 0) {
            buf_put_span(&r->story, line.text);
            buf_putc(&r->story, '\n');
        }
    }
}

void rig_pump(struct rig *r)
{
    struct pollfd p = {.fd = r->peer[0], .events = POLLIN};
    (void)poll(&p, 1, PUMP_MS);
    bool any = false;
    while (take_message(r))
        any = true;
    if (any)
        rig_commit(r);
    if (clock_mono_ms() >= r->tick_ms) {
        journal_tick(r->j);
        r->tick_ms = clock_mono_ms() + TICK_MS;
    }
    read_lines(r);
}

/* ---- looking ---- */

void rig_watch(struct rig *r, const struct id *id)
{
    r->watching = true;
    r->watched = *id;
}

enum state rig_state(struct rig *r, const struct id *id)
{
    const struct entry *e = ledger_find(r->ledger, id);
    return e ? ledger_state(e) : STATE_PENDING;
}

const struct invocation *rig_invocation(struct rig *r, const struct id *id)
{
    const struct entry *e = ledger_find(r->ledger, id);
    return e && e->n == 1 ? e->inv : NULL;
}

bool rig_logged(struct rig *r, const char *text)
{
    struct buf b;
    struct why w;
    buf_init(&b, TEXT_BYTES);
    bool found = fs_read(AT_FDCWD, r->log, &b, &w) == ERR_OK && b.n && memmem(b.p, b.n, text, strlen(text));
    buf_fini(&b);
    return found;
}

bool rig_has(struct rig *r, const char *path)
{
    return faccessat(r->spool_fd, path, F_OK, 0) == 0;
}

const char *rig_ask(struct rig *r, const char *request)
{
    static char answer[1 << 20];
    size_t n = 0;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/control", r->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connect");
    ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    ck_assert_int_eq(write(fd, "\n", 1), 1);
    int64_t until = clock_mono_ms() + RIG_PATIENCE_MS;
    while (n == 0 || answer[n - 1] != '\n') {
        ssize_t got = recv(fd, answer + n, sizeof answer - n - 1, MSG_DONTWAIT);
        ck_assert_msg(got != 0 && clock_mono_ms() < until, "no answer to %s", request);
        if (got > 0)
            n += (size_t)got;
        else
            rig_pump(r);
    }
    answer[n] = '\0';
    close(fd);
    return answer;
}

const char *rig_creel(struct rig *r, const char *arguments, int *status)
{
    static char out[4 << 20];
    char command[4096];
    size_t n = 0;
    snprintf(command, sizeof command, "./creel -c %s/creel.json %s 2>%s/err", r->dir, arguments, r->dir);
    FILE *f = popen(command, "r");
    must(f != NULL, command);
    int fd = fileno(f);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t got = read(fd, out + n, sizeof out - n - 1);
        if (got == 0)
            break;
        if (got > 0)
            n += (size_t)got;
        else
            rig_pump(r); /* it may be waiting for dispatch, and dispatch for us */
    }
    out[n] = 0;
    int ended = pclose(f);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
    return out;
}

static void on_report(void *arg, bool finding, const char *text)
{
    (void)arg;
    if (finding)
        fprintf(stderr, "fsck: %s\n", text);
}

void rig_check_spool(struct rig *r)
{
    struct fsck_summary sum;
    struct why w;
    if (r->pid && rig_stop(r) != 0)
        rig_fail(r, "stop ends with 0");
    rig_new_pen(r); /* so that what it was sent last is closed */
    ck_assert_msg(fsck_run(r->spool_fd, on_report, NULL, &sum, &w) == ERR_OK, "%s", w.text);
    if (sum.findings)
        rig_fail(r, "fsck finds nothing wrong");
}
