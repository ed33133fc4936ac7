/* SPDX-License-Identifier: MIT
 * check_slot: a real creel-worker with functions that behave and functions that do not. Every case runs in each way a slot can
 * be isolated here: as root, as root with the function under another user, all as an ordinary user, and both again without
 * namespaces. Afterwards nothing is left running.
 */
#include "config.h"
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "worker/slot.h"
#include "worker/wire.h"

enum { NOBODY = 65534, PATIENCE_MS = 20000, PROCESSES = 24, MEMORY_MIB = 64 };
enum way { AS_IS, OTHER_USER, ORDINARY, BARE, BARE_ORDINARY, WAYS };
static const char *const way_names[WAYS] = {"as it is", "another user", "an ordinary owner", "no namespaces",
                                            "no namespaces, an ordinary owner"};

static enum way way;
static char dir[64], worker[128], secret[128], mark[16];
static struct slot *slot;
static struct buf said; /* what was relayed: "text\n", log lines as "LEVEL text\n" */
static char reason[WIRE_TEXT_BYTES + 1];
static const char *config_json = "null";
static int max_uses;
static bool bare(void)
{
    return way == BARE || way == BARE_ORDINARY;
}

/* ---- the rig ---- */

static void put_file(const char *path, struct span content, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_pwrite_all(fd, content, 0), ERR_OK);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void copy_worker(void)
{
    struct buf b;
    struct why w;
    buf_init(&b, 64 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, "creel-worker", &b, &w) == ERR_OK, "%s", w.text);
    put_file(worker, buf_span(&b), 0755);
    buf_fini(&b);
}

static int load_copy(const char *name)
{
    char path[256];
    struct buf b;
    struct why w;
    int fd;
    snprintf(path, sizeof path, "tests/functions/%s.so", name);
    buf_init(&b, 64 << 20);
    ck_assert_msg(fs_read(AT_FDCWD, path, &b, &w) == ERR_OK, "%s", w.text);
    ck_assert_msg(fs_sealed(name, buf_span(&b), &fd, &w) == ERR_OK, "%s", w.text);
    buf_fini(&b);
    return fd;
}

/* A folder that everybody may look into, with a worker that everybody may run and a hidden folder that the owner may read. */
static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/creel-slot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0777), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0); /* an ordinary user must be able to remove it */
    snprintf(worker, sizeof worker, "%s/creel-worker", dir);
    copy_worker();
    snprintf(secret, sizeof secret, "%s/hidden", dir);
    ck_assert_int_eq(mkdir(secret, 0777), 0);
    ck_assert_int_eq(chmod(secret, 0777), 0);
    snprintf(secret, sizeof secret, "%s/hidden/secret", dir);
    put_file(secret, SPAN_LIT("a secret"), 0666);
    snprintf(mark, sizeof mark, "ck%d", getpid());
    buf_init(&said, 4 << 20);
    log_init("check", LOG_TEXT, LOG_DEBUG);
}

static void remove_folder(void)
{
    const char *const names[] = {"hidden/secret", "hidden/new", "hidden", "beside", "key", "creel-worker"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)remove(path);
    }
    (void)remove(dir);
}

static void tear_down(void)
{
    slot_free(slot);
    slot = NULL;
    remove_folder();
    buf_fini(&said);
}

static enum isolation go_way(int i)
{
    struct why w;
    way = (enum way)i;
    if ((way == ORDINARY || way == BARE_ORDINARY) && geteuid() == 0) {
        ck_assert_int_eq(setgid(NOBODY), 0);
        ck_assert_int_eq(setuid(NOBODY), 0);
    }
    if (bare())
        return ISOLATION_NONE;
    enum isolation found = slot_probe(&w);
    ck_assert_msg(found == ISOLATION_NAMESPACES, "%s", w.text);
    return found;
}

