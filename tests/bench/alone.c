/* SPDX-License-Identifier: MIT
 * alone: the intake role without a supervisor and without dispatch, to measure the door by itself.
 *     alone CONFIGURATION SOCKET
 * Loads the configuration as creeld does, listens, and becomes the role. A child holds the other ends of its channels,
 * takes nudges off, and stops the role at SIGTERM.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/config.h"
#include "base/secrets.h"
#include "base/stats.h"
#include "intake/intake.h"

static volatile sig_atomic_t ending;

static void end(int sig)
{
    (void)sig;
    ending = 1;
}

static void report(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

static void must(bool fine, const char *what)
{
    if (!fine)
        die(EXIT_SYSTEM, "alone: %s failed", what);
}

/* The other ends: the role reports here, and nudges go nowhere. */
static void attend(int supervisor_fd, int peer_fd)
{
    static char buf[CHANNEL_PAYLOAD_BYTES + sizeof(struct channel_head)];
    struct channel_message m;
    signal(SIGTERM, end);
    for (;;) {
        struct pollfd fds[] = {{.fd = supervisor_fd, .events = POLLIN}, {.fd = peer_fd, .events = POLLIN}};
        poll(fds, 2, 200);
        if (channel_recv(supervisor_fd, buf, sizeof buf, false, &m) == ERR_CLOSED)
            exit(0);
        while (channel_recv(peer_fd, buf, sizeof buf, false, &m) == ERR_OK)
            continue;
        if (ending == 1) {
            channel_send(supervisor_fd, CHANNEL_STOP, SPAN_LIT(""), NULL, 0);
            channel_send(supervisor_fd, CHANNEL_STOP, SPAN_LIT(""), NULL, 0);
            ending = 2;
        }
    }
}

int main(int argc, char **argv)
{
    struct config *c = NULL;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int supervisor[2], peer[2], fds[7];
    if (argc != 3)
        die(EXIT_USAGE, "usage: alone CONFIGURATION SOCKET");
    must(sodium_init() >= 0, "libsodium");
    must(config_load(argv[1], report, NULL, &c) == ERR_OK, "the configuration");
    must(channel_pair(supervisor, NULL) == ERR_OK && channel_pair(peer, NULL) == ERR_OK, "a channel");
    if (fork() == 0) {
        close(supervisor[1]);
        close(peer[1]);
        attend(supervisor[0], peer[0]);
    }
    snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[2]);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(listening, (struct sockaddr *)&a, sizeof a) == 0 && chmod(argv[2], 0666) == 0 &&
             listen(listening, 512) == 0,
         "listening");
    fds[0] = supervisor[1];
    fds[1] = peer[1];
    must(shared_create(&fds[2], NULL) == ERR_OK, "the shared segment");
    must(config_snapshot(c, &fds[3], NULL) == ERR_OK && secrets_gather(c, -1, &fds[4], NULL) == ERR_OK, "the snapshot");
    fds[5] = listening;
    fds[6] = open("/dev/null", O_RDWR);
    for (int i = 0; i < 7; i++)
        fds[i] = fcntl(fds[i], F_DUPFD, 100);
    close(supervisor[0]);
    close(peer[0]);
    for (int i = 0; i < 7; i++)
        dup2(fds[i], ROLE_FD_SUPERVISOR + i);
    for (int i = ROLE_FD_FIRST_FREE; i < 200; i++)
        close(i);
    return intake_main();
}
