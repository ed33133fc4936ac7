/* SPDX-License-Identifier: MIT
 * constructor: a test function that never gets ready. Built several times: CRASH, HANG, DAEMON (leaves a process behind, named
 * by MARK, and crashes).
 */
#define _GNU_SOURCE
#include <creel.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static int unused(struct creel_invocation *in)
{
    (void)in;
    return CREEL_DONE;
}

CREEL_FUNCTION(unused);

__attribute__((constructor)) static void begin(void)
{
#ifdef DAEMON
    if (fork() == 0 && setsid() > 0 && fork() == 0) {
        prctl(PR_SET_NAME, MARK);
        for (;;)
            pause();
    }
#endif
#ifdef HANG
    for (;;)
        pause();
#endif
    abort();
}
