/* SPDX-License-Identifier: MIT
 * hostile: works against the host; the event's type says how. OUT is where children that must not live on say that they do.
 */
#define _GNU_SOURCE
#include <creel.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FDS = 64, PIDS = 200, PACKET = 2048 };

static void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void go_on_for_ever(void)
{
    for (;;) {
        int fd = open(OUT, O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (fd >= 0 && write(fd, "alive\n", 6) < 0)
            _exit(1);
        close(fd);
        nap(20);
    }
}

static int is_socket(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Packets that are none, and some that nearly are. */
static void garbage(void)
{
    unsigned packet[PACKET / sizeof(unsigned)];
    for (int fd = 3; fd < FDS; fd++)
        for (int i = 0; is_socket(fd) && i < 3000; i++) {
            for (size_t k = 0; k < sizeof packet / sizeof *packet; k++)
                packet[k] = (unsigned)(i % 2 ? rand() : rand() % 12);
            send(fd, packet, (size_t)(rand() % PACKET), MSG_DONTWAIT | MSG_NOSIGNAL);
        }
}

static void descriptors(void)
{
    char control[CMSG_SPACE(sizeof(int))], packet[16] = {1};
    struct iovec iov = {packet, sizeof packet};
    int null = open("/dev/null", O_RDONLY);
    for (int fd = 3; fd < FDS; fd++)
        for (int i = 0; is_socket(fd) && i < 500; i++) {
            struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
            struct cmsghdr *c = CMSG_FIRSTHDR(&m);
            c->cmsg_level = SOL_SOCKET;
            c->cmsg_type = SCM_RIGHTS;
            c->cmsg_len = CMSG_LEN(sizeof null);
            memcpy(CMSG_DATA(c), &null, sizeof null);
            sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
}

static void closes(void)
{
    for (int fd = 0; fd < FDS; fd++)
        close(fd);
}

static void flood(void)
{
    static char much[1 << 20];
    memset(much, 'x', sizeof much);
    for (int i = 0; i < 1024; i++)
        if (write(1 + i % 2, much, sizeof much) < 0)
            break;
}

static void trap(void)
{
    for (int s = 1; s < 65; s++)
        signal(s, SIG_IGN);
    go_on_for_ever();
}

static void daemons(void)
{
    for (int i = 0; i < 8; i++) {
        if (fork() != 0)
            continue;
        setsid();
        prctl(PR_SET_PDEATHSIG, 0);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (fork() != 0)
            _exit(0);
        go_on_for_ever();
    }
}

static void kills(void)
{
    kill(-1, SIGKILL);
    kill(getppid(), SIGKILL);
    kill(1, SIGKILL);
}

static void stops(void)
{
    for (int p = 1; p < PIDS; p++)
        if (p != getpid())
            kill(p, SIGSTOP);
    raise(SIGSTOP);
}

static void traces(void)
{
    for (int p = 1; p < PIDS; p++)
        if (p != getpid() && ptrace(PTRACE_ATTACH, p, 0, 0) == 0)
            kill(p, SIGKILL);
}

static void limits(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    for (int i = 0; i < RLIM_NLIMITS; i++)
        setrlimit((__rlimit_resource_t)i, &all);
    for (int i = 0; i < 100000; i++)
        (void)!open("/dev/null", O_RDONLY);
}

static const struct {
    const char *type;
    void (*act)(void);
} acts[] = {{"garbage", garbage}, {"descriptors", descriptors}, {"closes", closes}, {"flood", flood},   {"trap", trap}, {"daemons", daemons},
            {"kills", kills},     {"stops", stops},             {"traces", traces}, {"limits", limits}};

static int hostile(struct creel_invocation *in)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp(acts[i].type, creel_type(in)) == 0)
            acts[i].act();
    return CREEL_DONE;
}
CREEL_FUNCTION(hostile, .types = TYPES);