static void start(int i, const char *function)
{
    enum isolation isolation = go_way(i);
    struct buf json;
    struct why w = {{0}};
    buf_init(&json, WIRE_FRAME_BYTES);
    buf_printf(&json,
               "{\"name\":\"%s\",\"config\":%s,\"secrets\":{\"token\":\"s\\u00e9cret\"},\"max_uses\":%d,\"memory\":%d,"
               "\"processes\":%d,\"hide\":[\"%s/hidden\",\"%s/key\",\"%s/not-there\"]}",
               function, config_json, max_uses, MEMORY_MIB << 20, PROCESSES, dir, dir, dir);
    struct slot_options o = {.worker_program = worker,
                             .name = function,
                             .start_json = buf_span(&json),
                             .so_fd = load_copy(function),
                             .isolation = isolation,
                             .uid = way == OTHER_USER ? NOBODY : (uid_t)-1,
                             .gid = way == OTHER_USER ? NOBODY : (gid_t)-1};
    ck_assert_msg(slot_new(&o, &slot, &w) == ERR_OK, "%s (%s)", w.text, way_names[way]);
    close(o.so_fd);
    buf_fini(&json);
}

/* The next event that is not output; output goes to said. */
static struct slot_event next(void)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        struct slot_event e = slot_next(slot);
        switch (e.kind) {
        case SLOT_OUTPUT:
            buf_put_span(&said, e.text);
            buf_putc(&said, '\n');
            continue;
        case SLOT_LOG:
            buf_printf(&said, "%d %.*s\n", e.level, (int)e.text.n, e.text.p);
            continue;
        case SLOT_NOTHING:
            break;
        default:
            snprintf(reason, sizeof reason, "%.*s", (int)e.text.n, e.text.p ? e.text.p : "");
            return e;
        }
        struct pollfd p[2] = {{.fd = slot_socket(slot), .events = POLLIN}, {.fd = slot_output(slot), .events = POLLIN}};
        ck_assert_msg(clock_mono_ms() < until, "nothing came (%s); said: %.*s", way_names[way], (int)said.n, said.p);
        ck_assert_int_ge(poll(p, 2, 1000), 0);
    }
}

static void expect(enum slot_event_kind kind)
{
    struct slot_event e = next();
    ck_assert_msg(e.kind == kind, "event %d, not %d: %s (%s)", (int)e.kind, (int)kind, reason, way_names[way]);
}

static void start_ready(int i, const char *function)
{
    start(i, function);
    expect(SLOT_READY);
    expect(SLOT_WAITING);
}

static struct line_event event_for(const char *act, struct span body)
{
    static char headers[256];
    struct line_event e = {.received_ms = 1700000000123,
                           .source = SPAN_LIT("shop"),
                           .type = SPAN_LIT("order.paid"),
                           .event_id = SPAN_LIT("evt_1"),
                           .order_key = SPAN_LIT("key 1"),
                           .content_type = SPAN_LIT("application/json"),
                           .body = body};
    ck_assert_int_eq(id_parse(SPAN_LIT("01HF7YAT00TESTTESTTEST0001"), &e.id), ERR_OK);
    snprintf(headers, sizeof headers, "[[\"Do\",\"%s\"],[\"X-Quote\",\"a\\\"b\"],[\"X-Two\",\"1\"],[\"X-Two\",\"2\"]]", act);
    e.headers = span_str(headers);
    return e;
}

static void give(const char *act, struct span body)
{
    static uint64_t token = 41;
    struct line_event e = event_for(act, body);
    struct why w = {{0}};
    buf_clear(&said);
    ck_assert_msg(slot_run(slot, &e, 2, 60000, clock_mono_ms() + 60000, ++token, &w) == ERR_OK, "%s", w.text);
}

static struct slot_event run_body(const char *act, struct span body)
{
    give(act, body);
    return next();
}

static struct slot_event run(const char *act)
{
    char body[256];
    snprintf(body, sizeof body, "{\"mark\":\"%s\"}", mark);
    return run_body(act, span_str(body));
}

