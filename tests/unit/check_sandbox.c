/* SPDX-License-Identifier: MIT
 * check_sandbox: what a function can see, reach and send: environment, descriptors, privileges, hidden paths, signals, programs,
 * and frames that it has no business sending. In every way that a slot can be isolated.
 */
#include "config.h"
#include "slot_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* A folder of keys is hidden whole, whatever is added to it or replaced in it later; a folder that also holds a program is not. */
START_TEST(key_folders)
{
    char from[128], to[128];
    put_folder("keys");
    put_text("keys/one", 0666);
    put_text("keys/three", 0666);
    put_text("keys/not-configured", 0666);
    put_folder("mixed");
    put_text("mixed/two", 0666);
    put_text("mixed/program", 0777);
    start_ready(_i, "behave");
    try_path("read", "keys/one", false);
    try_path("read", "keys/not-configured", false);
    try_path("write", "keys/new", false);
    try_path("read", "mixed/two", false);
    try_path("read", "mixed/program", true);
    put_text("new", 0666);
    snprintf(from, sizeof from, "%s/new", dir);
    snprintf(to, sizeof to, "%s/keys/one", dir);
    ck_assert_int_eq(rename(from, to), 0);
    try_path("read", "keys/one", false);
    put_text("keys/later", 0666);
    try_path("read", "keys/later", false);
}
END_TEST

static void try_rename(const char *name, const char *to, bool allowed)
{
    char body[400];
    snprintf(body, sizeof body, "{\"path\":\"%s/%s\",\"to\":\"%s/%s\"}", dir, name, dir, to);
    ck_assert_int_eq(run_body("rename", span_str(body)).kind, SLOT_OUTCOME);
    ck_assert_msg((strncmp(reason, "no", 2) != 0) == allowed, "%s to %s: %s (%s)", name, to, reason, way_names[way]);
    expect(SLOT_WAITING);
}

/* Nothing can be planted among the functions or in the configuration's folder, nor put in the place of a folder above. */
START_TEST(read_only_places)
{
    put_folder("conf");
    put_text("conf/file", 0666);
    put_folder("conf/out");
    put_folder("conf/functions");
    put_text("conf/functions/script", 0777);
    put_text("conf/functions/other", 0666);
    put_folder("elsewhere");
    start_ready(_i, "behave");
    try_path("read", "conf/functions/script", true);
    try_path("write", "conf/functions/script", false);
    try_path("write", "conf/functions/new.so", false);
    try_path("mkdir", "conf/functions/new", false);
    try_rename("conf/functions/other", "elsewhere/other", false);
    try_rename("conf/functions", "conf/out/functions", false);
    try_rename("conf/functions", "elsewhere/functions", false);
    try_rename("conf", "elsewhere/conf", false);
    char above[64];
    snprintf(above, sizeof above, "../%s", strrchr(dir, '/') + 1);
    try_rename(above, "../creel-slot-moved", false);
    try_path("read", "conf/file", true);
    try_path("write", "conf/file", false);
    try_path("write", "conf/new", false);
    try_path("mkdir", "conf/new", false);
    try_path("write", "conf/out/new", true);
    try_rename("conf/out/new", "conf/out/newer", true);
    try_path("write", "elsewhere/new", true);
    char body[300];
    snprintf(body, sizeof body, "{\"path\":\"%s/conf/functions/script\"}", dir);
    if (!bare()) {
        ck_assert_int_eq(run_body("run", span_str(body)).kind, SLOT_OUTCOME);
        ck_assert_str_eq(reason, "1280");
    }
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
    {"another version", "0101000000000000"},
    {"a RUN", "0205000000000000"},
    {"READY again", "02020000020000007b7d"},
    {"BROKEN in a run", "0203000001000000 78"},
    {"WAITING in a run", "020400000400000009000000"},
    {"a short LOG", "020600000200000000 00"},
    {"a LOG of level 77", "020600000400000004d000000"},
    {"an OUTCOME for another token", "0207000020000000ffffffffffffffff0000000000000000ffffffffffffffff0000000000000000"},
    {"an OUTCOME that is CRASH", "02070000200000002a000000000000000300000000000000ffffffffffffffff0000000000000000"},
    {"an OUTCOME with a reason that is not there", "02070000200000002a000000000000000000000000000000ffffffffffffffff0100000000000000"},
    {"an OUTCOME with more than its reason", "02070000210000002a000000000000000000000000000000ffffffffffffffff000000000000000078"},
    {"a REJECT with a reply", "02070000200000002a000000000000000200000000000000ffffffffffffffff0000000001000000"},
    {"an OUTCOME that has replied twice", "02070000200000002a000000000000000000000000000000ffffffffffffffff0000000002000000"},
    {"a short DIED", "020800000400000000000000"},
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

/* A function's descriptor never gets to its owner, which would have to close it; where the kernel lets it, that ends the slot. */
START_TEST(sent_descriptor)
{
    int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), value;
    socklen_t n = sizeof value;
    bool can_refuse = getsockopt(probe, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &value, &n) == 0;
    close(probe);
    start_ready(_i, "behave");
    struct slot_event e = run("send-descriptor");
    ck_assert_int_eq(e.kind, can_refuse ? SLOT_OUTCOME : SLOT_DIED);
    if (can_refuse)
        ck_assert_str_eq(reason, "EPERM");
    end_leaves_nothing();
}
END_TEST

