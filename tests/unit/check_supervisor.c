/* SPDX-License-Identifier: MIT
 * check_supervisor: creeld with stand-ins for its roles (fake_role.c), and the pieces it is made of. The stand-ins and
 * sd_notify both report to one datagram socket, so that every test waits for what happens instead of sleeping.
 */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "supervisor/launch.h"
#include "supervisor/orphans.h"
#include "supervisor/spool_lock.h"
#include "supervisor/state.h"

enum { WAIT_MS = 10000, MESSAGES = 64 };

static struct fixture {
    char dir[64];
    int report;
    char config[256], script[256]; /* files: what load reads */
    pid_t creeld;
    char seen[MESSAGES][512];
    int n_seen;
} fx;

static void path_of(char *out, size_t n, const char *name)
{
    snprintf(out, n, "%s/%s", fx.dir, name);
}

static void write_file(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void write_file(const char *path, const char *fmt, ...)
{
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fclose(f);
}

static void write_config(const char *spool)
{
    write_file(fx.config,
               "{\"listen\": \"unix:%s/fastcgi.sock\", \"control\": \"%s/control.sock\", \"spool\": \"%s/%s\", \"functions\": \"%s\","
               " \"schemas\": \"%s/schemas\", \"worker\": \"/bin/true\", \"sources\": {\"a\": {\"path\": \"/a\", \"recipe\": \"none\","
               " \"allow_unsigned\": true, \"type\": \"const:a\"}}}",
               fx.dir, fx.dir, fx.dir, spool, fx.dir, fx.dir);
}

static void set_up(void)
{
    memset(&fx, 0, sizeof fx);
    snprintf(fx.dir, sizeof fx.dir, "/tmp/creel-super.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fx.dir));
    path_of(fx.config, sizeof fx.config, "creel.json");
    path_of(fx.script, sizeof fx.script, "script");
    write_config("spool");
    write_file(fx.script, "first");
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    path_of(at.sun_path, sizeof at.sun_path, "report");
    fx.report = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fx.report, (struct sockaddr *)&at, sizeof at), 0);
    setenv("CREEL_TEST_REPORT", at.sun_path, 1);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("NOT_FOR_FUNCTIONS", "1", 1);
}

static void tear_down(void)
{
    if (fx.creeld > 0) {
        kill(fx.creeld, SIGKILL);
        waitpid(fx.creeld, NULL, 0);
    }
    close(fx.report);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", fx.dir);
    ck_assert_int_eq(system(command), 0);
}