static void expect_outcome(const char *act, enum outcome outcome, const char *text)
{
    struct slot_event e = run(act);
    ck_assert_msg(e.kind == SLOT_OUTCOME && e.outcome == outcome, "%s: event %d outcome %d: %s (%s)", act, (int)e.kind,
                  (int)e.outcome, reason, way_names[way]);
    ck_assert_str_eq(reason, text);
}

static const char *said_text(void)
{
    buf_putc(&said, 0);
    said.n--;
    return said.p;
}

/* How many living processes bear the mark. A dead one that nobody has reaped yet is none. */
static int marked(const char *name)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    int n = 0;
    while ((entry = readdir(d))) {
        char path[300], want[32], stat[64] = "";
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        snprintf(want, sizeof want, "(%s) ", name);
        FILE *f = entry->d_name[0] >= '0' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        const char *at = f && fgets(stat, sizeof stat, f) ? strstr(stat, want) : NULL;
        if (at && !strchr("ZX", at[strlen(want)]))
            n++;
        if (f)
            fclose(f);
    }
    closedir(d);
    return n;
}

static void wait_marked(int least, int most)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    int n;
    while (((n = marked(mark)) < least || n > most) && clock_mono_ms() < until)
        usleep(1000);
    ck_assert_msg(n >= least && n <= most, "%d processes bear the mark, not %d to %d (%s)", n, least, most, way_names[way]);
}

static void end_leaves_nothing(void)
{
    pid_t pid = slot_pid(slot);
    slot_free(slot);
    slot = NULL;
    /* Without namespaces the runner is known to be dying, not to be dead. */
    if (bare())
        wait_marked(0, 0);
    ck_assert_int_eq(marked(mark), 0);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* ---- outcomes ---- */

START_TEST(manifest)
{
    start(_i, "behave");
    struct slot_event e = next();
    ck_assert_int_eq(e.kind, SLOT_READY);
    ck_assert_span_eq(e.text, "{\"abi\":1,\"name\":\"Behave\",\"version\":\"1.2\",\"types\":[\"order.*\",\"x/y\"],"
                              "\"sources\":[\"shop\"],\"mode\":\"fork\",\"timeout_ms\":5000,\"max_uses\":3,\"concurrency\":2}");
}
END_TEST

START_TEST(outcomes)
{
    start_ready(_i, "behave");
    expect_outcome("ok", OUTCOME_DONE, "");
    expect(SLOT_WAITING);
    expect_outcome("reject", OUTCOME_REJECT, "because 7");
    expect(SLOT_WAITING);
    struct slot_event e = run("retry");
    ck_assert_int_eq(e.outcome, OUTCOME_RETRY);
    ck_assert_int_eq(e.retry_after_ms, 30000);
    ck_assert_str_eq(reason, "later");
    expect(SLOT_WAITING);
    e = run("unknown");
    ck_assert_int_eq(e.outcome, OUTCOME_RETRY);
    ck_assert_int_eq(e.retry_after_ms, -1);
    ck_assert_str_eq(reason, "it returned 77, which says nothing");
    expect(SLOT_WAITING);
    expect_outcome("thread", OUTCOME_DONE, "");
    expect(SLOT_WAITING);
    end_leaves_nothing();
}
END_TEST

START_TEST(facts)
{
    start_ready(_i, "behave");
    ck_assert_int_eq(run("facts").outcome, OUTCOME_DONE);
    ck_assert_str_eq(said_text(), "id 01HF7YAT00TESTTESTTEST0001\nsource shop\ntype order.paid\nversion -\nsender_id evt_1\n"
                                  "order_key key 1\ncontent_type application/json\nfunction behave\nattempt 2\n"
                                  "received 1700000000123\nheader Do=facts\nheader X-Quote=a\"b\nheader X-Two=1\nheader X-Two=2\n"
                                  "remaining 1\ndeadline 1\n");
}
END_TEST

START_TEST(json)
{
    config_json = "{\"dsn\":\"db:1\",\"ratio\":0.50,\"argv\":[\"a\",\"b\"]}";
    start_ready(_i, "behave");
    run_body("json", SPAN_LIT("{\"s\":\"\\u00e4\\n\",\"n\":12345678901234567890.0,\"list\":[1,[2],3]}"));
    ck_assert_str_eq(said_text(), "ä\n|-|12345678901234567890.0|3|3|-1\ndb:1|0.50|2\nsécret|-\n");
    expect(SLOT_WAITING);
    run_body("json", SPAN_LIT("{\"s\":\"x\",\"s\":\"y\"}"));
    ck_assert_str_eq(said_text(), "-|-|-|-1|-1|-1\ndb:1|0.50|2\nsécret|-\n");
    expect(SLOT_WAITING);
    run_body("json", SPAN_NONE);
    ck_assert_str_eq(said_text(), "-|-|-|-1|-1|-1\ndb:1|0.50|2\nsécret|-\n");
}
END_TEST

/* Bodies on both sides of the limit beyond which they travel by memory file. */
START_TEST(bodies)
{
    static const size_t sizes[] = {0, 1, WIRE_INLINE_BYTES - 400, WIRE_INLINE_BYTES, WIRE_INLINE_BYTES + 1, 1 << 20};
    start_ready(_i, "behave");
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        char *body = malloc(sizes[k] + 1), want[64];
        unsigned long sum = 0;
        for (size_t i = 0; i < sizes[k]; i++) {
            body[i] = (char)(i * 7 + k);
            sum = sum * 31 + (unsigned char)body[i];
        }
        snprintf(want, sizeof want, "%zu %lu", sizes[k], sum);
        ck_assert_int_eq(run_body("sum", span_of(body, sizes[k])).outcome, OUTCOME_REJECT);
        ck_assert_str_eq(reason, want);
        expect(SLOT_WAITING);
        free(body);
    }
}
END_TEST

