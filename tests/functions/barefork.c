/* SPDX-License-Identifier: MIT
 * barefork: for the bench: forks and waits for "n" children that make a runner's own system calls and end, in a process that
 * is as large and as confined as the zygote. Its reason is the nanoseconds each took.
 */
#define _GNU_SOURCE
#include <creel.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int bare(struct creel_invocation *in)
{
    const char *text = creel_json_text(in, "/n");
    long n = text ? atol(text) : 1;
    pid_t self = getpid();
    long long begun = now_ns();
    for (long i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() == self && setpgid(0, 0) == 0)
                prctl(PR_SET_CHILD_SUBREAPER, 1);
            _exit(0);
        }
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return creel_reject(in, "cannot fork");
    }
    return creel_retry(in, "%lld", (now_ns() - begun) / (n ? n : 1));
}

CREEL_FUNCTION(bare);
