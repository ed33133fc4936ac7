/* SPDX-License-Identifier: MIT
 * slot_rig: starting a worker, hearing it, counting what it leaves behind.
 */
#include "config.h"
#include "slot_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"

const char *const way_names[WAYS] = {"as it is", "another user", "an ordinary owner", "no namespaces",
                                            "no namespaces, an ordinary owner"};

enum way way;
char dir[64], worker[128], secret[128], mark[16];
struct slot *slot;
struct buf said;
char reason[WIRE_TEXT_BYTES + 1];
const char *config_json = "null";
int max_uses;
uint64_t next_token = 42;

bool bare(void)
{
    return way == BARE || way == BARE_ORDINARY;
}

/* ---- the rig ---- */

void put_file(const char *path, struct span content, mode_t mode)
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

void put_folder(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(chmod(path, 0777), 0);
}

void put_text(const char *name, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    put_file(path, SPAN_LIT("#!/bin/sh\nexit 5\n"), mode);
}

/* A folder that everybody may look into, with a worker that everybody may run and a hidden folder that the owner may read. */
void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/creel-slot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0777), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0); /* an ordinary user must be able to remove it */
    snprintf(worker, sizeof worker, "%s/creel-worker", dir);
    copy_worker();
    put_folder("hidden");
    snprintf(secret, sizeof secret, "%s/hidden/secret", dir);
    put_file(secret, SPAN_LIT("a secret"), 0666);
    snprintf(mark, sizeof mark, "ck%d", getpid());
    buf_init(&said, 4 << 20);
    log_init("check", LOG_TEXT, LOG_DEBUG);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void tear_down(void)
{
    slot_free(slot);
    slot = NULL;
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    buf_fini(&said);
}

enum isolation go_way(int i)
{
    struct why w;
    way = (enum way)i;
    if ((way == ORDINARY || way == BARE_ORDINARY) && geteuid() == 0) {
        ck_assert_int_eq(setgid(NOBODY), 0);
        ck_assert_int_eq(setuid(NOBODY), 0);
    }
#ifdef CREEL_SANITIZED
    const char *options = getenv("ASAN_OPTIONS");
    char more[512];
    snprintf(more, sizeof more, "%s:detect_leaks=0", options ? options : "");
    if (bare()) /* the leak check at exit needs a process of its own */
        setenv("ASAN_OPTIONS", more, 1);
#endif
    if (bare())
        return ISOLATION_NONE;
    enum isolation found = slot_probe(&w);
    ck_assert_msg(found == ISOLATION_NAMESPACES, "%s", w.text);
    return found;
}

void start(int i, const char *function)
{
    enum isolation isolation = go_way(i);
    struct buf json;
    struct why w = {{0}};
    buf_init(&json, WIRE_FRAME_BYTES);
    buf_printf(&json,
               "{\"name\":\"%s\",\"config\":%s,\"secrets\":{\"token\":\"s\\u00e9cret\"},\"max_uses\":%d,\"memory\":%d,"
               "\"processes\":%d,\"hide\":[\"%s/hidden\",\"%s/key\",\"%s/not-there\"],\"keys\":[\"%s/keys/one\",\"%s/mixed/two\","
               "\"%s/keys/three\"],\"fixed\":[\"%s/conf\"],\"read_only\":[\"%s/conf/functions\",\"%s/conf/not-there\"]}",
               function, config_json, max_uses, MEMORY_MIB << 20, PROCESSES, dir, dir, dir, dir, dir, dir, dir, dir, dir);
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

struct slot_event next(void)
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

void expect(enum slot_event_kind kind)
{
    struct slot_event e = next();
    ck_assert_msg(e.kind == kind, "event %d, not %d: %s (%s)", (int)e.kind, (int)kind, reason, way_names[way]);
}

void start_ready(int i, const char *function)
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

void give(const char *act, struct span body)
{
    struct line_event e = event_for(act, body);
    struct why w = {{0}};
    buf_clear(&said);
    ck_assert_msg(slot_run(slot, &e, 2, 60000, clock_mono_ms() + 60000, next_token++, &w) == ERR_OK, "%s", w.text);
}

struct slot_event run_body(const char *act, struct span body)
{
    give(act, body);
    return next();
}

struct slot_event run(const char *act)
{
    char body[256];
    snprintf(body, sizeof body, "{\"mark\":\"%s\"}", mark);
    return run_body(act, span_str(body));
}

void expect_outcome(const char *act, enum outcome outcome, const char *text)
{
    struct slot_event e = run(act);
    ck_assert_msg(e.kind == SLOT_OUTCOME && e.outcome == outcome, "%s: event %d outcome %d: %s (%s)", act, (int)e.kind,
                  (int)e.outcome, reason, way_names[way]);
    ck_assert_str_eq(reason, text);
}

const char *said_text(void)
{
    buf_putc(&said, 0);
    said.n--;
    return said.p;
}

/* A dead one that nobody has reaped yet is none. */
int marked(void)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    int n = 0;
    while ((entry = readdir(d))) {
        char path[300], want[32], stat[64] = "";
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        snprintf(want, sizeof want, "(%s) ", mark);
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

void wait_marked(int least, int most)
{
    int64_t until = clock_mono_ms() + PATIENCE_MS;
    int n;
    while (((n = marked()) < least || n > most) && clock_mono_ms() < until)
        usleep(1000);
    ck_assert_msg(n >= least && n <= most, "%d processes bear the mark, not %d to %d (%s)", n, least, most, way_names[way]);
}

void end_leaves_nothing(void)
{
    pid_t pid = slot_pid(slot);
    slot_free(slot);
    slot = NULL;
    /* Without namespaces the runner is known to be dying, not to be dead. */
    if (bare())
        wait_marked(0, 0);
    ck_assert_int_eq(marked(), 0);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

void add_tests(TCase *t, const TTest *const *tests, size_t n)
{
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < WAYS; k++)
            if (k != OTHER_USER || geteuid() == 0)
                tcase_add_loop_test(t, tests[i], k, k + 1);
}