static const struct uses {
    int max;
    const char *counts[4];
} uses[] = {{0, {"1", "2", "3", "4"}}, {1, {"1", "1", "1", "1"}}, {2, {"1", "2", "1", "2"}}};

START_TEST(process_per_uses)
{
    for (size_t k = 0; k < sizeof uses / sizeof uses[0]; k++) {
        max_uses = uses[k].max;
        start_ready(_i, "behave");
        for (int n = 0; n < 4; n++) {
            expect_outcome("count", OUTCOME_REJECT, uses[k].counts[n]);
            expect(SLOT_WAITING);
        }
        end_leaves_nothing();
    }
}
END_TEST

/* ---- deaths ---- */

static const struct death {
    const char *act, *said;
    int status;
} deaths[] = {{"segv", "", SIGSEGV}, {"abort", "", SIGABRT}, {"exit3", "before the exit\n", 3 << 8}, {"exit0", "", 0}};

START_TEST(crashes)
{
    start_ready(_i, "behave");
    for (size_t k = 0; k < sizeof deaths / sizeof deaths[0]; k++) {
        struct slot_event e = run(deaths[k].act);
        ck_assert_msg(e.kind == SLOT_DIED, "%s: event %d %s (%s)", deaths[k].act, (int)e.kind, reason, way_names[way]);
        ck_assert_int_eq(e.status & ~0x80, deaths[k].status);
        ck_assert_str_eq(said_text(), deaths[k].said);
        expect(SLOT_WAITING);
        expect_outcome("count", OUTCOME_REJECT, "1");
        expect(SLOT_WAITING);
    }
    end_leaves_nothing();
}
END_TEST

START_TEST(hang_with_daemon)
{
    char body[64];
    start_ready(_i, "behave");
    snprintf(body, sizeof body, "{\"mark\":\"%s\"}", mark);
    give("hang", span_str(body));
    const char *sign = bare() ? "alone\n" : "hanging\n";
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (!strstr(said_text(), sign) && clock_mono_ms() < until) {
        struct slot_event e = slot_next(slot);
        ck_assert(e.kind == SLOT_NOTHING || e.kind == SLOT_OUTPUT);
        if (e.kind == SLOT_OUTPUT)
            buf_printf(&said, "%.*s\n", (int)e.text.n, e.text.p);
        else
            poll(&(struct pollfd){.fd = slot_output(slot), .events = POLLIN}, 1, 1000);
    }
    wait_marked(bare() ? 1 : 2, 2);
    end_leaves_nothing();
}
END_TEST

