/* SPDX-License-Identifier: MIT
 * check_slot: a slot's life: manifests, outcomes, what a run is told, deaths of every kind, broken functions, output. In every
 * way that a slot can be isolated.
 */
#include "config.h"
#include "slot_rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

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

/* What a constructor prints is told once, however many processes are forked after it. */
START_TEST(constructor_output)
{
    max_uses = 1;
    start_ready(_i, "constructor-PRINT");
    ck_assert_str_eq(said_text(), "constructed\n");
    for (int n = 0; n < 3; n++) {
        expect_outcome("ok", OUTCOME_DONE, "");
        expect(SLOT_WAITING);
        /* Without namespaces every process loads the function for itself. */
        ck_assert_str_eq(said_text(), bare() ? "constructed\n" : "");
    }
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

/* Any bytes, up to the limit; the last one counts, and only with DONE. */
START_TEST(replies)
{
    static const struct {
        const char *body;
        size_t n; /* SIZE_MAX: none */
        enum outcome outcome;
    } cases[] = {
        {"{\"n\":3}", 3, OUTCOME_DONE},           {"{\"n\":0}", 0, OUTCOME_DONE},
        {"{\"n\":65536}", 65536, OUTCOME_DONE},   {"{\"n\":65537}", SIZE_MAX, OUTCOME_REJECT},
        {"{\"n\":5,\"then\":2}", 2, OUTCOME_DONE}, {"{\"n\":5,\"then\":65537}", SIZE_MAX, OUTCOME_REJECT},
        {"{\"n\":5,\"retry\":1}", SIZE_MAX, OUTCOME_RETRY},
    };
    start_ready(_i, "behave");
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct slot_event e = run_body("reply", span_str(cases[k].body));
        ck_assert_int_eq(e.kind, SLOT_OUTCOME);
        ck_assert_int_eq(e.outcome, cases[k].outcome);
        ck_assert_msg(!e.reply.p == (cases[k].n == SIZE_MAX), "%s", cases[k].body);
        for (size_t i = 0; e.reply.p && i < cases[k].n; i++)
            ck_assert_int_eq((unsigned char)e.reply.p[i], (unsigned char)(i * 7 + cases[k].n));
        ck_assert(!e.reply.p || e.reply.n == cases[k].n);
        expect(SLOT_WAITING);
    }
    ck_assert(!run("ok").reply.p);
}
END_TEST

static const struct uses {
    int max;
    const char *counts[4];
} uses[] = {{0, {"1", "2", "3", "4"}}, {1, {"1", "1", "1", "1"}}, {2, {"1", "2", "1", "2"}},
            {-1, {"1", "2", "3", "1"}}}; /* not said: the manifest's */

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
        /* Where constructors run in each runner, the next one's may have spoken by now, behind what the dead one said. */
        const char *rest = said_text();
        ck_assert_msg(strncmp(rest, deaths[k].said, strlen(deaths[k].said)) == 0, "%s: %s", deaths[k].act, rest);
        rest += strlen(deaths[k].said);
        ck_assert_msg(!*rest || (bare() && strcmp(rest, "constructed\n") == 0), "%s: %s", deaths[k].act, rest);
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

