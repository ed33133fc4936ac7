/* SPDX-License-Identifier: MIT
 * bad: misbehaves as MODE says: crash, hang, leak, bomb (forks without end), runaway (a double-forked child in a session of its own
 * that goes on writing a line to OUT every 20 ms while the run hangs).
 */
#include <creel.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void crash(void)
{
    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would report it as a finding */
    raise(SIGSEGV);
}

static void hang(void)
{
    for (;;)
        pause();
}

static void leak(void)
{
    for (;;) {
        char *p = malloc(1 << 20);
        if (p)
            memset(p, 1, 1 << 20);
    }
}

static void bomb(void)
{
    for (;;)
        if (fork() == 0)
            setsid();
}

static void runaway(void)
{
    if (fork() == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        if (fork() != 0)
            _exit(0);
        for (;;) {
            int fd = open(OUT, O_WRONLY | O_CREAT | O_APPEND, 0666);
            if (fd >= 0 && write(fd, "alive\n", 6) < 0)
                _exit(1);
            close(fd);
            nanosleep(&(struct timespec){0, 20000000}, NULL);
        }
    }
    hang();
}

static int bad(struct creel_invocation *in)
{
    (void)in;
    MODE();
    return CREEL_DONE;
}
CREEL_FUNCTION(bad, .types = TYPES, .timeout_ms = 500);