/* Whatever bytes come: the run is answered exactly once, and the slot ends or goes on. */
START_TEST(garbage)
{
    unsigned seed = 11;
    for (int round = 0; round < suite_rounds(8); round++) {
        char hex[200], body[300];
        struct wire_head head = {WIRE_VERSION, 0, 0, 0};
        uint8_t packet[sizeof head + 64];
        for (size_t i = 0; i < sizeof packet; i++) {
            seed = seed * 1103515245 + 12345;
            packet[i] = (uint8_t)(seed >> 16);
        }
        head.type = (uint8_t)(packet[0] % WIRE_TYPES);
        head.length = packet[1] % 64;
        memcpy(packet, &head, sizeof head);
        for (size_t i = 0; i < sizeof head + head.length; i++)
            snprintf(hex + 2 * i, 3, "%02x", packet[i]);
        snprintf(body, sizeof body, "{\"hex\":\"%s\"}", hex);
        start_ready(_i, "behave");
        struct slot_event e = run_body("forge", span_str(body));
        ck_assert(e.kind == SLOT_OUTCOME || e.kind == SLOT_DIED);
        e = next();
        ck_assert_msg(e.kind == SLOT_WAITING || e.kind == SLOT_USED_UP || e.kind == SLOT_GONE, "event %d", (int)e.kind);
        end_leaves_nothing();
    }
}
END_TEST

static bool readable(int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, wait_ms) > 0;
}

/* However fast a function sends what is not relayed any more, its owner gets to do something else. */
START_TEST(flood_ends_a_turn)
{
    start_ready(_i, "behave");
    give("flood-hang", SPAN_NONE);
    do {
        ck_assert(readable(slot_socket(slot), PATIENCE_MS));
    } while (!span_eq_str(slot_next(slot).text, "(what it prints beyond this is not kept)"));
    ck_assert(readable(slot_output(slot), PATIENCE_MS)); /* now the rest waits in the socket */
    ck_assert_int_eq(slot_next(slot).kind, SLOT_NOTHING);
    ck_assert(readable(slot_socket(slot), 0));
    end_leaves_nothing();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sandbox");
    TCase *t = tcase_create("ways");
    const TTest *const tests[] = {environment, descriptors, privileges, hidden_paths, key_folders, read_only_places, signals, programs, forged, garbage,
                                    flood_ends_a_turn, sent_descriptor};
    add_tests(t, tests, sizeof tests / sizeof tests[0]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
