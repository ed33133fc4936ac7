/* SPDX-License-Identifier: MIT
 * fake_role: stands in for intake or dispatch in check_supervisor. Does what the words in its snapshot say and tells every step
 * in a datagram to CREEL_TEST_REPORT: "intake started PID SNAPSHOT", "dispatch stop", … Words:
 *   intake-refuses      exit 100 before READY         dispatch-orphan  leave a double-forked child in a session of its own
 *   dispatch-rejects    answer PREPARE with FAILED
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/fs.h"

static const char *role;

static void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void report(const char *fmt, ...)
{
    char text[512];
    int n = snprintf(text, sizeof text, "%s ", role);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    va_end(ap);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", getenv("CREEL_TEST_REPORT"));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) < 0)
        _exit(99);
    close(fd);
}

static void read_script(int fd, char *text, size_t cap)
{
    struct buf b;
    buf_init(&b, cap - 1);
    if (fs_read_fd(fd, &b, NULL) != ERR_OK)
        _exit(98);
    memcpy(text, buf_span(&b).p, b.n);
    text[b.n] = 0;
    buf_fini(&b);
}

static void leave_orphan(void)
{
    if (fork() != 0)
        return;
    setsid();
    pid_t grandchild = fork();
    if (grandchild == 0)
        for (;;)
            pause();
    report("orphan %ld", (long)grandchild);
    _exit(0);
}

static void report_descriptors(void)
{
    char text[256] = "";
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        _exit(97);
    for (int fd = 0; fd < 64; fd++) {
        char name[32], link[64];
        snprintf(name, sizeof name, "%d", fd);
        if (fd != dirfd(d) && readlinkat(dirfd(d), name, link, sizeof link) >= 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), " %d", fd);
    }
    closedir(d);
    report("descriptors%s", text);
}

int main(int argc, char **argv)
{
    char script[256], next[256] = "", buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    if (argc != 2)
        return 100;
    role = argv[1];
    bool intake = strcmp(role, "intake") == 0;
    read_script(ROLE_FD_SNAPSHOT, script, sizeof script);
    if (intake && strstr(script, "intake-refuses"))
        return 100;
    if (!intake && strstr(script, "dispatch-orphan"))
        leave_orphan();
    report_descriptors();
    report("environment %s", getenv("NOT_FOR_FUNCTIONS") ? "whole" : "clean");
    report("started %ld %s", (long)getpid(), script);
    channel_send(ROLE_FD_SUPERVISOR, CHANNEL_READY, SPAN_NONE, NULL, 0);
    for (int stops = 0; stops < (intake ? 2 : 1);) {
        struct channel_message m;
        struct pollfd p = {.fd = ROLE_FD_SUPERVISOR, .events = POLLIN};
        poll(&p, 1, -1);
        enum err e = channel_recv(ROLE_FD_SUPERVISOR, buf, sizeof buf, false, &m);
        if (e == ERR_CLOSED) {
            report("closed");
            return 0;
        }
        if (e)
            continue;
        switch (m.type) {
        case CHANNEL_PREPARE:
            read_script(m.fds[0], next, sizeof next);
            report("prepare %zu %s", m.n_fds, next);
            bool rejects = !intake && strstr(next, "dispatch-rejects");
            channel_send(ROLE_FD_SUPERVISOR, rejects ? CHANNEL_FAILED : CHANNEL_READY, SPAN_LIT("no"), NULL, 0);
            break;
        case CHANNEL_SWITCH:
            report("switch %s", next);
            break;
        case CHANNEL_DISCARD:
            report("discard");
            break;
        default:
            report("stop %d", ++stops);
        }
        while (m.n_fds)
            close(m.fds[--m.n_fds]);
    }
    return 0;
}