/* A process is not used again when a run has left threads in it; those of the init hook stay. */
START_TEST(threads_left)
{
    max_uses = 0;
    for (int k = 0; k < 2; k++) {
        config_json = k ? "{\"init\":\"thread\"}" : "{}";
        start_ready(_i, "behave");
        for (int n = 0; n < 4; n++) {
            expect_outcome("count", OUTCOME_REJECT, n % 2 ? "2" : "1");
            expect(SLOT_WAITING);
            expect_outcome(n % 2 ? "leave-thread" : k ? "thread" : "ok", OUTCOME_DONE, ""); /* TSan's own begins with the first */
            expect(SLOT_WAITING);
        }
        end_leaves_nothing();
    }
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
#ifndef CREEL_SANITIZED /* a sanitizer's own threads count, and keep a process out of a new user namespace */
    ck_assert_msg(n >= PROCESSES / 2 && n <= (way == AS_IS && geteuid() == 0 ? 300 + PROCESSES + 8 : PROCESSES + 4), "%d processes (%s)",
                  n, way_names[way]);
#endif
    ck_assert_int_lt(n, 5000);
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

/* The pid of the n-th descendant of the slot's init: 0 is init itself, 1 the zygote, 2 the runner. Without
 * namespaces 1 is the runner. -1: there is none now. */
static pid_t descendant(int n)
{
    pid_t pid = slot_pid(slot);
    while (n-- > 0) {
        char path[64], text[32] = "";
        snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
        FILE *f = fopen(path, "r");
        bool there = f && fgets(text, sizeof text, f);
        if (f)
            fclose(f);
        if (!there)
            return -1; /* between two runners */
        pid = atoi(text);
    }
    return pid;
}

/* A run given to a runner that has just ended is told as died, once, and is not run by the next one. */
START_TEST(run_meets_death)
{
    start_ready(_i, "behave");
    pid_t runner = descendant(bare() ? 1 : 2);
    expect_outcome("die-later", OUTCOME_DONE, "");
    expect(SLOT_WAITING);
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    while (descendant(bare() ? 1 : 2) == runner && clock_mono_ms() < until)
        usleep(1000);
    ck_assert_int_eq(run("count").kind, SLOT_DIED);
    expect(SLOT_WAITING);
    expect_outcome("count", OUTCOME_REJECT, "1");
}
END_TEST

/* Without hooks, an outcome is an invitation to send the next run. */
START_TEST(runs_at_once)
{
    max_uses = 1;
    start_ready(_i, "nothing");
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(run("ok").outcome, OUTCOME_DONE);
        ck_assert_int_eq(bare() ? next().kind : slot_next(slot).kind, SLOT_WAITING);
    }
    struct slot_event e;
    do { /* the first may still be the one that has ended */
        pid_t runner = descendant(bare() ? 1 : 2);
        ck_assert(runner < 0 || kill(runner, SIGKILL) == 0 || errno == ESRCH);
    } while ((e = slot_next(slot)).kind == SLOT_NOTHING);
    ck_assert_int_eq(e.kind, SLOT_USED_UP);
    end_leaves_nothing();
    start_ready(_i, "crash");
    for (int i = 0; i < 3; i++) {
        e = run("ok");
        ck_assert(e.kind == SLOT_DIED && e.begun && (e.status & 0x7f) == SIGSEGV);
        expect(SLOT_WAITING);
    }
}
END_TEST

#define AT_ONCE "02070000200000002a000000000000000000000002000000ffffffffffffffff0000000000000000"
static const struct promise {
    const char *then; /* a frame */
    enum slot_event_kind kind;
    const char *text;
} promises[] = {
    {"", SLOT_USED_UP, "its process did not end in order after its run"},
    {"020300000100000078", SLOT_BROKEN, "x"},
};

/* A run was sent to a process that was promised and never came: it is known not to have begun. */
START_TEST(broken_promises)
{
    for (size_t k = 0; k < sizeof promises / sizeof promises[0]; k++) {
        char body[256];
        start_ready(_i, "behave");
        snprintf(body, sizeof body, "{\"hex\":\"" AT_ONCE "\",\"then\":\"%s\"}", promises[k].then);
        ck_assert_int_eq(run_body("promise", span_str(body)).kind, SLOT_OUTCOME);
        expect(SLOT_WAITING);
        struct slot_event e = run("count");
        ck_assert_int_eq(e.kind, SLOT_DIED);
        ck_assert_msg(!e.begun, "%zu (%s)", k, way_names[way]);
        expect(promises[k].kind);
        ck_assert_str_eq(reason, promises[k].text);
        ck_assert_int_eq(slot_next(slot).kind, SLOT_NOTHING);
        end_leaves_nothing();
        next_token = 42;
    }
}
END_TEST

/* Somebody kills a part of the worker: the run is told as died, and only the runner's death leaves a slot to go on with. */
START_TEST(killed_from_outside)
{
    for (int n = 0; n <= (bare() ? 1 : 2); n++) {
        char body[64];
        start_ready(_i, "behave");
        snprintf(body, sizeof body, "{\"mark\":\"%s\"}", mark);
        give("hang", span_str(body));
        wait_marked(bare() ? 1 : 2, 2);
        ck_assert_int_eq(kill(descendant(n), SIGKILL), 0);
        expect(SLOT_DIED);
        struct slot_event e = next();
        ck_assert_msg(e.kind >= SLOT_USED_UP || (bare() && n == 1 && e.kind == SLOT_WAITING), "%d: event %d %s", n,
                      (int)e.kind, way_names[way]);
        end_leaves_nothing();
    }
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
    close(ends[1]);
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
    setenv("TZ", mark, 1);
    start(_i, "constructor-DAEMON");
    expect(SLOT_BROKEN);
    end_leaves_nothing();
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

int main(void)
{
    Suite *s = suite_create("slot");
    TCase *t = tcase_create("ways");
    const TTest *const tests[] = {
        manifest, outcomes, facts, json, bodies, replies, process_per_uses, crashes, hang_with_daemon, left_behind,
        threads_left, fork_bomb, leaking, kills_everything, dies_while_idle, run_meets_death, owner_killed,
        runs_at_once, broken_promises, killed_from_outside, constructor_output, broken, no_shared_object,
        hanging_constructor, constructor_with_daemon, init_hook, no_worker, output, output_is_capped,
    };
    add_tests(t, tests, sizeof tests / sizeof tests[0]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