static void say_fault(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

/* The configuration is real, the snapshot is the script. A script "faulty" stands for a bad configuration, "hurried" for signals
 * that come while it is read. */
static enum err load(void *arg, const struct loaded *now, struct loaded *out)
{
    (void)arg;
    (void)now;
    struct buf b;
    buf_init(&b, 255);
    enum err e = fs_read(AT_FDCWD, fx.script, &b, NULL);
    if (!e && span_eq_str(buf_span(&b), "faulty"))
        e = ERR_INVALID;
    if (!e && span_eq_str(buf_span(&b), "hurried")) {
        raise(SIGHUP);
        raise(SIGTERM);
    }
    struct loaded s = {NULL, -1, -1};
    if (!e)
        e = config_read(fx.config, say_fault, NULL, &s.config);
    if (!e)
        e = fs_sealed("script", buf_span(&b), &s.snapshot, NULL);
    if (!e)
        e = fs_sealed("secrets", SPAN_LIT("secret"), &s.secrets, NULL);
    buf_fini(&b);
    if (!e)
        *out = s;
    return e;
}

static int run_creeld(void)
{
    struct supervisor_options o = {.program = FAKE_ROLE, .load = load, .lock_wait_ms = 100};
    return supervisor_run(&o);
}

static void start_creeld(void)
{
    fx.creeld = fork();
    ck_assert_int_ge(fx.creeld, 0);
    if (fx.creeld == 0)
        _exit(run_creeld());
}

static int wait_exit(void)
{
    int status;
    ck_assert_int_eq(waitpid(fx.creeld, &status, 0), fx.creeld);
    fx.creeld = 0;
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Wait for a message that begins so; take it from the list, return what follows. Others stay for later. */
static const char *expect(const char *prefix)
{
    static char rest[512];
    int64_t end_ms = clock_mono_ms() + WAIT_MS;
    for (int i = 0;; i++) {
        if (i == fx.n_seen) {
            struct pollfd p = {.fd = fx.report, .events = POLLIN};
            int left_ms = (int)(end_ms - clock_mono_ms());
            ck_assert_msg(left_ms > 0 && poll(&p, 1, left_ms) == 1, "no message '%s…'", prefix);
            ck_assert_int_lt(fx.n_seen, MESSAGES);
            ssize_t n = recv(fx.report, fx.seen[i], sizeof fx.seen[i] - 1, 0);
            ck_assert_int_gt(n, 0);
            fx.seen[i][n] = 0;
            fx.n_seen++;
        }
        if (strncmp(fx.seen[i], prefix, strlen(prefix)) != 0)
            continue;
        snprintf(rest, sizeof rest, "%s", fx.seen[i] + strlen(prefix));
        memmove(fx.seen[i], fx.seen[i + 1], (size_t)(--fx.n_seen - i) * sizeof fx.seen[0]);
        return rest;
    }
}

static bool was_seen(const char *prefix)
{
    for (int i = 0; i < fx.n_seen; i++)
        if (strncmp(fx.seen[i], prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

static pid_t expect_pid(const char *prefix)
{
    return (pid_t)atol(expect(prefix));
}

START_TEST(starts_and_stops_in_order)
{
    char path[128];
    struct stat st;
    start_creeld();
    ck_assert_str_eq(expect("intake descriptors"), " 0 1 2 3 4 5 6 7 8 9");
    ck_assert_str_eq(expect("dispatch descriptors"), " 0 1 2 3 4 5 6 7 8 9");
    ck_assert_str_eq(expect("intake environment "), "whole");
    ck_assert_str_eq(expect("dispatch environment "), "clean");
    expect("READY=1");
    path_of(path, sizeof path, "control.sock");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    kill(fx.creeld, SIGTERM);
    expect("STOPPING=1");
    expect("dispatch stop 1");
    expect("intake stop 1");
    expect("intake stop 2");
    ck_assert_int_eq(wait_exit(), 0);
    ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

START_TEST(restarts_what_dies)
{
    start_creeld();
    pid_t intake = expect_pid("intake started "), dispatch = expect_pid("dispatch started ");
    expect("READY=1");
    kill(intake, SIGKILL);
    ck_assert_int_ne(expect_pid("intake started "), intake);
    expect("READY=1");
    kill(dispatch, SIGKILL);
    ck_assert_int_ne(expect_pid("dispatch started "), dispatch);
    expect("READY=1");
    kill(fx.creeld, SIGINT);
    ck_assert_int_eq(wait_exit(), 0);
}
END_TEST

START_TEST(kills_what_dispatch_left_before_the_next)
{
    write_file(fx.script, "dispatch-orphan");
    start_creeld();
    pid_t orphan = expect_pid("dispatch orphan "), dispatch = expect_pid("dispatch started ");
    expect("READY=1");
    ck_assert_int_eq(kill(orphan, 0), 0);
    kill(dispatch, SIGKILL);
    expect("dispatch started ");
    ck_assert(kill(orphan, 0) == -1 && errno == ESRCH);
    orphan = expect_pid("dispatch orphan ");
    kill(fx.creeld, SIGTERM);
    ck_assert_int_eq(wait_exit(), 0);
    ck_assert(kill(orphan, 0) == -1 && errno == ESRCH);
}
END_TEST

START_TEST(reload_switches_both)
{
    start_creeld();
    pid_t intake = expect_pid("intake started ");
    expect("READY=1");
    write_file(fx.script, "second");
    kill(fx.creeld, SIGHUP);
    expect("RELOADING=1");
    ck_assert_str_eq(expect("intake prepare "), "2 second");
    ck_assert_str_eq(expect("dispatch prepare "), "1 second");
    expect("intake switch second");
    expect("dispatch switch second");
    expect("READY=1");
    kill(intake, SIGKILL); /* the next one starts with what was last good */
    ck_assert_ptr_nonnull(strstr(expect("intake started "), "second"));
}
END_TEST

START_TEST(reload_refused_by_one_changes_nothing)
{
    start_creeld();
    pid_t intake = expect_pid("intake started ");
    expect("READY=1");
    write_file(fx.script, "dispatch-rejects");
    kill(fx.creeld, SIGHUP);
    expect("intake prepare ");
    expect("intake discard");
    expect("READY=1");
    ck_assert(!was_seen("intake switch") && !was_seen("dispatch switch"));
    kill(intake, SIGKILL);
    ck_assert_ptr_nonnull(strstr(expect("intake started "), "first"));
    write_file(fx.script, "third");
    kill(fx.creeld, SIGHUP); /* and the next good one goes through */
    expect("intake switch third");
}
END_TEST

START_TEST(reload_of_a_faulty_file_reaches_nobody)
{
    start_creeld();
    expect("READY=1");
    write_file(fx.script, "faulty");
    kill(fx.creeld, SIGHUP);
    expect("RELOADING=1");
    expect("READY=1");
    write_file(fx.script, "second");
    write_config("elsewhere"); /* the spool cannot change while running */
    kill(fx.creeld, SIGHUP);
    expect("RELOADING=1");
    expect("READY=1");
    ck_assert(!was_seen("intake prepare"));
    kill(fx.creeld, SIGTERM);
    ck_assert_int_eq(wait_exit(), 0);
    ck_assert(!was_seen("intake prepare"));
}
END_TEST

START_TEST(a_second_creeld_is_refused)
{
    start_creeld();
    expect("READY=1");
    ck_assert_int_eq(run_creeld(), EXIT_SYSTEM);
    char path[128];
    struct stat st;
    path_of(path, sizeof path, "control.sock");
    ck_assert_int_eq(stat(path, &st), 0); /* and has not touched the first one's sockets */
}
END_TEST

START_TEST(a_role_that_refuses_ends_the_start)
{
    write_file(fx.script, "intake-refuses");
    start_creeld();
    ck_assert_int_eq(wait_exit(), 100);
}
END_TEST

START_TEST(signals_during_the_start_are_heard)
{
    write_file(fx.script, "hurried");
    start_creeld();
    expect("STOPPING=1");
    ck_assert_int_eq(wait_exit(), 0);
}
END_TEST

START_TEST(roles_hear_when_creeld_is_killed)
{
    start_creeld();
    expect("READY=1");
    kill(fx.creeld, SIGKILL);
    expect("intake closed");
    expect("dispatch closed");
}
END_TEST

/* Late stops are a matter of time given in: nobody waits here. */
START_TEST(a_role_that_does_not_stop_is_killed)
{
    struct config c = {.stop_timeout = 1000};
    struct supervisor s = {.now.config = &c, .next = {NULL, -1, -1}, .notify.fd = -1, .phase = PHASE_RUNNING};
    for (int k = 0; k < ROLE_KINDS; k++)
        s.roles[k] = (struct role){.kind = (enum role_kind)k, .channel = -1};
    struct role *dispatch = &s.roles[ROLE_DISPATCH];
    dispatch->state = ROLE_READY;
    dispatch->pid = fork();
    if (dispatch->pid == 0)
        for (;;)
            pause();
    int status;
    stop_begin(&s, 0);
    int64_t at_ms = stop_deadline_ms(&s);
    ck_assert_int_ge(at_ms, c.stop_timeout);
    stop_step(&s, at_ms - 1);
    ck_assert_int_eq(waitpid(dispatch->pid, &status, WNOHANG), 0);
    stop_step(&s, at_ms);
    ck_assert_int_eq(waitpid(dispatch->pid, &status, 0), dispatch->pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    role_ended(dispatch, at_ms);
    stop_step(&s, at_ms);
    ck_assert_int_eq(s.phase, PHASE_ENDED);
}
END_TEST

START_TEST(role_states)
{
    for (int from = 0; from < ROLE_STATES; from++) {
        ck_assert(!role_may((enum role_state)from, (enum role_state)from));
        bool runs = from != ROLE_DOWN && from != ROLE_WAITING;
        ck_assert_int_eq(role_may((enum role_state)from, ROLE_STOPPING), runs && from != ROLE_STOPPING);
        ck_assert_int_eq(role_may((enum role_state)from, ROLE_WAITING), runs && from != ROLE_STOPPING);
        ck_assert_int_eq(role_may((enum role_state)from, ROLE_STARTING), !runs);
        ck_assert_int_eq(role_may((enum role_state)from, ROLE_PREPARED), from == ROLE_PREPARING);
        ck_assert_int_eq(role_may((enum role_state)from, ROLE_PREPARING), from == ROLE_READY);
    }
    int64_t last = 0;
    for (unsigned n = 1; n < 100; n++) {
        int64_t ms = role_backoff_ms(n);
        ck_assert(ms >= last && ms >= ROLE_BACKOFF_FIRST_MS && ms <= ROLE_BACKOFF_MAX_MS);
        last = ms;
    }
    ck_assert_int_eq(last, ROLE_BACKOFF_MAX_MS);
    struct role r = {.state = ROLE_READY, .channel = -1, .ready_ms = 1, .failures = 9};
    role_ended(&r, 1 + ROLE_SOUND_MS);
    ck_assert_int_eq(r.start_at_ms, 1 + ROLE_SOUND_MS + ROLE_BACKOFF_FIRST_MS);
}
END_TEST

START_TEST(unix_socket_has_its_rights_before_its_name)
{
    char path[128], other[128];
    struct listener a, b;
    struct stat st;
    struct why w;
    path_of(path, sizeof path, "new/folder.sock");
    struct listen_rights rights = {0640, (uid_t)-1, (gid_t)-1};
    ck_assert_int_eq(listen_open(path, &rights, &a, &w), ERR_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(listen_open(path, &rights, &b, &w), ERR_OK); /* a successor takes the name over */
    listen_close(&a);
    ck_assert_int_eq(stat(path, &st), 0); /* which stays the successor's */
    listen_close(&b);
    ck_assert_int_ne(stat(path, &st), 0);
    path_of(other, sizeof other, "file");
    write_file(other, "precious");
    ck_assert_int_eq(listen_open(other, &rights, &a, &w), ERR_EXISTS);
    ck_assert_ptr_nonnull(strstr(w.text, other));
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[120] = 0;
    ck_assert_int_eq(listen_open(path, &rights, &a, &w), ERR_INVALID);
}
END_TEST

START_TEST(tcp_and_inherited_sockets)
{
    struct listener a, b;
    struct why w;
    struct listen_rights rights = {0600, (uid_t)-1, (gid_t)-1};
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    ck_assert_int_eq(bind(probe, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(probe, (struct sockaddr *)&at, &n), 0);
    close(probe);
    char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(at.sin_port));
    ck_assert_int_eq(listen_open(text, &rights, &a, &w), ERR_OK);
    ck_assert_int_ne(listen_open(text, &rights, &b, &w), ERR_OK);
    ck_assert_ptr_nonnull(strstr(w.text, text));
    int given = dup(a.fd);
    snprintf(text, sizeof text, "fd:%d", given);
    ck_assert_int_eq(listen_open(text, &rights, &b, &w), ERR_OK);
    ck_assert_int_ge(b.fd, ROLE_FD_FIRST_FREE);
    snprintf(text, sizeof text, "fd:%d", fx.report);
    ck_assert_int_eq(listen_open(text, &rights, &b, &w), ERR_INVALID);
    ck_assert_int_eq(listen_open("fd:999", &rights, &b, &w), ERR_SYSTEM);
    ck_assert_int_eq(listen_open("nonsense", &rights, &b, &w), ERR_INVALID);
}
END_TEST

START_TEST(spool_is_made_and_locked)
{
    char path[128];
    int dir, other_dir, lock, other;
    struct identity stay = {0};
    struct why w;
    path_of(path, sizeof path, "no/spool");
    ck_assert_int_eq(spool_lock_open(path, &stay, &dir, &w), ERR_SYSTEM);
    path_of(path, sizeof path, "spool");
    ck_assert_int_eq(spool_lock_open(path, &stay, &dir, &w), ERR_OK);
    ck_assert_int_eq(spool_lock_take(dir, path, 0, &lock, &w), ERR_OK);
    ck_assert_int_eq(spool_lock_open(path, &stay, &other_dir, &w), ERR_OK);
    ck_assert_int_eq(spool_lock_take(other_dir, path, 0, &other, &w), ERR_DENIED);
    char pid[32];
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(w.text, pid));
    close(lock);
    ck_assert_int_eq(spool_lock_take(other_dir, path, 0, &other, &w), ERR_OK);
}
END_TEST

/* Run in a child, so that the test itself keeps its rights. */
static int become_nobody(bool keep)
{
    struct identity id;
    struct why w;
    if (identity_find("nobody", &id, &w) != ERR_OK || identity_take(&id, keep, &w) != ERR_OK)
        return 1;
    if (getuid() != id.uid || geteuid() != id.uid || getgid() != id.gid || (!keep && setuid(0) == 0))
        return 2;
    int has = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_ADMIN, 0, 0);
    int others = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_DAC_OVERRIDE, 0, 0);
    return has == (keep ? 1 : 0) && others == 0 ? 0 : 3;
}

START_TEST(identity_is_taken_for_good)
{
    struct identity id;
    struct why w;
    ck_assert_int_eq(identity_find("", &id, &w), ERR_OK);
    ck_assert(!id.change);
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(identity_find("no-such-user", &id, &w), ERR_NOT_FOUND);
    for (int keep = 0; keep < 2; keep++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(become_nobody(keep));
        int status;
        waitpid(pid, &status, 0);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

START_TEST(clean_environment_keeps_the_whitelist)
{
    char *env[] = {(char[]){"PATH=/bin"}, (char[]){"AWS_SECRET=x"}, (char[]){"CREEL_X=1"}, (char[]){"PATHS=x"}, NULL};
    char **clean = launch_clean_environment(env);
    ck_assert_str_eq(clean[0], "PATH=/bin");
    ck_assert_str_eq(clean[1], "CREEL_X=1");
    ck_assert_ptr_null(clean[2]);
    free(clean);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("supervisor");
    TCase *t = tcase_create("supervisor");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, starts_and_stops_in_order);
    tcase_add_test(t, restarts_what_dies);
    tcase_add_test(t, kills_what_dispatch_left_before_the_next);
    tcase_add_test(t, reload_switches_both);
    tcase_add_test(t, reload_refused_by_one_changes_nothing);
    tcase_add_test(t, reload_of_a_faulty_file_reaches_nobody);
    tcase_add_test(t, a_second_creeld_is_refused);
    tcase_add_test(t, a_role_that_refuses_ends_the_start);
    tcase_add_test(t, signals_during_the_start_are_heard);
    tcase_add_test(t, roles_hear_when_creeld_is_killed);
    tcase_add_test(t, a_role_that_does_not_stop_is_killed);
    tcase_add_test(t, role_states);
    tcase_add_test(t, unix_socket_has_its_rights_before_its_name);
    tcase_add_test(t, tcp_and_inherited_sockets);
    tcase_add_test(t, spool_is_made_and_locked);
    tcase_add_test(t, identity_is_taken_for_good);
    tcase_add_test(t, clean_environment_keeps_the_whitelist);
    suite_add_tcase(s, t);
    return suite_run(s);
}
