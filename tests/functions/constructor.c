/* SPDX-License-Identifier: MIT
 * constructor: a test function with a constructor. Built several times: PRINT (prints, unflushed), and those that never get ready:
 * CRASH, HANG, DAEMON (leaves a process behind and crashes; it is named by TZ, the one variable that comes through).
 */
#define _GNU_SOURCE
#include <creel.h>
#include <stdio.h>
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
        prctl(PR_SET_NAME, getenv("TZ"));
        for (;;)
            pause();
    }
#endif
#ifdef PRINT
    printf("constructed");
    return;
#endif
#ifdef HANG
    for (;;)
        pause();
#endif
    abort();
}