START_TEST(left_behind)
{
    start_ready(_i, "behave");
    if (bare()) {
        expect_outcome("leave", OUTCOME_REJECT, "no: Operation not permitted");
        return;
    }
    expect_outcome("leave", OUTCOME_DONE, "");
    expect(SLOT_USED_UP);
    ck_assert_int_eq(slot_next(slot).kind, SLOT_NOTHING);
    end_leaves_nothing();
    max_uses = 1;
    start_ready(_i, "behave");
    expect_outcome("leave", OUTCOME_DONE, "");
    expect(SLOT_USED_UP);
    end_leaves_nothing();
}
END_TEST

/* Root is bound by the namespace's pid_max, which Linux has from 6.14. */
static bool root_is_bounded(void)
{
    struct utsname u;
    unsigned major = 0, minor = 0;
    return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 14));
}

START_TEST(fork_bomb)
{
    if (_i == AS_IS && geteuid() == 0 && !root_is_bounded())
        return;
    start_ready(_i, "behave");
    struct slot_event e = run("bomb");
    ck_assert_int_eq(e.kind, SLOT_OUTCOME);
    if (bare()) {
        ck_assert_str_eq(reason, "0");
        return;
    }
    int n = atoi(reason);
    ck_assert_msg(n >= PROCESSES / 2 && n <= (way == AS_IS && geteuid() == 0 ? 300 + PROCESSES + 8 : PROCESSES + 4), "%d processes (%s)",
                  n, way_names[way]);
    expect(SLOT_USED_UP);
    end_leaves_nothing();
}
END_TEST

START_TEST(leaking)
{
#ifndef CREEL_SANITIZED
    start_ready(_i, "behave");
    struct slot_event e = run("leak");
    ck_assert_int_eq(e.outcome, OUTCOME_REJECT);
    ck_assert_msg(atoi(reason) > MEMORY_MIB / 2 && atoi(reason) <= MEMORY_MIB, "%s MiB", reason);
    end_leaves_nothing();
#else
    (void)_i;
#endif
}
END_TEST

START_TEST(kills_everything)
{
    start_ready(_i, "behave");
    struct slot_event e = run("kill-all");
    if (bare()) {
        ck_assert_int_eq(e.kind, SLOT_OUTCOME);
        ck_assert_str_eq(reason, "Operation not permitted");
        return;
    }
    /* Its end races with the end of the zygote, which it has killed. */
    ck_assert(e.kind == SLOT_DIED || e.kind == SLOT_OUTCOME);
    for (int i = 0; i < 2 && (e.kind < SLOT_USED_UP); i++)
        e = next();
    ck_assert_int_ge(e.kind, SLOT_USED_UP);
    end_leaves_nothing();
}
END_TEST

START_TEST(dies_while_idle)
{
    start_ready(_i, "behave");
    expect_outcome("die-later", OUTCOME_DONE, "");
    expect(SLOT_WAITING);
    struct slot_event e = next();
    ck_assert_int_eq(e.kind, SLOT_USED_UP);
    ck_assert_int_eq(e.status, 4 << 8);
    end_leaves_nothing();
}
END_TEST

/* A run given to a runner that has just ended is told as died, once, and is not run by the next one. */
START_TEST(run_meets_death)
{
    start_ready(_i, "behave");
    expect_outcome("die-later", OUTCOME_DONE, "");
    expect(SLOT_WAITING);
    usleep(100000);
    ck_assert_int_eq(run("count").kind, SLOT_DIED);
    expect(SLOT_WAITING);
    expect_outcome("count", OUTCOME_REJECT, "1");
}
END_TEST

/* The owner is killed while a run hangs: everything ends by itself. */
START_TEST(owner_killed)
{
    int ends[2];
    char c;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t owner = fork();
    if (owner == 0) {
        char body[64];
        start_ready(_i, "behave");
        snprintf(body, sizeof body, "{\"mark\":\"%s\"}", mark);
        give("hang", span_str(body));
        wait_marked(bare() ? 1 : 2, 2);
        (void)!write(ends[1], "x", 1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ends[0], &c, 1), 1);
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    wait_marked(0, 0);
}
END_TEST

/* ---- broken functions ---- */

static const struct broken {
    const char *function, *text;
} brokens[] = {
    {"constructor-CRASH", "loading it ended with signal 6"},
    {"foreign-OTHER_ABI", "was built for ABI 99 of creel.h, this host has 1"},
    {"foreign-NEWER", "was built with a newer creel.h"},
    {"foreign-SMALL", "is not a function: its creel_manifest has 4 bytes"},
    {"foreign-NONE", "exports no creel_manifest"},
};

START_TEST(broken)
{
    for (size_t k = 0; k < sizeof brokens / sizeof brokens[0]; k++) {
        start(_i, brokens[k].function);
        expect(SLOT_BROKEN);
        bool crash = k == 0 && bare();
        ck_assert_msg(strstr(reason, crash ? "ended with signal 6" : brokens[k].text) != NULL, "%s", reason);
        ck_assert_int_eq(slot_next(slot).kind, SLOT_NOTHING);
        end_leaves_nothing();
    }
}
END_TEST

START_TEST(no_shared_object)
{
    struct why w = {{0}};
    enum isolation isolation = go_way(_i);
    int fd;
    ck_assert_int_eq(fs_sealed("text", SPAN_LIT("this is text"), &fd, &w), ERR_OK);
    struct slot_options o = {.worker_program = worker, .name = "text", .start_json = SPAN_LIT("{\"name\":\"text\"}"),
                             .so_fd = fd, .isolation = isolation, .uid = (uid_t)-1, .gid = (gid_t)-1};
    ck_assert_int_eq(slot_new(&o, &slot, &w), ERR_OK);
    expect(SLOT_BROKEN);
    ck_assert_msg(strncmp(reason, "text.so cannot be loaded: ", 26) == 0 && !strstr(reason, "/proc"), "%s", reason);
    close(fd);
}
END_TEST

START_TEST(hanging_constructor)
{
    start(_i, "constructor-HANG");
    ck_assert_int_eq(slot_next(slot).kind, SLOT_NOTHING);
    end_leaves_nothing();
}
END_TEST

START_TEST(constructor_with_daemon)
{
    start(_i, "constructor-DAEMON");
    expect(SLOT_BROKEN);
    slot_free(slot);
    slot = NULL;
    ck_assert_int_eq(marked("creel-ctor"), 0);
}
END_TEST

START_TEST(init_hook)
{
    config_json = "{\"init\":\"fail\"}";
    start(_i, "behave");
    expect(SLOT_READY);
    expect(SLOT_BROKEN);
    ck_assert_str_eq(reason, "behave: its init hook returned 1: the database is away");
    end_leaves_nothing();
    config_json = "{\"init\":\"crash\"}";
    start(_i, "behave");
    expect(SLOT_READY);
    expect(SLOT_BROKEN);
    ck_assert_msg(strstr(reason, "ended with signal 6") != NULL, "%s", reason);
    end_leaves_nothing();
    config_json = "{\"init\":\"good\"}";
    max_uses = 1;
    start_ready(_i, "behave");
    ck_assert_int_eq(run("ok").kind, SLOT_OUTCOME);
    expect(SLOT_WAITING);
    ck_assert_str_eq(said_text(), "fini\n");
}
END_TEST

START_TEST(no_worker)
{
    struct why w = {{0}};
    enum isolation isolation = go_way(_i);
    struct slot_options o = {.worker_program = "/nowhere/creel-worker", .name = "x", .start_json = SPAN_LIT("{}"), .so_fd = 0,
                             .isolation = isolation, .uid = (uid_t)-1, .gid = (gid_t)-1};
    ck_assert_int_eq(slot_new(&o, &slot, &w), ERR_SYSTEM);
    ck_assert_str_eq(w.text, "cannot start a worker for x: /nowhere/creel-worker cannot be executed: No such file or directory");
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* ---- output ---- */

START_TEST(output)
{
    start_ready(_i, "behave");
    expect_outcome("partial", OUTCOME_DONE, "");
    ck_assert_str_eq(said_text(), "whole\nfrom stderr\nwithout newline\n");
    expect(SLOT_WAITING);
    expect_outcome("log", OUTCOME_DONE, "");
    ck_assert_str_eq(said_text(), "2 careful there\n");
    expect(SLOT_WAITING);
    expect_outcome("long-line", OUTCOME_DONE, "");
    ck_assert_uint_eq(said.n, 10000 + 3);
    expect(SLOT_WAITING);
}
END_TEST

START_TEST(output_is_capped)
{
    const char *const acts[] = {"flood", "flood-log"};
    start_ready(_i, "behave");
    for (size_t i = 0; i < 2; i++) {
        expect_outcome(acts[i], OUTCOME_DONE, "");
        ck_assert_uint_lt(said.n, SLOT_RELAY_BYTES + 100000);
        ck_assert_uint_gt(said.n, SLOT_RELAY_BYTES / 2);
        ck_assert_ptr_nonnull(strstr(said_text(), "(what it prints beyond this is not kept)\n"));
        expect(SLOT_WAITING);
        expect_outcome("partial", OUTCOME_DONE, "");
        ck_assert_str_eq(said_text(), "whole\nfrom stderr\nwithout newline\n");
        expect(SLOT_WAITING);
    }
}
END_TEST

/* ---- confinement ---- */

START_TEST(environment)
{
    setenv("CREEL_TEST_SECRET", "must not be seen", 1);
    setenv("TZ", "Europe/Lisbon", 1);
    start_ready(_i, "behave");
    expect_outcome("environment", OUTCOME_DONE, "");
    const char *text = said_text();
    ck_assert_ptr_null(strstr(text, "SECRET"));
    ck_assert_ptr_nonnull(strstr(text, "TZ=Europe/Lisbon\n"));
#ifndef CREEL_SANITIZED
    ck_assert_str_eq(text, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nLANG=C.UTF-8\nHOME=/\n"
                           "TZ=Europe/Lisbon\n");
#endif
}
END_TEST

START_TEST(descriptors)
{
    int kept = fcntl(1, F_DUPFD, 50); /* not close-on-exec */
    start_ready(_i, "behave");
    expect_outcome("descriptors", OUTCOME_DONE, "");
    ck_assert_str_eq(said_text(), "0\n1\n2\n3\n");
    close(kept);
}
END_TEST

START_TEST(privileges)
{
    start_ready(_i, "behave");
    expect_outcome("status", OUTCOME_DONE, "");
    const char *text = said_text();
    ck_assert_ptr_nonnull(strstr(text, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"));
    if (way != BARE_ORDINARY && (way == ORDINARY || geteuid() == 0))
        ck_assert_ptr_nonnull(strstr(text, "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"));
    ck_assert_ptr_nonnull(strstr(text, "NoNewPrivs:\t1\n"));
    if (way == OTHER_USER)
        ck_assert_ptr_nonnull(strstr(text, "Uid:\t65534\t65534\t65534\t65534\nGroups:\t \n"));
}
END_TEST

static void try_path(const char *act, const char *name, bool allowed)
{
    char body[256];
    snprintf(body, sizeof body, "{\"path\":\"%s/%s\"}", name[0] == '/' ? "" : dir, name);
    ck_assert_int_eq(run_body(act, span_str(body)).kind, SLOT_OUTCOME);
    ck_assert_msg((strncmp(reason, "no", 2) != 0) == allowed, "%s %s: %s (%s)", act, name, reason, way_names[way]);
    expect(SLOT_WAITING);
}

START_TEST(hidden_paths)
{
    char path[128];
    snprintf(path, sizeof path, "%s/key", dir);
    put_file(path, SPAN_LIT("content"), 0666);
    snprintf(path, sizeof path, "%s/beside", dir);
    put_file(path, SPAN_LIT("content"), 0666);
    start_ready(_i, "behave");
    try_path("read", "hidden/secret", false);
    try_path("write", "hidden/new", false);
    try_path("read", "key", false);
    try_path("read", "beside", true);
    try_path("read", "/etc/passwd", true);
    try_path("read", "/dev/zero", true);
    try_path("mknod", "device", false);
    if (!bare()) {
        snprintf(path, sizeof path, "/proc/%d/root/etc/passwd", getpid());
        try_path("read", path, false);
    }
    snprintf(path, sizeof path, "%s/beside", dir);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0); /* the covers are the worker's own */
    close(fd);
}
END_TEST

START_TEST(signals)
{
    char body[64];
    start_ready(_i, "behave");
    snprintf(body, sizeof body, "{\"pid\":%d}", getpid());
    ck_assert_int_eq(run_body("kill-owner", span_str(body)).kind, SLOT_OUTCOME);
    ck_assert_str_eq(reason, "cannot");
}
END_TEST

START_TEST(programs)
{
    start_ready(_i, "behave");
    ck_assert_int_eq(run("program").kind, SLOT_OUTCOME);
    ck_assert_str_eq(reason, bare() ? "32512" : "1280");
    ck_assert_str_eq(said_text(), bare() ? "" : "from the program\n");
}
END_TEST

/* ---- frames from a hostile worker ---- */

static const struct forgery {
    const char *what, *hex;
} forgeries[] = {
    {"nothing a frame is", "00"},
    {"another version", "0201000000000000"},
    {"a RUN", "0105000000000000"},
    {"READY again", "01020000020000007b7d"},
    {"BROKEN in a run", "0103000001000000 78"},
    {"WAITING in a run", "010400000400000009000000"},
    {"a short LOG", "010600000200000000 00"},
    {"a LOG of level 77", "010600000400000004d000000"},
    {"an OUTCOME for another token", "0107000018000000ffffffffffffffff0000000000000000ffffffffffffffff"},
    {"an OUTCOME that is CRASH", "01070000180000002a000000000000000300000000000000ffffffffffffffff"},
    {"a short DIED", "010800000400000000000000"},
};

START_TEST(forged)
{
    for (size_t k = 0; k < sizeof forgeries / sizeof forgeries[0]; k++) {
        char hex[256], body[300];
        size_t n = 0;
        for (const char *p = forgeries[k].hex; *p; p++)
            if (*p != ' ')
                hex[n++] = *p;
        hex[n] = 0;
        snprintf(body, sizeof body, "{\"hex\":\"%s\"}", hex);
        start_ready(_i, "behave");
        struct slot_event e = run_body("forge", span_str(body));
        ck_assert_msg(e.kind == SLOT_DIED, "%s: event %d %s", forgeries[k].what, (int)e.kind, reason);
        ck_assert_msg(next().kind == SLOT_USED_UP, "%s: %s", forgeries[k].what, reason);
        ck_assert_int_eq(slot_next(slot).kind, SLOT_NOTHING);
        end_leaves_nothing();
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("slot");
    TCase *t = tcase_create("ways");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    const TTest *const tests[] = {
        manifest,    outcomes,       facts,           json,            bodies,       process_per_uses, crashes,
        hang_with_daemon, left_behind, fork_bomb,     leaking,         kills_everything, dies_while_idle, run_meets_death,
        owner_killed, broken,        no_shared_object, hanging_constructor, constructor_with_daemon, init_hook, no_worker,
        output,      output_is_capped, environment,   descriptors,     privileges,   hidden_paths,     signals,
        programs,    forged,
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        for (int k = 0; k < WAYS; k++)
            if (k != OTHER_USER || geteuid() == 0)
                tcase_add_loop_test(t, tests[i], k, k + 1);
    suite_add_tcase(s, t);
    return suite_run(s);
}
